//! What a session may ask its user's server with: tokens, and with OAuth the key that they are bound to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Method;
use super::oauth::Grant;

/// A user's credentials at their server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credentials {
    /// What `com.atproto.server.createSession` gives.
    Password {
        /// The user's server.
        pds: String,
        access: String,
        refresh: String,
    },
    OAuth(Grant),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?} at {})", self.method(), self.pds())
    }
}

impl Credentials {
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Password { .. } => Method::Password,
            Self::OAuth(_) => Method::OAuth,
        }
    }

    /// The user's server.
    pub(super) fn pds(&self) -> &str {
        match self {
            Self::Password { pds, .. } => pds,
            Self::OAuth(grant) => &grant.pds,
        }
    }
}

/// Credentials as they are kept, sealed.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) credentials: Credentials,
    /// When the user's server gave them, and so said for the last time whose they are.
    pub(super) given_ms: i64,
}

impl Kept {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(&(&self.credentials, self.given_ms)).expect("texts, bytes and numbers have a form in postcard")
    }

    /// Those that were written by a version which didn't note the time are as old as can be.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (credentials, rest) = postcard::take_from_bytes(bytes).ok()?;
        Some(Self { credentials, given_ms: postcard::from_bytes(rest).unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_a_former_version_are_old_and_good() {
        let credentials = Credentials::Password { pds: "https://pds.example.org/".to_owned(), access: "a".to_owned(), refresh: "b".to_owned() };
        let former = postcard::to_stdvec(&credentials).expect("texts");
        let read = |bytes: &[u8]| Kept::from_bytes(bytes).map(|kept| (kept.credentials, kept.given_ms));
        assert_eq!(read(&former), Some((credentials.clone(), 0)));
        assert_eq!(read(&Kept { credentials: credentials.clone(), given_ms: 5 }.to_bytes()), Some((credentials, 5)));
        assert_eq!(read(&former[..3]), None);
    }
}
