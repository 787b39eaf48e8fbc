//! Room for connections: so many at once, and what becomes of those that find none.
//!
//! While there is no room, peers that ask for nothing have to go after [`patience::SPARE`] instead of a minute, and who has come waits
//! for their place. Who finds none within [`PATIENCE`] is told so as an answer, and may come again: that is better than a silence that
//! looks like an answer that will come. Of those a quarter as many are held as there are places ([`WAITING_PART`]); who comes after them
//! waits in the kernel's queue.
//!
//! Each connection is a file that the program has open. Where it may have few, there is room for fewer ([`Shares`]), so that idle ones go
//! before anybody, the database and the firehose among them, finds that there are no more.
//!
//! [`patience::SPARE`]: super::patience::SPARE

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// For a place. Twice what peers that ask for nothing are left.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections of a listener at once. One took 19 KB with a head of 8 KB (measured with 4,000); the AppView needs a few dozen.
pub(super) const CONNECTIONS: usize = 4_096;

/// However few files there are: what the AppView needs.
const LEAST: usize = 64;

/// Files that aren't for connections of the listeners: databases, requests to other servers, the operator's socket.
const RESERVE: u64 = 256;

/// As many connections as this part of the places wait for one or are told that there is none.
const WAITING_PART: usize = 4;

/// Of the places that there are files for, one in so many is the operator's, where there are too few for all.
const ADMIN_PART: usize = 8;

/// There is room again when this part of the places is free.
const SPARE_PART: usize = 8;

/// Connections at once on each listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) public: usize,
    pub(super) admin: usize,
}

impl Shares {
    /// For a program that may have so many files open; `None` if there is no limit.
    pub(super) fn of(files: Option<u64>) -> Self {
        let Some(files) = files else { return Self { public: CONNECTIONS, admin: CONNECTIONS } };
        let files = usize::try_from(files.saturating_sub(RESERVE)).unwrap_or(usize::MAX);
        // Who waits has a file as well.
        let places = files / (WAITING_PART + 1) * WAITING_PART;
        let public = (places - places / ADMIN_PART).clamp(LEAST, CONNECTIONS);
        Self { public, admin: places.saturating_sub(public).clamp(LEAST, CONNECTIONS) }
    }
}

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
        let waiting = Arc::new(Semaphore::new(most.div_ceil(WAITING_PART)));
        Self { most, places: Arc::new(Semaphore::new(most)), waiting, crowded: Arc::new(watch::channel(false).0) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_share_the_files_that_the_program_may_open_and_leave_the_rest_of_it_some() {
        let check = |files: Option<u64>, public: usize, admin: usize| {
            assert_eq!(Shares::of(files), Shares { public, admin }, "{files:?}");
            let taken = public + public.div_ceil(WAITING_PART) + admin + admin.div_ceil(WAITING_PART);
            // With fewer files the fewest places that are of use take some of the reserve.
            assert!(files.is_none_or(|files| files < 1_024 || taken as u64 + RESERVE <= files), "{taken} of {files:?}");
        };
        check(None, CONNECTIONS, CONNECTIONS);
        check(Some(u64::MAX), CONNECTIONS, CONNECTIONS);
        // What the unit gives, what the doctor wants at least, and what a shell has.
        check(Some(16_384), CONNECTIONS, CONNECTIONS);
        check(Some(10_000), CONNECTIONS, 3_696);
        check(Some(1_024), 536, 76);
        check(Some(512), 179, LEAST);
        check(Some(256), LEAST, LEAST);
        check(Some(0), LEAST, LEAST);
    }
}
