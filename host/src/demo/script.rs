//! What a demo server does to a client when it is told to misbehave, and raw frames for when speed is what is measured.
//!
//! A script is for one connection. When it has come to its end, the connection goes on like any other. Nothing here is used
//! outside of tests and benchmarks.

use std::{io, sync::Arc, time::Duration};

use futures_util::SinkExt;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::Message},
};
use zstd::bulk::Compressor;

use crate::jetstream::DICTIONARY;

/// The actions of one connection, in this order.
pub type Script = Vec<Action>;

#[derive(Debug, Clone)]
pub enum Action {
    /// Answers the handshake with this HTTP status. Only as the first action.
    Refuse(u16),
    /// Accepts the TCP connection and never answers the handshake. Only as the first action.
    Stall,
    /// Sends an event the way the client has asked for it.
    Send(String),
    /// Sends it as text, even where zstd was asked for.
    SendText(String),
    /// Sends a binary message with just this payload.
    SendRaw(Vec<u8>),
    /// Sends a text message that is no JSON.
    SendJunkText,
    /// Sends again the last so many events of `Send`, on whichever connection they were sent: v2 servers resume up to an hour
    /// too early (bluesky-social/jetstream#343).
    RepeatLastHour(usize),
    Ping,
    Sleep(Duration),
    /// Writes bytes of [`prebuild_frames`] as fast as they are taken, so many times.
    Blast(Arc<[u8]>, usize),
    /// Keeps the connection open, never writes, answers no ping.
    Silence,
    /// Writes the start of a frame and drops the connection.
    CloseMidFrame,
    CloseCleanly,
}

/// Whether the connection goes on after an action.
pub(super) enum After {
    GoOn,
    Close,
}

/// The state that outlives an action.
pub(super) struct Actor<'a> {
    pub(super) socket: &'a mut WebSocketStream<TcpStream>,
    /// For clients that have asked for zstd.
    pub(super) compressor: Option<&'a mut Compressor<'static>>,
    /// What was sent, for `RepeatLastHour`.
    pub(super) sent: &'a std::sync::Mutex<Vec<String>>,
}

impl Actor<'_> {
    pub(super) async fn play(&mut self, action: Action) -> Result<After, tungstenite::Error> {
        match action {
            Action::Refuse(_) | Action::Stall => {}
            Action::Send(json) => {
                lock(self.sent).push(json.clone());
                self.send(&json).await?;
            }
            Action::SendText(json) => self.socket.send(Message::text(json)).await?,
            Action::SendRaw(bytes) => self.socket.send(Message::binary(bytes)).await?,
            Action::SendJunkText => self.socket.send(Message::text("<html>502 Bad Gateway</html>")).await?,
            Action::RepeatLastHour(count) => {
                let sent = lock(self.sent).clone();
                for json in &sent[sent.len().saturating_sub(count)..] {
                    self.send(json).await?;
                }
            }
            Action::Ping => self.socket.send(Message::Ping(Default::default())).await?,
            Action::Sleep(duration) => sleep(duration).await,
            Action::Blast(frames, times) => {
                for _ in 0..times {
                    self.socket.get_mut().write_all(&frames).await?;
                }
            }
            Action::Silence => std::future::pending().await,
            Action::CloseMidFrame => {
                let mut frame = Vec::new();
                write_frame(&mut frame, BINARY, &[0; 1_000]);
                frame.truncate(100);
                self.socket.get_mut().write_all(&frame).await?;
                return Ok(After::Close);
            }
            Action::CloseCleanly => {
                self.socket.close(None).await?;
                return Ok(After::Close);
            }
        }
        Ok(After::GoOn)
    }

    async fn send(&mut self, json: &str) -> Result<(), tungstenite::Error> {
        self.socket.send(message(json, self.compressor.as_deref_mut())?).await
    }
}

/// An event as a message on the wire.
pub(super) fn message(json: &str, compressor: Option<&mut Compressor<'static>>) -> io::Result<Message> {
    Ok(match compressor {
        Some(compressor) => Message::binary(compressor.compress(json.as_bytes())?),
        None => Message::text(json),
    })
}

/// A compressor as Jetstream has it.
pub(crate) fn compressor() -> io::Result<Compressor<'static>> {
    Compressor::with_dictionary(zstd::DEFAULT_COMPRESSION_LEVEL, DICTIONARY)
}

/// These events as the bytes that a server writes to its socket: one WebSocket frame each.
pub fn prebuild_frames<S: AsRef<str>>(events: &[S], compress: bool) -> io::Result<Vec<u8>> {
    let mut compressor = compressor()?;
    let mut bytes = Vec::new();
    for event in events {
        let event = event.as_ref().as_bytes();
        if compress {
            write_frame(&mut bytes, BINARY, &compressor.compress(event)?);
        } else {
            write_frame(&mut bytes, TEXT, event);
        }
    }
    Ok(bytes)
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// A final, unmasked frame, as RFC 6455 (5.2) has it.
fn write_frame(bytes: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    bytes.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => bytes.push(length),
        (_, Ok(length)) => {
            bytes.push(126);
            bytes.extend(length.to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
}

pub(super) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
