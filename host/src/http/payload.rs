//! An answer's body: bytes that are there, or something that is still being made.
//!
//! Pages of feeds are bytes, and cost no allocation here; what axum's routes answer may be a stream that never ends.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as Stream;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::patience::Rest;

pub(super) enum Payload {
    Whole(Full<Bytes>),
    Stream(Stream),
}

/// A body on its way out, whose end is noticed.
pub(super) struct Outgoing {
    payload: Payload,
    _rest: Rest,
}

impl Outgoing {
    pub(super) fn new(payload: Payload, rest: Rest) -> Self {
        Self { payload, _rest: rest }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never: Infallible| match never {}),
            Self::Stream(stream) => Pin::new(stream).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().payload).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}
