//! The database file: opening it, reading a snapshot, writing a layer in one transaction, and healing after a failed write.
//!
//! redb is named here and in `schema` only. After a failed write redb answers nothing until the database is opened again;
//! [`Store::heal`] does that. It never drops data by itself: a database of another version, or one that is broken beyond
//! redb's own repair, is refused with a sentence that says what to do. `index.redb` may always be deleted and rebuilt.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend, TableError};
use serde::de::DeserializeOwned;

use super::layer::Layer;
use super::making::make_whole;
use super::schema::{self, Table};
use super::span::Span;
use super::versions::{Step, Unfit, bring_up};
use super::view::decode;

/// Version 3 is the first that can be brought up, and the present one: an older file is thrown away, since all in it can be rebuilt.
const STEPS: &[Step] = &[];

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Fatal at the start.
    #[error("another atrarium is running on {0}: stop it first, or give this one a --data-dir of its own")]
    InUse(PathBuf),
    /// Fatal at the start.
    #[error(
        "{path} has version {found}, and this atrarium reads version {}: move it away, and a new one is filled from the firehose, or run the version that wrote it",
        schema::VERSION
    )]
    Version { path: PathBuf, found: u32 },
    /// Fatal at the start.
    #[error("cannot open {path}: {cause}. If the file is damaged, move it away, and a new one is filled from the firehose")]
    Open { path: PathBuf, cause: String },
    /// The disk failed or is full. Retried after [`Store::heal`]; nothing was written.
    #[error("the database failed while {doing}: {cause}")]
    Failed { doing: &'static str, cause: String },
    /// The database is being opened again. Retried.
    #[error("the database is not open: it failed, and opening it again has not succeeded yet")]
    Closed,
    /// A value isn't what the schema says: retried never, reported always.
    #[error("{table} holds a value that can't be read at key {key:?}: {cause}. Move index.redb away, and a new one is filled from the firehose")]
    Corrupt { table: &'static str, key: String, cause: String },
}

impl StoreError {
    pub(super) fn failed(doing: &'static str) -> impl Fn(redb::Error) -> Self {
        move |cause| Self::Failed { doing, cause: cause.to_string() }
    }
}

/// How the database file is reached: the file itself, or a backend with faults in the tests.
pub type Backend = Box<dyn Fn(&Path) -> std::io::Result<Box<dyn StorageBackend>> + Send + Sync>;

/// How a store is opened.
pub struct Options {
    pub path: PathBuf,
    /// redb's cache, in bytes.
    pub cache: usize,
    /// `None` for the file.
    pub backend: Option<Backend>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("path", &self.path).field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// The database. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    database: RwLock<Option<Arc<Database>>>,
    /// Held while the database is opened again, so that one thread does it.
    healing: Mutex<()>,
    /// How often the database has been opened.
    generation: AtomicU64,
    /// How often anything was committed that a feed may show.
    feeds: AtomicU64,
    /// The last write failed, or a read after it.
    failing: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let database = self.database.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Where redb has panicked over a damaged file it does so again when it closes it. The program is about to end, and must say why.
        if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            tracing::error!(path = %self.options.path.display(), "the database can't be closed in order: it is repaired when it is opened again, if it can be");
        }
    }
}

#[derive(Debug)]
struct Boxed(Box<dyn StorageBackend>);

impl StorageBackend for Boxed {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        self.0.write(offset, data)
    }
    fn close(&self) -> Result<(), std::io::Error> {
        self.0.close()
    }
}

