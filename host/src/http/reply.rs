//! Answers, and errors in XRPC form: `{"error":"<name>","message":"<a sentence>"}`.
//!
//! Header values are made once, as constants; bodies are shared, not copied. A message says what the caller can act on; causes on our
//! side stay in the log. Every fault that becomes an answer is counted.

use std::borrow::Cow;

use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Response, StatusCode};

use super::documents;
use super::limits::Share;
use super::payload::Payload;
use crate::identity::token::TokenError;

pub(super) type Reply = Response<Payload>;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Never kept: the next post may come in a moment, and a page may one day depend on who reads it.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Long enough for the store to be opened again, short enough for a reader to wait.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// A good answer.
pub(super) fn ok(content_type: HeaderValue, cache: HeaderValue, body: Bytes) -> Reply {
    reply(StatusCode::OK, content_type, cache, body)
}

pub(super) fn reply(status: StatusCode, content_type: HeaderValue, cache: HeaderValue, body: Bytes) -> Reply {
    let mut reply = Response::new(Payload::from(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, cache);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    reply
}

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The caller has to ask otherwise.
    #[error("{0}")]
    InvalidRequest(Cow<'static, str>),
    /// The caller isn't who they say, or means somebody else.
    #[error("{0}")]
    Token(TokenError),
    #[error("this host has no such feed")]
    UnknownFeed,
    #[error("there is nothing at this path")]
    NotFound,
    /// The reader asks too often.
    #[error("this reader has asked for {} pages within an hour, which is as many as one may", .0.most)]
    TooMany(Share),
    #[error("this XRPC method is not implemented here")]
    MethodNotImplemented,
    #[error("Incorrect HTTP method ({0}), expected GET")]
    MethodNotAllowed(Method),
    /// Our fault; the same request may succeed soon.
    #[error("feeds can't be read at the moment")]
    Unavailable,
    /// More is asked than can be answered in time.
    #[error("this host is asked for more than it can answer: try again in a few seconds")]
    Busy,
    /// Our fault, and too late for who asked.
    #[error("the answer took too long")]
    Late,
}

impl Fault {
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidRequest(message.into())
    }

    /// Counts what is refused because there is too much of it: one of a few words.
    pub(super) fn busy(what: &'static str) -> Self {
        metrics::counter!("atrarium_http_shed_total", "what" => what).increment(1);
        Self::Busy
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) | Self::UnknownFeed => StatusCode::BAD_REQUEST,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable | Self::Busy | Self::Late => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The error's name in the XRPC form. A wrong HTTP method is an `InvalidRequest`, as in the reference implementation.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::MethodNotAllowed(_) => "InvalidRequest",
            Self::Token(wrong) => wrong.name(),
            Self::UnknownFeed => "UnknownFeed",
            Self::NotFound => "NotFound",
            Self::TooMany(_) => "RateLimitExceeded",
            Self::MethodNotImplemented => "MethodNotImplemented",
            Self::Unavailable | Self::Busy | Self::Late => "ServiceUnavailable",
        }
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unavailable | Self::Busy | Self::Late => Some((RETRY_AFTER, RETRY_SECONDS)),
            Self::Token(_) => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::MethodNotAllowed(_) => Some((ALLOW, HeaderValue::from_static("GET, HEAD"))),
            _ => None,
        }
    }
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        metrics::counter!("atrarium_http_refusals_total", "error" => fault.name()).increment(1);
        let body = documents::error(fault.name(), &fault.to_string());
        let mut reply = reply(fault.status(), JSON, NO_STORE, body);
        reply.headers_mut().extend(fault.header());
        if let Fault::TooMany(share) = &fault {
            share.tell(reply.headers_mut(), true);
        }
        reply
    }
}
