//! How long a peer may take for each thing it does, measured at its socket.
//!
//! ```text
//! Head ──request──▶ Answer, Upload ──bytes out──▶ Sending ──all out──▶ Idle ──bytes in──▶ Head        (a connection starts in Head)
//!   └──────────────────────┴──────────── the end ────┴──────────────────┴──────▶ Closing
//! ```
//!
//! All is out when the answer's body has ended and the socket has taken it. So a stream that has nothing to say is not idle, and whoever asks
//! for nothing can be told from whoever is being answered.
//!
//! hyper's own timer for heads also runs while a connection is idle, so it can't tell the two apart; this can. A head counts as a
//! whole from its first byte: sending one byte a second doesn't help. Nothing here runs a timer: [`Patience::deadline`] says when the
//! patience ends, and the connection's task sleeps until then and asks again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// For a request's head, from its first byte to its last. A head fits into a few packets.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// Between an answer and the next request, and between two pieces of an answer. Above the 60 s for which proxies commonly keep a connection,
/// so that they end it first and never send a request into a closing one.
pub(super) const IDLE: Duration = Duration::from_secs(75);

/// For a head, and between requests, while there is no room for others: what a peer needs that is neither slow nor silent.
pub(super) const SPARE: Duration = Duration::from_secs(1);

/// Between two pieces of an answer, while there is no room for others: more than the quarter of a minute after which a stream says something
/// (`api/events.rs`), and far more than a peer needs that reads what it has asked for.
pub(super) const STALLED: Duration = Duration::from_secs(20);

/// For an answer, from the request to its first bytes in the socket; above every route's deadline, which is to be seen first.
pub(super) const ANSWER: Duration = Duration::from_secs(50);

/// The same where a large body is expected.
pub(super) const UPLOAD: Duration = Duration::from_secs(350);

/// For reading what a peer still sends after the last answer.
pub(super) const CLOSING: Duration = Duration::from_secs(1);

/// The most that is read after the last answer.
const LINGER_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Head,
    Answer,
    Upload,
    Sending,
    Idle,
    Closing,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Head, Self::Answer, Self::Upload, Self::Sending, Self::Idle, Self::Closing];

    fn limit(self) -> Duration {
        match self {
            Self::Head => HEAD,
            Self::Answer => ANSWER,
            Self::Upload => UPLOAD,
            Self::Sending | Self::Idle => IDLE,
            Self::Closing => CLOSING,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Answer => "answer",
            Self::Upload => "upload",
            Self::Sending => "sending",
            Self::Idle => "idle",
            Self::Closing => "closing",
        }
    }
}

/// What one connection is waiting for, and since when.
pub(super) struct Patience {
    opened: Instant,
    /// The phase in the lowest three bits, above them the microseconds from `opened` to its beginning. One task alone uses it, so
    /// the order of memory doesn't matter; it is atomic because hyper wants the task to be `Send`.
    state: AtomicU64,
    /// Whether an answer is being made: what is sent before it only asks for the body (`100 Continue`).
    answering: AtomicBool,
    /// Whether more of an answer's body is to come.
    unfinished: AtomicBool,
}

/// The rest of an answer's body: while this is there, more is to come.
pub(super) struct Rest(Arc<Patience>);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.unfinished.store(false, Ordering::Relaxed);
    }
}

