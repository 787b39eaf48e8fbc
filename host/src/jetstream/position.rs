//! How far the stream has been read: what is asked for next, and whether what then comes follows on it.
//!
//! Two things tell a place in the stream. The time of an event means nearly the same on every server, so it serves to go on
//! elsewhere, a little earlier: by more than the server that was left may have been behind. The number of an event means something
//! to one server only, and exactly: it serves to go on at the same one. It is believed only if the server begins with that very
//! event, and soon; a server that has begun to number anew, or another that hides behind the same name, would otherwise skip what
//! lies between without a word.
//!
//! The time is the latest that any frame has named: servers send events slightly out of order, so a lower time means nothing,
//! and least of all that an event is a repeat. A time far ahead of our clock doesn't move it, or else one wrong frame would
//! make us ask for the future from then on. Where a server no longer has what follows on our place, reading goes on with the
//! oldest that it has, and a [`Gap`] tells what was missed.

use serde::{Deserialize, Serialize};

use super::{Wire, wire::Header};
use crate::event::MAX_AHEAD_US;

/// How much later than our place a stream may begin before something must have been missed, in microseconds: a minute. A server
/// that still has our place begins before it, so only the clocks of two servers, and what they are behind, count here.
const MAX_SKIP_US: u64 = 60 * 1_000_000;

/// The least time that a v2 server doesn't take for a number.
const LEAST_TIME_US: u64 = 1_000_000_000_000_000;

/// How far a stream has been read, to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The endpoint that was read, as its `Display` has it.
    pub endpoint: String,
    /// The latest time seen, in microseconds since the Unix epoch. All servers count nearly alike.
    pub time_us: u64,
    /// The last event read, if this endpoint numbers its events.
    pub mark: Option<Mark>,
}

/// An event on one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub seq: u64,
    /// The event's own time, by which it is known again.
    pub time_us: u64,
}

/// A part of the stream that no server of ours could give: whatever happened in it has not been heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// All up to this time was read, in microseconds since the Unix epoch.
    pub after_us: u64,
    /// And all from this time on.
    pub until_us: u64,
}

impl Gap {
    /// One that covers both.
    pub fn and(self, other: Self) -> Self {
        Self { after_us: self.after_us.min(other.after_us), until_us: self.until_us.max(other.until_us) }
    }
}

/// Where a subscription is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Time(u64),
    /// At this event, which comes again.
    Event(Mark),
}

/// How far before our place a connection begins that asks for a time, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rewind {
    /// At the server that was read.
    pub here_us: u64,
    /// At another. The one that was read may have been behind it, so that what the other has counted long ago was still to come.
    pub elsewhere_us: u64,
}

/// The server didn't begin with the event that was asked for: its numbers mean something else than they did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Renumbered;

pub(super) struct Position {
    /// The endpoint of the last event, or of the stored cursor before there is one.
    source: String,
    /// Never moves backwards, and never beyond the horizon.
    time_us: u64,
    /// An event of `source`.
    mark: Option<Mark>,
    /// The latest time that an event may have to be believed.
    horizon_us: u64,
    /// There's something to follow on: a stored cursor, or events of this run.
    founded: bool,
    /// Until the connection's first event.
    opening: Option<(String, Start)>,
    /// Until the connection's first event with a time that can be believed, if that is to be judged; and whether the server has
    /// said that something is missing before it.
    unjudged: Option<bool>,
    gap: Option<Gap>,
}

impl Position {
    /// Goes on after this cursor. If that lies in the future, whoever stored it had a wrong clock: it starts now. Without one, it
    /// starts at `oldest_us`, and nothing is missed if no server has that.
    pub(super) fn new(resume: Option<Cursor>, oldest_us: u64, now_us: u64) -> Self {
        let horizon_us = now_us.saturating_add(MAX_AHEAD_US);
        let founded = resume.is_some();
        let Cursor { endpoint, time_us, mark } = resume.unwrap_or(Cursor { endpoint: String::new(), time_us: oldest_us, mark: None });
        let time_us = if time_us > horizon_us { now_us } else { time_us };
        Self { source: endpoint, time_us, mark, horizon_us, founded, opening: None, unjudged: None, gap: None }
    }

    /// Tells what time it is. Once for some thousand frames is enough.
    pub(super) fn set_clock(&mut self, now_us: u64) {
        self.horizon_us = now_us.saturating_add(MAX_AHEAD_US);
    }

    pub(super) fn time_us(&self) -> u64 {
        self.time_us
    }

    /// Where to begin at this endpoint. Never in the future, which servers take for "only what comes from now on".
    pub(super) fn start(&self, endpoint: &str, wire: Wire, rewind: Rewind, now_us: u64) -> Start {
        let here = self.source == endpoint;
        match self.mark {
            Some(mark) if wire == Wire::V2 && here => Start::Event(mark),
            _ => {
                let rewind_us = if here { rewind.here_us } else { rewind.elsewhere_us };
                Start::Time(self.time_us.min(now_us).saturating_sub(rewind_us).max(if wire == Wire::V2 { LEAST_TIME_US } else { 0 }))
            }
        }
    }

