//! A wire between the program and a server, which breaks as wires do.
//!
//! ```text
//! program ──────▶ wire ──▶ server      all that the program sends arrives
//! program ◀╌╌╌╌╌╌ wire ◀── server      what the server sends is passed on as the connection's way says
//! ```
//!
//! Each connection takes the next of the ways that were ordered; those after the last are straight. It knows where the frames of a
//! WebSocket begin, and nothing of what is in them.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::within;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Straight,
    /// The head of the answer, and then each byte for itself.
    ByteByByte,
    Breaks(After, End),
}

/// How much has come from the server when a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Bytes(usize),
    /// So many whole frames with data, and half of the next one.
    Frames(usize),
}

/// How a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Close,
    Reset,
    /// It stays open, nothing more passes either way, and nobody is told.
    Silence,
}

/// A running wire. All its connections end when it is dropped.
pub(super) struct Wire {
    server: SocketAddr,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    ways: Mutex<VecDeque<Way>>,
    /// How many connections there have been.
    connections: watch::Sender<usize>,
    stop: CancellationToken,
}

impl Wire {
    pub(super) async fn before(server: SocketAddr, ways: &[Way]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("a bound listener");
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared { ways: Mutex::new(ways.iter().copied().collect()), connections: watch::Sender::default(), stop: stop.clone() });
        tokio::spawn(stop.run_until_cancelled_owned(accept(listener, server, Arc::clone(&shared))));
        Self { server, address, shared }
    }

    /// A URL of the server, with the wire in its place.
    pub(super) fn to(&self, url: &str) -> String {
        url.replace(&self.server.to_string(), &self.address.to_string())
    }

    /// The next connection for which nothing was ordered yet goes this way.
    pub(super) fn next(&self, way: Way) {
        self.shared.ways.lock().unwrap_or_else(PoisonError::into_inner).push_back(way);
    }

    /// Waits until there have been so many connections.
    pub(super) async fn connected(&self, times: usize) {
        let mut connections = self.shared.connections.subscribe();
        within("somebody connects", connections.wait_for(|connections| *connections >= times)).await.expect("`self` holds the sender");
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let way = shared.ways.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Way::Straight);
        shared.connections.send_modify(|connections| *connections += 1);
        // An end that goes away is part of the game.
        tokio::spawn(shared.stop.clone().run_until_cancelled_owned(async move { connect(client, server, way).await.ok() }));
    }
}

/// One connection from its beginning to its end.
async fn connect(mut client: TcpStream, server: SocketAddr, way: Way) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    let end = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        tokio::select! {
            end = pass(&mut from_server, &mut to_client, way) => end?,
            _ = tokio::io::copy(&mut from_client, &mut to_server) => End::Close,
        }
    };
    match end {
        End::Close => client.shutdown().await,
        End::Reset => client.set_zero_linger(),
        End::Silence => std::future::pending().await,
    }
}

/// Passes on what the server sends, until the connection is to end.
async fn pass(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>, way: Way) -> io::Result<End> {
    match way {
        Way::Straight => {
            tokio::io::copy(from, to).await?;
            Ok(End::Close)
        }
        Way::ByteByByte => {
            to.write_all(&head(from).await?).await?;
            let mut bytes = [0; 4_096];
            loop {
                let count = from.read(&mut bytes).await?;
                if count == 0 {
                    return Ok(End::Close);
                }
                for byte in &bytes[..count] {
                    to.write_all(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
            }
        }
        Way::Breaks(After::Bytes(count), end) => {
            // It may break before the server has said a word, but not before there is something to answer.
            let mut first = vec![0; count.max(1)];
            from.read_exact(&mut first).await?;
            to.write_all(&first[..count]).await?;
            Ok(end)
        }
        Way::Breaks(After::Frames(mut left), end) => {
            to.write_all(&head(from).await?).await?;
            loop {
                let frame = frame(from).await?;
                let has_data = matches!(frame[0] & 0x0f, 1 | 2);
                if has_data && left == 0 {
                    to.write_all(&frame[..frame.len() / 2]).await?;
                    return Ok(end);
                }
                left -= usize::from(has_data);
                to.write_all(&frame).await?;
            }
        }
    }
}

/// The head of an HTTP answer.
async fn head(from: &mut ReadHalf<'_>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await?);
    }
    Ok(head)
}

/// A frame of a WebSocket as a server sends it, without a mask (RFC 6455, 5.2).
async fn frame(from: &mut ReadHalf<'_>) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    from.read_exact(&mut frame).await?;
    let length = match frame[1] {
        126 => usize::from(from.read_u16().await.inspect(|length| frame.extend(length.to_be_bytes()))?),
        127 => from.read_u64().await.inspect(|length| frame.extend(length.to_be_bytes()))? as usize,
        short => usize::from(short),
    };
    let start = frame.len();
    frame.resize(start + length, 0);
    from.read_exact(&mut frame[start..]).await?;
    Ok(frame)
}
