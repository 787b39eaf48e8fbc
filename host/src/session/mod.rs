//! Who is signed in: our own sessions, and what each may ask its user's server.
//!
//! ```text
//! secret.rs       the secret, and the keys that are made of it
//! access.rs       access tokens: who somebody is, for a quarter of an hour
//! refresh.rs      refresh tokens: what a session goes on with
//! rows.rs         a session as it lies in state.redb
//! sessions.rs     opening, checking, going on with and listing sessions
//! ending.rs       ending them, here and at the user's server
//! standing.rs     whether a session still stands on what it was opened for
//! credentials.rs  what a session may ask the user's server with
//! live.rs         the same while somebody asks: the token of each request, its renewal
//! password.rs     signing in with an app password
//! oauth/          signing in by AT Protocol OAuth
//! ```
//!
//! A session is proof of a DID: it is opened only by who proved to the server that the DID's own document names that they may use the
//! account, and it ends when that server or that document says otherwise. It stores no truth of its own but that. Tokens and credentials are in no log and no `{:?}`; what lies on the disk is sealed
//! or hashed. Whatever a user's server does, it harms nobody but that user: each call has its bounds, and ending a session waits for
//! no server.

mod access;
mod credentials;
mod ending;
mod live;
mod oauth;
mod password;
mod refresh;
mod rows;
mod secret;
mod sessions;
mod standing;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use credentials::Credentials;
pub use oauth::{Begun, CallbackQuery};
pub use secret::{SecretError, secret};
pub use sessions::{Parts, Sessions};

use crate::pds::RepoError;
use crate::pds::login::LoginError;
use crate::store::StateError;

/// How somebody has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    OAuth,
    Password,
}

/// A session that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub did: String,
    /// As it was verified when the session was opened.
    pub handle: Option<String>,
    pub method: Method,
}

/// What goes to who is signed in, and to nobody else.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub access_expires_ms: i64,
    pub refresh: String,
    pub refresh_expires_ms: i64,
    pub session: String,
    pub did: String,
    pub handle: Option<String>,
    pub csrf: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("session", &self.session).field("did", &self.did).finish_non_exhaustive()
    }
}

/// A session as its user sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: String,
    pub method: Method,
    pub created_ms: i64,
    /// When it was opened or last went on with a new token: right to a quarter of an hour.
    pub last_used_ms: i64,
    /// What the program that opened it called itself.
    pub client: Option<String>,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// Not one of ours, not for us, or not of this kind.
    #[error("the token is none of this service's")]
    Foreign,
    #[error("the token has expired")]
    Expired,
    /// By its user, by another sign-in that took its place, or because a token was used twice.
    #[error("the session has ended: sign in again")]
    Ended,
    /// The refresh token had been used before: somebody has a copy of it. The session has ended by that.
    #[error("the refresh token had been used before, so the session has ended: sign in again")]
    Reused,
    /// The refresh token was used a moment ago, and its successor can't be told a second time. The session goes on.
    #[error("the refresh token was used a moment ago: go on with the one that came for it")]
    Superseded,
    /// Worth trying later.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why nobody was signed in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignInError {
    #[error("signing in with app passwords is switched off here: use OAuth")]
    NoAppPasswords,
    /// The handle leads to nobody, or not back; or the DID has no document.
    #[error("nobody can be found by this name: {0}")]
    Unknown(String),
    #[error("the server does not take this password")]
    WrongPassword,
    /// To be sent along with the password.
    #[error("the server wants the code that it has sent by e-mail")]
    FactorNeeded,
    /// At the consent page.
    #[error("the sign-in was refused at the account's server")]
    RefusedByUser,
    /// The account is taken down, the server knows no OAuth, or it doesn't grant what is needed.
    #[error("the account's server does not let us sign in: {0}")]
    RefusedByServer(String),
    #[error("the account's server wants to be left alone for {0:?}")]
    Busy(Duration),
    /// Nobody was asked. Worth trying in a moment.
    #[error("too many servers are being asked from here at the moment: try again in a moment")]
    Crowded,
    #[error("the account's server did not answer in time: {0}")]
    Late(String),
    #[error("the account's server could not be asked: {0}")]
    Unreachable(String),
    /// The sign-in was begun too long ago, or never, or was finished already.
    #[error("the sign-in took too long or was finished already: begin again")]
    ExpiredState,
    /// What came back doesn't belong to what was begun: another browser, another server, another account.
    #[error("the sign-in does not fit the one that was begun: {0}")]
    Mismatch(&'static str),
    /// The sign-in was good and could not be kept. Worth trying later.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<RepoError> for SignInError {
    fn from(cause: RepoError) -> Self {
        match cause {
            RepoError::SignedOut(words) | RepoError::Denied(words) | RepoError::Conflict(words) | RepoError::Invalid(words) => Self::RefusedByServer(words),
            RepoError::Busy(pause) => Self::Busy(pause),
            RepoError::Crowded => Self::Crowded,
            RepoError::Late(words) => Self::Late(words),
            RepoError::Unreachable(words) => Self::Unreachable(words),
        }
    }
}

impl From<LoginError> for SignInError {
    fn from(cause: LoginError) -> Self {
        match cause {
            LoginError::WrongPassword(_) => Self::WrongPassword,
            LoginError::FactorNeeded => Self::FactorNeeded,
            LoginError::Other(cause) => cause.into(),
        }
    }
}
