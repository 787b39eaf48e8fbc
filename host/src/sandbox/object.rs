//! The `community` world: a community's object, one instance for each that is awake.
//!
//! An instance holds no state that matters; what it reads and writes goes through a [`Backing`], handed over for one call and
//! given back. A trap poisons the instance, which is then dropped. A failure of the host's own storage ends the call too, but is
//! told apart: it is nobody's fault and uses up no retries.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::engine::{Limits, Sandbox};
use super::wasi::{self, Nothing};
use super::{Fault, SandboxError, deadline, one_line};
use crate::record::{Action, ActionKind, Config, Post, Stage};
use crate::store::StoreError;

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/events", "../wit/community"],
        world: "atrarium:community/community",
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

use bindings::CommunityPre;
use bindings::atrarium::community::{index, log, storage};
use bindings::atrarium::events::types as wit;
use bindings::exports::atrarium::community::object as exports;

const NAME: &str = "community-feed";

/// A batch takes well under a millisecond; re-judging ten thousand moderated posts takes tens of them.
const DEADLINE: Duration = Duration::from_millis(500);

/// Lines of log that a call may write, and the length of each.
const LOG_LINES: u32 = 20;
const LOG_LINE: usize = 500;

/// What an object is told. Each says what is so now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Config(Config),
    Membership { did: String, rkey: String, active: bool },
    Action { uri: String, author: String, action: Option<Action> },
    Post { author: String, rkey: String, post: Option<Post> },
    Account { did: String, active: bool },
}

/// A post in the visible feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub author: String,
    pub rkey: String,
    pub sort_time: i64,
    pub reply: bool,
    pub languages: Vec<String>,
    pub labels: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    Owner,
    Moderator,
    Member,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Member => "member",
        }
    }

    /// Whether what they sign may decide about others.
    pub fn has_say(self) -> bool {
        matches!(self, Self::Owner | Self::Moderator)
    }
}

/// Why a write to an object's storage was refused. The guest is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Quota,
    Key,
    Value,
}

/// A listing that a guest asks for.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    pub prefix: &'a str,
    pub after: Option<&'a str>,
    pub reverse: bool,
    pub limit: u32,
}

/// What a call reads and writes: the object's namespace, and its part of the index.
pub trait Backing: Send + 'static {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<Result<(), Refusal>, StoreError>;
    fn delete(&mut self, key: &str) -> Result<(), StoreError>;
    fn list(&mut self, listing: Listing<'_>) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
    fn set_alarm(&mut self, at: Option<i64>) -> Result<(), StoreError>;
    fn alarm(&mut self) -> Result<Option<i64>, StoreError>;
    fn publish(&mut self, post: Shown) -> Result<(), StoreError>;
    fn retract(&mut self, author: &str, rkey: &str, sort_time: i64) -> Result<(), StoreError>;
    fn admit(&mut self, did: &str, role: Role) -> Result<(), StoreError>;
    fn dismiss(&mut self, did: &str) -> Result<(), StoreError>;
    fn deny(&mut self, target: &str) -> Result<(), StoreError>;
    fn allow(&mut self, target: &str) -> Result<(), StoreError>;
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any>;
}

/// Why a call to an object failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Counted against the event and the community.
    #[error(transparent)]
    Guest(#[from] Fault),
    /// Counted against nobody: ingest pauses until the store is well.
    #[error(transparent)]
    Host(#[from] StoreError),
}

struct State {
    limits: Limits,
    wasi: Nothing,
    backing: Option<Box<dyn Backing>>,
    /// Set by an import when the host's storage failed.
    failure: Option<StoreError>,
    log_lines: u32,
    community: String,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

impl State {
    /// Runs an import on the backing. A failure of the host's ends the call.
    fn on<T>(&mut self, run: impl FnOnce(&mut dyn Backing) -> Result<T, StoreError>) -> wasmtime::Result<T> {
        let backing = self.backing.as_deref_mut().ok_or_else(|| wasmtime::Error::msg("imports are for calls only"))?;
        run(backing).map_err(|cause| {
            self.failure = Some(cause);
            wasmtime::Error::msg("the host's storage failed")
        })
    }
}

impl storage::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.on(|backing| backing.get(&key))
    }

    fn put(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), storage::Error>> {
        let outcome = self.on(|backing| backing.put(&key, value))?;
        Ok(outcome.map_err(|refusal| match refusal {
            Refusal::Quota => storage::Error::Quota,
            Refusal::Key => storage::Error::Key,
            Refusal::Value => storage::Error::Value,
        }))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<()> {
        self.on(|backing| backing.delete(&key))
    }

    fn list(&mut self, query: storage::Query) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        let listing = Listing { prefix: &query.prefix, after: query.after.as_deref(), reverse: query.reverse, limit: query.limit };
        self.on(|backing| backing.list(listing))
    }

    fn set_alarm(&mut self, at: Option<i64>) -> wasmtime::Result<()> {
        self.on(|backing| backing.set_alarm(at))
    }

    fn alarm(&mut self) -> wasmtime::Result<Option<i64>> {
        self.on(|backing| backing.alarm())
    }
}

