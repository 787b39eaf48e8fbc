//! SIGHUP: the real program takes other components, or says why not, while it runs. What they then do is `reload`'s.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium::demo::server::Server;
use atrarium_tests::network::{CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::process::{Launch, Process};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{Network, http, records};

use crate::guests::hostile;

/// The real program, before a firehose of ours.
struct Real {
    network: Network,
    server: Server,
    process: Process,
    folder: tempfile::TempDir,
    community: String,
    owner: String,
    now: i64,
}

impl Real {
    async fn start(components: bool) -> Self {
        let folder = tempfile::tempdir().expect("tests need a temporary directory");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let server = Server::start(listener).expect("a listener that was just bound");
        let path = folder.path().join("components");
        std::fs::create_dir(&path).expect("the folder is ours");
        let (path, directory, endpoint) = (path.to_string_lossy().into_owned(), folder.path().join("data"), server.endpoint());
        let flags: &[&str] = if components { &["--components", &path] } else { &[] };
        let mut process = Launch { directory: &directory, jetstream: &endpoint, port: None, failpoints: None, flags }.start();
        assert!(process.ready().await, "{}", process.log());
        let now = Clock::system().now_ms();
        let mut network = Network::starting_at(now - 60_000);
        let owner = did("owner");
        server.publish(network.create(&owner, CONFIG, "main", records::config("Real", TAG, now)));
        server.publish(network.create(&owner, MEMBERSHIP, "m", records::membership(&uri(&owner, CONFIG, "main"), true, now)));
        Self { network, server, process, folder, community: uri(&owner, CONFIG, "main"), owner, now }
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join("components").join(name).with_extension("wasm"), bytes).expect("the test's own folder");
    }

    /// The threads that compile.
    fn compilers(&self) -> BTreeSet<PathBuf> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id().expect("it runs"))).into_iter().flatten().flatten();
        let threads = tasks.map(|task| task.path());
        threads.filter(|thread| std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim_end() == "compiler")).collect()
    }

    /// Posts under these keys; then the feed must come to hold those `expected`, newest first.
    async fn posts(&mut self, rkeys: &[&str], expected: &[&str]) {
        for rkey in rkeys {
            self.now += 1;
            let post = self.network.create(&self.owner, POST, rkey, records::post(&format!("hello {TAG}"), self.now - 60_000));
            self.server.publish(post);
        }
        let expected: Vec<String> = expected.iter().map(|rkey| uri(&self.owner, POST, rkey)).collect();
        let began = Instant::now();
        let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}&limit=100", feed_of(&self.community));
        loop {
            let shown = http::get(self.process.address, &path).await.map(|answer| posts_of(&answer.json())).unwrap_or_default();
            if shown == expected {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{expected:?}, and not {shown:?}:\n{}", self.process.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_program_reloads_at_sighup() {
    let mut real = Real::start(true).await;
    real.posts(&["refuse-1"], &["refuse-1"]).await;
    real.put("filter", &hostile("filter"));
    real.process.hang_up();
    real.process.says(&["components reloaded", "count", "filter"], 1).await;
    let compilers = real.compilers();
    real.posts(&["refuse-2", "good-2"], &["good-2", "refuse-1"]).await;

    real.put("community-feed", b"junk");
    real.process.hang_up();
    real.process.says(&["ERROR", "components not reloaded: all go on as they were", "components/community-feed.wasm", "can't be used"], 1).await;
    real.posts(&["refuse-3", "good-3"], &["good-3", "good-2", "refuse-1"]).await;

    // Signals that come during a reload are one: what was put there before any of them counts in the end.
    real.put("community-feed", &hostile("community-feed"));
    for _ in 0..5 {
        real.process.hang_up();
    }
    real.process.says(&["components reloaded", "count", "community-feed"], 1).await;
    real.posts(&["good-4"], &["good-4", "good-3", "good-2", "refuse-1"]).await;
    // Each thread that has compiled leaves memory behind, so it is always the same.
    assert_eq!((real.compilers(), compilers.len()), (compilers, usize::from(cfg!(target_os = "linux"))));
    real.process.terminate();
    let status = real.process.ended().await;
    assert!(status.success() && !real.process.log().contains("panic"), "{status}: {}", real.process.log());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_compiles_gives_way_to_ingest() {
    let mut real = Real::start(true).await;
    real.put("filter", &hostile("filter"));
    real.process.hang_up();
    real.process.says(&["components reloaded", "count", "filter"], 1).await;
    // The thread is kept: the second time it is there from the beginning, and in its place.
    real.put("community-feed", &hostile("community-feed"));
    real.process.hang_up();
    crate::faults::within("the other component is compiled", async {
        loop {
            let (compiler, ingest) = (real.process.niceness("compiler"), real.process.niceness("ingest"));
            assert!(compiler > ingest, "the compiler has {compiler}, and ingest {ingest}");
            if real.process.log().matches("components reloaded: from the next batch").count() == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    real.process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_program_without_components_of_its_own_says_so_at_sighup_and_goes_on() {
    let mut real = Real::start(false).await;
    real.process.hang_up();
    real.process.says(&["WARN", "components not reloaded", "nothing to reload", "--components"], 1).await;
    real.posts(&["good"], &["good"]).await;
    real.process.terminate();
    assert!(real.process.ended().await.success());
}
