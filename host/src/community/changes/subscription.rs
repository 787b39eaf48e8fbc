//! Listening to one community.

use std::sync::Arc;

use tokio::sync::Notify;

use super::room::Room;
use super::{Change, Changes, Kind, LAG, Position};
use crate::store::CommunityId;

/// Somebody's listening to one community; it ends when this is dropped.
#[derive(Debug)]
pub struct Subscription {
    changes: Changes,
    community: CommunityId,
    caller: String,
    /// The last change that was told.
    position: Position,
    generation: u64,
    must_reset: bool,
    /// What came before the listening began is told however much it is; only what comes later makes a listener lag.
    caught_up: Position,
    over: bool,
    woken: Arc<Notify>,
}

impl Subscription {
    pub(super) fn new(changes: Changes, community: CommunityId, caller: &str, room: &Room, position: Position, must_reset: bool) -> Self {
        let (generation, woken) = (room.generation, Arc::clone(&room.woken));
        Self { changes, community, caller: caller.to_owned(), position, caught_up: room.newest, generation, must_reset, over: false, woken }
    }

    /// Where the listening stands: behind the change that was told last.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next change; `None` when the community is closed and all was told. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Change> {
        let woken = Arc::clone(&self.woken);
        loop {
            let mut waiting = std::pin::pin!(woken.notified());
            // Before looking, so that nothing is missed between the look and the wait.
            waiting.as_mut().enable();
            match self.look() {
                Look::Told(change) => return Some(change),
                Look::Over => return None,
                Look::Nothing => waiting.await,
            }
        }
    }

    fn look(&mut self) -> Look {
        let mut state = self.changes.state();
        let Some(room) = state.rooms.get_mut(&self.community).filter(|_| !self.over) else { return Look::Over };
        let behind = room.ring.partition_point(|change| change.id <= self.position);
        let later = room.ring.partition_point(|change| change.id <= self.position.max(self.caught_up));
        let lags = self.position < room.since || room.ring.len() - later > LAG;
        if self.must_reset || self.generation != room.generation || lags {
            (self.must_reset, self.generation, self.position) = (false, room.generation, room.newest);
            self.over = room.closed;
            return Look::Told(Change { id: room.newest, kind: Kind::Reset, data: "{}".into() });
        }
        match room.ring.get(behind) {
            Some(change) => {
                self.position = change.id;
                self.over = room.closed && self.position == room.newest;
                Look::Told(change.clone())
            }
            None if room.closed => Look::Over,
            None => Look::Nothing,
        }
    }
}

enum Look {
    Told(Change),
    Nothing,
    Over,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let now = self.changes.0.clock.now_ms();
        let state = &mut *self.changes.state();
        state.listeners = state.listeners.saturating_sub(1);
        if let Some(room) = state.rooms.get_mut(&self.community) {
            room.listeners = room.listeners.saturating_sub(1);
            room.left_ms = now;
        }
        if let Some(times) = state.callers.get_mut(&self.caller) {
            *times -= 1;
            if *times == 0 {
                state.callers.remove(&self.caller);
            }
        }
    }
}
