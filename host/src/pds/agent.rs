//! How a user's own server is called with the user's authority: atrium's agent over our client.
//!
//! ```text
//! Repo, login ─▶ atrium's Agent ─▶ Caller ─▶ Authority::send ─▶ outbound
//!                 types, paths      errors     token, renewal      one request
//! ```
//!
//! An [`Authority`] knows how to make a request in the user's name and how to renew what has expired; nothing else here ever sees a
//! token. Answers are text from the network: bounded, looked over before atrium parses them ([`super::flat`]), and told to others only
//! as a short, clean sentence. Every refusal becomes a [`RepoError`] here, at one place. Nothing is tried again.

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use atrium_api::agent::{Agent, SessionManager};
use atrium_api::types::string::Did;
use atrium_xrpc::http::header::CONTENT_TYPE;
use atrium_xrpc::{Error, HttpClient, XrpcClient, http};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use url::Url;

use super::flat;
use crate::outbound::{Client, Limits, OutboundError, Request, Response};

/// For a call in all, with the waiting, the renewal of what has expired, and the second try after it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A record, whose own limits leave it some ten kilobytes in the widest letters. Larger ones are none of ours.
const RECORD_BYTES: usize = 128 << 10;

/// What a server says of a sign-in or of a write: that of a hundred records has 25 KB.
const OTHER_BYTES: usize = 64 << 10;

/// Letters of a server's own words that are passed on.
const WORDS: usize = 300;

/// Why a user's server did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepoError {
    /// The server takes our credentials no longer: the user has to sign in again.
    #[error("the server no longer takes our sign-in: {0}")]
    SignedOut(String),
    /// The credentials are good and this is not allowed with them, or the account may do nothing at present.
    #[error("the server does not allow it: {0}")]
    Denied(String),
    /// The record isn't what the caller thought it was. Worth trying again with what it is now.
    #[error("the record was changed meanwhile: {0}")]
    Conflict(String),
    /// For good: the server, or the protocol, has no such record.
    #[error("the server refuses the record: {0}")]
    Invalid(String),
    /// The server wants to be left alone for so long.
    #[error("the server wants to be left alone for {0:?}")]
    Busy(Duration),
    /// The server was not asked: this program makes as many requests as it may. Worth trying in a moment.
    #[error("too many requests are waiting here")]
    Crowded,
    /// It may have been done all the same.
    #[error("the server did not answer in time: {0}")]
    Late(String),
    /// No answer, or none that can be used. It may have been done all the same.
    #[error("the server could not be asked: {0}")]
    Unreachable(String),
}

impl RepoError {
    /// One word for it, as a label of a number.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SignedOut(_) => "signed_out",
            Self::Denied(_) => "denied",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::Busy(_) => "busy",
            Self::Crowded => "crowded",
            Self::Late(_) => "late",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

impl From<OutboundError> for RepoError {
    fn from(cause: OutboundError) -> Self {
        match cause {
            OutboundError::Timeout { .. } => Self::Late(cause.to_string()),
            OutboundError::Busy { .. } => Self::Crowded,
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// One user's right to ask their server.
pub trait Authority: Debug + Send + Sync + 'static {
    /// Whose right it is.
    fn did(&self) -> &str;

    /// The user's server.
    fn origin(&self) -> &Url;

    /// Makes a request to [`Authority::origin`] in the user's name. What has expired is renewed on the way. Any status is an answer.
    fn send(&self, request: Request, limits: Limits) -> BoxFuture<'_, Result<Response, RepoError>>;
}

/// Requests that carry one token, or none, and renew nothing.
pub(super) struct Bearer {
    pub(super) client: Client,
    pub(super) origin: Url,
    pub(super) token: Option<String>,
}

impl Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("origin", &self.origin.as_str()).finish_non_exhaustive()
    }
}

impl Authority for Bearer {
    fn did(&self) -> &str {
        ""
    }

    fn origin(&self) -> &Url {
        &self.origin
    }

