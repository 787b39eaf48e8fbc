//! What is asked, and what came back.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::OutboundError;

/// The longest pause that a server is granted, and the pause of one that doesn't say for how long.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
const UNSAID_PAUSE: Duration = Duration::from_secs(60);

/// A request. Without [`Request::keep_alive`] it has a connection of its own.
#[derive(Clone)]
pub struct Request {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) keep_alive: bool,
    /// Set when a header's value can't be sent.
    pub(super) unsendable: bool,
}

/// Neither body nor query nor the headers' values, which may be secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.host())
            .field("path", &self.url.path())
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish()
    }
}

impl Request {
    pub fn get(url: &Url) -> Self {
        Self::new(url, Method::GET, Bytes::new())
    }

    /// A POST of this body. Callers name its type with [`Request::header`].
    pub fn post(url: &Url, body: Bytes) -> Self {
        Self::new(url, Method::POST, body)
    }

    /// A POST of this value as JSON.
    pub fn post_json(url: &Url, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value);
        let unsendable = body.is_err();
        Self { unsendable, ..Self::post(url, body.unwrap_or_default().into()).header("content-type", "application/json") }
    }

    fn new(url: &Url, method: Method, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        Self { url: url.clone(), method, headers, body, keep_alive: false, unsendable: false }
    }

    /// With this header. The name is lower case. A value with characters that no header may have makes the request be refused.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(matches!(name, "authorization" | "dpop"));
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(_) => self.unsendable = true,
        }
        self
    }

    /// May use a connection that was left open, and leave it open. Only for hosts of which there are few: whoever could name new ones
    /// without end would fill the process with open sockets.
    #[must_use]
    pub fn keep_alive(mut self) -> Self {
        self.keep_alive = true;
        self
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// `GET` or `POST`.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    pub(super) fn host(&self) -> String {
        host(&self.url)
    }

    /// For scripted servers.
    #[cfg(test)]
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

/// The host with its port, as errors name it.
pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "a URL without a host".to_owned(),
    }
}

/// An answer, whole.
#[derive(Clone)]
pub struct Response {
    pub(super) host: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub body: Bytes,
}

/// Neither body nor the headers' values: the answer to a sign-in has tokens in it.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("host", &self.host).field("status", &self.status.as_u16()).field("body", &self.body.len()).finish()
    }
}

impl Response {
    /// A scripted server's answer of JSON.
    #[cfg(test)]
    pub(crate) fn scripted(status: u16, body: Bytes) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { host: "scripted".to_owned(), status: StatusCode::from_u16(status).unwrap_or_default(), headers, body }
    }

    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// For how long a server that can't serve us now wants to be left alone: as long as it says, within bounds.
    pub fn pause(&self) -> Duration {
        let said = self.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        said.unwrap_or(UNSAID_PAUSE).min(LONGEST_PAUSE)
    }

    /// Whether the content's type is this one, whatever its parameters.
    pub fn is_type(&self, media_type: &str) -> bool {
        let given = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        given.split(';').next().is_some_and(|given| given.trim().eq_ignore_ascii_case(media_type))
    }

    /// Itself if the status is 200. Everything else, redirects among it, is an error.
    pub fn ok(self) -> Result<Self, OutboundError> {
        match self.status {
            StatusCode::OK => Ok(self),
            status => Err(OutboundError::Status { host: self.host, status: status.as_u16() }),
        }
    }

    /// The body as JSON, whatever the status.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutboundError> {
        serde_json::from_slice(&self.body).map_err(|cause| OutboundError::Json { host: self.host.clone(), cause: cause.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn neither_a_request_nor_an_answer_shows_what_may_be_a_secret() {
        let url = Url::parse("https://pds.example.org/xrpc/a?token=hidden-1").expect("a URL");
        let request = Request::post(&url, Bytes::from_static(b"password=hidden-2")).header("authorization", "Bearer hidden-3").header("dpop-nonce", "hidden-4");
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("hidden-5"));
        let response = Response { host: "pds.example.org".to_owned(), status: StatusCode::OK, headers, body: Bytes::from_static(b"hidden-6") };
        let shown = format!("{request:?} {request:#?} {response:?} {response:#?}");
        assert!(shown.contains("pds.example.org") && shown.contains("/xrpc/a") && shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_says_within_bounds() {
        for (said, seconds) in [(None, 60), (Some("7"), 7), (Some(" 0 "), 0), (Some("3600"), 3_600), (Some("999999999"), 3_600), (Some("Fri, 1 Jan 2027"), 60)]
        {
            let mut headers = HeaderMap::new();
            headers.extend(said.map(|said| (RETRY_AFTER, HeaderValue::from_static(said))));
            let response = Response { host: String::new(), status: StatusCode::TOO_MANY_REQUESTS, headers, body: Bytes::new() };
            assert_eq!(response.pause().as_secs(), seconds, "{said:?}");
        }
    }
}
