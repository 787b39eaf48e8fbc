//! Communities: finding, creating, changing and closing them, and what can be read of one.

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::caller::{Caller, Writer};
use super::error::{ApiError, ErrorBody};
use super::input::{Body, Named, PageQuery, Parameters, sought};
use super::written::Written;
use crate::dashboard::access::Deed;
use crate::dashboard::views::{Communities, Community, Explanation, Posts, Stage, Stats};
use crate::dashboard::writes::{Amendment, Closed, NewCommunity, Pending};
use crate::dashboard::{CommunitiesQuery, Dashboard, Page, RoleFilter};

/// Which communities.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CommunityQuery {
    /// In the name, in any case.
    #[param(max_length = 200)]
    q: Option<String>,
    /// What the caller is in them.
    #[param(inline)]
    role: Option<RoleFilter>,
    #[param(inline)]
    stage: Option<Stage>,
    /// Items at a time.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the list goes on: what came with the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// Which posts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PostQuery {
    /// Also those that the feed doesn't show; for moderators and the owner.
    hidden: Option<bool>,
    /// Items at a time.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the list goes on: what came with the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A post that shall be explained.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// The address of the post's page, as the app's "Copy link to post" gives it, or its AT-URI.
    #[param(example = "https://bsky.app/profile/alice.example.com/post/3mptbyplj5d2a", max_length = 1024)]
    post: String,
}

/// Communities
///
/// In the order in which they were opened, the first opened first.
#[utoipa::path(get, path = "/api/communities", tag = "communities", params(CommunityQuery), responses(
    (status = 200, body = Communities), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn list(State(api): State<Api>, caller: Caller, Parameters(query): Parameters<CommunityQuery>) -> Result<Json<Communities>, ApiError> {
    let page = Page::new(query.limit, query.cursor)?;
    let wanted = CommunitiesQuery { name: sought(query.q, 200)?, role: query.role, stage: query.stage };
    Ok(Json(api.read(move |dashboard| dashboard.communities(&caller.who.did, &wanted, &page)).await?))
}

/// Create a community
///
/// Makes up a hashtag, writes the community's record and its feed's announcement into the caller's repo, and opens the community.
/// If a step fails, what was written is taken back, or the answer says what remains.
#[utoipa::path(post, path = "/api/communities", tag = "communities", request_body = NewCommunity, responses(
    (status = 201, body = Community),
    (status = 202, body = Pending, description = "Done at the caller's own server, and not to be seen here yet"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn create(State(api): State<Api>, writer: Writer, Body(wish): Body<NewCommunity>) -> Result<Written<Community>, ApiError> {
    api.write(StatusCode::CREATED, writer, |dashboard, who, pen| async move { dashboard.create(&who, &pen, wish).await }).await
}

/// One community
#[utoipa::path(get, path = "/api/communities/{id}", tag = "communities", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = Community),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn read(State(api): State<Api>, caller: Caller, Named(id): Named<String>) -> Result<Json<Community>, ApiError> {
    Ok(Json(api.read(move |dashboard| dashboard.community(&caller.who.did, &id)).await?))
}

/// Change a community
///
/// What is left out stays as it is. The feed's announcement follows.
#[utoipa::path(put, path = "/api/communities/{id}", tag = "communities", params(("id" = String, Path, description = "The community's id")), request_body = Amendment, responses(
    (status = 200, body = Community),
    (status = 202, body = Pending, description = "Done at the caller's own server, and not to be seen here yet"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn amend(
    State(api): State<Api>,
    writer: Writer,
    Named(id): Named<String>,
    Body(wish): Body<Amendment>,
) -> Result<Written<Community>, ApiError> {
    api.write(StatusCode::OK, writer, |dashboard, who, pen| async move { dashboard.amend(&who, &pen, &id, wish).await }).await
}

/// Close a community
///
/// Deletes its record and its feed's announcement from the owner's repo. Posts, memberships and actions are others', and stay.
#[utoipa::path(delete, path = "/api/communities/{id}", tag = "communities", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = Closed),
    (status = 202, body = Pending, description = "Done at the caller's own server, and not to be seen here yet"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody),
    (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn close(State(api): State<Api>, writer: Writer, Named(id): Named<String>) -> Result<Written<Closed>, ApiError> {
    api.write(StatusCode::OK, writer, |dashboard, who, pen| async move { dashboard.close(&who, &pen, &id).await }).await
}

/// The communities whose parent this is
#[utoipa::path(get, path = "/api/communities/{id}/children", tag = "communities", params(("id" = String, Path, description = "The community's id"), PageQuery), responses(
    (status = 200, body = Communities),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn children(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    Parameters(page): Parameters<PageQuery>,
) -> Result<Json<Communities>, ApiError> {
    let page = page.page()?;
    Ok(Json(api.read(move |dashboard| dashboard.children(&caller.who.did, &id, &page)).await?))
}

/// A community's own posts, newest first
///
/// Those that the feed shows; with `hidden=true`, for moderators and the owner, also those that it doesn't, and why.
#[utoipa::path(get, path = "/api/communities/{id}/posts", tag = "communities", params(("id" = String, Path, description = "The community's id"), PostQuery), responses(
    (status = 200, body = Posts),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn posts(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    Parameters(query): Parameters<PostQuery>,
) -> Result<Json<Posts>, ApiError> {
    let (hidden, page) = (query.hidden.unwrap_or(false), Page::new(query.limit, query.cursor)?);
    let reading = move |dashboard: &Dashboard| {
        dashboard.may(&caller.who, if hidden { Deed::ReadHidden } else { Deed::Read }, &id)?;
        dashboard.posts(&id, hidden, &page)
    };
    Ok(Json(api.read(reading).await?))
}

/// A community's week in numbers
#[utoipa::path(get, path = "/api/communities/{id}/stats", tag = "communities", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = Stats),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn stats(State(api): State<Api>, caller: Caller, Named(id): Named<String>) -> Result<Json<Stats>, ApiError> {
    Ok(Json(api.read(move |dashboard| dashboard.may(&caller.who, Deed::Read, &id).and_then(|()| dashboard.stats(&id))).await?))
}

/// Why a post is in the feed, or isn't
///
/// Clause by clause. What this host has never seen is looked up at the author's own server.
#[utoipa::path(get, path = "/api/communities/{id}/explain", tag = "communities", params(("id" = String, Path, description = "The community's id"), ExplainQuery), responses(
    (status = 200, body = Explanation),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody),
))]
pub(super) async fn explain(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    Parameters(query): Parameters<ExplainQuery>,
) -> Result<Json<Explanation>, ApiError> {
    let (who, community) = (caller.who.clone(), id.clone());
    api.read(move |dashboard| dashboard.may(&who, Deed::Read, &community)).await?;
    Ok(Json(api.dashboard.explain(&caller.who.did, &id, &query.post).await?))
}
