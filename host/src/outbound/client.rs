//! The client: one request, one answer, within bounds.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, USER_AGENT};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use url::Url;

use super::connector::{Authorities, Connector, authorities};
use super::error::OutboundError;
use super::request::{Request, Response};
use super::slots::Slots;

/// An answer's head, in bytes, and the fields in it.
const HEAD_BYTES: usize = 32 * 1024;
const HEAD_FIELDS: usize = 100;

/// How long a connection that was left open is kept, and how many to one host. Servers commonly close theirs after a minute.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 8;

/// What the client may do.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether it may connect to loopback and private addresses, and without TLS.
    pub allow_private: bool,
    /// Requests at a time.
    pub requests: usize,
    /// Of these, to one host.
    pub requests_per_host: usize,
    /// Requests that wait for their turn; those beyond are turned away.
    pub waiting: usize,
    /// For looking up a name, for connecting, and for TLS, each.
    pub connect: Duration,
    /// By how much a certificate must outlast this moment.
    pub outlasting: Duration,
}

impl Policy {
    /// The program's: what two cores and a server's politeness bear. A directory of DIDs answers in a tenth of a second, so sixteen at a
    /// time are more than a hundred new readers a second.
    pub fn new(allow_private: bool) -> Self {
        Self { allow_private, requests: 64, requests_per_host: 16, waiting: 1_024, connect: Duration::from_secs(3), outlasting: Duration::ZERO }
    }
}

/// What one request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the call to the last byte, the waiting for one's turn included.
    pub deadline: Duration,
    /// The most bytes of an answer's body.
    pub body: usize,
}

/// The program's HTTP client. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    policy: Policy,
    authorities: Authorities,
    slots: Slots,
    keeping: legacy::Client<Connector, Full<Bytes>>,
    closing: legacy::Client<Connector, Full<Bytes>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.policy).finish()
    }
}

impl Client {
    pub fn new(policy: Policy) -> Self {
        Self::trusting(authorities(), policy)
    }

    /// Whose servers prove their names by these authorities.
    pub(super) fn trusting(authorities: Authorities, policy: Policy) -> Self {
        let connector = Connector::new(&policy, authorities.clone());
        let slots = Slots::new(policy.requests, policy.requests_per_host, policy.waiting);
        let client = |idle: usize| {
            legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(idle)
                .http1_max_buf_size(HEAD_BYTES)
                .http1_max_headers(HEAD_FIELDS)
                .build(connector.clone())
        };
        Self(Arc::new(Inner { keeping: client(IDLE_PER_HOST), closing: client(0), slots, authorities, policy }))
    }

    /// What it may do.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Another one that may do the same, and judges certificates by a clock that is ahead by so much.
    pub fn ahead_by(&self, outlasting: Duration) -> Self {
        Self::trusting(self.0.authorities.clone(), Policy { outlasting, ..self.0.policy.clone() })
    }

    /// Asks for what is at this URL.
    pub async fn get(&self, url: &Url, limits: Limits) -> Result<Response, OutboundError> {
        self.send(Request::get(url), limits).await
    }

    /// Makes a request and reads the answer to its end. Any status is an answer: see [`Response::ok`].
    pub async fn send(&self, request: Request, limits: Limits) -> Result<Response, OutboundError> {
        let (host, started) = (request.host(), Instant::now());
        let outcome = match timeout(limits.deadline, self.0.exchange(request, limits.body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(OutboundError::Timeout { host, deadline: limits.deadline }),
        };
        let kind = outcome.as_ref().map_or_else(OutboundError::kind, |_| "answered");
        metrics::counter!("atrarium_outbound_requests_total", "outcome" => kind).increment(1);
        metrics::histogram!("atrarium_outbound_seconds").record(started.elapsed());
        outcome
    }
}

impl Inner {
    async fn exchange(&self, request: Request, most: usize) -> Result<Response, OutboundError> {
        let host = request.host();
        let keep_alive = request.keep_alive;
        let request = self.check(request)?;
        let Some(_slot) = self.slots.take(&host).await else { return Err(OutboundError::Busy { host }) };
        let client = if keep_alive { &self.keeping } else { &self.closing };
        let answer = client.request(request).await.map_err(|error| cause(&host, error))?;
        let (head, body) = answer.into_parts();
        let body = read(&host, &head.headers, body, most).await?;
        Ok(Response { host, status: head.status, headers: head.headers, body })
    }

    /// The request as it is sent, if it may be.
    fn check(&self, request: Request) -> Result<hyper::Request<Full<Bytes>>, OutboundError> {
        let host = request.host();
        let refused = |reason| OutboundError::Refused { host: host.clone(), reason };
        let mut url = request.url;
        match url.scheme() {
            "https" => {}
            "http" if self.policy.allow_private => {}
            "http" => return Err(refused("without TLS, which is for private networks")),
            _ => return Err(refused("only https is spoken")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the URL has a user in it"));
        }
        if request.unsendable {
            return Err(refused("a header or the body can't be sent"));
        }
        url.set_fragment(None);
        let mut sent = hyper::Request::builder().method(request.method).uri(url.as_str()).body(Full::new(request.body)).map_err(|_| refused("no such URL"))?;
        *sent.headers_mut() = request.headers;
        sent.headers_mut().insert(USER_AGENT, HeaderValue::from_static(concat!("atrarium/", env!("CARGO_PKG_VERSION"))));
        if !request.keep_alive {
            sent.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(sent)
    }
}

/// The whole body, unless it is larger than it may be.
async fn read(host: &str, headers: &HeaderMap, mut body: Incoming, most: usize) -> Result<Bytes, OutboundError> {
    let too_large = || OutboundError::TooLarge { host: host.to_owned(), limit: most };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|cause| OutboundError::Broken { host: host.to_owned(), cause: cause.to_string() })?;
        // Trailers say nothing that we ask for.
        let Ok(piece) = frame.into_data() else { continue };
        if whole.len() + piece.len() > most {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Our own error if the connector made it; what hyper says otherwise.
fn cause(host: &str, error: legacy::Error) -> OutboundError {
    let mut next: Option<&(dyn Error + 'static)> = Some(&error);
    let mut last = String::new();
    while let Some(error) = next {
        if let Some(ours) = error.downcast_ref::<OutboundError>() {
            return ours.clone();
        }
        last = error.to_string();
        next = error.source();
    }
    OutboundError::Broken { host: host.to_owned(), cause: last }
}
