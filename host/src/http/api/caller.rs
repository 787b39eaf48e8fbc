//! Who asks: the one place where a request becomes a caller, is counted, and is turned away.
//!
//! ```text
//! Authorization: Bearer ─ one of our access tokens ──────────────▶ a session
//!                       └ a token signed by a user's server ─────▶ a reader, who may change nothing
//! atrarium_access ─ and, where something is changed, x-csrf-token ─▶ a session
//! neither ───────────────────────────────────────────────────────▶ nobody
//! ```
//!
//! A request is counted for the DID that it proves, else for the address that it comes from; so is one with a wrong token. What a
//! caller may do is [`crate::dashboard::access`]'s to say, not this module's.

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

use super::error::ApiError;
use super::{Api, cookies};
use crate::dashboard::Problem;
use crate::dashboard::access;
use crate::http::limits;
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
    pub(super) address: String,
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
    let address = address(&api, &request);
    let outcome = api.ask(request.headers(), request.method()).await;
    let who = outcome.as_ref().ok().and_then(Option::as_ref).map(|caller| caller.who.did.clone());
    let counted = api.limit.ask(who.as_deref().unwrap_or(&address));
    let share = match counted {
        Ok(share) => share,
        Err(share) => {
            metrics::counter!("atrarium_limited_total", "limit" => "api").increment(1);
            let problem = Problem::TooMany { message: format!("{} requests an hour are for one caller", share.most), again_in: Some(share.reset) };
            let mut response = ApiError(problem).into_response();
            share.tell(response.headers_mut(), true);
            return response;
        }
    };
    let mut response = match outcome {
        Ok(caller) => {
            request.extensions_mut().insert(Asking { caller, address });
            next.run(request).await
        }
        Err(problem) => ApiError(problem).into_response(),
    };
    share.tell(response.headers_mut(), false);
    response
}

fn address(api: &Api, request: &Request) -> String {
    let told = api.address_header.as_ref().and_then(|name| limits::told_by_proxy(request.headers(), name));
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    told.or(peer).map_or_else(|| "unknown".to_owned(), limits::of_address)
}

impl Api {
    /// Who sends these headers. Wrong credentials are a problem, none are nobody.
    async fn ask(&self, headers: &HeaderMap, method: &Method) -> Result<Option<Caller>, Problem> {
        let mut bearers = headers.get_all(AUTHORIZATION).iter();
        match (bearers.next(), bearers.next()) {
            (Some(header), None) => self.bearer(header.to_str().unwrap_or_default()).await.map(Some),
            (Some(_), Some(_)) => Err(Problem::NotSignedIn("there are two Authorization headers".to_owned())),
            (None, _) => self.cookie(headers, method),
        }
    }

    async fn bearer(&self, header: &str) -> Result<Caller, Problem> {
        let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let token = token.ok_or_else(|| Problem::NotSignedIn("the Authorization header must be Bearer and a token".to_owned()))?;
        if is_ours(token) {
            let session = self.sessions.check(token).map_err(Problem::from)?;
            return Ok(self.of_session(session, true));
        }
        let reader = self.auth.reader(header, READ, true).await.map_err(|wrong| Problem::NotSignedIn(wrong.to_string()))?;
        let did = reader.ok_or_else(|| Problem::NotSignedIn("the token's issuer could not be looked up in time: try again".to_owned()))?;
        Ok(Caller { who: self.caller(did, false), session: None })
    }

    fn cookie(&self, headers: &HeaderMap, method: &Method) -> Result<Option<Caller>, Problem> {
        let jar = CookieJar::from_headers(headers);
        let Some(cookie) = jar.get(cookies::ACCESS) else { return Ok(None) };
        // A cookie that has run out is as good as none: the page then asks for a new one.
        let Ok(session) = self.sessions.check(cookie.value()) else { return Ok(None) };
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let given = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if changes && !self.sessions.csrf_matches(&session.id, given) {
            return Err(Problem::Forbidden(format!("what is changed with cookies needs the header {CSRF_HEADER}, equal to the cookie {}", cookies::CSRF)));
        }
        Ok(Some(self.of_session(session, true)))
    }

    fn of_session(&self, session: Session, may_write: bool) -> Caller {
        Caller { who: self.caller(session.did.clone(), may_write), session: Some(session) }
    }

    fn caller(&self, did: String, may_write: bool) -> access::Caller {
        let operator = self.operators.contains(&did);
        access::Caller { did, operator, may_write }
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
