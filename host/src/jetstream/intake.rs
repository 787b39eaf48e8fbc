//! What has been received and not yet sent on, and the cursor that follows it.
//!
//! The cursor is the latest time that any frame has named: servers send events slightly out of order, so a lower time means
//! nothing, and least of all that an event is a repeat. A time far ahead of our clock doesn't move it, or else one
//! wrong frame would make us ask for the future from then on.

use serde::{Deserialize, Serialize};

use crate::event::{Body, Event};

use super::{
    KnownDids, Refusal,
    decode::{self, Decoded},
    header,
    health::Counts,
    prefilter::{Prefilter, Verdict},
};

/// How many events go into one [`Intake`], and as many identities.
const MAX_EVENTS: usize = 512;

/// How many bytes of records go into one [`Intake`]; the last record may exceed it.
const MAX_RECORDS: usize = 1 << 20;

/// How far ahead of our clock a server's may be, in microseconds: ten minutes.
const MAX_AHEAD_US: u64 = 10 * 60 * 1_000_000;

/// How far a stream has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The endpoint that was read, as its `Display` has it.
    pub endpoint: String,
    /// The latest `time_us` seen, in microseconds since the Unix epoch. All v1 servers count alike.
    pub time_us: u64,
}

/// What belongs into one transaction: events, and how far one has read once they're stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// In the order of arrival. Empty if only the cursor has moved.
    pub events: Vec<Event>,
    /// The DIDs whose handle or document has changed: what is cached of them is stale.
    pub identities: Vec<String>,
    pub cursor: Cursor,
}

/// Takes frames in, and gives [`Intake`]s out.
pub(super) struct Collector {
    pub(super) counts: Counts,
    prefilter: Prefilter,
    known: KnownDids,
    events: Vec<Event>,
    record_bytes: usize,
    identities: Vec<String>,
    /// Never moves backwards, and never beyond what `set_clock` allows.
    cursor_us: u64,
    sent_cursor_us: u64,
    /// The latest time that the cursor may take.
    horizon_us: u64,
}

impl Collector {
    /// One that goes on after this time. If that lies in the future, whoever stored it had a wrong clock: it starts now.
    pub(super) fn new(resume_us: u64, known: KnownDids, now_us: u64) -> Self {
        let horizon_us = now_us.saturating_add(MAX_AHEAD_US);
        let cursor_us = if resume_us > horizon_us { now_us } else { resume_us };
        Self {
            counts: Counts::default(),
            prefilter: Prefilter::new(),
            known,
            events: Vec::new(),
            record_bytes: 0,
            identities: Vec::new(),
            cursor_us,
            sent_cursor_us: cursor_us,
            horizon_us,
        }
    }

    /// Tells what time it is. Once for some thousand frames is enough.
    pub(super) fn set_clock(&mut self, now_us: u64) {
        self.horizon_us = now_us.saturating_add(MAX_AHEAD_US);
    }

    pub(super) fn cursor_us(&self) -> u64 {
        self.cursor_us
    }

    pub(super) fn take(&mut self, frame: &[u8]) {
        self.counts.frames += 1;
        self.counts.bytes += frame.len() as u64;
        let header = match header::read(frame) {
            Ok(header) => header,
            Err(reason) => return self.counts.refusals.add(reason, frame),
        };
        if header.time_us > self.horizon_us {
            self.counts.ahead += 1;
        } else {
            self.cursor_us = self.cursor_us.max(header.time_us);
        }
        if self.prefilter.judge(frame, &header, &self.known) == Verdict::Drop {
            self.counts.dropped += 1;
            return;
        }
        match decode::decode(frame) {
            Ok(Decoded::Event(event)) => self.keep(event),
            Ok(Decoded::Identity(did)) => {
                self.counts.identities += 1;
                self.identities.push(did);
            }
            Ok(Decoded::Other) => self.counts.dropped += 1,
            Err(reason) => self.counts.refusals.add(reason, frame),
        }
    }

    /// Counts a message that held no frame.
    pub(super) fn refuse(&mut self, reason: Refusal, message: &[u8]) {
        self.counts.frames += 1;
        self.counts.refusals.add(reason, message);
    }

    fn keep(&mut self, event: Event) {
        self.counts.passed += 1;
        // The next frame may already be this account's delete.
        self.known.insert(&event.did);
        if let Body::Commit(commit) = &event.body {
            self.record_bytes += commit.record.as_ref().map_or(0, String::len);
        }
        self.events.push(event);
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= MAX_EVENTS || self.record_bytes >= MAX_RECORDS || self.identities.len() >= MAX_EVENTS
    }

