//! Looking after the files of the databases: their numbers, whether they are whole, making them smaller, copying one.
//!
//! Numbers and copies are made of one moment, while the program runs. To check a file or to make it smaller redb must have it for itself, so
//! these open it by its path, and refuse one that is open elsewhere. None changes what is in a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableError, TableHandle};
use serde::{Deserialize, Serialize};

use super::db::{Snapshot, StoreError};
use super::schema::Table;
use super::state::{self, Shelf, State, StateError};
use super::versions::version;

/// Bytes that a copy writes in one transaction.
const AT_ONCE: usize = 32 << 20;

/// redb's cache for a file that nobody else has open, in bytes. Its own default is a gigabyte, which a small server hasn't.
const CACHE: usize = 64 << 20;

/// What a table takes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableStats {
    pub name: String,
    pub rows: u64,
    /// Bytes of keys and values.
    pub stored_bytes: u64,
    /// Bytes of the tree around them.
    pub metadata_bytes: u64,
    /// Bytes of its pages in which nothing is.
    pub empty_bytes: u64,
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    #[error("there is no {0}")]
    Missing(PathBuf),
    #[error("{0} is open in another process: stop the server first")]
    InUse(PathBuf),
    #[error("{path} can't be {what}: {cause}")]
    Failed { path: PathBuf, what: &'static str, cause: String },
}

impl Snapshot {
    /// What the tables take up, the largest first. Walks through all pages of the file.
    pub fn stats(&self) -> Result<Vec<TableStats>, StoreError> {
        let definitions = Table::ALL.map(Table::definition);
        stats(self.transaction(), definitions).map_err(StoreError::failed("counting"))
    }
}

impl State {
    /// What the tables take up, the largest first. Walks through all pages of the file.
    pub fn stats(&self) -> Result<Vec<TableStats>, StateError> {
        self.with("counting", |database| stats(&database.begin_read()?, Shelf::ALL.map(Shelf::definition)))
    }

    /// Writes a copy of all that is in the file at this moment into a new file, which is its owner's alone. What is written meanwhile goes on,
    /// and a copy that can't be written does this file no harm.
    pub fn copy_to(&self, path: &Path) -> Result<(), StateError> {
        let failed = |cause: &dyn std::fmt::Display| StateError::Copy { path: path.to_owned(), cause: cause.to_string() };
        fail::fail_point!("state-copying");
        let copy = state::database(path)?;
        self.copy_into(&copy)?.map_err(|cause| failed(&cause))?;
        drop(copy);
        File::open(path).and_then(|file| file.sync_all()).map_err(|cause| failed(&cause))
    }

    /// The inner failure is the copy's.
    fn copy_into(&self, copy: &Database) -> Result<Result<(), redb::Error>, StateError> {
        self.with("copying", |database| {
            let read = database.begin_read()?;
            for shelf in Shelf::ALL {
                let table = match read.open_table(shelf.definition()) {
                    Ok(table) => table,
                    Err(TableError::TableDoesNotExist(_)) => continue,
                    Err(cause) => return Err(cause.into()),
                };
                let mut rows = table.iter()?;
                loop {
                    let (mut piece, mut bytes) = (Vec::new(), 0);
                    while bytes < AT_ONCE
                        && let Some(row) = rows.next()
                    {
                        let (key, value) = row?;
                        bytes += key.value().len() + value.value().len();
                        piece.push((key, value));
                    }
                    if let Err(cause) = write(copy, shelf, &piece) {
                        return Ok(Err(cause));
                    }
                    if bytes < AT_ONCE {
                        break;
                    }
                }
            }
            Ok(Ok(()))
        })
    }
}

type Guard<'a> = redb::AccessGuard<'a, &'static [u8]>;

fn write(copy: &Database, shelf: Shelf, rows: &[(Guard<'_>, Guard<'_>)]) -> Result<(), redb::Error> {
    let write = copy.begin_write()?;
    let mut target = write.open_table(shelf.definition())?;
    for (key, value) in rows {
        target.insert(key.value(), value.value())?;
    }
    drop(target);
    write.commit()?;
    Ok(())
}

