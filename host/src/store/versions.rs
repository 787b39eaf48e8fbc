//! The versions of a database's form, and the way from one to the next.
//!
//! A file says which version wrote it. One that is newer than this program is refused, since nobody can know what it means; an older one is
//! brought up step by step, all steps in one transaction, so that whoever is killed on the way finds the file as it was. A new file gets
//! the present version. Nothing is ever brought down.

use redb::{Database, ReadableDatabase, TableDefinition, TableError, WriteTransaction};

type Bytes = &'static [u8];

/// Where the version stands, in the table that is about the file itself.
const VERSION: &[u8] = b"version";

/// From one version to the one after it.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) from: u32,
    pub(super) run: fn(&WriteTransaction) -> Result<(), redb::Error>,
}

/// Why a file stays what it is.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is newer, or older than the first step; 0 if what stands there is no version.
    Foreign(u32),
    Failed(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Unfit {
    fn from(cause: E) -> Self {
        Self::Failed(cause.into())
    }
}

/// Makes the file one of the version `present`. Answers which it was of; nothing if it was new.
pub(super) fn bring_up(database: &Database, meta: TableDefinition<'static, Bytes, Bytes>, present: u32, steps: &[Step]) -> Result<Option<u32>, Unfit> {
    let found = version(database, meta)?;
    if found == Some(present) {
        return Ok(found);
    }
    if found.is_some_and(|found| found > present) {
        return Err(Unfit::Foreign(found.unwrap_or_default()));
    }
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    let mut reached = found.unwrap_or(present);
    while reached < present {
        let step = steps.iter().find(|step| step.from == reached).ok_or(Unfit::Foreign(reached))?;
        (step.run)(&transaction).map_err(Unfit::Failed)?;
        reached += 1;
    }
    transaction.open_table(meta)?.insert(VERSION, present.to_be_bytes().as_slice())?;
    transaction.commit()?;
    Ok(found)
}

/// The version that a file says; nothing if it says none, as one that is only just made.
pub(super) fn version(database: &Database, meta: TableDefinition<'static, Bytes, Bytes>) -> Result<Option<u32>, redb::Error> {
    let table = match database.begin_read()?.open_table(meta) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(cause) => return Err(cause.into()),
    };
    let found = table.get(VERSION)?;
    Ok(found.map(|bytes| bytes.value().try_into().map_or(0, u32::from_be_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("meta");
    const ROWS: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("rows");

    fn add(transaction: &WriteTransaction, key: &[u8]) -> Result<(), redb::Error> {
        transaction.open_table(ROWS)?.insert(key, b"".as_slice())?;
        Ok(())
    }

    const STEPS: &[Step] = &[
        Step { from: 1, run: |transaction| add(transaction, b"of 1") },
        Step { from: 2, run: |transaction| add(transaction, b"of 2") },
        Step { from: 3, run: |transaction| add(transaction, b"of 3").and(Err(redb::Error::PreviousIo)) },
    ];

    fn rows(database: &Database) -> Vec<String> {
        use redb::ReadableTable;
        let Ok(table) = database.begin_read().expect("a healthy disk").open_table(ROWS) else { return Vec::new() };
        let rows = table.iter().expect("a healthy disk").map(|row| String::from_utf8_lossy(row.expect("a healthy disk").0.value()).into_owned());
        rows.collect()
    }

    #[test]
    fn a_file_goes_through_every_step_once_and_whole_or_not_at_all() {
        let file = tempfile::NamedTempFile::new().expect("tests need a temporary directory");
        let database = Database::create(file.path()).expect("a new file");
        assert!(matches!(bring_up(&database, META, 1, STEPS), Ok(None)), "a new one has the present version");
        assert!(matches!(bring_up(&database, META, 1, STEPS), Ok(Some(1))));
        assert_eq!(rows(&database), Vec::<String>::new());
        assert!(matches!(bring_up(&database, META, 3, STEPS), Ok(Some(1))));
        assert_eq!(rows(&database), ["of 1", "of 2"]);
        assert!(matches!(bring_up(&database, META, 3, STEPS), Ok(Some(3))));
        // The third step fails after it has written.
        assert!(matches!(bring_up(&database, META, 4, STEPS), Err(Unfit::Failed(_))));
        assert_eq!(rows(&database), ["of 1", "of 2"]);
        assert!(matches!(bring_up(&database, META, 3, STEPS), Ok(Some(3))), "it is what it was");
    }

    #[test]
    fn a_newer_file_and_one_that_no_step_begins_with_are_foreign() {
        let file = tempfile::NamedTempFile::new().expect("tests need a temporary directory");
        let database = Database::create(file.path()).expect("a new file");
        assert!(matches!(bring_up(&database, META, 7, STEPS), Ok(None)));
        assert!(matches!(bring_up(&database, META, 6, STEPS), Err(Unfit::Foreign(7))));
        assert!(matches!(bring_up(&database, META, 8, STEPS), Err(Unfit::Foreign(7))));
        let write = database.begin_write().expect("a healthy disk");
        write.open_table(META).expect("it is there").insert(VERSION, b"seven".as_slice()).expect("a healthy disk");
        write.commit().expect("a healthy disk");
        assert!(matches!(bring_up(&database, META, 7, STEPS), Err(Unfit::Foreign(0))));
    }
}
