//! Whose turn it is at a server, leaving servers alone that ask for it, and coming back to repos that could not be read: later each
//! time.
//!
//! A place in which a repo is read is never kept for long by one that waits. Who isn't at its turn is put off: [`Waiting`] knows at
//! which server, so it is begun again with a turn in hand, and not looked for before.
//!
//! All of it is in memory: a new start begins with good faith. All tables are bounded by what is in work and what is wanted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How often a repo is tried: over about six hours.
pub(super) const ATTEMPTS: u32 = 10;

const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// A repo is read no more often than this, whatever its owner does.
const REST: Duration = Duration::from_secs(2);

/// Repos that are read from one server at a time.
const AT_ONE_HOST: usize = 2;

/// Hosts that are remembered; beyond that those are forgotten from which nobody reads, for which nobody waits, and which want no pause.
const HOSTS: usize = 1_024;

/// How long a place is kept by a repo that waits for its turn. It is also the pace at which repos are put off: where thousands are
/// wanted of one server, and their DIDs have to be resolved to know that, it takes 32 a second and not all that it can.
const MOMENT: Duration = Duration::from_millis(250);

/// Repos that wait and are remembered. Beyond that all are forgotten, which costs each another moment.
const WAITING: usize = 100_000;

/// The right to read one repo from a server; given back when it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

/// The servers that are asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(Arc<Mutex<HashMap<String, Host>>>);

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Host {
    turns: Arc<Semaphore>,
    not_before: Arc<Mutex<Instant>>,
}

impl Hosts {
    /// The host by this name.
    pub(super) fn at(&self, name: &str) -> Host {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS {
            let now = Instant::now();
            // Turns, and those who wait for one, hold another reference.
            hosts.retain(|_, host| Arc::strong_count(&host.turns) > 1 || host.not_before() > now);
        }
        let new = || Host { turns: Arc::new(Semaphore::new(AT_ONE_HOST)), not_before: Arc::new(Mutex::new(Instant::now())) };
        hosts.entry(name.to_owned()).or_insert_with(new).clone()
    }
}

