//! Reading and writing before a commit: a snapshot with layers of changes over it.
//!
//! The lowest layer may be a batch that is on its way to the disk, so that the next one need not wait for it; the highest is
//! where writes go. A view never writes to the database: its layers are handed to [`super::db::Store::commit`].

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::db::{Snapshot, StoreError};
use super::layer::{Change, Layer};
use super::schema::Table;
use super::span::Span;

#[derive(Debug)]
pub struct View {
    snapshot: Snapshot,
    /// Being written right now; the snapshot doesn't have it.
    pending: Option<Arc<Layer>>,
    /// Never empty.
    layers: Vec<Layer>,
}

type Found = (Vec<u8>, Vec<u8>);

impl View {
    pub fn new(snapshot: Snapshot, pending: Option<Arc<Layer>>) -> Self {
        Self { snapshot, pending, layers: vec![Layer::default()] }
    }

    /// From here on writes can be taken back by [`View::discard`].
    pub fn begin(&mut self) {
        self.layers.push(Layer::default());
    }

    /// Keeps what was written since the last `begin`.
    pub fn keep(&mut self) {
        if self.layers.len() > 1
            && let Some(top) = self.layers.pop()
            && let Some(below) = self.layers.last_mut()
        {
            below.merge(top);
        }
    }

    /// Forgets what was written since the last `begin`.
    pub fn discard(&mut self) {
        if self.layers.len() > 1 {
            self.layers.pop();
        }
    }

    /// All that was written, in one layer.
    pub fn into_layer(mut self) -> Layer {
        while self.layers.len() > 1 {
            self.keep();
        }
        self.layers.pop().unwrap_or_default()
    }

    /// Roughly the memory that the changes take, in bytes.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(Layer::bytes).sum()
    }

    fn above(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.pending.as_deref().into_iter().chain(&self.layers)
    }

    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.above().rev().find_map(|layer| layer.get(table, key)) {
            Some(change) => Ok(change.clone()),
            None => self.snapshot.get(table, key),
        }
    }

    pub fn contains(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        match self.above().rev().find_map(|layer| layer.get(table, key)) {
            Some(change) => Ok(change.is_some()),
            None => self.snapshot.contains(table, key),
        }
    }

    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.change(table, key.into(), Some(value));
    }

    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.change(table, key.into(), None);
    }

    fn change(&mut self, table: Table, key: Vec<u8>, change: Change) {
        if let Some(top) = self.layers.last_mut() {
            top.set(table, key, change);
        }
    }

    /// At most `limit` keys and values of a span, in ascending or descending order.
    pub fn range(&self, table: Table, span: &Span, descending: bool, limit: usize) -> Result<Vec<Found>, StoreError> {
        let Some(bounds) = span.bounds() else { return Ok(Vec::new()) };
        let mut stored = self.snapshot.pairs(table, span)?;
        let mut next_stored = || -> Result<Option<Found>, StoreError> {
            let next = stored.as_mut().and_then(|range| if descending { range.next_back() } else { range.next() });
            let pair = next.transpose().map_err(|cause| StoreError::failed("reading")(cause.into()))?;
            Ok(pair.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
        };
        let mut changes: Vec<_> = self.above().rev().map(|layer| Directed { range: layer.range(table, bounds), descending }.peekable()).collect();

        let mut found = Vec::new();
        let mut stored_head = next_stored()?;
        while found.len() < limit {
            // The first key of all, and of those who have it, the topmost layer.
            let mut best: Option<(usize, &[u8])> = None;
            for (index, layer) in changes.iter_mut().enumerate() {
                if let Some((key, _)) = layer.peek()
                    && best.is_none_or(|(_, first)| precedes(key, first, descending))
                {
                    best = Some((index, key));
                }
            }
            let from_store = match (&stored_head, best) {
                (Some((key, _)), Some((_, first))) => precedes(key, first, descending),
                (Some(_), None) => true,
                (None, _) => false,
            };
            if from_store {
                found.extend(stored_head.take());
                stored_head = next_stored()?;
                continue;
            }
            let Some((index, first)) = best else { break };
            let first = first.to_vec();
            if let Some((_, Some(value))) = changes[index].peek() {
                found.push((first.clone(), (*value).clone()));
            }
            for layer in &mut changes {
                layer.next_if(|(key, _)| *key == first.as_slice());
            }
            if stored_head.as_ref().is_some_and(|(key, _)| *key == first) {
                stored_head = next_stored()?;
            }
        }
        Ok(found)
    }

    /// Whether a span has any key.
    pub fn any(&self, table: Table, span: &Span) -> Result<bool, StoreError> {
        Ok(!self.range(table, span, false, 1)?.is_empty())
    }

    /// Calls `each` with every key and value of a span, some at a time, until it answers `false`. What `each` writes is seen
    /// by what follows.
    pub fn walk(&mut self, table: Table, span: &Span, mut each: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<bool, StoreError>) -> Result<(), StoreError> {
        const AT_ONCE: usize = 512;
        let mut rest = span.clone();
        loop {
            let page = self.range(table, &rest, false, AT_ONCE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            rest = rest.after(last);
            for (key, value) in &page {
                if !each(self, key, value)? {
                    return Ok(());
                }
            }
        }
    }

    /// Deletes every key of a span; answers how many there were.
    pub fn clear(&mut self, table: Table, span: &Span) -> Result<usize, StoreError> {
        let mut count = 0;
        self.walk(table, span, |view, key, _| {
            view.delete(table, key);
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }

    /// A value that the host itself wrote, taken apart.
    pub fn read<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.get(table, key)?.map(|bytes| decode(table, key, &bytes)).transpose()
    }

    pub fn write<T: Serialize>(&mut self, table: Table, key: impl Into<Vec<u8>>, value: &T) {
        self.put(table, key, encode(value));
    }

    /// A counter; zero if it was never set.
    pub fn count(&self, key: &[u8]) -> Result<u64, StoreError> {
        let found = self.get(Table::Counts, key)?;
        Ok(found.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// Moves a counter, never below zero.
    pub fn add(&mut self, key: impl Into<Vec<u8>>, by: i64) -> Result<u64, StoreError> {
        let key = key.into();
        let value = self.count(&key)?.saturating_add_signed(by);
        if value == 0 {
            self.delete(Table::Counts, key);
        } else {
            self.put(Table::Counts, key, value.to_be_bytes().to_vec());
        }
        Ok(value)
    }
}

/// A layer's range in the direction that was asked for.
struct Directed<I> {
    range: I,
    descending: bool,
}

impl<I: DoubleEndedIterator> Iterator for Directed<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.descending { self.range.next_back() } else { self.range.next() }
    }
}

fn precedes(key: &[u8], other: &[u8], descending: bool) -> bool {
    if descending { key > other } else { key < other }
}

/// The host's own values as bytes: postcard.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("the host's own values have sizes known beforehand, and memory doesn't run out halfway")
}

pub fn decode<T: DeserializeOwned>(table: Table, key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|cause| StoreError::Corrupt {
        table: table.name(),
        key: String::from_utf8_lossy(key).into_owned(),
        cause: cause.to_string(),
    })
}
