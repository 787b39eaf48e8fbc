//! Whose turn it is among those who ask the dashboard's API, so that they share what they may use and leave feeds the rest.
//!
//! Half of the threads that answer may work for them at a moment, and who finds none waits in a row, with each piece of work anew: what lies
//! between two waits of it, some hundred microseconds. So before a feed is read there is at most one piece of it per thread, however many ask. Who has not come
//! to their first turn within [`PATIENCE`] is refused, so they hear of it while they still look; whose work has begun is worked for to
//! its end. To wait for a user's server takes no turn, nor does what waits for the disk on another thread: of those threads the API has a few of
//! its own (`work`), as have sessions (`session/sessions.rs`) and explanations (`dashboard/explain/`).

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::ready;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::PollSemaphore;

use super::reply::Fault;
use super::work::PATIENCE;

pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    /// For as many threads as this machine has.
    pub(super) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self::of((threads / 2).max(1))
    }

    fn of(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// What `work` gives. Each poll of it is a turn.
    pub(super) async fn take<T>(&self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let mut place = timeout(PATIENCE, self.0.clone().acquire_owned()).await.map_err(|_| Fault::busy("api"))?.ok();
        let mut work = pin!(work);
        let mut row = PollSemaphore::new(self.0.clone());
        Ok(poll_fn(|context| {
            // Nobody closes the semaphore, and without it work is done all the same.
            let _place = match place.take() {
                Some(place) => Some(place),
                None => ready!(row.poll_acquire(context)),
            };
            work.as_mut().poll(context)
        })
        .await)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    /// Work in three pieces that tells how many are done at a moment.
    async fn pieces(now: &AtomicUsize, most: &AtomicUsize) {
        for _ in 0..3 {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            now.fetch_sub(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_more_are_worked_for_than_there_are_turns() {
        let (turns, now, most) = (Arc::new(Turns::of(2)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all: Vec<_> = (0..12)
            .map(|_| {
                let (turns, now, most) = (turns.clone(), now.clone(), most.clone());
                tokio::spawn(async move { turns.take(pieces(&now, &most)).await })
            })
            .collect();
        for one in all {
            one.await.expect("it ends").expect("its turn came in time");
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_others_takes_no_turn_and_who_gets_none_is_refused() {
        let turns = Turns::of(1);
        let slow = turns.take(tokio::time::sleep(Duration::from_secs(60)));
        let mut slow = pin!(slow);
        assert!(poll_fn(|context| Poll::Ready(slow.as_mut().poll(context).is_pending())).await);
        assert_eq!(turns.take(async { 7 }).await, Ok(7));
        let held = turns.0.clone().acquire_owned().await;
        assert_eq!(turns.take(async { 7 }).await, Err(Fault::Busy));
        drop(held);
        assert_eq!(turns.take(async { 7 }).await, Ok(7));
        // Whoever is gone leaves their place in the row.
        assert_eq!(slow.await, Ok(()));
        assert_eq!(turns.0.available_permits(), 1);
    }
}
