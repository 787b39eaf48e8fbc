//! Each write of the API is a task of its own: it comes to its end though nobody waits for it any more.
//!
//! A write in several steps that is dropped with its connection would leave half of what it does in somebody's repo. So its time is its
//! own ([`Pen`] shares it out), a peer that goes away changes nothing, and when the program ends the writes under way are
//! told to hurry and waited for. They are bounded, in all and for each caller; who comes beyond that is told to come again.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::Pen;
use crate::dashboard::access::Caller;
use crate::dashboard::{Dashboard, Problem};
use crate::pds::Repo;

/// Writes at a time, in all. Each takes some ten kilobytes while it waits for somebody's server.
const IN_ALL: usize = 256;

/// Writes of one caller at a time. A session asks its server four things at a time.
const PER_CALLER: usize = 8;

/// When it is worth coming again.
const AGAIN: Duration = Duration::from_secs(5);

/// The writes under way.
#[derive(Debug, Default)]
pub(in crate::dashboard) struct Turns {
    taken: Arc<Mutex<HashMap<String, usize>>>,
    tasks: TaskTracker,
}

/// One of them; over when this is dropped.
#[derive(Debug)]
struct Turn {
    did: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

fn locked(taken: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    // Whoever panicked had a number in its hand, and nothing half done.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    fn take(&self, did: &str) -> Result<Turn, Problem> {
        let mut taken = locked(&self.taken);
        if taken.get(did).is_some_and(|own| *own >= PER_CALLER) {
            let message = format!("{PER_CALLER} changes of yours are under way, which is as many as may be at a time");
            return Err(Problem::TooMany { message, again_in: Some(AGAIN) });
        }
        if taken.values().sum::<usize>() >= IN_ALL {
            return Err(Problem::Unavailable("too many changes are under way on this host: try again in a moment".to_owned()));
        }
        *taken.entry(did.to_owned()).or_default() += 1;
        Ok(Turn { did: did.to_owned(), taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        if let Some(own) = taken.get_mut(&self.did) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.did);
            }
        }
    }
}

impl Dashboard {
    /// Makes a change in the caller's repo, to its end.
    pub async fn write<T, F>(&self, caller: Caller, repo: &Repo, change: impl FnOnce(Self, Caller, Pen) -> F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let stop = self.parts().stop.clone();
        if stop.is_cancelled() {
            return Err(Problem::Unavailable("the program is about to end".to_owned()));
        }
        let turn = self.0.turns.take(&caller.did)?;
        let pen = Pen::new(repo);
        let change = change(self.clone(), caller, pen.clone());
        let task = self.0.turns.tasks.spawn(async move {
            let _turn = turn;
            let mut change = pin!(change);
            tokio::select! {
                outcome = &mut change => return outcome,
                () = stop.cancelled() => pen.hurry(),
            }
            change.await
        });
        // A panic has been reported by its task.
        task.await.unwrap_or_else(|_| Err(Problem::Unavailable("it broke off, and some of it may have been done: look before you try again".to_owned())))
    }

    /// Waits for the writes under way, once the program has been told to stop; it takes a few seconds at most.
    pub async fn settle(&self) {
        self.0.turns.tasks.close();
        self.0.turns.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_bounded_for_each_caller_and_in_all_and_come_back() {
        let turns = Turns::default();
        let mut taken: Vec<Turn> = (0..PER_CALLER).map(|_| turns.take("did:plc:a").expect("there is room")).collect();
        assert!(matches!(turns.take("did:plc:a"), Err(Problem::TooMany { .. })));
        taken.extend((PER_CALLER..IN_ALL).map(|n| turns.take(&format!("did:plc:{n}")).expect("there is room")));
        assert!(matches!(turns.take("did:plc:b"), Err(Problem::Unavailable(_))));
        taken.remove(0);
        assert!(turns.take("did:plc:a").is_ok());
        taken.clear();
        assert!(locked(&turns.taken).is_empty(), "nothing is kept of who has come and gone");
    }
}
