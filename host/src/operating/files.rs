//! The databases' files: copying one, putting a copy in its place, checking, and making them smaller.
//!
//! A file is at its place whole or not at all: what is written lies beside it under another name until it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Said, alone};
use crate::config::Config;
use crate::http::control::{self, Unreachable};
use crate::store::State;
use crate::store::upkeep::{self, UpkeepError};

/// The databases, and what an operator does with one that is broken.
const FILES: [(&str, &str); 2] = [
    ("index.redb", "move it away, and a new one is filled from the firehose and the repos"),
    ("state.redb", "restore a backup (atrarium restore); without one move it away, and everybody has to sign in again and upload their mixes"),
];

/// Copies of what was there before a restore that are kept.
const BEFORE: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Copied<'a> {
    file: &'a Path,
    bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Restored<'a> {
    file: &'a Path,
    /// Where that is now which was there before.
    before: Option<&'a Path>,
}

/// How a database's file is.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Whole,
    Repaired,
    Missing,
    Broken,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    file: &'static str,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Compacted {
    file: &'static str,
    bytes: u64,
    bytes_before: u64,
}

pub(super) async fn backup(config: &Config, file: &Path) -> Result<Said, String> {
    let beside = beside(file)?;
    let outcome = write_backup(config, file, &beside).await;
    // Moved away if all went well.
    drop(fs::remove_file(&beside));
    let bytes = outcome?;
    let text = format!(
        "{}: {bytes} bytes. It opens with the secret alone: keep {} too, elsewhere, unless ATRARIUM_SECRET gives it.",
        file.display(),
        config.data_dir.join("secret").display()
    );
    Said::of(text, &Copied { file, bytes })
}

async fn write_backup(config: &Config, file: &Path, beside: &Path) -> Result<u64, String> {
    let failed = |cause: io::Error| format!("{} can't be written: {cause}", file.display());
    if file.try_exists().map_err(failed)? {
        return Err(format!("{} is there already: nothing is written over", file.display()));
    }
    let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(beside).map_err(failed)?;
    let bytes = match control::backup(&config.data_dir, &mut target).await {
        Ok(outcome) => {
            let bytes = outcome.map_err(|refusal| refusal.to_string())?;
            target.flush().and_then(|()| target.sync_all()).map_err(failed)?;
            bytes
        }
        Err(Unreachable::Nobody) => {
            drop(target);
            fs::remove_file(beside).map_err(failed)?;
            copy_at_rest(config, beside)?
        }
        Err(broken) => return Err(broken.to_string()),
    };
    // Whoever needs it once must not find then that it is none.
    upkeep::check_copy(beside).map_err(|cause| format!("the backup is not whole: {cause}"))?;
    fs::rename(beside, file).and_then(|()| sync_folder(file)).map_err(failed)?;
    Ok(bytes)
}

/// Lets the folder's disk have the file's new name.
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A copy while no server runs; whether there is an index doesn't matter.
fn copy_at_rest(config: &Config, target: &Path) -> Result<u64, String> {
    let _lock = alone(&config.data_dir)?;
    let path = config.data_dir.join("state.redb");
    if !path.is_file() {
        return Err(format!("there is no {}: nobody has signed in here, and no mix was uploaded", path.display()));
    }
    State::open(&path).and_then(|state| state.copy_to(target)).map_err(|cause| cause.to_string())?;
    target.metadata().map(|found| found.len()).map_err(|cause| format!("{} can't be read: {cause}", target.display()))
}

pub(super) fn restore(config: &Config, file: &Path) -> Result<Said, String> {
    let _lock = alone(&config.data_dir)?;
    let place = config.data_dir.join("state.redb");
    let beside = config.data_dir.join("state.restored");
    let failed = |cause: io::Error| format!("{} can't be put in the place of {}: {cause}", file.display(), place.display());
    let unusable = |cause: &dyn std::fmt::Display| format!("{} is no backup that this program can use: {cause}", file.display());
    let outcome = (|| {
        let mut source = File::open(file).map_err(|cause| format!("{} can't be read: {cause}", file.display()))?;
        let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(failed)?;
        io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(failed)?;
        drop(target);
        upkeep::check_copy(&beside).map_err(|cause| unusable(&cause))?;
        // Of another version it would be whole and of no use.
        State::open(&beside).map_err(|cause| unusable(&cause))?;
        // A second name, so that there is no moment without a file at its place: a server would begin with an empty one.
        let before = place.is_file().then(|| keep(&place)).transpose().map_err(failed)?;
        fs::rename(&beside, &place).and_then(|()| sync_folder(&place)).map_err(failed)?;
        Ok::<_, String>(before)
    })();
    if outcome.is_err() {
        drop(fs::remove_file(&beside));
    }
    let before = outcome?;
    let mut text = format!("{} is what the backup says.", place.display());
    if let Some(before) = &before {
        text += &format!(" What was there before is {}.", before.display());
    }
    Said::of(text, &Restored { file: &place, before: before.as_deref() })
}

/// Gives what a backup takes the place of another name beside it. Whatever was kept so already stays: of two restores the first may have been the mistake.
fn keep(place: &Path) -> io::Result<PathBuf> {
    for number in 1..=BEFORE {
        let name = place.with_extension(if number == 1 { "redb.before-restore".to_owned() } else { format!("redb.before-restore-{number}") });
        match fs::hard_link(place, &name) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => return outcome.map(|()| name),
        }
    }
    Err(io::Error::other(format!("there are {BEFORE} files of former restores beside it: remove those that nobody needs")))
}

pub(super) fn check(config: &Config) -> Result<Said, String> {
    let _lock = alone(&config.data_dir)?;
    let (mut text, mut all) = (String::new(), Vec::new());
    for (file, remedy) in FILES {
        let mut checked = Checked { file, health: Health::Whole, cause: None };
        match upkeep::check(&config.data_dir.join(file)) {
            Ok(true) => text += &format!("{file}: whole\n"),
            Ok(false) => {
                checked.health = Health::Repaired;
                text += &format!("{file}: it was not whole, and is again, as of the last commit that was\n");
            }
            Err(UpkeepError::Missing(_)) => {
                checked.health = Health::Missing;
                text += &format!("{file}: not there\n");
            }
            Err(cause) => {
                checked = Checked { file, health: Health::Broken, cause: Some(cause.to_string()) };
                text += &format!("{cause}: {remedy}\n");
            }
        }
        all.push(checked);
    }
    let said = Said::of(text, &all)?;
    Ok(Said { well: !all.iter().any(|checked| matches!(checked.health, Health::Broken)), ..said })
}

pub(super) fn compact(config: &Config) -> Result<Said, String> {
    let _lock = alone(&config.data_dir)?;
    let (mut text, mut all) = (String::new(), Vec::new());
    for (file, _) in FILES {
        match upkeep::compact(&config.data_dir.join(file)) {
            Ok((before, after)) => {
                text += &format!("{file}: {} KiB, and {} KiB before\n", after >> 10, before >> 10);
                all.push(Compacted { file, bytes: after, bytes_before: before });
            }
            Err(UpkeepError::Missing(_)) => {}
            Err(cause) => return Err(cause.to_string()),
        }
    }
    Said::of(text, &all)
}

/// Where a file lies while it is written.
fn beside(file: &Path) -> Result<PathBuf, String> {
    let name = file.file_name().ok_or_else(|| format!("{} is no file's name", file.display()))?;
    let mut name = name.to_owned();
    name.push(".unfinished");
    Ok(file.with_file_name(name))
}
