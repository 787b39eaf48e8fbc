//! One WebSocket to one server, from the name look-up to the last frame.
//!
//! Reading never waits when there's something to read, so that a caller can take thousands of frames in one go. The connection
//! answers pings, sends its own when the server is quiet, and judges by any sign of life whether it is dead. It never
//! reconnects: after an error it is to be dropped. It never sends data, which v2 servers don't forgive.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::{net::TcpStream, time};
use tokio_tungstenite::tungstenite::{
    self, Utf8Bytes,
    protocol::{CloseFrame, Message},
};
use url::Url;

use super::{
    Refusal, Wire,
    handshake::{HandshakeError, Rejection, Socket, shake_hands},
    unpack::{MAX_JSON, Unpacker},
};

/// How long one address of the server may take to answer; the next is tried after it, so a dead IPv6 route isn't the end.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the name, all addresses, TLS and the handshake may take together.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("couldn't look up {0}: {1}")]
    Resolve(String, io::Error),
    #[error("{0} has no address")]
    NoAddress(String),
    #[error("couldn't connect to {0}: {1}")]
    Connect(String, io::Error),
    #[error("{0} didn't accept the subscription: {1}")]
    Handshake(String, Box<tungstenite::Error>),
    #[error("{0} speaks no subprotocol of ours")]
    Subprotocol(String),
    #[error("{0} refused the subscription: {1}")]
    Rejected(String, Rejection),
    #[error("{0} didn't answer within {1:?}")]
    Slow(String, Duration),
    #[error("reading failed: {0}")]
    Read(Box<tungstenite::Error>),
    #[error("the server closed the connection ({0})")]
    Closed(String),
    #[error("the server ended the stream with {name:?}: {message:?}")]
    Ended { name: String, message: String },
    #[error("the stream isn't the one that was read before: its numbers mean other events")]
    Renumbered,
    #[error("no frame, ping or pong came for {0:?}")]
    Silent(Duration),
}

pub(super) struct Connection {
    socket: Socket,
    wire: Wire,
    /// The text message that was last given out, which borrows from here.
    text: Utf8Bytes,
    idle_timeout: Duration,
    opened: time::Instant,
    last_life: time::Instant,
    /// Something came since `last_life` was set.
    alive: bool,
    /// We've sent a ping since then.
    pinged: bool,
    delivered: bool,
}

/// One message that isn't about the connection itself.
pub(super) enum Received<'a> {
    Frame(&'a [u8]),
    Unreadable(Refusal, &'a [u8]),
}

impl Connection {
    pub(super) async fn open(url: &Url, wire: Wire, idle_timeout: Duration) -> Result<Self, ConnectionError> {
        let limit = OPEN_TIMEOUT.min(idle_timeout);
        match time::timeout(limit, Self::open_unhurried(url, wire, idle_timeout)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectionError::Slow(host(url), limit)),
        }
    }

    async fn open_unhurried(url: &Url, wire: Wire, idle_timeout: Duration) -> Result<Self, ConnectionError> {
        let mut opened = shake_hands(url, wire.subprotocol(), connect(url).await?).await;
        if let Err(HandshakeError::NoSubprotocol) = opened {
            // What is offered is what the endpoint speaks unasked as well.
            opened = shake_hands(url, None, connect(url).await?).await;
        }
        let socket = opened.map_err(|error| match error {
            HandshakeError::Rejected(rejection) => ConnectionError::Rejected(host(url), rejection),
            HandshakeError::NoSubprotocol => ConnectionError::Subprotocol(host(url)),
            HandshakeError::Other(error) => ConnectionError::Handshake(host(url), error),
        })?;
        let now = time::Instant::now();
        let text = Utf8Bytes::default();
        Ok(Self { socket, wire, text, idle_timeout, opened: now, last_life: now, alive: false, pinged: false, delivered: false })
    }

    /// The next message, if one has come.
    pub(super) fn poll_next<'a>(&'a mut self, unpacker: &'a mut Unpacker, cx: &mut Context<'_>) -> Poll<Result<Received<'a>, ConnectionError>> {
        loop {
            let message = match ready!(self.socket.poll_next_unpin(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(Err(ConnectionError::Read(Box::new(error)))),
                None => return Poll::Ready(Err(ConnectionError::Closed(String::from("without a word")))),
            };
            self.alive = true;
            match message {
                Message::Binary(payload) => {
                    self.delivered = true;
                    return Poll::Ready(Ok(match unpacker.unpack(self.wire, &payload) {
                        Ok(json) => Received::Frame(json),
                        Err(reason) => Received::Unreadable(reason, &[]),
                    }));
                }
                // Some servers send plain JSON although zstd was asked for.
                Message::Text(text) => {
                    self.delivered = true;
                    self.text = text;
                    let json = self.text.as_bytes();
                    return Poll::Ready(Ok(if json.len() <= MAX_JSON { Received::Frame(json) } else { Received::Unreadable(Refusal::TooLarge, json) }));
                }
                Message::Close(frame) => {
                    // The reply is a courtesy, and not waited for.
                    let _ = self.socket.flush().now_or_never();
                    let reason = frame.map_or_else(|| String::from("without a reason"), describe);
                    return Poll::Ready(Err(ConnectionError::Closed(reason)));
                }
                // tungstenite answers pings by itself, the next time it is polled.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Notes at what time the frames since the last call have come. Once for a run of frames is enough.
    pub(super) fn note_life(&mut self) {
        if std::mem::take(&mut self.alive) {
            self.forgive();
        }
    }

    /// Forgets the silence so far, because it was we who didn't read.
    pub(super) fn forgive(&mut self) {
        self.last_life = time::Instant::now();
        self.pinged = false;
    }

    /// When [`tend`](Self::tend) is next to be called.
    pub(super) fn tend_at(&self) -> time::Instant {
        self.last_life + if self.pinged { self.idle_timeout } else { self.idle_timeout / 2 }
    }

    /// Pings a server that has been silent for half the time it has, so that a quiet network isn't taken for a dead one, and
    /// gives up on one that has been silent for all of it.
    pub(super) fn tend(&mut self) -> Result<(), ConnectionError> {
        let silence = self.last_life.elapsed();
        if silence >= self.idle_timeout {
            return Err(ConnectionError::Silent(self.idle_timeout));
        }
        if silence >= self.idle_timeout / 2 && !self.pinged {
            self.pinged = true;
            // If it can't be written now, it has been queued. If it never can, there'll be no pong.
            let _ = self.socket.send(Message::Ping(Default::default())).now_or_never();
        }
        Ok(())
    }

    /// For how long the connection has been giving us frames.
    pub(super) fn delivered_for(&self) -> Duration {
        if self.delivered { self.last_life.duration_since(self.opened) } else { Duration::ZERO }
    }
}

async fn connect(url: &Url) -> Result<TcpStream, ConnectionError> {
    let host = host(url);
    let addresses = tokio::net::lookup_host(&host).await.map_err(|error| ConnectionError::Resolve(host.clone(), error))?;
    let mut failure = ConnectionError::NoAddress(host.clone());
    for address in addresses {
        match time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = ConnectionError::Connect(address.to_string(), error),
            Err(_) => failure = ConnectionError::Slow(address.to_string(), CONNECT_TIMEOUT),
        }
    }
    Err(failure)
}

/// `host:port`, as a name look-up takes it.
fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn describe(frame: CloseFrame) -> String {
    format!("{}: {:?}", frame.code, frame.reason.as_str())
}
