//! The objects that are awake, and talking to one.
//!
//! An object is made when it is first told something, and dropped when it has been idle, when too many are awake, or when it
//! failed: its memory is a cache, so dropping it loses nothing. Calls to one object never overlap, because the registry is
//! owned by the one thread that ingests. A failed call leaves the view as it was before.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Community;
use super::desk::{Admissions, Desk, Quota};
use super::load::{Loads, Work};
use crate::sandbox::Fault;
use crate::sandbox::object::{Backing, CallError, Notice, Object, Objects};
use crate::store::{CommunityId, StoreError, View};

/// When too many objects are awake, this part of them is dropped, the longest unused first.
const SHARE_TO_DROP: usize = 8;

/// The objects that are awake.
#[derive(Debug)]
pub struct Registry {
    objects: Arc<Objects>,
    awake: HashMap<CommunityId, Awake>,
    capacity: usize,
    idle: Duration,
    namespace: u64,
    loads: Loads,
    counted: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Awake {
    object: Object,
    used: Instant,
}

/// What became of a call.
#[derive(Debug)]
pub struct Told {
    pub view: Box<View>,
    /// Whom the object admitted, or why nothing of the call remains.
    pub outcome: Result<Admissions, Fault>,
}

/// What an object is to be told.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// What is so, and how much of its namespace the object may fill with it.
    Notices(&'a [Notice], Quota),
    Wake,
}

impl Registry {
    /// At most `capacity` objects are awake; one that was not used for `idle` is put to sleep. `namespace` is the size
    /// of each one's in bytes. What calls take is counted in `loads`.
    pub fn new(objects: Arc<Objects>, capacity: usize, idle: Duration, namespace: u64, loads: Loads) -> Self {
        Self { objects, awake: HashMap::new(), capacity: capacity.max(1), idle, namespace, loads, counted: Arc::default() }
    }

    /// How many objects are awake, as of the last time that they were looked after, a tenth of a second ago or so.
    pub fn awake(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.counted)
    }

    /// Objects are of this component from now on. Those that are awake are let go: each wakes with the new code when it is next told
    /// something, and none of the old is in memory beside the new.
    pub fn follow(&mut self, now: &Arc<Objects>) {
        if !Arc::ptr_eq(&self.objects, now) {
            tracing::info!(awake = self.awake.len(), "the communities' objects wake with another component");
            self.forget_all();
            self.objects = Arc::clone(now);
        }
    }

    /// One call to a community's object. An error is the host's own, and the view is lost with it.
    pub fn tell(&mut self, mut view: Box<View>, id: CommunityId, community: &Community, message: Message<'_>, now: i64) -> Result<Told, StoreError> {
        let began = Instant::now();
        let mut awake = match self.wake(id, community) {
            Ok(awake) => awake,
            Err(fault) => return Ok(Told { view, outcome: Err(fault) }),
        };
        view.begin();
        let quota = match message {
            Message::Notices(_, quota) => quota,
            Message::Wake => Quota::Whole,
        };
        let desk: Box<dyn Backing> = Box::new(Desk::new(view, id, community.config.hashtag, self.namespace, quota, now)?);
        let (desk, result) = match message {
            Message::Notices(notices, _) => awake.object.handle(desk, notices, now),
            Message::Wake => awake.object.wake(desk, now),
        };
        self.loads.count(&community.uri, Work::Object, began.elapsed());
        let desk = desk.and_then(|desk| desk.into_any().downcast::<Desk>().ok()).ok_or(StoreError::Closed)?;
        let Desk { mut view, admissions, .. } = *desk;
        let outcome = match result {
            Ok(()) => {
                view.keep();
                awake.used = Instant::now();
                self.awake.insert(id, awake);
                Ok(admissions)
            }
            Err(CallError::Guest(fault)) => {
                view.discard();
                metrics::counter!("atrarium_traps_total", "component" => "community-feed").increment(1);
                Err(fault)
            }
            Err(CallError::Host(failure)) => return Err(failure),
        };
        Ok(Told { view, outcome })
    }

    fn wake(&mut self, id: CommunityId, community: &Community) -> Result<Awake, Fault> {
        if let Some(awake) = self.awake.remove(&id) {
            return Ok(awake);
        }
        if self.awake.len() >= self.capacity {
            self.make_room();
        }
        let object = self.objects.instantiate(&community.uri).or_else(|first| {
            // The pool of instances is shared with the mixes: make room once and try again.
            tracing::debug!(fault = %first, "waking an object failed: putting others to sleep");
            self.make_room();
            self.objects.instantiate(&community.uri)
        })?;
        metrics::counter!("atrarium_wakes_total").increment(1);
        Ok(Awake { object, used: Instant::now() })
    }

    fn make_room(&mut self) {
        let mut used: Vec<Instant> = self.awake.values().map(|awake| awake.used).collect();
        let drop = (used.len() / SHARE_TO_DROP).max(1).min(used.len());
        if drop == 0 {
            return;
        }
        let (_, &mut limit, _) = used.select_nth_unstable(drop - 1);
        self.awake.retain(|_, awake| awake.used > limit);
    }

    /// Puts to sleep who has not been used for a while.
    pub fn rest(&mut self) {
        let idle = self.idle;
        self.awake.retain(|_, awake| awake.used.elapsed() < idle);
        self.counted.store(self.awake.len(), Ordering::Relaxed);
    }

    /// Forgets a community that is closed, or whose namespace was emptied.
    pub fn forget(&mut self, id: CommunityId) {
        self.awake.remove(&id);
    }

    /// Puts everyone to sleep.
    pub fn forget_all(&mut self) {
        self.awake.clear();
    }
}
