//! What a community's owner is told of their mix: what was done with it, how it failed and how often, and what it said.
//!
//! Kept for a week, and bounded: the same again within an hour is counted and no line of its own. What a mix says has its own share,
//! so it can't talk its failures away. Notes are made in memory by whoever reads a feed, and written by [`Journals::flush`]; a
//! crash costs the last seconds of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::rows;
use crate::store::{Changes, State, StateError};

/// Lines of each share.
const LINES: usize = 100;

const KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// Within this the same again is the same line.
const SAME_MS: i64 = 3_600_000;

/// How far back it is looked for.
const LOOKED_BACK: usize = 20;

/// Bytes of one line. What a mix says in one call is bounded before.
const LONGEST: usize = 1_024;

/// Communities whose journals are in memory while they are unchanged.
const AWAKE: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Somebody did something with a version.
    Uploaded,
    Admitted,
    Refused,
    Activated,
    Deactivated,
    Removed,
    /// A call gave no answer, and the page was the default mix's.
    Failed,
    /// It is not asked for a while.
    Paused,
    /// It is not asked any more.
    SwitchedOff,
    /// There was no turn for it in time, and the page was the default mix's.
    Busy,
    /// It has said something.
    Said,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Admitted => "admitted",
            Self::Refused => "refused",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::Removed => "removed",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::SwitchedOff => "switched-off",
            Self::Busy => "busy",
            Self::Said => "said",
        }
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: Kind,
    /// The version that it is about; 0: none.
    pub number: u32,
    pub text: String,
    pub first_ms: i64,
    pub last_ms: i64,
    pub times: u64,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Journal {
    happened: VecDeque<Line>,
    said: VecDeque<Line>,
}

impl Journal {
    fn note(&mut self, kind: Kind, number: u32, text: &str, now: i64) {
        let lines = if kind == Kind::Said { &mut self.said } else { &mut self.happened };
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let recent = lines.iter_mut().rev().take(LOOKED_BACK);
        let same = |line: &&mut Line| line.kind == kind && line.number == number && now - line.last_ms < SAME_MS && line.text == text;
        if let Some(line) = recent.into_iter().find(same) {
            line.times += 1;
            line.last_ms = now;
            return;
        }
        lines.push_back(Line { kind, number, text: text.to_owned(), first_ms: now, last_ms: now, times: 1 });
        while lines.len() > LINES || lines.front().is_some_and(|line| line.last_ms < now - KEPT_MS) {
            lines.pop_front();
        }
    }

    /// Newest first.
    fn lines(&self, now: i64) -> Vec<Line> {
        let mut lines: Vec<Line> = self.happened.iter().chain(&self.said).filter(|line| line.last_ms >= now - KEPT_MS).cloned().collect();
        lines.sort_by_key(|line| std::cmp::Reverse((line.last_ms, line.first_ms)));
        lines
    }
}

/// All communities' journals.
#[derive(Debug, Default)]
pub(super) struct Journals(Mutex<Awake>);

#[derive(Debug, Default)]
struct Awake {
    journals: HashMap<String, Journal>,
    changed: HashSet<String>,
}

impl Journals {
    pub(super) fn note(&self, state: &State, uri: &str, kind: Kind, number: u32, text: &str, now: i64) {
        let mut awake = self.lock();
        awake.get(state, uri).note(kind, number, text, now);
        awake.changed.insert(uri.to_owned());
    }

    pub(super) fn lines(&self, state: &State, uri: &str, now: i64) -> Vec<Line> {
        self.lock().get(state, uri).lines(now)
    }

    /// Makes what was noted durable.
    pub(super) fn flush(&self, state: &State) -> Result<(), StateError> {
        let (mut changes, written) = (Changes::default(), {
            let mut awake = self.lock();
            std::mem::take(&mut awake.changed)
        });
        {
            let awake = self.lock();
            for uri in &written {
                if let Some(journal) = awake.journals.get(uri) {
                    rows::write_journal(&mut changes, uri, journal);
                }
            }
        }
        let outcome = state.commit(&changes);
        let mut awake = self.lock();
        match outcome {
            Err(_) => awake.changed.extend(written),
            Ok(()) if awake.journals.len() > AWAKE => {
                let Awake { journals, changed } = &mut *awake;
                journals.retain(|uri, _| changed.contains(uri));
            }
            Ok(()) => {}
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Awake> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awake {
    /// What can't be read begins anew: notes are no reason to keep a feed waiting.
    fn get(&mut self, state: &State, uri: &str) -> &mut Journal {
        self.journals.entry(uri.to_owned()).or_insert_with(|| rows::journal(state, uri).ok().flatten().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_counted_and_what_is_said_pushes_nothing_out() {
        let mut journal = Journal::default();
        journal.note(Kind::Failed, 3, "took too long", 0);
        for n in 0..1_000 {
            journal.note(Kind::Said, 3, &format!("line {n}"), n);
            journal.note(Kind::Failed, 3, "took too long", n);
        }
        let lines = journal.lines(1_000);
        let failed: Vec<_> = lines.iter().filter(|line| line.kind == Kind::Failed).map(|line| (line.first_ms, line.last_ms, line.times)).collect();
        assert_eq!((failed.as_slice(), lines.len()), (&[(0, 999, 1_001)][..], LINES + 1));
        assert_eq!(lines[0].last_ms, 999);
    }

    #[test]
    fn after_an_hour_it_is_another_line_and_after_a_week_none() {
        let mut journal = Journal::default();
        journal.note(Kind::Busy, 0, "", 0);
        journal.note(Kind::Busy, 0, "", SAME_MS);
        assert_eq!(journal.lines(SAME_MS).len(), 2);
        assert_eq!(journal.lines(KEPT_MS + 1).len(), 1);
        assert_eq!(journal.lines(KEPT_MS + SAME_MS + 1).len(), 0);
    }
}
