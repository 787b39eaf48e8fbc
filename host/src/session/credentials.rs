//! What a session may ask its user's server with: tokens, and with OAuth the key that they are bound to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Method;
use super::oauth::Grant;

/// A user's credentials at their server. They are written down sealed only.
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

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("texts and bytes have a form in postcard")
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}
