//! What has just changed in a community: for who listens, and for who keeps something that was read.
//!
//! The thread that commits tells [`Changes`] every batch once it is durable, and before anyone who waits for it goes on. While
//! nobody listens that costs a note of when each community changed last. A community to which somebody listens has a room
//! with a ring of its last changes:
//!
//! ```text
//!            since                         newest
//!              │  change  change  change  change
//!                            ▲ a listener's position       behind `since`, or too far back: `reset`
//! ```
//!
//! A listener is told everything once and in order, or that it must read anew ([`Kind::Reset`]); it never holds anything up. Nothing
//! here is durable: after a restart listeners begin with a reset. Rooms, rings and listeners are bounded; who is let in is `seats.rs`'s to say,
//! and a caller's oldest listening gives way to the newest. A layer that isn't what the schema says is passed over; who reads the rows will tell.

mod derive;
mod room;
mod seats;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use room::Room;
pub use seats::Seat;
use seats::Seats;
pub use subscription::Subscription;

use super::showing::Edition;
use crate::clock::Clock;
use crate::store::{CommunityId, Layer, Span, Table, schema};

/// Changes that are kept for who comes back.
const RING: usize = 256;

/// Changes that a listener may be behind before it is told to read anew.
const LAG: usize = 64;

/// How long a ring stays after its last listener has left, in milliseconds.
const IDLE_MS: i64 = 5 * 60 * 1_000;

const PER_COMMUNITY: usize = 100;
const PER_HOST: usize = 1_000;

/// More than a browser opens to one host.
const PER_CALLER: usize = 10;

/// From one address, or one site's network: a house full of people.
const PER_ADDRESS: usize = 50;

/// Communities whose last change is remembered: more than are ever open. Of the others only the latest of all is.
const REMEMBERED: usize = 20_000;

/// Changes of configs that are remembered one by one.
const CONFIGS: usize = 4_096;

/// A place among all changes: the edition, the number in it, and, behind all of its changes, the number of what no commit has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(Edition, u32, u32);

impl Position {
    /// Behind all changes of this edition.
    fn after(edition: Edition) -> Self {
        Self(edition, u32::MAX, 0)
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (edition, rest) = text.split_once('-')?;
        let (number, besides) = rest.split_once('-').unwrap_or((rest, "0"));
        Some(Self(edition.parse().ok()?, number.parse().ok()?, besides.parse().ok()?))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(edition, number, 0) => write!(f, "{edition}-{number}"),
            Self(edition, number, besides) => write!(f, "{edition}-{number}-{besides}"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A post is shown from now on, or not any more: `uri`, `author`, `createdAt`, `shown`.
    Post,
    /// Somebody was admitted, has another role, or was dismissed: `did`, and `role`, which is null for who is no member any more.
    Member,
    /// A `target` is kept out or let in again (`denied`), or a moderator's record came or went: `action`, `exists`.
    Moderation,
    /// The config is another, or the community was `closed`, which is its last change.
    Community,
    /// The feed is made by another mix from now on: one that the owner has `uploaded` or the default one; `switchedOff`, because that of the
    /// owner failed again and again.
    Mix,
    /// Changes were missed: what was read before may be out of date.
    Reset,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Member => "member",
            Self::Moderation => "moderation",
            Self::Community => "community",
            Self::Mix => "mix",
            Self::Reset => "reset",
        }
    }
}

/// One change. Its id goes back to [`Changes::subscribe`] by who was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub id: Position,
    pub kind: Kind,
    /// JSON.
    pub data: Arc<str>,
}

/// Who wants to listen, as what.
#[derive(Debug, Clone, Copy)]
pub struct Listener<'a> {
    /// Their DID.
    pub caller: &'a str,
    /// As it is counted: whoever has it has all of it.
    pub address: &'a str,
    pub seat: Seat,
}

/// Why there is no room for another listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("as many listen to this community as may: try again later, or ask for what you need from time to time")]
    Community,
    #[error("as many listen from your address as may: try again later, or ask for what you need from time to time")]
    Address,
    #[error("as many listen to this host as may: try again later, or ask for what you need from time to time")]
    Host,
}

/// Whom the commits are told to. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Changes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The last edition of which all is known here.
    noted: Edition,
    /// When communities changed last.
    changed: HashMap<CommunityId, Edition>,
    /// No community that isn't among them has changed later than this.
    changed_before: Edition,
    /// Whose config changed, and when, in order.
    configs: VecDeque<(Edition, CommunityId)>,
    /// All changes of configs that came later are there.
    configs_since: Edition,
    /// The number of the last thing that was told and that no commit had changed. It goes on from the second in which the program started, so
    /// that no number comes again.
    besides: u32,
    /// Behind which of these each community is, by the AT-URI of its config; of the others, behind which they may be.
    mixed: HashMap<String, Position>,
    mixed_before: Position,
    rooms: HashMap<CommunityId, Room>,
    /// Where each caller listens, the oldest first.
    callers: HashMap<String, VecDeque<Listening>>,
    addresses: HashMap<String, Seats>,
    seats: Seats,
    /// How often anybody has begun to listen.
    begun: u64,
}

