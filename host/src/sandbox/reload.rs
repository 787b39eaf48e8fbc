//! Other components take the place of the operator's while the program runs.
//!
//! The directory of `--components` is read again, and what has changed in it is compiled, linked and tried on a thread of its own,
//! behind all others; feeds and ingest go on meanwhile, with what they have. Then the new set takes the place of the old one, for
//! whatever begins after that: all of it or, if any file is no good, nothing. What is in work is finished by those that it was begun with.
//!
//! The thread is kept, since glibc's allocator gives threads places of their own and lets each keep what it has had. With a new thread
//! every time some 4 MiB more lay unused after a reload, until all places had been through it (measured: 82 MiB after 24 reloads, and
//! 45, as after the seventh, with one thread).
//!
//! It never waits for those who use the components, and never fails in a way that they notice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;

use super::{Components, Current, Linked, Sandbox, SandboxError};
use crate::{priority, vital};

/// Puts what is in the directory in the place of what counts. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Reload(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sandbox: Sandbox,
    directory: Option<PathBuf>,
    current: Current,
    /// One at a time: a second finds what was put there since the first has begun to read. Whoever has the turn has the thread that
    /// compiles, once there is one.
    turn: Mutex<Option<ThreadPool>>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// These are others now. A file that is gone has given its place back to the embedded component.
    Replaced(Vec<&'static str>),
    /// Every component is what it was.
    Unchanged,
}

/// Why everything is as it was. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error("there is nothing to reload: the program was started without --components")]
    NoDirectory,
    #[error(transparent)]
    Refused(#[from] SandboxError),
    /// The compiler panicked, or there is no thread for it.
    #[error("the components could not be compiled: {0}")]
    Broke(String),
}

impl Reload {
    pub fn new(sandbox: Sandbox, directory: Option<PathBuf>, current: Current) -> Self {
        Self(Arc::new(Inner { sandbox, directory, current, turn: Mutex::new(None) }))
    }

    /// Reads the directory again. What came of it is in the log as well, and counted. Once it was asked for it comes to its end,
    /// though nobody waits for the answer.
    pub async fn run(&self) -> Result<Reloaded, ReloadError> {
        let (done, outcome) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        // Not one of the runtime's threads: those would be waited for at the end of the program.
        let thread = std::thread::Builder::new().name("reload".to_owned()).spawn(move || {
            // Whoever asked may have gone away.
            drop(done.send(inner.run()));
        });
        match thread {
            Ok(_) => outcome.await.unwrap_or_else(|_| Err(ReloadError::Broke("the thread for it has ended".to_owned()))),
            Err(cause) => noted(Err(ReloadError::Broke(format!("no thread for it: {cause}"))), Instant::now()),
        }
    }
}

/// A single thread behind all others, so that neither readers nor ingest notice what it compiles.
fn compiler() -> Result<ThreadPool, ThreadPoolBuildError> {
    let behind = |_| {
        if let Err(cause) = priority::give_way() {
            tracing::warn!(%cause, "the compiler's thread can't be put behind all others");
        }
    };
    ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "compiler".to_owned()).start_handler(behind).build()
}

impl Inner {
    fn run(&self) -> Result<Reloaded, ReloadError> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        let replace = || catch_unwind(AssertUnwindSafe(|| self.replace())).unwrap_or_else(|panic| Err(ReloadError::Broke(vital::message(&*panic))));
        let outcome = match turn.take().map_or_else(compiler, Ok) {
            Ok(thread) => turn.insert(thread).install(replace),
            Err(cause) => {
                tracing::warn!(%cause, "no thread for the compiler");
                replace()
            }
        };
        noted(outcome, began)
    }

    fn replace(&self) -> Result<Reloaded, ReloadError> {
        let directory = self.directory.as_deref().ok_or(ReloadError::NoDirectory)?;
        let components = Components::load(Some(directory))?;
        let before = self.current.now();
        let linked = Linked::link(&self.sandbox, &components, Some(&before))?;
        let names = linked.replaced(&before);
        if names.is_empty() {
            return Ok(Reloaded::Unchanged);
        }
        self.current.replace(linked);
        Ok(Reloaded::Replaced(names))
    }
}

/// The outcome, counted and in the log.
fn noted(outcome: Result<Reloaded, ReloadError>, began: Instant) -> Result<Reloaded, ReloadError> {
    let label = match &outcome {
        Ok(Reloaded::Replaced(names)) => {
            let seconds = began.elapsed().as_secs_f64();
            tracing::info!(components = names.join(", "), seconds, "components reloaded: from the next batch and page on these count");
            "replaced"
        }
        Ok(Reloaded::Unchanged) => {
            tracing::info!("components reloaded: none has changed");
            "unchanged"
        }
        Err(cause @ ReloadError::NoDirectory) => {
            tracing::warn!(%cause, "components not reloaded");
            "none"
        }
        Err(cause) => {
            tracing::error!(%cause, "components not reloaded: all go on as they were");
            "refused"
        }
    };
    metrics::counter!("atrarium_component_reloads_total", "outcome" => label).increment(1);
    outcome
}
