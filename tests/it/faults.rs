//! Faults of the machine and of the network: wires that break, readers that go or never read, a clock that leaps, no more files to
//! open, a file system that takes no writes. Feeds are served meanwhile, operators are told, and when the fault is gone nothing has been
//! lost or done twice. What a disk does that is full or broken is in `disk.rs`.

mod clocks; // leap ahead, and back
mod descriptors; // run out
mod outbound; // wires to other servers break
mod read_only; // the file system takes no writes
mod readers; // go in the middle, or never read
mod upstream; // the wire to the firehose breaks
mod wire; // between the program and a server

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium::demo::server::Server;
use atrarium_tests::http::Answer;
use atrarium_tests::network::{CONFIG, POST, did, uri};
use atrarium_tests::numbers::sum;
use atrarium_tests::process::{Launch, Process};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{Network, http, jetstream_v2, records};
use wire::{Way, Wire};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// More time between two events than the program goes back by when it connects again: what it has not read would be missed.
const APART_MS: u64 = 6_000;

/// Which wire of Jetstream's the firehose speaks.
enum Firehose {
    V1(Server),
    V2(jetstream_v2::Server),
}

impl Firehose {
    async fn v1() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        Self::V1(Server::start(listener).expect("a listener that was just bound"))
    }

    async fn v2() -> Self {
        Self::V2(jetstream_v2::Server::start().await)
    }

    fn endpoint(&self) -> String {
        match self {
            Self::V1(server) => server.endpoint(),
            Self::V2(server) => server.endpoint(),
        }
    }

    fn publish(&self, event: &str) {
        match self {
            Self::V1(server) => server.publish(event),
            Self::V2(server) => server.publish(event),
        }
    }

    fn disconnect_all(&self) {
        match self {
            Self::V1(server) => server.disconnect_all(),
            Self::V2(server) => server.disconnect_all(),
        }
    }
}

/// The program as a process, a firehose before it, a wire between the two, and a community in which its owner posts.
struct House {
    process: Process,
    firehose: Firehose,
    wire: Wire,
    network: Network,
    community: String,
    /// What the feed must show, the newest first.
    posts: Vec<String>,
    /// Changes of posts that were published.
    published: u32,
    directory: PathBuf,
    _temporary: tempfile::TempDir,
}

impl House {
    /// The first connections to the firehose go these ways.
    async fn before(firehose: Firehose, ways: &[Way]) -> Self {
        let temporary = tempfile::tempdir().expect("tests need a temporary directory");
        let directory = temporary.path().join("data");
        let endpoint = firehose.endpoint();
        let server: SocketAddr = endpoint.split('/').nth(2).and_then(|host| host.parse().ok()).expect("an endpoint has an address");
        let wire = Wire::before(server, ways).await;
        let now = Clock::system().now_ms();
        let mut network = Network::starting_at(now - 60 * 60 * 1_000);
        firehose.publish(&network.create(&did("owner"), CONFIG, "main", records::config("Test", TAG, now)));
        let process = launch(&directory, &wire.to(&endpoint));
        let community = uri(&did("owner"), CONFIG, "main");
        let mut house = Self { process, firehose, wire, network, community, posts: Vec::new(), published: 0, directory, _temporary: temporary };
        house.publish(8);
        assert!(house.process.ready().await, "{}", house.process.log());
        house
    }

    /// So many posts more. After each four the last but one is deleted.
    fn publish(&mut self, posts: usize) {
        for _ in 0..posts {
            let (rkey, created_ms) = (format!("p{:04}", self.published), Clock::system().now_ms() - 600_000 + i64::from(self.published));
            self.network.pass(APART_MS);
            let event = self.network.create(&did("owner"), POST, &rkey, records::post(&format!("hello {TAG}"), created_ms));
            self.tell(&event);
            self.posts.insert(0, uri(&did("owner"), POST, &rkey));
            if self.published % 5 == 4 {
                let gone = self.posts.remove(1);
                self.network.pass(APART_MS);
                let event = self.network.delete(&did("owner"), POST, atrarium_tests::network::rkey(&gone));
                self.tell(&event);
            }
        }
    }

    fn tell(&mut self, event: &str) {
        self.firehose.publish(event);
        self.published += 1;
    }

    /// The feed's first page, which here is all of it.
    fn page(&self) -> String {
        format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}&limit=100", feed_of(&self.community))
    }

    /// What the feed shows now; nothing where it isn't known yet.
    async fn feed(&self) -> Vec<String> {
        posts_of(&http::get(self.process.address, &self.page()).await.expect("the program answers").json())
    }

    /// Waits until all that was published is shown, and nothing else.
    async fn shows_all(&mut self) {
        let began = Instant::now();
        loop {
            let shown = self.feed().await;
            if shown == self.posts {
                return;
            }
            assert!(began.elapsed() < PATIENCE && !self.process.has_ended(), "{shown:?}\nand not {:?}:\n{}", self.posts, self.process.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the feed shows once it shows so many posts.
    async fn shows(&self, posts: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let shown = self.feed().await;
            if shown.len() == posts {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "{shown:?}\nand not {posts}:\n{}", self.process.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Each change of a post was done once, however often it was told, and nothing was passed over.
    async fn did_all_once(&self) {
        let numbers = self.numbers().await;
        assert_eq!(sum(&numbers, "atrarium_events_total{kind=\"post\",outcome=\"applied\"}"), f64::from(self.published), "{numbers}");
        let wrong = ["atrarium_jetstream_gaps_total", "atrarium_jetstream_refused_total", "atrarium_dead_letters_total", "atrarium_store_failures_total"];
        for name in wrong {
            assert_eq!(sum(&numbers, name), 0.0, "{numbers}");
        }
    }

    async fn numbers(&self) -> String {
        http::get(self.process.admin, "/metrics").await.expect("the admin listener answers").body
    }

    async fn number(&self, series: &str) -> f64 {
        sum(&self.numbers().await, series)
    }

    /// Waits until a number is as it must be.
    async fn counts(&self, series: &str, right: impl Fn(f64) -> bool) {
        let began = Instant::now();
        while !right(self.number(series).await) {
            assert!(began.elapsed() < PATIENCE, "{series} doesn't come to what it must be:\n{}", self.numbers().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ready(&self) -> Answer {
        http::get(self.process.admin, "/ready").await.expect("the admin listener answers")
    }
}

/// Waits for something that must happen.
pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happens).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

/// The program on this data, before this firehose. The events of these tests are an hour old.
fn launch(directory: &Path, jetstream: &str) -> Process {
    let flags = ["--idle-timeout-secs", "5", "--ready-lag-secs", "7200"];
    Launch { directory, jetstream, port: None, failpoints: None, flags: &flags }.start()
}
