//! Signing in with an app password, and who is meant by the name that somebody types.
//!
//! A name is a handle or a DID. A handle counts only if it leads to a DID and back. The password goes to the server that the DID's document
//! names, and to no other; and only an answer for that very DID is believed, since a server may say anything.

use url::Url;

use super::credentials::Credentials;
use super::sessions::{Inner, Sessions};
use super::{SignInError, Tokens};
use crate::identity::{HandleError, ResolveError};
use crate::outbound::OutboundError;
use crate::pds::login;

/// The longest name, password and code that are looked at, as the API's document has them. A PDS takes no longer password.
const LONGEST_NAME: usize = 256;
const LONGEST_PASSWORD: usize = 256;
const LONGEST_FACTOR: usize = 64;

/// Whom a name means.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) did: String,
    /// Verified both ways.
    pub(super) handle: Option<String>,
    /// The user's server.
    pub(super) pds: Url,
}

impl Sessions {
    /// Signs in with a password of the account, an app password at best. `factor` is the code that the server has sent by e-mail.
    pub async fn sign_in_with_password(&self, identifier: &str, password: &str, factor: Option<&str>, client: Option<&str>) -> Result<Tokens, SignInError> {
        let inner = &*self.0;
        if !inner.app_passwords {
            return Err(SignInError::NoAppPasswords);
        }
        if password.is_empty() || password.len() > LONGEST_PASSWORD || factor.is_some_and(|factor| factor.len() > LONGEST_FACTOR) {
            return Err(SignInError::WrongPassword);
        }
        let person = inner.find(identifier).await?;
        let login = login::create(&inner.client, &person.pds, &person.did, password, factor).await?;
        let credentials = Credentials::Password { pds: person.pds.into(), access: login.access, refresh: login.refresh };
        let outcome = if login.did == person.did {
            self.open_session(person.did.clone(), person.handle, credentials.clone(), client).await
        } else {
            Err(SignInError::Mismatch("the server answered for another account"))
        };
        if outcome.is_err() {
            self.give_up(&person.did, credentials);
        }
        outcome
    }
}

impl Inner {
    /// Whom this handle or DID means, by what their documents say now.
    pub(super) async fn find(&self, name: &str) -> Result<Person, SignInError> {
        let name = name.trim();
        let name = name.strip_prefix("at://").or_else(|| name.strip_prefix('@')).unwrap_or(name);
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(SignInError::Unknown("a handle such as alice.example.com, or a DID, is needed".to_owned()));
        }
        let did = match name.starts_with("did:") {
            true => name.to_owned(),
            false => self.resolver.resolve_handle(name).await.map_err(nobody)?,
        };
        let document = self.resolver.resolve_anew(&did).await.map_err(|cause| unresolved(&cause))?;
        let handle = match &document.handle {
            Some(handle) if name.eq_ignore_ascii_case(handle) => Some(handle.clone()),
            Some(handle) => self.resolver.resolve_handle(handle).await.ok().filter(|other| *other == did).map(|_| handle.clone()),
            None => None,
        };
        let pds = document.pds.clone().ok_or_else(|| SignInError::Unknown(format!("the document of {did} names no server")))?;
        Ok(Person { did, handle, pds })
    }
}

fn nobody(cause: HandleError) -> SignInError {
    match cause {
        HandleError::Unresolved { cause, .. } => unresolved(&cause),
        other => SignInError::Unknown(other.to_string()),
    }
}

fn unresolved(cause: &ResolveError) -> SignInError {
    match cause {
        ResolveError::Outbound { cause: OutboundError::Timeout { .. }, .. } => SignInError::Late(cause.to_string()),
        ResolveError::Outbound { cause: OutboundError::Busy { .. }, .. } | ResolveError::Busy => SignInError::Crowded,
        ResolveError::Outbound { .. } => SignInError::Unreachable(cause.to_string()),
        ResolveError::Unusable { .. } | ResolveError::NotFound { .. } | ResolveError::Document { .. } => SignInError::Unknown(cause.to_string()),
    }
}