impl Store {
    /// Opens or creates the database. A crash is repaired here.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let database = open(&options)?;
        let store = Self(Arc::new(Inner {
            options,
            database: RwLock::new(Some(Arc::new(database))),
            healing: Mutex::new(()),
            generation: AtomicU64::new(0),
            feeds: AtomicU64::new(0),
            failing: AtomicBool::new(false),
        }));
        store.check_version()?;
        Ok(store)
    }

    fn check_version(&self) -> Result<(), StoreError> {
        match bring_up(&*self.database()?, Table::Meta.definition(), schema::VERSION, STEPS) {
            Ok(Some(found)) if found != schema::VERSION => {
                tracing::info!(found, now = schema::VERSION, "the index was brought up to this version");
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(Unfit::Foreign(found)) => Err(StoreError::Version { path: self.0.options.path.clone(), found }),
            Err(Unfit::Failed(cause)) => Err(StoreError::failed("bringing up its version")(cause)),
        }
    }

    fn database(&self) -> Result<Arc<Database>, StoreError> {
        self.0.database.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)
    }

    /// The state of the last commit, for as long as the snapshot lives.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let database = self.database()?;
        let transaction = database.begin_read().map_err(|cause| StoreError::failed("beginning to read")(cause.into()))?;
        Ok(Snapshot { transaction, tables: std::array::from_fn(|_| OnceCell::new()), _database: database })
    }

    /// Writes all of the layer, durably, or nothing.
    pub fn commit(&self, layer: &Layer) -> Result<(), StoreError> {
        let outcome = self.write(layer);
        self.0.failing.store(outcome.is_err(), Ordering::Release);
        outcome
    }

    /// A read failed as well: so it is said until a write succeeds.
    pub fn note_failure(&self) {
        self.0.failing.store(true, Ordering::Release);
    }

    /// Whether the last write failed, or a read since; ingest is paused then.
    pub fn is_failing(&self) -> bool {
        self.0.failing.load(Ordering::Acquire)
    }

    fn write(&self, layer: &Layer) -> Result<(), StoreError> {
        let database = self.database()?;
        let failed = StoreError::failed("writing");
        let mut transaction = database.begin_write().map_err(|cause| failed(cause.into()))?;
        transaction.set_durability(Durability::Immediate).map_err(|cause| failed(cause.into()))?;
        // The free pages are written with each commit, in two phases: else the start after a crash reads the whole file first.
        transaction.set_quick_repair(true);
        for table in Table::ALL {
            let changes = layer.table(table);
            if changes.is_empty() {
                continue;
            }
            let mut open = transaction.open_table(table.definition()).map_err(|cause| failed(cause.into()))?;
            for (key, change) in changes {
                match change {
                    Some(value) => open.insert(key.as_slice(), value.as_slice()).map(drop),
                    None => open.remove(key.as_slice()).map(drop),
                }
                .map_err(|cause| failed(cause.into()))?;
            }
        }
        transaction.commit().map_err(|cause| StoreError::failed("committing")(cause.into()))?;
        if [Table::Communities, Table::Visible, Table::Global, Table::Denied].into_iter().any(|table| !layer.table(table).is_empty()) {
            self.0.feeds.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// A number that changes with every commit that may change what a feed shows.
    pub fn feeds_version(&self) -> u64 {
        self.0.feeds.load(Ordering::Acquire)
    }

    /// How often the database has been opened again. Told to [`Store::heal`] by who saw a failure.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Opens the database again after a failure that was seen in `generation`; does nothing if somebody else has done so.
    pub fn heal(&self, generation: u64) -> Result<(), StoreError> {
        let _one = self.0.healing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation() != generation {
            return Ok(());
        }
        let closed = self.0.database.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(database) = closed {
            close(database);
        }
        let database = open(&self.0.options)?;
        *self.0.database.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(database));
        self.0.generation.store(generation + 1, Ordering::Release);
        Ok(())
    }
}

/// Waits for the readers and drops the database, which gives up the lock on its file. Readers hold a snapshot for
/// milliseconds; one that takes longer keeps the file locked, and then opening fails and is tried again.
fn close(mut database: Arc<Database>) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        match Arc::try_unwrap(database) {
            Ok(last) => return drop(last),
            Err(shared) => database = shared,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the log says of a database that takes long to open: as long as reading all of it.
pub const REPAIRED: &str = "the database was not left in order: it is read whole and repaired";

/// Lets the log tell of it.
pub(super) fn tell_of_repair(builder: &mut redb::Builder, path: &Path) {
    let path = path.to_owned();
    // Once per step; the first is the whole way.
    builder.set_repair_callback(move |session| {
        if session.progress() == 0.0 {
            tracing::warn!(path = %path.display(), "{REPAIRED}");
        }
    });
}

fn open(options: &Options) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache);
    let path = &options.path;
    tell_of_repair(&mut builder, path);
    let failed = |cause: std::io::Error| StoreError::Open { path: path.clone(), cause: cause.to_string() };
    let opened = match &options.backend {
        None => {
            make_whole(path, |path| builder.create(path).map(drop).map_err(|cause| refused(path, cause)), failed)?;
            builder.create(path)
        }
        Some(backend) => match backend(path) {
            Ok(backend) => builder.create_with_backend(Boxed(backend)),
            Err(cause) => return Err(failed(cause)),
        },
    };
    opened.map_err(|cause| refused(path, cause))
}

