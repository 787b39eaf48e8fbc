//! What a community's owner looks after: posts that are held, and what could not be told to the community's object.

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::{Caller, Writer};
use super::error::{ApiError, ErrorBody};
use super::input::{Named, PageQuery, Parameters};
use crate::dashboard::access::Deed;
use crate::dashboard::views::{DeadLetters, HeldAuthors};

/// That it is being done.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    pub(super) accepted: bool,
}

/// Posts held by author
///
/// Posts that carry the hashtag, by authors who are no members. They appear when their author joins.
#[utoipa::path(get, path = "/api/communities/{id}/held", tag = "upkeep", params(("id" = String, Path, description = "The community's id"), PageQuery), responses(
    (status = 200, body = HeldAuthors),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn held(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    Parameters(page): Parameters<PageQuery>,
) -> Result<Json<HeldAuthors>, ApiError> {
    let page = page.page()?;
    Ok(Json(api.read(move |dashboard| dashboard.may(&caller.who, Deed::ReadUpkeep, &id).and_then(|()| dashboard.held(&id, &page))).await?))
}

/// Dead letters
///
/// What this community's component failed on again and again, and was set aside.
#[utoipa::path(get, path = "/api/communities/{id}/dead-letters", tag = "upkeep", params(("id" = String, Path, description = "The community's id"), PageQuery), responses(
    (status = 200, body = DeadLetters),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn letters(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    Parameters(page): Parameters<PageQuery>,
) -> Result<Json<DeadLetters>, ApiError> {
    let page = page.page()?;
    Ok(Json(api.read(move |dashboard| dashboard.may(&caller.who, Deed::ReadUpkeep, &id).and_then(|()| dashboard.dead_letters(&id, &page))).await?))
}

/// Try a dead letter again
#[utoipa::path(post, path = "/api/communities/{id}/dead-letters/{letter}/retry", tag = "upkeep",
    params(("id" = String, Path, description = "The community's id"), ("letter" = String, Path, description = "The letter's id")), responses(
    (status = 202, body = Accepted),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn retry_letter(
    State(api): State<Api>,
    Writer { who, .. }: Writer,
    Named((id, letter)): Named<(String, String)>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    api.dashboard.retry_letter(&who, &id, &letter).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: true })))
}

/// Drop a dead letter
#[utoipa::path(delete, path = "/api/communities/{id}/dead-letters/{letter}", tag = "upkeep",
    params(("id" = String, Path, description = "The community's id"), ("letter" = String, Path, description = "The letter's id")), responses(
    (status = 200, body = Accepted),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn drop_letter(
    State(api): State<Api>,
    Writer { who, .. }: Writer,
    Named((id, letter)): Named<(String, String)>,
) -> Result<Json<Accepted>, ApiError> {
    api.dashboard.drop_letter(&who, &id, &letter).await?;
    Ok(Json(Accepted { accepted: true }))
}
