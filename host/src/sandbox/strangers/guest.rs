//! One call of a stranger's mix, in a store of its own.
//!
//! Nothing is kept from one call to the next: what a mix remembers of one reader is gone before it hears of another. Whatever it
//! does ends this call alone, and says why in a sentence that the community's owner understands.

use std::time::{Duration, Instant};

use wasmtime::component::{Component, Linker};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::{I32Exit, WasiCtxView, WasiView};

use super::ticker::Ticker;
use crate::sandbox::deadline::processor_time;
use crate::sandbox::engine::Limits;
use crate::sandbox::mix::words::bindings::FeedMixPre;
use crate::sandbox::mix::words::{Answer, Ears, Request};
use crate::sandbox::one_line;
use crate::sandbox::wasi::Nothing;

/// Bytes that a mix may hand over in one call of the host's, or as its answer. 600 picks with notes take 90 KB.
const HANDED_OVER: usize = 1 << 20;

/// Elements of all tables of one instance. A Python component has 6,000.
const TABLE_LIMIT: usize = 100_000;

/// Core instances, memories and tables. A Python component has 38 core instances.
const PARTS: usize = 64;

/// Handles of WASI's that a mix may hold.
const HANDLES: usize = 1_024;

/// Letters of what a mix has printed last, where it broke off.
const LAST_WORDS: usize = 300;

/// What one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Allowance {
    /// wasmtime's fuel: about one unit for an instruction.
    pub fuel: u64,
    /// On the clock on the wall. Fuel ends most calls before.
    pub time: Duration,
    /// Bytes of all memories together.
    pub memory: usize,
}

impl Default for Allowance {
    /// What the operator's options have as defaults. QuickJS takes 11 million for 500 posts (0.9 ms), and an instruction a
    /// nanosecond and a half at worst.
    fn default() -> Self {
        Self { fuel: 50_000_000, time: Duration::from_millis(250), memory: 64 << 20 }
    }
}

/// Why a call gave no answer. Each text can stand behind the mix's name, for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Failure {
    #[error("computed too much: a call may take {allowed} units of fuel, and it had not come to its end with them")]
    Fuel { allowed: u64 },
    #[error("took too long: a call may last {allowed_ms} ms")]
    Time { allowed_ms: u64 },
    /// It would have come to its end if the machine had let it; nobody's fault but the operator's.
    #[error("was not let compute: the host is busy")]
    Starved,
    #[error("needed too much memory: a call may have {allowed_mib} MiB in all")]
    Memory { allowed_mib: usize },
    #[error("needed too large tables: all of a call's may have {TABLE_LIMIT} elements together")]
    Tables,
    #[error("has too many parts: a mix may have {PARTS} core instances, and as many memories and tables")]
    Parts,
    #[error("nested its calls too deeply")]
    Stack,
    #[error("handed over too much at once: neither an answer nor anything else may have more than {allowed_kib} KiB")]
    Answer { allowed_kib: usize },
    #[error("broke off: {0}")]
    Trap(String),
    #[error("gave up by itself: {0}")]
    Refused(String),
}

impl Failure {
    /// One word, for counters and for the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fuel { .. } => "fuel",
            Self::Time { .. } => "time",
            Self::Starved => "starved",
            Self::Memory { .. } => "memory",
            Self::Tables => "tables",
            Self::Parts => "parts",
            Self::Stack => "stack",
            Self::Answer { .. } => "answer",
            Self::Trap(_) => "trap",
            Self::Refused(_) => "refused",
        }
    }
}

/// What came of a call.
#[derive(Debug)]
pub struct Run {
    pub outcome: Result<Answer, Failure>,
    /// Fuel that was used.
    pub fuel: u64,
    /// Bytes of memory that it had in the end.
    pub memory: usize,
    /// Whether it has asked who reads.
    pub asked: bool,
    /// What it has said.
    pub printed: String,
    pub took: Duration,
    /// Processor time of it.
    pub computed: Duration,
}

impl Run {
    /// Of a call for which nobody could wait any longer.
    pub(super) fn starved(took: Duration) -> Self {
        let (printed, computed) = (String::new(), Duration::ZERO);
        Self { outcome: Err(Failure::Starved), fuel: 0, memory: 0, asked: false, printed, took, computed }
    }
}

pub(super) struct State {
    limits: Limits,
    wasi: Nothing,
    ears: Ears,
}

