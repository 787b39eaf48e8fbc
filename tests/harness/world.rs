//! The program itself, in this process: a firehose of ours before it, its HTTP behind it, a clock in the test's hand.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atrarium::app::{App, Edges, StartError};
use atrarium::cli::{self, Command};
use atrarium::clock::Clock;
use atrarium::config::Config;
use atrarium::demo::script::Script;
use atrarium::demo::server::Server;
use atrarium::jetstream::Cursor;
use atrarium::store::db::Backend;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::{self, Answer};
use crate::jetstream_v2;
use crate::network::Network;

/// 2026-11-20T12:00:00Z: the present of most tests.
pub const NOW: i64 = 1_795_176_000_000;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a test changes about the program that it starts.
#[derive(Default)]
pub struct WorldOptions {
    /// Flags of `atrarium serve`, beside those that every test needs.
    pub flags: Vec<String>,
    /// What the first connections to the firehose meet.
    pub scripts: Vec<Script>,
    /// Instead of the file: something with faults. Made anew for every start.
    pub backend: Option<fn() -> Backend>,
    /// Instead of the binary: what looks at uploaded mixes.
    pub program: Option<PathBuf>,
}

/// Which servers the program follows, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Follows {
    #[default]
    V1,
    V2,
    V1ThenV2,
    V2ThenV1,
}

pub struct World {
    pub network: Network,
    pub clock: Clock,
    pub server: Server,
    /// It is told everything that `server` is told, if it is followed.
    pub v2: Option<jetstream_v2::Server>,
    follows: Follows,
    /// `None` between `stop` and `start_again`.
    pub app: Option<App>,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub directory: PathBuf,
    options: WorldOptions,
    _temporary: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(WorldOptions::default()).await
    }

    /// With flags of `atrarium serve`.
    pub async fn with_flags(flags: &[&str]) -> Self {
        Self::with(WorldOptions { flags: flags.iter().map(ToString::to_string).collect(), ..WorldOptions::default() }).await
    }

    pub async fn with(options: WorldOptions) -> Self {
        Self::following(Follows::V1, options).await
    }

    pub async fn following(follows: Follows, mut options: WorldOptions) -> Self {
        let temporary = tempfile::tempdir().expect("tests need a temporary directory");
        let directory = temporary.path().join("data");
        let scripts = std::mem::take(&mut options.scripts);
        let server = Server::start_scripted(listener().await, scripts).expect("a listener that was just bound");
        let v2 = if follows == Follows::V1 { None } else { Some(jetstream_v2::Server::start().await) };
        let clock = Clock::standing_at(NOW);
        let unset = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut world = Self {
            network: Network::starting_at(NOW - 60_000),
            clock,
            server,
            v2,
            follows,
            app: None,
            address: unset,
            admin: unset,
            directory,
            options,
            _temporary: temporary,
        };
        world.start_again().await;
        world
    }

    /// Starts the program on the same data.
    pub async fn start_again(&mut self) {
        let (v1, v2) = (self.server.endpoint(), self.v2.as_ref().map(jetstream_v2::Server::endpoint).unwrap_or_default());
        let jetstream = match self.follows {
            Follows::V1 => v1,
            Follows::V2 => v2,
            Follows::V1ThenV2 => format!("{v1},{v2}"),
            Follows::V2ThenV1 => format!("{v2},{v1}"),
        };
        let program = self.options.program.clone().unwrap_or_else(|| crate::process::binary().to_owned());
        let began = Instant::now();
        let app = loop {
            let (public, admin) = (listener().await, listener().await);
            self.address = public.local_addr().expect("a bound listener");
            self.admin = admin.local_addr().expect("a bound listener");
            let config = config(&self.directory, &jetstream, &self.options.flags);
            let backend = self.options.backend.map(|make| make());
            let edges = Edges { public, admin, clock: self.clock.clone(), stop: CancellationToken::new(), backend, program: program.clone() };
            match App::start(config, edges).await {
                // A process that another test is just starting holds all that is open here until it has become its own program.
                Err(StartError::InUse(_)) if began.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(5)).await,
                started => break started.expect("the program starts"),
            }
        };
        self.app = Some(app);
    }

    /// The flags from the next start on.
    pub fn set_flags(&mut self, flags: &[&str]) {
        self.options.flags = flags.iter().map(ToString::to_string).collect();
    }

    /// Ends the program in an orderly way.
    pub async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.end().await;
        }
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the test has not stopped the program")
    }

    pub fn publish(&self, event: impl Into<String>) {
        let event = event.into();
        if let Some(v2) = &self.v2 {
            v2.publish(&event);
        }
        self.server.publish(event);
    }

    /// Waits until everything that was published has had its effect.
    pub async fn settled(&mut self) {
        let marker = self.network.marker();
        let time_us = self.network.time_us();
        self.publish(marker);
        self.until("everything published is in the index", |world| {
            let app = world.app();
            let cursor: Option<Cursor> = app.queue.cursor().ok().flatten();
            app.queue.depth() == 0 && cursor.is_some_and(|cursor| cursor.time_us >= time_us)
        })
        .await;
    }

    /// Waits for something that must become true.
    pub async fn until(&self, what: &str, mut check: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !check(self) {
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        http::get(self.address, path).await.expect("the program answers")
    }

    /// A page of a feed: the answer as it is.
    pub async fn page(&self, community: &str, limit: usize, cursor: Option<&str>) -> Answer {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let feed = feed_of(community);
        self.get(&format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}&limit={limit}{cursor}")).await
    }

    /// All posts of a feed, walked through in pages of this size; `community` is the URI of its config.
    pub async fn walk(&self, community: &str, limit: usize) -> Vec<String> {
        let (mut posts, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let answer = self.page(community, limit, cursor.as_deref()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let page = answer.json();
            posts.extend(posts_of(&page));
            match page["cursor"].as_str() {
                Some(next) => {
                    assert_ne!(Some(next), cursor.as_deref(), "a cursor that doesn't move");
                    cursor = Some(next.to_owned());
                }
                None => return posts,
            }
        }
    }

    /// The whole feed in pages of 100.
    pub async fn feed(&self, community: &str) -> Vec<String> {
        self.walk(community, 100).await
    }
}

/// The post URIs of a skeleton.
pub fn posts_of(page: &serde_json::Value) -> Vec<String> {
    page["feed"].as_array().into_iter().flatten().filter_map(|item| item["post"].as_str().map(str::to_owned)).collect()
}

/// A community's feed URI from that of its config.
pub fn feed_of(community: &str) -> String {
    community.replace("/net.atrarium.community.config/", "/app.bsky.feed.generator/")
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback")
}

/// Whether these flags say where repos are found.
pub fn reads_repos<'a>(mut flags: impl Iterator<Item = &'a str>) -> bool {
    flags.any(|flag| matches!(flag, "--relay" | "--backfill-pds"))
}

