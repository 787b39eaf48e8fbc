//! What a page begins with: who looks at it, and what kind of host this is.
//!
//! It is asked before anyone has signed in, so that nobody has signed in is an answer here and no refusal.

use axum::extract::State;
use axum::{Extension, Json};
use axum_extra::extract::CookieJar;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::Me;
use super::caller::Asking;
use super::cookies::Kind;
use super::error::ErrorBody;
use crate::clock::datetime;
use crate::version::VERSION;

/// What a page begins with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    /// Who asks; missing for who hasn't signed in, or whose access token has run out.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Me>,
    /// Until when the browser's access token is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Whether the browser has a refresh token, with which `/api/auth/refresh` may give it a new access token.
    renewable: bool,
    host: Facts,
}

/// What kind of host this is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Facts {
    /// The program's version.
    version: &'static str,
    /// Whether one can sign in with an app password.
    app_passwords: bool,
    /// The AppView of which a page may ask what posts say. Missing where the operator names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://public.api.bsky.app")]
    appview: Option<String>,
    /// The host plays a demo, and `GET /api/auth/visit` lets whoever comes look around as one of its made-up people.
    visits: bool,
}

/// What a page begins with
///
/// Who looks at it, if anybody, and what kind of host this is.
#[utoipa::path(get, path = "/api/auth/start", tag = "auth", security(()), responses(
    (status = 200, body = Start), (status = 401, body = ErrorBody, description = "The Authorization header is wrong; without one nobody is refused"),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn start(State(api): State<Api>, Extension(asking): Extension<Asking>, jar: CookieJar) -> Json<Start> {
    let token = api.baker.shown(&jar, Kind::Access);
    let expires_at = token.and_then(|token| api.sessions.expires_ms(&token)).map(datetime);
    let renewable = api.baker.shown(&jar, Kind::Refresh).is_some();
    let host = Facts { version: VERSION, app_passwords: api.sessions.takes_app_passwords(), appview: api.appview.clone(), visits: api.visitor.is_some() };
    Json(Start { caller: asking.caller.map(|caller| Me::of(&api, caller)), expires_at, renewable, host })
}
