//! Why a call of the API is not answered as its caller wished.
//!
//! Each problem has a name for programs, which never changes, and a sentence for people, which says what to do. Which status of HTTP it
//! becomes is `http`'s to say.

use std::fmt;
use std::time::Duration;

use crate::pds::RepoError;
use crate::store::StoreError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The request isn't in the form that the API wants.
    Invalid(String),
    /// The form is right, and the content can't be done.
    Unprocessable(String),
    /// An uploaded mix isn't one that a feed can be made with.
    MixRefused(String),
    /// The body is larger than bodies may be.
    TooLarge(String),
    NotSignedIn(String),
    /// Signing in needs the code that the caller's server has sent.
    FactorNeeded(String),
    /// Not for this caller.
    Forbidden(String),
    NotFound {
        name: &'static str,
        message: String,
    },
    /// What is there stands against it.
    Conflict {
        name: &'static str,
        message: String,
    },
    TooMany {
        message: String,
        /// When it is worth asking again, if anyone knows.
        again_in: Option<Duration>,
    },
    /// The caller's own server refused, or answered with nonsense.
    Upstream(String),
    /// The caller's own server did not answer in time.
    Late(String),
    /// The host has no room for more.
    HostFull(String),
    /// Not now: the index is being opened again, or the program ends.
    Unavailable(String),
    /// Some of it was done, and could not be undone.
    Partial {
        message: String,
        /// What remains or may remain, one by one.
        remains: Vec<String>,
        /// Because the time was over.
        late: bool,
    },
    /// The caller's own server gave no answer, and it can't be told whether it was done.
    Unsettled {
        message: String,
        /// Where to look.
        remains: Vec<String>,
    },
}

impl Problem {
    /// There is no community with this id.
    pub(super) fn no_community(id: &str) -> Self {
        let id: String = id.chars().take(100).collect();
        Self::NotFound { name: "CommunityNotFound", message: format!("there is no community {id:?} here, or it is closed") }
    }

    pub fn not_found(name: &'static str, message: impl Into<String>) -> Self {
        Self::NotFound { name, message: message.into() }
    }

    pub fn conflict(name: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { name, message: message.into() }
    }

    /// What remains of it, or may, by AT-URI.
    pub fn remains(&self) -> &[String] {
        match self {
            Self::Partial { remains, .. } | Self::Unsettled { remains, .. } => remains,
            _ => &[],
        }
    }

    /// This problem, of which so much remains; itself if nothing does.
    pub(super) fn leaving(self, remains: Vec<String>, message: impl FnOnce(&Self) -> String) -> Self {
        if remains.is_empty() {
            return self;
        }
        let late = matches!(self, Self::Late(_) | Self::Unsettled { .. } | Self::Partial { late: true, .. });
        Self::Partial { message: message(&self), remains, late }
    }

    /// What programs tell it from others by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "InvalidRequest",
            Self::Unprocessable(_) => "Unprocessable",
            Self::MixRefused(_) => "MixRefused",
            Self::HostFull(_) => "HostFull",
            Self::TooLarge(_) => "TooLarge",
            Self::NotSignedIn(_) => "AuthenticationRequired",
            Self::FactorNeeded(_) => "AuthFactorTokenRequired",
            Self::Forbidden(_) => "Forbidden",
            Self::NotFound { name, .. } | Self::Conflict { name, .. } => name,
            Self::TooMany { .. } => "RateLimitExceeded",
            Self::Upstream(_) => "UpstreamFailure",
            Self::Late(_) => "UpstreamTimeout",
            Self::Unavailable(_) => "ServiceUnavailable",
            Self::Partial { .. } => "PartlyDone",
            Self::Unsettled { .. } => "OutcomeUnknown",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(message)
            | Self::Unprocessable(message)
            | Self::MixRefused(message)
            | Self::HostFull(message)
            | Self::TooLarge(message)
            | Self::NotSignedIn(message)
            | Self::FactorNeeded(message)
            | Self::Forbidden(message)
            | Self::NotFound { message, .. }
            | Self::Conflict { message, .. }
            | Self::TooMany { message, .. }
            | Self::Upstream(message)
            | Self::Late(message)
            | Self::Unavailable(message)
            | Self::Partial { message, .. }
            | Self::Unsettled { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for Problem {}

/// The cause is for the operator; the caller can only come again.
impl From<StoreError> for Problem {
    fn from(cause: StoreError) -> Self {
        tracing::warn!(%cause, "the API could not read the index");
        Self::Unavailable("the index can't be read right now: try again in a moment".to_owned())
    }
}

/// What the caller's own server says of a wish.
impl From<RepoError> for Problem {
    fn from(error: RepoError) -> Self {
        match error {
            RepoError::SignedOut(_) => Self::NotSignedIn("your server doesn't take this sign-in any more: sign in again".to_owned()),
            RepoError::Denied(why) => Self::Forbidden(format!("your server refuses it: {why}")),
            RepoError::Conflict(_) => Self::conflict("Changed", "the record was changed meanwhile: look at it and try again"),
            RepoError::Invalid(why) => Self::Upstream(format!("your server doesn't take the record: {why}")),
            RepoError::Busy(pause) => Self::TooMany { message: "your server wants to be left alone for a while".to_owned(), again_in: Some(pause) },
            RepoError::Crowded => Self::Unavailable("too many servers are being asked from here at the moment: try again in a moment".to_owned()),
            RepoError::Late(why) => Self::Late(format!("your server took too long: {why}")),
            RepoError::Unreachable(why) => Self::Upstream(format!("your server can't be reached: {why}")),
        }
    }
}
