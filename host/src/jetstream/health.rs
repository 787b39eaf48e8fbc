//! What the receiver says of itself: to the health page through [`Health`], to Prometheus through `metrics`.
//!
//! The reader counts in plain integers ([`Counts`]) and hands them over once for each turn of its loop, since an atomic for
//! each frame would cost as much as the search for our tag.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use metrics::{counter, gauge};
use tokio::time::Instant;

use super::{
    Gap,
    refusal::{Refusal, Refusals},
};

/// The receiver's state, to be read from any thread at any time. The numbers are those since the program started.
#[derive(Debug, Default)]
pub struct Health {
    pub connected: AtomicBool,
    /// The position in the list of endpoints of the one that is connected, or being tried.
    pub endpoint: AtomicUsize,
    /// When we last read a frame, by our clock, in microseconds since the Unix epoch; 0 before the first.
    pub last_frame_us: AtomicU64,
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

    pub(super) fn note_gap(&self, gap: Gap) {
        *self.last_gap.lock().unwrap_or_else(PoisonError::into_inner) = Some(gap);
        self.gaps.fetch_add(1, Relaxed);
        counter!("atrarium_jetstream_gaps_total").increment(1);
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
        gauge!("atrarium_jetstream_lag_seconds").set(now_us.saturating_sub(cursor_us) as f64 / 1e6);
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
            health.last_frame_us.store(now_us, Relaxed);
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
