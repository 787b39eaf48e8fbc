//! Candidates for a block: the next posts of own, parent and global, each in one order.
//!
//! A post belongs to one source only, which [`super::home`] settles, so it appears once in a walk, whatever the mix does and
//! however long it takes. Judged here, at every read: the window of design section 4 (older than a week is over, more than
//! two minutes ahead waits). Reading is bounded: a source that hides thousands of posts in a row gives fewer candidates for
//! that block and goes on behind them with the next.

use super::cursor::{Position, Progress};
use super::home::{Origins, global_parts, home};
use crate::community::showing::{Edition, Entry, Showing};
use crate::record::{AHEAD_MS, RETENTION_MS, RecordKey};
use crate::sandbox::mix::SourceKind;
use crate::store::schema::{self, place_parts};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, StoreError, Table};

/// Rows that are read for one source of one block at most.
const ROWS_AT_ONCE: usize = 4_000;

/// The sort times that are visible now: both ends included.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub oldest: i64,
    pub newest: i64,
}

impl Window {
    pub fn at(now: i64) -> Self {
        Self { oldest: now - RETENTION_MS + 1, newest: now + AHEAD_MS }
    }

    pub fn has(&self, sort_time: i64) -> bool {
        (self.oldest..=self.newest).contains(&sort_time)
    }
}

/// The next posts of a source.
#[derive(Debug, Default)]
pub struct Next {
    pub candidates: Vec<Entry>,
    /// Where each candidate stands, and where the reading stopped if it passed over rows behind the last.
    pub positions: Vec<Position>,
    pub passed: Option<Position>,
    /// Whether there may be more behind.
    pub more: bool,
}

/// One walk's reading of a feed, in one snapshot.
#[derive(Debug)]
pub struct Reader<'a> {
    pub snapshot: &'a Snapshot,
    pub origins: &'a Origins,
    /// The edition with which the walk began.
    pub begun: Edition,
    pub now: i64,
}

impl Reader<'_> {
    /// The next posts whose home this source is. A source without a share has none.
    pub fn next(&self, kind: SourceKind, progress: &Progress, limit: usize) -> Result<Next, StoreError> {
        match kind {
            SourceKind::Own => self.of_community(Some(self.origins.community), kind, progress, limit),
            SourceKind::Parent => self.of_community(self.origins.parent, kind, progress, limit),
            SourceKind::Global => self.of_all(progress, limit),
        }
    }

    /// Whether the post here is in the feed now, whichever source it belongs to.
    pub(super) fn shows(&self, Position { sort_time, rkey, did }: &Position) -> Result<bool, StoreError> {
        let place = schema::place(*sort_time, rkey, did);
        Ok(Window::at(self.now).has(*sort_time) && home(self.snapshot, self.origins, self.begun, place.as_ref())?.is_some())
    }

    fn of_community(&self, community: Option<CommunityId>, kind: SourceKind, progress: &Progress, limit: usize) -> Result<Next, StoreError> {
        let Some(community) = community else { return Ok(Next::default()) };
        self.read(Table::Visible, &Key::community(community), progress, limit, |place, showing| {
            let from_the_start = showing.since.is_some() && showing.first_from(self.begun) == Some(self.begun);
            // The usual case, without a look at the post's other rows: no source comes before this one.
            if from_the_start && kind == SourceKind::Own {
                return Ok(true);
            }
            if from_the_start && !self.has_row(place, Some(self.origins.community).filter(|_| self.origins.own))? {
                return self.origins.let_in(self.snapshot, place);
            }
            Ok(home(self.snapshot, self.origins, self.begun, place)? == Some(kind))
        })
    }

    fn of_all(&self, progress: &Progress, limit: usize) -> Result<Next, StoreError> {
        let mut done: Vec<u8> = Vec::new();
        self.read(Table::Global, &Key::new(), progress, limit, |row, showing| {
            let Some((place, id)) = global_parts(row) else { return Ok(false) };
            // Several communities may show one post: their rows follow each other.
            if done == place || self.origins.source_of(id) != Some(SourceKind::Global) {
                return Ok(false);
            }
            let elsewhere = self.has_row(place, Some(self.origins.community).filter(|_| self.origins.own))? || self.has_row(place, self.origins.parent)?;
            let accepted = match elsewhere {
                true => home(self.snapshot, self.origins, self.begun, place)? == Some(SourceKind::Global),
                false if showing.since.is_some() => self.origins.let_in(self.snapshot, place)?,
                false => return Ok(false),
            };
            done = place.to_vec();
            Ok(accepted)
        })
    }

    fn has_row(&self, place: &[u8], community: Option<CommunityId>) -> Result<bool, StoreError> {
        community.map_or(Ok(false), |id| self.snapshot.contains(Table::Visible, Key::community(id).bytes(place).as_ref()))
    }

    /// Reads a feed table from newest to oldest. `accept` is given the key without the prefix, and the row.
    fn read(
        &self,
        table: Table,
        prefix: &Key,
        progress: &Progress,
        limit: usize,
        mut accept: impl FnMut(&[u8], &Showing) -> Result<bool, StoreError>,
    ) -> Result<Next, StoreError> {
        let window = Window::at(self.now);
        let mut span = Span::between(prefix.clone().time(window.oldest), prefix.clone().time(window.newest + 1));
        if let Some(Position { sort_time, rkey, did }) = &progress.position {
            // In the table of all communities the same place has several rows: all of them sort behind the place itself.
            span = span.before(prefix.clone().bytes(schema::place(*sort_time, rkey, did).as_ref()));
        }
        let (mut next, mut rows, mut failed) = (Next::default(), 0, None);
        self.snapshot.scan(table, &span, true, |key, value| {
            rows += 1;
            let row = &key[prefix.as_ref().len()..];
            let place = if table == Table::Global { row.get(..row.len().saturating_sub(5)).unwrap_or_default() } else { row };
            // Never between the rows of one place: another community may show what this one was passed over for.
            let begun = || next.passed.as_ref().is_some_and(|passed| schema::place(passed.sort_time, &passed.rkey, &passed.did).as_ref() == place);
            if rows > ROWS_AT_ONCE && !begun() {
                next.more = true;
                return false;
            }
            let Some((sort_time, rkey, did)) = place_parts(place) else { return true };
            let showing = match decode::<Showing>(table, key, value) {
                Ok(showing) => showing,
                Err(cause) => {
                    failed = Some(cause);
                    return false;
                }
            };
            match accept(row, &showing) {
                // There is more if one more would be let in: rows that aren't hang on the order in which communities were opened.
                Ok(true) if next.candidates.len() == limit => {
                    next.more = true;
                    return false;
                }
                Ok(true) => {
                    next.positions.push(Position { sort_time, rkey: rkey.to_owned(), did: did.to_owned() });
                    next.candidates.push(showing.entry);
                    next.passed = None;
                }
                Ok(false) if next.candidates.len() == limit => {}
                Ok(false) => next.passed = Some(Position { sort_time, rkey: rkey.to_owned(), did: did.to_owned() }),
                Err(cause) => failed = Some(cause),
            }
            failed.is_none()
        })?;
        failed.map_or(Ok(next), Err)
    }
}

pub(super) fn uri(did: &str, rkey: &str) -> String {
    RecordKey { did: did.to_owned(), collection: crate::event::Collection::Post, rkey: rkey.to_owned() }.uri()
}
