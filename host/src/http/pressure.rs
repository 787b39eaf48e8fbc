//! Whether the program keeps up with what it is asked, told by how late its own tasks come to their turn.
//!
//! A task that does nothing else ([`Pressure::watch`]) is due every [`BEAT`]; by how much it is late is what every connection waits as well at
//! that moment, before anything is done for it. A delay counts when it *stands*: when for [`STANDING`] no beat has been less late. So a burst,
//! or a disk that stalls, costs readers time and nobody an answer (the idea of CoDel, RFC 8289).
//!
//! What is wanted least is refused first: the dashboard's API from [`BUSY`] on, feeds from [`FULL`] on, and only when refusing the API has not
//! helped. Who is refused hears it at once, so what is left comes in time, and the delay goes back by itself. That those who ask the API are
//! many is no delay: they wait for each other (`turns`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::reply::Fault;

const BEAT: Duration = Duration::from_millis(25);

/// A delay that people notice, and a thousand times what making a page takes.
const BUSY: Duration = Duration::from_millis(100);

/// The AppView waits for 5 s, and a feed that comes late is better than none.
const FULL: Duration = Duration::from_secs(1);

/// How long the log is spared the same sentence. Where the load is at a limit somebody is refused every second.
const QUIET: Duration = Duration::from_secs(60);

/// Longer than a stall that one notices, and a fifth of what the AppView waits.
const STANDING: Duration = Duration::from_secs(1);

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
    fn limit(self) -> Duration {
        match self {
            Self::Feed => FULL,
            Self::Api => BUSY,
        }
    }

    /// So many beats at least must tell of the delay. After a single stall the second is on time again; the first after the API is
    /// refused tell of what was let in before.
    fn beats(self) -> usize {
        match self {
            Self::Feed => 6,
            Self::Api => 3,
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

    /// Measures, for as long as this is polled: in a task of its own, so that nothing is measured but the wait for a turn.
    pub(super) async fn watch(&self) {
        let gauge = metrics::gauge!("atrarium_http_delay_seconds");
        let mut delays = [Rank::Api, Rank::Feed].map(Delay::new);
        loop {
            let due = Instant::now() + BEAT;
            sleep_until(due).await;
            let late = due.elapsed();
            gauge.set(late.as_secs_f64());
            for rank in self.follow(&mut delays, late) {
                tracing::warn!(what = rank.name(), "more is asked than can be answered in time: this is refused until the others are answered");
            }
        }
    }

    /// A beat that was so late. Answers what the log has to tell: who is refused from now on.
    fn follow(&self, delays: &mut [Delay], late: Duration) -> Vec<Rank> {
        let news = |delay: &mut Delay| {
            let refused = delay.stands(late);
            let was_refused = self.refused(delay.rank).swap(refused, Ordering::Relaxed);
            (refused && !was_refused && delay.is_news()).then_some(delay.rank)
        };
        delays.iter_mut().filter_map(news).collect()
    }

    fn refused(&self, rank: Rank) -> &AtomicBool {
        match rank {
            Rank::Feed => &self.feed,
            Rank::Api => &self.api,
        }
    }
}

/// The beats since one was less late than a rank's limit.
#[derive(Debug)]
struct Delay {
    rank: Rank,
    beats: usize,
    lasting: Duration,
    /// When the log was told last.
    told: Option<Instant>,
}

impl Delay {
    fn new(rank: Rank) -> Self {
        Self { rank, beats: 0, lasting: Duration::ZERO, told: None }
    }

    /// Whether it still stands, or does so now.
    fn stands(&mut self, late: Duration) -> bool {
        if late < self.rank.limit() {
            (self.beats, self.lasting) = (0, Duration::ZERO);
            return false;
        }
        self.beats += 1;
        self.lasting += late + BEAT;
        self.beats >= self.rank.beats() && self.lasting >= STANDING
    }

    /// Whether the log hasn't been told for a while; from now on it has.
    fn is_news(&mut self) -> bool {
        let is_news = self.told.is_none_or(|told| told.elapsed() >= QUIET);
        if is_news {
            self.told = Some(Instant::now());
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_when_it_stands_and_what_is_wanted_least_is_refused_first() {
        let check = |late_ms: &[u64], feed: bool, api: bool| {
            let (pressure, mut delays) = (Pressure::default(), [Rank::Api, Rank::Feed].map(Delay::new));
            for ms in late_ms {
                pressure.follow(&mut delays, Duration::from_millis(*ms));
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
        // It is over as soon as one comes in time.
        check(&[[100; 8].as_slice(), &[99]].concat(), true, true);
        // Feeds only when refusing the API has not helped.
        check(&[1_500; 5], true, false);
        check(&[1_500; 6], false, false);
        check(&[[999; 9].as_slice(), &[1_500; 5]].concat(), true, false);
        check(&[[1_500; 6].as_slice(), &[999]].concat(), true, false);
        check(&[[1_500; 6].as_slice(), &[1]].concat(), true, true);
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_once_a_minute_that_somebody_is_refused_again_and_again() {
        let (pressure, mut delays) = (Pressure::default(), [Delay::new(Rank::Feed)]);
        let mut told = Vec::new();
        for second in 0..150 {
            for late in [FULL; 7] {
                told.extend(pressure.follow(&mut delays, late).into_iter().map(|rank| (second, rank)));
            }
            assert!(pressure.admit(Rank::Feed).is_err(), "it begins again");
            assert_eq!(pressure.follow(&mut delays, Duration::ZERO), []);
            assert!(pressure.admit(Rank::Feed).is_ok(), "and ends");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, [0, 60, 120].map(|second| (second, Rank::Feed)));
    }
}
