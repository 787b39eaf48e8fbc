//! Asking a server for one frame, to see whether it would do.
//!
//! Nothing that comes is kept. A server on which nothing happens says nothing, which is no failure: it has taken the subscription.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::asking::Asking;
use super::connection::{Connection, Received};
use super::position::Start;
use super::unpack::Unpacker;
use super::wire::Frame;
use super::{Endpoint, Wire};

/// What a server did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Until it had taken the subscription.
    pub opened: Duration,
    /// The time of its first event, in microseconds since the Unix epoch, if one came.
    pub time_us: Option<u64>,
}

/// Subscribes at an endpoint to what happens from now on, and waits for the first event, for so long at most for each of the two.
pub async fn probe(endpoint: &Endpoint, now_us: u64, patience: Duration) -> Result<Probe, String> {
    let mut unpacker = Unpacker::new().map_err(|cause| cause.to_string())?;
    let began = Instant::now();
    let url = endpoint.subscription(&Asking::from(Start::Time(now_us)));
    let opening = timeout(patience, Connection::open(&url, endpoint.wire(), patience)).await;
    let mut connection = opening.map_err(|_| format!("it did not answer within {patience:?}"))?.map_err(|cause| cause.to_string())?;
    let opened = began.elapsed();
    let first = timeout(patience, poll_fn(|cx| first(&mut connection, &mut unpacker, endpoint.wire(), cx))).await;
    match first {
        Ok(Ok(time_us)) => Ok(Probe { opened, time_us: Some(time_us) }),
        Ok(Err(cause)) => Err(cause),
        Err(_) => Ok(Probe { opened, time_us: None }),
    }
}

fn first(connection: &mut Connection, unpacker: &mut Unpacker, wire: Wire, cx: &mut std::task::Context<'_>) -> Poll<Result<u64, String>> {
    loop {
        let Poll::Ready(next) = connection.poll_next(unpacker, cx) else { return Poll::Pending };
        match next {
            Ok(Received::Frame(frame)) => {
                if let Ok(Frame::Event(header)) = wire.read(frame) {
                    return Poll::Ready(Ok(header.time_us));
                }
            }
            Ok(Received::Unreadable(..)) => {}
            Err(cause) => return Poll::Ready(Err(cause.to_string())),
        }
    }
}
