//! Forgetting what can't matter any more: posts past their week, and the traces of what is gone or was withdrawn.
//!
//! Visibility is judged when a feed is read, so the sweep only frees space. It walks all records once an hour, some at a time
//! between batches, and takes nothing that a repeat within the week could still concern.

use super::facts::Facts;
use crate::community::showing;
use crate::event::Collection;
use crate::record::{AccountFact, KEPT_MS, Record, Stored};
use crate::store::schema;
use crate::store::view::decode;
use crate::store::{Span, StoreError, Table};

const EVERY_MS: i64 = 60 * 60 * 1_000;

/// How long what is gone is remembered: as long as posts are, so a server that repeats its oldest events is told from one that brings new ones.
const TRACE_MS: i64 = KEPT_MS;

/// What is dated further ahead was told by no clock, and its trace would stay for ever.
const AHEAD_MS: i64 = 365 * 24 * 60 * 60 * 1_000;

/// Rows looked at in one batch: about a millisecond.
const ROWS_AT_ONCE: usize = 2_000;

/// Where the walk is.
#[derive(Debug)]
pub struct Sweep {
    next: i64,
    walk: Option<Walk>,
}

#[derive(Debug)]
struct Walk {
    table: Table,
    after: Option<Vec<u8>>,
}

impl Sweep {
    pub fn starting_at(now: i64) -> Self {
        Self { next: now + EVERY_MS, walk: None }
    }

    /// The next one may have been set by a clock that was ahead.
    pub fn is_due(&self, now: i64) -> bool {
        self.walk.is_some() || self.next <= now || self.next > now.saturating_add(EVERY_MS)
    }

    /// A part of the walk, if one is due.
    pub fn step(&mut self, facts: &mut Facts<'_>) -> Result<(), StoreError> {
        if !self.is_due(facts.now) {
            return Ok(());
        }
        self.next = facts.now + EVERY_MS;
        let walk = self.walk.get_or_insert(Walk { table: Table::Records, after: None });
        if walk.table == Table::Traces {
            if showing::fade(facts.view, facts.now - showing::TRACE_MS, ROWS_AT_ONCE)? == 0 {
                self.walk = None;
            }
            return Ok(());
        }
        let span = walk.after.as_ref().map_or_else(Span::all, |after| Span::all().after(after));
        let page = facts.view.range(walk.table, &span, false, ROWS_AT_ONCE)?;
        for (key, value) in &page {
            match walk.table {
                Table::Records => record(facts, key, value)?,
                _ => account(facts, key, value)?,
            }
        }
        match (page.last(), walk.table) {
            (Some((last, _)), _) => walk.after = Some(last.clone()),
            (None, Table::Records) => *walk = Walk { table: Table::Accounts, after: None },
            (None, _) => *walk = Walk { table: Table::Traces, after: None },
        }
        Ok(())
    }
}

fn record(facts: &mut Facts<'_>, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let stored: Stored = decode(Table::Records, key, value)?;
    let stale = match &stored.record {
        Some(Record::Post(post)) => post.sort_time <= facts.now - TRACE_MS,
        Some(_) => false,
        None => is_over(stored.rev.time_us(), facts.now),
    };
    match schema::record_key_of(key).filter(|_| stale) {
        Some(key) => facts.forget(&key),
        None => Ok(()),
    }
}

/// Whether a trace of this time concerns nobody any more.
fn is_over(time_us: u64, now: i64) -> bool {
    i64::try_from(time_us / 1_000).is_ok_and(|told| told <= now - TRACE_MS || told > now.saturating_add(AHEAD_MS))
}

/// An account's status is forgotten when it is old and no record of its repo is known.
fn account(facts: &mut Facts<'_>, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let fact: AccountFact = decode(Table::Accounts, key, value)?;
    let Ok(did) = std::str::from_utf8(key) else { return Ok(()) };
    if !is_over(fact.time_us, facts.now) {
        return Ok(());
    }
    for collection in Collection::ALL {
        if facts.view.any(Table::Records, &Span::prefix(schema::records_of(collection, did)))? {
            return Ok(());
        }
    }
    facts.view.delete(Table::Accounts, key);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_kept_for_as_long_as_posts_are_and_one_of_another_century_is_not() {
        const NOW: i64 = 1_795_176_000_000;
        let check = |told_ms: i64, over: bool| assert_eq!(is_over(told_ms.unsigned_abs() * 1_000, NOW), over, "{told_ms}");
        check(NOW - TRACE_MS + 1, false);
        check(NOW - TRACE_MS, true);
        check(0, true);
        check(NOW, false);
        // A clock that is behind, here or there.
        check(NOW + 30 * 24 * 60 * 60 * 1_000, false);
        check(NOW + AHEAD_MS, false);
        check(NOW + AHEAD_MS + 1, true);
        check(253_402_300_799_000, true);
    }
}
