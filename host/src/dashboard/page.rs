//! A list, some at a time.
//!
//! A cursor holds the key of the last row that was looked at, never a number of rows, so a list goes on at its place whatever comes and
//! goes meanwhile. A forged one can only choose where in the same list to go on. One call looks at a bounded number of rows: where few of
//! them are wanted, a page may be short, or empty, and have a cursor all the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Problem;
use crate::store::{Snapshot, Span, StoreError, Table};

pub const MAX_LIMIT: u32 = 100;
pub const DEFAULT_LIMIT: u32 = 50;

/// Of members: a page sorts and filters all of a community's, so it asks for them all.
pub const MAX_MEMBERS: u32 = 1_000;

/// The longest cursor that is looked at: a key of two AT-URIs in base64.
const MAX_TEXT: usize = 4 << 10;

/// Rows that one call looks at.
pub(super) const ROWS_AT_ONCE: usize = 4_000;

/// What part of a list is asked for.
#[derive(Debug, Clone)]
pub struct Page {
    pub(super) limit: usize,
    cursor: Option<String>,
}

impl Page {
    pub fn new(limit: Option<u32>, cursor: Option<String>) -> Result<Self, Problem> {
        Self::up_to(MAX_LIMIT, limit, cursor)
    }

    /// The same of a list of which more is given at once.
    pub fn up_to(most: u32, limit: Option<u32>, cursor: Option<String>) -> Result<Self, Problem> {
        match limit.unwrap_or(DEFAULT_LIMIT) {
            limit if (1..=most).contains(&limit) => Ok(Self { limit: limit as usize, cursor }),
            limit => Err(Problem::Invalid(format!("limit is {limit}, and must be between 1 and {most}"))),
        }
    }

    /// The key behind which the list goes on.
    pub(super) fn after(&self, list: List) -> Result<Option<Vec<u8>>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let foreign = || Problem::Invalid("the cursor is not one of this list: begin again without it".to_owned());
        let bytes = if text.len() <= MAX_TEXT { URL_SAFE_NO_PAD.decode(text).ok() } else { None }.ok_or_else(foreign)?;
        match bytes.split_first() {
            Some((tag, key)) if *tag == list as u8 && !key.is_empty() => Ok(Some(key.to_vec())),
            _ => Err(foreign()),
        }
    }
}

/// Which list a cursor belongs to.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum List {
    Communities = 1,
    Children,
    Members,
    Posts,
    AllPosts,
    Actions,
    ActionsOn,
    Held,
    DeadLetters,
}

pub(super) fn cursor(list: List, key: &[u8]) -> String {
    let mut bytes = vec![list as u8];
    bytes.extend_from_slice(key);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What of a span is on a page, and behind which key the list goes on if it does.
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<Vec<u8>>,
}

/// Reads a span until there are `limit` items and one more is seen.
pub(super) fn list<T>(
    snapshot: &Snapshot,
    table: Table,
    span: &Span,
    descending: bool,
    limit: usize,
    mut item: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Listed<T>, StoreError> {
    let (mut items, mut last, mut next, mut rows, mut failed) = (Vec::new(), None, None, 0, None);
    snapshot.scan(table, span, descending, |key, value| {
        if rows == ROWS_AT_ONCE {
            next = last.take();
            return false;
        }
        rows += 1;
        match item(key, value) {
            Ok(Some(_)) if items.len() == limit => {
                next = last.take();
                return false;
            }
            Ok(Some(item)) => {
                items.push(item);
                last = Some(key.to_vec());
            }
            // With a full page the list goes on behind its last item.
            Ok(None) if items.len() == limit => {}
            Ok(None) => last = Some(key.to_vec()),
            Err(cause) => failed = Some(cause),
        }
        failed.is_none()
    })?;
    failed.map_or(Ok(Listed { items, next }), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_into_its_own_list_alone() {
        let page = |text: &str| Page::new(None, Some(text.to_owned())).expect("the limit is the usual one");
        let text = cursor(List::Members, b"did:plc:x");
        assert_eq!(page(&text).after(List::Members), Ok(Some(b"did:plc:x".to_vec())));
        for (text, list) in
            [(text.as_str(), List::Posts), ("", List::Members), ("Aw", List::Members), ("no cursor", List::Members), (&"A".repeat(5_000), List::Members)]
        {
            assert!(matches!(page(text).after(list), Err(Problem::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn a_page_has_between_one_and_a_hundred_items() {
        for (limit, good) in [(None, true), (Some(1), true), (Some(100), true), (Some(0), false), (Some(101), false), (Some(u32::MAX), false)] {
            assert_eq!(Page::new(limit, None).is_ok(), good, "{limit:?}");
        }
        let members = |limit| Page::up_to(MAX_MEMBERS, Some(limit), None).map(|page| page.limit);
        assert_eq!((members(1_000), members(1)), (Ok(1_000), Ok(1)));
        assert!(members(1_001).is_err() && members(0).is_err());
    }
}
