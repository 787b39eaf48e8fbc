//! Documents and failures, with their ages.
//!
//! ```text
//! 0 ──────── an hour ──────────────────────── a day ─▶
//!   fresh      stale: used, and asked for anew   gone
//! ```
//!
//! Bounded in number; what is asked for often stays, so a flood of DIDs that nobody asks for twice pushes out little. An age is
//! by the program's clock: one that was set back makes everything gone, never eternal. Asks nobody.

use std::sync::Arc;

use moka::sync::Cache as Table;

use super::document::Document;
use super::resolver::ResolveError;

/// DIDs that are remembered; about 600 bytes each.
const MOST: u64 = 50_000;

/// As the reference implementation has it: an hour until a document is asked for anew, a day until it isn't used any more.
const FRESH_MS: i64 = 3_600_000;
const KEPT_MS: i64 = 86_400_000;

/// For how long a failure is an answer. Short, since a directory comes back; long enough not to ask a dead one at every request.
const FAILED_MS: i64 = 30_000;

/// Between two times that a key which didn't fit makes us ask anew: forged tokens must not make us a nuisance to the directory.
const ANEW_MS: i64 = 10_000;

#[derive(Debug, Clone)]
pub(super) enum Found {
    Fresh(Arc<Document>),
    Stale(Arc<Document>),
    /// Nothing better than a failure of a moment ago.
    Failed(ResolveError),
    Nothing,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    document: Option<Arc<Document>>,
    fetched_ms: i64,
    failure: Option<ResolveError>,
    failed_ms: i64,
    /// When somebody last insisted on asking anew.
    anew_ms: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Cache(Table<String, Entry>);

impl Cache {
    pub(super) fn new() -> Self {
        Self(Table::new(MOST))
    }

    pub(super) fn find(&self, did: &str, now_ms: i64) -> Found {
        let Some(entry) = self.0.get(did) else { return Found::Nothing };
        let failed_lately = is_younger(entry.failed_ms, FAILED_MS, now_ms);
        match (entry.document, entry.failure) {
            (Some(document), _) if is_younger(entry.fetched_ms, FRESH_MS, now_ms) => Found::Fresh(document),
            // The directory was asked a moment ago and had nothing better.
            (Some(document), Some(_)) if is_younger(entry.fetched_ms, KEPT_MS, now_ms) && failed_lately => Found::Fresh(document),
            (Some(document), _) if is_younger(entry.fetched_ms, KEPT_MS, now_ms) => Found::Stale(document),
            (_, Some(failure)) if failed_lately => Found::Failed(failure),
            _ => Found::Nothing,
        }
    }

    /// Whether the document may be asked for anew, though it is known; notes that it is.
    pub(super) fn may_insist(&self, did: &str, now_ms: i64) -> bool {
        let mut entry = self.0.get(did).unwrap_or_default();
        let may = !entry.anew_ms.is_some_and(|anew_ms| is_younger(anew_ms, ANEW_MS, now_ms));
        if may {
            entry.anew_ms = Some(now_ms);
            self.0.insert(did.to_owned(), entry);
        }
        may
    }

    /// Notes what asking has brought. A failure leaves a document that was known, unless the DID is gone.
    pub(super) fn keep(&self, did: &str, outcome: &Result<Arc<Document>, ResolveError>, now_ms: i64) {
        let before = self.0.get(did).unwrap_or_default();
        let entry = match outcome {
            Ok(document) => Entry { document: Some(Arc::clone(document)), fetched_ms: now_ms, anew_ms: before.anew_ms, ..Entry::default() },
            Err(failure) => {
                let document = before.document.filter(|_| !matches!(failure, ResolveError::NotFound { .. }));
                Entry { document, failure: Some(failure.clone()), failed_ms: now_ms, ..before }
            }
        };
        self.0.insert(did.to_owned(), entry);
    }

    pub(super) fn forget(&self, did: &str) {
        self.0.invalidate(did);
    }
}

/// Whether what happened then is younger than this. What lies in the future is not.
fn is_younger(then_ms: i64, age_ms: i64, now_ms: i64) -> bool {
    (0..age_ms).contains(&now_ms.saturating_sub(then_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    const NOW: i64 = 1_795_176_000_000;

    fn document() -> Result<Arc<Document>, ResolveError> {
        Ok(Arc::new(Document { did: DID.to_owned(), key: None, pds: None, handle: None }))
    }

    fn state(cache: &Cache, now_ms: i64) -> &'static str {
        match cache.find(DID, now_ms) {
            Found::Fresh(_) => "fresh",
            Found::Stale(_) => "stale",
            Found::Failed(_) => "failed",
            Found::Nothing => "nothing",
        }
    }

    #[test]
    fn a_document_is_fresh_for_an_hour_and_gone_after_a_day() {
        let cache = Cache::new();
        cache.keep(DID, &document(), NOW);
        let ages = [(0, "fresh"), (FRESH_MS - 1, "fresh"), (FRESH_MS, "stale"), (KEPT_MS - 1, "stale"), (KEPT_MS, "nothing"), (-1, "nothing")];
        for (age, expected) in ages {
            assert_eq!(state(&cache, NOW + age), expected, "{age}");
        }
        cache.forget(DID);
        assert_eq!(state(&cache, NOW), "nothing");
    }

    #[test]
    fn a_failure_is_remembered_briefly_and_takes_no_document_away() {
        let cache = Cache::new();
        cache.keep(DID, &Err(ResolveError::Busy), NOW);
        assert_eq!((state(&cache, NOW + FAILED_MS - 1), state(&cache, NOW + FAILED_MS)), ("failed", "nothing"));
        cache.keep(DID, &document(), NOW);
        let later = NOW + 2 * FRESH_MS;
        assert_eq!(state(&cache, later), "stale");
        cache.keep(DID, &Err(ResolveError::Busy), later);
        assert_eq!((state(&cache, later), state(&cache, later + FAILED_MS)), ("fresh", "stale"), "no second question in a moment");
        cache.keep(DID, &Err(ResolveError::Busy), NOW + KEPT_MS);
        assert_eq!(state(&cache, NOW + KEPT_MS), "failed", "a day is a day");
        cache.keep(DID, &document(), NOW);
        cache.keep(DID, &Err(ResolveError::NotFound { did: DID.to_owned() }), NOW);
        assert_eq!(state(&cache, NOW), "failed", "who is gone is gone");
    }

    #[test]
    fn insisting_is_bounded() {
        let cache = Cache::new();
        cache.keep(DID, &document(), NOW);
        assert!(cache.may_insist(DID, NOW));
        cache.keep(DID, &document(), NOW + 1);
        assert!(!cache.may_insist(DID, NOW + 1) && !cache.may_insist(DID, NOW + ANEW_MS - 1));
        assert!(cache.may_insist(DID, NOW + ANEW_MS));
        assert_eq!(state(&cache, NOW + 1), "fresh");
    }
}