fn stats<const N: usize>(
    read: &ReadTransaction,
    definitions: [redb::TableDefinition<'static, &'static [u8], &'static [u8]>; N],
) -> Result<Vec<TableStats>, redb::Error> {
    let mut all = Vec::new();
    for definition in definitions {
        let table = match read.open_table(definition) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => continue,
            Err(cause) => return Err(cause.into()),
        };
        let stats = table.stats()?;
        all.push(TableStats {
            name: definition.name().to_owned(),
            rows: table.len()?,
            stored_bytes: stats.stored_bytes(),
            metadata_bytes: stats.metadata_bytes(),
            empty_bytes: stats.fragmented_bytes(),
        });
    }
    all.sort_by_key(|table: &TableStats| std::cmp::Reverse(table.stored_bytes + table.metadata_bytes + table.empty_bytes));
    Ok(all)
}

/// Whether a file was whole. One that wasn't is as it was after the last commit that is.
pub fn check(path: &Path) -> Result<bool, UpkeepError> {
    alone(path, "checked", |database| database.check_integrity().map_err(redb::Error::from))
}

/// Refuses what can't take the place of `state.redb`: an empty file, another database's, and one in which a page isn't what was written there.
pub fn check_copy(path: &Path) -> Result<(), UpkeepError> {
    let failed = |cause: &str| Err(UpkeepError::Failed { path: path.to_owned(), what: "used", cause: cause.to_owned() });
    let found = alone(path, "read", |database| {
        let named = version(database, Shelf::Meta.definition())?.is_some();
        Ok(named.then(|| database.check_integrity()).transpose()?)
    })?;
    match found {
        Some(true) => Ok(()),
        Some(false) => failed("some of its pages are damaged"),
        None => failed("it is no state.redb"),
    }
}

/// Makes a file as small as it can be. Answers its sizes before and after.
pub fn compact(path: &Path) -> Result<(u64, u64), UpkeepError> {
    let size = || fs::metadata(path).map(|found| found.len()).unwrap_or_default();
    let before = size();
    alone(path, "compacted", |database| {
        // One pass moves what it can; it says whether another one may move more.
        while database.compact()? {}
        Ok(())
    })?;
    Ok((before, size()))
}

