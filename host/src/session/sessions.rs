//! Opening, checking, going on with and listing sessions.
//!
//! ```text
//! begin ─▶ access token, 15 minutes ─▶ check, at every request
//!       └▶ refresh token ─▶ refresh ─▶ both anew; the old one is used up
//!                              └─ an old one again ─▶ the session ends
//! ```
//!
//! A refresh token that comes a second time within ten seconds is a race of two tabs with the same cookies, not a thief: both get the
//! same successor, so whichever cookie stays is good. A thief who is that quick shares the successor with its owner, and whoever of the
//! two uses it second ends the session. The successor is in memory for these ten seconds; after a restart the second tab is told to
//! come again.
//!
//! What is written is durable before it is answered, which takes a sync of the disk: [`Sessions::begin`] and [`Sessions::refresh`] are
//! for blocking threads. [`Sessions::check`] reads one row.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::sync::Cache;
use ring::hmac;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::access::{AccessError, AccessTokens};
use super::credentials::{Credentials, Kept};
use super::ending::REVOCATIONS;
use super::live::{Live, User};
use super::oauth::OAuth;
use super::rows::{self, LIFE_MS, Row};
use super::secret::{Keys, random};
use super::{Session, SessionError, SessionInfo, Tokens, refresh};
use crate::clock::Clock;
use crate::config::{PublicUrl, SecretText};
use crate::identity::Resolver;
use crate::outbound::{Client, Policy};
use crate::pds::Repo;
use crate::store::{Changes, Shelf, State, StateError};

/// Sessions of one user: a hundred devices and scripts. The one that was used least lately ends for a new one.
const PER_USER: usize = 100;

/// Sessions in all: about 100 MB of disk. The one that was used least lately ends for a new one.
const IN_ALL: u64 = if cfg!(test) { 250 } else { 100_000 };

/// Expired sessions that are swept away whenever one is opened; more than are opened, so they can't pile up.
const SWEPT_AT_ONCE: usize = 100;

/// For how long a used refresh token still gets its successor.
const RACE_MS: i64 = 10_000;

/// Letters that are kept of what a client calls itself.
const CLIENT_NAME: usize = 200;

/// Threads on which sessions wait for the disk at a time. Their commits wait for each other anyway, and whoever waits on a thread has one that
/// readers of feeds may need.
static THREADS: Semaphore = Semaphore::const_new(8);

/// What sessions are built from.
#[derive(Debug)]
pub struct Parts {
    pub state: State,
    pub secret: SecretText,
    pub public_url: PublicUrl,
    pub resolver: Resolver,
    pub clock: Clock,
    /// As the configuration has it; requests to users' servers have a client of their own.
    pub allow_private_network: bool,
    pub app_passwords: bool,
}

/// All sessions. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Sessions(pub(super) Arc<Inner>);

pub(super) struct Inner {
    this: Weak<Self>,
    pub(super) state: State,
    pub(super) keys: Keys,
    access: AccessTokens,
    pub(super) clock: Clock,
    pub(super) resolver: Resolver,
    /// For users' servers alone: a slow one must not keep the directory's answers waiting.
    pub(super) client: Client,
    pub(super) app_passwords: bool,
    pub(super) oauth: OAuth,
    /// Held while rows are read and written again.
    writing: Mutex<()>,
    /// What is in use; a session that nobody asks with costs nothing here.
    live: Mutex<HashMap<String, Weak<Live>>>,
    /// By session: the token that was used up, and what came for it.
    pub(super) successors: Cache<String, ([u8; 32], Arc<Tokens>)>,
    pub(super) revocations: Arc<Semaphore>,
    /// Those that are under way or wait.
    pub(super) revoking: TaskTracker,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// A client with room for users' servers: five hundred requests, so that thirty slow hosts don't fill it.
fn client(allow_private: bool) -> Client {
    Client::new(Policy { requests: 512, requests_per_host: 16, ..Policy::new(allow_private) })
}

impl Sessions {
    /// Sessions as they lie in this database.
    pub fn open(parts: Parts) -> Result<Self, StateError> {
        let Parts { state, secret, public_url, resolver, clock, allow_private_network, app_passwords } = parts;
        let keys = Keys::of(&secret);
        notice_another_secret(&state, &keys)?;
        if let Some(trouble) = public_url.trouble() {
            tracing::warn!(public_url = public_url.endpoint(), trouble, "the public URL is none for the open network");
        }
        let oauth = OAuth::open(&state, &keys, &public_url)?;
        Ok(Self(Arc::new_cyclic(|this| Inner {
            this: Weak::clone(this),
            access: AccessTokens::new(public_url.service_did(), &keys.access),
            state,
            keys,
            clock,
            resolver,
            client: client(allow_private_network),
            app_passwords,
            oauth,
            writing: Mutex::default(),
            live: Mutex::default(),
            successors: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(15)).build(),
            revocations: Arc::new(Semaphore::new(REVOCATIONS)),
            revoking: TaskTracker::new(),
        })))
    }

