//! A community to which somebody listens: its last changes, and who is to be woken by the next.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::derive::CLOSED;
use super::seats::Seats;
use super::{Change, Kind, Position, RING};
use crate::community::showing::Edition;

/// A community to which somebody listens, or did a moment ago.
#[derive(Debug)]
pub(super) struct Room {
    /// The AT-URI of the community's config.
    pub(super) uri: String,
    pub(super) ring: VecDeque<Change>,
    /// Everything later is in the ring.
    pub(super) since: Position,
    pub(super) newest: Position,
    /// Moves when everybody must read anew.
    pub(super) generation: u64,
    pub(super) closed: bool,
    pub(super) seats: Seats,
    /// When the last listener left.
    pub(super) left_ms: i64,
    pub(super) woken: Arc<Notify>,
}

impl Room {
    pub(super) fn new(uri: &str, since: Position) -> Self {
        let woken = Arc::new(Notify::new());
        Self { uri: uri.to_owned(), ring: VecDeque::new(), since, newest: since, generation: 0, closed: false, seats: Seats::default(), left_ms: 0, woken }
    }

    pub(super) fn reset(&mut self, position: Position) {
        self.ring.clear();
        (self.since, self.newest) = (position, position);
        self.generation += 1;
        self.woken.notify_waiters();
    }

    pub(super) fn take(&mut self, changes: Option<Vec<Change>>, edition: Edition) {
        match changes {
            Some(changes) if changes.is_empty() => return,
            Some(changes) => {
                self.closed |= changes.iter().any(|change| change.kind == Kind::Community && *change.data == *CLOSED);
                self.newest = changes.last().map_or(self.newest, |change| change.id);
                self.ring.extend(changes);
                while self.ring.len() > RING {
                    if let Some(change) = self.ring.pop_front() {
                        self.since = change.id;
                    }
                }
            }
            None => return self.reset(Position::after(edition)),
        }
        self.woken.notify_waiters();
    }
}
