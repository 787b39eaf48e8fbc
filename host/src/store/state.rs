//! `state.redb`: what can't be rebuilt from the network, and is what a backup is for.
//!
//! Rows of bytes under keys of bytes, in a few named tables; what they mean is their users' matter. It differs from `index.redb` in
//! what it fails like: nobody may ever be told to throw it away. A file of a newer version, a damaged one, and one that another
//! process has open are refused in a sentence.
//!
//! The file is its owner's alone (mode 0600), as the secret is: whose DIDs sign in here is nobody else's matter either.
//!
//! Every commit is durable before it returns, so it takes a sync of the disk: callers in async code hand it to a blocking thread.
//! After a failed write redb answers nothing until the file is opened again; the next call here does that.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{Database, Durability, ReadableDatabase, ReadableTableMetadata, TableDefinition, TableError};

use super::db::tell_of_repair;
use super::making::make_whole;
use super::versions::{Step, Unfit, bring_up};

/// The version of the form of the rows.
const VERSION: u32 = 1;

/// How files of older versions become one of this: there is none yet.
const STEPS: &[Step] = &[];

/// redb's cache, in bytes. Rows are few and small.
const CACHE: usize = 8 << 20;

/// What can go wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// Fatal at the start.
    #[error("another atrarium is running on {0}: stop it first, or give this one a --data-dir of its own")]
    InUse(PathBuf),
    /// Fatal at the start.
    #[error("{path} has version {found}, and this atrarium reads version {VERSION}: run the version that wrote it, or restore a backup of this one's")]
    Version { path: PathBuf, found: u32 },
    /// Fatal at the start.
    #[error("cannot open {path}: {cause}. If the file is damaged, restore it from a backup; without one move it away, and everybody has to sign in again")]
    Open { path: PathBuf, cause: String },
    /// The disk failed or is full; nothing was written. Worth trying again: the file is opened anew then.
    #[error("state.redb failed while {doing}: {cause}")]
    Failed { doing: &'static str, cause: String },
    /// Nothing else is touched.
    #[error("the copy {path} can't be written: {cause}")]
    Copy { path: PathBuf, cause: String },
}

/// The tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// About the file itself.
    Meta,
    /// Who is signed in, by session.
    Sessions,
    /// The same sessions by their user.
    Owners,
    /// The same sessions by when they were last used.
    Ages,
    /// What a session may ask the user's server with; sealed.
    Credentials,
    /// Keys that the program has made for itself; sealed.
    Keys,
    /// Uploaded mixes, by their digest.
    Uploads,
    /// Their bytes, in pieces.
    UploadBytes,
    /// Which of them a community has.
    Versions,
    /// The number that a community's versions have come to.
    Numbers,
    /// Which of those is active.
    Active,
    /// What owners are told of their mixes.
    Journals,
}

impl Shelf {
    pub(super) const ALL: [Self; 12] = [
        Self::Meta,
        Self::Sessions,
        Self::Owners,
        Self::Ages,
        Self::Credentials,
        Self::Keys,
        Self::Uploads,
        Self::UploadBytes,
        Self::Versions,
        Self::Numbers,
        Self::Active,
        Self::Journals,
    ];

    pub(super) const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Meta => "meta",
            Self::Sessions => "sessions",
            Self::Owners => "owners",
            Self::Ages => "ages",
            Self::Credentials => "credentials",
            Self::Keys => "keys",
            Self::Uploads => "uploads",
            Self::UploadBytes => "upload-bytes",
            Self::Versions => "versions",
            Self::Numbers => "version-numbers",
            Self::Active => "active",
            Self::Journals => "journals",
        })
    }
}

/// Changes that become durable together.
#[derive(Debug, Default)]
pub struct Changes(Vec<(Shelf, Vec<u8>, Option<Vec<u8>>)>);

impl Changes {
    pub fn put(&mut self, shelf: Shelf, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push((shelf, key.into(), Some(value.into())));
    }

