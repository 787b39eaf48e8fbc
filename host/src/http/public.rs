//! The routes that anyone may ask: health, the DID document, the feeds and their pages.
//!
//! Only GET and HEAD, only without a body, and readable from any web page (CORS). Everything that never changes is made once.
//! Pages that come later than [`LATE`], or not before the server's deadline, are counted: the AppView gives up on them and tells
//! nobody.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, HeaderValue, VARY};
use hyper::{Method, Request};
use metrics::{Counter, Histogram};
use tokio::time::Instant;
use tower::ServiceExt;

use super::api;
use super::documents;
use super::limits::Limit;
use super::pages::Pages;
use super::patience::Phase;
use super::payload::Payload;
use super::pressure::{Pressure, Rank};
use super::reply::{Fault, JSON, NO_STORE, Reply, TEXT, ok};
use super::server::{DEADLINE, Routes, Terms};
use super::skeleton;
use super::turns::Turns;
use super::work::{THREADS, Work};
use crate::feed::{self, FeedError, Feeds};
use crate::identity::ServiceAuth;

/// The AppView's 5 s, less the way to it and back.
const LATE: Duration = Duration::from_millis(4_500);

/// For the DID document: it changes with the configuration alone, and resolvers ask for it often.
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

const AN_HOURS_TIME: Duration = Duration::from_secs(3_600);

const ANYONE: HeaderValue = HeaderValue::from_static("*");

/// What the routes ask of the feeds.
pub trait FeedSource: Clone + Send + Sync + 'static {
    /// A page as JSON.
    fn skeleton(&self, request: &feed::Request<'_>) -> Result<Bytes, FeedError>;
    /// Whether it matters to a page of this feed who reads it.
    fn minds_viewer(&self, owner: &str, rkey: &str) -> bool;
    /// Whether a page of this feed may have to wait for a mix that a stranger has written.
    fn may_wait(&self, owner: &str, rkey: &str) -> bool;
    /// The AT-URIs of all feeds.
    fn describe(&self) -> Result<Vec<String>, FeedError>;
}

impl FeedSource for Feeds {
    fn skeleton(&self, request: &feed::Request<'_>) -> Result<Bytes, FeedError> {
        Self::skeleton(self, request)
    }

    fn minds_viewer(&self, owner: &str, rkey: &str) -> bool {
        Self::minds_viewer(self, owner, rkey)
    }

    fn may_wait(&self, owner: &str, rkey: &str) -> bool {
        Self::may_wait(self, owner, rkey)
    }

    fn describe(&self) -> Result<Vec<String>, FeedError> {
        Self::describe(self)
    }
}

/// Who we are.
#[derive(Debug, Clone)]
pub struct Service {
    /// The did:web of the public URL.
    pub did: String,
    /// The public URL, without a slash at the end.
    pub endpoint: String,
    pub version: &'static str,
    /// For one verified reader.
    pub pages_per_hour: u32,
}

pub(super) struct Public<F> {
    feeds: F,
    auth: ServiceAuth,
    service: Service,
    /// How often a reader may ask who is verified.
    limit: Limit,
    /// `None` where there is no API.
    api: Option<Router>,
    /// The dashboard, which is of no use without it.
    pages: Option<Pages>,
    did_document: Bytes,
    health: Bytes,
    work: Work,
    pressure: Arc<Pressure>,
    turns: Turns,
    seconds: Histogram,
    late: Counter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Root,
    DidDocument,
    Health,
    Describe,
    Skeleton,
}

impl<F: FeedSource> Public<F> {
    pub(super) fn new(feeds: F, auth: ServiceAuth, service: Service, api: Option<api::Parts>, pressure: Arc<Pressure>) -> Self {
        let pages = api.as_ref().map(|parts| Pages::new(parts.appview.clone(), service.endpoint.starts_with("https://")));
        Self {
            limit: Limit::new(service.pages_per_hour, AN_HOURS_TIME),
            api: api.map(api::router),
            pages,
            did_document: documents::did_document(&service),
            work: Work::new("reading", THREADS),
            pressure,
            turns: Turns::new(),
            health: documents::health(&service),
            seconds: metrics::histogram!("atrarium_skeleton_seconds"),
            late: metrics::counter!("atrarium_skeleton_late_total"),
            feeds,
            auth,
            service,
        }
    }

    fn route(path: &str) -> Result<Route, Fault> {
        match path {
            "/xrpc/app.bsky.feed.getFeedSkeleton" => Ok(Route::Skeleton),
            "/xrpc/app.bsky.feed.describeFeedGenerator" => Ok(Route::Describe),
            "/xrpc/_health" => Ok(Route::Health),
            "/.well-known/did.json" => Ok(Route::DidDocument),
            "/" => Ok(Route::Root),
            _ => match path.strip_prefix("/xrpc/") {
                Some(method) if !method.is_empty() && !method.contains('/') => Err(Fault::MethodNotImplemented),
                _ => Err(Fault::NotFound),
            },
        }
    }

    async fn serve(&self, route: Route, request: &Request<Incoming>) -> Result<Reply, Fault> {
        if !is_read(request) {
            return Err(Fault::MethodNotAllowed(request.method().clone()));
        }
        if !request.body().is_end_stream() {
            return Err(Fault::invalid("a GET request has no body"));
        }
        if matches!(route, Route::Skeleton | Route::Describe) {
            self.pressure.admit(Rank::Feed)?;
        }
        match route {
            Route::Skeleton => self.skeleton(request).await,
            Route::Describe => self.describe().await,
            Route::Health => Ok(ok(JSON, NO_STORE, self.health.clone())),
            Route::DidDocument => Ok(ok(JSON, AN_HOUR, self.did_document.clone())),
            Route::Root => self.root().await,
        }
    }

