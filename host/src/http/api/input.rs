//! What a caller sends: a body of JSON, parameters, parts of the path. All bounded, and wrong in one sentence (`words.rs`).

use std::time::Duration;

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::error::ApiError;
use super::words;
use crate::dashboard::{Page, Problem};

/// The largest body: a name, a description and a reason in the widest letters have 7 KB.
const BODY_BYTES: usize = 64 << 10;

/// For a body to come.
pub(super) const BODY_TIME: Duration = Duration::from_secs(10);

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_json = given.split(';').next().is_some_and(|given| given.trim().eq_ignore_ascii_case("application/json"));
        // What is announced need not be waited for.
        if request.body().size_hint().lower() > BODY_BYTES as u64 {
            return Err(too_large().into());
        }
        let reading = Limited::new(request.into_body(), BODY_BYTES).collect();
        let bytes = match tokio::time::timeout(BODY_TIME, reading).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(cause)) if cause.is::<LengthLimitError>() => return Err(too_large().into()),
            Ok(Err(_)) => return Err(Problem::Invalid("the body ended before its end".to_owned()).into()),
            Err(_) => return Err(Problem::Invalid(format!("the body did not come within {} seconds", BODY_TIME.as_secs())).into()),
        };
        if bytes.is_empty() {
            // What has no field that is needed may be left out altogether.
            return Ok(read(b"{}").map(Self)?);
        }
        if !is_json {
            return Err(Problem::Invalid("the content-type must be application/json".to_owned()).into());
        }
        Ok(read(&bytes).map(Self)?)
    }
}

fn too_large() -> Problem {
    Problem::TooLarge(format!("a body may have {BODY_BYTES} bytes"))
}

/// Reads JSON, or says what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|wrong| {
        let (field, cause) = (wrong.path().to_string(), wrong.into_inner());
        match cause.is_data() {
            true => Problem::Unprocessable(format!("the body: {}", words::of_form(&field, &cause.to_string()))),
            false => Problem::Invalid(words::no_json(cause.line(), cause.column())),
        }
    })?;
    reader.end().map_err(|cause| Problem::Invalid(words::no_json(cause.line(), cause.column())))?;
    Ok(value)
}

/// The parameters in a URL.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(wrong) => Err(Problem::Invalid(of_parameters(&wrong.body_text())).into()),
        }
    }
}

/// What is wrong with parameters, by what the library says of them.
pub(super) fn of_parameters(said: &str) -> String {
    let said = said.split_once("query string: ").map_or(said, |(_, said)| said);
    // A name is what stands before the first colon, unless that is a word of the sentence.
    let (field, said) = said.split_once(": ").filter(|(field, _)| !field.contains([' ', '`'])).unwrap_or(("", said));
    format!("the parameters: {}", words::of_form(field, said))
}

/// What the path names.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(wrong)) if matches!(wrong.kind(), ErrorKind::InvalidUtf8InPathParam { .. }) => {
                Err(Problem::Invalid("the path is not UTF-8".to_owned()).into())
            }
            Err(wrong) => Err(Problem::Invalid(format!("the path: {}", words::of_form("", &wrong.body_text()))).into()),
        }
    }
}

/// A text to search for, which has at most so many letters.
pub(super) fn sought(text: Option<String>, most: usize) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.chars().count() > most => Err(Problem::Invalid(format!("the parameters: q may have {most} letters")).into()),
        text => Ok(text),
    }
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Items at a time.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the list goes on: what came with the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

impl PageQuery {
    pub(super) fn page(self) -> Result<Page, ApiError> {
        Ok(Page::new(self.limit, self.cursor)?)
    }
}
