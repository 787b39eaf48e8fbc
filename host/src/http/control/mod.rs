//! The operator's socket: a Unix socket in the data directory by which the commands of a terminal reach the running program.
//!
//! ```text
//! POST /ask       an `Ask` as JSON → an `Answer`, or {"error": a sentence}
//! GET  /backup    → state.redb as it is at this moment
//! ```
//!
//! Who can open the socket may ask: it has mode 0600, so that is the program's own user, and root. It is HTTP so that `curl --unix-socket`
//! can do it too. What is asked is bounded in size, time and number; whatever goes wrong ends that one connection.

mod client;

pub use client::{Unreachable, ask, backup, process};

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::stream;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::documents;
use super::reply::JSON;
use crate::upkeep::{Ask, Refusal, Upkeep};

/// The socket's name in the data directory.
pub const SOCKET: &str = "operator.sock";

/// Operators at once.
const CONNECTIONS: usize = 16;

/// Bytes of a question: a thousand dead letters fit.
const QUESTION: usize = 256 * 1024;

/// For a question to come, and for its answer.
const HEARING: Duration = Duration::from_secs(10);
pub(super) const ANSWERING: Duration = Duration::from_secs(120);

/// Bytes of a backup that are read at a time.
const PIECE: usize = 256 * 1024;

/// Makes the socket. One that is there already belongs to a program that has ended: this is for who has the data directory's lock.
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    // Made in a folder that is nobody else's, so that it never is at its place with another mode than its own.
    let folder = data_dir.join("operator.new");
    let made = folder.join(SOCKET);
    drop(std::fs::remove_file(&made));
    drop(std::fs::remove_dir(&folder));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&made, place(data_dir))?;
    std::fs::remove_dir(&folder)?;
    Ok(listener)
}

/// Where the socket of this data directory is.
pub fn place(data_dir: &Path) -> PathBuf {
    data_dir.join(SOCKET)
}

/// Serves until `stop`, and then what was asked before it.
pub async fn serve(listener: UnixListener, upkeep: Upkeep, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    let next = async || {
        let slot = slots.clone().acquire_owned().await.expect("nobody closes this semaphore");
        (slot, listener.accept().await)
    };
    while let Some((slot, accepted)) = stop.run_until_cancelled(next()).await {
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, upkeep.clone(), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an operator's connection can't be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    connections.close();
    if timeout(super::server::DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("operators' connections cut off at the end");
    }
}

async fn connection(stream: UnixStream, upkeep: Upkeep, stop: CancellationToken) {
    let service = service_fn(move |request| {
        let upkeep = upkeep.clone();
        async move { Ok::<_, Infallible>(answer(&upkeep, request).await) }
    });
    let mut protocol = http1::Builder::new();
    protocol.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEARING);
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an operator's connection failed");
    }
}

async fn answer(upkeep: &Upkeep, request: Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/ask") => told(ask_of(upkeep, request).await),
        (&Method::GET, "/backup") => {
            let upkeep = upkeep.clone();
            match tokio::task::spawn_blocking(move || upkeep.backup()).await {
                Ok(Ok(file)) => Response::new(pieces(file)),
                Ok(Err(refusal)) => told(Err(refusal)),
                Err(_) => told(Err(Refusal("the backup broke off: the log says why".to_owned()))),
            }
        }
        _ => told(Err(Refusal("the operator's socket knows POST /ask and GET /backup".to_owned()))),
    }
}

async fn ask_of(upkeep: &Upkeep, request: Request<Incoming>) -> Result<Bytes, Refusal> {
    let question = timeout(HEARING, Limited::new(request.into_body(), QUESTION).collect()).await;
    let question = question.map_err(|_| Refusal("the question didn't come in time".to_owned()))?;
    let question = question.map_err(|cause| Refusal(format!("the question can't be read: {cause}")))?.to_bytes();
    let ask: Ask = serde_json::from_slice(&question).map_err(|cause| Refusal(format!("this is no question: {cause}")))?;
    tracing::info!(?ask, "an operator asks");
    let answer = timeout(ANSWERING, upkeep.take(ask)).await.map_err(|_| Refusal("the answer took too long".to_owned()))??;
    Ok(documents::json(&answer))
}

fn told(outcome: Result<Bytes, Refusal>) -> Response<Body> {
    let (status, body) = match outcome {
        Ok(answer) => (StatusCode::OK, answer),
        Err(Refusal(error)) => (StatusCode::UNPROCESSABLE_ENTITY, documents::json(&json!({ "error": error }))),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A file, piece by piece; reading it waits for the disk on other threads.
fn pieces(file: File) -> Body {
    let read = |mut file: File| async move {
        let piece = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE);
            (&mut file).take(PIECE as u64).read_to_end(&mut piece).map(|_| (Bytes::from(piece), file))
        });
        match piece.await {
            Ok(Ok((piece, _))) if piece.is_empty() => None,
            Ok(Ok((piece, file))) => Some((Ok(piece), Some(file))),
            Ok(Err(cause)) => Some((Err(cause), None)),
            Err(_) => Some((Err(io::Error::other("reading broke off")), None)),
        }
    };
    let pieces = stream::unfold(Some(file), move |file| async move { read(file?).await });
    Body::from_stream(pieces)
}
