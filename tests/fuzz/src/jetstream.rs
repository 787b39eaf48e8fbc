//! The receiver without its socket: everything between a message's bytes and what is handed to the consumer.
//!
//! Left out are `connection`, `handshake` and `receiver`, which open sockets and wait, and `backoff`, which reads nothing.

#[expect(dead_code, reason = "the rest is for the receiver")]
#[path = "../../../host/src/jetstream/asking.rs"]
mod asking;
#[path = "../../../host/src/jetstream/decode.rs"]
mod decode;
#[path = "../../../host/src/jetstream/endpoint.rs"]
mod endpoint;
#[expect(dead_code, reason = "the rest is for the receiver")]
#[path = "../../../host/src/jetstream/health.rs"]
pub mod health;
#[expect(dead_code, reason = "the rest is for the receiver")]
#[path = "../../../host/src/jetstream/intake.rs"]
mod intake;
#[path = "../../../host/src/jetstream/known.rs"]
mod known;
#[expect(dead_code, reason = "the rest is for the receiver")]
#[path = "../../../host/src/jetstream/position.rs"]
mod position;
#[path = "../../../host/src/jetstream/prefilter.rs"]
mod prefilter;
#[path = "../../../host/src/jetstream/refusal.rs"]
mod refusal;
#[path = "../../../host/src/jetstream/unpack.rs"]
mod unpack;
#[path = "../../../host/src/jetstream/v1.rs"]
mod v1;
#[path = "../../../host/src/jetstream/v2.rs"]
mod v2;
#[expect(dead_code, reason = "the rest is for the handshake")]
#[path = "../../../host/src/jetstream/wire.rs"]
mod wire;

pub mod endpoints;
pub mod frames;
pub mod streams;

pub use endpoint::{Endpoint, EndpointError};
pub use intake::Intake;
pub use known::{Announced, KnownDids};
pub use position::{Cursor, Gap, Mark};
pub use refusal::Refusal;
pub use wire::Wire;

/// Stands in for `jetstream/handshake.rs`, which shakes hands with tungstenite and rustls: what a server's refusal is taken for.
#[expect(dead_code, reason = "nobody refuses here")]
mod handshake {
    pub(super) struct Rejection {
        pub(super) status: u16,
        pub(super) reason: Reason,
    }

    pub(super) enum Reason {
        CursorTooOld,
        UnknownZstdDictionary,
        Unnamed,
    }
}
