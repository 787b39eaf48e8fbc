//! Where the reading for an answer is done: on the connection's own thread while it is quick, elsewhere while it isn't.
//!
//! A page takes tens of microseconds, less than handing it to another thread and back (15 µs more of processor time for each
//! request, measured: 25 µs against 40 µs, the load tool included). But a disk that stalls or a mix that takes its time would hold up every
//! connection of that thread, and no deadline could fire. So whenever a reading took longer than [`SLOW`], all go to threads of their own
//! for the next [`WARY`], so many at once as there are threads for them; others wait their turn for [`PATIENCE`], and are then refused, so that
//! who asks hears it while there is time to ask again. Feeds and the API have threads each ([`Work::new`]), so that neither takes the other's.
//!
//! A reading that panics is one that can't be answered, wherever it was made: the caller is told to come again, and nobody else hears of it.
//!
//! Soft ground: the readings under way when a stall begins still block their threads, as many as the runtime has at worst.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::reply::Fault;

/// A hundred times what a page should take.
const SLOW: Duration = Duration::from_millis(10);

const WARY: Duration = Duration::from_secs(10);

/// For feeds. Enough to wait for a disk together, too few to starve the rest of the machine when they compute, and far fewer than the 512 of
/// the runtime, which all that waits for the disk shares.
pub(super) const THREADS: usize = 64;

/// For a turn. A disk that stalls for less costs a reader nothing but time; the AppView waits for 5 s. Those who are refused and come again
/// at once aren't what keeps others waiting.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Work {
    /// What is counted when there is no thread.
    what: &'static str,
    threads: Arc<Semaphore>,
    began: Instant,
    /// Until when to be wary, in milliseconds from `began`.
    wary_until: Arc<AtomicU64>,
}

impl Work {
    /// With so many threads beside those of connections. `what` is the word by which it is counted when none is free.
    pub(super) fn new(what: &'static str, threads: usize) -> Self {
        Self { what, threads: Arc::new(Semaphore::new(threads)), began: Instant::now(), wary_until: Arc::new(AtomicU64::new(0)) }
    }

    /// What `reading` gives. If the caller stops waiting, a reading on another thread still runs to its end.
    pub(super) async fn run<T, E>(&self, reading: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        if !self.is_wary() {
            let reading = AssertUnwindSafe(|| watched(&self.wary_until, self.began, reading));
            // The hook has reported the panic; the connection and whoever else uses it go on.
            return catch_unwind(reading).unwrap_or_else(|_| Err(Fault::Unavailable.into()));
        }
        metrics::counter!("atrarium_http_wary_readings_total").increment(1);
        let (wary_until, began) = (self.wary_until.clone(), self.began);
        self.run_aside(move || watched(&wary_until, began, reading)).await
    }

    /// The same on a thread for it, for a reading of which it is known beforehand that it may take its time. That it does says
    /// nothing of the others.
    pub(super) async fn run_aside<T, E>(&self, reading: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let Ok(thread) = timeout(PATIENCE, self.threads.clone().acquire_owned()).await else {
            return Err(Fault::busy(self.what).into());
        };
        let thread = thread.expect("nobody closes this semaphore");
        let reading = tokio::task::spawn_blocking(move || {
            let _thread = thread;
            reading()
        });
        // A panic has been reported by its thread; it must not look like an answer.
        reading.await.unwrap_or_else(|_| Err(Fault::Unavailable.into()))
    }

    fn is_wary(&self) -> bool {
        let until = self.wary_until.load(Ordering::Relaxed);
        until != 0 && self.began.elapsed().as_millis() < u128::from(until)
    }
}

fn watched<T>(wary_until: &AtomicU64, began: Instant, reading: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = reading();
    if start.elapsed() > SLOW {
        let until = (began.elapsed() + WARY).as_millis();
        wary_until.fetch_max(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readings_leave_the_thread_once_one_was_slow() {
        let work = Work::new("reading", THREADS);
        let here = std::thread::current().id();
        let thread = || Ok::<_, Fault>(std::thread::current().id());
        assert_eq!(work.run(thread).await, Ok(here));
        let breaks = || -> Result<(), Fault> { panic!("a reading that fails") };
        assert_eq!(work.run(breaks).await, Err(Fault::Unavailable));
        assert_eq!(work.run(thread).await, Ok(here), "a panic is not slow");
        let slow = move || {
            std::thread::sleep(SLOW * 2);
            thread()
        };
        assert_eq!(work.run(slow).await, Ok(here));
        assert!(work.run(thread).await.is_ok_and(|id| id != here));
        assert_eq!(work.run(breaks).await, Err(Fault::Unavailable));
        assert_eq!(work.run_aside(breaks).await, Err(Fault::Unavailable));
    }
}
