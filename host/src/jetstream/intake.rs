//! What has been received and not yet sent on.
//!
//! A frame is read as far as it must be to know that it doesn't concern us; what does is decoded and kept, up to a bound, until
//! the consumer is told. What becomes of the cursor is [`Position`]'s to say.

use tracing::Span;

use crate::event::{Body, Event};

use super::{
    Announced, Cursor, Gap, KnownDids, Refusal, Wire,
    decode::Decoded,
    health::Counts,
    position::{Mark, Position, Renumbered},
    prefilter::{Prefilter, Verdict},
    wire::{Frame, Notice},
};

/// How many events go into one [`Intake`], and as many identities, and repos to be read anew.
const MAX_EVENTS: usize = 512;

/// How many bytes of records go into one [`Intake`]; the last record may exceed it.
const MAX_RECORDS: usize = 1 << 20;

/// What becomes of an intake, for who traces it: from its first event on until this is dropped. It says nothing of what is in it, so all are
/// equal.
#[derive(Debug, Clone)]
pub struct Trace(pub Span);

impl Trace {
    fn begin() -> Self {
        Self(tracing::debug_span!("intake", events = tracing::field::Empty, row = tracing::field::Empty))
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self(Span::none())
    }
}

impl PartialEq for Trace {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Trace {}

/// What belongs into one transaction: events, and how far one has read once they're stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// In the order of arrival. Empty if only the cursor has moved.
    pub events: Vec<Event>,
    /// The DIDs whose handle or document has changed: what is cached of them is stale.
    pub identities: Vec<String>,
    /// The DIDs, among those of which we hold something, whose repos have lost their history: only reading them anew tells what is
    /// in them. No DID comes twice.
    pub resync: Vec<String>,
    /// What can't be had from any stream: the cursor has moved past it.
    pub gap: Option<Gap>,
    pub cursor: Cursor,
    pub trace: Trace,
}

impl Intake {
    /// Takes in what came after.
    pub fn append(&mut self, next: Self) {
        self.events.extend(next.events);
        self.identities.extend(next.identities);
        for did in next.resync {
            if !self.resync.contains(&did) {
                self.resync.push(did);
            }
        }
        self.gap = match (self.gap, next.gap) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        self.cursor = next.cursor;
    }
}

/// Why nothing more is to be taken from this connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// It isn't the stream that we had been reading.
    Renumbered,
    /// The server has ended it, with these words.
    Ended { name: String, message: String },
}

/// Takes frames in, and gives [`Intake`]s out.
pub(super) struct Collector {
    pub(super) counts: Counts,
    pub(super) position: Position,
    prefilter: Prefilter,
    known: KnownDids,
    announced: Announced,
    wire: Wire,
    events: Vec<Event>,
    record_bytes: usize,
    identities: Vec<String>,
    resync: Vec<String>,
    gap: Option<Gap>,
    trace: Trace,
    /// Where the position was when the consumer was last told.
    sent: (u64, Option<Mark>),
}

impl Collector {
    pub(super) fn new(position: Position, known: KnownDids) -> Self {
        Self {
            counts: Counts::default(),
            prefilter: Prefilter::new(),
            known,
            announced: Announced::default(),
            wire: Wire::V1,
            events: Vec::new(),
            record_bytes: 0,
            identities: Vec::new(),
            resync: Vec::new(),
            gap: None,
            trace: Trace::default(),
            sent: position.point(),
            position,
        }
    }

    /// Takes in what is announced there.
    pub(super) fn listen_to(&mut self, announced: Announced) {
        self.announced = announced;
    }

    /// What comes from now on is of this wire.
    pub(super) fn speak(&mut self, wire: Wire) {
        self.wire = wire;
    }

    /// Takes a frame. After a break, none of this connection's may follow.
    pub(super) fn take(&mut self, frame: &[u8]) -> Result<(), Break> {
        self.counts.frames += 1;
        self.counts.bytes += frame.len() as u64;
        self.known.extend(self.announced.take());
        let header = match self.wire.read(frame) {
            Ok(Frame::Event(header)) => header,
            Ok(Frame::Notice(notice)) => return self.hear(notice),
            Ok(Frame::Unknown) => {
                self.counts.unknown += 1;
                self.counts.dropped += 1;
                return Ok(());
            }
            Err(reason) => {
                self.counts.refusals.add(reason, frame);
                return Ok(());
            }
        };
        match self.position.advance(&header) {
            Ok(true) => {}
            Ok(false) => self.counts.ahead += 1,
            // It comes again, on a connection that begins earlier.
            Err(Renumbered) => {
                self.counts.dropped += 1;
                return Err(Break::Renumbered);
            }
        }
        let verdict = self.prefilter.judge(self.wire, frame, &header, &self.known);
        if verdict == Verdict::Drop {
            self.counts.dropped += 1;
            return Ok(());
        }
        match self.wire.decode(frame) {
            Ok(Decoded::Event(event)) => self.keep(event),
            Ok(Decoded::Identity(did)) => {
                self.counts.identities += 1;
                self.identities.push(did);
            }
            Ok(Decoded::Resync(did)) => {
                self.counts.resyncs += 1;
                if !self.resync.contains(&did) {
                    self.resync.push(did);
                }
            }
            Ok(Decoded::Other) => self.counts.dropped += 1,
            Err(reason) => self.counts.refusals.add(reason, frame),
        }
        Ok(())
    }

