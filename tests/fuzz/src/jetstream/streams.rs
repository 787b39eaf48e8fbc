//! Many messages in a row, as one connection brings them.
//!
//! The first byte says which wire it is and how reading begins, each line after it is a frame. The cursor never moves back nor into
//! the future, each frame is counted once, and what comes out is the same whether it is asked for after each frame or at the end.

use tokio::time::Instant;

use super::frames::check_event;
use super::intake::{Break, Collector};
use super::position::{Position, Rewind, Start};
use super::{Cursor, Intake, KnownDids, Mark, Wire};
use crate::event::MAX_AHEAD_US;

/// A moment after the captured traffic.
const NOW_US: u64 = 1_783_176_000_000_000;

const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

const ENDPOINT: &str = "wss://jetstream.example/subscribe";

/// More frames than this say nothing new.
const MOST: usize = 600;

pub fn run(bytes: &[u8]) {
    let Some((how, frames)) = bytes.split_first() else { return };
    let frames: Vec<&[u8]> = frames.split(|byte| *byte == b'\n').take(MOST).collect();
    let (mut whole, mut pieces) = (Reader::new(*how), Reader::new(*how));
    let (mut all, mut together) = (Vec::new(), None::<Intake>);
    for frame in frames {
        let (one, other) = (whole.take(frame), pieces.take(frame));
        assert_eq!(one, other, "the same frame is taken otherwise");
        if whole.collector.is_full() {
            all.push(whole.collector.hand_over());
        }
        let piece = pieces.collector.hand_over();
        match &mut together {
            Some(before) => before.append(piece),
            None => together = Some(piece),
        }
    }
    all.push(whole.collector.hand_over());
    let mut all = all.into_iter();
    let first = all.next();
    let first = first.map(|first| {
        all.fold(first, |mut before, next| {
            before.append(next);
            before
        })
    });
    if let Some(together) = &together {
        check_intake(together);
        assert_eq!(first.as_ref(), Some(together), "what was handed over piece by piece is something else");
    }
    whole.check_counts();
    pieces.check_counts();
}

struct Reader {
    collector: Collector,
    start: Start,
    taken: u64,
}

impl Reader {
    fn new(how: u8) -> Self {
        let wire = if how & 1 == 0 { Wire::V1 } else { Wire::V2 };
        let mark = (how & 2 != 0).then_some(Mark { seq: 1, time_us: 1_783_175_888_085_434 });
        let resume = (how & 4 != 0).then(|| Cursor { endpoint: ENDPOINT.to_owned(), time_us: NOW_US - 120_000_000, mark });
        let position = Position::new(resume, NOW_US - 7 * DAY_US, NOW_US);
        let start = position.start(ENDPOINT, wire, Rewind { here_us: 5_000_000, elsewhere_us: 60_000_000 }, NOW_US);
        let known = if how & 8 != 0 { KnownDids::from_iter(["did:plc:wq4aajammjtxdomz3e23667t"]) } else { KnownDids::default() };
        let mut collector = Collector::new(position, known);
        collector.speak(wire);
        collector.position.begin(ENDPOINT, start, how & 16 != 0);
        Self { collector, start, taken: 0 }
    }

    /// Takes a frame; answers whether the connection goes on.
    fn take(&mut self, frame: &[u8]) -> Result<(), Break> {
        let before = self.collector.position.time_us();
        self.taken += 1;
        let taken = self.collector.take(frame);
        let after = self.collector.position.time_us();
        assert!(before <= after && after <= NOW_US + MAX_AHEAD_US, "the cursor moved from {before} to {after}");
        if taken == Err(Break::Renumbered) {
            assert!(matches!(self.start, Start::Event(_)), "who asked for a time is told that it began elsewhere");
            self.start = self.collector.position.start(ENDPOINT, Wire::V2, Rewind { here_us: 5_000_000, elsewhere_us: 60_000_000 }, NOW_US);
            assert!(matches!(self.start, Start::Time(time_us) if time_us <= NOW_US), "the number is asked for again, or the future is");
            self.collector.position.begin(ENDPOINT, self.start, false);
        }
        taken
    }

    fn check_counts(mut self) {
        let counts = &mut self.collector.counts;
        let refused: u64 = counts.refusals.report(Instant::now()).map(|(_, count)| count).sum();
        let each_once = counts.passed + counts.dropped + counts.identities + counts.resyncs + counts.notices + refused;
        assert_eq!((counts.frames, each_once), (self.taken, self.taken), "a frame is counted once");
    }
}

fn check_intake(intake: &Intake) {
    intake.events.iter().for_each(check_event);
    assert!(intake.resync.iter().enumerate().all(|(at, did)| !intake.resync[..at].contains(did)), "a repo is to be read twice");
    assert!(intake.gap.is_none_or(|gap| gap.after_us <= gap.until_us), "{:?} ends before it begins", intake.gap);
    assert!(intake.cursor.endpoint.is_empty() || intake.cursor.endpoint == ENDPOINT);
}
