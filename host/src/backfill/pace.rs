//! Leaving servers alone that ask for it, and coming back to repos that could not be read: later each time.
//!
//! All of it is in memory: a new start begins with good faith. Both tables are bounded by what is in work and what is wanted.

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

/// Hosts that are remembered; beyond that those without a pause are forgotten.
const HOSTS: usize = 1_024;

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
            hosts.retain(|_, host| host.turns.available_permits() < AT_ONE_HOST || host.not_before() > now);
        }
        let new = || Host { turns: Arc::new(Semaphore::new(AT_ONE_HOST)), not_before: Arc::new(Mutex::new(Instant::now())) };
        hosts.entry(name.to_owned()).or_insert_with(new).clone()
    }
}

impl Host {
    /// Waits for one's turn and for the end of the server's pause.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        tokio::time::sleep_until(self.not_before()).await;
        turn
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

    /// One more failure; answers whether it was the last that is tolerated. Where a server asked for a pause, it isn't the repo's
    /// fault, and doesn't count.
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
}
