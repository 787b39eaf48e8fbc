//! The databases' files: copying one, putting a copy in its place, checking, and making them smaller.
//!
//! A file is at its place whole or not at all: what is written lies beside it under another name until it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::alone;
use crate::config::Config;
use crate::http::control::{self, Unreachable};
use crate::store::State;
use crate::store::upkeep::{self, UpkeepError};

/// The databases, and what an operator does with one that is broken.
const FILES: [(&str, &str); 2] = [
    ("index.redb", "move it away, and a new one is filled from the firehose and the repos"),
    ("state.redb", "restore a backup (atrarium restore); without one move it away, and everybody has to sign in again and upload their mixes"),
];

pub(super) async fn backup(config: &Config, file: &Path) -> Result<String, String> {
    let beside = beside(file)?;
    let outcome = write_backup(config, file, &beside).await;
    // Moved away if all went well.
    drop(fs::remove_file(&beside));
    let bytes = outcome?;
    Ok(format!(
        "{}: {bytes} bytes. It opens with the secret alone: keep {} too, elsewhere, unless ATRARIUM_SECRET gives it.",
        file.display(),
        config.data_dir.join("secret").display()
    ))
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
    State::open(beside).map_err(|cause| format!("the backup is not whole: {cause}"))?;
    fs::rename(beside, file).map_err(failed)?;
    Ok(bytes)
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

pub(super) fn restore(config: &Config, file: &Path) -> Result<String, String> {
    let _lock = alone(&config.data_dir)?;
    let place = config.data_dir.join("state.redb");
    let (beside, before) = (config.data_dir.join("state.restored"), config.data_dir.join("state.redb.before-restore"));
    let failed = |cause: io::Error| format!("{} can't be put in the place of {}: {cause}", file.display(), place.display());
    let outcome = (|| {
        let mut source = File::open(file).map_err(|cause| format!("{} can't be read: {cause}", file.display()))?;
        let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(failed)?;
        io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(failed)?;
        drop(target);
        State::open(&beside).map_err(|cause| format!("{} is no backup that this program can use: {cause}", file.display()))?;
        let kept = place.is_file();
        if kept {
            match fs::remove_file(&before) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(cause)),
                _ => {}
            }
            // A second name, so that there is no moment without a file at its place: a server would begin with an empty one.
            fs::hard_link(&place, &before).map_err(failed)?;
        }
        fs::rename(&beside, &place).map_err(failed)?;
        File::open(&config.data_dir).and_then(|directory| directory.sync_all()).map_err(failed)?;
        Ok::<_, String>(kept)
    })();
    if outcome.is_err() {
        drop(fs::remove_file(&beside));
    }
    Ok(match outcome? {
        true => format!("{} is what the backup says. What was there before is {}.", place.display(), before.display()),
        false => format!("{} is what the backup says.", place.display()),
    })
}

pub(super) fn check(config: &Config) -> Result<String, String> {
    let _lock = alone(&config.data_dir)?;
    let (mut text, mut broken) = (String::new(), false);
    for (name, remedy) in FILES {
        let path = config.data_dir.join(name);
        match upkeep::check(&path) {
            Ok(true) => text += &format!("{name}: whole\n"),
            Ok(false) => text += &format!("{name}: it was not whole, and is again, as of the last commit that was\n"),
            Err(UpkeepError::Missing(_)) => text += &format!("{name}: not there\n"),
            Err(cause) => {
                broken = true;
                text += &format!("{cause}: {remedy}\n");
            }
        }
    }
    if broken { Err(text.trim_end().to_owned()) } else { Ok(text) }
}

pub(super) fn compact(config: &Config) -> Result<String, String> {
    let _lock = alone(&config.data_dir)?;
    let mut text = String::new();
    for (name, _) in FILES {
        match upkeep::compact(&config.data_dir.join(name)) {
            Ok((before, after)) => text += &format!("{name}: {} KiB, and {} KiB before\n", after >> 10, before >> 10),
            Err(UpkeepError::Missing(_)) => {}
            Err(cause) => return Err(cause.to_string()),
        }
    }
    Ok(text)
}

/// Where a file lies while it is written.
fn beside(file: &Path) -> Result<PathBuf, String> {
    let name = file.file_name().ok_or_else(|| format!("{} is no file's name", file.display()))?;
    let mut name = name.to_owned();
    name.push(".unfinished");
    Ok(file.with_file_name(name))
}
