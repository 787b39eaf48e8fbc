//! Accepts connections and looks after them: how many, how long, how large, and how they end.
//!
//! A connection beyond the most ([`Shares`]) waits until another ends, and not for long ([`Room`]). When `stop` comes, nothing
//! more is accepted, what is being answered is answered, idle connections close at once, and after [`DRAIN`] the rest is cut off.
//!
//! No peer can end the loop: errors of `accept` are waited out (a process out of file descriptors gets them back), errors of a
//! connection end it alone and are counted. What is asked and answered is the business of [`Routes`].
//!
//! [`Shares`]: super::room::Shares

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::Method;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::patience::{Patience, Phase, Watched};
use super::payload::Outgoing;
use super::reply::{Fault, Reply};
use super::room::Room;

/// The longest head, in bytes: an AT-URI and a cursor of the greatest lengths that are allowed fit with room to spare.
pub(super) const HEAD_BYTES: usize = 16 * 1024;

/// The most header fields; browsers send about 20, proxies add a few.
pub(super) const HEAD_FIELDS: usize = 64;

/// For an answer. Below the 5 s after which the AppView gives up, so that it hears from us first.
pub(super) const DEADLINE: Duration = Duration::from_secs(4);

/// For the connections that are open when `stop` comes; half of the ten seconds in which the program has to end.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// Before `accept` is tried again when the process has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who answers.
pub(super) trait Routes: Send + Sync + 'static {
    fn answer(&self, request: hyper::Request<Incoming>) -> impl Future<Output = Reply> + Send;

    /// What a request is counted as: one of a few words.
    fn route(&self, path: &str) -> &'static str;

    /// What an answer may take, and whether bodies are read there.
    fn terms(&self, _method: &Method, _path: &str) -> Terms {
        Terms { deadline: DEADLINE, reads_bodies: false, phase: Phase::Answer }
    }
}

/// How a request is dealt with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Until the answer's head; below the patience of the phase.
    pub(super) deadline: Duration,
    pub(super) reads_bodies: bool,
    /// What the connection is in until then.
    pub(super) phase: Phase,
}

/// Who is connected, as an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Serves until `stop`, at most this many connections at once.
pub(super) async fn serve(listener: TcpListener, routes: impl Routes, most_connections: usize, stop: CancellationToken) {
    let routes = Arc::new(routes);
    let room = Room::new(most_connections);
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    // Whoever drops this future wants the connections to end as well.
    let _cut_when_dropped = cut.clone().drop_guard();
    let next = async || {
        let waiting = room.door().await;
        (waiting, accept(&listener).await)
    };
    while let Some((waiting, (stream, peer))) = stop.run_until_cancelled(next()).await {
        let (peer, routes, crowded, stop) = (Peer(peer.ip().to_canonical()), routes.clone(), room.crowded(), stop.child_token());
        let cut = cut.child_token();
        connections.spawn(cut.run_until_cancelled_owned(async move {
            match waiting.place().await {
                Ok(_place) => connection(stream, peer, routes, crowded, stop).await,
                Err(_waiting) => connection(stream, peer, Arc::new(Full), crowded, stop).await,
            }
        }));
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections cut off at the end");
        cut.cancel();
        connections.wait().await;
    }
}

/// The next good connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut failed_before = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A failure costs a delay of milliseconds and no more.
                drop(stream.set_nodelay(true));
                return (stream, peer);
            }
            // The peer was gone before we came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                metrics::counter!("atrarium_http_accept_failures_total").increment(1);
                if !failed_before {
                    tracing::warn!(%error, "connections can't be accepted");
                }
                failed_before = true;
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What is answered on a connection for which there was no room.
struct Full;

impl Routes for Full {
    async fn answer(&self, _: hyper::Request<Incoming>) -> Reply {
        let mut reply = Reply::from(Fault::busy("connection"));
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        reply
    }

    fn route(&self, _path: &str) -> &'static str {
        "none"
    }
}

/// One connection from its first byte to its end.
async fn connection(stream: TcpStream, peer: Peer, routes: Arc<impl Routes>, mut crowded: watch::Receiver<bool>, stop: CancellationToken) {
    let _open = Open::new();
    let patience = Patience::new();
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        let terms = routes.terms(request.method(), request.uri().path());
        patience.answering(terms.phase);
        request.extensions_mut().insert(peer);
        let answering = answer(&*routes, terms, request);
        async {
            let reply = answering.await;
            let rest = patience.answered();
            reply.map(|reply| reply.map(|payload| Outgoing::new(payload, rest)))
        }
    });
    let io = TokioIo::new(Watched::new(stream, patience.clone()));
    let mut connection = pin!(protocol().serve_connection(io, service));
    let mut is_crowded = *crowded.borrow_and_update();
    let mut timer = pin!(sleep_until(patience.deadline(is_crowded)));
    let mut stopped = pin!(stop.cancelled());
    let mut stopping = false;
    loop {
        tokio::select! {
            biased; // what is answered after the stop tells the peer that it is the last
            () = &mut stopped, if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = &mut connection => {
                if let Err(error) = ended {
                    metrics::counter!("atrarium_http_connection_errors_total").increment(1);
                    tracing::debug!(%error, "connection failed");
                }
                return;
            }
            // After the connection, so that it knows of the phase that has just begun.
            () = poll_fn(|cx| overdue(timer.as_mut(), || patience.deadline(is_crowded), cx)) => {
                metrics::counter!("atrarium_http_timeouts_total", "phase" => patience.phase().name()).increment(1);
                return;
            }
            // It is there for as long as the listener is, and that may end before its last connection.
            Ok(()) = crowded.changed() => is_crowded = *crowded.borrow_and_update(),
        }
    }
}

/// Ready when the peer has taken too long. A timer that rings too early is set anew, so that most phases come and go without a touch of it.
fn overdue(mut timer: Pin<&mut Sleep>, due: impl Fn() -> Instant, cx: &mut Context<'_>) -> Poll<()> {
    if due() < timer.deadline() {
        timer.as_mut().reset(due());
    }
    loop {
        ready!(timer.as_mut().poll(cx));
        if due() <= Instant::now() {
            return Poll::Ready(());
        }
        timer.as_mut().reset(due());
    }
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    // Peers that end their side after the request still get the answer. `Patience` has the timeouts.
    protocol.half_close(true).header_read_timeout(None).max_buf_size(HEAD_BYTES).max_headers(HEAD_FIELDS);
    protocol
}

async fn answer(routes: &impl Routes, Terms { deadline, reads_bodies, .. }: Terms, request: hyper::Request<Incoming>) -> Result<Reply, Infallible> {
    let unread_body = !reads_bodies && !request.body().is_end_stream();
    let route = routes.route(request.uri().path());
    let span = tracing::debug_span!("request", route, status = tracing::field::Empty);
    let mut reply = match timeout(deadline, routes.answer(request)).instrument(span.clone()).await {
        Ok(reply) => reply,
        Err(_) => Fault::Late.into(),
    };
    if unread_body {
        // What follows a body on the connection can't be found without reading it.
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    span.record("status", reply.status().as_u16());
    metrics::counter!("atrarium_http_requests_total", "route" => route, "status" => reply.status().as_str().to_owned()).increment(1);
    Ok(reply)
}

/// Counts itself among the open connections.
struct Open(metrics::Gauge);

impl Open {
    fn new() -> Self {
        let gauge = metrics::gauge!("atrarium_http_connections");
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