    /// Opens a session for who has proved to be this user. Blocks for a sync of the disk.
    pub fn begin(&self, did: &str, handle: Option<&str>, credentials: &Credentials, client: Option<&str>) -> Result<Tokens, SessionError> {
        let inner = &*self.0;
        let now_ms = inner.clock.now_ms();
        let id = URL_SAFE_NO_PAD.encode(random::<16>());
        let writing = inner.writing();
        let mut changes = Changes::default();
        let ended = inner.make_room(&mut changes, did, now_ms)?;
        let token = refresh::make(&inner.keys.refresh, &id);
        let row = Row {
            did: did.to_owned(),
            handle: handle.map(str::to_owned),
            method: credentials.method(),
            client: client.map(client_name).filter(|name| !name.is_empty()),
            created_ms: now_ms,
            used_ms: now_ms,
            sealed_by: inner.keys.id,
            current: refresh::hash(&token),
            previous: None,
        };
        rows::write(&mut changes, &id, None, &row);
        let kept = Kept { credentials: credentials.clone(), given_ms: now_ms };
        changes.put(Shelf::Credentials, id.as_str(), inner.keys.seal(id.as_bytes(), &kept.to_bytes()));
        inner.state.commit(&changes)?;
        drop(writing);
        ended.iter().for_each(|live| live.end());
        self.revoke_behind(ended);
        metrics::counter!("atrarium_sessions_total", "event" => "opened").increment(1);
        Ok(inner.tokens(&id, &row, token, now_ms))
    }

    /// Whose token this is. Reads one row, and blocks for no longer.
    pub fn check(&self, access_token: &str) -> Result<Session, SessionError> {
        let inner = &*self.0;
        let now_ms = inner.clock.now_ms();
        let (did, id) = inner.access.check(access_token, now_ms).map_err(|cause| match cause {
            AccessError::Expired => SessionError::Expired,
            AccessError::Foreign => SessionError::Foreign,
        })?;
        let row = inner.row(&id, now_ms)?.filter(|row| row.did == did).ok_or(SessionError::Ended)?;
        Ok(Session { id, did, handle: row.handle, method: row.method })
    }

    /// When an access token expires that is good now.
    pub fn expires_ms(&self, access_token: &str) -> Option<i64> {
        self.0.access.expires_ms(access_token, self.0.clock.now_ms())
    }

    /// Whether users may sign in with app passwords.
    pub fn takes_app_passwords(&self) -> bool {
        self.0.app_passwords
    }

    /// New tokens for a refresh token, which is used up by that. Blocks for a sync of the disk, and asks nobody else: see
    /// [`Sessions::go_on`].
    pub fn refresh(&self, refresh_token: &str) -> Result<Tokens, SessionError> {
        let inner = &*self.0;
        let now_ms = inner.clock.now_ms();
        let id = refresh::session_of(&inner.keys.refresh, refresh_token).ok_or(SessionError::Foreign)?;
        let given = refresh::hash(refresh_token);
        let writing = inner.writing();
        let before = inner.row(id, now_ms)?.ok_or(SessionError::Ended)?;
        if is_same(&given, &before.current) {
            let token = refresh::make(&inner.keys.refresh, id);
            let row = Row { used_ms: now_ms, current: refresh::hash(&token), previous: Some(given), ..before.clone() };
            let mut changes = Changes::default();
            rows::write(&mut changes, id, Some(&before), &row);
            inner.state.commit(&changes)?;
            let tokens = inner.tokens(id, &row, token, now_ms);
            inner.successors.insert(id.to_owned(), (given, Arc::new(tokens.clone())));
            return Ok(tokens);
        }
        let raced = before.previous.is_some_and(|previous| is_same(&given, &previous)) && (0..=RACE_MS).contains(&now_ms.saturating_sub(before.used_ms));
        if raced {
            let successor = inner.successors.get(id).filter(|(used, _)| is_same(used, &given));
            return successor.map(|(_, tokens)| Tokens::clone(&tokens)).ok_or(SessionError::Superseded);
        }
        let ended = inner.remove(&[(id.to_owned(), before.clone())])?;
        drop(writing);
        self.revoke_behind(ended);
        metrics::counter!("atrarium_sessions_total", "event" => "reused").increment(1);
        tracing::warn!(session = id, did = %before.did, "a refresh token was used twice, so its session has ended");
        Err(SessionError::Reused)
    }