/// The configuration of `atrarium serve` with these flags.
pub fn config(directory: &Path, jetstream: &str, flags: &[String]) -> Config {
    let mut all = ["--batch-wait-ms", "1"].map(str::to_owned).to_vec();
    // Most repos of these tests are nowhere.
    if !reads_repos(flags.iter().map(String::as_str)) {
        all.push("--firehose-only".to_owned());
    }
    // Their people are in no directory, and the real one is none of these tests' business.
    if !flags.iter().any(|flag| flag == "--plc-url") {
        all.extend(["--plc-url", "https://127.0.0.1:9"].map(str::to_owned));
    }
    all.extend_from_slice(flags);
    serve(directory, jetstream, &all)
}

/// The configuration of `atrarium serve` with these flags and nothing else that a test would want.
pub fn serve(directory: &Path, jetstream: &str, flags: &[String]) -> Config {
    let directory = directory.to_string_lossy().into_owned();
    let always = ["atrarium", "serve", "--data-dir", &directory, "--jetstream", jetstream];
    let arguments = always.into_iter().map(str::to_owned).chain(flags.iter().cloned()).map(Into::into);
    match cli::parse(arguments, []).expect("the test's flags are right") {
        Command::Serve(config) => *config,
        other => panic!("`serve` is no other command: {other:?}"),
    }
}
