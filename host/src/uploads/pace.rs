//! How quick a mix is, and how far that is believed.
//!
//! ```text
//! new ── a call within SPRINT ──▶ quick ── calls that take long on average ──▶ slow ── short ones again ──▶ quick
//!  └────────── a call that isn't done by then ──┴──▶ slow, for a second at first, twice as long each time
//! ```
//!
//! A call of a mix that counts as quick is ended after [`SPRINT`] and made again among the slow ones, so who is quick never waits for longer
//! behind one that only was; and who does that again and again is believed ever less.

use std::time::{Duration, Instant};

use super::turnstile::Lane;

/// A mix that takes less than this on average is quick. The largest block costs QuickJS 2 ms. Python, with 5, is slow: it gives way to others.
const QUICK: Duration = Duration::from_millis(4);

/// What a call may take where quick ones wait behind it.
pub(super) const SPRINT: Duration = Duration::from_millis(15);

/// For how long a mix stays slow that wasn't done by then, the first time; and how often that is doubled.
const DISTRUST: Duration = Duration::from_secs(1);
const DOUBLED: u32 = 8;

/// After this time without another such call all of that is forgotten.
const FORGIVEN: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Of its calls; the newest count most.
    average: Duration,
    /// Whether it has ever been quick for a reader.
    proven: bool,
    /// How often it wasn't done in time.
    overran: u32,
    slow_until: Option<Instant>,
}

impl Pace {
    /// As it was in its trial.
    pub(super) fn of(took: Duration) -> Self {
        Self { average: took, proven: false, overran: 0, slow_until: None }
    }

    /// What a call took.
    pub(super) fn note(&mut self, took: Duration) {
        // One that is too long for the quick counts at once; forgetting it takes some quick ones.
        self.average = if took > SPRINT { self.average.max(took) } else { (self.average * 3 + took) / 4 };
        self.proven |= took <= SPRINT;
    }

    /// A call was ended because it wasn't quick.
    pub(super) fn overran(&mut self, now: Instant) {
        if self.slow_until.is_some_and(|until| now > until + FORGIVEN) {
            self.overran = 0;
        }
        self.slow_until = Some(now + DISTRUST * 2_u32.pow(self.overran.min(DOUBLED)));
        self.overran += 1;
    }

    pub(super) fn lane(&self, now: Instant) -> Lane {
        if self.average >= QUICK || self.slow_until.is_some_and(|until| now < until) {
            Lane::Slow
        } else if self.proven {
            Lane::Quick
        } else {
            Lane::New
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_call_makes_a_mix_slow_and_many_short_ones_quick_again() {
        let (now, mut pace) = (Instant::now(), Pace::of(Duration::from_millis(1)));
        assert_eq!(pace.lane(now), Lane::New, "what it did in the trial proves little");
        pace.note(Duration::from_millis(2));
        assert_eq!(pace.lane(now), Lane::Quick);
        pace.note(Duration::from_millis(60));
        assert_eq!(pace.lane(now), Lane::Slow);
        let mut calls = 0;
        while pace.lane(now) == Lane::Slow {
            pace.note(Duration::from_micros(100));
            calls += 1;
        }
        assert!((5..20).contains(&calls), "{calls}");
    }

    #[test]
    fn who_is_not_done_in_time_again_and_again_is_believed_ever_less() {
        let (mut now, mut pace) = (Instant::now(), Pace::of(Duration::from_millis(1)));
        pace.note(Duration::from_millis(1));
        let mut distrusted = |pace: &mut Pace| {
            pace.overran(now);
            let mut seconds = 0;
            while pace.lane(now) == Lane::Slow {
                // Quick calls meanwhile help nothing.
                pace.note(Duration::from_millis(1));
                now += Duration::from_secs(1);
                seconds += 1;
            }
            seconds
        };
        assert_eq!([(); 10].map(|()| distrusted(&mut pace)), [1, 2, 4, 8, 16, 32, 64, 128, 256, 256]);
        now += FORGIVEN + Duration::from_secs(1);
        let mut again = pace;
        again.overran(now);
        assert_eq!((again.lane(now), again.lane(now + DISTRUST)), (Lane::Slow, Lane::Quick), "in an hour all is forgotten");
    }
}
