//! A record that was just written, on the firehose's way before the firehose brings it.
//!
//! The event has the revision that the user's server gave, so what the firehose says of it later is a repeat and changes nothing; and it
//! goes through queue, filter and object like any other, so the API can do nothing that a record could not. Who writes
//! waits until the effect can be read; what takes longer is [`Pending`], and never looks done or failed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::{sleep, timeout};
use utoipa::ToSchema;

use crate::dashboard::Dashboard;
use crate::event::{Body, Collection, Commit, Event, MAX_AHEAD_US, Operation, Rev};

/// How long an answer waits for the effect. A batch takes a tenth of a second; more is a queue with a backlog or a failing disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same while the program ends.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(1);

/// Hands events to the write path, and comes back when they have had their effect.
pub type Apply = Arc<dyn Fn(Vec<Event>) -> Pin<Box<dyn Future<Output = Result<(), NotApplied>> + Send>> + Send + Sync>;

/// The program is about to end: the firehose brings it after the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the program is about to end")]
pub struct NotApplied;

/// What came of a write that was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect<T> {
    /// It is so in every answer from now on.
    Seen(T),
    Pending(Pending),
}

/// Done at the caller's own server, and not yet to be seen here. Nothing need be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pending {
    /// What was written or deleted, as AT-URIs.
    pub records: Vec<String>,
    /// A sentence for people.
    #[schema(example = "it is done at your own server, and counts here as soon as this host has caught up: nothing need be repeated")]
    pub message: String,
}

impl Pending {
    pub(super) fn of(records: Vec<String>) -> Self {
        let message = "it is done at your own server, and counts here as soon as this host has caught up: nothing need be repeated";
        Self { records, message: message.to_owned() }
    }
}

impl<T> Effect<T> {
    /// What can be seen, or else the records that were written.
    pub(super) fn of(seen: Option<T>, records: impl FnOnce() -> Vec<String>) -> Self {
        seen.map_or_else(|| Self::Pending(Pending::of(records())), Self::Seen)
    }
}

/// What was done to a record.
pub(super) fn written(did: &str, collection: Collection, rkey: &str, rev: Rev, operation: Operation, record: &Map<String, Value>) -> Event {
    let record = serde_json::to_string(record).ok();
    Event { did: did.to_owned(), body: Body::Commit(Commit { rev, collection, rkey: rkey.to_owned(), operation, record }) }
}

pub(super) fn deleted(did: &str, collection: Collection, rkey: &str, rev: Rev) -> Event {
    Event { did: did.to_owned(), body: Body::Commit(Commit { rev, collection, rkey: rkey.to_owned(), operation: Operation::Delete, record: None }) }
}

/// Whether a write may have been done by now. Nothing later than a revision of next year would ever count, not even the end of its account.
fn is_believable(event: &Event, now_us: u64) -> bool {
    match &event.body {
        Body::Commit(commit) => commit.rev.time_us() <= now_us.saturating_add(MAX_AHEAD_US),
        _ => true,
    }
}

impl Dashboard {
    /// Answers whether the effect can be read now. If not, it will be: the record is written, and the firehose brings it.
    #[must_use]
    pub(super) async fn apply(&self, events: Vec<Event>) -> bool {
        let parts = self.parts();
        if let Some(event) = events.iter().find(|event| !is_believable(event, parts.clock.now_us())) {
            metrics::counter!("atrarium_api_unapplied_total").increment(1);
            tracing::warn!(did = event.did, "a user's server tells of a write in the future: nothing is taken from it but what the firehose brings");
            return false;
        }
        let ending = async {
            parts.stop.cancelled().await;
            sleep(PATIENCE_AT_THE_END).await;
        };
        let applied = tokio::select! {
            in_time = timeout(PATIENCE, (parts.apply)(events)) => matches!(in_time, Ok(Ok(()))),
            () = ending => false,
        };
        if !applied {
            metrics::counter!("atrarium_api_unapplied_total").increment(1);
            tracing::warn!("a record that was written through the API is not in the index yet: it comes by the firehose");
        }
        applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_word_for_a_write_in_the_future_is_not_taken() {
        const NOW: u64 = 1_795_176_000_000_000;
        let at = |time_us: u64| deleted("did:plc:a", Collection::Config, "main", Rev::last_of(time_us));
        assert!(is_believable(&at(NOW - 1), NOW) && is_believable(&at(NOW + MAX_AHEAD_US), NOW));
        assert!(!is_believable(&at(NOW + MAX_AHEAD_US + 1), NOW) && !is_believable(&at(NOW * 2), NOW));
        assert!(is_believable(&Event { did: "did:plc:a".to_owned(), body: Body::Want }, NOW));
    }
}
