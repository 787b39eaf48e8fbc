//! What the author's own server says of a post that isn't known here.
//!
//! Asked for a moment at most, and by a few at a time: whoever is signed in may ask about anybody's post. Each caller has few turns of their own
//! among those of all, so whose authors are slow waits for themself; and who finds all turns taken waits a moment for one. What comes back is
//! judged by the filter, as if it had come from the firehose, and is told and forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::super::{Dashboard, Problem};
use crate::event::MAX_RECORD;
use crate::pds::Pds;
use crate::record::RecordKey;
use crate::sandbox::filter::{RawRecord, Verdict};

/// How long all of it may take: the wait for a turn, and the author's server, from its DID on.
const PATIENCE: Duration = Duration::from_secs(3);

/// How much of that may be the wait for a turn, so that the server has some of it left; and the wait for what is known here.
const WAIT: Duration = Duration::from_secs(2);

/// Servers that are asked at one time.
const AT_ONCE: usize = 16;

/// Of these, for one caller.
const FOR_ONE: usize = 2;

/// Explanations whose facts are gathered at one time, each on a thread that may wait for the disk: those threads are few for all, and readers of
/// feeds need them.
const GATHERED: usize = 8;

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
    /// Threads for what is known here.
    threads: Arc<Semaphore>,
}

/// Somebody's turn, until it is dropped.
struct Turn {
    _of_all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Default for Looks {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), callers: Arc::default(), threads: Arc::new(Semaphore::new(GATHERED)) }
    }
}

impl Looks {
    /// What `gathering` gives, on a thread that may wait for the disk. If the caller stops waiting it still runs to its end.
    pub(super) async fn aside<T: Send + 'static>(&self, gathering: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
        let unavailable = |why: &str| Problem::Unavailable(format!("{why}: try again"));
        let thread = timeout(WAIT, Arc::clone(&self.threads).acquire_owned()).await;
        let thread = thread.map_err(|_| unavailable("too many posts are being explained right now"))?.expect("nobody closes this semaphore");
        let gathered = tokio::task::spawn_blocking(move || {
            let _thread = thread;
            gathering()
        });
        gathered.await.map_err(|_| unavailable("the explanation broke off"))?
    }

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
        let Ok(Some(turn)) = timeout_at(began + WAIT, self.0.looks.turn(caller)).await else {
            return Look::Unanswered("too many are being asked right now".to_owned());
        };
        match timeout_at(began + PATIENCE, self.ask(key, turn)).await {
            Ok(look) => look,
            Err(_) => Look::Unanswered(format!("it did not answer within {} seconds", PATIENCE.as_secs())),
        }
    }

    /// The turn ends with the last thread that works for it.
    async fn ask(&self, key: &RecordKey, turn: Turn) -> Look {
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
        let judged = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            judge(&RawRecord { did: &key.did, collection: key.collection.nsid(), rkey: &key.rkey, json: &json })
        });
        judged.await.map_or_else(|_| Look::Unanswered("its answer could not be judged".to_owned()), Look::Found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn facts_are_gathered_for_a_few_at_a_time_and_who_has_gone_holds_a_thread_until_its_work_is_done() {
        let looks = Looks::default();
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let stuck = looks.aside(move || {
            // It ends when the other end is dropped.
            gate.recv().unwrap_or_default();
            Ok(())
        });
        // Whoever asked stops waiting.
        tokio::select! {
            biased;
            _ = stuck => panic!("nobody has let it go"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(looks.threads.available_permits(), GATHERED - 1);
        let others = looks.threads.clone().acquire_many_owned(GATHERED as u32 - 1).await.expect("it is open");
        // Paused time goes by itself only while no thread is busy, and now one is.
        let (refused, ()) = tokio::join!(looks.aside(|| Ok(7)), tokio::time::advance(WAIT * 2));
        assert!(matches!(refused, Err(Problem::Unavailable(_))), "{refused:?}");
        drop(others);
        assert!(matches!(looks.aside(|| Ok(7)).await, Ok(7)));
        assert!(matches!(looks.aside(|| -> Result<u32, Problem> { panic!("a damaged page") }).await, Err(Problem::Unavailable(_))));
        drop(release);
        drop(looks.threads.acquire_many(GATHERED as u32).await.expect("all of them come back"));
    }

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
