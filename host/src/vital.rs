//! Parts of the program without which it only seems to run.
//!
//! A thread or task that panics would leave a program that answers and does nothing, which no operator notices. So a vital part
//! that panics, or a thread that ends with an error, stops the whole program in an orderly way, and the program's end is an error:
//! whoever supervises it starts it anew. It never hides a panic, and never goes on after one.
//!
//! A part that simply ends stops nothing: most end because nobody brings them anything any more, which is so when another part has
//! failed, and from the beginning where no Jetstream server is configured.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

/// Watches over the vital parts. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Vital {
    stop: CancellationToken,
    failure: Arc<OnceLock<String>>,
}

impl Vital {
    /// `stop` is cancelled when a part fails.
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, failure: Arc::default() }
    }

    /// Why the program had to stop, if it had to.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Starts a thread that is a vital part.
    pub fn thread<E: Display>(&self, name: &'static str, run: impl FnOnce() -> Result<(), E> + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        let vital = self.clone();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => vital.fail(name, &cause),
            Err(panic) => vital.fail(name, &message(&*panic)),
        })
    }

    /// Starts a task that is a vital part.
    pub fn task(&self, name: &'static str, run: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        let vital = self.clone();
        tokio::spawn(async move {
            if let Err(panic) = AssertUnwindSafe(run).catch_unwind().await {
                vital.fail(name, &message(&*panic));
            }
        })
    }

    fn fail(&self, name: &str, cause: &dyn Display) {
        tracing::error!(part = name, %cause, "a vital part of the program failed: the program ends");
        // Of several the first is the cause.
        drop(self.failure.set(format!("the {name} failed: {cause}")));
        self.stop.cancel();
    }
}

/// What a panic said, in one line.
pub fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_panics_or_fails_stops_the_program() {
        let check = async |start: fn(&Vital), expected: &str| {
            let stop = CancellationToken::new();
            let vital = Vital::new(stop.clone());
            start(&vital);
            stop.cancelled().await;
            assert_eq!(vital.failure(), Some(expected));
        };
        check(|vital| drop(vital.thread("writer", || -> Result<(), String> { panic!("at {}", 7) })), "the writer failed: at 7").await;
        check(|vital| drop(vital.thread("writer", || -> Result<(), String> { panic!("no\n  disk") })), "the writer failed: no disk").await;
        check(|vital| drop(vital.thread("writer", || Err("no disk"))), "the writer failed: no disk").await;
        check(|vital| drop(vital.task("receiver", async { panic!("dead") })), "the receiver failed: dead").await;
    }

    #[tokio::test]
    async fn a_part_that_ends_as_it_should_stops_nothing() {
        let stop = CancellationToken::new();
        let vital = Vital::new(stop.clone());
        vital.thread("writer", || Ok::<(), String>(())).expect("a thread").join().expect("no panic");
        vital.task("receiver", async {}).await.expect("no panic");
        assert!(!stop.is_cancelled() && vital.failure().is_none());
    }
}
