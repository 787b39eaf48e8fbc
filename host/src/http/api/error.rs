//! Problems as answers: a status, `{"error":"<Name>","message":"<a sentence>"}`, and every one counted.

use axum::Json;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dashboard::Problem;
use crate::http::reply::Fault;
use crate::session::{SessionError, SignInError};

/// Why there is no good answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// A name that programs can rely on.
    #[schema(example = "NotFound")]
    error: &'static str,
    /// A sentence for people.
    #[schema(example = "there is no community \"moths\" here")]
    message: String,
    /// What was written and could not be undone, or may have been written, as AT-URIs: look at them before you try again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remains: Vec<String>,
}

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct ApiError(pub(super) Problem);

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        Self(error.into())
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        Self(error.into())
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self(Problem::Unavailable(fault.to_string()))
    }
}

fn status(problem: &Problem) -> StatusCode {
    match problem {
        Problem::Invalid(_) => StatusCode::BAD_REQUEST,
        Problem::NotSignedIn(_) | Problem::FactorNeeded(_) => StatusCode::UNAUTHORIZED,
        Problem::Forbidden(_) => StatusCode::FORBIDDEN,
        Problem::NotFound { .. } => StatusCode::NOT_FOUND,
        Problem::Conflict { .. } => StatusCode::CONFLICT,
        Problem::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Problem::Unprocessable(_) | Problem::MixRefused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Problem::Upstream(_) | Problem::Partial { late: false, .. } => StatusCode::BAD_GATEWAY,
        Problem::HostFull(_) => StatusCode::INSUFFICIENT_STORAGE,
        Problem::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Problem::Late(_) | Problem::Unsettled { .. } | Problem::Partial { late: true, .. } => StatusCode::GATEWAY_TIMEOUT,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        metrics::counter!("atrarium_api_problems_total", "error" => problem.name()).increment(1);
        let body = ErrorBody { error: problem.name(), message: problem.to_string(), remains: problem.remains().to_vec() };
        let mut response = (status(&problem), Json(body)).into_response();
        let headers = response.headers_mut();
        match &problem {
            Problem::NotSignedIn(_) | Problem::FactorNeeded(_) => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Problem::TooMany { again_in, .. } => drop(headers.insert(RETRY_AFTER, HeaderValue::from(again_in.map_or(60, |pause| pause.as_secs().max(1))))),
            Problem::Unavailable(_) => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("5"))),
            _ => {}
        }
        response
    }
}
