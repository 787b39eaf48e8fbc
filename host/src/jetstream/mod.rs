//! The stream of the whole network, from a Jetstream server: one WebSocket in, [`Intake`]s out.
//!
//! A frame goes through these files in this order:
//!
//! ```text
//! endpoint → connection → unpack → header → prefilter → decode → intake
//! what to    one socket   zstd     did,     keep it?    Event,   what is sent on,
//! ask whom                         time                 Refusal  and the cursor
//! ```
//!
//! [`receive`] is the loop around them; it reconnects for ever. `header`, `prefilter`, `decode` and the query in `endpoint` are
//! all that knows the v1 wire (`/subscribe`), and all that a second wire would have to bring along.
//!
//! Nothing here writes to disk or judges content. Whatever the network sends is skipped and counted, never fatal; a connection
//! that fails is replaced by one to the next endpoint, a few seconds back.

mod backoff;
mod connection;
mod decode;
mod endpoint;
mod header;
mod health;
mod intake;
mod known;
mod prefilter;
mod receiver;
mod refusal;
#[cfg(test)]
mod tests;
mod unpack;

pub use backoff::Backoff;
pub use endpoint::{Endpoint, EndpointError};
pub use health::Health;
pub use intake::{Cursor, Intake};
pub use known::KnownDids;
pub use receiver::{Settings, receive};
pub use refusal::Refusal;
pub(crate) use unpack::DICTIONARY;

/// Whether a frame would be looked at more closely, given the accounts of which we hold something. For the benchmark.
pub fn passes(frame: &[u8], known: &KnownDids) -> bool {
    thread_local! {
        static PREFILTER: prefilter::Prefilter = prefilter::Prefilter::new();
    }
    header::read(frame).is_ok_and(|header| PREFILTER.with(|prefilter| prefilter.judge(frame, &header, known)) != prefilter::Verdict::Drop)
}
