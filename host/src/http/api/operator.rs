//! The whole host, for its operators: how it is, what could not be told to communities' objects, its limits, and whom they shut out.

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::{Caller, Writer};
use super::error::{ApiError, ErrorBody};
use super::input::{Named, PageQuery, Parameters};
use super::upkeep::Accepted;
use crate::dashboard::access::Deed;
use crate::dashboard::views::DeadLetters;
use crate::dashboard::{HostLimits, HostLoad, HostStatus, Problem, Standing};

/// How the host is
#[utoipa::path(get, path = "/api/operator/status", tag = "operator", responses(
    (status = 200, body = HostStatus), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn status(State(api): State<Api>, caller: Caller) -> Result<Json<HostStatus>, ApiError> {
    Ok(Json(api.aside(move |dashboard| dashboard.host_status(&caller.who)).await?))
}

/// The host's limits
#[utoipa::path(get, path = "/api/operator/limits", tag = "operator", responses(
    (status = 200, body = HostLimits), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn limits(State(api): State<Api>, caller: Caller) -> Result<Json<HostLimits>, ApiError> {
    Ok(Json(api.read(move |dashboard| dashboard.host_limits(&caller.who)).await?))
}

/// The communities that keep the host busy
///
/// By the time of a processor that their objects and the pages of their feeds have taken lately, the dearest first.
#[utoipa::path(get, path = "/api/operator/load", tag = "operator", responses(
    (status = 200, body = HostLoad), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn load(State(api): State<Api>, caller: Caller) -> Result<Json<HostLoad>, ApiError> {
    Ok(Json(api.read(move |dashboard| dashboard.host_load(&caller.who)).await?))
}

/// Whose counts begin anew.
#[derive(Serialize, ToSchema)]
pub(super) struct Lifted {
    lifted: String,
}

/// Lift what is counted for somebody
///
/// Whoever was told to wait, for too many calls of the API or attempts to sign in, has their whole share again. How large shares are is the
/// configuration's to say.
#[utoipa::path(delete, path = "/api/operator/limits/{who}", tag = "operator",
    params(("who" = String, Path, description = "A DID, or an address of IPv4 or IPv6; of the latter its whole network is meant")), responses(
    (status = 200, body = Lifted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn lift(State(api): State<Api>, Writer { who: caller, .. }: Writer, Named(who): Named<String>) -> Result<Json<Lifted>, ApiError> {
    Deed::Operate.allow(&caller, Standing::None)?;
    if !api.counts.lift(&who) {
        return Err(Problem::Invalid("that is neither a DID nor an address".to_owned()).into());
    }
    tracing::info!(who = in_log(&who), by = caller.did, "limits lifted by an operator");
    Ok(Json(Lifted { lifted: who }))
}

/// How the log names them: of people it has DIDs alone.
fn in_log(who: &str) -> &str {
    if who.starts_with("did:") { who } else { "an address" }
}

/// Dead letters of all communities
#[utoipa::path(get, path = "/api/operator/dead-letters", tag = "operator", params(PageQuery), responses(
    (status = 200, body = DeadLetters), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn letters(State(api): State<Api>, caller: Caller, Parameters(page): Parameters<PageQuery>) -> Result<Json<DeadLetters>, ApiError> {
    Deed::Operate.allow(&caller.who, Standing::None)?;
    let page = page.page()?;
    Ok(Json(api.read(move |dashboard| dashboard.all_dead_letters(&page)).await?))
}

/// Try any dead letter again
#[utoipa::path(post, path = "/api/operator/dead-letters/{letter}/retry", tag = "operator", params(("letter" = String, Path, description = "The letter's id")), responses(
    (status = 202, body = Accepted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn retry_letter(
    State(api): State<Api>,
    Writer { who, .. }: Writer,
    Named(letter): Named<String>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    api.dashboard.retry_any_letter(&who, &letter).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: true })))
}

/// Drop any dead letter
#[utoipa::path(delete, path = "/api/operator/dead-letters/{letter}", tag = "operator", params(("letter" = String, Path, description = "The letter's id")), responses(
    (status = 200, body = Accepted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn drop_letter(State(api): State<Api>, Writer { who, .. }: Writer, Named(letter): Named<String>) -> Result<Json<Accepted>, ApiError> {
    api.dashboard.drop_any_letter(&who, &letter).await?;
    Ok(Json(Accepted { accepted: true }))
}

#[cfg(test)]
mod tests {
    use super::in_log;

    #[test]
    fn the_log_names_a_did_and_no_address() {
        let check = |who: &str, expected: &str| assert_eq!(in_log(who), expected, "{who}");
        check("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:plc:ewvi7nxzyoun6zhxrhs64oiz");
        check("did:web:ann.example", "did:web:ann.example");
        check("203.0.113.1", "an address");
        check("2001:db8::1", "an address");
    }
}
