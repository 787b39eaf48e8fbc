//! The stream of the whole network, from a Jetstream server: one WebSocket in, [`Intake`]s out.
//!
//! A frame goes through these files in this order:
//!
//! ```text
//! endpoint → handshake → connection → unpack → wire → position → prefilter → decode → intake
//! what to                one socket   zstd     did,   follows    keep it?    Event,   what is sent on,
//! ask whom                                     time   it on?                 Refusal  and the cursor
//! ```
//!
//! [`receive`] is the loop around them; it reconnects for ever. Two wires are spoken, v1 (`/subscribe`) and v2
//! (`subscribeEvents`): `wire` says how they differ, `v1` and `v2` read their frames, and nothing after those knows which it was.
//!
//! Nothing here writes to disk or judges content. Whatever the network sends is skipped and counted, never fatal; a connection
//! that fails is replaced by one to the next endpoint, a few seconds back. What no server has any more is told as a [`Gap`].

mod asking;
mod backoff;
mod connection;
mod decode;
mod endpoint;
mod handshake;
mod health;
mod intake;
mod known;
mod position;
mod prefilter;
mod probe;
mod receiver;
mod refusal;
#[cfg(test)]
mod tests;
mod unpack;
mod v1;
mod v2;
mod wire;

pub use backoff::Backoff;
pub use endpoint::{Endpoint, EndpointError};
pub use health::Health;
pub use intake::{Intake, Trace};
pub use known::{Announced, KnownDids};
pub use position::{Cursor, Gap, Mark};
pub use probe::{Probe, probe};
pub use receiver::{Settings, receive};
pub use refusal::Refusal;
pub(crate) use unpack::DICTIONARY;
pub use wire::Wire;

/// Whether a frame of this wire would be looked at more closely, given the accounts of which we hold something. For the benchmark.
pub fn passes(wire: Wire, frame: &[u8], known: &KnownDids) -> bool {
    thread_local! {
        static PREFILTER: prefilter::Prefilter = prefilter::Prefilter::new();
    }
    match wire.read(frame) {
        Ok(wire::Frame::Event(header)) => PREFILTER.with(|prefilter| prefilter.judge(wire, frame, &header, known)) != prefilter::Verdict::Drop,
        _ => false,
    }
}
