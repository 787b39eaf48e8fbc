//! The wires that Jetstream servers speak, behind one seam.
//!
//! | | `/subscribe`, v1 | `/xrpc/network.bsky.jetstream.subscribeEvents`, v2 |
//! |---|---|---|
//! | a frame is | an event | a message or an error; a message is an event or a notice |
//! | a place in the stream is | a time in microseconds | the same, or the number of an event, which means something to that server only |
//! | too old a place | starts at the oldest, without a word | is refused if a number, and starts at the oldest with a notice if a time |
//! | what breaks a repo's history | is not told | is `#sync` |
//!
//! What is asked of them stands in `endpoint`, how a frame is read in [`v1`] and [`v2`]. The rest of the receiver knows no
//! difference, except that only some headers have a number.

use std::borrow::Cow;

use super::{Refusal, decode::Decoded, v1, v2};

/// How a server talks. Its address says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    V1,
    V2,
}

/// A frame, as far as it is read before it is known whether it concerns us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Event(Header<'a>),
    Notice(Notice),
    /// Of a type that came after this was written.
    Unknown,
}

/// Whose event it is, when the server saw it, and what kind it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// As the frame has it: its syntax isn't checked here.
    pub(super) did: Cow<'a, str>,
    pub(super) time_us: u64,
    /// The event's number on this server.
    pub(super) seq: Option<u64>,
    pub(super) kind: Kind,
    /// Whether it is a commit that updates or deletes a post; `None` if only a parser can tell.
    pub(super) changes_a_post: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Identity,
    Account,
    /// The repo's history is broken: what is known of it may be wrong.
    Sync,
    /// One that came after this was written.
    Other,
}

/// What a server says of the stream itself. Its words are bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// The place that was asked for is no longer there: the stream starts at the oldest that is.
    OutdatedCursor,
    /// Nothing more will come.
    Error { name: String, message: String },
}

impl Wire {
    /// The start of a frame: all that is read of most.
    pub(super) fn read(self, frame: &[u8]) -> Result<Frame<'_>, Refusal> {
        match self {
            Self::V1 => v1::read(frame).map(Frame::Event),
            Self::V2 => v2::read(frame),
        }
    }

    /// The same as the header's, found by a parser. It says yes to what it can't read: the decoder refuses it, and says why.
    pub(super) fn changes_a_post(self, frame: &[u8]) -> bool {
        match self {
            Self::V1 => v1::changes_a_post(frame),
            Self::V2 => v2::changes_a_post(frame),
        }
    }

    /// All of it.
    pub(super) fn decode(self, frame: &[u8]) -> Result<Decoded, Refusal> {
        match self {
            Self::V1 => v1::decode(frame),
            Self::V2 => v2::decode(frame),
        }
    }

    /// What the handshake asks to speak, if it asks at all.
    pub(super) fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::V1 => None,
            Self::V2 => Some("xrpc.v1.json"),
        }
    }
}