fn refused(path: &Path, cause: redb::DatabaseError) -> StoreError {
    match cause {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.to_owned()),
        other => StoreError::Open { path: path.to_owned(), cause: other.to_string() },
    }
}

type Open = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// What was durable at one moment.
pub struct Snapshot {
    transaction: ReadTransaction,
    /// Opened when first asked for; `None` for a table that nothing was ever written to.
    tables: [OnceCell<Option<Open>>; Table::ALL.len()],
    _database: Arc<Database>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

type Pair<'a> = (redb::AccessGuard<'a, &'static [u8]>, redb::AccessGuard<'a, &'static [u8]>);

impl Snapshot {
    pub(super) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    fn table(&self, table: Table) -> Result<Option<&Open>, StoreError> {
        let cell = &self.tables[table as usize];
        if let Some(open) = cell.get() {
            return Ok(open.as_ref());
        }
        let open = match self.transaction.open_table(table.definition()) {
            Ok(open) => Some(open),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(cause) => return Err(StoreError::failed("opening a table")(cause.into())),
        };
        Ok(cell.get_or_init(|| open).as_ref())
    }

    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(open) = self.table(table)? else { return Ok(None) };
        let found = open.get(key).map_err(|cause| StoreError::failed("reading")(cause.into()))?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    /// A value that the host itself wrote, taken apart.
    pub fn read<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.get(table, key)?.map(|bytes| decode(table, key, &bytes)).transpose()
    }

    /// How many rows a table has.
    pub fn len(&self, table: Table) -> Result<u64, StoreError> {
        let Some(open) = self.table(table)? else { return Ok(0) };
        ReadableTableMetadata::len(open).map_err(|cause| StoreError::failed("reading")(cause.into()))
    }

    /// A counter; zero if it was never set.
    pub fn count(&self, key: &[u8]) -> Result<u64, StoreError> {
        let found = self.get(Table::Counts, key)?;
        Ok(found.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// The first key of a span, or the last.
    pub fn first(&self, table: Table, span: &Span, descending: bool) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.keys(table, span, descending, 1)?.pop())
    }

    /// At most `limit` keys of a span, in ascending or descending order.
    pub fn keys(&self, table: Table, span: &Span, descending: bool, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut keys = Vec::new();
        if limit > 0 {
            self.scan(table, span, descending, |key, _| {
                keys.push(key.to_vec());
                keys.len() < limit
            })?;
        }
        Ok(keys)
    }

    pub fn contains(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        let Some(open) = self.table(table)? else { return Ok(false) };
        Ok(open.get(key).map_err(|cause| StoreError::failed("reading")(cause.into()))?.is_some())
    }

    /// Keys and values of a span, in ascending or descending order, until `each` answers `false`.
    pub fn scan(&self, table: Table, span: &Span, descending: bool, mut each: impl FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        let mut range = self.pairs(table, span)?;
        while let Some(pair) = if descending { range.as_mut().and_then(DoubleEndedIterator::next_back) } else { range.as_mut().and_then(Iterator::next) } {
            let (key, value) = pair.map_err(|cause| StoreError::failed("reading")(cause.into()))?;
            if !each(key.value(), value.value()) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn pairs<'a>(
        &'a self,
        table: Table,
        span: &Span,
    ) -> Result<Option<impl DoubleEndedIterator<Item = Result<Pair<'a>, redb::StorageError>> + use<'a>>, StoreError> {
        let (Some(bounds), Some(open)) = (span.bounds(), self.table(table)?) else { return Ok(None) };
        Ok(Some(ReadableTable::range::<&[u8]>(open, bounds).map_err(|cause| StoreError::failed("reading")(cause.into()))?))
    }
}
