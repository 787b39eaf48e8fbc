//! Signing in with an app password, renewing tokens, signing out, and the caller's sessions.
//!
//! A script gets its tokens in the answer. A browser gets them in cookies that no script can read, and never in an answer: whatever runs in a
//! page could carry them away.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use hyper::header::{HeaderMap, ORIGIN, USER_AGENT};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Asking, Caller, Writer};
use super::cookies::Kind;
use super::error::{ApiError, ErrorBody};
use super::input::{Body, Named};
use crate::clock::datetime;
use crate::dashboard::Problem;
use crate::session::{Method, SessionError, SessionInfo, SignInError, Tokens};

/// An account and its app password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Login {
    /// A handle or a DID.
    #[schema(min_length = 1, max_length = 256, example = "ann.example.com")]
    identifier: String,
    /// An app password, made in the settings of the Bluesky app. Not the account's own.
    #[schema(min_length = 1, max_length = 256)]
    password: String,
    /// The code that the server has sent by mail, if it asks for one.
    #[schema(max_length = 64)]
    auth_factor_token: Option<String>,
}

/// Somebody who has signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signed {
    did: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    /// For `Authorization: Bearer`, for 15 minutes. Not to a browser, which has it in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[schema(format = DateTime)]
    access_expires_at: String,
    /// For `/api/auth/refresh`, once. Not to a browser, which has it in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[schema(format = DateTime)]
    refresh_expires_at: String,
    /// The session's id.
    session: String,
    /// For `x-csrf-token`, where cookies are used.
    csrf_token: String,
}

impl Signed {
    fn new(tokens: &Tokens, with_tokens: bool) -> Self {
        Self {
            did: tokens.did.clone(),
            handle: tokens.handle.clone(),
            access_token: with_tokens.then(|| tokens.access.clone()),
            access_expires_at: datetime(tokens.access_expires_ms),
            refresh_token: with_tokens.then(|| tokens.refresh.clone()),
            refresh_expires_at: datetime(tokens.refresh_expires_ms),
            session: tokens.session.clone(),
            csrf_token: tokens.csrf.clone(),
        }
    }
}

/// A refresh token; browsers have it in a cookie.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Refresh {
    #[schema(max_length = 512)]
    refresh_token: Option<String>,
}

/// Sessions that are over.
#[derive(Serialize, ToSchema)]
pub(super) struct Ended {
    ended: usize,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Me {
    did: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    /// The session's id; none with a token of one's own server.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    method: MethodName,
    operator: bool,
    can_write: bool,
    /// For `x-csrf-token`, where cookies are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MethodName {
    OAuth,
    Password,
    Service,
}

impl From<Method> for MethodName {
    fn from(method: Method) -> Self {
        match method {
            Method::OAuth => Self::OAuth,
            Method::Password => Self::Password,
        }
    }
}

/// A session of the caller's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    id: String,
    method: MethodName,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used_at: String,
    /// What the browser or script called itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// The caller's sessions, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionList {
    sessions: Vec<SessionView>,
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::State(cause) => {
                tracing::warn!(%cause, "sessions can't be read or written");
                Self::Unavailable("sessions can't be read at the moment: try again".to_owned())
            }
            SessionError::Superseded => Self::conflict("Superseded", error.to_string()),
            other => Self::NotSignedIn(other.to_string()),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        use SignInError as E;
        let message = error.to_string();
        match error {
            E::WrongPassword | E::ExpiredState | E::Mismatch(_) | E::RefusedByUser => Self::NotSignedIn(message),
            E::FactorNeeded => Self::FactorNeeded(message),
            E::Unknown(_) => Self::not_found("AccountNotFound", message),
            E::NoAppPasswords => Self::Forbidden(message),
            E::Busy(pause) => Self::TooMany { message, again_in: Some(pause) },
            E::Crowded => Self::Unavailable(message),
            E::Late(_) => Self::Late(message),
            E::Unreachable(_) | E::RefusedByServer(_) => Self::Upstream(message),
            E::Session(cause) => cause.into(),
        }
    }
}

/// What the client calls itself, bounded.
pub(super) fn client(headers: &HeaderMap) -> Option<String> {
    headers.get(USER_AGENT)?.to_str().ok().map(|text| text.chars().take(200).collect())
}

/// Whether a page in a browser asks. Browsers say so, and no script of a page can make them not to.
fn is_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(ORIGIN)
}

/// The tokens, as cookies or in the answer.
fn signed(api: &Api, jar: CookieJar, tokens: &Tokens, as_cookies: bool) -> Response {
    let answer = Json(Signed::new(tokens, !as_cookies));
    match as_cookies {
        true => (api.baker.signed_in(jar, tokens, api.clock.now_ms()), answer).into_response(),
        false => answer.into_response(),
    }
}

