//! Whose mix is run next, where more want to than there are processors.
//!
//! Three lanes lead to the processors: the quick one for mixes that were quick so far (`pace.rs`), one call for each processor, on the thread of
//! whoever reads; the middle one for those that take some milliseconds, or of which nothing is known yet, and the slow one, a single call at a
//! time each, however many there are, on threads that give way to everything else. So mixes that take all they may never have more than what
//! others leave of two processors, and who is quick waits for who is quick. In a lane those come first whose community has used least lately.
//! Who would have to wait too long, or behind too many of their own, is told so at once and gets the default mix.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest wait of a reader. The AppView waits five seconds, but not a page's reader.
pub(super) const WAIT: Duration = Duration::from_millis(150);

/// Who may wait for one community's mix.
const PER_COMMUNITY: usize = 4;

/// Who may wait in the slow lane in all, and in the middle one: each holds one of the threads that read feeds (64).
const WAITING: usize = 16;

/// How soon what a community has used is forgotten: by half in each such time.
const FADES: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Quick,
    Middle,
    Slow,
}

/// No turn came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

#[derive(Debug)]
pub(super) struct Turnstile {
    inner: Mutex<Inner>,
    /// Calls at a time in the quick lane.
    places: usize,
}

#[derive(Debug, Default)]
struct Inner {
    running: HashMap<Lane, usize>,
    waiting: Vec<Waiting>,
    used: HashMap<String, Used>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    lane: Lane,
    community: String,
    /// Only whose turn it is, is woken: who waits for long must not get in the way of who doesn't.
    turn: Arc<Condvar>,
}

/// What a community has used lately.
#[derive(Debug, Clone, Copy)]
struct Used {
    seconds: f64,
    at: Instant,
}

impl Used {
    fn now(self, now: Instant) -> f64 {
        self.seconds * 0.5_f64.powf(now.duration_since(self.at).as_secs_f64() / FADES.as_secs_f64())
    }
}

/// A turn. Its end is the end of the call.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turnstile: &'a Turnstile,
    lane: Lane,
    community: String,
    began: Instant,
}

impl Turnstile {
    pub(super) fn new(processors: usize) -> Self {
        Self { inner: Mutex::default(), places: processors.max(2) }
    }