/// A place that is taken.
#[derive(Debug)]
struct Listening {
    number: u64,
    community: CommunityId,
    address: String,
    seat: Seat,
}

impl Changes {
    /// `edition` is that of the last commit.
    pub fn new(clock: Clock, edition: Edition) -> Self {
        let besides = u32::try_from(clock.now_ms() / 1_000).unwrap_or(1);
        let state = State {
            besides,
            mixed: HashMap::new(),
            mixed_before: Position(edition, u32::MAX, besides),
            noted: edition,
            changed: HashMap::new(),
            changed_before: edition,
            configs: VecDeque::new(),
            configs_since: edition,
            rooms: HashMap::new(),
            callers: HashMap::new(),
            addresses: HashMap::new(),
            seats: Seats::default(),
            begun: 0,
        };
        Self(Arc::new(Inner { clock, state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch is durable. For the committer, in the order of commits.
    pub fn note(&self, layer: &Layer) {
        let Some(edition) = derive::edition_of(layer) else { return };
        let now = self.0.clock.now_ms();
        let touched = derive::touched(layer);
        let mut state = self.state();
        state.noted = edition;
        state.remember(layer, &touched, edition);
        if state.rooms.is_empty() {
            return;
        }
        state.rooms.retain(|_, room| room.seats.taken() > 0 || now - room.left_ms < IDLE_MS);
        for (id, room) in &mut state.rooms {
            if touched.binary_search(id).is_ok() || layer.within(Table::Actions, &Span::prefix(schema::actions_of(&room.uri))).next().is_some() {
                room.take(derive::changes(layer, *id, &room.uri, edition, now), edition);
            }
        }
    }

    /// The community whose config has this AT-URI has another mix. That lies in state.redb, so no batch tells of it.
    pub fn mix_changed(&self, uri: &str, uploaded: bool, switched_off: bool) {
        let state = &mut *self.state();
        state.besides += 1;
        let id = Position(state.noted, u32::MAX, state.besides);
        if state.mixed.len() >= REMEMBERED {
            state.mixed.clear();
            state.mixed_before = id;
        }
        state.mixed.insert(uri.to_owned(), id);
        for room in state.rooms.values_mut().filter(|room| room.uri == uri && !room.closed) {
            room.take(Some(vec![Change { id, kind: Kind::Mix, data: derive::mix(uploaded, switched_off) }]), id.0);
        }
    }

    /// Nobody knows whether a batch has become durable.
    pub fn lost(&self) {
        let state = &mut *self.state();
        state.changed.clear();
        state.changed_before = state.noted + 1;
        state.configs.clear();
        state.configs_since = state.noted + 1;
        for room in state.rooms.values_mut() {
            room.reset(Position(state.noted, u32::MAX, state.besides));
        }
    }

    /// What was read from a snapshot is known to be out of date once its community changes later than this, which is to be asked
    /// before the snapshot is taken.
    pub fn noted(&self) -> Edition {
        self.state().noted
    }

    /// The edition at which the community changed last, or a later one.
    pub fn changed(&self, id: CommunityId) -> Edition {
        let state = self.state();
        state.changed.get(&id).copied().unwrap_or(state.changed_before)
    }

    /// The communities whose config came, changed or went after this edition; `None` if that is too long ago.
    pub fn configs_after(&self, edition: Edition) -> Option<Vec<CommunityId>> {
        let state = self.state();
        (edition >= state.configs_since).then(|| {
            let mut ids: Vec<_> = state.configs.iter().rev().take_while(|(at, _)| *at > edition).map(|(_, id)| *id).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        })
    }

    /// Listens to a community, whose config has this AT-URI, from now on, or from behind the change with this id.
    pub fn subscribe(&self, id: CommunityId, uri: &str, listener: Listener<'_>, last: Option<&str>) -> Result<Subscription, Full> {
        let now = self.0.clock.now_ms();
        let state = &mut *self.state();
        while let Err(full) = state.has_room(id, listener) {
            // Somebody who comes back takes their own place, of which they may have gone without our knowing.
            let instead = state.oldest(listener.caller, |listening| match full {
                Full::Community => listening.community == id,
                Full::Address => listening.address == listener.address,
                Full::Host => true,
            });
            state.leave(listener.caller, instead.ok_or(full)?, now);
        }
        if state.callers.get(listener.caller).is_some_and(|places| places.len() >= PER_CALLER)
            && let Some(oldest) = state.oldest(listener.caller, |_| true)
        {
            state.leave(listener.caller, oldest, now);
        }
        state.make_room(id, now);
        let changed = state.changed.get(&id).copied().unwrap_or(state.changed_before);
        let since = Position::after(changed.min(state.noted)).max(state.mixed.get(uri).copied().unwrap_or(state.mixed_before));
        let number = state.take(id, listener);
        let room = state.rooms.entry(id).or_insert_with(|| Room::new(uri, since));
        room.seats.take(listener.seat);

        let last_position = last.map(|last| Position::parse(last).filter(|last| last.0 <= state.noted && *last >= room.since));
        let (position, must_reset) = match last_position {
            None => (room.newest, false),
            Some(None) => (room.newest, true),
            Some(Some(position)) => (position, false),
        };
        Ok(Subscription::new(self.clone(), id, (listener.caller, number), room, position, must_reset))
    }
}

impl State {
    fn remember(&mut self, layer: &Layer, touched: &[CommunityId], edition: Edition) {
        if self.changed.len() + touched.len() > REMEMBERED {
            self.changed.clear();
            self.changed_before = edition;
        }
        self.changed.extend(touched.iter().map(|id| (*id, edition)));
        for (key, _) in layer.within(Table::Communities, &Span::all()) {
            self.configs.extend(schema::last_community(key).map(|id| (edition, id)));
        }
        while self.configs.len() > CONFIGS {
            if let Some((edition, _)) = self.configs.pop_front() {
                self.configs_since = edition;
            }
        }
    }

    fn has_room(&self, id: CommunityId, Listener { address, seat, .. }: Listener<'_>) -> Result<(), Full> {
        if !self.rooms.get(&id).is_none_or(|room| room.seats.has_one(seat, PER_COMMUNITY)) {
            return Err(Full::Community);
        }
        if !self.addresses.get(address).is_none_or(|seats| seats.has_one(seat, PER_ADDRESS)) {
            return Err(Full::Address);
        }
        if !self.seats.has_one(seat, PER_HOST) {
            return Err(Full::Host);
        }
        Ok(())
    }

    /// Takes a place everywhere but in the room; answers its number.
    fn take(&mut self, community: CommunityId, Listener { caller, address, seat }: Listener<'_>) -> u64 {
        self.begun += 1;
        self.seats.take(seat);
        self.addresses.entry(address.to_owned()).or_default().take(seat);
        let listening = Listening { number: self.begun, community, address: address.to_owned(), seat };
        self.callers.entry(caller.to_owned()).or_default().push_back(listening);
        self.begun
    }

    /// The number of the caller's oldest place of this kind.
    fn oldest(&self, caller: &str, which: impl Fn(&Listening) -> bool) -> Option<u64> {
        self.callers.get(caller)?.iter().find(|listening| which(listening)).map(|listening| listening.number)
    }

    fn listens(&self, caller: &str, number: u64) -> bool {
        self.oldest(caller, |listening| listening.number == number).is_some()
    }

    /// Leaves a place, if it is not left already, and wakes who was in it.
    fn leave(&mut self, caller: &str, number: u64, now: i64) {
        let Some(places) = self.callers.get_mut(caller) else { return };
        let Some(left) = places.iter().position(|listening| listening.number == number).and_then(|at| places.remove(at)) else { return };
        if places.is_empty() {
            self.callers.remove(caller);
        }
        self.seats.leave(left.seat);
        if let Some(seats) = self.addresses.get_mut(&left.address) {
            seats.leave(left.seat);
            if seats.taken() == 0 {
                self.addresses.remove(&left.address);
            }
        }
        if let Some(room) = self.rooms.get_mut(&left.community) {
            room.seats.leave(left.seat);
            room.left_ms = now;
            room.woken.notify_waiters();
        }
    }

    /// Lets go of the rooms that nobody has been in for the longest time, if there are too many.
    fn make_room(&mut self, id: CommunityId, now: i64) {
        self.rooms.retain(|_, room| room.seats.taken() > 0 || now - room.left_ms < IDLE_MS);
        while self.rooms.len() >= PER_HOST && !self.rooms.contains_key(&id) {
            let empty = self.rooms.iter().filter(|(_, room)| room.seats.taken() == 0).min_by_key(|(_, room)| room.left_ms);
            let Some(oldest) = empty.map(|(id, _)| *id) else { return };
            self.rooms.remove(&oldest);
        }
    }
}