impl Host {
    /// Waits for one's turn and for the end of the server's pause.
    pub(super) async fn turn(&self) -> Option<Turn> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        tokio::time::sleep_until(self.not_before()).await;
        turn
    }

    /// One's turn, if it is now.
    pub(super) fn turn_now(&self, now: Instant) -> Option<Turn> {
        if self.not_before() > now {
            return None;
        }
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    /// One's turn, if it comes within a [`MOMENT`]. What is `held` is it, unless it is another server's or this one wants a pause
    /// meanwhile.
    pub(super) async fn turn_soon(&self, held: Option<Turn>) -> Option<Turn> {
        let held = held.filter(|held| Arc::ptr_eq(held.semaphore(), &self.turns) && self.not_before() <= Instant::now());
        if held.is_some() {
            return held;
        }
        tokio::time::timeout(MOMENT, self.turn()).await.ok().flatten()
    }

    /// The server wants no requests for so long.
    pub(super) fn leave_alone(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = until.max(*not_before);
    }

    fn not_before(&self) -> Instant {
        *self.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Repos that were put off, and at which server each waits for its turn.
#[derive(Debug, Default)]
pub(super) struct Waiting(HashMap<String, Host>);

impl Waiting {
    /// Where the repo waits, if it does.
    pub(super) fn host(&self, did: &str) -> Option<&Host> {
        self.0.get(did)
    }

    pub(super) fn put_off(&mut self, did: String, host: Host) {
        if self.0.len() >= WAITING {
            self.0.clear();
        }
        self.0.insert(did, host);
    }

    /// It is begun.
    pub(super) fn forget(&mut self, did: &str) {
        self.0.remove(did);
    }
}

/// What could not be read, and when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Failures(HashMap<String, Failure>);

#[derive(Debug)]
struct Failure {
    failed: bool,
    attempts: u32,
    not_before: Instant,
}

impl Failures {
    pub(super) fn may_begin(&self, did: &str, now: Instant) -> bool {
        self.0.get(did).is_none_or(|failure| failure.not_before <= now)
    }

    /// Whether it could not be read the last time.
    pub(super) fn has_failed(&self, did: &str) -> bool {
        self.0.get(did).is_some_and(|failure| failure.failed)
    }

    /// One more failure; answers whether it was the last that is tolerated. With a `pause` it isn't the repo's fault, and doesn't count.
    pub(super) fn note(&mut self, did: &str, pause: Option<Duration>) -> bool {
        let failure = self.0.entry(did.to_owned()).or_insert(Failure { failed: true, attempts: 0, not_before: Instant::now() });
        failure.failed = true;
        failure.attempts += u32::from(pause.is_none());
        let own = FIRST_PAUSE.saturating_mul(1 << failure.attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
        failure.not_before = Instant::now() + pause.unwrap_or(own);
        failure.attempts >= ATTEMPTS
    }

    /// It was read, or is given up.
    pub(super) fn forget(&mut self, did: &str) {
        self.0.remove(did);
    }

    /// It was read just now: not again at once.
    pub(super) fn rest(&mut self, did: &str) {
        let now = Instant::now();
        if self.0.len() > 100_000 {
            self.0.retain(|_, failure| failure.not_before > now);
        }
        self.0.insert(did.to_owned(), Failure { failed: false, attempts: 0, not_before: now + REST });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_repo_is_tried_later_each_time_and_given_up_at_last() {
        let mut failures = Failures::default();
        let began = Instant::now();
        let mut pauses = Vec::new();
        while !failures.note("a", None) {
            assert!(!failures.may_begin("a", Instant::now()) && failures.may_begin("b", Instant::now()));
            let before = Instant::now();
            while !failures.may_begin("a", Instant::now()) {
                tokio::time::advance(Duration::from_secs(10)).await;
            }
            pauses.push(before.elapsed().as_secs());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert!(began.elapsed() < Duration::from_secs(6 * 60 * 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_asks_for_a_pause_gets_it_and_no_repo_is_blamed() {
        let hosts = Hosts::default();
        hosts.at("a").leave_alone(Duration::from_secs(90));
        let began = Instant::now();
        drop(hosts.at("b").turn().await);
        assert_eq!(began.elapsed(), Duration::ZERO);
        drop(hosts.at("a").turn().await);
        assert!(began.elapsed() >= Duration::from_secs(90));
        let mut failures = Failures::default();
        for _ in 0..3 * ATTEMPTS {
            assert!(!failures.note("a", Some(Duration::from_secs(1))));
        }
    }

    #[tokio::test]
    async fn two_repos_are_read_from_one_server_at_a_time() {
        let hosts = Hosts::default();
        let (first, second) = (hosts.at("a").turn().await, hosts.at("a").turn().await);
        assert!(tokio::time::timeout(Duration::from_millis(20), hosts.at("a").turn()).await.is_err());
        drop(first);
        assert!(hosts.at("a").turn().await.is_some());
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_at_their_turn_hears_so_in_a_moment_and_a_turn_in_hand_counts_where_it_is_from() {
        let (hosts, began) = (Hosts::default(), Instant::now());
        let (here, elsewhere) = (hosts.at("a"), hosts.at("b"));
        let (first, second) = (here.turn_now(began), here.turn_now(began));
        assert!(first.is_some() && second.is_some() && here.turn_now(began).is_none());
        assert!(here.turn_soon(None).await.is_none());
        let first = here.turn_soon(first).await;
        assert!(first.is_some(), "it is in hand");
        let moved = elsewhere.turn_soon(second).await;
        assert!(moved.is_some() && here.turn_now(Instant::now()).is_some(), "who has moved gives it back, and has one where they are now");
        here.leave_alone(Duration::from_secs(60 * 60));
        assert!(here.turn_soon(first).await.is_none(), "a pause is for those who have a turn as well");
        assert!(here.turn_now(Instant::now()).is_none());
        assert!(began.elapsed() < 3 * MOMENT);
        tokio::time::advance(Duration::from_secs(60 * 60)).await;
        let now = Instant::now();
        let both = (here.turn_now(now), here.turn_now(now));
        assert!(both.0.is_some() && both.1.is_some(), "nobody has kept one");
    }

    #[tokio::test]
    async fn a_server_that_somebody_waits_for_is_not_forgotten() {
        let (hosts, mut waiting) = (Hosts::default(), Waiting::default());
        waiting.put_off("did".to_owned(), hosts.at("a"));
        let turn = hosts.at("b").turn().await;
        for n in 0..2 * HOSTS {
            hosts.at(&n.to_string());
        }
        assert!(waiting.host("did").is_some_and(|host| Arc::ptr_eq(&host.turns, &hosts.at("a").turns)));
        assert!(turn.is_some_and(|turn| Arc::ptr_eq(turn.semaphore(), &hosts.at("b").turns)));
        assert!(hosts.0.lock().expect("nobody has panicked").len() <= HOSTS);
    }
}
