//! The accounts of which the program holds something, as far as the prefilter cares.
//!
//! It keeps 64 bits of each DID, so that a million accounts fit into some 16 MB. Two DIDs that share a hash are taken for one:
//! an event too many passes, and the consumer finds that it concerns nothing. No DID is ever forgotten while the program runs.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashSet};

/// The DIDs of which an event has passed. It says yes to each that was inserted, and now and then to another.
#[derive(Debug, Clone, Default)]
pub struct KnownDids(FxHashSet<u64>);

impl KnownDids {
    pub fn insert(&mut self, did: &str) {
        self.0.insert(FxBuildHasher.hash_one(did));
    }

    pub fn contains(&self, did: &str) -> bool {
        // Until the first community has a post there's nothing to look for.
        !self.0.is_empty() && self.0.contains(&FxBuildHasher.hash_one(did))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// DIDs of which others have come to hold something: the receiver takes them in before the next frame. Cheap to clone; all clones
/// are one.
#[derive(Debug, Clone, Default)]
pub struct Announced(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    /// Looked at with every frame, where a lock would be felt.
    any: AtomicBool,
    dids: Mutex<Vec<String>>,
}

impl Announced {
    /// From the next frame on this DID is known.
    pub fn announce(&self, did: &str) {
        self.0.dids.lock().unwrap_or_else(PoisonError::into_inner).push(did.to_owned());
        self.0.any.store(true, Ordering::Release);
    }

    /// What was announced since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        if !self.0.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut dids = self.0.dids.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.any.store(false, Ordering::Release);
        std::mem::take(&mut dids)
    }
}

impl<S: AsRef<str>> Extend<S> for KnownDids {
    fn extend<I: IntoIterator<Item = S>>(&mut self, dids: I) {
        for did in dids {
            self.insert(did.as_ref());
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for KnownDids {
    fn from_iter<I: IntoIterator<Item = S>>(dids: I) -> Self {
        let mut known = Self::default();
        known.extend(dids);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_known_and_little_else() {
        let known: KnownDids = (0..10_000).map(|n| format!("did:plc:{n:024}")).collect();
        assert_eq!(known.len(), 10_000);
        assert!((0..10_000).all(|n| known.contains(&format!("did:plc:{n:024}"))));
        assert!(!(10_000..20_000).any(|n| known.contains(&format!("did:plc:{n:024}"))));
        assert!(!KnownDids::default().contains("did:plc:"));
    }
}
