//! What callers change: always a record in their own repo, written with their own authority.
//!
//! ```text
//! wish ─ checked ─▶ a turn ─▶ the caller's server ─ its revision ─▶ queue → filter → object → commit ─▶ the answer
//! ```
//!
//! * [`create`]: a community with its feed; [`amend`]: changing and closing one.
//! * [`membership`]: joining and leaving. [`roles`]: appointing and dismissing moderators.
//! * [`moderation`]: hiding, blocking, and taking it back.
//! * [`letters`]: dead letters.
//! * [`turns`]: each write comes to its end, whoever waits for it. [`pen`]: its steps, and what became of one that was not answered;
//!   [`edit`]: changing a record that is there.
//! * [`applied`]: how a record that was just written takes the firehose's way at once.
//!
//! Nothing here writes the index, and no truth is kept here: what a user's server has taken is so, whatever becomes of the answer. If
//! a step fails, the earlier ones are undone, or the problem says what remains. What is written and can't be seen here yet is
//! [`Pending`], neither done nor failed.

mod amend;
mod applied;
mod create;
mod decided;
mod edit;
mod generator;
mod letters;
mod membership;
mod moderation;
mod pen;
mod roles;
mod shares;
mod turns;

pub use amend::{Amendment, Closed};
pub use applied::{Apply, Effect, NotApplied, Pending};
pub use create::NewCommunity;
pub use membership::Left;
pub use moderation::{NewAction, Undone};
pub use pen::Pen;
pub use roles::{Appointed, NewRole};
pub(super) use turns::Turns;

use crate::dashboard::Problem;
use crate::event::Collection;

/// The collection of the records by which Bluesky knows a feed.
pub(super) const GENERATOR: &str = "app.bsky.feed.generator";

/// Times that a record is read and written anew because somebody else was quicker.
const ATTEMPTS: usize = 4;

fn uri(did: &str, collection: &str, rkey: &str) -> String {
    format!("at://{did}/{collection}/{rkey}")
}

/// That the record isn't there any more of which the index knows.
fn config_gone() -> Problem {
    Problem::not_found("CommunityNotFound", "the community's record is gone from your repo")
}

fn config_uri(did: &str, rkey: &str) -> String {
    uri(did, Collection::Config.nsid(), rkey)
}
