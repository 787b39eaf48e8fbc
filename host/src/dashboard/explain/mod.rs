//! Why a post is in a community's feed, or isn't: the law of the feed, clause by clause, in words that a community's owner understands.
//!
//! ```text
//! facts.rs    what is known here of the post, its author and its place, in one snapshot
//! look.rs     what the author's own server says, where nothing is known here
//! clauses.rs  facts → clauses, and the first that fails
//! ```
//!
//! What is visible is read from the index, and the clauses from the facts that it was made of; they agree, and a test with random histories
//! holds them to it. What nobody here can tell is said to be unknown, never guessed. The author's server is asked at most for a moment, and the
//! answer goes on without it. Facts are gathered for a few at a time, and whoever finds no turn within a moment is told to come again.

mod clauses;
mod facts;
mod look;

use std::sync::Arc;

use facts::Facts;
use look::Look;
pub(super) use look::Looks;

use super::{Dashboard, Problem, views};
use crate::event::{Collection, MAX_DID};
use crate::record::RecordKey;
use crate::sandbox::filter::{RawRecord, Verdict};

/// What the filter makes of a record.
pub type Judge = Arc<dyn Fn(&RawRecord<'_>) -> Verdict + Send + Sync>;

/// The longest record key.
const MAX_RKEY: usize = 512;

impl Dashboard {
    /// Why this post, by its AT-URI or its page's address, is in the community's feed, or isn't. `caller` is who wants to know.
    pub async fn explain(&self, caller: &str, id: &str, post: &str) -> Result<views::Explanation, Problem> {
        let key = post_key(&self.post_uri(post).await?)?;
        let gathering = {
            let (dashboard, id, key) = (self.clone(), id.to_owned(), key.clone());
            move || Facts::gather(&dashboard, &id, &key)
        };
        // Some dozens of look-ups, and none of them may hold up others while the disk stalls.
        let facts = self.0.looks.aside(gathering).await?;
        let look = if facts.is_known() { Look::Unneeded } else { self.look(caller, &key).await };
        Ok(clauses::explanation(&facts, &look))
    }
}

fn post_key(uri: &str) -> Result<RecordKey, Problem> {
    let well_formed = |key: &RecordKey| {
        key.collection == Collection::Post
            && key.did.len() <= MAX_DID
            && key.rkey.len() <= MAX_RKEY
            && atrium_api::types::string::Did::new(key.did.clone()).is_ok()
            && atrium_api::types::string::RecordKey::new(key.rkey.clone()).is_ok()
    };
    RecordKey::from_uri(uri)
        .filter(well_formed)
        .ok_or_else(|| Problem::Invalid("post must be the AT-URI of a post by DID, as at://did:plc:…/app.bsky.feed.post/…".to_owned()))
}
