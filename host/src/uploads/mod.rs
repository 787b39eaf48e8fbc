//! Mixes that owners have uploaded: keeping them, admitting them, and asking the one that is active.
//!
//! ```text
//! upload ─▶ stored by digest ─▶ looked at, compiled and tried in a process of its own ─▶ refused, in a sentence
//!                                        └▶ admitted ─▶ previewed ─▶ active ⇄ another version, or the default mix
//!                                                                      └ fails again and again ─▶ switched off
//! ```
//!
//! * [`rows`], [`catalogue`]: what is in state.redb, and all of it but the bytes in memory.
//! * [`versions`]: uploading, activating, rolling back, removing; [`trying`]: asking a version beside the feeds.
//! * [`admissions`], [`child`]: one component after the other is admitted, each in a process that may be killed.
//! * [`active`]: the mixes that feeds ask; [`breaker`], [`pace`], [`turnstile`]: when one is asked, how quick it is, and whose turn it is.
//! * [`journal`]: what owners are told.
//!
//! No page waits for anything here but its own mix's turn and call, both bounded. Whatever fails, the default mix answers.

mod active;
mod admissions;
mod breaker;
mod catalogue;
pub mod child;
pub mod journal;
mod pace;
mod rows;
pub mod settings;
#[cfg(test)]
mod tests;
mod trying;
mod turnstile;
mod versions;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use active::{Asked, MadeBy, Running};
pub use admissions::Admissions;
pub use child::Bounds;
pub use rows::{Active, Digest, Version};
pub use settings::{Admitted, Quotas, Settings};
pub use versions::{Incoming, Kept, Standing, VersionInfo};

use active::Guests;
use admissions::Job;
use catalogue::Catalogue;
use journal::{Journals, Kind, Line};
use turnstile::Turnstile;

use crate::clock::Clock;
use crate::community::{Changes, Loads};
use crate::sandbox::strangers::{Aside, Strangers};
use crate::store::{State, StateError};

/// What uploads are built from.
#[derive(Debug)]
pub struct Parts {
    pub state: State,
    pub strangers: Strangers,
    /// Where mixes are called that take long.
    pub middle: Aside,
    pub slow: Aside,
    pub clock: Clock,
    /// Who listens to a community hears of its mix.
    pub changes: Changes,
    /// Where it is counted what communities' mixes use.
    pub loads: Loads,
    /// Where compiled code is kept.
    pub directory: PathBuf,
    /// This program's own file, which admits components when it is told to.
    pub program: PathBuf,
    pub settings: Settings,
}

/// Why something that an owner asks for isn't done. Each text is for them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this host takes no uploads of mixes")]
    Off,
    #[error("this host takes mixes of certain owners only: ask its operator")]
    NotListed,
    #[error("the file is larger than {0} MiB, which is all that a mix may have here")]
    Large(u64),
    #[error("the community has {0} versions, which is all that it may have: remove one first")]
    Versions(usize),
    #[error(
        "your communities' mixes have {used_mib} MiB, this one has {size_mib}, and {most_mib} are allowed: remove some first",
        used_mib = used >> 20, size_mib = (size + (1 << 20) - 1) >> 20, most_mib = most >> 20
    )]
    OwnerBytes { used: u64, size: u64, most: u64 },
    #[error("the host has no room for more mixes: tell its operator")]
    TotalBytes,
    #[error("{0} of your components are being looked at already: wait until that is done")]
    Checking(usize),
    #[error("you have uploaded {0} new components within an hour, which is all that are compiled for one owner: try again later")]
    Often(usize, Duration),
    #[error("the community has no version {0}")]
    NoVersion(u32),
    #[error("version {0} was refused, so it can't be used: {1}")]
    WasRefused(u32, String),
    #[error("version {0} is still being looked at: try again in a moment")]
    NotYet(u32),
    #[error("version {0} is active: activate another, or the default mix, before you remove it")]
    IsActive(u32),
    #[error("nothing was active before, so there is nothing to go back to")]
    NothingBefore,
    #[error("the host is busy with others' mixes: try again in a moment")]
    Busy,
}

/// Why a call of this module came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Worth trying again.
    #[error(transparent)]
    State(#[from] StateError),
    /// Worth trying again.
    #[error("the upload can't be written: {0}")]
    Io(#[from] std::io::Error),
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub versions: usize,
    pub owner_bytes: u64,
    pub total_bytes: u64,
    pub checking: usize,
}

/// How much there is on this host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Different components, whoever has them; also those that were refused.
    pub components: usize,
    pub bytes: u64,
    pub versions: usize,
    /// Communities whose feed an uploaded mix makes.
    pub active: usize,
    /// Communities whose mix failed again and again, and whose owner hasn't chosen another since.
    pub switched_off: usize,
    pub checking: usize,
}

/// All uploaded mixes. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Uploads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: State,
    strangers: Strangers,
    clock: Clock,
    changes: Changes,
    loads: Loads,
    directory: PathBuf,
    program: PathBuf,
    settings: Settings,
    catalogue: Mutex<Catalogue>,
    /// By community: what feeds ask.
    running: RwLock<HashMap<String, Arc<Running>>>,
    /// Grows whenever a feed may be mixed by another than before.
    generation: AtomicU64,
    guests: Guests,
    turnstile: Turnstile,
    /// Where the mixes of its middle lane are called, and those of its slow one.
    middle: Aside,
    slow: Aside,
    journals: Journals,
    jobs: mpsc::UnboundedSender<Job>,
    /// Grows with every verdict.
    settled: watch::Sender<u64>,
    /// By owner: when components of theirs were given to be compiled.
    compiled: Mutex<HashMap<String, Vec<i64>>>,
}

impl Uploads {
    /// The mixes in this database, and the work that has to be done for them.
    pub fn open(parts: Parts) -> Result<(Self, Admissions), UploadError> {
        let Parts { state, strangers, middle, slow, clock, changes, loads, directory, program, settings } = parts;
        admissions::prepare(&directory)?;
        let catalogue = Catalogue::read(&state)?;
        let (jobs, todo) = mpsc::unbounded_channel();
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let uploads = Self(Arc::new(Inner {
            state,
            strangers,
            clock,
            changes,
            loads,
            directory,
            program,
            settings,
            catalogue: Mutex::new(catalogue),
            running: RwLock::default(),
            generation: AtomicU64::new(0),
            guests: Guests::new(),
            turnstile: Turnstile::new(processors),
            middle,
            slow,
            journals: Journals::default(),
            jobs,
            settled: watch::Sender::new(0),
            compiled: Mutex::default(),
        }));
        uploads.begin();
        Ok((uploads.clone(), Admissions::new(uploads, todo)))
    }

    /// Grows whenever a feed may be mixed by another than before.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// What there is on this host.
    pub fn totals(&self) -> Totals {
        self.0.catalogue().totals()
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What the community's owner is told, the newest first.
    pub fn journal(&self, uri: &str) -> Vec<Line> {
        self.0.journals.lines(&self.0.state, uri, self.0.clock.now_ms())
    }

    /// Makes what was noted durable. Blocks for a sync of the disk.
    pub fn flush(&self) -> Result<(), StateError> {
        self.0.journals.flush(&self.0.state)
    }
}

impl Inner {
    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, uri: &str, kind: Kind, number: u32, text: &str) {
        self.journals.note(&self.state, uri, kind, number, text, self.clock.now_ms());
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}