impl index::Host for State {
    fn publish(&mut self, entry: index::Entry) -> wasmtime::Result<()> {
        let index::Entry { author, rkey, sort_time, reply, languages, labels } = entry;
        self.on(|backing| backing.publish(Shown { author, rkey, sort_time, reply, languages, labels }))
    }

    fn retract(&mut self, author: String, rkey: String, sort_time: i64) -> wasmtime::Result<()> {
        self.on(|backing| backing.retract(&author, &rkey, sort_time))
    }

    fn admit(&mut self, did: String, role: index::Role) -> wasmtime::Result<()> {
        let role = match role {
            index::Role::Owner => Role::Owner,
            index::Role::Moderator => Role::Moderator,
            index::Role::Member => Role::Member,
        };
        self.on(|backing| backing.admit(&did, role))
    }

    fn dismiss(&mut self, did: String) -> wasmtime::Result<()> {
        self.on(|backing| backing.dismiss(&did))
    }

    fn deny(&mut self, target: String) -> wasmtime::Result<()> {
        self.on(|backing| backing.deny(&target))
    }

    fn allow(&mut self, target: String) -> wasmtime::Result<()> {
        self.on(|backing| backing.allow(&target))
    }
}

impl log::Host for State {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        if self.log_lines >= LOG_LINES {
            metrics::counter!("atrarium_guest_log_dropped_total").increment(1);
            return Ok(());
        }
        self.log_lines += 1;
        let message: String = message.chars().take(LOG_LINE).collect();
        let community = &self.community;
        match level {
            log::Level::Error => tracing::error!(component = NAME, community, "{message}"),
            log::Level::Warn => tracing::warn!(component = NAME, community, "{message}"),
            log::Level::Info => tracing::info!(component = NAME, community, "{message}"),
            log::Level::Debug => tracing::debug!(component = NAME, community, "{message}"),
        }
        Ok(())
    }
}

impl wit::Host for State {}

/// The component, linked and ready to be instantiated.
pub struct Objects {
    pre: CommunityPre<State>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}

impl Objects {
    pub fn new(sandbox: &Sandbox, bytes: &[u8]) -> Result<Self, SandboxError> {
        let unusable = |cause: wasmtime::Error| SandboxError::Unusable { name: NAME.to_owned(), cause: one_line(&format!("{cause:#}")) };
        let component = Component::from_binary(&sandbox.engine, bytes).map_err(unusable)?;
        let mut linker = Linker::new(&sandbox.engine);
        wasi::link(&mut linker).map_err(unusable)?;
        bindings::Community::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).map_err(unusable)?;
        let pre = linker.instantiate_pre(&component).and_then(CommunityPre::new).map_err(unusable)?;
        Ok(Self { pre })
    }

    /// Wakes an object: microseconds.
    pub fn instantiate(&self, community: &str) -> Result<Object, Fault> {
        let state = State { limits: Limits::default(), wasi: Nothing::new(), backing: None, failure: None, log_lines: 0, community: community.to_owned() };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        deadline::allow(&mut store, DEADLINE);
        let guest = self.pre.instantiate(&mut store).map_err(|cause| fault(&store, "instantiate", &cause))?;
        Ok(Object { store, guest })
    }
}

/// An object that is awake.
pub struct Object {
    store: Store<State>,
    guest: bindings::Community,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("community", &self.store.data().community).finish_non_exhaustive()
    }
}

