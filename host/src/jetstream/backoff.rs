//! How long to wait before the next attempt to connect: longer after each failure, and never the same for two programs.

use std::time::Duration;

use rand::Rng;

/// The bounds of the waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How long a connection must have delivered for the failures before it to be forgotten. A server that accepts, sends a
    /// little and drops everyone is thus not asked more and more often.
    pub steady: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(60), steady: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The wait after this many failures in a row (0 for the first), somewhere in the upper half of the doubled bound: when a
    /// server comes back, its clients don't all arrive at once.
    pub(super) fn wait(&self, failures: u32, random: &mut impl Rng) -> Duration {
        let bound = self.first.saturating_mul(2_u32.saturating_pow(failures)).min(self.longest);
        bound.mul_f64(random.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let check = |failures, bound_ms: u64| {
            let bound = Duration::from_millis(bound_ms);
            for _ in 0..100 {
                let wait = Backoff::default().wait(failures, &mut rand::rng());
                assert!(bound / 2 <= wait && wait <= bound, "{wait:?} after {failures} failures");
            }
        };
        check(0, 500);
        check(1, 1_000);
        check(6, 32_000);
        check(7, 60_000);
        check(u32::MAX, 60_000);
    }
}