    /// What a browser of this session shows beside its cookie.
    pub fn csrf(&self, session: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0.keys.csrf, session.as_bytes()))
    }

    /// Whether this is what [`Sessions::csrf`] gave for the session, in a time that doesn't tell how much of it is right.
    pub fn csrf_matches(&self, session: &str, given: &str) -> bool {
        self.csrf(session).as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The user's sessions, the newest first.
    pub fn list(&self, did: &str) -> Result<Vec<SessionInfo>, SessionError> {
        let mut list = Vec::new();
        for (id, row) in self.0.rows_of(did)? {
            list.push(SessionInfo { id, method: row.method, created_ms: row.created_ms, last_used_ms: row.used_ms, client: row.client });
        }
        list.sort_by(|one, other| (other.created_ms, &other.id).cmp(&(one.created_ms, &one.id)));
        Ok(list)
    }

    /// Sessions that are kept, those of other secrets and those that have expired lately among them.
    pub fn count(&self) -> Result<u64, SessionError> {
        Ok(self.0.state.count(Shelf::Sessions)?)
    }

    /// The repo of the session's user, with what the session may do there.
    pub fn repo(&self, session: &Session) -> Result<Repo, SessionError> {
        let inner = &*self.0;
        let row = inner.row(&session.id, inner.clock.now_ms())?.filter(|row| row.did == session.did).ok_or(SessionError::Ended)?;
        let live = inner.live(&session.id, &row.did)?.ok_or(SessionError::Ended)?;
        Repo::new(Arc::new(User(live))).ok_or(SessionError::Ended)
    }

    /// Makes the session's access token at the user's server useless, as time does.
    #[cfg(any(test, feature = "failpoints"))]
    pub async fn spoil(&self, session: &Session) -> Result<Option<Repo>, SessionError> {
        let Some(live) = self.0.live(&session.id, &session.did)? else { return Ok(None) };
        live.spoil().await;
        // Whoever asks by this one shares what was spoilt.
        Ok(Repo::new(Arc::new(User(live))))
    }

    /// What goes on with the session of this refresh token, if it is the session's newest.
    pub(super) fn newest(&self, refresh_token: &str) -> Result<Option<Arc<Live>>, SessionError> {
        let inner = &*self.0;
        let Some(id) = refresh::session_of(&inner.keys.refresh, refresh_token) else { return Ok(None) };
        let row = inner.row(id, inner.clock.now_ms())?.filter(|row| is_same(&refresh::hash(refresh_token), &row.current));
        row.map_or(Ok(None), |row| inner.live(id, &row.did))
    }
}

/// Work that syncs the disk, on a thread that may wait for it. Where none is free the caller waits for one, for as long as they like; whoever stops
/// waiting before that has changed nothing.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, SessionError> + Send + 'static) -> Result<T, SessionError> {
    let thread = THREADS.acquire().await.expect("nobody closes this semaphore");
    let outcome = tokio::task::spawn_blocking(move || {
        let _thread = thread;
        work()
    });
    outcome.await.unwrap_or_else(|_| Err(StateError::Failed { doing: "writing", cause: "the work broke off".to_owned() }.into()))
}

impl Inner {
    pub(super) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's row, if it is going on.
    fn row(&self, id: &str, now_ms: i64) -> Result<Option<Row>, SessionError> {
        Ok(rows::read(&self.state, id)?.filter(|row| row.sealed_by == self.keys.id && now_ms < row.expires_ms()))
    }

    pub(super) fn rows_of(&self, did: &str) -> Result<Vec<(String, Row)>, SessionError> {
        let now_ms = self.clock.now_ms();
        let mut found = Vec::new();
        for id in rows::of_owner(&self.state, did)? {
            found.extend(self.row(&id, now_ms)?.map(|row| (id, row)));
        }
        Ok(found)
    }

