//! Changes that are not yet durable: an ordered map per table, laid over what lies beneath.
//!
//! A layer never reads and never fails. It is merged into the layer below it when its call or batch has succeeded, and
//! dropped when not; the last one is what a commit writes.

use std::collections::BTreeMap;

use super::schema::Table;
use super::span::{Bounds, Span};

/// `None`: deleted.
pub(super) type Change = Option<Vec<u8>>;

/// Puts and deletes, by table and key.
#[derive(Debug)]
pub struct Layer {
    tables: [BTreeMap<Vec<u8>, Change>; Table::ALL.len()],
    bytes: usize,
}

impl Default for Layer {
    fn default() -> Self {
        Self { tables: std::array::from_fn(|_| BTreeMap::new()), bytes: 0 }
    }
}

impl Layer {
    pub fn set(&mut self, table: Table, key: Vec<u8>, change: Change) {
        self.bytes += key.len() + change.as_ref().map_or(0, Vec::len);
        self.tables[table as usize].insert(key, change);
    }

    /// `None` if this layer says nothing of the key.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<&Change> {
        self.tables[table as usize].get(key)
    }

    pub(super) fn range<'a>(&'a self, table: Table, bounds: Bounds<'a>) -> impl DoubleEndedIterator<Item = (&'a [u8], &'a Change)> {
        self.tables[table as usize].range::<[u8], Bounds<'_>>(bounds).map(|(key, change)| (key.as_slice(), change))
    }

    pub(super) fn table(&self, table: Table) -> &BTreeMap<Vec<u8>, Change> {
        &self.tables[table as usize]
    }

    /// The changes of a stretch of a table, in ascending order: what is there now, or `None` for what was deleted.
    pub fn within<'a>(&'a self, table: Table, span: &'a Span) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        span.bounds().into_iter().flat_map(move |bounds| self.range(table, bounds)).map(|(key, change)| (key, change.as_deref()))
    }

    /// The keys that were deleted from a table.
    pub fn deleted(&self, table: Table) -> impl Iterator<Item = &[u8]> {
        self.table(table).iter().filter(|(_, change)| change.is_none()).map(|(key, _)| key.as_slice())
    }

    /// Lays another layer's changes over this one's.
    pub fn merge(&mut self, above: Self) {
        self.bytes += above.bytes;
        for (mine, theirs) in self.tables.iter_mut().zip(above.tables) {
            if mine.is_empty() {
                *mine = theirs;
            } else {
                mine.extend(theirs);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.tables.iter().map(BTreeMap::len).sum()
    }

    /// Roughly the memory that the changes take, in bytes; what was overwritten is counted as well.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
