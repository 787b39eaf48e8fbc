//! The handles of people in a list, as far as they were verified lately.
//!
//! ```text
//! a DID ─▶ its document, from memory ─ claims ─▶ a handle ─ led back to the DID within a day ─▶ shown
//!               └── nothing known, or verified an hour ago: asked for behind
//! ```
//!
//! A list never waits for a handle: whoever's isn't known yet is shown without, and with it the next time. An identity event takes a document out of
//! memory, and with it the handle out of the lists. Never shows a handle that only one side claims. Asking is bounded: a few at a time, some
//! hundreds waiting, and who doesn't fit is asked for with the next list. What fails isn't asked again for five minutes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::sync::Cache;
use tokio::sync::Semaphore;

use super::Dashboard;
use crate::clock::Clock;
use crate::identity::Resolver;

/// DIDs whose handles are remembered; about 150 bytes each.
const MOST: u64 = 50_000;

/// Questions at one time, of the outbound client's 64; each may be three requests.
const AT_ONCE: usize = 8;

/// Questions that wait or are asked.
const WAITING: usize = 400;

/// As long as a document: verified anew after an hour, not shown after a day.
const FRESH_MS: i64 = 3_600_000;
const KEPT_MS: i64 = 86_400_000;

/// Until somebody without a verified handle is asked for again.
const FAILED_MS: i64 = 300_000;

/// What asking has brought.
#[derive(Debug, Clone)]
struct Checked {
    /// `None`: there is no handle, or it didn't lead back.
    handle: Option<Arc<str>>,
    at_ms: i64,
}

/// Verified handles. Cheap to clone; all clones are one. Must be used in a tokio runtime.
#[derive(Debug, Clone)]
pub(super) struct Handles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    checked: Cache<String, Checked>,
    under_way: Mutex<HashSet<String>>,
    turns: Semaphore,
}

impl Default for Handles {
    fn default() -> Self {
        Self(Arc::new(Inner { checked: Cache::new(MOST), under_way: Mutex::default(), turns: Semaphore::new(AT_ONCE) }))
    }
}

impl Handles {
    /// The verified handle of this DID, if it is known; else it is asked for, and known the next time.
    fn of(&self, resolver: &Resolver, clock: &Clock, did: &str) -> Option<String> {
        let claimed = match resolver.cached(did) {
            Some(Ok(document)) => document.handle.clone(),
            Some(Err(_)) => return None,
            None => {
                self.ask(resolver, clock, did);
                return None;
            }
        };
        let checked = self.0.checked.get(did);
        let age = checked.as_ref().map(|checked| clock.now_ms().saturating_sub(checked.at_ms));
        let verified = checked.and_then(|checked| checked.handle).filter(|handle| claimed.as_deref() == Some(&**handle));
        let fresh = match (&claimed, &verified) {
            // Who claims none has none.
            (None, _) => return None,
            (_, Some(_)) => FRESH_MS,
            (_, None) => FAILED_MS,
        };
        if !age.is_some_and(|age| (0..fresh).contains(&age)) {
            self.ask(resolver, clock, did);
        }
        verified.filter(|_| age.is_some_and(|age| (0..KEPT_MS).contains(&age))).map(|handle| handle.to_string())
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, resolver: &Resolver, clock: &Clock, did: &str) {
        {
            let mut under_way = self.under_way();
            if under_way.len() >= WAITING || !under_way.insert(did.to_owned()) {
                return;
            }
        }
        let (handles, resolver, clock) = (self.clone(), resolver.clone(), clock.clone());
        let asked = Asked { handles: self.clone(), did: did.to_owned() };
        tokio::spawn(async move {
            // Only at the end of the program there are no more turns.
            let Ok(_turn) = handles.0.turns.acquire().await else { return };
            let handle = verified(&resolver, &asked.did).await;
            handles.0.checked.insert(asked.did.clone(), Checked { handle: handle.map(Arc::from), at_ms: clock.now_ms() });
        });
    }
}

/// The handle that the DID's document claims, if it leads back to the DID.
async fn verified(resolver: &Resolver, did: &str) -> Option<String> {
    let handle = resolver.resolve(did).await.ok()?.handle.clone()?;
    let leads_to = resolver.resolve_handle(&handle).await.ok()?;
    (leads_to == did).then_some(handle)
}

/// Makes room when a question is over, however it ended.
struct Asked {
    handles: Handles,
    did: String,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.handles.under_way().remove(&self.did);
    }
}

impl Dashboard {
    /// The handle of this DID, if it was verified lately.
    pub(super) fn handle_of(&self, did: &str) -> Option<String> {
        self.0.handles.of(&self.0.parts.resolver, &self.0.parts.clock, did)
    }
}
