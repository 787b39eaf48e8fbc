//! The dashboard API over HTTP: routes, and nothing that is decided.
//!
//! ```text
//! admit (caller.rs)   who asks, counted and turned away here alone
//!   auth.rs oauth.rs        signing in and out, sessions; start.rs: what a page begins with
//!   visit.rs                a demo's way in
//!   communities.rs members.rs moderation.rs   the communities and what is done in them
//!   mixes.rs upload.rs      the feed mixes that owners upload, and their way in
//!   upkeep.rs operator.rs   dead letters, held posts; the whole host
//!   events.rs               live changes
//! counts.rs           how often somebody may ask; places.rs: what only a few may do at a time
//! input.rs error.rs   what comes in, and problems as answers; words.rs: what is wrong with it, for people
//! written.rs          what a change is answered with
//! cookies.rs          a browser's cookies
//! docs.rs             the OpenAPI document, made from the code, and its pages
//! ```
//!
//! Answers are never kept by anybody, and no web page of another origin may read them: there is no CORS here. A request that waits for a
//! user's server holds up nobody else. A route that panics answers 500, tells nothing, and ends nobody else's request.

mod auth;
mod caller;
mod communities;
mod cookies;
mod counts;
mod docs;
mod error;
mod events;
mod input;
mod members;
mod mixes;
mod moderation;
mod oauth;
mod operator;
mod places;
mod start;
mod upkeep;
mod upload;
mod visit;
mod words;
mod written;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, StatusCode};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer as CatchPanics;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::cookies::Baker;
use self::counts::Counts;
use self::error::ApiError;
use self::places::Places;
use super::patience::Phase;
use super::server::Terms;
use super::work::Work;
use crate::clock::Clock;
use crate::config::{Live, Visitor};
use crate::dashboard::{Dashboard, Problem};
use crate::identity::{Resolver, ServiceAuth};
use crate::pds::Repo;
use crate::session::{Session, SessionInfo, Sessions};

/// For an answer: ten seconds for the body, and what a write may take (31 seconds with the waiting for its effect), so that its own word
/// of what remains comes first.
const DEADLINE: Duration = Duration::from_secs(45);

/// The same for an upload: its body, ten seconds for its verdict, and what its file and its place take.
const UPLOAD_DEADLINE: Duration = upload::WHOLE.saturating_add(DEADLINE);

/// For readings that may wait: as many as a disk that stalls keeps busy, few beside what feeds need at that moment.
const THREADS: usize = 8;

/// What the API is made of.
#[derive(Debug)]
pub struct Parts {
    pub dashboard: Dashboard,
    pub sessions: Sessions,
    pub auth: ServiceAuth,
    pub resolver: Resolver,
    pub clock: Clock,
    /// The public URL, without a slash at the end.
    pub endpoint: String,
    pub operators: Live<Vec<String>>,
    pub requests_per_hour: u32,
    /// The origin of the AppView of which the dashboard's pages ask what posts say.
    pub appview: Option<String>,
    /// Who somebody may look around as: in a demo, and nowhere else.
    pub visitor: Option<Visitor>,
    /// The header in which a proxy tells who asks.
    pub address_header: Option<String>,
    /// Ends what would never end by itself.
    pub stop: CancellationToken,
}

/// What every route can reach. Cheap to clone.
#[derive(Clone)]
pub(super) struct Api(Arc<Inner>);

pub(super) struct Inner {
    dashboard: Dashboard,
    sessions: Sessions,
    auth: ServiceAuth,
    resolver: Resolver,
    clock: Clock,
    endpoint: String,
    operators: Live<Vec<String>>,
    appview: Option<String>,
    visitor: Option<Visitor>,
    counts: Counts,
    /// Moves when a session has ended: who holds something open for one looks whether it was theirs.
    ended: watch::Sender<()>,
    address_header: Option<String>,
    stop: CancellationToken,
    work: Work,
    baker: Baker,
    uploading: Places,
    previewing: Places,
}

impl std::ops::Deref for Api {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Api {
    fn new(parts: Parts) -> Self {
        let Parts { dashboard, sessions, auth, resolver, clock, endpoint, operators, requests_per_hour, appview, visitor, address_header, stop } = parts;
        let baker = Baker { secure: endpoint.starts_with("https://") };
        Self(Arc::new(Inner {
            dashboard,
            sessions,
            auth,
            resolver,
            clock,
            endpoint,
            operators,
            appview,
            visitor,
            counts: Counts::new(requests_per_hour),
            ended: watch::channel(()).0,
            address_header,
            stop,
            work: Work::new("api", THREADS),
            baker,
            uploading: Places::new(upload::PLACES),
            previewing: Places::new(mixes::PREVIEWS),
        }))
    }

    /// What is read from the index.
    async fn read<T: Send + 'static>(&self, reading: impl FnOnce(&Dashboard) -> Result<T, Problem> + Send + 'static) -> Result<T, ApiError> {
        let dashboard = self.dashboard.clone();
        self.work.run(move || reading(&dashboard).map_err(ApiError)).await
    }

