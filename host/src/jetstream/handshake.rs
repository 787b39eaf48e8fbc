//! The handshake of a WebSocket: what is offered, and what a server says that refuses.
//!
//! A v2 server names its reason in the body of its refusal (`{"error":"CursorTooOld","message":…}`). Only what comes together
//! with the head is read of it, which may be nothing: a refusal without a name has to be dealt with all the same. Both texts are
//! the network's, and bounded.

use std::fmt;

use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest,
        error::{ProtocolError, SubProtocolError},
        http::{HeaderValue, Response, StatusCode, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::WebSocketConfig,
    },
};
use url::Url;

/// The largest message on the wire. One that is larger ends the connection, so this lies far above what servers send.
const MAX_MESSAGE: usize = 8 << 20;

/// How much of a server's own words is kept, in bytes.
const MAX_WORDS: usize = 200;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Debug)]
pub(super) enum HandshakeError {
    /// The server has answered, and doesn't want to.
    Rejected(Rejection),
    /// It doesn't say that it speaks what was offered. It may all the same, if nothing is offered.
    NoSubprotocol,
    Other(Box<tungstenite::Error>),
}

/// An answer other than "go on".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) status: u16,
    pub(super) reason: Reason,
    message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// The number that was asked for lies before the oldest that the server has.
    CursorTooOld,
    /// The server compresses with another dictionary than ours.
    UnknownZstdDictionary,
    /// Another that has a name.
    Named(String),
    /// It isn't said, or its words come later than the status.
    Unnamed,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match &self.reason {
            Reason::CursorTooOld => write!(f, " CursorTooOld")?,
            Reason::UnknownZstdDictionary => write!(f, " UnknownZstdDictionary")?,
            Reason::Named(name) => write!(f, " {name:?}")?,
            Reason::Unnamed => {}
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {:?}", self.message) }
    }
}

impl Rejection {
    fn of(response: &Response<Option<Vec<u8>>>) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: String,
            #[serde(default)]
            message: String,
        }
        let status = response.status().as_u16();
        let body = response.body().as_deref().and_then(|body| serde_json::from_slice::<Body>(body).ok());
        let Some(Body { error, message }) = body else {
            return Self { status, reason: Reason::Unnamed, message: String::new() };
        };
        let reason = match (response.status(), error.as_str()) {
            (StatusCode::BAD_REQUEST, "CursorTooOld") => Reason::CursorTooOld,
            (StatusCode::BAD_REQUEST, "UnknownZstdDictionary") => Reason::UnknownZstdDictionary,
            _ => Reason::Named(words(error)),
        };
        Self { status, reason, message: words(message) }
    }

    #[cfg(test)]
    pub(super) fn test(status: u16, reason: Reason) -> Self {
        Self { status, reason, message: String::new() }
    }
}

/// The start of what a server has said.
fn words(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_WORDS));
    text
}

/// Asks for this URL on a connection that was just made.
pub(super) async fn shake_hands(url: &Url, subprotocol: Option<&'static str>, stream: TcpStream) -> Result<Socket, HandshakeError> {
    if url.scheme() == "wss" {
        // rustls has no default of its own here, and panics without one. An error says that there's one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut request = url.as_str().into_client_request().map_err(|error| HandshakeError::Other(Box::new(error)))?;
    if let Some(subprotocol) = subprotocol {
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    match client_async_tls_with_config(request, stream, Some(config), None).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(HandshakeError::Rejected(Rejection::of(&response))),
        Err(tungstenite::Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol))) => Err(HandshakeError::NoSubprotocol),
        Err(error) => Err(HandshakeError::Other(Box::new(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_named_if_its_words_have_come() {
        let check = |status: u16, body: Option<&str>, reason: Reason, shown: &str| {
            let mut response = Response::new(body.map(|body| body.as_bytes().to_vec()));
            *response.status_mut() = StatusCode::from_u16(status).expect("the rows have valid ones");
            let rejection = Rejection::of(&response);
            assert_eq!((&rejection.reason, rejection.to_string().as_str()), (&reason, shown), "{body:?}");
        };
        check(400, Some(r#"{"error":"CursorTooOld","message":"the floor is 7"}"#), Reason::CursorTooOld, r#"400 CursorTooOld: "the floor is 7""#);
        check(400, Some(r#"{"error":"UnknownZstdDictionary"}"#), Reason::UnknownZstdDictionary, "400 UnknownZstdDictionary");
        check(400, Some(r#"{"error":"InvalidRequest","message":"a\nb"}"#), Reason::Named("InvalidRequest".to_owned()), r#"400 "InvalidRequest": "a\nb""#);
        // Only a refusal of what was asked means what it says.
        check(503, Some(r#"{"error":"CursorTooOld"}"#), Reason::Named("CursorTooOld".to_owned()), r#"503 "CursorTooOld""#);
        for body in [None, Some(""), Some(r#"{"error":"CursorTooOld","mess"#), Some("<html>"), Some(r#"{"error":7}"#)] {
            check(400, body, Reason::Unnamed, "400");
        }
        let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(1_000));
        check(500, Some(&long), Reason::Named("é".repeat(100)), &format!("500 {:?}", "é".repeat(100)));
    }
}
