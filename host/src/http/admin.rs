//! What the operator's tools ask: metrics, and whether the program lives and is ready.
//!
//! `/live` answers as long as the process can answer anything: restart it when that stops. `/ready` says whether it should get
//! requests, and if not, why; a restart won't help. No other path exists here, no CORS, and no page of a feed. Numbers that have to be looked
//! up are left out while the disk keeps them waiting: the others come all the same.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, StatusCode};
use serde::Serialize;
use tokio::time::timeout;

use super::documents;
use super::reply::{Fault, JSON, NO_STORE, Reply, ok, reply};
use super::server::Routes;
use crate::dashboard::NotReady;
use crate::telemetry::Numbers;

/// How often the recorder moves samples into their buckets; at 20,000 requests a second that is under a megabyte.
const UPKEEP: Duration = Duration::from_secs(5);

/// For looking numbers up. Prometheus waits for ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);

const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Whether the program should get requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    pub ready: bool,
    /// What stands against it; empty if nothing does.
    pub reasons: Vec<NotReady>,
    /// `open`, or `failing` while ingest is paused.
    pub database: &'static str,
    pub firehose: Firehose,
    /// Events that wait in the queue.
    pub queue_depth: u64,
}

/// How the program reads from the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Firehose {
    pub connected: bool,
    /// How far behind the network it reads; missing before anything was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
    /// Whether that grows smaller.
    pub catching_up: bool,
    /// For how long nothing was read.
    pub silent_seconds: f64,
}

/// What the listener asks of the running program.
pub struct Gauges {
    pub readiness: Box<dyn Fn() -> Readiness + Send + Sync>,
    /// Looks up the numbers that nobody counts as they change, and answers those whose labels come and go, as Prometheus's text. It may
    /// wait for the disk.
    pub look_up: Arc<dyn Fn() -> String + Send + Sync>,
}

pub(super) struct Admin {
    numbers: Numbers,
    gauges: Gauges,
}

impl Admin {
    pub(super) fn new(numbers: Numbers, gauges: Gauges) -> Self {
        Self { numbers, gauges }
    }

    fn ready(&self) -> Reply {
        let readiness = (self.gauges.readiness)();
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        reply(status, JSON, NO_STORE, documents::json(&readiness))
    }

    async fn metrics(&self) -> Reply {
        let look_up = self.gauges.look_up.clone();
        let listed = timeout(PATIENCE, tokio::task::spawn_blocking(move || look_up())).await;
        let mut text = self.numbers.render();
        match listed {
            Ok(Ok(listed)) => text.push_str(&listed),
            // A panic is in the log; a disk that keeps us waiting is in the numbers of its own.
            Ok(Err(_)) | Err(_) => tracing::warn!("some numbers can't be looked up: the metrics come without them"),
        }
        ok(PROMETHEUS, NO_STORE, text.into())
    }
}

impl Routes for Admin {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/live" | "/ready") {
            return Fault::NotFound.into();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Fault::MethodNotAllowed(request.method().clone()).into();
        }
        match path {
            "/metrics" => self.metrics().await,
            "/live" => ok(JSON, NO_STORE, r#"{"live":true}"#.into()),
            _ => self.ready(),
        }
    }

    fn route(&self, _path: &str) -> &'static str {
        "admin"
    }
}

/// Keeps the recorder's memory small, for ever.
pub(super) async fn upkeep(numbers: Numbers) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        numbers.tidy();
    }
}
