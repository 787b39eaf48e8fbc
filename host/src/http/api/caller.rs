//! Who asks: the one place where a request becomes a caller, is counted, and is turned away.
//!
//! ```text
//! Authorization: Bearer ─ one of our access tokens ──────────────▶ a session
//!                       └ a token signed by a user's server ─────▶ a reader, who may change nothing
//! atrarium_access ─ and, where something is changed, x-csrf-token ─▶ a session
//! neither ───────────────────────────────────────────────────────▶ nobody
//! ```
//!
//! A request is counted for the DID that it proves, else for the address that it comes from; so is one with a wrong token. Where a proof
//! needs the word of somebody's server, the address is counted before that is asked for (`counts.rs`). What a caller may do is
//! [`crate::dashboard::access`]'s to say, not this module's.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;

use super::Api;
use super::cookies::Kind;
use super::error::ApiError;
use crate::dashboard::Problem;
use crate::dashboard::access;
use crate::http::limits::{self, Address, Share};
use crate::http::server::Peer;
use crate::session::Session;

/// The method that a service-auth token for reading must be for.
const READ: &str = "net.atrarium.dashboard.read";

const CSRF_HEADER: &str = "x-csrf-token";

/// Somebody who has proved a DID.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) who: access::Caller,
    /// `None` for who came with a token of their own server.
    pub(super) session: Option<Session>,
}

/// Who asks, if anybody; whom the request is counted for.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) caller: Option<Caller>,
    /// The address as it is counted.
    pub(super) address: Address,
}

/// What a request shows of who asks.
enum Shown {
    Nothing,
    /// An access token of ours.
    Token(String),
    /// The same, which a browser sends by itself.
    Cookie(String),
    /// An Authorization header with a token that somebody's server has signed.
    Signed(String),
    Wrong(&'static str),
}

/// A caller is needed here.
impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, ApiError> {
        let asking = parts.extensions.get::<Asking>().and_then(|asking| asking.caller.clone());
        asking.ok_or_else(|| Problem::NotSignedIn("sign in first".to_owned()).into())
    }
}

/// Somebody who can write: with a session of their own.
pub(super) struct Writer {
    pub(super) who: access::Caller,
    pub(super) session: Session,
}

impl FromRequestParts<Api> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Caller { who, session } = Caller::from_request_parts(parts, api).await?;
        match session {
            Some(session) => Ok(Self { who, session }),
            None => Err(Problem::Forbidden("a token of this kind may read only: sign in to change something".to_owned()).into()),
        }
    }
}

