//! What the author's own server says of a post that isn't known here.
//!
//! Asked for a moment at most, and by a few at a time: whoever is signed in may ask about anybody's post. Each caller has few turns of their own
//! among those of all, so whose authors are slow waits for themself; and who finds all turns taken waits a moment for one. What comes back is
//! judged by the filter, as if it had come from the firehose, and is told and forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::super::Dashboard;
use crate::event::MAX_RECORD;
use crate::pds::Pds;
use crate::record::RecordKey;
use crate::sandbox::filter::{RawRecord, Verdict};

/// How long all of it may take: the wait for a turn, and the author's server, from its DID on.
const PATIENCE: Duration = Duration::from_secs(3);

/// How much of that may be the wait for a turn, so that the server has some of it left.
const WAIT: Duration = Duration::from_secs(2);

/// Servers that are asked at one time.
const AT_ONCE: usize = 16;

/// Of these, for one caller.
const FOR_ONE: usize = 2;

/// What became of the question.
#[derive(Debug)]
pub(super) enum Look {
    /// Enough is known here.
    Unneeded,
    /// With the cause, in a few words.
    Unanswered(String),
    Missing,
    Found(Verdict),
}

/// Who is asking.
#[derive(Debug, Clone)]
pub(in super::super) struct Looks {
    all: Arc<Semaphore>,
    /// The turns of who asks right now.
    callers: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
}

/// Somebody's turn, until it is dropped.
struct Turn {
    _of_all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Default for Looks {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), callers: Arc::default() }
    }
}

impl Looks {
    async fn turn(&self, caller: &str) -> Option<Turn> {
        // Whoever waits for their own turns takes nobody else's.
        let own = self.of(caller).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Turn { _of_all: of_all, _own: own })
    }

    fn of(&self, caller: &str) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = callers.get(caller).and_then(Weak::upgrade) {
            return turns;
        }
        callers.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(FOR_ONE));
        callers.insert(caller.to_owned(), Arc::downgrade(&turns));
        turns
    }
}

impl Dashboard {
    pub(super) async fn look(&self, caller: &str, key: &RecordKey) -> Look {
        let began = Instant::now();
        let Ok(Some(_turn)) = timeout_at(began + WAIT, self.0.looks.turn(caller)).await else {
            return Look::Unanswered("too many are being asked right now".to_owned());
        };
        match timeout_at(began + PATIENCE, self.ask(key)).await {
            Ok(look) => look,
            Err(_) => Look::Unanswered(format!("it did not answer within {} seconds", PATIENCE.as_secs())),
        }
    }

    async fn ask(&self, key: &RecordKey) -> Look {
        let parts = &self.0.parts;
        let document = match parts.resolver.resolve(&key.did).await {
            Ok(document) => document,
            Err(cause) => return Look::Unanswered(cause.to_string()),
        };
        let Some(origin) = &document.pds else { return Look::Unanswered("the author's DID document names no server".to_owned()) };
        let json = match Pds::new(parts.client.clone(), origin).record(key).await {
            Ok(Some(json)) if json.len() > MAX_RECORD => return Look::Found(Verdict::Malformed("too-large".to_owned())),
            Ok(Some(json)) => json,
            Ok(None) => return Look::Missing,
            Err(cause) => return Look::Unanswered(cause.to_string()),
        };
        let (judge, key) = (Arc::clone(&parts.judge), key.clone());
        // A record may be a megabyte that somebody has made to be slow to read.
        let judged = tokio::task::spawn_blocking(move || judge(&RawRecord { did: &key.did, collection: key.collection.nsid(), rkey: &key.rkey, json: &json }));
        judged.await.map_or_else(|_| Look::Unanswered("its answer could not be judged".to_owned()), Look::Found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_has_two_turns_and_all_have_sixteen_for_which_others_wait() {
        let looks = Looks::default();
        let soon = async |caller: &str| tokio::time::timeout(WAIT, looks.turn(caller)).await.ok().flatten();
        let mut turns = Vec::new();
        for caller in 0..AT_ONCE / FOR_ONE {
            for _ in 0..FOR_ONE {
                turns.push(soon(&caller.to_string()).await.expect("there is a turn"));
            }
            assert!(soon(&caller.to_string()).await.is_none(), "a third");
        }
        assert!(soon("another").await.is_none(), "all are taken");
        let waits = tokio::spawn({
            let looks = looks.clone();
            async move { looks.turn("another").await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        turns.pop();
        assert!(waits.await.is_ok_and(|has_one| has_one), "whoever waits comes next");
        drop(turns);
        drop(soon("another").await);
        drop(looks.of("one more"));
        assert!(looks.callers.lock().is_ok_and(|callers| callers.len() == 1), "nobody else is remembered");
    }
}