    fn hear(&mut self, notice: Notice) -> Result<(), Break> {
        self.counts.notices += 1;
        match notice {
            Notice::OutdatedCursor => {
                self.position.told_of_gap();
                Ok(())
            }
            Notice::Error { name, message } => Err(Break::Ended { name, message }),
        }
    }

    /// Counts a message that held no frame.
    pub(super) fn refuse(&mut self, reason: Refusal, message: &[u8]) {
        self.counts.frames += 1;
        self.counts.refusals.add(reason, message);
    }

    /// What has been missed since this was last asked; it goes into the next [`Intake`] as well.
    pub(super) fn notice_gap(&mut self) -> Option<Gap> {
        let gap = self.position.take_gap()?;
        self.gap = Some(self.gap.map_or(gap, |before| before.and(gap)));
        Some(gap)
    }

    fn keep(&mut self, event: Event) {
        self.counts.passed += 1;
        // The next frame may already be this account's delete.
        self.known.insert(&event.did);
        if let Body::Commit(commit) = &event.body {
            self.record_bytes += commit.record.as_ref().map_or(0, String::len);
        }
        if self.events.is_empty() {
            self.trace = Trace::begin();
        }
        self.events.push(event);
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= MAX_EVENTS || self.record_bytes >= MAX_RECORDS || self.identities.len() >= MAX_EVENTS || self.resync.len() >= MAX_EVENTS
    }