/// Every request goes through here.
pub(super) async fn admit(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let (address, shown) = (address(&api, &request), api.shown(&request));
    // Whose key has to be asked for may be anybody, and be made up.
    let before = match &shown {
        Shown::Signed(_) => match api.counts.token(&address) {
            Ok(share) => Some(share),
            Err(share) => return one_too_many(&share),
        },
        _ => None,
    };
    let outcome = api.ask(shown, request.headers(), request.method()).await;
    let counted = match (&outcome, before) {
        (Ok(Some(caller)), _) => api.counts.caller(&caller.who.did),
        (_, Some(share)) => Ok(share),
        (_, None) => api.counts.nobody(&address),
    };
    let share = match counted {
        Ok(share) => share,
        Err(share) => return one_too_many(&share),
    };
    let mut response = match outcome {
        Ok(caller) => {
            request.extensions_mut().insert(Asking { caller, address });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    share.tell(response.headers_mut(), false);
    response
}

fn one_too_many(share: &Share) -> Response {
    metrics::counter!("atrarium_limited_total", "limit" => "api").increment(1);
    let problem = Problem::TooMany { message: format!("{} requests an hour are for one caller", share.most), again_in: Some(share.reset) };
    let mut response = ApiError(problem).into_response();
    share.tell(response.headers_mut(), true);
    response
}

fn address(api: &Api, request: &Request) -> Address {
    let told = api.address_header.as_ref().and_then(|name| limits::told_by_proxy(request.headers(), name));
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    told.or(peer).map_or_else(Address::unknown, Address::from)
}

impl Api {
    fn shown(&self, request: &Request) -> Shown {
        // Browsers come here from other hosts, to become somebody: who they were is no matter.
        if request.uri().path().starts_with("/oauth/") {
            return Shown::Nothing;
        }
        let mut headers = request.headers().get_all(AUTHORIZATION).iter();
        match (headers.next(), headers.next()) {
            (Some(header), None) => bearer(header.to_str().unwrap_or_default()),
            (Some(_), Some(_)) => Shown::Wrong("there are two Authorization headers"),
            (None, _) => self.baker.shown(&CookieJar::from_headers(request.headers()), Kind::Access).map_or(Shown::Nothing, Shown::Cookie),
        }
    }

    /// Who shows this. Wrong credentials are a problem, none are nobody.
    async fn ask(&self, shown: Shown, headers: &HeaderMap, method: &Method) -> Result<Option<Caller>, ApiError> {
        match shown {
            Shown::Nothing => Ok(None),
            Shown::Wrong(message) => Err(Problem::NotSignedIn(message.to_owned()).into()),
            Shown::Token(token) => Ok(Some(self.of_session(self.check(token).await?))),
            Shown::Cookie(token) => self.cookie(token, headers, method).await,
            Shown::Signed(header) => {
                let reader = self.auth.reader(&header, READ, true).await.map_err(|wrong| Problem::NotSignedIn(wrong.to_string()))?;
                let did = reader.ok_or_else(|| Problem::NotSignedIn("the token's issuer could not be looked up in time: try again".to_owned()))?;
                Ok(Some(Caller { who: self.caller(did, false), session: None }))
            }
        }
    }

    /// Whose token of ours this is.
    pub(super) async fn check(&self, token: String) -> Result<Session, ApiError> {
        let sessions = self.sessions.clone();
        self.work.run(move || Ok(sessions.check(&token)?)).await
    }

    async fn cookie(&self, token: String, headers: &HeaderMap, method: &Method) -> Result<Option<Caller>, ApiError> {
        let session = match self.check(token).await {
            Ok(session) => session,
            // A cookie that has run out is as good as none: the page then asks for a new one.
            Err(ApiError(Problem::NotSignedIn(_))) => return Ok(None),
            // But who can't be looked up is not nobody.
            Err(problem) => return Err(problem),
        };
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let given = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if changes && !self.sessions.csrf_matches(&session.id, given) {
            let cookie = self.baker.name(Kind::Csrf);
            return Err(Problem::Forbidden(format!("what is changed with cookies needs the header {CSRF_HEADER}, equal to the cookie {cookie}")).into());
        }
        Ok(Some(self.of_session(session)))
    }

    fn of_session(&self, session: Session) -> Caller {
        Caller { who: self.caller(session.did.clone(), true), session: Some(session) }
    }

    fn caller(&self, did: String, may_write: bool) -> access::Caller {
        let operator = self.operators.now().contains(&did);
        access::Caller { did, operator, may_write }
    }
}

fn bearer(header: &str) -> Shown {
    match header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        Some((_, token)) if is_ours(token.trim()) => Shown::Token(token.trim().to_owned()),
        Some(_) => Shown::Signed(header.to_owned()),
        None => Shown::Wrong("the Authorization header must be Bearer and a token"),
    }
}

/// Whether a token says that it is one of our own: those of users' servers are signed with keys of two halves.
fn is_ours(token: &str) -> bool {
    #[derive(Deserialize)]
    struct Head {
        alg: String,
    }
    let head = token.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    head.and_then(|head| serde_json::from_slice::<Head>(&head).ok()).is_none_or(|head| !matches!(head.alg.as_str(), "ES256" | "ES256K"))
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("inner", &Arc::as_ptr(&self.0)).finish()
    }
}
