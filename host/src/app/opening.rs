//! What must be had before the program starts: its data directory, and an index that is whole. What can't be had is said in one
//! sentence.

use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::ingest;
use crate::jetstream::{self, Cursor, KnownDids};
use crate::sandbox::SandboxError;
use crate::session::SecretError;
use crate::store::schema::record_key_of;
use crate::store::{Options, Queue, Span, StateError, Store, StoreError, Table};
use crate::uploads::UploadError;
use crate::vital;

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot make the data directory {path}: {cause}. Make it for the user that runs this program, or name another with --data-dir")]
    DataDir { path: PathBuf, cause: std::io::Error },
    #[error("cannot write in the data directory, at {path}: {cause}. It must belong to the user that runs this program")]
    Lock { path: PathBuf, cause: std::io::Error },
    #[error("another atrarium is running on {0}: stop it first, or give this one a --data-dir of its own")]
    InUse(PathBuf),
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: std::net::SocketAddr, cause: std::io::Error },
    #[error("the Jetstream server {0}")]
    Endpoint(#[from] jetstream::EndpointError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ingest(#[from] crate::ingest::StartError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the uploaded mixes can't be opened: {0}")]
    Uploads(#[from] UploadError),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// It was opened and then failed, or redb panicked, as it does where a page isn't what it must be.
    #[error("{path} can't be used: {cause}. If the file is damaged, move it away, and a new one is filled from the firehose")]
    Unusable { path: PathBuf, cause: String },
}

/// What is in `index.redb` at the start.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) queue: Queue,
    pub(super) resume: Option<Cursor>,
    pub(super) known: KnownDids,
}

pub(super) fn open(options: Options, queue_limit: u64) -> Result<Opened, StartError> {
    let store = Store::open(options)?;
    let queue = Queue::open(store.clone(), queue_limit)?;
    let (resume, known) = (queue.cursor()?, known_dids(&store)?);
    Ok(Opened { store, queue, resume, known })
}

/// Does something with a database of which nobody knows yet whether it is whole.
pub fn whole<T>(path: &Path, run: impl FnOnce() -> Result<T, StartError>) -> Result<T, StartError> {
    let unusable = |cause: String| Err(StartError::Unusable { path: path.to_owned(), cause });
    match catch_unwind(AssertUnwindSafe(run)) {
        Err(panic) => unusable(vital::message(&*panic)),
        Ok(Err(StartError::Store(cause @ StoreError::Failed { .. }) | StartError::Ingest(ingest::StartError::Store(cause @ StoreError::Failed { .. })))) => {
            unusable(cause.to_string())
        }
        Ok(outcome) => outcome,
    }
}

/// Takes the data directory for this process.
pub fn lock(directory: &Path) -> Result<File, StartError> {
    std::fs::create_dir_all(directory).map_err(|cause| StartError::DataDir { path: directory.to_owned(), cause })?;
    let path = directory.join("lock");
    let failed = |cause| StartError::Lock { path: path.clone(), cause };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(directory.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// The repos of which events have passed: those in the index, and those in the queue. A deleted account has no records left, but
/// must be heard when it is restored.
fn known_dids(store: &Store) -> Result<KnownDids, StoreError> {
    let mut known = KnownDids::default();
    let snapshot = store.snapshot()?;
    snapshot.scan(Table::Records, &Span::all(), false, |key, _| {
        if let Some(key) = record_key_of(key) {
            known.insert(&key.did);
        }
        true
    })?;
    snapshot.scan(Table::Accounts, &Span::all(), false, |key, _| {
        if let Ok(did) = std::str::from_utf8(key) {
            known.insert(did);
        }
        true
    })?;
    for event in Queue::take(&snapshot, None, usize::MAX, usize::MAX)?.events {
        known.insert(&event.did);
    }
    Ok(known)
}
