//! What the receiver says of itself: to the health page through [`Health`], to Prometheus through `metrics`.
//!
//! The reader counts in plain integers ([`Counts`]) and hands them over once for each turn of its loop, since an atomic for
//! each frame would cost as much as the search for our tag.

use std::collections::VecDeque;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::time::Instant;

use super::{
    Gap,
    refusal::{Refusal, Refusals},
};

/// How often it is remembered where the reader stood, and how many times: half a minute in all.
const STOOD_EVERY_US: u64 = 2_000_000;
const STOOD: usize = 15;

/// The receiver's state, to be read from any thread at any time. The numbers are those since the program started.
#[derive(Debug, Default)]
pub struct Health {
    pub connected: AtomicBool,
    /// The position in the list of endpoints of the one that is connected, or being tried.
    pub endpoint: AtomicUsize,
    /// When we last read a frame: by the time that passes, and by our clock in microseconds since the Unix epoch.
    last_frame: Mutex<Option<(Instant, u64)>>,
    /// The cursor: the latest time that a server has named. Our clock less this is how far we're behind.
    pub time_us: AtomicU64,
    /// How often a connection was lost, or couldn't be made.
    pub failures: AtomicU64,
    /// Messages that came, readable or not.
    pub frames: AtomicU64,
    /// Bytes of JSON, after decompression.
    pub bytes: AtomicU64,
    /// Frames that became an event.
    pub passed: AtomicU64,
    /// Frames that concern nothing we follow.
    pub dropped: AtomicU64,
    /// Frames that were passed on as a DID whose document has changed.
    pub identities: AtomicU64,
    /// Frames that were passed on as a repo to be read anew.
    pub resyncs: AtomicU64,
    /// Frames in which a server spoke of the stream itself.
    pub notices: AtomicU64,
    /// Frames of a type that this program doesn't know. They count as dropped as well.
    pub unknown: AtomicU64,
    /// How often a stream began later than we had read, so that something is missing.
    pub gaps: AtomicU64,
    last_gap: Mutex<Option<Gap>>,
    /// Where the reader stood lately: our clock and the cursor, the oldest first.
    stood: Mutex<VecDeque<(u64, u64)>>,
    /// Frames whose time lies so far ahead that the cursor didn't follow. They count elsewhere as well.
    pub ahead: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
}

impl Health {
    /// How many frames were refused for this reason.
    pub fn refused(&self, reason: Refusal) -> u64 {
        self.refused[reason as usize].load(Relaxed)
    }

