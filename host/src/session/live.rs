//! A session's credentials while somebody asks with them.
//!
//! ```text
//! request ─▶ one of four turns ─▶ with the token ─▶ the user's server ─ "expired" ─▶ renewed once, stored ─▶ with the new token
//! ```
//!
//! There is one [`Live`] for a session at a time, shared by all who ask. A refresh token is good for one use, so the renewal is one
//! too: who comes meanwhile waits for it. It goes on when nobody waits any more, since its answer is the only one that there will be;
//! and what it brings is stored before anybody uses it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use super::credentials::Credentials;
use super::oauth;
use super::sessions::Inner;
use crate::outbound::{Limits, Request, Response};
use crate::pds::{Authority, RepoError, is_expired, login};

/// Requests of one session at a time.
const AT_ONCE: usize = 4;

pub(super) struct Live {
    pub(super) id: String,
    did: String,
    origin: Url,
    sessions: Weak<Inner>,
    turns: Semaphore,
    /// The session has ended: nothing is asked or renewed any more.
    ended: AtomicBool,
    held: Mutex<Held>,
}

struct Held {
    credentials: Arc<Credentials>,
    /// How often they were renewed.
    number: u64,
    /// They were renewed, and could not be stored yet.
    unstored: bool,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("session", &self.id).field("did", &self.did).finish_non_exhaustive()
    }
}

impl Live {
    /// `None` if the credentials name no server.
    pub(super) fn new(id: &str, did: &str, credentials: Credentials, sessions: Weak<Inner>) -> Option<Self> {
        let origin = Url::parse(credentials.pds()).ok()?;
        let held = Mutex::new(Held { credentials: Arc::new(credentials), number: 0, unstored: false });
        let ended = AtomicBool::new(false);
        Some(Self { id: id.to_owned(), did: did.to_owned(), origin, sessions, turns: Semaphore::new(AT_ONCE), ended, held })
    }

    /// From now on nothing is asked with these.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn sessions(&self) -> Result<Arc<Inner>, RepoError> {
        let ended = || RepoError::SignedOut("the session has ended".to_owned());
        if self.ended.load(Ordering::Acquire) {
            return Err(ended());
        }
        self.sessions.upgrade().ok_or_else(ended)
    }

    async fn ask(self: &Arc<Self>, request: Request, limits: Limits) -> Result<Response, RepoError> {
        let _turn = self.turns.acquire().await.map_err(|_| RepoError::SignedOut("the session has ended".to_owned()))?;
        let (credentials, number) = self.current().await?;
        let response = self.ask_with(&credentials, request.clone(), limits).await?;
        if !is_expired(&response) {
            return Ok(response);
        }
        let (credentials, _) = self.renewed(number).await?;
        self.ask_with(&credentials, request, limits).await
    }

    async fn ask_with(&self, credentials: &Credentials, request: Request, limits: Limits) -> Result<Response, RepoError> {
        let sessions = self.sessions()?;
        match credentials {
            Credentials::Password { access, .. } => {
                let request = request.header("authorization", &format!("Bearer {access}"));
                Ok(sessions.client.send(request, limits).await?)
            }
            Credentials::OAuth(grant) => oauth::ask(&sessions, grant, request, limits).await,
        }
    }

    async fn current(self: &Arc<Self>) -> Result<(Arc<Credentials>, u64), RepoError> {
        let held = self.held.lock().await;
        if held.unstored {
            let number = held.number;
            drop(held);
            return self.renewed(number).await;
        }
        Ok((Arc::clone(&held.credentials), held.number))
    }

    /// The credentials after those with this number, in a task of its own: it comes to its end whoever stops waiting.
    pub(super) async fn renewed(self: &Arc<Self>, number: u64) -> Result<(Arc<Credentials>, u64), RepoError> {
        let live = Arc::clone(self);
        let renewal = tokio::spawn(async move { live.renew(number).await });
        renewal.await.unwrap_or_else(|_| Err(RepoError::Unreachable("the renewal of the sign-in broke off".to_owned())))
    }

    async fn renew(&self, number: u64) -> Result<(Arc<Credentials>, u64), RepoError> {
        let mut held = self.held.lock().await;
        let sessions = self.sessions()?;
        if held.number == number && !held.unstored {
            let outcome = renewal(&sessions, &self.did, &held.credentials).await;
            metrics::counter!("atrarium_credentials_renewed_total", "outcome" => outcome.as_ref().map_or_else(RepoError::kind, |_| "renewed")).increment(1);
            held.credentials = Arc::new(outcome?);
            held.number += 1;
            held.unstored = true;
        }
        if held.unstored {
            let (sessions, id, credentials) = (Arc::clone(&sessions), self.id.clone(), Arc::clone(&held.credentials));
            let stored = tokio::task::spawn_blocking(move || sessions.keep(&id, &credentials)).await;
            match stored {
                Ok(Ok(())) => held.unstored = false,
                Ok(Err(cause)) => return Err(RepoError::Unreachable(format!("the renewed sign-in could not be stored: {cause}"))),
                Err(_) => return Err(RepoError::Unreachable("the renewed sign-in could not be stored".to_owned())),
            }
        }
        Ok((Arc::clone(&held.credentials), held.number))
    }

    /// Tells the user's server that the credentials are not wanted any more.
    pub(super) async fn revoke(&self, sessions: &Inner) -> Result<(), RepoError> {
        let held = self.held.lock().await;
        match &*held.credentials {
            Credentials::Password { refresh, .. } => login::delete(&sessions.client, &self.origin, refresh).await,
            Credentials::OAuth(grant) => oauth::revoke(sessions, grant).await,
        }
    }

    /// As if the server's patience with the access token had ended.
    #[cfg(any(test, feature = "failpoints"))]
    pub(super) async fn spoil(&self) {
        let mut held = self.held.lock().await;
        let mut credentials = Credentials::clone(&held.credentials);
        match &mut credentials {
            Credentials::Password { access, .. } => *access = "eyJhbGciOiJIUzI1NiJ9.e30.c3BvaWx0".to_owned(),
            Credentials::OAuth(grant) => grant.access = "eyJhbGciOiJIUzI1NiJ9.e30.c3BvaWx0".to_owned(),
        }
        held.credentials = Arc::new(credentials);
    }
}

/// New credentials for old ones.
async fn renewal(sessions: &Inner, did: &str, credentials: &Credentials) -> Result<Credentials, RepoError> {
    match credentials {
        Credentials::Password { pds, refresh, .. } => {
            let origin = Url::parse(pds).map_err(|cause| RepoError::Unreachable(cause.to_string()))?;
            let login = login::refresh(&sessions.client, &origin, refresh).await?;
            if login.did != did {
                return Err(RepoError::SignedOut("the server answered for another account".to_owned()));
            }
            Ok(Credentials::Password { pds: pds.clone(), access: login.access, refresh: login.refresh })
        }
        Credentials::OAuth(grant) => oauth::refresh(sessions, did, grant).await.map(Credentials::OAuth),
    }
}

/// A session's right to ask, as the `pds` module wants it.
#[derive(Debug)]
pub(super) struct User(pub(super) Arc<Live>);

impl Authority for User {
    fn did(&self) -> &str {
        &self.0.did
    }

    fn origin(&self) -> &Url {
        &self.0.origin
    }

    fn send(&self, request: Request, limits: Limits) -> BoxFuture<'_, Result<Response, RepoError>> {
        Box::pin(self.0.ask(request, limits))
    }
}
