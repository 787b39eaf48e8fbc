//! Members: who they are, joining and leaving, and the moderators' role.

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::caller::{Caller, Writer};
use super::error::{ApiError, ErrorBody};
use super::input::{Body, Named, Parameters, sought};
use super::written::Written;
use crate::dashboard::access::Deed;
use crate::dashboard::views::{Member, Members, Role};
use crate::dashboard::writes::{Appointed, Left, NewRole, Pending};
use crate::dashboard::{MAX_MEMBERS, MembersQuery, Page};

/// Joining needs nothing but who joins, which the caller is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Joining {}

/// Which members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MemberQuery {
    /// Those with this role.
    #[param(inline)]
    role: Option<Role>,
    /// In the DID.
    #[param(max_length = 256)]
    q: Option<String>,
    /// Items at a time.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// Where the list goes on: what came with the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A community's members
#[utoipa::path(get, path = "/api/communities/{id}/members", tag = "members", params(("id" = String, Path, description = "The community's id"), MemberQuery), responses(
    (status = 200, body = Members),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    Parameters(query): Parameters<MemberQuery>,
) -> Result<Json<Members>, ApiError> {
    let page = Page::up_to(MAX_MEMBERS, query.limit, query.cursor)?;
    let wanted = MembersQuery { role: query.role, did: sought(query.q, 256)? };
    Ok(Json(api.read(move |dashboard| dashboard.may(&caller.who, Deed::Read, &id).and_then(|()| dashboard.members(&id, &wanted, &page))).await?))
}

/// Join
///
/// Writes a membership record into the caller's own repo.
#[utoipa::path(post, path = "/api/communities/{id}/members", tag = "members", params(("id" = String, Path, description = "The community's id")), request_body = Joining, responses(
    (status = 201, body = Member),
    (status = 202, body = Pending, description = "Done at the caller's own server, and not to be seen here yet"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn join(
    State(api): State<Api>,
    writer: Writer,
    Named(id): Named<String>,
    Body(Joining {}): Body<Joining>,
) -> Result<Written<Member>, ApiError> {
    api.write(StatusCode::CREATED, writer, |dashboard, who, pen| async move { dashboard.join(&who, &pen, &id).await }).await
}

/// Appoint or dismiss a moderator
///
/// Edits the moderators in the owner's record. What a dismissed moderator has decided becomes the owner's decision, unless `keepActions` is false.
#[utoipa::path(put, path = "/api/communities/{id}/members/{did}", tag = "members",
    params(("id" = String, Path, description = "The community's id"), ("did" = String, Path, description = "The member's DID or handle")), request_body = NewRole, responses(
    (status = 200, body = Appointed),
    (status = 202, body = Pending, description = "Done at the caller's own server, and not to be seen here yet"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn appoint(
    State(api): State<Api>,
    writer: Writer,
    Named((id, did)): Named<(String, String)>,
    Body(wish): Body<NewRole>,
) -> Result<Written<Appointed>, ApiError> {
    let did = api.dashboard.person(&did).await?;
    api.write(StatusCode::OK, writer, |dashboard, who, pen| async move { dashboard.appoint(&who, &pen, &id, &did, wish).await }).await
}

/// Leave
///
/// Ends the caller's own membership; nobody can end another's.
#[utoipa::path(delete, path = "/api/communities/{id}/members/{did}", tag = "members",
    params(("id" = String, Path, description = "The community's id"), ("did" = String, Path, description = "The caller's own DID or handle")), responses(
    (status = 200, body = Left),
    (status = 202, body = Pending, description = "Done at the caller's own server, and not to be seen here yet"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
    (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn leave(State(api): State<Api>, writer: Writer, Named((id, did)): Named<(String, String)>) -> Result<Written<Left>, ApiError> {
    let did = api.dashboard.person(&did).await?;
    api.write(StatusCode::OK, writer, |dashboard, who, pen| async move { dashboard.leave(&who, &pen, &id, &did).await }).await
}