    /// What was missing the last time, if anything ever was.
    pub fn last_gap(&self) -> Option<Gap> {
        *self.last_gap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long no frame has been read; `None` before the first. A clock may be set while nothing comes: whichever says more counts.
    pub fn silence(&self, now: Instant, now_us: u64) -> Option<Duration> {
        let (then, then_us) = (*self.last_frame.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(now.saturating_duration_since(then).max(Duration::from_micros(now_us.saturating_sub(then_us))))
    }

    /// Found at this time of our clock.
    pub(super) fn note_gap(&self, gap: Gap, now_us: u64) {
        *self.last_gap.lock().unwrap_or_else(PoisonError::into_inner) = Some(gap);
        self.gaps.fetch_add(1, Relaxed);
        counter!("atrarium_jetstream_gaps_total").increment(1);
        gauge!("atrarium_jetstream_gap_timestamp_seconds").set(now_us as f64 / 1e6);
    }

    pub(super) fn note_attempt(&self, endpoint: usize) {
        self.endpoint.store(endpoint, Relaxed);
    }

    pub(super) fn note_connected(&self, connected: bool) {
        self.connected.store(connected, Relaxed);
        gauge!("atrarium_jetstream_connected").set(if connected { 1.0 } else { 0.0 });
    }

    pub(super) fn note_failure(&self) {
        self.failures.fetch_add(1, Relaxed);
        counter!("atrarium_jetstream_failures_total").increment(1);
    }

    /// Where the reader stands at this time of our clock.
    pub(super) fn note_position(&self, cursor_us: u64, now_us: u64) {
        self.time_us.store(cursor_us, Relaxed);
        let mut stood = self.stood.lock().unwrap_or_else(PoisonError::into_inner);
        if stood.back().is_some_and(|(then, _)| *then > now_us) {
            // The clock was set back, so no time has passed that could be told from these.
            stood.clear();
        }
        if stood.back().is_none_or(|(then, _)| now_us.saturating_sub(*then) >= STOOD_EVERY_US) {
            stood.push_back((now_us, cursor_us));
            if stood.len() > STOOD {
                stood.pop_front();
            }
        }
    }

    /// Whether the reader is nearer to the network's present than it lately was, and so will reach it: by more than one second in twenty
    /// over what is remembered of the last half minute.
    pub fn is_catching_up(&self, now_us: u64) -> bool {
        let (time_us, stood) = (self.time_us.load(Relaxed), self.stood.lock().unwrap_or_else(PoisonError::into_inner));
        let Some((then, read)) = stood.iter().find(|(then, _)| now_us.saturating_sub(*then) <= STOOD_EVERY_US * STOOD as u64) else { return false };
        let passed = now_us.saturating_sub(*then);
        time_us.saturating_sub(*read) > passed + passed / 20
    }
}

/// What was counted since the last report.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) passed: u64,
    pub(super) dropped: u64,
    pub(super) identities: u64,
    pub(super) resyncs: u64,
    pub(super) notices: u64,
    pub(super) unknown: u64,
    pub(super) ahead: u64,
    pub(super) refusals: Refusals,
}

impl Counts {
    /// Hands the counts over and starts again from zero.
    pub(super) fn report(&mut self, health: &Health, now: Instant, now_us: u64) {
        if self.frames > 0 {
            *health.last_frame.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, now_us));
        }
        let add = |count: &mut u64, total: &AtomicU64, name: &'static str| {
            let count = std::mem::take(count);
            if count > 0 {
                total.fetch_add(count, Relaxed);
                counter!(name).increment(count);
            }
        };
        add(&mut self.frames, &health.frames, "atrarium_jetstream_frames_total");
        add(&mut self.bytes, &health.bytes, "atrarium_jetstream_bytes_total");
        add(&mut self.passed, &health.passed, "atrarium_jetstream_passed_total");
        add(&mut self.dropped, &health.dropped, "atrarium_jetstream_dropped_total");
        add(&mut self.identities, &health.identities, "atrarium_jetstream_identities_total");
        add(&mut self.resyncs, &health.resyncs, "atrarium_jetstream_resyncs_total");
        add(&mut self.notices, &health.notices, "atrarium_jetstream_notices_total");
        add(&mut self.unknown, &health.unknown, "atrarium_jetstream_unknown_total");
        add(&mut self.ahead, &health.ahead, "atrarium_jetstream_ahead_total");
        for (reason, count) in self.refusals.report(now) {
            health.refused[reason as usize].fetch_add(count, Relaxed);
            counter!("atrarium_jetstream_refused_total", "reason" => reason.name()).increment(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const NOW: u64 = 1_795_176_000 * SECOND;

    #[test]
    fn who_reads_faster_than_the_clock_catches_up() {
        let check = |each_second: u64, expected: bool| {
            let health = Health::default();
            for second in 0..60 {
                // An hour behind at the beginning.
                health.note_position(NOW - 3_600 * SECOND + second * each_second, NOW + second * SECOND);
            }
            assert_eq!(health.is_catching_up(NOW + 60 * SECOND), expected, "{each_second} µs of the stream in a second");
        };
        for (each_second, expected) in [(0, false), (SECOND / 2, false), (SECOND, false), (2 * SECOND, true), (100 * SECOND, true)] {
            check(each_second, expected);
        }
    }

    #[test]
    fn a_silence_is_as_long_as_either_clock_says() {
        let (health, began) = (Health::default(), Instant::now());
        let silence = |passed: u64, now_us: u64| health.silence(began + Duration::from_secs(passed), now_us).map(|silence| silence.as_secs());
        Counts::default().report(&health, began, NOW);
        assert_eq!(silence(60, NOW + 60 * SECOND), None, "nothing has come yet");
        Counts { frames: 1, ..Counts::default() }.report(&health, began, NOW);
        assert_eq!(silence(60, NOW + 60 * SECOND), Some(60));
        assert_eq!(silence(60, NOW - 3_600 * SECOND), Some(60), "the clock was set back meanwhile");
        assert_eq!(silence(60, NOW + 600 * SECOND), Some(600), "or the machine slept");
    }

    #[test]
    fn who_falls_behind_after_the_clock_was_set_back_does_not_catch_up() {
        let (health, day) = (Health::default(), 86_400 * SECOND);
        health.note_position(NOW - 3_600 * SECOND, NOW + day);
        for second in 0..60 {
            health.note_position(NOW - 3_600 * SECOND + second * SECOND / 2, NOW + second * SECOND);
        }
        assert!(!health.is_catching_up(NOW + 60 * SECOND));
    }

    #[test]
    fn who_has_read_nothing_for_long_does_not_catch_up() {
        let health = Health::default();
        assert!(!health.is_catching_up(NOW));
        health.note_position(NOW - 3_600 * SECOND, NOW);
        health.note_position(NOW - 1_800 * SECOND, NOW + 10 * SECOND);
        assert!(health.is_catching_up(NOW + 10 * SECOND));
        assert!(!health.is_catching_up(NOW + 600 * SECOND), "what was ten minutes ago says nothing of now");
    }
}