    fn send(&self, request: Request, limits: Limits) -> BoxFuture<'_, Result<Response, RepoError>> {
        let request = match &self.token {
            Some(token) => request.header("authorization", &format!("Bearer {token}")),
            None => request,
        };
        Box::pin(async move { Ok(self.client.send(request, limits).await?) })
    }
}

/// What atrium's agent asks through.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Arc<dyn Authority>);

impl Caller {
    pub(super) fn agent(&self) -> Agent<Self> {
        Agent::new(self.clone())
    }
}

impl HttpClient for Caller {
    async fn send_http(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Box<dyn StdError + Send + Sync + 'static>> {
        let call = called(request.uri().path());
        let body = if call == "getRecord" { RECORD_BYTES } else { OTHER_BYTES };
        let limits = Limits { deadline: PATIENCE, body };
        let outcome = self.0.send(outgoing(request)?, limits).await;
        let kind = match &outcome {
            Ok(response) if response.status() == 200 => "done",
            Ok(_) => "refused",
            Err(error) => error.kind(),
        };
        metrics::counter!("atrarium_pds_calls_total", "call" => call, "outcome" => kind).increment(1);
        let response = outcome.map_err(Failure::Other)?;
        if response.status() != 200 {
            return Err(Failure::of(&response).into());
        }
        flat::check(&response.body).map_err(|what| Failure::Other(RepoError::Unreachable(format!("it answered with JSON that {what}"))))?;
        let mut answer = http::Response::builder();
        if let Some(of_type) = response.header("content-type") {
            answer = answer.header(CONTENT_TYPE, of_type);
        }
        Ok(answer.body(response.body.to_vec())?)
    }
}

impl XrpcClient for Caller {
    fn base_uri(&self) -> String {
        self.0.origin().as_str().trim_end_matches('/').to_owned()
    }
}

impl SessionManager for Caller {
    async fn did(&self) -> Option<Did> {
        Did::new(self.0.did().to_owned()).ok()
    }
}

/// What is called, as a label of a number: the last part of the method's name.
fn called(path: &str) -> &'static str {
    const CALLS: [&str; 9] =
        ["getRecord", "putRecord", "createRecord", "deleteRecord", "applyWrites", "getLatestCommit", "createSession", "refreshSession", "deleteSession"];
    let name = path.rsplit('.').next().unwrap_or_default();
    CALLS.into_iter().find(|call| *call == name).unwrap_or("other")
}

/// The request as our client makes it.
fn outgoing(request: http::Request<Vec<u8>>) -> Result<Request, Box<dyn StdError + Send + Sync + 'static>> {
    let url = Url::parse(&request.uri().to_string())?;
    let of_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let outgoing = match *request.method() {
        http::Method::POST => Request::post(&url, request.into_body().into()),
        _ => Request::get(&url),
    };
    let outgoing = outgoing.header("accept", "application/json");
    Ok(of_type.map_or(outgoing.clone(), |of_type| outgoing.header("content-type", &of_type)))
}

/// Why a call has no output, before it is known what was called.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The server's own word for it; the name has letters and digits only.
    #[error("{status} {name}: {words}")]
    Refused { status: u16, name: String, words: String, pause: Duration },
    #[error(transparent)]
    Other(RepoError),
}

impl Failure {
    fn of(response: &Response) -> Self {
        let (name, words) = error_of(response);
        Self::Refused { status: response.status(), name, words, pause: response.pause() }
    }

    /// What atrium made of it.
    pub(super) fn from_atrium<E: Debug>(error: Error<E>) -> Self {
        let nonsense = |what: &str| Self::Other(RepoError::Unreachable(format!("it answered with {what}")));
        match error {
            Error::HttpClient(cause) => match cause.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(cause) => Self::Other(RepoError::Unreachable(clean(&cause.to_string()))),
            },
            // The cause may quote the answer, which may hold a token.
            Error::SerdeJson(cause) => nonsense(&format!("JSON that doesn't fit (line {}, column {})", cause.line(), cause.column())),
            _ => nonsense("something else than was asked for"),
        }
    }
}