    pub fn remove(&mut self, shelf: Shelf, key: impl Into<Vec<u8>>) {
        self.0.push((shelf, key.into(), None));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The database. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct State(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// `None` after a failure, until the next call.
    database: RwLock<Option<Database>>,
}

impl State {
    /// Opens or creates the database. A crash is repaired here.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let damaged = |cause: String| StateError::Open { path: path.to_owned(), cause };
        // redb panics where a page isn't what it must be.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let state = Self(Arc::new(Inner { path: path.to_owned(), database: RwLock::new(Some(open(path)?)) }));
            state.check_version()?;
            for shelf in Shelf::ALL {
                state.count(shelf)?;
            }
            Ok(state)
        }));
        match opened {
            Ok(Err(StateError::Failed { cause, .. })) => Err(damaged(cause)),
            Ok(outcome) => outcome,
            Err(_) => Err(damaged("its pages contradict each other".to_owned())),
        }
    }

    fn check_version(&self) -> Result<(), StateError> {
        self.with("bringing up its version", |database| match bring_up(database, Shelf::Meta.definition(), VERSION, STEPS) {
            Ok(Some(found)) if found != VERSION => {
                tracing::info!(found, now = VERSION, "state.redb was brought up to this version");
                Ok(Ok(()))
            }
            Ok(_) => Ok(Ok(())),
            Err(Unfit::Foreign(found)) => Ok(Err(StateError::Version { path: self.0.path.clone(), found })),
            Err(Unfit::Failed(cause)) => Err(cause),
        })?
    }

    /// The value at this key.
    pub fn get(&self, shelf: Shelf, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.read(shelf, |table| Ok(table.get(key)?.map(|value| value.value().to_vec()))).map(Option::flatten)
    }

    /// Keys and values whose keys begin with this, in ascending order, until `each` answers `false`.
    pub fn scan(&self, shelf: Shelf, prefix: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> bool) -> Result<(), StateError> {
        self.read(shelf, |table| {
            for pair in table.range::<&[u8]>(prefix..)? {
                let (key, value) = pair?;
                if !key.value().starts_with(prefix) || !each(key.value(), value.value()) {
                    break;
                }
            }
            Ok(())
        })
        .map(Option::unwrap_or_default)
    }

    /// How many rows there are.
    pub fn count(&self, shelf: Shelf) -> Result<u64, StateError> {
        self.read(shelf, |table| Ok(table.len()?)).map(Option::unwrap_or_default)
    }

    /// Makes all of the changes durable, or none.
    pub fn commit(&self, changes: &Changes) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.with("writing", |database| {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            // As for index.redb: without it the start after a crash reads all of the file, uploaded mixes and all.
            transaction.set_quick_repair(true);
            for (shelf, key, value) in &changes.0 {
                let mut table = transaction.open_table(shelf.definition())?;
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// `None` if nothing was ever written to this table.
    fn read<T>(
        &self,
        shelf: Shelf,
        read: impl FnOnce(&redb::ReadOnlyTable<&'static [u8], &'static [u8]>) -> Result<T, redb::Error>,
    ) -> Result<Option<T>, StateError> {
        fail::fail_point!("state-reading", |_| Err(StateError::Failed { doing: "reading", cause: "it was told to".to_owned() }));
        self.with("reading", |database| {
            let transaction = database.begin_read()?;
            match transaction.open_table(shelf.definition()) {
                Ok(table) => read(&table).map(Some),
                Err(TableError::TableDoesNotExist(_)) => Ok(None),
                Err(cause) => Err(cause.into()),
            }
        })
    }

    /// Opens the database if a failure has closed it, and closes it if this fails.
    pub(super) fn with<T>(&self, doing: &'static str, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StateError> {
        let failed = |cause: &dyn std::fmt::Display| StateError::Failed { doing, cause: cause.to_string() };
        loop {
            let held = self.0.database.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = held.as_ref() {
                let outcome = work(database);
                drop(held);
                return outcome.map_err(|cause| {
                    *self.0.database.write().unwrap_or_else(PoisonError::into_inner) = None;
                    failed(&cause)
                });
            }
            drop(held);
            let mut held = self.0.database.write().unwrap_or_else(PoisonError::into_inner);
            if held.is_none() {
                *held = Some(open(&self.0.path).map_err(|cause| failed(&cause))?);
            }
        }
    }
}

/// The database at this path, made if there is none.
fn open(path: &Path) -> Result<Database, StateError> {
    let failed = |cause: io::Error| StateError::Open { path: path.to_owned(), cause: cause.to_string() };
    make_whole(path, |path| database(path).map(drop), failed)?;
    database(path)
}

/// The database in this file, which is its owner's alone; made if there is none, though not whole if that is cut short.
pub(super) fn database(path: &Path) -> Result<Database, StateError> {
    let failed = |cause: io::Error| StateError::Open { path: path.to_owned(), cause: cause.to_string() };
    let backend = FileBackend::new(file(path).map_err(failed)?);
    let opened = backend.and_then(|backend| {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE);
        tell_of_repair(&mut builder, path);
        builder.create_with_backend(backend)
    });
    opened.map_err(|cause| match cause {
        redb::DatabaseError::DatabaseAlreadyOpen => StateError::InUse(path.to_owned()),
        other => StateError::Open { path: path.to_owned(), cause: other.to_string() },
    })
}

/// The file, made if there is none. One that others may read is closed to them: a former version made it so.
fn file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let path = directory.path().join("state.redb");
        (directory, path)
    }

    fn changed(shelf: Shelf, rows: &[(&str, Option<&str>)]) -> Changes {
        let mut changes = Changes::default();
        for (key, value) in rows {
            match value {
                Some(value) => changes.put(shelf, *key, *value),
                None => changes.remove(shelf, *key),
            }
        }
        changes
    }

    fn keys(state: &State, prefix: &str) -> Vec<String> {
        let mut keys = Vec::new();
        state
            .scan(Shelf::Owners, prefix.as_bytes(), |key, _| {
                keys.push(String::from_utf8_lossy(key).into_owned());
                true
            })
            .expect("it can be read");
        keys
    }

    #[test]
    fn what_was_committed_is_there_after_a_restart() {
        let (_directory, path) = file();
        let state = State::open(&path).expect("a new file");
        assert_eq!(state.get(Shelf::Sessions, b"a").expect("an empty table"), None);
        assert_eq!(state.count(Shelf::Sessions).expect("an empty table"), 0);
        state.commit(&changed(Shelf::Owners, &[("b1", Some("")), ("a2", Some("")), ("a1", Some("x")), ("c", Some(""))])).expect("a healthy disk");
        state.commit(&changed(Shelf::Owners, &[("c", None), ("nothing", None)])).expect("a healthy disk");
        drop(state);
        let state = State::open(&path).expect("the same file");
        assert_eq!(state.get(Shelf::Owners, b"a1").expect("it can be read").as_deref(), Some(&b"x"[..]));
        assert_eq!((keys(&state, "a"), keys(&state, "")), (vec!["a1".into(), "a2".into()], vec!["a1".into(), "a2".into(), "b1".into()]));
        assert_eq!(state.count(Shelf::Owners).expect("it can be read"), 3);
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        let (_directory, path) = file();
        let mode = || path.metadata().expect("it is there").mode() & 0o777;
        drop(State::open(&path).expect("a new file"));
        assert_eq!(mode(), 0o600, "a new one");
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("the test's own file");
        drop(State::open(&path).expect("the same file"));
        assert_eq!(mode(), 0o600, "one that was open to others");
    }

    #[test]
    fn a_newer_file_a_damaged_one_and_one_in_use_are_refused_in_a_sentence() {
        let (_directory, path) = file();
        let state = State::open(&path).expect("a new file");
        assert!(matches!(State::open(&path), Err(StateError::InUse(_))));
        let mut changes = Changes::default();
        changes.put(Shelf::Meta, *b"version", (VERSION + 1).to_be_bytes());
        state.commit(&changes).expect("a healthy disk");
        drop(state);
        let refused = State::open(&path).map(drop).expect_err("a newer version");
        assert!(matches!(refused, StateError::Version { found, .. } if found == VERSION + 1), "{refused}");
        std::fs::write(&path, b"this was a database once").expect("the test's own file");
        let refused = State::open(&path).map(drop).expect_err("no database").to_string();
        assert!(refused.contains("state.redb") && refused.contains("backup"), "{refused}");
        assert_eq!(std::fs::read(&path).expect("it is still there"), b"this was a database once");
    }

    #[test]
    fn a_file_whose_making_was_cut_short_is_made_anew() {
        let (directory, path) = file();
        // As long as a new database, and without its head.
        std::fs::write(path.with_extension("new"), vec![0; 1 << 20]).expect("the test's own directory");
        State::open(&path).expect("a new file").commit(&changed(Shelf::Sessions, &[("a", Some("1"))])).expect("a healthy disk");
        let left: Vec<_> = std::fs::read_dir(directory.path()).expect("it is there").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["state.redb"]);
    }

    #[test]
    fn any_damage_is_a_sentence_and_never_a_crash() {
        let (_directory, path) = file();
        let state = State::open(&path).expect("a new file");
        for n in 0..200 {
            state.commit(&changed(Shelf::Sessions, &[(&format!("key {n}"), Some("a value of some length"))])).expect("a healthy disk");
        }
        drop(state);
        let whole = std::fs::read(&path).expect("the file");
        for at in (0..whole.len().min(64 << 10)).step_by(1_031) {
            let mut damaged = whole.clone();
            let end = (at + 64).min(damaged.len());
            damaged[at..end].fill(0xa5);
            std::fs::write(&path, &damaged).expect("the test's own file");
            match State::open(&path) {
                Ok(_) | Err(StateError::Open { .. } | StateError::Version { .. }) => {}
                Err(other) => panic!("damaged at {at}: {other}"),
            }
        }
    }

    #[test]
    fn what_a_crash_leaves_is_opened_without_reading_all_of_it() {
        let (directory, path) = file();
        let state = State::open(&path).expect("a new file");
        for n in 0..3 {
            let mut changes = Changes::default();
            changes.put(Shelf::UploadBytes, [n], vec![n; 1 << 20]);
            state.commit(&changes).expect("a healthy disk");
        }
        // As whoever is killed now leaves it.
        let left = directory.path().join("left.redb");
        std::fs::copy(&path, &left).expect("the test's own directory");
        let mut builder = Database::builder();
        builder.set_repair_callback(|_| panic!("it is read whole"));
        drop(builder.open(&left).expect("it is whole"));
        assert_eq!(State::open(&left).expect("it is whole").count(Shelf::UploadBytes).expect("it can be read"), 3);
    }

    #[test]
    fn after_a_failure_the_file_is_opened_again() {
        let (_directory, path) = file();
        let state = State::open(&path).expect("a new file");
        state.commit(&changed(Shelf::Sessions, &[("a", Some("1"))])).expect("a healthy disk");
        let failed: Result<(), _> = state.with("failing", |_| Err(redb::Error::PreviousIo));
        assert!(matches!(failed, Err(StateError::Failed { .. })));
        assert_eq!(state.get(Shelf::Sessions, b"a").expect("it was opened again").as_deref(), Some(&b"1"[..]));
    }
}