    /// The same on a thread that may wait.
    async fn aside<T: Send + 'static>(&self, reading: impl FnOnce(&Dashboard) -> Result<T, Problem> + Send + 'static) -> Result<T, ApiError> {
        let dashboard = self.dashboard.clone();
        self.work.run_aside(move || reading(&dashboard).map_err(ApiError)).await
    }

    /// The repo of the session's user, with what the session may do there.
    async fn repo(&self, session: Session) -> Result<Repo, ApiError> {
        let sessions = self.sessions.clone();
        self.work.run(move || Ok(sessions.repo(&session)?)).await
    }

    async fn sessions_of(&self, did: String) -> Result<Vec<SessionInfo>, ApiError> {
        let sessions = self.sessions.clone();
        self.work.run(move || Ok(sessions.list(&did)?)).await
    }

    /// A session may have ended.
    fn look_who_is_left(&self) {
        self.ended.send_replace(());
    }
}

/// All routes, with the document that describes them.
pub(super) fn router(parts: Parts) -> Router {
    let api = Api::new(parts);
    let (routes, document) = OpenApiRouter::with_openapi(docs::description(api.baker))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(start::start))
        .routes(routes!(auth::sessions, auth::end_sessions))
        .routes(routes!(auth::end_session))
        .routes(routes!(communities::list, communities::create))
        .routes(routes!(communities::read, communities::amend, communities::close))
        .routes(routes!(communities::children))
        .routes(routes!(communities::posts))
        .routes(routes!(communities::stats))
        .routes(routes!(communities::explain))
        .routes(routes!(members::list, members::join))
        .routes(routes!(members::appoint, members::leave))
        .routes(routes!(moderation::list, moderation::act))
        .routes(routes!(moderation::undo))
        .routes(routes!(mixes::read))
        .routes(routes!(mixes::versions, mixes::upload))
        .routes(routes!(mixes::version, mixes::remove))
        .routes(routes!(mixes::preview))
        .routes(routes!(mixes::activate))
        .routes(routes!(mixes::deactivate))
        .routes(routes!(mixes::roll_back))
        .routes(routes!(mixes::log))
        .routes(routes!(mixes::candidates))
        .routes(routes!(upkeep::held))
        .routes(routes!(upkeep::letters))
        .routes(routes!(upkeep::drop_letter))
        .routes(routes!(upkeep::retry_letter))
        .routes(routes!(events::follow))
        .routes(routes!(operator::status))
        .routes(routes!(operator::limits))
        .routes(routes!(operator::load))
        .routes(routes!(operator::lift))
        .routes(routes!(operator::letters))
        .routes(routes!(operator::drop_letter))
        .routes(routes!(operator::retry_letter))
        .split_for_parts();
    let secure = api.baker.secure;
    let routes = routes
        .merge(oauth::routes())
        .merge(visit::routes(api.visitor.as_ref()))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(api.clone(), caller::admit))
        .merge(docs::routes(document));
    dressed(routes, secure).with_state(api)
}

/// What holds for every answer, whoever makes it.
fn dressed<S: Clone + Send + Sync + 'static>(routes: Router<S>, secure: bool) -> Router<S> {
    routes.layer(CatchPanics::custom(broken)).layer(from_fn(move |request: Request, next: Next| guarded(secure, request, next)))
}

/// The panic is in the log, where it belongs.
fn broken(_: Box<dyn Any + Send>) -> Response {
    named("InternalError", "something went wrong here, which the host's operator can look up", StatusCode::INTERNAL_SERVER_ERROR)
}

/// An answer that isn't a problem of any call.
fn named(name: &'static str, message: &str, status: StatusCode) -> Response {
    let mut response = ApiError(Problem::not_found(name, message)).into_response();
    *response.status_mut() = status;
    response
}

async fn nothing_here() -> ApiError {
    Problem::not_found("NotFound", "there is nothing at this path").into()
}

/// axum adds which methods it does take.
async fn wrong_method() -> Response {
    named("MethodNotAllowed", "this path doesn't take that method", StatusCode::METHOD_NOT_ALLOWED)
}

/// What every answer says to browsers.
async fn guarded(secure: bool, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(CACHE_CONTROL, "no-store");
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(REFERRER_POLICY, "no-referrer");
    default(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if secure {
        default(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Whether a path is the API's.
pub(super) fn serves(path: &str) -> bool {
    path.starts_with("/api/") || path == "/api" || path.starts_with("/oauth/")
}

/// How a request for a path of the API is dealt with.
pub(super) fn terms(method: &Method, path: &str) -> Terms {
    let is_upload = *method == Method::POST && path.starts_with("/api/communities/") && path.ends_with("/feed-mix/versions");
    match is_upload {
        true => Terms { deadline: UPLOAD_DEADLINE, reads_bodies: true, phase: Phase::Upload },
        false => Terms { deadline: DEADLINE, reads_bodies: true, phase: Phase::Answer },
    }
}
