//! Looking around in a demo, as one of its made-up people.
//!
//! There is no such route unless the program plays a demo. What a visitor wants to write goes nowhere: the person's server is made up, too.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, http::HeaderMap};
use axum_extra::extract::CookieJar;

use super::Api;
use super::auth::client;
use super::caller::Asking;
use super::error::ApiError;
use crate::config::Visitor;
use crate::session::Credentials;

const PATH: &str = "/api/auth/visit";

/// A server that nobody reaches: this port of one's own machine is reserved for throwing everything away.
const NOWHERE: &str = "https://127.0.0.1:9/";

/// The route of a demo; none otherwise.
pub(super) fn routes(visitor: Option<&Visitor>) -> Router<Api> {
    match visitor {
        Some(_) => Router::new().route(PATH, get(visit)),
        None => Router::new(),
    }
}

/// Signs whoever comes in as the made-up person, and shows them the pages.
async fn visit(State(api): State<Api>, Extension(asking): Extension<Asking>, jar: CookieJar, headers: HeaderMap) -> Result<Response, ApiError> {
    api.counts.sign_in(&asking.address)?;
    let Some(Visitor { did, handle }) = api.visitor.clone() else { return Err(super::nothing_here().await) };
    let (sessions, client) = (api.sessions.clone(), client(&headers));
    let credentials = Credentials::Password { pds: NOWHERE.to_owned(), access: String::new(), refresh: String::new() };
    let begun = move || sessions.begin(&did, Some(&handle), &credentials, client.as_deref()).map_err(ApiError::from);
    let tokens = api.work.run(begun).await?;
    Ok((api.baker.signed_in(jar, &tokens, api.clock.now_ms()), Redirect::to("/")).into_response())
}
