//! How many requests at a time, in all and to one host.
//!
//! Who finds no slot waits for one, within the deadline of the request; who finds too many waiting is turned away. A host is remembered
//! only while somebody asks it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Debug)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    each: usize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// The right to make one request; given back when it is dropped.
pub(super) struct Slot<'a> {
    slots: &'a Slots,
    host: String,
    /// Both are `Some` once it is one's turn. The host's own is asked for first: who waits for a slow host takes no room from others.
    of_host: Option<OwnedSemaphorePermit>,
    of_all: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// This many in all, this many to one host, and this many that wait.
    pub(super) fn new(all: usize, each: usize, most_waiting: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, hosts: Mutex::default(), waiting: AtomicUsize::new(0), most_waiting }
    }

    /// A slot for a request to this host; `None` if too many wait.
    pub(super) async fn take(&self, host: &str) -> Option<Slot<'_>> {
        let _turn = Turn::of(self)?;
        let semaphore = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
        };
        // From here on a dropped future forgets the host, if it was the last.
        let mut slot = Slot { slots: self, host: host.to_owned(), of_host: None, of_all: None };
        slot.of_host = semaphore.acquire_owned().await.ok();
        slot.of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Some(slot)
    }

    #[cfg(test)]
    pub(super) fn hosts(&self) -> usize {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.of_host = None;
        let mut hosts = self.slots.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Who waits or asks holds another reference.
        if hosts.get(&self.host).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            hosts.remove(&self.host);
        }
    }
}

/// Counts itself among those who wait.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    fn of(slots: &'a Slots) -> Option<Self> {
        let turn = Self(&slots.waiting);
        let before = slots.waiting.fetch_add(1, Ordering::Relaxed);
        (before < slots.most_waiting).then_some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_slow_host_takes_no_room_from_others() {
        let slots = Slots::new(3, 2, 2);
        let (one, two) = (slots.take("slow").await, slots.take("slow").await);
        let mut third = pin!(slots.take("slow"));
        assert!(third.as_mut().now_or_never().is_none(), "two to one host");
        let other = slots.take("other").now_or_never().flatten();
        assert!(other.is_some(), "the third to the slow host takes nothing of the three in all");
        let mut fourth = pin!(slots.take("another"));
        assert!(fourth.as_mut().now_or_never().is_none(), "three in all");
        assert!(slots.take("one more").now_or_never().is_some_and(|slot| slot.is_none()), "two wait already");
        drop(one);
        let fourth = fourth.now_or_never().flatten();
        assert!(fourth.is_some(), "it was first to wait for one of the three");
        drop((two, other));
        assert!(third.now_or_never().flatten().is_some());
        drop(fourth);
        assert_eq!(slots.hosts(), 0, "no host is remembered");
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind() {
        let slots = Slots::new(1, 1, 5);
        let one = slots.take("a").await;
        for _ in 0..10 {
            assert!(slots.take("a").now_or_never().is_none());
            assert!(slots.take("b").now_or_never().is_none());
        }
        assert_eq!(slots.hosts(), 1);
        drop(one);
        assert_eq!(slots.hosts(), 0);
        assert!(slots.take("b").now_or_never().flatten().is_some());
    }
}
