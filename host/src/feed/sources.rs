//! Candidates for a page: the next visible posts of own, parent and global, each in one order.
//!
//! A post belongs to one source only: to *own* if the community shows it itself, else to *parent* if the parent does, else to
//! *global*; sources without a share don't count. So a post appears once in a walk, whatever the mix does and however long it
//! takes. Judged here, at every read: the window of design section 4 (older than a week is over, more than two minutes ahead
//! waits), and what the community's moderation keeps out of parent and global. Reading is bounded: a source that hides
//! thousands of posts in a row gives fewer candidates for that page and goes on behind them with the next.

use std::collections::HashSet;

use super::cursor::{Position, Progress};
use crate::community::desk::Entry;
use crate::record::{AHEAD_MS, RETENTION_MS, RecordKey};
use crate::sandbox::mix::Candidate;
use crate::store::schema::{self, place_parts};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, StoreError, Table};

/// Rows that are read for one source of one page at most.
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
}

/// The next posts of a source.
#[derive(Debug, Default)]
pub struct Next {
    pub candidates: Vec<Candidate>,
    /// Where each candidate stands, and where the reading stopped if it passed over rows behind the last.
    pub positions: Vec<Position>,
    pub passed: Option<Position>,
    /// Whether there may be more behind.
    pub more: bool,
}

/// One feed's reading, in one snapshot.
#[derive(Debug)]
pub struct Reader<'a> {
    pub snapshot: &'a Snapshot,
    pub community: CommunityId,
    pub window: Window,
}

impl Reader<'_> {
    /// The community's own posts.
    pub fn own(&self, progress: &Progress, limit: usize) -> Result<Next, StoreError> {
        self.of_community(self.community, progress, limit, |_| Ok(true))
    }

    /// The parent's posts that aren't `also` shown by the community.
    pub fn parent(&self, parent: CommunityId, also: &[CommunityId], progress: &Progress, limit: usize) -> Result<Next, StoreError> {
        self.of_community(parent, progress, limit, |place| Ok(!self.shown_by(also, place)? && self.let_in(place)?))
    }

    /// The posts of all other communities but `except`, that none of `also` shows.
    pub fn global(&self, except: &HashSet<CommunityId>, also: &[CommunityId], progress: &Progress, limit: usize) -> Result<Next, StoreError> {
        let mut last: Vec<u8> = Vec::new();
        self.read(Table::Global, &Key::new(), progress, limit, |row| {
            let Some((place, id)) = row.len().checked_sub(5).map(|end| (&row[..end], &row[end + 1..])) else { return Ok(false) };
            let id = id.try_into().map_or(0, CommunityId::from_be_bytes);
            // Several communities may show one post: their rows follow each other.
            if id == self.community || except.contains(&id) || last == place || self.shown_by(also, place)? || !self.let_in(place)? {
                return Ok(false);
            }
            last = place.to_vec();
            Ok(true)
        })
    }

    fn of_community(
        &self,
        community: CommunityId,
        progress: &Progress,
        limit: usize,
        accept: impl FnMut(&[u8]) -> Result<bool, StoreError>,
    ) -> Result<Next, StoreError> {
        self.read(Table::Visible, &Key::community(community), progress, limit, accept)
    }

    /// Whether one of the communities shows the post itself.
    fn shown_by(&self, communities: &[CommunityId], place: &[u8]) -> Result<bool, StoreError> {
        for community in communities {
            if self.snapshot.contains(Table::Visible, Key::community(*community).bytes(place).as_ref())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the community's moderation lets a post of another community in.
    fn let_in(&self, place: &[u8]) -> Result<bool, StoreError> {
        let Some((_, rkey, did)) = place_parts(place) else { return Ok(false) };
        let denied = |target: &str| self.snapshot.contains(Table::Denied, Key::community(self.community).rest(target).as_ref());
        Ok(!denied(did)? && !denied(&uri(did, rkey))?)
    }

    /// Reads a feed table from newest to oldest. `accept` is given the row without the prefix.
    fn read(
        &self,
        table: Table,
        prefix: &Key,
        progress: &Progress,
        limit: usize,
        mut accept: impl FnMut(&[u8]) -> Result<bool, StoreError>,
    ) -> Result<Next, StoreError> {
        let mut span = Span::between(prefix.clone().time(self.window.oldest), prefix.clone().time(self.window.newest + 1));
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
            match accept(row) {
                // There is more if one more would be let in: rows that aren't hang on the order in which communities were opened.
                Ok(true) if next.candidates.len() == limit => {
                    next.more = true;
                    return false;
                }
                Ok(true) => match decode::<Entry>(table, key, value) {
                    Ok(entry) => {
                        next.positions.push(Position { sort_time, rkey: rkey.to_owned(), did: did.to_owned() });
                        next.candidates.push(candidate(sort_time, rkey, did, entry));
                        next.passed = None;
                    }
                    Err(cause) => failed = Some(cause),
                },
                Ok(false) if next.candidates.len() == limit => {}
                Ok(false) => next.passed = Some(Position { sort_time, rkey: rkey.to_owned(), did: did.to_owned() }),
                Err(cause) => failed = Some(cause),
            }
            failed.is_none()
        })?;
        failed.map_or(Ok(next), Err)
    }
}

fn candidate(sort_time: i64, rkey: &str, did: &str, entry: Entry) -> Candidate {
    Candidate { uri: uri(did, rkey), author: did.to_owned(), sort_time, reply: entry.reply, languages: entry.languages, labels: entry.labels }
}

fn uri(did: &str, rkey: &str) -> String {
    RecordKey { did: did.to_owned(), collection: crate::event::Collection::Post, rkey: rkey.to_owned() }.uri()
}