    /// Removes what has expired and what a new session of this user takes the place of; answers what goes on elsewhere by that.
    fn make_room(&self, changes: &mut Changes, did: &str, now_ms: i64) -> Result<Vec<Arc<Live>>, SessionError> {
        let mut going = rows::used_before(&self.state, now_ms.saturating_sub(LIFE_MS), SWEPT_AT_ONCE)?;
        let mut own = Vec::new();
        for id in rows::of_owner(&self.state, did)? {
            if !going.contains(&id) {
                own.extend(rows::read(&self.state, &id)?.map(|row| (row.used_ms, id)));
            }
        }
        own.sort_unstable();
        let too_many = (own.len() + 1).saturating_sub(PER_USER);
        going.extend(own.into_iter().take(too_many).map(|(_, id)| id));
        let left = self.state.count(Shelf::Sessions)?.saturating_sub(going.len() as u64);
        if left >= IN_ALL {
            let mut oldest = rows::used_before(&self.state, i64::MAX, going.len() + 1)?;
            oldest.retain(|id| !going.contains(id));
            going.extend(oldest.into_iter().take(1));
        }
        let mut ended = Vec::new();
        for id in going {
            let Some(row) = rows::read(&self.state, &id)? else { continue };
            if row.sealed_by == self.keys.id && now_ms < row.expires_ms() {
                ended.extend(self.live(&id, &row.did)?);
            }
            rows::remove(changes, &id, &row);
        }
        Ok(ended)
    }

    /// The session's credentials for asking; the same for all who ask. `None` if they can't be opened.
    pub(super) fn live(&self, id: &str, did: &str) -> Result<Option<Arc<Live>>, SessionError> {
        let mut all = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = all.get(id).and_then(Weak::upgrade) {
            return Ok(Some(live));
        }
        let Some(sealed) = self.state.get(Shelf::Credentials, id.as_bytes())? else { return Ok(None) };
        let kept = self.keys.unseal(id.as_bytes(), &sealed).and_then(|bytes| Kept::from_bytes(&bytes));
        let Some(live) = kept.and_then(|kept| Live::new(id, did, kept, Weak::clone(&self.this))).map(Arc::new) else { return Ok(None) };
        // Those that nobody uses are forgotten whenever there are twice as many as the table has had room for.
        if all.len() == all.capacity() {
            all.retain(|_, live| live.strong_count() > 0);
        }
        all.insert(id.to_owned(), Arc::downgrade(&live));
        Ok(Some(live))
    }

    /// Stores renewed credentials, unless the session has ended meanwhile.
    pub(super) fn keep(&self, id: &str, kept: &Kept) -> Result<(), SessionError> {
        let _writing = self.writing();
        if rows::read(&self.state, id)?.is_none() {
            return Ok(());
        }
        let mut changes = Changes::default();
        changes.put(Shelf::Credentials, id, self.keys.seal(id.as_bytes(), &kept.to_bytes()));
        Ok(self.state.commit(&changes)?)
    }

    fn tokens(&self, id: &str, row: &Row, refresh: String, now_ms: i64) -> Tokens {
        let (access, access_expires_ms) = self.access.make(&row.did, id, now_ms);
        let csrf = URL_SAFE_NO_PAD.encode(hmac::sign(&self.keys.csrf, id.as_bytes()));
        let refresh_expires_ms = row.expires_ms();
        Tokens { access, access_expires_ms, refresh, refresh_expires_ms, session: id.to_owned(), did: row.did.clone(), handle: row.handle.clone(), csrf }
    }
}

fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// What a client calls itself, without what does harm in a list.
fn client_name(given: &str) -> String {
    given.chars().filter(|letter| !letter.is_control()).take(CLIENT_NAME).collect::<String>().trim().to_owned()
}

/// Says so, once, if what lies here was sealed with another secret. It stays where it is: the other secret opens it again.
fn notice_another_secret(state: &State, keys: &Keys) -> Result<(), StateError> {
    let before = state.get(Shelf::Meta, b"secret")?;
    if before.as_deref() == Some(&keys.id[..]) {
        return Ok(());
    }
    if before.is_some() {
        tracing::warn!(
            sessions = state.count(Shelf::Sessions)?,
            "the secret is another than before: who was signed in has to sign in again, unless the former ATRARIUM_SECRET (or the file `secret`) comes back"
        );
    }
    let mut changes = Changes::default();
    changes.put(Shelf::Meta, *b"secret", keys.id);
    state.commit(&changes)
}
