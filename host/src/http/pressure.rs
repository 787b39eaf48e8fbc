//! Whether the program keeps up with what it is asked, told by how late its own tasks come to their turn.
//!
//! A task that does nothing else is due every [`BEAT`]; by how much it is late is what every connection waits as well at that moment, before
//! anything is done for it. A delay counts when it *stands*: when for [`STANDING`] no beat has been on time. So a burst, or a disk
//! that stalls, costs readers time and nobody an answer (the idea of CoDel, RFC 8289).
//!
//! What is wanted least is refused first: the dashboard's API from [`BUSY`] on; feeds from [`FULL`] on, and only when refusing the API has
//! not helped. Who is refused hears it at once, which takes a small part of what an answer does; so what is left comes in time, and the
//! delay goes back by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::reply::Fault;

const BEAT: Duration = Duration::from_millis(25);

/// A hundred times what a page takes, and a delay that people notice.
const BUSY: Duration = Duration::from_millis(250);

/// The AppView waits for 5 s, and a feed that comes late is better than none.
const FULL: Duration = Duration::from_secs(1);

/// As long as no beat is on time before any delay counts, and at least so many beats: after a single stall the second is on time again.
const STANDING: (Duration, usize) = (Duration::from_secs(1), 3);

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

    /// From which delay on it is refused.
    fn bears(self) -> Duration {
        match self {
            Self::Feed => FULL,
            Self::Api => BUSY,
        }
    }
}

/// The delays that stand.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    /// In microseconds; what the API is judged by.
    api_us: AtomicU64,
    /// The same for feeds: nothing until the API has been refused for a while.
    feed_us: AtomicU64,
}

impl Pressure {
    /// Whether there is time for this; counts that there isn't.
    pub(super) fn admit(&self, rank: Rank) -> Result<(), Fault> {
        match self.standing(rank) < rank.bears() {
            true => Ok(()),
            false => Err(Fault::busy(rank.name())),
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
            for rank in [Rank::Api, Rank::Feed] {
                let (before, now) = (self.standing(rank), delays.standing(rank));
                if (now >= rank.bears()) != (before >= rank.bears()) {
                    let delay_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(delay_ms, what = rank.name(), refused = now >= rank.bears(), "more is asked than can be answered in time, or no longer");
                }
                self.stand(rank, now);
            }
        }
    }

    fn cell(&self, rank: Rank) -> &AtomicU64 {
        match rank {
            Rank::Feed => &self.feed_us,
            Rank::Api => &self.api_us,
        }
    }

    fn stand(&self, rank: Rank, delay: Duration) {
        self.cell(rank).store(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn standing(&self, rank: Rank) -> Duration {
        Duration::from_micros(self.cell(rank).load(Ordering::Relaxed))
    }
}

/// The latest beats, for as long as all of them were late.
#[derive(Debug, Default)]
struct Delays {
    beats: usize,
    lasting: Duration,
    latest: [Duration; STANDING.1],
}

impl Delays {
    /// A beat that was so late.
    fn beat(&mut self, late: Duration) {
        if late < BUSY {
            *self = Self::default();
            return;
        }
        self.latest[self.beats % STANDING.1] = late;
        self.beats += 1;
        self.lasting += late + BEAT;
    }

    /// The delay that stands: the shortest of the latest. The first beats after the API is refused tell of what was let in before.
    fn standing(&self, rank: Rank) -> Duration {
        let beats = match rank {
            Rank::Api => STANDING.1,
            Rank::Feed => 3 * STANDING.1,
        };
        match self.beats >= beats && self.lasting >= STANDING.0 {
            true => self.latest.into_iter().min().unwrap_or_default(),
            false => Duration::ZERO,
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
            }
            for rank in [Rank::Api, Rank::Feed] {
                pressure.stand(rank, delays.standing(rank));
            }
            assert_eq!((pressure.admit(Rank::Feed).is_ok(), pressure.admit(Rank::Api).is_ok()), (feed, api), "{late_ms:?}");
        };
        check(&[], true, true);
        check(&[1; 100], true, true);
        check(&[200; 100], true, true);
        // A stall, however long, and two of them.
        check(&[9_000], true, true);
        check(&[9_000, 9_000], true, true);
        check(&[300; 3], true, true);
        check(&[300; 4], true, false);
        check(&[999; 9], true, false);
        // Feeds only when it has not helped.
        check(&[1_500; 8], true, false);
        check(&[1_500; 9], false, false);
        // The shortest of the latest counts, and one that is on time ends it.
        check(&[[1_500; 9].as_slice(), &[400]].concat(), true, false);
        check(&[[1_500; 9].as_slice(), &[1]].concat(), true, true);
        check(&[300, 300, 300, 300, 1, 300], true, true);
    }
}