impl From<Failure> for RepoError {
    fn from(failure: Failure) -> Self {
        let (status, name, words, pause) = match failure {
            Failure::Other(error) => return error,
            Failure::Refused { status, name, words, pause } => (status, name, words, pause),
        };
        let said = match (name.is_empty(), words.is_empty()) {
            (true, true) => status.to_string(),
            (false, true) => name.clone(),
            (true, false) => words,
            (false, false) => format!("{name}: {words}"),
        };
        match (status, name.as_str()) {
            (_, name) if is_of_account(name) => Self::Denied(said),
            (status, name) if signs_out(status, name) => Self::SignedOut(said),
            (_, "InvalidSwap") => Self::Conflict(said),
            (429, _) => Self::Busy(pause),
            (403, _) => Self::Denied(said),
            (400 | 413 | 422, _) => Self::Invalid(said),
            _ => Self::Unreachable(said),
        }
    }
}

/// Whether the server says that the credentials with which it was asked are good no longer.
pub(crate) fn is_signed_out(response: &Response) -> bool {
    signs_out(response.status(), &error_of(response).0)
}

fn signs_out(status: u16, name: &str) -> bool {
    match status {
        // A server that can't agree with itself about its nonces says nothing of the credentials.
        401 => !is_of_account(name) && name != "use_dpop_nonce",
        400 => matches!(name, "ExpiredToken" | "InvalidToken" | "invalid_token" | "AuthMissing" | "AuthenticationRequired"),
        _ => false,
    }
}

/// Whether an error is about the account, whatever the credentials.
fn is_of_account(name: &str) -> bool {
    matches!(name, "AccountTakedown" | "AccountDeactivated" | "AccountSuspended" | "RepoDeactivated" | "RepoTakendown")
}

/// The error's name and sentence, as far as they are text.
fn error_of(response: &Response) -> (String, String) {
    #[derive(Deserialize)]
    struct Xrpc {
        error: Option<String>,
        #[serde(alias = "error_description")]
        message: Option<String>,
    }
    let Ok(Xrpc { error, message }) = serde_json::from_slice(&response.body) else { return Default::default() };
    let name = error.unwrap_or_default().chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(64).collect();
    (name, clean(&message.unwrap_or_default()))
}

/// A server's words without what does harm in a log or an answer.
fn clean(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_control()).take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_full_queue_is_not_the_servers_fault() {
        let host = || "pds.example.org".to_owned();
        assert_eq!(RepoError::from(OutboundError::Busy { host: host() }), RepoError::Crowded);
        assert!(matches!(RepoError::from(OutboundError::Timeout { host: host(), deadline: PATIENCE }), RepoError::Late(_)));
    }

    #[test]
    fn only_what_is_about_the_credentials_signs_anybody_out() {
        let check = |status: u16, name: &str, expected: bool| {
            let failure = Failure::Refused { status, name: name.to_owned(), words: String::new(), pause: PATIENCE };
            let is_signed_out = matches!(RepoError::from(failure), RepoError::SignedOut(_));
            assert_eq!((signs_out(status, name), is_signed_out), (expected, expected), "{status} {name}");
        };
        for (status, name) in [(401, ""), (401, "AuthMissing"), (401, "invalid_token"), (400, "ExpiredToken"), (400, "InvalidToken")] {
            check(status, name, true);
        }
        for (status, name) in [
            (400, ""),
            (400, "InvalidRequest"),
            (401, "AccountTakedown"),
            (400, "AccountDeactivated"),
            (401, "use_dpop_nonce"),
            (403, "InvalidToken"),
            (403, ""),
            (429, "RateLimitExceeded"),
            (500, "ExpiredToken"),
            (503, ""),
        ] {
            check(status, name, false);
        }
    }
}
