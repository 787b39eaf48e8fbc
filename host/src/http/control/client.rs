//! The other end of the operator's socket: what a command of the terminal asks the running program.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{ANSWERING, place};
use crate::upkeep::{Answer, Ask, Refusal};

/// A little longer than the program takes at most, so that it is heard why.
const PATIENCE: Duration = Duration::from_secs(ANSWERING.as_secs() + 10);

/// Why the program can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nobody listens there: no server runs on these data.
    #[error("no server runs on these data")]
    Nobody,
    #[error("the server's socket {path} can't be used: {cause}")]
    Broken { path: String, cause: String },
}

#[derive(Deserialize)]
struct Error {
    error: String,
}

/// Asks the program that runs on the data in this directory.
pub async fn ask(data_dir: &Path, ask: &Ask) -> Result<Result<Answer, Refusal>, Unreachable> {
    let broken = |cause: String| broken(data_dir, cause);
    let question = serde_json::to_vec(ask).map_err(|cause| broken(cause.to_string()))?;
    let exchange = async {
        let response = send(data_dir, Method::POST, "/ask", question.into()).await?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|cause| broken(cause.to_string()))?.to_bytes();
        read(status, &body).map_err(broken)
    };
    timeout(PATIENCE, exchange).await.map_err(|_| broken("no answer".to_owned()))?
}

/// The process that runs on the data in this directory, as the system knows it; `None` if there is none, or it runs where this one can't see it.
pub async fn process(data_dir: &Path) -> Option<u32> {
    let stream = UnixStream::connect(place(data_dir)).await.ok()?;
    stream.peer_cred().ok()?.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0)
}

/// Lets the program write its `state.redb`, as it is at this moment, into `target`.
pub async fn backup(data_dir: &Path, target: &mut impl Write) -> Result<Result<u64, Refusal>, Unreachable> {
    let broken = |cause: String| broken(data_dir, cause);
    let response = send(data_dir, Method::GET, "/backup", Bytes::new()).await?;
    let status = response.status();
    let mut body = response.into_body();
    if status != StatusCode::OK {
        let body = body.collect().await.map_err(|cause| broken(cause.to_string()))?.to_bytes();
        return match read::<()>(status, &body).map_err(broken)? {
            Ok(()) => Err(broken(format!("it answered {status}"))),
            Err(refusal) => Ok(Err(refusal)),
        };
    }
    let mut written = 0;
    while let Some(frame) = timeout(PATIENCE, body.frame()).await.map_err(|_| broken("the backup doesn't come".to_owned()))? {
        let Ok(piece) = frame.map_err(|cause| broken(cause.to_string()))?.into_data() else { continue };
        if let Err(cause) = target.write_all(&piece) {
            return Ok(Err(Refusal(format!("the backup can't be written: {cause}"))));
        }
        written += piece.len() as u64;
    }
    Ok(Ok(written))
}

async fn send(data_dir: &Path, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, Unreachable> {
    let broken = |cause: String| broken(data_dir, cause);
    let stream = UnixStream::connect(place(data_dir)).await.map_err(|cause| match cause.kind() {
        // A path that is too long for a socket is so for the server too: whether one runs the lock tells.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput => Unreachable::Nobody,
        _ => broken(cause.to_string()),
    })?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|cause| broken(cause.to_string()))?;
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header(HOST, "localhost").body(Full::new(body)).map_err(|cause| broken(cause.to_string()))?;
    sender.send_request(request).await.map_err(|cause| broken(cause.to_string()))
}

/// An answer, or the sentence in its place.
fn read<T: for<'a> Deserialize<'a>>(status: StatusCode, body: &[u8]) -> Result<Result<T, Refusal>, String> {
    if status == StatusCode::OK {
        return serde_json::from_slice(body).map(Ok).map_err(|cause| format!("it answered what this program doesn't know: {cause}; is it another version?"));
    }
    serde_json::from_slice(body).map(|Error { error }| Err(Refusal(error))).map_err(|_| format!("it answered {status}"))
}

fn broken(data_dir: &Path, cause: String) -> Unreachable {
    Unreachable::Broken { path: place(data_dir).display().to_string(), cause }
}
