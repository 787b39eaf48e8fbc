//! When a mix that fails is asked again, and when it isn't any more.
//!
//! ```text
//!           three failures in a row          the pause is over
//! closed ───────────────────────────▶ open ───────────────────▶ tried once
//!    ▲                                  ▲  a failure: a pause twice as long │
//!    │             an answer            └───────────────────────────────────┤
//!    └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! While it is open the default mix answers and the mix costs nothing. Pauses grow from a second to five minutes; a mix that has
//! never come back between [`OPENINGS`] of them is switched off. An answer closes the breaker, and after ten minutes without a failure
//! it has forgotten everything. Time comes from the caller, so nothing here reads a clock.

/// Failures in a row that open the breaker.
const IN_A_ROW: u32 = 3;

const FIRST_PAUSE_MS: i64 = 1_000;
const LONGEST_PAUSE_MS: i64 = 5 * 60 * 1_000;

/// Openings after which the mix is switched off, if it has been failing all the while: after about ten minutes.
const OPENINGS: u32 = 10;

/// Failures within which, one after the other, a mix is switched off though it answers in between: one that fails every other
/// reader for hours is no good either.
const FAILURES: u32 = 200;

/// Without a failure for so long, all is forgotten.
const FORGOTTEN_MS: i64 = 10 * 60 * 1_000;

/// What is known of one mix of one community.
#[derive(Debug, Default, Clone)]
pub(super) struct Breaker {
    in_a_row: u32,
    openings: u32,
    failures: u32,
    failed_ms: i64,
    /// Until when it isn't asked.
    open_until_ms: Option<i64>,
}

/// What a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It is asked again at once.
    Closed,
    /// It isn't asked for so many milliseconds.
    Paused(i64),
    /// It isn't asked any more.
    Off,
}

impl Breaker {
    /// Whether the mix is asked now.
    pub(super) fn lets_through(&self, now: i64) -> bool {
        self.open_until(now).is_none()
    }

    /// Until when it isn't asked, if it isn't now. A pause that would last longer than any was set by a clock that was ahead.
    pub(super) fn open_until(&self, now: i64) -> Option<i64> {
        self.open_until_ms.filter(|until| (1..=LONGEST_PAUSE_MS).contains(&until.saturating_sub(now)))
    }

    /// It gave an answer.
    pub(super) fn answered(&mut self, now: i64) {
        self.in_a_row = 0;
        self.openings = 0;
        self.open_until_ms = None;
        if now - self.failed_ms > FORGOTTEN_MS {
            self.failures = 0;
        }
    }

    /// It gave none.
    pub(super) fn failed(&mut self, now: i64) -> After {
        if now - self.failed_ms > FORGOTTEN_MS {
            *self = Self::default();
        }
        self.failed_ms = now;
        self.failures += 1;
        self.in_a_row += 1;
        if self.failures >= FAILURES {
            return After::Off;
        }
        if self.in_a_row < IN_A_ROW {
            return After::Closed;
        }
        self.openings += 1;
        if self.openings >= OPENINGS {
            return After::Off;
        }
        let pause = (FIRST_PAUSE_MS << (self.openings - 1).min(20)).min(LONGEST_PAUSE_MS);
        self.open_until_ms = Some(now + pause);
        After::Paused(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_that_always_fails_is_asked_ever_less_and_then_no_more() {
        let (mut breaker, mut now, mut asked, mut pauses) = (Breaker::default(), 0, 0, Vec::new());
        loop {
            assert!(breaker.lets_through(now));
            asked += 1;
            match breaker.failed(now) {
                After::Closed => {}
                After::Paused(pause) => {
                    assert!(!breaker.lets_through(now + pause - 1));
                    pauses.push(pause / 1_000);
                    now += pause;
                }
                After::Off => break,
            }
        }
        assert_eq!((asked, pauses), (12, vec![1, 2, 4, 8, 16, 32, 64, 128, 256]));
    }

    #[test]
    fn an_answer_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            breaker.failed(0);
        }
        assert!(!breaker.lets_through(999));
        assert!(breaker.lets_through(1_000));
        breaker.answered(1_000);
        assert_eq!(breaker.failed(1_001), After::Closed);
        assert!(breaker.lets_through(1_001));
    }

    #[test]
    fn a_pause_ends_with_the_clock_that_set_it() {
        let (mut breaker, day) = (Breaker::default(), 86_400_000);
        for _ in 0..3 {
            breaker.failed(day);
        }
        assert!(!breaker.lets_through(day + 999));
        assert!(breaker.lets_through(0), "the clock was a day ahead, and is right again");
        assert_eq!(breaker.open_until(0), None);
    }

    #[test]
    fn one_that_fails_now_and_then_for_hours_is_switched_off_and_one_that_failed_yesterday_is_not() {
        let mut breaker = Breaker::default();
        let mut outcomes = (1..).map(|n| {
            breaker.answered(n * 60_000);
            breaker.failed(n * 60_000 + 1)
        });
        assert_eq!(outcomes.position(|outcome| outcome != After::Closed), Some(199));
        let mut breaker = Breaker::default();
        for day in 0..1_000 {
            assert_eq!(breaker.failed(day * 86_400_000), After::Closed);
        }
    }
}
