//! Stands in for `store`, which is a database: the names that `feed/cursor.rs` and `dashboard/page.rs` mention. Nothing is kept here.

/// Stands in for `store/view.rs`, of which a cursor takes this one function.
pub(crate) mod view {
    pub(crate) fn encode<T: serde::Serialize>(value: &T) -> Vec<u8> {
        postcard::to_stdvec(value).expect("a cursor has a size known beforehand")
    }
}

pub struct Snapshot;

pub struct StoreError;

#[derive(Clone, Copy)]
pub struct Table;

pub struct Span;

impl Snapshot {
    /// An empty table.
    pub fn scan(&self, _: Table, _: &Span, _: bool, _: impl FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        Ok(())
    }
}