impl Patience {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { opened: Instant::now(), state: AtomicU64::new(0), answering: AtomicBool::new(false), unfinished: AtomicBool::new(false) })
    }

    /// An answer is being made.
    pub(super) fn answering(&self, phase: Phase) {
        self.answering.store(true, Ordering::Relaxed);
        self.enter(phase);
    }

    /// It is made, and what is sent from now on is it, until its body has ended.
    pub(super) fn answered(self: &Arc<Self>) -> Rest {
        self.answering.store(false, Ordering::Relaxed);
        self.unfinished.store(true, Ordering::Relaxed);
        Rest(Arc::clone(self))
    }

    pub(super) fn enter(&self, phase: Phase) {
        let since = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX >> 3);
        self.state.store(since << 3 | phase as u64, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::ALL[(self.state.load(Ordering::Relaxed) & 7) as usize]
    }

    /// When the peer will have taken too long for what it does now.
    pub(super) fn deadline(&self, crowded: bool) -> Instant {
        let since = Duration::from_micros(self.state.load(Ordering::Relaxed) >> 3);
        let limit = match self.phase() {
            Phase::Head | Phase::Idle if crowded => SPARE,
            Phase::Sending if crowded => STALLED,
            phase => phase.limit(),
        };
        self.opened + since + limit
    }

    /// A piece has gone into the socket.
    fn sent(&self) {
        if !self.answering.load(Ordering::Relaxed) {
            self.enter(Phase::Sending);
        }
    }

    /// The socket has taken all that there is so far.
    fn sent_all(&self) {
        if self.phase() == Phase::Sending && !self.unfinished.load(Ordering::Relaxed) {
            self.enter(Phase::Idle);
        }
    }

    /// Something has come. What comes after the end of an answer's body is the next head, though the socket may not have taken all of it yet.
    fn heard(&self) {
        if matches!(self.phase(), Phase::Sending | Phase::Idle) && !self.unfinished.load(Ordering::Relaxed) {
            self.enter(Phase::Head);
        }
    }
}

/// A socket that tells its [`Patience`] what passes.
pub(super) struct Watched {
    stream: TcpStream,
    patience: Arc<Patience>,
    /// What was read after the last answer.
    lingered: usize,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, patience: Arc<Patience>) -> Self {
        Self { stream, patience, lingered: 0 }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.patience.sent();
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.patience.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper asks for it when it holds nothing any more that is to be sent.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.patience.sent_all();
        Poll::Ready(Ok(()))
    }

    /// Ends our side, then reads and forgets what the peer still sends: closing a socket with unread bytes resets the connection, and
    /// a peer in the middle of an endless head would never see the answer that tells it so.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.patience.phase() != Phase::Closing {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.patience.enter(Phase::Closing);
        }
        let mut scrap = [0; 4096];
        while self.lingered < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.lingered += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_own_patience_from_its_own_beginning() {
        let patience = Patience::new();
        assert_eq!(patience.phase(), Phase::Head);
        for phase in Phase::ALL {
            tokio::time::advance(Duration::from_secs(3)).await;
            patience.enter(phase);
            let beginning = Instant::now();
            tokio::time::advance(Duration::from_millis(500)).await;
            assert_eq!(patience.phase(), phase);
            assert_eq!(patience.deadline(false), beginning + phase.limit(), "{phase:?}");
            let spare = match phase {
                Phase::Head | Phase::Idle => SPARE,
                Phase::Sending => STALLED,
                phase => phase.limit(),
            };
            assert_eq!(patience.deadline(true), beginning + spare, "{phase:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_the_body_has_ended_and_the_socket_has_taken_all_of_it() {
        let patience = Patience::new();
        let phase_after = |step: &dyn Fn(&Patience)| {
            step(&patience);
            patience.phase()
        };
        patience.answering(Phase::Answer);
        // `100 Continue`, and the body that it asks for.
        assert_eq!(phase_after(&Patience::sent), Phase::Answer);
        assert_eq!(phase_after(&Patience::sent_all), Phase::Answer);
        assert_eq!(phase_after(&Patience::heard), Phase::Answer);
        let rest = patience.answered();
        assert_eq!(phase_after(&Patience::sent_all), Phase::Answer);
        for _ in 0..2 {
            assert_eq!(phase_after(&Patience::sent), Phase::Sending);
            assert_eq!(phase_after(&Patience::sent_all), Phase::Sending);
            assert_eq!(phase_after(&Patience::heard), Phase::Sending);
        }
        drop(rest);
        assert_eq!(phase_after(&Patience::sent), Phase::Sending);
        assert_eq!(phase_after(&Patience::sent_all), Phase::Idle);
        assert_eq!(phase_after(&Patience::heard), Phase::Head);
    }
}