impl Object {
    /// Tells the object what is so. The backing comes back whatever happens; after an error the object must be dropped.
    pub fn handle(&mut self, backing: Box<dyn Backing>, notices: &[Notice], now: i64) -> (Option<Box<dyn Backing>>, Result<(), CallError>) {
        let events: Vec<exports::Event> = notices.iter().map(event).collect();
        self.call(backing, "handle", |guest, store, community| guest.atrarium_community_object().call_handle(store, community, &events, now))
    }

    /// The object's alarm has come.
    pub fn wake(&mut self, backing: Box<dyn Backing>, now: i64) -> (Option<Box<dyn Backing>>, Result<(), CallError>) {
        self.call(backing, "wake", |guest, store, community| guest.atrarium_community_object().call_wake(store, community, now))
    }

    fn call(
        &mut self,
        backing: Box<dyn Backing>,
        doing: &'static str,
        run: impl FnOnce(&bindings::Community, &mut Store<State>, &str) -> wasmtime::Result<Result<(), String>>,
    ) -> (Option<Box<dyn Backing>>, Result<(), CallError>) {
        let state = self.store.data_mut();
        state.backing = Some(backing);
        state.log_lines = 0;
        let community = std::mem::take(&mut state.community);
        deadline::allow(&mut self.store, DEADLINE);
        let outcome = run(&self.guest, &mut self.store, &community);
        let words = || self.store.data().wasi.last_words();
        let result = match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(CallError::Guest(Fault::Refused { component: NAME, doing, cause: cause.chars().take(LOG_LINE).collect() })),
            Err(cause) => Err(CallError::Guest(Fault::Trap { component: NAME, doing, cause: words().unwrap_or_else(|| one_line(&format!("{cause:#}"))) })),
        };
        let state = self.store.data_mut();
        state.community = community;
        let result = match state.failure.take() {
            Some(failure) => Err(CallError::Host(failure)),
            None => result,
        };
        (state.backing.take(), result)
    }
}

fn fault(store: &Store<State>, doing: &'static str, cause: &wasmtime::Error) -> Fault {
    Fault::Trap { component: NAME, doing, cause: store.data().wasi.last_words().unwrap_or_else(|| one_line(&format!("{cause:#}"))) }
}

fn event(notice: &Notice) -> exports::Event {
    match notice.clone() {
        Notice::Config(config) => exports::Event::Config(self::config(config)),
        Notice::Membership { did, rkey, active } => exports::Event::Membership(exports::MembershipChange { did, rkey, active }),
        Notice::Action { uri, author, action } => exports::Event::Action(exports::ActionChange { uri, author, action: action.map(self::action) }),
        Notice::Post { author, rkey, post } => exports::Event::Post(exports::PostChange { author, rkey, post: post.map(self::post) }),
        Notice::Account { did, active } => exports::Event::Account(exports::AccountChange { did, active }),
    }
}

fn config(config: Config) -> wit::Config {
    wit::Config {
        name: config.name,
        description: config.description,
        hashtag: config.hashtag.to_string(),
        stage: match config.stage {
            Stage::Theme => wit::Stage::Theme,
            Stage::Community => wit::Stage::Community,
            Stage::Graduated => wit::Stage::Graduated,
        },
        parent: config.parent,
        shares: wit::Shares { own: config.shares.own, parent: config.shares.parent, global: config.shares.global },
        moderators: config.moderators,
        created_at: config.created_at,
    }
}

fn action(action: Action) -> wit::Action {
    wit::Action {
        kind: match action.kind {
            ActionKind::HidePost => wit::ActionKind::HidePost,
            ActionKind::UnhidePost => wit::ActionKind::UnhidePost,
            ActionKind::BlockUser => wit::ActionKind::BlockUser,
            ActionKind::UnblockUser => wit::ActionKind::UnblockUser,
        },
        target: action.target,
        community: action.community,
        reason: action.reason,
        via: action.via,
        created_at: action.created_at,
    }
}

fn post(post: Post) -> wit::Post {
    wit::Post {
        sort_time: post.sort_time,
        hashtags: post.hashtags.iter().map(ToString::to_string).collect(),
        reply: post.reply,
        languages: post.languages,
        labels: post.labels,
    }
}
