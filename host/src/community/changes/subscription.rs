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
    /// Of the place that it has.
    number: u64,
    /// The last change that was told.
    position: Position,
    generation: u64,
    must_reset: bool,
    /// What came before the listening began is told however much it is; only what comes later makes a listener lag.
    caught_up: Position,
    over: bool,
    gave_way: bool,
    woken: Arc<Notify>,
}

impl Subscription {
    pub(super) fn new(changes: Changes, community: CommunityId, (caller, number): (&str, u64), room: &Room, position: Position, must_reset: bool) -> Self {
        let (caller, generation, woken, caught_up) = (caller.to_owned(), room.generation, Arc::clone(&room.woken), room.newest);
        Self { changes, community, caller, number, position, generation, must_reset, caught_up, over: false, gave_way: false, woken }
    }

    /// Whether it is over because its caller listens elsewhere now.
    pub fn gave_way(&self) -> bool {
        self.gave_way
    }

    /// Where the listening stands: behind the change that was told last.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next change; `None` when the community is closed and all was told, or when the place was needed. May be dropped and called again.
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
        if !state.listens(&self.caller, self.number) {
            self.gave_way = true;
            return Look::Over;
        }
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
        self.changes.state().leave(&self.caller, self.number, now);
    }
}
