//! Room for connections: so many at once, and what becomes of those that find none.
//!
//! While there is no room, peers that ask for nothing have to go after [`patience::SPARE`] instead of a minute, and who has come waits
//! for their place. Who finds none within [`PATIENCE`] is told so as an answer, and may come again: that is better than a silence that
//! looks like an answer that will come. Of those at most [`WAITING`] are held; who comes after them waits in the kernel's queue.
//!
//! [`patience::SPARE`]: super::patience::SPARE

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// For a place. Twice what peers that ask for nothing are left.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections that wait for a place or are told that there is none: a quarter of the places there are.
const WAITING: usize = 1_024;

/// There is room again when this part of the places is free.
const SPARE_PART: usize = 8;

/// Places, and whether they are all taken. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(super) struct Room {
    most: usize,
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    crowded: Arc<watch::Sender<bool>>,
}

/// What a connection holds before it has a place.
#[derive(Debug)]
pub(super) struct Waiting {
    room: Room,
    _permit: OwnedSemaphorePermit,
}

/// A connection's place.
#[derive(Debug)]
pub(super) struct Place {
    room: Room,
    permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(most: usize) -> Self {
        Self { most, places: Arc::new(Semaphore::new(most)), waiting: Arc::new(Semaphore::new(WAITING)), crowded: Arc::new(watch::channel(false).0) }
    }

    /// Moves when all places are taken, and when some are free again.
    pub(super) fn crowded(&self) -> watch::Receiver<bool> {
        self.crowded.subscribe()
    }

    /// Waits until one more may wait for a place.
    pub(super) async fn door(&self) -> Waiting {
        Waiting { _permit: self.waiting.clone().acquire_owned().await.expect("nobody closes this semaphore"), room: self.clone() }
    }

    fn is_crowded_now(&self, crowded: bool) {
        self.crowded.send_if_modified(|known| std::mem::replace(known, crowded) != crowded);
    }
}

impl Waiting {
    /// A place, or what one had before if there was none in time.
    pub(super) async fn place(self) -> Result<Place, Self> {
        let room = self.room.clone();
        if let Ok(permit) = room.places.clone().try_acquire_owned() {
            return Ok(Place { room, permit: Some(permit) });
        }
        room.is_crowded_now(true);
        match timeout(PATIENCE, room.places.clone().acquire_owned()).await {
            Ok(permit) => Ok(Place { room, permit: Some(permit.expect("nobody closes this semaphore")) }),
            Err(_) => Err(self),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        if self.room.places.available_permits() > self.room.most / SPARE_PART {
            self.room.is_crowded_now(false);
        }
    }
}
