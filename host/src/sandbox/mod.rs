//! WebAssembly components: the engine they run on, the walls around them, and one file for each world.
//!
//! * [`components`]: where the components' bytes come from, and how `moderation` is composed into `community-feed`.
//! * [`linked`]: the operator's components, compiled, linked and tried ([`rehearsal`]); and which of them count now.
//! * [`reload`]: others take their place while the program runs.
//! * [`engine`]: wasmtime's settings, the ticking of epochs, the limits of an instance; [`deadline`]: how long a call may take.
//! * [`strangers`]: mixes that a community's owner has uploaded: admission, and calls in which they can do nothing but answer.
//! * [`filter`], [`object`], [`mix`]: calling each world; generated bindings meet the host's own types there and nowhere else.
//!
//! wasmtime and wasmparser are named nowhere else. A guest is never trusted: every call has a deadline, every instance a limit on its memory,
//! every import a bound on what it hands over. A guest that traps loses its instance and nothing more; see [`Fault`].

pub mod components;
mod deadline;
pub mod engine;
pub mod filter;
pub mod linked;
pub mod mix;
pub mod object;
mod printed;
mod rehearsal;
pub mod reload;
pub mod strangers;
mod streams;
mod tail;
mod wasi;

use std::io;
use std::path::PathBuf;

pub use components::Components;
pub use engine::Sandbox;
pub use linked::{Current, Linked};
pub use reload::Reload;

/// Why a call gave no answer. Retried by the caller, in a fresh instance, as often as its rules say.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The guest trapped: a panic, a loop past its deadline, memory past its limit.
    #[error("{component} failed in {doing}: {cause}")]
    Trap { component: &'static str, doing: &'static str, cause: String },
    /// The guest answered with an error of its own.
    #[error("{component} refused {doing}: {cause}")]
    Refused { component: &'static str, doing: &'static str, cause: String },
}

impl Fault {
    fn cause(&self) -> &str {
        match self {
            Self::Trap { cause, .. } | Self::Refused { cause, .. } => cause,
        }
    }
}

/// What must hold before a component is used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("cannot read the component {path}: {cause}")]
    Read { path: PathBuf, cause: io::Error },
    #[error("cannot read the directory of components {path}: {cause}")]
    Directory { path: PathBuf, cause: io::Error },
    #[error("the component {name} can't be used: {cause}; a component built for another version of its contract in wit/ is refused like this")]
    Unusable { name: String, cause: String },
    /// It fits its contract, and fails at the most ordinary work.
    #[error("the component {name} was tried and failed: {cause}")]
    Failed { name: String, cause: String },
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
}

impl SandboxError {
    /// The same of a component that is known by this name to the operator.
    fn of(self, called: String) -> Self {
        match self {
            Self::Unusable { cause, .. } => Self::Unusable { name: called, cause },
            Self::Failed { cause, .. } => Self::Failed { name: called, cause },
            other => other,
        }
    }
}

/// A cause for a log line or a sentence: in one line, of bounded length, and without the numbers of a stripped module's functions.
fn one_line(cause: &str) -> String {
    const LONGEST: usize = 300;
    let without_backtrace = cause.rfind("wasm trap: ").map_or(cause, |at| &cause[at..]);
    let words = without_backtrace.split_whitespace().collect::<Vec<_>>().join(" ");
    // A terminal obeys what a guest puts into its words.
    words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST).collect()
}
