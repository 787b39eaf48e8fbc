//! A stretch of a table's keys.

use std::ops::Bound;

use super::schema::behind;

/// The ends of a stretch.
pub(super) type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// A range of keys that is never inside out.
#[derive(Debug, Clone)]
pub struct Span {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
}

impl Span {
    /// All keys that start with the prefix.
    pub fn prefix(prefix: impl AsRef<[u8]>) -> Self {
        let prefix = prefix.as_ref();
        Self { start: Bound::Included(prefix.to_vec()), end: behind(prefix).map_or(Bound::Unbounded, Bound::Excluded) }
    }

    /// From one key to another, the second left out.
    pub fn between(start: impl AsRef<[u8]>, end: impl AsRef<[u8]>) -> Self {
        Self { start: Bound::Included(start.as_ref().to_vec()), end: Bound::Excluded(end.as_ref().to_vec()) }
    }

    pub fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// Leaves out everything up to this key and the key itself.
    pub fn after(mut self, key: impl AsRef<[u8]>) -> Self {
        let key = key.as_ref();
        if bound_key(&self.start).is_none_or(|start| start <= key) {
            self.start = Bound::Excluded(key.to_vec());
        }
        self
    }

    /// Leaves out this key and everything behind it.
    pub fn before(mut self, key: impl AsRef<[u8]>) -> Self {
        let key = key.as_ref();
        if bound_key(&self.end).is_none_or(|end| end >= key) {
            self.end = Bound::Excluded(key.to_vec());
        }
        self
    }

    /// The bounds, unless no key can lie between them.
    pub(super) fn bounds(&self) -> Option<Bounds<'_>> {
        let empty = match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Excluded(end)) | (Bound::Excluded(start), Bound::Excluded(end) | Bound::Included(end)) => start >= end,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            _ => false,
        };
        (!empty).then(|| (self.start.as_ref().map(Vec::as_slice), self.end.as_ref().map(Vec::as_slice)))
    }
}

fn bound_key(bound: &Bound<Vec<u8>>) -> Option<&[u8]> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_ends_before_it_begins_is_empty() {
        assert!(Span::prefix("b").before("a").bounds().is_none());
        assert!(Span::prefix("b").after("c").bounds().is_none());
        assert!(Span::prefix("b").after("bb").before("bb").bounds().is_none());
        assert!(Span::prefix("b").after("a").before("c").bounds().is_some());
    }
}
