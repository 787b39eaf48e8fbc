//! Signing in with AT Protocol OAuth: the way to the user's own server and back, and what that server asks of us.
//!
//! ```text
//! /oauth/login?handle=…  ─▶ the user's server ─▶ /oauth/callback ─ cookies ─▶ where the browser came from
//! ```
//!
//! These pages are for browsers: they redirect, and where something is wrong they say so in a plain page.

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use serde::Deserialize;

use super::Api;
use super::auth::client;
use super::caller::Asking;
use super::cookies;
use super::error::ApiError;
use super::input::Parameters;
use crate::dashboard::Problem;
use crate::session::CallbackQuery;

/// The paths, which are also in the client's metadata.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/oauth/login", get(login))
        .route("/oauth/callback", get(callback))
        .route("/oauth/client-metadata.json", get(client_metadata))
        .route("/oauth/jwks.json", get(jwks))
}

#[derive(Deserialize)]
struct Wish {
    handle: String,
    #[serde(rename = "return")]
    return_to: Option<String>,
}

/// Sends the browser to the user's own server.
async fn login(
    State(api): State<Api>,
    axum::Extension(asking): axum::Extension<Asking>,
    jar: CookieJar,
    headers: HeaderMap,
    uri: axum::http::Uri,
    wish: Result<Parameters<Wish>, ApiError>,
) -> Response {
    let Parameters(wish) = match wish {
        Ok(wish) => wish,
        Err(ApiError(problem)) => return page(&problem),
    };
    // OAuth leads back to 127.0.0.1, never to localhost, and cookies don't cross from one to the other.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Some(port) = host.strip_prefix("localhost").filter(|_| api.endpoint.starts_with("http://localhost")) {
        return Redirect::temporary(&format!("http://127.0.0.1{port}{uri}")).into_response();
    }
    let return_to = wish.return_to.filter(|path| is_local(path)).unwrap_or_else(|| "/".to_owned());
    if let Err(problem) = api.may_sign_in(&asking.address, &wish.handle) {
        return page(&problem);
    }
    match api.sessions.begin_oauth(wish.handle.trim().trim_start_matches('@'), &return_to).await {
        Ok(begun) => (api.baker.leaving(jar, begun.binding), Redirect::to(begun.authorize.as_str())).into_response(),
        Err(failure) => page(&failure.into()),
    }
}

/// Takes the browser back, signed in.
async fn callback(State(api): State<Api>, jar: CookieJar, headers: HeaderMap, query: Result<Parameters<CallbackQuery>, ApiError>) -> Response {
    let Parameters(query) = match query {
        Ok(query) => query,
        Err(ApiError(problem)) => return page(&problem),
    };
    let binding = jar.get(cookies::SIGN_IN).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    match api.sessions.finish_oauth(query, &binding, client(&headers).as_deref()).await {
        Ok((tokens, return_to)) => {
            let jar = api.baker.signed_in(api.baker.returned(jar), &tokens, api.clock.now_ms());
            (jar, Redirect::to(&return_to)).into_response()
        }
        Err(failure) => (api.baker.returned(jar), page(&failure.into())).into_response(),
    }
}

async fn client_metadata(State(api): State<Api>) -> Response {
    axum::Json(api.sessions.client_metadata()).into_response()
}

async fn jwks(State(api): State<Api>) -> Response {
    axum::Json(api.sessions.jwks()).into_response()
}

/// A path of ours: no other host's, whatever a browser makes of backslashes.
fn is_local(path: &str) -> bool {
    let mut letters = path.chars();
    letters.next() == Some('/')
        && !matches!(letters.next(), Some('/' | '\\'))
        && path.len() <= 512
        && !path.chars().any(|letter| letter.is_control() || letter == '\\')
}

/// A problem, for somebody at a browser.
fn page(problem: &Problem) -> Response {
    let text = problem.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Not signed in</title>\
         <h1>Not signed in</h1><p>{text}.</p><p><a href=\"/\">Back</a></p></html>"
    );
    let status = ApiError(problem.clone()).into_response().status();
    let mut response = (if status.is_success() { StatusCode::BAD_REQUEST } else { status }, Html(html)).into_response();
    response.headers_mut().insert("content-security-policy", HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_returns_to_us_or_nowhere() {
        for path in ["/", "/communities/x?tab=members", "/a//b"] {
            assert!(is_local(path), "{path}");
        }
        for path in ["", "a", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nset-cookie: x", "\\\\evil.example"] {
            assert!(!is_local(path), "{path}");
        }
    }
}