    async fn skeleton(&self, request: &Request<Incoming>) -> Result<Reply, Fault> {
        let mut timing = Timing { asked: Instant::now(), answered: false, seconds: &self.seconds, late: &self.late };
        let page = self.page(request).await;
        timing.answered = true;
        Ok(ok(JSON, NO_STORE, page?))
    }

    async fn page(&self, request: &Request<Incoming>) -> Result<Bytes, Fault> {
        let asked = skeleton::asked(request.uri().query().unwrap_or_default())?;
        let viewer = match authorization(request) {
            Some(header) => {
                let awaited = self.feeds.minds_viewer(&asked.owner, &asked.rkey);
                self.auth.reader(header, skeleton::METHOD, awaited).await.map_err(Fault::Token)?
            }
            None => None,
        };
        // Anonymous requests come from the AppView's own addresses: to count those would shut everybody out.
        if let Some(viewer) = &viewer
            && let Err(share) = self.limit.ask(viewer)
        {
            metrics::counter!("atrarium_limited_total", "limit" => "feed").increment(1);
            return Err(Fault::TooMany(share));
        }
        let feeds = self.feeds.clone();
        let aside = feeds.may_wait(&asked.owner, &asked.rkey);
        let reading = move || skeleton::page(&feeds, &asked, viewer.as_deref());
        if aside { self.work.run_aside(reading).await } else { self.work.run(reading).await }
    }

    async fn describe(&self) -> Result<Reply, Fault> {
        let description = documents::description(&self.service, self.feeds().await?);
        Ok(ok(JSON, NO_STORE, description))
    }

    async fn root(&self) -> Result<Reply, Fault> {
        let feeds = self.feeds().await?.len();
        let page = format!(
            "Atrarium {} serves community feeds for Bluesky (AT Protocol).\n\n\
             Feeds here: {feeds}. Their list: {}/xrpc/app.bsky.feed.describeFeedGenerator\n\
             This service: {}\n",
            self.service.version, self.service.endpoint, self.service.did,
        );
        let mut reply = ok(TEXT, NO_STORE, page.into());
        reply.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        Ok(reply)
    }

    /// What of the dashboard is meant, if anything is.
    fn page_or_file(&self, request: &Request<Incoming>) -> Option<Reply> {
        self.pages.as_ref().filter(|_| is_read(request))?.answer(request.uri().path(), request.headers())
    }

    async fn feeds(&self) -> Result<Vec<String>, Fault> {
        let feeds = self.feeds.clone();
        self.work.run(move || feeds.describe().map_err(skeleton::fault)).await
    }
}

impl<F: FeedSource> Routes for Public<F> {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        if let Some(api) = self.api.as_ref().filter(|_| api::serves(request.uri().path())) {
            if let Err(fault) = self.pressure.admit(Rank::Api) {
                return fault.into();
            }
            let work = async {
                fail::fail_point!("api-answer");
                api.clone().oneshot(request.map(axum::body::Body::new)).await
            };
            return match self.turns.take(work).await {
                Ok(answer) => answer.unwrap_or_else(|never: Infallible| match never {}).map(Payload::Stream),
                Err(fault) => fault.into(),
            };
        }
        let route = Self::route(request.uri().path());
        if matches!(route, Ok(Route::Root) | Err(Fault::NotFound))
            && let Some(page) = self.page_or_file(&request)
        {
            return page;
        }
        let route = match route {
            Ok(route) => route,
            Err(fault) => return fault.into(),
        };
        let mut reply = self.serve(route, &request).await.unwrap_or_else(Reply::from);
        if is_read(&request) {
            reply.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
        }
        reply
    }

    fn route(&self, path: &str) -> &'static str {
        match Self::route(path) {
            Ok(Route::Skeleton) => "skeleton",
            Ok(Route::Describe) => "describe",
            Ok(Route::Health) => "health",
            Ok(Route::DidDocument) => "did",
            Err(Fault::MethodNotImplemented) => "xrpc",
            _ if api::serves(path) => "api",
            _ => "page",
        }
    }

    fn terms(&self, method: &Method, path: &str) -> Terms {
        match self.api.is_some() && api::serves(path) {
            true => api::terms(method, path),
            false => Terms { deadline: DEADLINE, reads_bodies: false, phase: Phase::Answer },
        }
    }
}

/// The Authorization header. One that isn't text, or comes twice, is as good as an empty one, which is no token.
fn authorization(request: &Request<Incoming>) -> Option<&str> {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(header), None) => Some(header.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => Some(""),
    }
}

fn is_read(request: &Request<Incoming>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Counts how long a page took, also if the server stopped waiting for it.
struct Timing<'a> {
    asked: Instant,
    answered: bool,
    seconds: &'a Histogram,
    late: &'a Counter,
}

impl Drop for Timing<'_> {
    fn drop(&mut self) {
        let took = self.asked.elapsed();
        self.seconds.record(took);
        // A peer that went away before either isn't ours to count.
        if took > LATE || !self.answered && took >= DEADLINE {
            self.late.increment(1);
        }
    }
}

/// Tells the operator why feeds can't be read; once in ten seconds, since readers may ask thousands of times in one.
pub(super) fn warn_unavailable(reason: &str) {
    static SAID: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let said = SAID.load(Ordering::Relaxed);
    if now.abs_diff(said) >= 10 && SAID.compare_exchange(said, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        tracing::warn!(reason, "feeds can't be read");
    }
}
