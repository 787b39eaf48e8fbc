//! How quick a mix is, and how far that is believed.
//!
//! ```text
//! new ─▶ middle ── short calls ──▶ quick
//!          │  ▲ ◀── longer ones ────┘
//!          │  └── shorter ones ──┐
//!          └── long ones ──────▶ slow ◀── a call that isn't done by SPRINT, for a second at first, twice as long each time
//! ```
//!
//! Who is quick is called at once, by whoever reads, and holds up other quick ones for as long: so quick is what is hardly felt. A call of any
//! but the slow is ended after [`SPRINT`] and made again among these, so nobody waits for longer behind one that only was quick; and who does
//! that again and again is believed ever less.

use std::time::{Duration, Instant};

use super::turnstile::Lane;

/// A mix that takes less than this on average is quick. The largest block costs one in Rust a fifth of it.
const QUICK: Duration = Duration::from_millis(1);

/// One that takes more is slow. The largest block costs QuickJS one and a half, and Python four and a half.
const SLOW: Duration = Duration::from_millis(8);

/// What a call may take where others wait behind it that take less.
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
        if self.average >= SLOW || self.slow_until.is_some_and(|until| now < until) {
            Lane::Slow
        } else if self.proven && self.average < QUICK {
            Lane::Quick
        } else {
            Lane::Middle
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_call_makes_a_mix_slow_and_many_short_ones_quick_again() {
        let (now, mut pace) = (Instant::now(), Pace::of(Duration::from_micros(200)));
        assert_eq!(pace.lane(now), Lane::Middle, "what it did in the trial proves little");
        pace.note(Duration::from_micros(500));
        assert_eq!(pace.lane(now), Lane::Quick);
        pace.note(Duration::from_millis(60));
        assert_eq!(pace.lane(now), Lane::Slow);
        let mut lanes = vec![Lane::Slow];
        for _ in 0..30 {
            pace.note(Duration::from_micros(100));
            lanes.push(pace.lane(now));
        }
        lanes.dedup();
        assert_eq!(lanes, [Lane::Slow, Lane::Middle, Lane::Quick]);
    }

    #[test]
    fn who_takes_some_milliseconds_is_neither_quick_nor_slow() {
        for micros in [1_500, 2_300, 5_600] {
            let (now, mut pace) = (Instant::now(), Pace::of(Duration::from_micros(micros)));
            for _ in 0..20 {
                assert_eq!(pace.lane(now), Lane::Middle, "{micros}");
                pace.note(Duration::from_micros(micros));
            }
        }
    }

    #[test]
    fn who_is_not_done_in_time_again_and_again_is_believed_ever_less() {
        let short = Duration::from_micros(300);
        let (mut now, mut pace) = (Instant::now(), Pace::of(short));
        pace.note(short);
        let mut distrusted = |pace: &mut Pace| {
            pace.overran(now);
            let mut seconds = 0;
            while pace.lane(now) == Lane::Slow {
                // Quick calls meanwhile help nothing.
                pace.note(short);
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
