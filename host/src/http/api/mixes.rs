//! The feed mixes that a community's owner uploads. What is done with one is answered with how the feed is mixed then.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::caller::{Caller, Writer};
use super::error::{ApiError, ErrorBody};
use super::input::{Named, Parameters};
use super::places::Taken;
use crate::dashboard::mixes::candidates::Candidates;
use crate::dashboard::mixes::preview::MixPreview;
use crate::dashboard::mixes::views::{Mix, MixLog, MixVersion, MixVersions, VersionState};
use crate::dashboard::{DEFAULT_LIMIT, Dashboard, MAX_LIMIT, Problem};

/// How long an upload waits for its verdict. Rust takes a second, JavaScript and Python longer.
const VERDICT: Duration = Duration::from_secs(10);

/// Previews at a time: they all take turns on one processor.
pub(super) const PREVIEWS: usize = 1;

/// How long one waits for its place.
const PREVIEW: Duration = Duration::from_secs(10);

/// Letters of a name.
const NAME: usize = 100;

/// The bytes of a WebAssembly component.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the document speaks of it; the bytes come as a stream")]
pub(super) struct Component(Vec<u8>);

/// What an upload is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadQuery {
    /// A name by which you know it again. Left out, it is called by its number.
    #[param(max_length = 100, example = "quiet voices first")]
    name: Option<String>,
}

/// How much is tried.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    /// Posts that a reader's app asks for.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
}

impl PreviewQuery {
    fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let in_bounds = (1..=MAX_LIMIT).contains(&limit);
        in_bounds.then_some(limit).ok_or_else(|| Problem::Invalid(format!("limit is {limit}, and must be between 1 and {MAX_LIMIT}")))
    }
}

/// A version's number in a path.
fn number(text: &str) -> Result<u32, Problem> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number.filter(|number| *number > 0).ok_or_else(|| Problem::Invalid("the path: a version is called by its number, from 1".to_owned()))
}

impl Api {
    /// Something that may wait for the disk, or for a mix's turn.
    async fn mixes<T: Send + 'static>(&self, work: impl FnOnce(&Dashboard) -> Result<T, Problem> + Send + 'static) -> Result<Json<T>, ApiError> {
        Ok(Json(self.aside(work).await?))
    }
}

/// How a community's feed is mixed
///
/// What is active, which versions there are, and what may be done. For the owner and the host's operators.
#[utoipa::path(get, path = "/api/communities/{id}/feed-mix", tag = "feed mix", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = Mix),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn read(State(api): State<Api>, caller: Caller, Named(id): Named<String>) -> Result<Json<Mix>, ApiError> {
    api.mixes(move |dashboard| dashboard.mix(&caller.who, &id)).await
}

/// All versions of a community's mix
#[utoipa::path(get, path = "/api/communities/{id}/feed-mix/versions", tag = "feed mix", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = MixVersions),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn versions(State(api): State<Api>, caller: Caller, Named(id): Named<String>) -> Result<Json<MixVersions>, ApiError> {
    api.mixes(move |dashboard| dashboard.mix_versions(&caller.who, &id)).await
}

/// Upload a mix
///
/// The body is the component itself. It is compiled and tried before anything else can be done with it; the answer waits some seconds for
/// that. The same bytes again are the same version. With curl:
/// `curl --fail-with-body -H "authorization: Bearer $TOKEN" -H 'content-type: application/wasm' --data-binary @mix.wasm '…/feed-mix/versions?name=first'`
#[utoipa::path(post, path = "/api/communities/{id}/feed-mix/versions", tag = "feed mix",
    params(("id" = String, Path, description = "The community's id"), UploadQuery),
    request_body(content((Component = "application/wasm"), (Component = "application/octet-stream"))), responses(
    (status = 200, body = MixVersion, description = "The community has the same bytes already"),
    (status = 201, body = MixVersion, description = "It is ready to be previewed and activated"),
    (status = 202, body = MixVersion, description = "It is still being compiled and tried: look at the version again in a moment"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not the owner, or this host takes no uploads of theirs"),
    (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "`QuotaReached`: remove a version first"),
    (status = 413, body = ErrorBody, description = "Larger than a component may be"),
    (status = 422, body = ErrorBody, description = "`MixRefused`: why it can't make a feed, in a sentence. The version stays in the list as refused"),
    (status = 429, body = ErrorBody, description = "Too many requests, uploads at a time or new components"),
    (status = 503, body = ErrorBody),
    (status = 507, body = ErrorBody, description = "`HostFull`: the host has no room for more"),
))]
pub(super) async fn upload(
    State(api): State<Api>,
    Writer { who, .. }: Writer,
    Named(id): Named<String>,
    Parameters(query): Parameters<UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Json<MixVersion>), ApiError> {
    let caller = who.did.clone();
    let to = api.aside(move |dashboard| dashboard.destination(&who, &id)).await?;
    let name = query.name.unwrap_or_default();
    if name.chars().count() > NAME {
        return Err(Problem::Invalid(format!("the parameters: name may have {NAME} letters")).into());
    }
    let (head, body) = request.into_parts();
    let kept = api.take_upload(&to, &caller, name, &head.headers, body).await?;
    let version = api.dashboard.verdict(&to, kept.number, VERDICT).await?;
    let status = match version.state {
        VersionState::Checking => StatusCode::ACCEPTED,
        _ if kept.new => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Ok((status, Json(version)))
}

/// One version
#[utoipa::path(get, path = "/api/communities/{id}/feed-mix/versions/{number}", tag = "feed mix",
    params(("id" = String, Path, description = "The community's id"), ("number" = u32, Path, minimum = 1, description = "The version's number")), responses(
    (status = 200, body = MixVersion),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn version(State(api): State<Api>, caller: Caller, Named((id, version)): Named<(String, String)>) -> Result<Json<MixVersion>, ApiError> {
    let number = number(&version)?;
    api.mixes(move |dashboard| dashboard.mix_version(&caller.who, &id, number)).await
}

/// Try a version
///
/// The first page that it would make of the posts that there are now, beside the one that readers get now. Nobody sees it, and nothing comes
/// of it. A reader who isn't known is assumed.
#[utoipa::path(post, path = "/api/communities/{id}/feed-mix/versions/{number}/preview", tag = "feed mix",
    params(("id" = String, Path, description = "The community's id"), ("number" = u32, Path, minimum = 1, description = "The version's number"), PreviewQuery), responses(
    (status = 200, body = MixPreview),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "`VersionNotReady`: still being looked at; `VersionRefused`"),
    (status = 429, body = ErrorBody, description = "Too many requests, or another preview of yours is being made"), (status = 503, body = ErrorBody),
))]
pub(super) async fn preview(
    State(api): State<Api>,
    Writer { who, .. }: Writer,
    Named((id, version)): Named<(String, String)>,
    Parameters(query): Parameters<PreviewQuery>,
) -> Result<Json<MixPreview>, ApiError> {
    let (number, limit) = (number(&version)?, query.limit()?);
    let place = api.previewing.take(&who.did, PREVIEW).await.map_err(|taken| match taken {
        Taken::ByCaller => Problem::TooMany { message: "another preview of yours is being made: wait until it is done".to_owned(), again_in: None },
        Taken::ByOthers => Problem::Unavailable("others are trying their mixes: try again in a moment".to_owned()),
    })?;
    api.mixes(move |dashboard| {
        let _place = place;
        dashboard.preview_mix(&who, &id, number, limit)
    })
    .await
}

