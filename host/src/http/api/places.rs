//! Places for what only a few may do at a time, and each caller once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// So many places. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    callers: Callers,
}

/// Whoever has a place, by DID.
#[derive(Clone, Default)]
struct Callers(Arc<Mutex<HashSet<String>>>);

/// A place, until it is dropped.
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_caller: OfCaller,
}

struct OfCaller {
    callers: Callers,
    did: String,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The caller has one.
    ByCaller,
    /// Others have all.
    ByOthers,
}

impl Places {
    pub(super) fn new(places: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(places)), callers: Callers::default() }
    }

    /// A place for this caller, as soon as there is one, within this time.
    pub(super) async fn take(&self, did: &str, patience: Duration) -> Result<Place, Taken> {
        if !self.callers.lock().insert(did.to_owned()) {
            return Err(Taken::ByCaller);
        }
        let of_caller = OfCaller { callers: self.callers.clone(), did: did.to_owned() };
        match timeout(patience, Arc::clone(&self.all).acquire_owned()).await {
            Ok(Ok(of_all)) => Ok(Place { _of_all: of_all, _of_caller: of_caller }),
            // Nobody closes it.
            Ok(Err(_)) | Err(_) => Err(Taken::ByOthers),
        }
    }
}

impl Callers {
    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OfCaller {
    fn drop(&mut self) {
        self.callers.lock().remove(&self.did);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_one_place_and_all_have_a_few() {
        let places = Places::new(2);
        let take = async |did: &str| places.take(did, Duration::from_secs(3)).await;
        let (ann, ben) = (take("ann").await.expect("there are two"), take("ben").await.expect("there are two"));
        assert_eq!((take("ann").await.err(), take("cat").await.err()), (Some(Taken::ByCaller), Some(Taken::ByOthers)));
        drop(ben);
        let cat = take("cat").await.expect("ben's");
        drop(ann);
        let ann = take("ann").await.expect("their own again");
        // Who waits gets the place of who leaves.
        let (waited, ()) = tokio::join!(take("ben"), async { drop(cat) });
        assert!(waited.is_ok());
        drop((waited, ann));
        assert!(places.callers.lock().is_empty());
    }
}