/// Sign in with an app password
///
/// For scripts, and for servers without OAuth. A script gets the tokens in the answer. A browser gets them as cookies and not in the answer.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = Login, security(()), responses(
    (status = 200, body = Signed),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn login(
    State(api): State<Api>,
    axum::Extension(asking): axum::Extension<Asking>,
    jar: CookieJar,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, ApiError> {
    api.counts.sign_in(&asking.address)?;
    let (identifier, password) = (login.identifier.trim(), login.password.as_str());
    if identifier.len() > 256 || password.len() > 256 || login.auth_factor_token.as_ref().is_some_and(|token| token.len() > 64) {
        return Err(Problem::Unprocessable("that is too long for a handle or an app password".to_owned()).into());
    }
    let account = api.account(identifier).await;
    api.counts.password(&account, &asking.address)?;
    let tokens = api.sessions.sign_in_with_password(identifier, password, login.auth_factor_token.as_deref(), client(&headers).as_deref()).await?;
    api.counts.signed_in(&account, &asking.address);
    Ok(signed(&api, jar, &tokens, is_a_page(&headers)))
}

impl Api {
    /// The account that is meant, under the one name by which it is counted: its DID, if it can be found.
    async fn account(&self, identifier: &str) -> String {
        let name = identifier.strip_prefix("at://").or_else(|| identifier.strip_prefix('@')).unwrap_or(identifier);
        if name.starts_with("did:") {
            return name.to_owned();
        }
        self.resolver.resolve_handle(name).await.unwrap_or_else(|_| name.to_ascii_lowercase())
    }
}

/// New tokens for a refresh token
///
/// A refresh token is good once. Using an old one again ends the session, since somebody else must have it. Where the token came by a
/// cookie, or a browser asks, the new ones come as cookies and not in the answer.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", request_body = Refresh, security(()), responses(
    (status = 200, body = Signed),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 422, body = ErrorBody),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn refresh(State(api): State<Api>, jar: CookieJar, headers: HeaderMap, Body(refresh): Body<Refresh>) -> Result<Response, ApiError> {
    let as_cookies = refresh.refresh_token.is_none() || is_a_page(&headers);
    let token = refresh.refresh_token.or_else(|| api.baker.shown(&jar, Kind::Refresh));
    let token = token.ok_or_else(|| Problem::NotSignedIn("there is no refresh token".to_owned()))?;
    let refreshed = api.sessions.go_on(&token).await;
    if matches!(refreshed, Err(SessionError::Reused)) {
        api.look_who_is_left();
    }
    Ok(signed(&api, jar, &refreshed?, as_cookies))
}

/// Sign out
///
/// Ends the session that asks, here and at the user's server.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses(
    (status = 200, body = Ended), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn logout(State(api): State<Api>, jar: CookieJar, Writer { session, .. }: Writer) -> Result<Response, ApiError> {
    let ended = usize::from(api.sessions.end(&session.did, &session.id).await?);
    api.look_who_is_left();
    Ok((api.baker.signed_out(jar), Json(Ended { ended })).into_response())
}

impl Me {
    pub(super) fn of(api: &Api, Caller { who, session }: Caller) -> Self {
        let csrf_token = session.as_ref().map(|session| api.sessions.csrf(&session.id));
        let method = session.as_ref().map_or(MethodName::Service, |session| session.method.into());
        let (id, handle) = session.map_or((None, None), |session| (Some(session.id), session.handle));
        Self { did: who.did, handle, session: id, method, operator: who.operator, can_write: who.may_write, csrf_token }
    }
}

/// Who asks
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses(
    (status = 200, body = Me), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn me(State(api): State<Api>, caller: Caller) -> Json<Me> {
    Json(Me::of(&api, caller))
}

/// The caller's sessions
#[utoipa::path(get, path = "/api/auth/sessions", tag = "auth", responses(
    (status = 200, body = SessionList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn sessions(State(api): State<Api>, Writer { session: current, .. }: Writer) -> Result<Json<SessionList>, ApiError> {
    let view = |session: SessionInfo| SessionView {
        current: session.id == current.id,
        id: session.id,
        method: session.method.into(),
        created_at: datetime(session.created_ms),
        last_used_at: datetime(session.last_used_ms),
        client: session.client,
    };
    Ok(Json(SessionList { sessions: api.sessions_of(current.did).await?.into_iter().map(view).collect() }))
}

/// End one session
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth", params(("id" = String, Path, description = "The session's id")), responses(
    (status = 200, body = Ended), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn end_session(State(api): State<Api>, Writer { session, .. }: Writer, Named(id): Named<String>) -> Result<Json<Ended>, ApiError> {
    let ended = api.sessions.end(&session.did, &id).await?;
    api.look_who_is_left();
    match ended {
        true => Ok(Json(Ended { ended: 1 })),
        false => Err(Problem::not_found("SessionNotFound", "you have no such session").into()),
    }
}

/// Sign out everywhere
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "auth", responses(
    (status = 200, body = Ended), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn end_sessions(State(api): State<Api>, jar: CookieJar, Writer { session, .. }: Writer) -> Result<Response, ApiError> {
    let ended = api.sessions.end_all(&session.did).await?;
    api.look_who_is_left();
    Ok((api.baker.signed_out(jar), Json(Ended { ended })).into_response())
}
