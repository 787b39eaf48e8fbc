//! What is asked, and what came back.

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::OutboundError;

/// A request. Without [`Request::keep_alive`] it has a connection of its own.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) keep_alive: bool,
    /// Set when a header's value can't be sent.
    pub(super) unsendable: bool,
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
#[derive(Debug, Clone)]
pub struct Response {
    pub(super) host: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub body: Bytes,
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
