//! Signing in by AT Protocol OAuth: the user proves to their own server who they are, and that server gives us what they allow.
//!
//! ```text
//! client.rs   what we are to the servers: public on this machine, confidential in the world
//! server.rs   what a user's server says of the way to sign in there
//! key.rs      keys for ES256;  dpop.rs: proofs by them, and the servers' nonces
//! pending.rs  sign-ins that were begun
//! token.rs    what is asked of an authorization server
//! ```
//!
//! ```text
//! name ─▶ DID ─▶ its server ─▶ the server to sign in at ─▶ pushed request ─▶ the browser goes there
//!                                                                               │
//! session ◀─ the DID's server names this issuer ◀─ tokens ◀─ code, state, iss ◀─┘
//! ```
//!
//! The issuer is believed about a DID only if the DID's own server names it, which is asked at the beginning and once more at the end. The
//! state of a sign-in is used once, by the browser that began it. Each session has a key of its own, so signing out in one place ends
//! nothing elsewhere.

mod client;
mod dpop;
mod key;
mod pending;
mod server;
mod token;

use std::fmt;

use oauth2::PkceCodeChallenge;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use self::client::{COARSE_SCOPE, OurClient, SCOPE};
use self::dpop::Nonces;
use self::key::SigningKey;
use self::pending::{Begin, LIFE_MS, Pending};
use self::token::{Asking, TokenError};
use super::credentials::Credentials;
use super::secret::{self, Keys};
use super::sessions::{Inner, Sessions, blocking};
use super::{SignInError, Tokens};
use crate::config::PublicUrl;
use crate::outbound::{Limits, Request, Response};
use crate::pds::RepoError;
use crate::store::{State, StateError};

/// The longest place to return to.
const LONGEST_RETURN: usize = 2_048;

/// What all sign-ins by OAuth share.
#[derive(Debug)]
pub(super) struct OAuth {
    ours: OurClient,
    nonces: Nonces,
    pending: Pending,
}

impl OAuth {
    pub(super) fn open(state: &State, keys: &Keys, public_url: &PublicUrl) -> Result<Self, StateError> {
        Ok(Self { ours: OurClient::open(state, keys, public_url)?, nonces: Nonces::new(), pending: Pending::default() })
    }
}

/// What a user has allowed, and the key that it is bound to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub(super) pds: String,
    pub(super) issuer: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    /// PKCS #8.
    key: Vec<u8>,
    pub(super) access: String,
    refresh: String,
    scope: String,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("issuer", &self.issuer).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// A sign-in that was begun.
#[derive(Clone)]
pub struct Begun {
    /// Where the browser is to be sent.
    pub authorize: Url,
    /// Comes back with the browser.
    pub state: String,
    /// For a cookie of ten minutes, which the browser that comes back must show.
    pub binding: String,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun")
    }
}

/// The query with which the browser comes back to `/oauth/callback`.
#[derive(Clone, Default, Deserialize)]
pub struct CallbackQuery {
    pub state: Option<String>,
    pub code: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackQuery").field("iss", &self.iss).field("error", &self.error).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Begins to sign in who is called this. `return_to` is a path of ours; anything else becomes `/`.
    pub async fn begin_oauth(&self, handle_or_did: &str, return_to: &str) -> Result<Begun, SignInError> {
        let inner = &*self.0;
        let person = inner.find(handle_or_did).await?;
        let issuer = server::issuer_of(&inner.client, &person.pds).await?;
        let server = server::server(&inner.client, &issuer, inner.oauth.ours.method()).await?;
        let pkcs8 = SigningKey::make();
        let key = SigningKey::from_pkcs8(&pkcs8).expect("it was made a moment ago");
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, binding) = (secret::token(), secret::token());
        let hint = person.handle.as_deref().unwrap_or(&person.did);

        let asking = inner.asking(&issuer, &key);
        let pushed = match asking.push(&server, SCOPE, &state, &challenge, hint).await {
            Err(TokenError::Refused(name, _)) if name == "invalid_scope" => asking.push(&server, COARSE_SCOPE, &state, &challenge, hint).await,
            pushed => pushed,
        };
        let request = pushed.map_err(RepoError::from)?;
        let mut authorize = server.authorization.clone();
        authorize.query_pairs_mut().append_pair("client_id", &inner.oauth.ours.id).append_pair("request_uri", &request);

