//! Moderation actions: the log of a community's, writing one, taking one's own back.

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::caller::{Caller, Writer};
use super::error::{ApiError, ErrorBody};
use super::input::{Body, Named, Parameters};
use crate::dashboard::access::Deed;
use crate::dashboard::views::{Action, Actions};
use crate::dashboard::writes::{NewAction, Undone};
use crate::dashboard::{Dashboard, Page};

/// Which actions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActionQuery {
    /// The community's id or AT-URI.
    #[param(max_length = 1024)]
    community: String,
    /// Those on this post, by its AT-URI, or on this DID.
    #[param(max_length = 512)]
    target: Option<String>,
    /// Items at a time.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the list goes on: what came with the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A community's moderation actions, newest first
#[utoipa::path(get, path = "/api/moderation/actions", tag = "moderation", params(ActionQuery), responses(
    (status = 200, body = Actions),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn list(State(api): State<Api>, caller: Caller, Parameters(query): Parameters<ActionQuery>) -> Result<Json<Actions>, ApiError> {
    let ActionQuery { community, target, limit, cursor } = query;
    let page = Page::new(limit, cursor)?;
    let reading = move |dashboard: &Dashboard| {
        dashboard.may(&caller.who, Deed::Read, &community)?;
        dashboard.actions(&community, target.as_deref(), &page)
    };
    Ok(Json(api.read(reading).await?))
}

/// Hide, unhide, block or unblock
///
/// Writes a public record into the caller's own repo.
#[utoipa::path(post, path = "/api/moderation/actions", tag = "moderation", request_body = NewAction, responses(
    (status = 201, body = Action),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn act(State(api): State<Api>, Writer { who, session }: Writer, Body(wish): Body<NewAction>) -> Result<(StatusCode, Json<Action>), ApiError> {
    let repo = api.repo(session).await?;
    Ok((StatusCode::CREATED, Json(api.dashboard.act(&who, &repo, wish).await?)))
}

/// Undo an action of one's own
///
/// Deletes its record, as if it had never been.
#[utoipa::path(delete, path = "/api/moderation/actions/{rkey}", tag = "moderation", params(("rkey" = String, Path, description = "The action's record key")), responses(
    (status = 200, body = Undone),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody),
    (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn undo(State(api): State<Api>, Writer { who, session }: Writer, Named(rkey): Named<String>) -> Result<Json<Undone>, ApiError> {
    let repo = api.repo(session).await?;
    Ok(Json(api.dashboard.undo(&who, &repo, &rkey).await?))
}