    /// Waits for a turn, for a moment.
    pub(super) fn enter(&self, community: &str, lane: Lane, patience: Duration) -> Result<Turn<'_>, Busy> {
        let deadline = Instant::now() + patience;
        let mut inner = self.lock();
        let of_it = inner.waiting.iter().filter(|waiting| waiting.community == community).count();
        let in_lane = inner.waiting.iter().filter(|waiting| waiting.lane == lane).count();
        if of_it >= PER_COMMUNITY || lane != Lane::Quick && in_lane >= WAITING {
            return Err(Busy);
        }
        let ticket = inner.next;
        inner.next += 1;
        let turn = Arc::new(Condvar::new());
        inner.waiting.push(Waiting { ticket, lane, community: community.to_owned(), turn: Arc::clone(&turn) });
        loop {
            let now = Instant::now();
            if inner.free(lane, self.places) && inner.first(lane, now) == Some(ticket) {
                inner.waiting.retain(|waiting| waiting.ticket != ticket);
                *inner.running.entry(lane).or_default() += 1;
                // A place may be left for who comes next.
                inner.call(lane, self.places, now);
                return Ok(Turn { turnstile: self, lane, community: community.to_owned(), began: now });
            }
            let Some(left) = deadline.checked_duration_since(now).filter(|left| !left.is_zero()) else {
                inner.waiting.retain(|waiting| waiting.ticket != ticket);
                inner.call(lane, self.places, now);
                return Err(Busy);
            };
            // Whoever was called and isn't the first any more.
            inner.call(lane, self.places, now);
            inner = turn.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn free(&self, lane: Lane, places: usize) -> bool {
        let running = self.running.get(&lane).copied().unwrap_or(0);
        running < if lane == Lane::Quick { places } else { 1 }
    }

    /// Wakes whose turn it is in this lane, if there is a place.
    fn call(&self, lane: Lane, places: usize, now: Instant) {
        if self.free(lane, places)
            && let Some(ticket) = self.first(lane, now)
            && let Some(waiting) = self.waiting.iter().find(|waiting| waiting.ticket == ticket)
        {
            waiting.turn.notify_one();
        }
    }

    /// Whose turn is next in this lane: the community's that has used least, and of its own the first that came.
    fn first(&self, lane: Lane, now: Instant) -> Option<u64> {
        let used = |community: &str| self.used.get(community).map_or(0.0, |used| used.now(now));
        let waiting = self.waiting.iter().filter(|waiting| waiting.lane == lane);
        waiting.min_by(|one, other| used(&one.community).total_cmp(&used(&other.community)).then(one.ticket.cmp(&other.ticket))).map(|waiting| waiting.ticket)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut inner = self.turnstile.lock();
        if let Some(running) = inner.running.get_mut(&self.lane) {
            *running = running.saturating_sub(1);
        }
        let now = Instant::now();
        let before = inner.used.get(&self.community).map_or(0.0, |used| used.now(now));
        let seconds = before + now.duration_since(self.began).as_secs_f64();
        inner.used.insert(std::mem::take(&mut self.community), Used { seconds, at: now });
        if inner.used.len() > 10_000 {
            inner.used.retain(|_, used| used.now(now) > 1e-6);
        }
        inner.call(self.lane, self.turnstile.places, now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_slow_and_the_middle_have_one_place_each_and_leave_the_quick_theirs() {
        let turnstile = Turnstile::new(2);
        let slow = turnstile.enter("slow", Lane::Slow, WAIT).expect("nobody is there");
        let middle = turnstile.enter("middle", Lane::Middle, WAIT).expect("nobody is there");
        assert_eq!(turnstile.enter("other", Lane::Middle, WAIT).err(), Some(Busy));
        assert_eq!(turnstile.enter("slower", Lane::Slow, WAIT).err(), Some(Busy));
        let quick = turnstile.enter("quick", Lane::Quick, WAIT).expect("a place");
        let quicker = turnstile.enter("quicker", Lane::Quick, WAIT).expect("another");
        assert_eq!(turnstile.enter("third", Lane::Quick, WAIT).err(), Some(Busy));
        drop((slow, middle, quick, quicker));
        assert!(turnstile.enter("slower", Lane::Slow, WAIT).is_ok());
    }

    #[test]
    fn a_community_can_not_fill_the_lane() {
        let turnstile = Turnstile::new(2);
        thread::scope(|scope| {
            let held = turnstile.enter("greedy", Lane::Slow, WAIT).expect("a place");
            let (send, done) = mpsc::channel();
            for _ in 0..30 {
                let (send, turnstile) = (send.clone(), &turnstile);
                scope.spawn(move || {
                    let began = Instant::now();
                    let refused_at_once = turnstile.enter("greedy", Lane::Slow, WAIT).is_err() && began.elapsed() < WAIT;
                    send.send(refused_at_once)
                });
            }
            drop(send);
            assert_eq!(done.iter().filter(|at_once| *at_once).count(), 30 - PER_COMMUNITY);
            drop(held);
        });
    }

    #[test]
    fn who_has_used_least_comes_first() {
        let turnstile = Turnstile::new(2);
        let now = Instant::now();
        let mut inner = turnstile.lock();
        for (ticket, community) in [(0, "much"), (1, "little"), (2, "nothing"), (3, "nothing")] {
            inner.waiting.push(Waiting { ticket, lane: Lane::Slow, community: community.to_owned(), turn: Arc::default() });
        }
        inner.used.insert("much".to_owned(), Used { seconds: 9.0, at: now });
        inner.used.insert("little".to_owned(), Used { seconds: 1.0, at: now });
        let mut order = Vec::new();
        while let Some(ticket) = inner.first(Lane::Slow, now) {
            order.push(ticket);
            inner.waiting.retain(|waiting| waiting.ticket != ticket);
        }
        assert_eq!(order, [2, 3, 1, 0]);
        // Nine seconds ago it was much; now it is less than what another has just used.
        inner.used.insert("much".to_owned(), Used { seconds: 9.0, at: now });
        let later = now + FADES * 10;
        inner.used.insert("little".to_owned(), Used { seconds: 1.0, at: later });
        inner.waiting.extend([(4, "little"), (5, "much")].map(|(ticket, community)| Waiting {
            ticket,
            lane: Lane::Slow,
            community: community.to_owned(),
            turn: Arc::default(),
        }));
        assert_eq!(inner.first(Lane::Slow, later), Some(5));
    }
}