    /// Forgets the last event's number, because the server doesn't know it any more.
    pub(super) fn forget_mark(&mut self) {
        self.mark = None;
    }

    /// A connection is open, on which this was asked for; `told` if the server has said that it doesn't have what follows on our
    /// place.
    pub(super) fn begin(&mut self, endpoint: &str, start: Start, told: bool) {
        self.opening = Some((endpoint.to_owned(), start));
        self.unjudged = (self.founded && matches!(start, Start::Time(_))).then_some(told);
    }

    /// The server says that it begins later than it was asked to. It says so before the first event.
    pub(super) fn told_of_gap(&mut self) {
        if let Some(told) = &mut self.unjudged {
            *told = true;
        }
    }

    /// Moves behind an event; answers whether its time is to be believed. Once for every event, so the usual way is short.
    pub(super) fn advance(&mut self, header: &Header<'_>) -> Result<bool, Renumbered> {
        if let Some((endpoint, start)) = self.opening.take() {
            self.open(endpoint, start, header)?;
        }
        self.mark = header.seq.map(|seq| Mark { seq, time_us: header.time_us });
        if header.time_us > self.horizon_us {
            return Ok(false);
        }
        if let Some(told) = self.unjudged.take() {
            self.judge(told, header.time_us);
        }
        self.founded = true;
        self.time_us = self.time_us.max(header.time_us);
        Ok(true)
    }

    #[cold]
    fn open(&mut self, endpoint: String, start: Start, header: &Header<'_>) -> Result<(), Renumbered> {
        if let Start::Event(mark) = start
            && header.seq.map(|seq| Mark { seq, time_us: header.time_us }) != Some(mark)
        {
            self.mark = None;
            return Err(Renumbered);
        }
        self.source = endpoint;
        Ok(())
    }

    #[cold]
    fn judge(&mut self, told: bool, first_us: u64) {
        if told || first_us > self.time_us.saturating_add(MAX_SKIP_US) {
            let gap = Gap { after_us: self.time_us, until_us: first_us.max(self.time_us) };
            self.gap = Some(self.gap.map_or(gap, |before| before.and(gap)));
        }
    }

    /// Whether the event that was asked for has yet to come.
    pub(super) fn awaits_event(&self) -> bool {
        matches!(self.opening, Some((_, Start::Event(_))))
    }

    /// What has been missed since this was last asked.
    pub(super) fn take_gap(&mut self) -> Option<Gap> {
        self.gap.take()
    }

    /// What changes whenever the cursor does, while one endpoint is read.
    pub(super) fn point(&self) -> (u64, Option<Mark>) {
        (self.time_us, self.mark)
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor { endpoint: self.source.clone(), time_us: self.time_us, mark: self.mark }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::jetstream::wire::Kind;

    const NOW_US: u64 = 1_783_175_888_000_000;

    const REWIND: Rewind = Rewind { here_us: 10, elsewhere_us: 90 };

    fn header(seq: Option<u64>, time_us: u64) -> Header<'static> {
        Header { did: Cow::Borrowed("did:plc:a"), time_us, seq, kind: Kind::Commit, changes_a_post: None }
    }

    fn cursor(time_us: u64, seq: Option<u64>) -> Cursor {
        Cursor { endpoint: "a".to_owned(), time_us, mark: seq.map(|seq| Mark { seq, time_us }) }
    }

    fn resumed(time_us: u64, seq: Option<u64>) -> Position {
        Position::new(Some(cursor(time_us, seq)), 0, NOW_US)
    }

    #[test]
    fn the_time_is_the_latest_that_can_be_believed() {
        let mut position = resumed(NOW_US, None);
        let mut check = |time_us, expected, believed| {
            assert_eq!(position.advance(&header(None, time_us)), Ok(believed));
            assert_eq!(position.time_us(), expected, "after {time_us}");
        };
        check(NOW_US + 5, NOW_US + 5, true);
        check(NOW_US + 3, NOW_US + 5, true);
        check(0, NOW_US + 5, true);
        check(u64::MAX, NOW_US + 5, false);
        check(NOW_US + MAX_AHEAD_US + 1, NOW_US + 5, false);
        check(NOW_US + MAX_AHEAD_US, NOW_US + MAX_AHEAD_US, true);
        check(NOW_US + 6, NOW_US + MAX_AHEAD_US, true);
    }

    #[test]
    fn a_stored_time_is_believed_unless_it_lies_in_the_future() {
        let check = |time_us, expected| assert_eq!(resumed(time_us, None).time_us(), expected);
        check(0, 0);
        check(NOW_US - 1, NOW_US - 1);
        check(NOW_US + 1, NOW_US + 1);
        check(NOW_US + MAX_AHEAD_US + 1, NOW_US);
        check(u64::MAX, NOW_US);
        assert_eq!(Position::new(None, 7, NOW_US).time_us(), 7);
    }