fn alone<T>(path: &Path, what: &'static str, work: impl FnOnce(&mut Database) -> Result<T, redb::Error>) -> Result<T, UpkeepError> {
    if !path.is_file() {
        return Err(UpkeepError::Missing(path.to_owned()));
    }
    let failed = |cause: String| UpkeepError::Failed { path: path.to_owned(), what, cause };
    // redb panics where a page isn't what it must be.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut database = Database::builder().set_cache_size(CACHE).open(path).map_err(|cause| match cause {
            DatabaseError::DatabaseAlreadyOpen => UpkeepError::InUse(path.to_owned()),
            other => failed(other.to_string()),
        })?;
        work(&mut database).map_err(|cause| failed(cause.to_string()))
    }));
    outcome.unwrap_or_else(|_| Err(failed("its pages contradict each other".to_owned())))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::Changes;
    use super::*;

    #[test]
    fn a_copy_has_everything_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let state = State::open(&directory.path().join("state.redb")).expect("a new file");
        let mut changes = Changes::default();
        for n in 0..1_000_u32 {
            changes.put(Shelf::Sessions, n.to_be_bytes(), n.to_le_bytes());
        }
        // More than goes at once.
        for n in 0..5_u8 {
            changes.put(Shelf::UploadBytes, [n], vec![n; 9 << 20]);
        }
        state.commit(&changes).expect("a healthy disk");
        let path = directory.path().join("copy.redb");
        state.copy_to(&path).expect("a healthy disk");
        state.copy_to(&directory.path().join("nowhere").join("copy.redb")).expect_err("there is no such folder");
        assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        let copy = State::open(&path).expect("a whole database");
        assert_eq!((copy.count(Shelf::Sessions).expect("rows"), copy.count(Shelf::UploadBytes).expect("rows")), (1_000, 5));
        assert_eq!(copy.get(Shelf::UploadBytes, &[4]).expect("rows").map(|bytes| bytes.len()), Some(9 << 20));
        let tables = copy.stats().expect("a healthy disk");
        assert_eq!((tables[0].name.as_str(), tables[0].rows), ("upload-bytes", 5), "the largest first: {tables:?}");
    }

    /// Memory that takes this many bytes.
    #[derive(Debug)]
    struct Full(redb::backends::InMemoryBackend, u64);

    impl redb::StorageBackend for Full {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            if len > self.1 { Err(io::ErrorKind::StorageFull.into()) } else { self.0.set_len(len) }
        }

        fn sync_data(&self) -> io::Result<()> {
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.0.write(offset, data)
        }
    }

    #[test]
    fn a_copy_that_finds_no_room_leaves_the_file_open() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let path = directory.path().join("state.redb");
        let state = State::open(&path).expect("a new file");
        let mut changes = Changes::default();
        changes.put(Shelf::UploadBytes, *b"mix", vec![7; 20 << 20]);
        state.commit(&changes).expect("a healthy disk");
        let full = Database::builder().create_with_backend(Full(redb::backends::InMemoryBackend::new(), 8 << 20)).expect("room for an empty one");
        let outcome = state.copy_into(&full).expect("the file can be read");
        assert!(outcome.expect_err("20 MiB don't fit into 8").to_string().contains("space"));
        assert!(matches!(State::open(&path), Err(StateError::InUse(_))), "it was closed, and would have to be opened again");
    }

    #[test]
    fn only_a_whole_state_can_take_the_place_of_one() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let path = directory.path().join("state.redb");
        let refused = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, bytes).expect("the test's own directory");
            check_copy(&path).expect_err(name).to_string()
        };
        let state = State::open(&path).expect("a new file");
        let mut changes = Changes::default();
        changes.put(Shelf::UploadBytes, *b"mix", vec![7; 4 << 20]);
        state.commit(&changes).expect("a healthy disk");
        drop(state);
        check_copy(&path).expect("it is whole");
        let whole = fs::read(&path).expect("it is there");

        assert!(refused("empty", b"").contains("empty"));
        let mut damaged = whole.clone();
        let at = whole.windows(4_096).position(|bytes| bytes.iter().all(|byte| *byte == 7)).expect("the mix lies somewhere");
        damaged[at + 1_000] = 8;
        assert!(refused("damaged", &damaged).contains("damaged"));
        let other = directory.path().join("other");
        drop(Database::create(&other).expect("a new file"));
        assert!(refused("another", &fs::read(&other).expect("it is there")).contains("no state.redb"));
        refused("cut off", &whole[..whole.len() / 2]);
    }

    #[test]
    fn a_file_is_checked_and_made_smaller_by_who_has_it_alone() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let path = directory.path().join("state.redb");
        assert!(matches!(check(&path), Err(UpkeepError::Missing(_))));
        let state = State::open(&path).expect("a new file");
        assert!(matches!(check(&path), Err(UpkeepError::InUse(_))));
        for put in [true, false] {
            let mut changes = Changes::default();
            for n in 0..10_u8 {
                if put { changes.put(Shelf::UploadBytes, [n], vec![n; 4 << 20]) } else { changes.remove(Shelf::UploadBytes, [n]) }
            }
            state.commit(&changes).expect("a healthy disk");
        }
        drop(state);
        assert!(check(&path).expect("it can be read"));
        let (before, after) = compact(&path).expect("it can be written");
        assert!(after < before, "{before} and then {after}");
        fs::write(&path, b"this was a database once").expect("the test's own file");
        assert!(matches!(check(&path), Err(UpkeepError::Failed { .. })));
    }
}