/// Activate a version
///
/// The feed is made by it from the next page on.
#[utoipa::path(post, path = "/api/communities/{id}/feed-mix/versions/{number}/activate", tag = "feed mix",
    params(("id" = String, Path, description = "The community's id"), ("number" = u32, Path, minimum = 1, description = "The version's number")), responses(
    (status = 200, body = Mix),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not the owner, or this host lets no mixes of theirs run"), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "`VersionNotReady`: still being looked at; `VersionRefused`"), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn activate(State(api): State<Api>, Writer { who, .. }: Writer, Named((id, version)): Named<(String, String)>) -> Result<Json<Mix>, ApiError> {
    let number = number(&version)?;
    api.mixes(move |dashboard| dashboard.activate_mix(&who, &id, number)).await
}

/// Go back to the default mix
///
/// For the owner and the host's operators. Where it makes the feed already, nothing changes.
#[utoipa::path(post, path = "/api/communities/{id}/feed-mix/deactivate", tag = "feed mix", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = Mix),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn deactivate(State(api): State<Api>, Writer { who, .. }: Writer, Named(id): Named<String>) -> Result<Json<Mix>, ApiError> {
    api.mixes(move |dashboard| dashboard.deactivate_mix(&who, &id)).await
}

/// Go back to what was active before
///
/// A version, or the default mix. Doing it again leads back once more.
#[utoipa::path(post, path = "/api/communities/{id}/feed-mix/rollback", tag = "feed mix", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = Mix),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not the owner, or this host lets no mixes of theirs run"), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "`NothingBefore`: nothing was active before, or it was removed"), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn roll_back(State(api): State<Api>, Writer { who, .. }: Writer, Named(id): Named<String>) -> Result<Json<Mix>, ApiError> {
    api.mixes(move |dashboard| dashboard.roll_back_mix(&who, &id)).await
}

/// Remove a version
///
/// Its number is never given to another. One that is active can't be removed.
#[utoipa::path(delete, path = "/api/communities/{id}/feed-mix/versions/{number}", tag = "feed mix",
    params(("id" = String, Path, description = "The community's id"), ("number" = u32, Path, minimum = 1, description = "The version's number")), responses(
    (status = 200, body = Mix),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "`VersionActive`: activate another, or the default mix, first"), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn remove(State(api): State<Api>, Writer { who, .. }: Writer, Named((id, version)): Named<(String, String)>) -> Result<Json<Mix>, ApiError> {
    let number = number(&version)?;
    api.mixes(move |dashboard| dashboard.remove_mix_version(&who, &id, number)).await
}

/// What became of a community's mixes
///
/// What was done with them, how they failed and how often, and what they said: of the last seven days, up to two hundred lines, the newest first.
#[utoipa::path(get, path = "/api/communities/{id}/feed-mix/log", tag = "feed mix", params(("id" = String, Path, description = "The community's id")), responses(
    (status = 200, body = MixLog),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn log(State(api): State<Api>, caller: Caller, Named(id): Named<String>) -> Result<Json<MixLog>, ApiError> {
    api.mixes(move |dashboard| dashboard.mix_log(&caller.who, &id)).await
}

/// Posts to try a mix with at home
///
/// What a mix is asked for the first page that there would be now: `atrarium mix run mix.wasm --against` takes this address. It says no more than
/// the feed and public records do, so anybody may read it, up to a share of requests for each address.
#[utoipa::path(get, path = "/api/communities/{id}/feed-mix/candidates", tag = "feed mix", security(()),
    params(("id" = String, Path, description = "The community's id"), PreviewQuery), responses(
    (status = 200, body = Candidates),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn candidates(
    State(api): State<Api>,
    Named(id): Named<String>,
    Parameters(query): Parameters<PreviewQuery>,
) -> Result<Json<Candidates>, ApiError> {
    let limit = query.limit()?;
    Ok(Json(api.read(move |dashboard| dashboard.candidates(&id, limit)).await?))
}
