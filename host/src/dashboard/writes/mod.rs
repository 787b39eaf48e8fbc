//! What callers change: always a record in their own repo, written with their own authority.
//!
//! ```text
//! wish ─ checked ─▶ the caller's server ─ its revision ─▶ queue → filter → object → commit ─▶ the answer
//! ```
//!
//! * [`create`]: a community with its feed; [`amend`]: changing and closing one.
//! * [`membership`]: joining and leaving. [`roles`]: appointing and dismissing moderators.
//! * [`moderation`]: hiding, blocking, and taking it back.
//! * [`letters`]: dead letters.
//! * [`applied`]: how a record that was just written takes the firehose's way at once.
//!
//! Nothing here writes the index, and no truth is kept here: what a user's server has taken is so, whatever becomes of the answer. If
//! a step fails, the earlier ones are undone, or the problem says what remains.

mod amend;
mod applied;
mod create;
mod decided;
mod generator;
mod letters;
mod membership;
mod moderation;
mod roles;

pub use amend::{Amendment, Closed};
pub use applied::{Apply, NotApplied};
pub use create::NewCommunity;
pub use membership::Left;
pub use moderation::{NewAction, Undone};
pub use roles::{Appointed, NewRole};

use crate::dashboard::Dashboard;
use crate::event::{Body, Collection, Event};

/// The collection of the records by which Bluesky knows a feed.
pub(super) const GENERATOR: &str = "app.bsky.feed.generator";

/// Times that a record is read and written anew because somebody else was quicker.
const ATTEMPTS: usize = 4;

fn uri(did: &str, collection: &str, rkey: &str) -> String {
    format!("at://{did}/{collection}/{rkey}")
}

fn config_uri(did: &str, rkey: &str) -> String {
    uri(did, Collection::Config.nsid(), rkey)
}

impl Dashboard {
    /// Has a repo read, because what the index says of it is out of date.
    async fn read_again(&self, did: &str) {
        self.apply(vec![Event { did: did.to_owned(), body: Body::Want }]).await;
    }
}