        let now_ms = inner.clock.now_ms();
        let begun = Begin {
            did: person.did,
            handle: person.handle,
            pds: person.pds.into(),
            server,
            key: pkcs8,
            verifier: verifier.into_secret(),
            return_to: local(return_to).to_owned(),
            binding: binding.clone(),
            expires_ms: now_ms.saturating_add(LIFE_MS),
        };
        inner.oauth.pending.insert(&state, begun, now_ms);
        Ok(Begun { authorize, state, binding })
    }

    /// Signs in who comes back with this query and this cookie; answers also where they wanted to go.
    pub async fn finish_oauth(&self, query: CallbackQuery, binding: &str, client: Option<&str>) -> Result<(Tokens, String), SignInError> {
        let inner = &*self.0;
        let state = query.state.as_deref().ok_or(SignInError::ExpiredState)?;
        let begun = inner.oauth.pending.take(state, binding, inner.clock.now_ms())?;
        if query.iss.as_deref() != Some(begun.server.issuer.as_str()) {
            return Err(SignInError::Mismatch("another server answered than was asked"));
        }
        if let Some(error) = query.error {
            return Err(match error.as_str() {
                "access_denied" => SignInError::RefusedByUser,
                _ => SignInError::RefusedByServer(error.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(64).collect()),
            });
        }
        let code = query.code.filter(|code| !code.is_empty()).ok_or(SignInError::Mismatch("there is no code"))?;
        let key = SigningKey::from_pkcs8(&begun.key).ok_or(SignInError::ExpiredState)?;
        let issued = inner.asking(&begun.server.issuer, &key).exchange(&begun.server.token, &code, &begun.verifier).await.map_err(RepoError::from)?;
        let grant = Grant {
            pds: begun.pds,
            issuer: begun.server.issuer,
            token_endpoint: begun.server.token.into(),
            revocation_endpoint: begun.server.revocation.map(Into::into),
            key: begun.key,
            access: issued.access,
            refresh: issued.refresh,
            scope: issued.scope,
        };
        let credentials = Credentials::OAuth(grant.clone());
        let outcome = match inner.check_authority(&begun.did, &issued.sub, &grant).await {
            Ok(()) => self.open_session(begun.did.clone(), begun.handle, credentials.clone(), client).await,
            Err(cause) => Err(cause),
        };
        match outcome {
            Ok(tokens) => Ok((tokens, begun.return_to)),
            Err(cause) => {
                self.give_up(&begun.did, credentials);
                Err(cause)
            }
        }
    }

    /// `/oauth/client-metadata.json`
    pub fn client_metadata(&self) -> Value {
        self.0.oauth.ours.metadata()
    }

    /// `/oauth/jwks.json`
    pub fn jwks(&self) -> Value {
        self.0.oauth.ours.jwks()
    }

    /// Opens a session with what was just gained.
    pub(super) async fn open_session(
        &self,
        did: String,
        handle: Option<String>,
        credentials: Credentials,
        client: Option<&str>,
    ) -> Result<Tokens, SignInError> {
        let (sessions, client) = (self.clone(), client.map(str::to_owned));
        Ok(blocking(move || sessions.begin(&did, handle.as_deref(), &credentials, client.as_deref())).await?)
    }
}

impl Inner {
    fn asking<'a>(&'a self, issuer: &'a str, key: &'a SigningKey) -> Asking<'a> {
        Asking { client: &self.client, clock: &self.clock, nonces: &self.oauth.nonces, ours: &self.oauth.ours, issuer, key }
    }

    /// Whether these tokens are for the account that was asked for, by who may speak for it.
    async fn check_authority(&self, did: &str, sub: &str, grant: &Grant) -> Result<(), SignInError> {
        if sub != did {
            return Err(SignInError::Mismatch("another account was signed in than was asked for"));
        }
        if !grant.scope.split(' ').any(|scope| scope == "atproto") {
            return Err(SignInError::RefusedByServer("it does not say whose account it is".to_owned()));
        }
        let person = self.find(did).await?;
        if person.pds.as_str() != grant.pds || server::issuer_of(&self.client, &person.pds).await? != grant.issuer {
            return Err(SignInError::Mismatch("the account's server names another one to sign in at"));
        }
        Ok(())
    }
}

/// Makes a request at the user's server with a grant.
pub(super) async fn ask(sessions: &Inner, grant: &Grant, request: Request, limits: Limits) -> Result<Response, RepoError> {
    let key = key_of(grant)?;
    Ok(dpop::send(&sessions.client, &sessions.oauth.nonces, &key, &grant.access, request, limits, sessions.clock.now_ms()).await?)
}

/// A new grant for an old one, whose refresh token is used up by that.
pub(super) async fn refresh(sessions: &Inner, did: &str, grant: &Grant) -> Result<Grant, RepoError> {
    let key = key_of(grant)?;
    let url = Url::parse(&grant.token_endpoint).map_err(|cause| RepoError::Unreachable(cause.to_string()))?;
    let issued = sessions.asking(&grant.issuer, &key).refresh(&url, &grant.refresh).await?;
    if issued.sub != did {
        return Err(RepoError::SignedOut("the server answered for another account".to_owned()));
    }
    Ok(Grant { access: issued.access, refresh: issued.refresh, scope: issued.scope, ..grant.clone() })
}

/// Tells the server that the grant is not wanted any more.
pub(super) async fn revoke(sessions: &Inner, grant: &Grant) -> Result<(), RepoError> {
    let Some(url) = grant.revocation_endpoint.as_deref().and_then(|url| Url::parse(url).ok()) else { return Ok(()) };
    let key = key_of(grant)?;
    Ok(sessions.asking(&grant.issuer, &key).revoke(&url, &grant.refresh).await?)
}

fn key_of(grant: &Grant) -> Result<SigningKey, RepoError> {
    SigningKey::from_pkcs8(&grant.key).ok_or_else(|| RepoError::SignedOut("the key of the sign-in can't be read".to_owned()))
}

/// A path on this very host. Browsers take `//host` and `/\host` for another.
fn local(path: &str) -> &str {
    let second = path.as_bytes().get(1);
    let is_local = path.starts_with('/') && !matches!(second, Some(b'/' | b'\\')) && path.len() <= LONGEST_RETURN;
    if is_local && path.bytes().all(|byte| byte.is_ascii_graphic()) { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for path in ["/", "/communities/abc?tab=members#top"] {
            assert_eq!(local(path), path);
        }
        for path in ["", "communities", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nset-cookie: b", "/\tb", "/ä"] {
            assert_eq!(local(path), "/", "{path:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(LONGEST_RETURN))), "/");
    }
}
