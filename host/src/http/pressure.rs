//! Whether the program keeps up with what it is asked, told by how late its own tasks come to their turn.
//!
//! A task that does nothing else is due every [`BEAT`]; by how much it is late is what every connection waits as well at that moment, before
//! anything is done for it. A delay counts when it *stands*: when for [`STANDING`] no beat has been on time. So a burst, or a disk
//! that stalls, costs readers time and nobody an answer (the idea of CoDel, RFC 8289).
//!
//! What is wanted least is refused first: the dashboard's API from [`BUSY`] on, until all is [`CALM`]; feeds from [`FULL`] on, and only when
//! refusing the API has not helped. Who is refused hears it at once, so what is left comes in time, and the delay goes back by itself. What
//! has just been too much is likely to be again: for [`WARY`] the first late beat counts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::reply::Fault;

const BEAT: Duration = Duration::from_millis(25);

/// A delay that people notice, and a thousand times what making a page takes.
const BUSY: Duration = Duration::from_millis(100);

/// A fifth of it: what was too much has been worked off.
const CALM: Duration = Duration::from_millis(20);

/// The AppView waits for 5 s, and a feed that comes late is better than none.
const FULL: Duration = Duration::from_secs(1);

/// As long as no beat is on time before any delay counts, and at least so many beats: after a single stall the second is on time again.
const STANDING: (Duration, usize) = (Duration::from_secs(1), 3);

const WARY: Duration = Duration::from_secs(10);

/// Who has to wait for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// What the AppView asks.
    Feed,
    /// What people in the dashboard ask.
    Api,
}

impl Rank {
    fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Api => "api",
        }
    }
}

/// Who is refused.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    api: AtomicBool,
    feed: AtomicBool,
}

impl Pressure {
    /// Whether there is time for this; counts that there isn't.
    pub(super) fn admit(&self, rank: Rank) -> Result<(), Fault> {
        match self.refused(rank).load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Fault::busy(rank.name())),
        }
    }

    /// Measures, for as long as this is polled.
    pub(super) async fn watch(&self) {
        let gauge = metrics::gauge!("atrarium_http_delay_seconds");
        let mut delays = Delays::default();
        loop {
            let due = Instant::now() + BEAT;
            sleep_until(due).await;
            let late = due.elapsed();
            gauge.set(late.as_secs_f64());
            delays.beat(late);
            self.follow(&delays);
        }
    }

    fn follow(&self, delays: &Delays) {
        for rank in [Rank::Api, Rank::Feed] {
            let refused = delays.refuse(rank);
            // Of what comes and goes all the while only the first is told.
            if self.refused(rank).swap(refused, Ordering::Relaxed) != refused && refused && !delays.again {
                tracing::warn!(what = rank.name(), "more is asked than can be answered in time: this is refused until the others are answered");
            }
        }
    }

    fn refused(&self, rank: Rank) -> &AtomicBool {
        match rank {
            Rank::Feed => &self.feed,
            Rank::Api => &self.api,
        }
    }
}

/// The beats since one was on time.
#[derive(Debug, Default)]
struct Delays {
    beats: usize,
    lasting: Duration,
    latest: [Duration; STANDING.1],
    /// Whether it has been too much since then.
    much: bool,
    /// How long the first late beat counts.
    wary: Duration,
    /// Whether it was too much not long before.
    again: bool,
}

impl Delays {
    /// A beat that was so late.
    fn beat(&mut self, late: Duration) {
        self.wary = self.wary.saturating_sub(late + BEAT);
        if late < if self.much { CALM } else { BUSY } {
            let wary = if self.much { WARY } else { self.wary };
            *self = Self { wary, ..Self::default() };
            return;
        }
        self.latest[self.beats % STANDING.1] = late;
        self.beats += 1;
        self.lasting += late + BEAT;
        self.again |= !self.much && !self.wary.is_zero();
        self.much |= self.again || self.beats >= STANDING.1 && self.lasting >= STANDING.0;
    }

    /// Of feeds the shortest of the latest counts. The first beats after the API is refused tell of what was let in before.
    fn refuse(&self, rank: Rank) -> bool {
        match rank {
            Rank::Api => self.much,
            Rank::Feed => self.much && self.beats >= 3 * STANDING.1 && self.latest.iter().all(|late| *late >= FULL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_when_it_stands_and_what_is_wanted_least_is_refused_first() {
        let check = |late_ms: &[u64], feed: bool, api: bool| {
            let (pressure, mut delays) = (Pressure::default(), Delays::default());
            for ms in late_ms {
                delays.beat(Duration::from_millis(*ms));
                pressure.follow(&delays);
            }
            assert_eq!((pressure.admit(Rank::Feed).is_ok(), pressure.admit(Rank::Api).is_ok()), (feed, api), "{late_ms:?}");
        };
        check(&[], true, true);
        check(&[1; 100], true, true);
        check(&[99; 100], true, true);
        // A stall, however long, and two of them.
        check(&[9_000], true, true);
        check(&[9_000, 9_000], true, true);
        check(&[100; 7], true, true);
        check(&[100; 8], true, false);
        check(&[999; 99], true, false);
        // It isn't over before all is calm; then the first that is late counts, for ten seconds.
        let much = [100; 8];
        check(&[much.as_slice(), &[21; 9]].concat(), true, false);
        check(&[much.as_slice(), &[19]].concat(), true, true);
        check(&[much.as_slice(), &[19, 19, 99, 19]].concat(), true, true);
        check(&[much.as_slice(), &[19, 19, 100]].concat(), true, false);
        check(&[much.as_slice(), &[0; 401], &[100]].concat(), true, true);
        // Feeds only when that has not helped, and by the shortest of the latest.
        check(&[1_500; 8], true, false);
        check(&[1_500; 9], false, false);
        check(&[[1_500; 9].as_slice(), &[400]].concat(), true, false);
        check(&[[1_500; 9].as_slice(), &[1]].concat(), true, true);
    }
}
