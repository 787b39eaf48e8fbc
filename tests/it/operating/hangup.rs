//! SIGHUP: what of the configuration counts at once, what is told to take a new start, and what is refused as a whole.

use std::path::{Path, PathBuf};

use atrarium_tests::network::did;
use atrarium_tests::process::{Launch, Process};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{World, http};

pub(super) struct Host {
    pub(super) process: Process,
    file: PathBuf,
    /// How often it was told to read again.
    told: usize,
}

impl Host {
    fn write(&self, text: &str) {
        std::fs::write(&self.file, text).expect("the test's own file");
    }

    /// What the log says of the configuration once it was read again.
    pub(super) async fn reads(&mut self, text: &str, says: &str) {
        self.write(text);
        self.told += 1;
        self.process.hang_up();
        self.process.says(&["configuration", says], 1).await;
        // The components are looked at after it, each time.
        self.process.says(&["components"], self.told).await;
    }

    async fn feeds(&self) -> String {
        http::get(self.process.address, "/xrpc/app.bsky.feed.describeFeedGenerator").await.expect("it answers").body
    }

    /// Waits until a feed is there, or isn't.
    pub(super) async fn until_served(&self, feed: &str, wanted: bool) {
        while self.feeds().await.contains(feed) != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn posts(&self, feed: &str) -> Vec<String> {
        posts_of(&http::get(self.process.address, &format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}")).await.expect("it answers").json())
    }
}

/// The real program with a file for its configuration, on a disk that may be made small.
pub(super) async fn host(directory: &Path, jetstream: &str, components: &Path) -> Host {
    let file = directory.with_file_name("atrarium.toml");
    std::fs::write(&file, "").expect("the test's own file");
    let (config, components) = (file.to_string_lossy().into_owned(), components.to_string_lossy().into_owned());
    let flags = ["--config", &config, "--components", &components];
    let mut process = Launch { directory, jetstream, failpoints: None, flags: &flags, port: None }.start_on_a_small_disk();
    assert!(process.ready().await, "{}", process.log());
    Host { process, file, told: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_have_communities_counts_at_once_and_back_again() {
    let mut world = World::new().await;
    let components = tempfile::tempdir().expect("tests need a temporary directory");
    let mut host = host(&world.directory.with_file_name("alone"), &world.server.endpoint(), components.path()).await;
    let (ann, ben) = (world.open(&did("ann"), "anns", TAG), world.open(&did("ben"), "bens", OTHER_TAG));
    let (anns, bens) = (feed_of(&ann), feed_of(&ben));
    let now = atrarium::clock::Clock::system().now_ms();
    let post = world.post(&did("ann"), "p", TAG, now - 30_000);
    host.until_served(&anns, true).await;
    host.until_served(&bens, true).await;
    while host.posts(&anns).await != [post.clone()] {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }

    host.reads(&format!("deny-owner = [\"{}\"]\n", did("ann")), "changed=\"deny-owner\"").await;
    host.until_served(&anns, false).await;
    assert!(host.feeds().await.contains(&bens), "the other one is as it was");

    // A mistake changes nothing, not even what is right beside it.
    host.reads("deny-owner = []\nqueue-limit = \"many\"\n", "not read again").await;
    assert!(host.process.log().contains("queue-limit"), "{}", host.process.log());
    assert!(!host.feeds().await.contains(&anns));

    // What can't count now is told, by its name.
    host.reads("queue-limit = 5000\n", "changed=\"deny-owner\"").await;
    host.process.says(&["count from the next start on", "queue-limit"], 1).await;
    host.until_served(&anns, true).await;
    assert_eq!(host.posts(&anns).await, [post], "what was closed is opened again with what it had");

    host.reads("log-level = \"warn,atrarium=debug\"\n", "changed=\"log-level\"").await;
    world.post(&did("ann"), "q", TAG, now - 20_000);
    host.process.says(&["DEBUG", "committed"], 1).await;
    host.process.kill().await;
    world.stop().await;
}
