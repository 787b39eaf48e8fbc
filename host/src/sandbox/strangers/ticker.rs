//! The clock of the strangers' engine: while calls run it ticks, so that each looks at the time and lets others compute; without any it rests.
//!
//! It never stops during a call: a mix that loops for ever is ended by it. Resting, it is woken by the next call, at the cost of one look at a flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::Engine;

use crate::sandbox::SandboxError;

/// How often a call looks at the clock and lets others compute: as long as somebody may wait for it who could go on.
const TICK: Duration = Duration::from_millis(1);

/// Ticks without a call after which the clock rests: a second. To wake it costs more than many ticks.
const PATIENCE: u32 = 1_000;

/// While it rests it looks whether its engine is gone.
const LOOK: Duration = Duration::from_secs(60);

/// The clock. It ends with its engine.
#[derive(Debug, Clone)]
pub(super) struct Ticker {
    state: Arc<State>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct State {
    calls: AtomicUsize,
    resting: AtomicBool,
}

/// A call that runs.
pub(super) struct Running<'a>(&'a State);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(super) fn start(engine: &Engine) -> Result<Self, SandboxError> {
        Self::with_patience(engine, PATIENCE)
    }

    fn with_patience(engine: &Engine, patience: u32) -> Result<Self, SandboxError> {
        let (weak, state) = (engine.weak(), Arc::new(State::default()));
        let shared = Arc::clone(&state);
        let started = std::thread::Builder::new().name("epochs".to_owned()).spawn(move || {
            let mut quiet = 0;
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                quiet = if shared.calls.load(Ordering::SeqCst) == 0 { quiet + 1 } else { 0 };
                if quiet < patience {
                    std::thread::sleep(TICK);
                    continue;
                }
                // Whoever counts a call after this sees that nobody ticks; whoever has counted one before is seen here.
                shared.resting.store(true, Ordering::SeqCst);
                if shared.calls.load(Ordering::SeqCst) == 0 {
                    std::thread::park_timeout(LOOK);
                }
                shared.resting.store(false, Ordering::SeqCst);
                quiet = 0;
            }
        });
        let thread = started.map_err(|cause| SandboxError::Engine(cause.to_string()))?.thread().clone();
        Ok(Self { state, thread })
    }

    /// A call begins. The clock ticks until this is dropped.
    pub(super) fn call(&self) -> Running<'_> {
        self.state.calls.fetch_add(1, Ordering::SeqCst);
        if self.state.resting.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn until(what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_rests_without_calls_and_ticks_while_there_is_one() {
        let engine = Engine::default();
        let patience = 20;
        let ticker = Ticker::with_patience(&engine, patience).expect("a thread");
        let rests = || ticker.state.resting.load(Ordering::SeqCst);
        for _ in 0..3 {
            until("it rests", rests);
            let call = ticker.call();
            let other = ticker.call();
            until("it is woken", || !rests());
            drop(other);
            // Longer than it is patient without a call.
            let began = Instant::now();
            while began.elapsed() < 3 * TICK * patience {
                assert!(!rests(), "it rests during a call");
                std::thread::sleep(TICK);
            }
            drop(call);
        }
    }
}
