//! Signing in with AT Protocol OAuth: the way to the user's own server and back, and what that server asks of us.
//!
//! ```text
//! /oauth/login?handle=…  ─▶ the user's server ─▶ /oauth/callback ─ cookies ─▶ where the browser came from, or /oauth/done
//!        └ sent by another site ─▶ a page that asks ─ a button ─┘ (POST)
//! ```
//!
//! These pages are for browsers: they redirect, and where something is wrong they say so in a plain page.
//!
//! A sign-in is begun only by who means it. If any page could begin one in any browser, its author could name a handle of theirs, whose server
//! sends the browser straight back: whoever looked at the page would be signed in as somebody else and not know it, or be led through us to a
//! stranger's server. So where another site has sent the browser, a page asks first, and nothing is begun.

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERER, REFERRER_POLICY};
use serde::Deserialize;
use url::Url;

use super::Api;
use super::auth::client;
use super::caller::Asking;
use super::cookies::Kind;
use super::error::ApiError;
use super::input::Parameters;
use crate::dashboard::Problem;
use crate::session::CallbackQuery;

/// Where a browser lands that came from nowhere.
const DONE: &str = "/oauth/done";

/// The paths, which are also in the client's metadata.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/oauth/login", get(login).post(login))
        .route(DONE, get(done))
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
        Err(ApiError(problem)) => return refusal(&problem),
    };
    // OAuth leads back to 127.0.0.1, never to localhost, and cookies don't cross from one to the other.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Some(port) = port_of_localhost(host).filter(|_| api.endpoint.starts_with("http://localhost")) {
        return Redirect::temporary(&format!("http://127.0.0.1{port}{uri}")).into_response();
    }
    if !is_meant(&headers, &api.endpoint) {
        return question(&wish.handle, &uri);
    }
    let return_to = wish.return_to.filter(|path| is_local(path)).unwrap_or_else(|| DONE.to_owned());
    if let Err(problem) = api.counts.sign_in(&asking.address) {
        return refusal(&problem);
    }
    match api.sessions.begin_oauth(wish.handle.trim().trim_start_matches('@'), &return_to).await {
        Ok(begun) => (api.baker.leaving(jar, begun.binding), Redirect::to(begun.authorize.as_str())).into_response(),
        Err(failure) => refusal(&failure.into()),
    }
}

/// Whether the browser is here by its user's will: by a page of ours, a bookmark, or a typed address. Browsers tell, and no page can
/// make them tell otherwise. Those from before 2023 don't; there the page counts that the browser names, if it names one.
fn is_meant(headers: &HeaderMap, endpoint: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_ours = |page: &HeaderValue| {
        let Some(page) = page.to_str().ok().and_then(|page| Url::parse(page).ok()) else { return false };
        let authority = page.host_str().map(|host| page.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
        authority.is_some() && authority.as_deref() == host || page.origin().ascii_serialization() == endpoint
    };
    [ORIGIN, REFERER].iter().all(|name| headers.get_all(name).iter().all(is_ours))
}

/// The colon and port behind `localhost`, if that is the host.
fn port_of_localhost(host: &str) -> Option<&str> {
    let port = host.strip_prefix("localhost")?;
    let is_port = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(port)
}

/// Asks whether the sign-in is meant. The button is ours, so what it sends comes from a page of ours.
fn question(handle: &str, uri: &axum::http::Uri) -> Response {
    let name = escaped(&handle.chars().take(256).collect::<String>());
    let target = escaped(uri.path_and_query().map_or("/oauth/login", |target| target.as_str()));
    let mut response = page(
        StatusCode::OK,
        "Sign in?",
        &format!(
            "<p>Another page has sent you here, to sign in as <strong>{name}</strong>. If you don't mean to, close this page.</p>\
             <form method=\"post\" action=\"{target}\"><button>Sign in as {name}</button></form>"
        ),
    );
    // Else browsers that say nothing better would not even say that the button is ours.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Takes the browser back, signed in.
async fn callback(State(api): State<Api>, jar: CookieJar, headers: HeaderMap, query: Result<Parameters<CallbackQuery>, ApiError>) -> Response {
    let Parameters(query) = match query {
        Ok(query) => query,
        Err(ApiError(problem)) => return refusal(&problem),
    };
    let binding = api.baker.shown(&jar, Kind::SignIn).unwrap_or_default();
    match api.sessions.finish_oauth(query, &binding, client(&headers).as_deref()).await {
        Ok((tokens, return_to)) => {
            let jar = api.baker.signed_in(api.baker.returned(jar), &tokens, api.clock.now_ms());
            (jar, Redirect::to(&return_to)).into_response()
        }
        Err(failure) => (api.baker.returned(jar), refusal(&failure.into())).into_response(),
    }
}

/// Tells who has signed in that they have.
async fn done(State(api): State<Api>, jar: CookieJar) -> Response {
    let session = match api.baker.shown(&jar, Kind::Access) {
        Some(token) => api.check(token).await,
        None => Err(Problem::NotSignedIn("you are not signed in".to_owned()).into()),
    };
    match session {
        Ok(session) => {
            let name = escaped(session.handle.as_deref().unwrap_or(&session.did));
            page(StatusCode::OK, "Signed in", &format!("<p>You are signed in as <strong>{name}</strong>.</p><p><a href=\"/\">To the communities</a></p>"))
        }
        Err(ApiError(problem)) => refusal(&problem),
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
fn refusal(problem: &Problem) -> Response {
    let status = ApiError(problem.clone()).into_response().status();
    page(status, "Not signed in", &format!("<p>{}.</p><p><a href=\"/\">Back</a></p>", escaped(&problem.to_string())))
}

/// A page of ours, which brings nothing but the dashboard's plainest style and runs nothing. It may have a form: where that leads in the end isn't ours to say before.
fn page(status: StatusCode, title: &str, content: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/plain.css\"><main><h1>{title}</h1>{content}</main></html>"
    );
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'");
    (status, [(HeaderName::from_static("content-security-policy"), policy)], Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
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

    #[test]
    fn a_sign_in_is_begun_by_who_means_it() {
        let check = |given: &[(&'static str, &'static str)], expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("feeds.example.org"));
            for (name, value) in given {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_meant(&headers, "https://feeds.example.org"), expected, "{given:?}");
        };
        check(&[("sec-fetch-site", "none")], true);
        check(&[("sec-fetch-site", "same-origin"), ("origin", "null")], true);
        for site in ["same-site", "cross-site", "", "same-origin, cross-site", "SAME-ORIGIN"] {
            check(&[("sec-fetch-site", site)], false);
        }
        // Old browsers.
        check(&[], true);
        check(&[("referer", "https://feeds.example.org/communities")], true);
        check(&[("origin", "https://feeds.example.org"), ("referer", "https://feeds.example.org/oauth/login?handle=a")], true);
        for page in ["null", "https://evil.example/feeds.example.org", "https://feeds.example.org.evil.example/", "https://feeds.example.org:8443/", ""] {
            check(&[("referer", page)], false);
            check(&[("origin", page)], false);
        }
        check(&[("referer", "https://feeds.example.org/"), ("origin", "https://evil.example")], false);
    }

    #[test]
    fn localhost_is_a_host_and_no_prefix() {
        for (host, port) in [("localhost", Some("")), ("localhost:3000", Some(":3000"))] {
            assert_eq!(port_of_localhost(host), port);
        }
        for host in ["localhost.evil.example", "localhost:3000.evil.example", "localhost:", "localhost@evil.example", "127.0.0.1", ""] {
            assert_eq!(port_of_localhost(host), None, "{host}");
        }
    }
}
