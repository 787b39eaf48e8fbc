//! The dashboard's API, before a world in which nobody's own server answers: who is let in, what is read, what is refused. What is
//! written needs a real PDS, and is tried in `real_peers/dashboard.rs`.

mod access; // every endpoint, and everybody
mod browsers; // what pages, other sites and cookies can do
mod crowd; // ten thousand members in a browser
mod errors; // which, and what they don't tell
mod mixes; // of owners: uploaded, previewed, activated, and what becomes of them
mod operators; // how the host is, and whom it shuts out
mod pages; // what the dashboard's pages are made of
mod people; // roles, actions, names and lists
mod proof; // who becomes somebody, and for how long
mod shares; // how often somebody may ask, and try
mod streams; // who listens, and for how long
mod uploading; // how a mix comes in, and what doesn't

use std::path::PathBuf;

use atrarium_tests::api::Caller;
use atrarium_tests::network::{CONFIG, did};
use atrarium_tests::records;
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use atrarium_tests::{World, WorldOptions};
use serde_json::json;

/// The identity of a program with the default public URL.
const SERVICE: &str = "did:web:localhost%3A3000";

/// Somebody for whom others would like to be taken.
const VICTIM: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// Believes what the proxy before it says, which is the test.
const BEHIND_A_PROXY: [&str; 2] = ["--client-address-header", "x-forwarded-for"];

/// A community with everybody in it, and another beside it.
struct Town {
    world: World,
    /// AT-URI of the community; its id is `main`.
    community: String,
    /// A member's, shown.
    post: String,
    /// Another member's, hidden by the moderator.
    hidden: String,
    /// A moderator's.
    notice: String,
    /// The owner's.
    welcome: String,
}

impl Town {
    async fn new() -> Self {
        Self::with_flags(&[]).await
    }

    /// `oscar` is an operator.
    async fn with_flags(flags: &[&str]) -> Self {
        Self::with(flags, None).await
    }

    /// Uploaded mixes are looked at by this program.
    async fn with(flags: &[&str], program: Option<PathBuf>) -> Self {
        let operator = did("oscar");
        let flags = ["--operators", operator.as_str()].iter().chain(flags).map(ToString::to_string).collect();
        let mut world = World::with(WorldOptions { flags, program, ..WorldOptions::default() }).await;
        let (olga, mia, max, ann, ben) = (did("olga"), did("mia"), did("max"), did("ann"), did("ben"));
        let config = records::with(records::config("Night moths", TAG, NOW - 50_000), json!({ "moderators": [mia, max] }));
        let community = world.create(&olga, CONFIG, "main", config);
        world.open(&did("otto"), "other", OTHER_TAG);
        world.join(&community, &[&ann, &ben]);
        let post = world.post(&ann, "p1", TAG, NOW - 30_000);
        let hidden = world.post(&ben, "p2", TAG, NOW - 29_000);
        let notice = world.post(&mia, "p3", TAG, NOW - 28_000);
        let welcome = world.post(&olga, "p4", TAG, NOW - 27_000);
        world.post(&did("eve"), "p5", TAG, NOW - 26_000);
        world.act(&mia, "a1", "hide_post", &hidden, &community);
        world.settled().await;
        Self { world, community, post, hidden, notice, welcome }
    }

    /// Somebody with a new session, by name.
    fn signed_in(&self, name: &str) -> Caller {
        self.world.signed_in(&did(name))
    }

    fn nobody(&self) -> Caller {
        Caller::nobody(self.world.address)
    }

    async fn feed(&self) -> Vec<String> {
        self.world.feed(&self.community).await
    }

    async fn end(mut self) {
        self.world.stop().await;
    }
}