    /// Whether there's anything that the consumer should be told at once. Identities can wait for the next cursor: what is cached of
    /// them is an hour old at times.
    pub(super) fn has_messages(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether there's anything that the consumer hasn't been told, be it only a cursor.
    pub(super) fn has_news(&self) -> bool {
        self.has_messages() || self.cursor_us > self.sent_cursor_us
    }

    /// All that was collected.
    pub(super) fn hand_over(&mut self, endpoint: &str) -> Intake {
        self.record_bytes = 0;
        self.sent_cursor_us = self.cursor_us;
        Intake {
            events: std::mem::take(&mut self.events),
            identities: std::mem::take(&mut self.identities),
            cursor: Cursor { endpoint: endpoint.to_owned(), time_us: self.cursor_us },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_783_175_888_000_000;

    fn collector() -> Collector {
        Collector::new(NOW_US, KnownDids::default(), NOW_US)
    }

    fn post(did: &str, time_us: u64, operation: &str, text: &str) -> String {
        format!(
            r#"{{"did":"did:plc:{did}","time_us":{time_us},"kind":"commit","commit":{{"rev":"3mptbypluud2a","operation":"{operation}","collection":"app.bsky.feed.post","rkey":"3k","record":{{"text":"{text}"}}}}}}"#
        )
    }

    #[test]
    fn the_cursor_is_the_latest_believable_time() {
        let mut collector = collector();
        let mut check = |time_us, expected| {
            collector.take(post("a", time_us, "create", "").as_bytes());
            assert_eq!(collector.cursor_us(), expected, "after {time_us}");
        };
        check(NOW_US + 5, NOW_US + 5);
        check(NOW_US + 3, NOW_US + 5);
        check(0, NOW_US + 5);
        check(u64::MAX, NOW_US + 5);
        check(NOW_US + MAX_AHEAD_US + 1, NOW_US + 5);
        check(NOW_US + MAX_AHEAD_US, NOW_US + MAX_AHEAD_US);
        check(NOW_US + 6, NOW_US + MAX_AHEAD_US);
        assert_eq!(collector.counts.ahead, 2);
    }

    #[test]
    fn a_stored_cursor_is_believed_unless_it_lies_in_the_future() {
        let check = |resume_us, expected| {
            let collector = Collector::new(resume_us, KnownDids::default(), NOW_US);
            assert_eq!(collector.cursor_us(), expected);
            assert!(!collector.has_news());
        };
        check(0, 0);
        check(NOW_US - 1, NOW_US - 1);
        check(NOW_US + 1, NOW_US + 1);
        check(NOW_US + MAX_AHEAD_US + 1, NOW_US);
        check(u64::MAX, NOW_US);
    }

    #[test]
    fn events_are_kept_whatever_their_time() {
        let mut collector = collector();
        for time_us in [NOW_US + 9, NOW_US + 9, NOW_US + 1, 0, u64::MAX] {
            collector.take(post("a", time_us, "create", "#atrarium_a1b2c3d4").as_bytes());
        }
        let intake = collector.hand_over("wss://example.com/subscribe");
        assert_eq!(intake.events.len(), 5);
        assert_eq!(intake.cursor, Cursor { endpoint: "wss://example.com/subscribe".to_owned(), time_us: NOW_US + 9 });
        assert!(!collector.has_news());
    }

    #[test]
    fn a_delete_passes_right_after_the_accounts_first_post() {
        let mut collector = collector();
        collector.take(post("a", 1, "delete", "").as_bytes());
        collector.take(post("a", 2, "create", "#atrarium_a1b2c3d4").as_bytes());
        collector.take(post("a", 3, "delete", "").as_bytes());
        collector.take(post("b", 4, "delete", "").as_bytes());
        collector.take(br#"{"did":"did:plc:a","time_us":5,"kind":"account","account":{"active":false,"time":"2026-07-04T14:38:07Z"}}"#);
        assert_eq!(collector.hand_over("").events.len(), 3);
        assert_eq!((collector.counts.passed, collector.counts.dropped), (3, 2));
    }

    #[test]
    fn every_frame_is_counted_once() {
        let mut collector = collector();
        let lines: Vec<&str> = include_str!("../../data/captured-events.jsonl").lines().collect();
        for line in &lines {
            collector.take(line.as_bytes());
        }
        collector.take(b"junk");
        collector.take(post("a", 1, "create", "#atrarium_a1b2c3d4").as_bytes());
        collector.take(br#"{"did":"did:plc:a","time_us":1,"kind":"commit","commit":{"collection":"net.atrarium.community.config"}}"#);
        collector.take(br#"{"did":"did:plc:a","time_us":1,"kind":"commit","commit":{"collection":"net.atrarium.community.other"}}"#);
        collector.refuse(Refusal::NotZstd, b"");
        let Counts { frames, passed, dropped, identities, ref mut refusals, .. } = collector.counts;
        let refused: u64 = refusals.report(tokio::time::Instant::now()).map(|(_, count)| count).sum();
        assert_eq!((frames, passed, identities, refused), (lines.len() as u64 + 5, 1, 4, 3));
        assert_eq!(dropped, frames - passed - identities - refused);
    }

    #[test]
    fn an_intake_is_bounded_in_events_and_bytes() {
        let check = |events: usize, frame: &str| {
            let mut collector = collector();
            for taken in 0..events {
                assert!(!collector.is_full(), "full after {taken}");
                collector.take(frame.as_bytes());
            }
            assert!(collector.is_full());
            collector.hand_over("");
            assert!(!collector.is_full());
        };
        check(MAX_EVENTS, &post("a", 1, "create", "atrarium_"));
        check(3, &post("a", 1, "create", &format!("atrarium_{}", "x".repeat(400_000))));
        check(MAX_EVENTS, r#"{"did":"did:plc:a","time_us":1,"kind":"identity"}"#);
    }
}
