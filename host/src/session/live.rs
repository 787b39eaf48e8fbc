//! A session's credentials while somebody asks with them.
//!
//! ```text
//! request ─▶ one of four turns ─▶ does the DID still name this server? ─▶ with the token ─▶ the server ─ "expired" ─▶ renewed once, stored ─▶ with the new token
//!                                            └─ no: the session ends                                           still "expired", or not renewed: it ends ─┘
//! ```
//!
//! A session is worth what its credentials are: if their server doesn't take them any more, or doesn't speak for the DID any more, it ends
//! for reading too ([`super::standing`]). A server that doesn't answer, or has trouble, ends nothing.
//!
//! There is one [`Live`] for a session at a time, shared by all who ask. A refresh token is good for one use, so the renewal is one
//! too: who comes meanwhile waits for it. It goes on when nobody waits any more, since its answer is the only one that there will be;
//! and what it brings is stored before anybody uses it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use super::credentials::{Credentials, Kept};
use super::oauth;
use super::sessions::{Inner, Sessions};
use crate::outbound::{Limits, Request, Response};
use crate::pds::{Authority, RepoError, is_signed_out, login};

/// Requests of one session at a time.
const AT_ONCE: usize = 4;

pub(super) struct Live {
    pub(super) id: String,
    pub(super) did: String,
    pub(super) origin: Url,
    sessions: Weak<Inner>,
    turns: Semaphore,
    /// The session has ended: nothing is asked or renewed any more.
    ended: AtomicBool,
    held: Mutex<Held>,
}

struct Held {
    credentials: Arc<Credentials>,
    /// When their server gave them.
    given_ms: i64,
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
    pub(super) fn new(id: &str, did: &str, kept: Kept, sessions: Weak<Inner>) -> Option<Self> {
        let Kept { credentials, given_ms } = kept;
        let origin = Url::parse(credentials.pds()).ok()?;
        let held = Mutex::new(Held { credentials: Arc::new(credentials), given_ms, number: 0, unstored: false });
        let ended = AtomicBool::new(false);
        Some(Self { id: id.to_owned(), did: did.to_owned(), origin, sessions, turns: Semaphore::new(AT_ONCE), ended, held })
    }

    /// From now on nothing is asked with these.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn sessions(&self) -> Result<Arc<Inner>, RepoError> {
        let ended = || RepoError::SignedOut("the session has ended".to_owned());
        if self.ended.load(Ordering::Acquire) {
            return Err(ended());
        }
        self.sessions.upgrade().ok_or_else(ended)
    }

    /// All sessions, this one among them, if they are still there.
    pub(super) fn all(&self) -> Option<Sessions> {
        self.sessions.upgrade().map(Sessions)
    }

    async fn ask(self: &Arc<Self>, request: Request, limits: Limits) -> Result<Response, RepoError> {
        let _turn = self.turns.acquire().await.map_err(|_| RepoError::SignedOut("the session has ended".to_owned()))?;
        self.stands().await?;
        let (credentials, number) = self.current().await?;
        let response = self.ask_with(&credentials, request.clone(), limits).await?;
        if !is_signed_out(&response) {
            return Ok(response);
        }
        let (credentials, number) = self.renewed(number).await?;
        let response = self.ask_with(&credentials, request, limits).await?;
        // If others have renewed them meanwhile, these may be none any more.
        if is_signed_out(&response) && self.given().await.1 == number {
            self.lose("its user's server does not take what it gave a moment ago").await;
        }
        Ok(response)
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

    /// When the credentials were given, and their number.
    pub(super) async fn given(&self) -> (i64, u64) {
        let held = self.held.lock().await;
        (held.given_ms, held.number)
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
            if matches!(outcome, Err(RepoError::SignedOut(_))) {
                self.lose("its user's server does not renew the sign-in").await;
            }
            held.credentials = Arc::new(outcome?);
            held.given_ms = sessions.clock.now_ms();
            held.number += 1;
            held.unstored = true;
        }
        if held.unstored {
            let kept = Kept { credentials: Credentials::clone(&held.credentials), given_ms: held.given_ms };
            let (sessions, id) = (Arc::clone(&sessions), self.id.clone());
            let stored = tokio::task::spawn_blocking(move || sessions.keep(&id, &kept)).await;
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
