//! Pages that were made a moment ago.
//!
//! A page is used again while nothing that a feed may show has been committed and every community has the mix that it had, and no longer
//! than [`FRESH_MS`], because time
//! alone moves posts into the window and out of it. Older pages are kept, up to a bound, for when the database is away: then
//! yesterday's page is better than none.

use std::sync::Arc;

use bytes::Bytes;
use moka::sync::Cache;

/// How long a page is used again, in milliseconds.
const FRESH_MS: i64 = 100;

/// Of what the operator gives the database to remember, pages may take this part besides.
const PART: usize = 4;

/// What a page was asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub owner: String,
    pub rkey: String,
    pub limit: u32,
    pub cursor: Option<String>,
    pub reader: Reader,
}

/// Whose a page is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Reader {
    /// The mix didn't ask who reads.
    Everybody,
    /// It did, and was told nobody.
    Unknown,
    Known(String),
}

/// What a page was made from: it is as good as a new one while this stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub index: u64,
    pub mixes: u64,
}

#[derive(Debug)]
struct Page {
    body: Bytes,
    version: Version,
    made: i64,
}

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(super) struct Pages(Cache<Asked, Arc<Page>>);

impl Pages {
    /// For a database with so many bytes to remember.
    pub(super) fn new(cache: usize) -> Self {
        let size = |asked: &Asked, page: &Arc<Page>| {
            u32::try_from(page.body.len() + asked.owner.len() + asked.cursor.as_ref().map_or(0, String::len) + 200).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity((cache / PART) as u64).weigher(size).build())
    }

    /// The page, if it is as good as a new one.
    pub(super) fn fresh(&self, asked: &Asked, version: Version, now: i64) -> Option<Bytes> {
        let page = self.0.get(asked)?;
        (page.version == version && (page.made..page.made + FRESH_MS).contains(&now)).then(|| page.body.clone())
    }

    /// The page, however old.
    pub(super) fn any(&self, asked: &Asked) -> Option<Bytes> {
        self.0.get(asked).map(|page| page.body.clone())
    }

    pub(super) fn keep(&self, asked: Asked, body: Bytes, version: Version, now: i64) {
        self.0.insert(asked, Arc::new(Page { body, version, made: now }));
    }

    /// The feed doesn't exist, or not any more.
    pub(super) fn forget(&self, asked: &Asked) {
        self.0.invalidate(asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_whatever_size_take_at_most_a_quarter_of_the_cache() {
        for length in [100, 10_000] {
            let pages = Pages::new(8 << 20);
            let asked = |n: usize| Asked { owner: "did:plc:x".into(), rkey: "r".into(), limit: 50, cursor: Some(n.to_string()), reader: Reader::Everybody };
            for n in 0..(4 << 20) / length {
                pages.keep(asked(n), Bytes::from(vec![0; length]), Version { index: 1, mixes: 1 }, 0);
            }
            pages.0.run_pending_tasks();
            let (most, taken) = (2 << 20, pages.0.weighted_size());
            assert!(taken <= most && taken > most / 2, "{taken} with pages of {length}");
            // What is counted is more than what is handed out.
            assert!(taken >= pages.0.entry_count() * length as u64, "{taken} for {}", pages.0.entry_count());
        }
    }
}