    /// Whether there's anything that the consumer should be told at once. Identities can wait for the next cursor: what is cached of
    /// them is an hour old at times. So can repos that are to be read anew, which takes longer than that.
    pub(super) fn has_messages(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether there's anything that the consumer hasn't been told, be it only a cursor.
    pub(super) fn has_news(&self) -> bool {
        self.has_messages() || self.position.point() != self.sent
    }

    /// All that was collected.
    pub(super) fn hand_over(&mut self) -> Intake {
        self.notice_gap();
        self.record_bytes = 0;
        self.sent = self.position.point();
        self.trace.0.record("events", self.events.len());
        Intake {
            trace: std::mem::take(&mut self.trace),
            events: std::mem::take(&mut self.events),
            identities: std::mem::take(&mut self.identities),
            resync: std::mem::take(&mut self.resync),
            gap: self.gap.take(),
            cursor: self.position.cursor(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_783_175_888_000_000;

    fn collector() -> Collector {
        let cursor = Cursor { endpoint: "wss://example.com/subscribe".to_owned(), time_us: NOW_US, mark: None };
        Collector::new(Position::new(Some(cursor), 0, NOW_US), KnownDids::default())
    }

    fn take(collector: &mut Collector, frame: &[u8]) {
        assert_eq!(collector.take(frame), Ok(()));
    }

    fn post(did: &str, time_us: u64, operation: &str, text: &str) -> String {
        format!(
            r#"{{"did":"did:plc:{did}","time_us":{time_us},"kind":"commit","commit":{{"rev":"3mptbypluud2a","operation":"{operation}","collection":"app.bsky.feed.post","rkey":"3k","record":{{"text":"{text}"}}}}}}"#
        )
    }

    #[test]
    fn events_are_kept_whatever_their_time() {
        let mut collector = collector();
        for time_us in [NOW_US + 9, NOW_US + 9, NOW_US + 1, 0, u64::MAX] {
            take(&mut collector, post("a", time_us, "create", "#atrarium_a1b2c3d4").as_bytes());
        }
        let intake = collector.hand_over();
        assert_eq!(intake.events.len(), 5);
        assert_eq!(intake.cursor, Cursor { endpoint: "wss://example.com/subscribe".to_owned(), time_us: NOW_US + 9, mark: None });
        assert!(!collector.has_news());
    }

    #[test]
    fn a_delete_passes_right_after_the_accounts_first_post() {
        let mut collector = collector();
        take(&mut collector, post("a", 1, "delete", "").as_bytes());
        take(&mut collector, post("a", 2, "create", "#atrarium_a1b2c3d4").as_bytes());
        take(&mut collector, post("a", 3, "delete", "").as_bytes());
        take(&mut collector, post("b", 4, "delete", "").as_bytes());
        take(&mut collector, br#"{"did":"did:plc:a","time_us":5,"kind":"account","account":{"active":false,"time":"2026-07-04T14:38:07Z"}}"#);
        assert_eq!(collector.hand_over().events.len(), 3);
        assert_eq!((collector.counts.passed, collector.counts.dropped), (3, 2));
    }

    #[test]
    fn every_frame_is_counted_once() {
        let mut collector = collector();
        let lines: Vec<&str> = include_str!("../../data/captured-events.jsonl").lines().collect();
        for line in &lines {
            take(&mut collector, line.as_bytes());
        }
        take(&mut collector, b"junk");
        take(&mut collector, post("a", 1, "create", "#atrarium_a1b2c3d4").as_bytes());
        take(&mut collector, br#"{"did":"did:plc:a","time_us":1,"kind":"commit","commit":{"collection":"net.atrarium.community.config"}}"#);
        take(&mut collector, br#"{"did":"did:plc:a","time_us":1,"kind":"commit","commit":{"collection":"net.atrarium.community.other"}}"#);
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
                take(&mut collector, frame.as_bytes());
            }
            assert!(collector.is_full());
            collector.hand_over();
            assert!(!collector.is_full());
        };
        check(MAX_EVENTS, &post("a", 1, "create", "atrarium_"));
        check(3, &post("a", 1, "create", &format!("atrarium_{}", "x".repeat(400_000))));
        check(MAX_EVENTS, r#"{"did":"did:plc:a","time_us":1,"kind":"identity"}"#);
    }

    /// A v2 message in the order that servers write; the number is the microsecond as well.
    fn message(kind: &str, did: &str, seq: u64, more: &str) -> String {
        format!(
            r#"{{"$type":"message","payload":{{"$type":"network.bsky.jetstream.subscribeEvents#{kind}",{more}"did":"did:plc:{did}","seq":{seq},"time":"2026-07-04T14:38:08.{seq:06}Z"}}}}"#
        )
    }

    #[test]
    fn a_numbered_event_moves_the_number_too() {
        let mut collector = collector();
        collector.speak(Wire::V2);
        take(&mut collector, message("account", "stranger", 7, r#""account":{"active":true},"#).as_bytes());
        assert!(collector.has_news() && !collector.has_messages());
        assert_eq!(collector.hand_over().cursor.mark, Some(Mark { seq: 7, time_us: NOW_US + 7 }));
        // An event that was seen earlier has a later number all the same.
        take(&mut collector, message("account", "stranger", 8, "").replace(".000008Z", ".000001Z").as_bytes());
        assert!(collector.has_news());
        let cursor = collector.hand_over().cursor;
        assert_eq!((cursor.time_us, cursor.mark), (NOW_US + 7, Some(Mark { seq: 8, time_us: NOW_US + 1 })));
        assert!(!collector.has_news());
    }

    #[test]
    fn repos_to_be_read_anew_are_named_once_if_known() {
        let mut collector = collector();
        take(&mut collector, post("a", NOW_US, "create", "#atrarium_a1b2c3d4").as_bytes());
        collector.speak(Wire::V2);
        for (seq, did) in [(1, "a"), (2, "stranger"), (3, "a")] {
            take(&mut collector, message("sync", did, seq, "").as_bytes());
        }
        assert_eq!(collector.hand_over().resync, ["did:plc:a"]);
        assert_eq!((collector.counts.resyncs, collector.counts.dropped), (2, 1));
        assert_eq!(collector.hand_over().resync, [""; 0]);
    }

    #[test]
    fn words_of_the_server_are_heard_and_unknown_ones_passed_over() {
        let mut collector = collector();
        collector.speak(Wire::V2);
        take(&mut collector, br#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#info","name":"OutdatedCursor"}}"#);
        take(&mut collector, br#"{"$type":"something","new":[]}"#);
        take(&mut collector, message("something", "a", 1, "").as_bytes());
        assert!(!collector.has_news());
        let ended = collector.take(br#"{"$type":"error","error":"ConsumerTooSlow","message":"behind"}"#);
        assert_eq!(ended, Err(Break::Ended { name: "ConsumerTooSlow".to_owned(), message: "behind".to_owned() }));
        assert_eq!((collector.counts.notices, collector.counts.unknown, collector.counts.dropped), (2, 2, 2));
    }

    #[test]
    fn a_gap_goes_with_the_cursor_that_leaves_it_behind() {
        let mut collector = collector();
        collector.position.begin("b", crate::jetstream::position::Start::Time(0), true);
        assert_eq!(collector.hand_over().gap, None);
        take(&mut collector, post("a", NOW_US + 5, "create", "").as_bytes());
        let gap = Gap { after_us: NOW_US, until_us: NOW_US + 5 };
        assert_eq!(collector.notice_gap(), Some(gap));
        let mut intake = collector.hand_over();
        assert_eq!((intake.gap, intake.cursor.time_us), (Some(gap), NOW_US + 5));
        assert_eq!((collector.notice_gap(), collector.hand_over().gap), (None, None));

        let later = Intake { resync: vec!["x".to_owned(), "y".to_owned()], gap: Some(Gap { after_us: NOW_US + 6, until_us: NOW_US + 9 }), ..intake.clone() };
        intake.resync = vec!["y".to_owned()];
        intake.append(later);
        assert_eq!((intake.gap, intake.resync), (Some(Gap { after_us: NOW_US, until_us: NOW_US + 9 }), vec!["y".to_owned(), "x".to_owned()]));
    }
}