    #[test]
    fn only_the_server_that_gave_a_number_is_asked_for_it() {
        let check = |seq, endpoint: &str, wire, expected| assert_eq!(resumed(NOW_US - 50, seq).start(endpoint, wire, REWIND, NOW_US), expected);
        check(Some(7), "a", Wire::V2, Start::Event(Mark { seq: 7, time_us: NOW_US - 50 }));
        check(Some(7), "b", Wire::V2, Start::Time(NOW_US - 50 - 90));
        check(Some(7), "b", Wire::V1, Start::Time(NOW_US - 50 - 90));
        check(None, "a", Wire::V2, Start::Time(NOW_US - 50 - 10));
        // A v2 server would take so small a time for a number.
        assert_eq!(resumed(0, None).start("b", Wire::V2, REWIND, NOW_US), Start::Time(LEAST_TIME_US));
        assert_eq!(resumed(0, None).start("b", Wire::V1, REWIND, NOW_US), Start::Time(0));
        assert_eq!(resumed(NOW_US + 5, None).start("b", Wire::V1, REWIND, NOW_US), Start::Time(NOW_US - 90));
    }

    #[test]
    fn a_number_is_believed_if_the_event_comes_again() {
        let check = |first: Header<'_>, expected| {
            let mut position = resumed(NOW_US, Some(7));
            let start = position.start("a", Wire::V2, REWIND, NOW_US);
            position.begin("a", start, false);
            assert!(position.awaits_event());
            assert_eq!(position.advance(&first), expected, "{first:?}");
            assert!(!position.awaits_event());
            let next = position.start("a", Wire::V2, REWIND, NOW_US);
            match expected {
                Ok(_) => assert_eq!(next, start),
                Err(Renumbered) => assert_eq!(next, Start::Time(NOW_US - 10)),
            }
            assert_eq!((position.time_us(), position.take_gap()), (NOW_US, None));
        };
        check(header(Some(7), NOW_US), Ok(true));
        check(header(Some(8), NOW_US), Err(Renumbered));
        check(header(Some(6), NOW_US), Err(Renumbered));
        check(header(Some(7), NOW_US - 1), Err(Renumbered));
        check(header(None, NOW_US), Err(Renumbered));
    }

    #[test]
    fn a_number_is_kept_until_another_server_has_given_an_event() {
        let mut position = resumed(NOW_US, Some(7));
        position.begin("b", position.start("b", Wire::V1, REWIND, NOW_US), false);
        assert_eq!(position.start("a", Wire::V2, REWIND, NOW_US), Start::Event(Mark { seq: 7, time_us: NOW_US }));
        assert_eq!(position.cursor(), cursor(NOW_US, Some(7)));
        assert_eq!(position.advance(&header(None, NOW_US - 5)), Ok(true));
        assert_eq!(position.start("a", Wire::V2, REWIND, NOW_US), Start::Time(NOW_US - 90));
        assert_eq!(position.cursor(), Cursor { endpoint: "b".to_owned(), time_us: NOW_US, mark: None });
    }

    #[test]
    fn a_gap_is_seen_at_the_first_event() {
        let check = |resume: Option<Cursor>, told, first: &[u64], expected: Option<(u64, u64)>| {
            let mut position = Position::new(resume, NOW_US, NOW_US);
            position.set_clock(NOW_US + 24 * MAX_AHEAD_US);
            position.begin("b", Start::Time(0), told);
            for &time_us in first {
                assert_eq!(position.take_gap(), None);
                assert!(position.advance(&header(None, time_us)).is_ok());
            }
            assert_eq!(position.take_gap(), expected.map(|(after_us, until_us)| Gap { after_us, until_us }), "{told} {first:?}");
            assert_eq!(position.take_gap(), None);
        };
        let stored = || Some(cursor(NOW_US, None));
        let late = NOW_US + MAX_SKIP_US + 1;
        check(stored(), false, &[NOW_US - 5, late], None);
        check(stored(), false, &[NOW_US + MAX_SKIP_US], None);
        check(stored(), false, &[late], Some((NOW_US, late)));
        check(stored(), false, &[u64::MAX, late], Some((NOW_US, late)));
        check(stored(), true, &[NOW_US + 1], Some((NOW_US, NOW_US + 1)));
        check(stored(), true, &[NOW_US - 1], Some((NOW_US, NOW_US)));
        // Who has stored nothing follows on nothing.
        check(None, false, &[late], None);
        check(None, true, &[late], None);
    }

    #[test]
    fn a_notice_counts_before_the_first_event() {
        let mut position = resumed(NOW_US, None);
        position.begin("b", Start::Time(0), false);
        position.told_of_gap();
        assert!(position.advance(&header(None, NOW_US + 1)).is_ok() && position.take_gap().is_some());
        position.told_of_gap();
        assert!(position.advance(&header(None, NOW_US + 2)).is_ok() && position.take_gap().is_none());
        assert_eq!(Gap { after_us: 3, until_us: 5 }.and(Gap { after_us: 4, until_us: 9 }), Gap { after_us: 3, until_us: 9 });
    }
}
