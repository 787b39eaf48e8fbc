//! Against the real things: a PLC directory, a PDS and Bluesky's AppView that others wrote, on loopback.
//!
//! ```text
//! people → PDS → bridge → the program
//! reader → PDS → AppView → the program, and what it answers comes back hydrated
//! ```
//!
//! Here nothing is made up but the people: records, signatures, events and requests are what those programs make of them. Events
//! reach the program in the order in which the PDS took the writes: so what must not appear is written before something that must.

mod browser; // the dashboard, as people use it
mod dashboard; // the same life, lived through the API
mod document; // every answer of the API is what its document says
mod faltering; // a PDS that loses answers, is silent, or is edited meanwhile
mod journey; // a community's life, seen through the AppView
mod killed; // PDS, bridge and program, again and again
mod read; // what the firehose didn't tell
mod secrets; // none is in the log
mod sign_in; // by app password and by OAuth, at a real PDS
mod stage; // where a feed is looked at
mod ways; // what a PDS does that no fixture shows

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use atrarium_tests::detour::Detour;
use atrarium_tests::network::{CONFIG, MEMBERSHIP};
use atrarium_tests::peers::Peers;
use atrarium_tests::ports::free_port;
use atrarium_tests::process::{Launch, Process};
use atrarium_tests::repo::Person;
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{http, records};
use serde_json::{Value, json};

/// What follows within a second on an idle machine may take long on one that compiles beside.
const PATIENCE: Duration = Duration::from_secs(120);
const TAG: &str = "#atrarium_0a11c0de";
const SKELETON: &str = "app.bsky.feed.getFeedSkeleton";
const HYDRATED: &str = "app.bsky.feed.getFeed";

/// The program, and where it is.
struct House {
    /// `None` while it is killed.
    program: Option<Process>,
    jetstream: String,
    port: u16,
    /// Where DIDs and repos are found, and what else a test wants.
    flags: Vec<String>,
    directory: tempfile::TempDir,
}

impl House {
    async fn before(peers: &Peers) -> Self {
        Self::with(peers, &[]).await
    }

    /// With flags of `atrarium serve`.
    async fn with(peers: &Peers, flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let flags = network(peers).into_iter().chain(flags.iter().map(ToString::to_string)).collect();
        let mut house = Self { program: None, jetstream: peers.jetstream(), port: free_port(), flags, directory };
        house.start().await;
        house
    }

    /// The same before a PDS that misbehaves on command.
    async fn behind(peers: &Peers, detour: &Detour) -> Self {
        let mut house = Self {
            program: None,
            jetstream: peers.jetstream(),
            port: free_port(),
            flags: network(peers),
            directory: tempfile::tempdir().expect("tests need a temporary directory"),
        };
        let plc = house.flags.iter_mut().find(|flag| **flag == peers.plc_url()).expect("it is told where the directory is");
        *plc = detour.url();
        house.start().await;
        house
    }

    /// Starts the program on what it had.
    async fn start(&mut self) {
        self.start_with(None).await;
    }

    /// The same with failpoints.
    async fn start_with(&mut self, failpoints: Option<&str>) {
        let data = self.directory.path().join("data");
        let url = format!("http://localhost:{}", self.port);
        let mut flags = vec!["--public-url", &url];
        flags.extend(self.flags.iter().map(String::as_str));
        let mut program = Launch { directory: &data, jetstream: &self.jetstream, port: Some(self.port), failpoints, flags: &flags }.start();
        assert!(program.ready().await, "{}", program.log());
        self.program = Some(program);
    }

    /// kill -9.
    async fn kill(&mut self) {
        self.program.take().expect("the program runs").kill().await;
    }

    fn program(&self) -> &Process {
        self.program.as_ref().expect("the program runs")
    }

    /// The identity under which the AppView looks for it.
    fn did(&self) -> String {
        format!("did:web:localhost%3A{}", self.port)
    }

    fn address(&self) -> SocketAddr {
        self.program().address
    }

    /// The whole feed of a community, or what is said instead.
    async fn feed(&self, community: &str) -> Result<Vec<String>, String> {
        let pages = walk(self.address(), SKELETON, &feed_of(community), 100, None).await?;
        Ok(pages.iter().flat_map(posts_of).collect())
    }

    /// Waits until a feed is exactly this.
    async fn shows(&self, what: &str, community: &str, expected: &[String]) {
        let began = Instant::now();
        loop {
            let shown = self.feed(community).await;
            if shown.as_deref() == Ok(expected) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: expected {expected:#?}, shown {shown:#?}\n{}", self.program().log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What tells the program where DIDs and repos are found.
fn network(peers: &Peers) -> Vec<String> {
    let pds = format!("http://{}", peers.pds());
    // There is no DNS for *.test.
    ["--allow-private-network", "--plc-url", &peers.plc_url(), "--backfill-pds", &pds, "--handle-resolver", &pds].map(str::to_owned).to_vec()
}

/// A feed in pages of this size; or what is answered instead of one of them.
async fn walk(address: SocketAddr, method: &str, feed: &str, limit: usize, token: Option<&str>) -> Result<Vec<Value>, String> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/xrpc/{method}?feed={}&limit={limit}{cursor}", http::encode(feed));
        let answer = http::get_with(address, &path, &headers).await.map_err(|cause| cause.to_string())?;
        if answer.status != 200 {
            return Err(format!("{} {}", answer.status, answer.error()));
        }
        let page = answer.json();
        let next = page["cursor"].as_str().map(|next| format!("&cursor={}", http::encode(next)));
        pages.push(page);
        match next {
            Some(next) if next == cursor => return Err(format!("a cursor that doesn't move: {cursor}")),
            Some(next) => cursor = next,
            None => return Ok(pages),
        }
    }
}

/// Opens a community, and lets people join it; answers its AT-URI.
async fn found(owner: &Person, moderators: &[&Person], members: &[&Person], now: i64) -> String {
    let moderators: Vec<&str> = moderators.iter().map(|moderator| moderator.did.as_str()).collect();
    let config = records::with(records::config("Night moths", TAG, now), json!({ "moderators": moderators }));
    let community = owner.put(CONFIG, "moths", config).await;
    for member in members {
        member.put(MEMBERSHIP, "moths", records::membership(&community, true, now)).await;
    }
    community
}
