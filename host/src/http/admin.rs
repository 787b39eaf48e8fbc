//! What the operator's tools ask: metrics, and whether the program lives and is ready.
//!
//! `/live` answers as long as the process can answer anything: restart it when that stops. `/ready` says whether it should get
//! requests, and if not, why; a restart won't help. No other path exists here, no CORS, and no page of a feed.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, StatusCode};
use serde::Serialize;

use super::documents;
use super::reply::{Fault, JSON, NO_STORE, Reply, ok, reply};
use super::server::Routes;
use crate::telemetry::PrometheusHandle;

/// How often the recorder moves samples into their buckets; at 20,000 requests a second that is under a megabyte.
const UPKEEP: Duration = Duration::from_secs(5);

const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Whether the program should get requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// What stands against it, each in a sentence; empty if nothing does.
    pub reasons: Vec<String>,
}

/// The answer of `/ready`.
#[derive(Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<String>,
}

pub(super) struct Admin<R> {
    metrics: PrometheusHandle,
    readiness: R,
}

impl<R: Fn() -> Readiness + Send + Sync + 'static> Admin<R> {
    pub(super) fn new(metrics: PrometheusHandle, readiness: R) -> Self {
        Self { metrics, readiness }
    }

    fn ready(&self) -> Reply {
        let reasons = (self.readiness)().reasons;
        let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        reply(status, JSON, NO_STORE, documents::json(&Ready { ready: reasons.is_empty(), reasons }))
    }
}

impl<R: Fn() -> Readiness + Send + Sync + 'static> Routes for Admin<R> {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/live" | "/ready") {
            return Fault::NotFound.into();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Fault::MethodNotAllowed(request.method().clone()).into();
        }
        match path {
            "/metrics" => ok(PROMETHEUS, NO_STORE, self.metrics.render().into()),
            "/live" => ok(JSON, NO_STORE, r#"{"live":true}"#.into()),
            _ => self.ready(),
        }
    }
}

/// Keeps the recorder's memory small, for ever.
pub(super) async fn upkeep(metrics: PrometheusHandle) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
    }
}
