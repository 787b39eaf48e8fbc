//! Where a guest prints to: the last bytes are kept, and nothing that it prints is an error for it.
//!
//! A panic's message comes last, so it is there however much was printed before.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that are kept: most tracebacks.
const KEPT: usize = 2 << 10;

/// Bytes that a guest may print at once.
const AT_ONCE: usize = 4 << 10;

/// The end of what was printed. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Whether there was more before.
    cut: bool,
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, bytes: &[u8]) {
        let kept = &mut *self.lock();
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let too_many = (kept.bytes.len() + bytes.len()).saturating_sub(KEPT);
        kept.cut |= too_many > 0;
        kept.bytes.drain(..too_many.min(kept.bytes.len()));
        kept.bytes.extend_from_slice(bytes);
    }

    /// What is kept, as text; an ellipsis first if there was more. Its end is the end of what was printed.
    pub(super) fn text(&self) -> String {
        let kept = self.lock();
        let text = String::from_utf8_lossy(&kept.bytes);
        if kept.cut { format!("… {}", text.trim_start_matches(char::REPLACEMENT_CHARACTER)) } else { text.into_owned() }
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl OutputStream for Tail {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(AT_ONCE)
    }
}

#[async_trait]
impl Pollable for Tail {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Tail {
    fn poll_write(self: Pin<&mut Self>, _context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_printed_is_kept_whatever_came_before() {
        let tail = Tail::default();
        tail.print(b"one, ");
        tail.print(b"two");
        assert_eq!(tail.text(), "one, two");
        for _ in 0..10_000 {
            tail.print("für immer, ".as_bytes());
        }
        tail.print(&[b'x'; 3 * KEPT]);
        tail.print(b"the end");
        let text = tail.text();
        assert!(text.starts_with("… xxx") && text.ends_with("xthe end") && text.len() < KEPT + 10, "{text}");
    }
}
