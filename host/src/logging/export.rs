//! Sending traces to a collector of OpenTelemetry: OTLP over HTTP, in protobuf.
//!
//! It is off unless the operator names a collector. Spans are sent in batches by a thread of the library's, through the program's own
//! HTTP client; what can't be sent, or is too much, is lost, and nobody waits for it. Spans name routes, numbers and DIDs, and nothing
//! else of anybody.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use url::Url;

use crate::outbound::{self, Client, Limits, Policy};
use crate::version::VERSION;

/// For a batch: the collector is near.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(10), body: 64 << 10 };

/// At the end of the program, for what hasn't been sent.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where collectors take traces, if the operator names no path.
const PATH: &str = "/v1/traces";

/// Where traces go, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub endpoint: Url,
    /// Of a hundred traces so many are sent.
    pub percent: u32,
}

/// Sends traces for as long as it lives, and what is left at its end.
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// To be begun in the runtime on which the requests are made.
    pub fn start(export: &Export) -> Result<Self, String> {
        let mut endpoint = export.endpoint.clone();
        if endpoint.path() == "/" {
            endpoint.set_path(PATH);
        }
        let failed = |cause: &dyn fmt::Display| format!("traces can't be sent to {endpoint}: {cause}");
        // The operator has named it, so it may be near and without TLS.
        let sender = Sender { client: Client::new(Policy::new(true)), runtime: Handle::try_current().map_err(|cause| failed(&cause))? };
        let exporter = SpanExporter::builder().with_http().with_http_client(sender).with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_endpoint(endpoint.as_str()).with_timeout(LIMITS.deadline).build().map_err(|cause| failed(&cause))?;
        let resource = Resource::builder().with_service_name("atrarium").with_attribute(KeyValue::new("service.version", VERSION)).build();
        let sampler = Sampler::TraceIdRatioBased(f64::from(export.percent) / 100.0);
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_sampler(sampler).with_resource(resource).build()))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer("atrarium")
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // A collector that is away keeps nobody from ending.
        let _ = self.0.shutdown_with_timeout(FAREWELL);
    }
}

/// The library's requests, made by our client on our runtime.
struct Sender {
    client: Client,
    runtime: Handle,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Sender {
    fn send_bytes<'life, 'sending>(&'life self, request: Request<Bytes>) -> Sending<'sending>
    where
        'life: 'sending,
        Self: 'sending,
    {
        let client = self.client.clone();
        let task = self.runtime.spawn(async move {
            let url = Url::parse(&request.uri().to_string())?;
            let outgoing = outbound::Request::post(&url, request.into_body()).header("content-type", "application/x-protobuf").keep_alive();
            let answer = client.send(outgoing, LIMITS).await?;
            Ok(Response::builder().status(answer.status()).body(answer.body)?)
        });
        Box::pin(async move { task.await? })
    }
}