impl State {
    pub(super) fn ears(&mut self) -> &mut Ears {
        &mut self.ears
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

/// A stranger's mix, compiled and linked. Cheap to share, and good for any number of calls at a time.
pub struct Guest {
    pre: FeedMixPre<State>,
    ticker: Ticker,
    size: usize,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guest")
    }
}

impl Guest {
    pub(super) fn new(linker: &Linker<State>, component: &Component, ticker: Ticker) -> wasmtime::Result<Self> {
        Ok(Self { pre: linker.instantiate_pre(component).and_then(FeedMixPre::new)?, ticker, size: 0 })
    }

    pub(super) fn of_size(self, size: usize) -> Self {
        Self { size, ..self }
    }

    /// Bytes of its compiled code, if it came from a file.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Asks the mix for a block, for this reader.
    pub fn run(&self, request: &Request, viewer: Option<&str>, allowance: &Allowance) -> Run {
        self.run_while(request, viewer, allowance, || true)
    }

    /// The same, as long as this says so, which is asked between each millisecond of it and the next.
    pub(super) fn run_while(&self, request: &Request, viewer: Option<&str>, allowance: &Allowance, goes_on: impl Fn() -> bool + Send + Sync + 'static) -> Run {
        let _running = self.ticker.call();
        let (began, idle) = (Instant::now(), processor_time());
        let state = State {
            limits: Limits::new(allowance.memory, TABLE_LIMIT, PARTS),
            wasi: Nothing::standing_at(request.wit.now),
            ears: Ears { viewer: viewer.map(str::to_owned), ..Ears::default() },
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(HANDED_OVER);
        store.set_max_component_handles(HANDLES);
        let until = began + allowance.time;
        store.epoch_deadline_callback(move |_| {
            if Instant::now() >= until || !goes_on() {
                return Err(Trap::Interrupt.into());
            }
            // Some kernels would let others wait for their own tick, of 4 ms.
            std::thread::yield_now();
            Ok(UpdateDeadline::Continue(1))
        });
        store.set_epoch_deadline(1);
        let answered = store.set_fuel(allowance.fuel).and_then(|()| {
            // Its start function is its code as well.
            let guest = self.pre.instantiate(&mut store)?;
            guest.atrarium_feed_mix_mix().call_mix(&mut store, &request.wit)
        });
        let computed = processor_time().saturating_sub(idle);
        let outcome = match answered {
            Ok(Ok(page)) => Ok(request.check(page)),
            Ok(Err(words)) => Err(Failure::Refused(one_line(&words))),
            Err(cause) => Err(match failure(&cause, store.data(), allowance) {
                Failure::Time { .. } if computed < allowance.time / 2 => Failure::Starved,
                failure => failure,
            }),
        };
        Run {
            outcome,
            fuel: allowance.fuel - store.get_fuel().unwrap_or(0).min(allowance.fuel),
            memory: store.data().limits.memory(),
            asked: store.data().ears.asked,
            printed: store.data_mut().said(),
            took: began.elapsed(),
            computed,
        }
    }
}

impl State {
    /// What it has logged, and then what it has printed.
    fn said(&mut self) -> String {
        let words = self.wasi.last_words();
        if let Some(words) = words {
            self.ears.printed.line(&words);
        }
        self.ears.printed.take()
    }
}

fn failure(cause: &wasmtime::Error, state: &State, allowance: &Allowance) -> Failure {
    // What is said around it is where the code was, by numbers that nobody knows.
    let text = cause.root_cause().to_string();
    match cause.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Failure::Fuel { allowed: allowance.fuel },
        Some(Trap::Interrupt) => return Failure::Time { allowed_ms: u64::try_from(allowance.time.as_millis()).unwrap_or(u64::MAX) },
        Some(Trap::StackOverflow) => return Failure::Stack,
        _ => {}
    }
    // wasmtime's own types for these are private. Before memory: what was refused may have been done without.
    if text.contains("allocated for hostcalls has been exhausted") {
        return Failure::Answer { allowed_kib: HANDED_OVER >> 10 };
    }
    if text.contains("resource limit exceeded") {
        return Failure::Parts;
    }
    if state.limits.refused_memory() {
        return Failure::Memory { allowed_mib: allowance.memory >> 20 };
    }
    if state.limits.refused_elements() {
        return Failure::Tables;
    }
    if let Some(exit) = cause.downcast_ref::<I32Exit>() {
        return Failure::Trap(format!("it ended itself with code {}", exit.0));
    }
    Failure::Trap(state.wasi.last_words().map_or_else(|| one_line(&text), |words| one_line(end_of(&words))))
}

/// The end of a text: a panic's message comes last, and so does a traceback's.
fn end_of(text: &str) -> &str {
    let letters = text.char_indices().rev().nth(LAST_WORDS - 1);
    letters.map_or(text, |(at, _)| &text[at..])
}
