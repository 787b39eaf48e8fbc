//! Making a database file: whole, or not at all.
//!
//! redb takes no file whose making was cut short, and an operator would be told of damage at the second start of their life with the program.
//! So a new file is made beside its place and moved there. One that lies there unfinished is thrown away.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes the file with `make` if there is none. A failure leaves nothing in its place.
pub(super) fn make_whole<E>(path: &Path, make: impl FnOnce(&Path) -> Result<(), E>, failed: impl Fn(io::Error) -> E) -> Result<(), E> {
    if path.try_exists().map_err(&failed)? {
        return Ok(());
    }
    let unfinished = path.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(cause)),
        _ => {}
    }
    make(&unfinished)?;
    fs::rename(&unfinished, path).map_err(&failed)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::store::{Options, Store};

    fn named(directory: &Path) -> Vec<PathBuf> {
        let mut names: Vec<_> = fs::read_dir(directory).expect("it is there").flatten().map(|entry| entry.file_name().into()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_making_that_fails_or_is_cut_short_leaves_nothing_in_the_files_place() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let path = directory.path().join("index.redb");
        let half = |path: &Path| fs::write(path, vec![0; 1 << 20]).and(Err(io::Error::other("cut short")));
        make_whole(&path, half, |cause| cause).expect_err("it is cut short");
        assert_eq!(named(directory.path()), [PathBuf::from("index.new")]);
        let options = || Options { path: path.clone(), cache: 1 << 20, backend: None };
        drop(Store::open(options()).expect("the rest of the first attempt is in nobody's way"));
        assert_eq!(named(directory.path()), [PathBuf::from("index.redb")]);
        make_whole(&path, |_| panic!("what is there is not made again"), |cause: io::Error| cause).expect("it is there");
        Store::open(options()).expect("what was made is a database");
    }
}
