//! What owners do with their mixes: uploading, activating, rolling back, removing.
//!
//! Every change is durable before it is answered, so all of this is for blocking threads; the feeds ask the new mix from the next page
//! on. Who may do it is the caller's to know; what there is room for is said here.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use ring::digest::{Context, SHA256};

use super::active::hex;
use super::admissions::Job;
use super::catalogue::{Catalogue, owner_of};
use super::journal::Kind;
use super::rows::{self, Active, Digest, Upload, Version};
use super::{Inner, Refused, UploadError, Uploads, Usage};
use crate::sandbox::strangers::{Guest, Profile, Verdict};
use crate::store::Changes;

/// Letters of a version's name.
const NAME: usize = 100;

const HOUR_MS: i64 = 3_600_000;

/// How a version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Checking,
    Ready(Profile),
    /// In a sentence for its owner.
    Refused(String),
}

/// An upload that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub number: u32,
    /// `false`: the community had the same bytes already.
    pub new: bool,
}

/// A version, with what is known of its component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    pub number: u32,
    pub version: Version,
    pub standing: Standing,
    pub active: bool,
}

/// An upload while it arrives: a file that is gone if it isn't finished.
pub struct Incoming {
    file: File,
    path: PathBuf,
    context: Context,
    size: u64,
    largest: u64,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Incoming({} bytes)", self.size)
    }
}

impl Incoming {
    /// Takes some more of it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.size += bytes.len() as u64;
        if self.size > self.largest {
            return Err(Refused::Large(self.largest >> 20).into());
        }
        self.context.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What stays is removed at the next start.
        drop(std::fs::remove_file(&self.path));
    }
}

impl Uploads {
    /// Whether this owner may upload at all.
    pub fn may_upload(&self, did: &str) -> Result<(), Refused> {
        match &self.0.settings.admitted {
            admitted if admitted.lets(did) => Ok(()),
            super::Admitted::Only(_) => Err(Refused::NotListed),
            _ => Err(Refused::Off),
        }
    }

    /// Begins to take an upload.
    pub fn incoming(&self) -> Result<Incoming, UploadError> {
        let path = self.0.directory.join(format!("incoming-{:016x}", rand::random::<u64>()));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Incoming { file, path, context: Context::new(&SHA256), size: 0, largest: self.0.settings.largest })
    }

    /// Keeps an upload as a version of the community, and gives it to be looked at if its bytes are new.
    pub fn finish(&self, incoming: Incoming, uri: &str, name: &str, uploader: &str) -> Result<Kept, UploadError> {
        let inner = &*self.0;
        self.may_upload(owner_of(uri))?;
        let mut digest: Digest = [0; 32];
        digest.copy_from_slice(incoming.context.clone().finish().as_ref());
        let now = inner.clock.now_ms();
        let mut catalogue = inner.catalogue();
        // Uploading the same again gives the same version.
        if let Some(number) = catalogue.number_of(uri, &digest) {
            return Ok(Kept { number, new: false });
        }
        let quotas = &inner.settings.quotas;
        let gives_way = catalogue.gives_way(uri, quotas);
        catalogue.room(uri, &digest, incoming.size, quotas, gives_way)?;
        let new = !catalogue.uploads.contains_key(&digest);
        let bytes = if new { read_back(&incoming)? } else { Vec::new() };
        if new {
            inner.compile_soon(owner_of(uri), now)?;
        }
        // From here on nothing but the disk says no, after which the catalogue is read anew.
        let mut changes = Changes::default();
        if let Some(number) = gives_way {
            inner.forget(&mut catalogue, &mut changes, uri, number);
        }
        if new {
            rows::write_bytes(&mut changes, &digest, &bytes);
            let upload = Upload { size: incoming.size, verdict: None, compiled: None };
            rows::write_upload(&mut changes, &digest, &upload);
            catalogue.uploads.insert(digest, upload);
        }
        let number = catalogue.next_number(uri);
        let name: String = name.trim().chars().filter(|letter| !letter.is_control()).take(NAME).collect();
        let name = if name.is_empty() { format!("version {number}") } else { name };
        let version = Version { digest, name, uploader: uploader.to_owned(), uploaded_ms: now, size: incoming.size };
        rows::write_version(&mut changes, uri, number, &version);
        if let Err(cause) = inner.state.commit(&changes) {
            *catalogue = Catalogue::read(&inner.state)?;
            return Err(cause.into());
        }
        inner.note(uri, Kind::Uploaded, number, &format!("{} bytes, named “{}”", incoming.size, version.name));
        catalogue.versions.entry(uri.to_owned()).or_default().insert(number, version);
        catalogue.numbers.insert(uri.to_owned(), number);
        drop(catalogue);
        if new {
            drop(inner.jobs.send(Job::Compile(digest)));
        }
        Ok(Kept { number, new: true })
    }

    /// All versions of a community, the newest first.
    pub fn versions(&self, uri: &str) -> Vec<VersionInfo> {
        let catalogue = self.0.catalogue();
        let numbers: Vec<u32> = catalogue.versions.get(uri).map(|versions| versions.keys().rev().copied().collect()).unwrap_or_default();
        numbers.into_iter().filter_map(|number| info(&catalogue, uri, number)).collect()
    }

    pub fn version(&self, uri: &str, number: u32) -> Result<VersionInfo, Refused> {
        info(&self.0.catalogue(), uri, number).ok_or(Refused::NoVersion(number))
    }

    /// What was made active last, if anything ever was.
    pub fn active(&self, uri: &str) -> Option<Active> {
        self.0.catalogue().active.get(uri).cloned()
    }

    pub fn usage(&self, uri: &str) -> Usage {
        self.0.catalogue().usage(uri)
    }

    /// Waits until the version has been looked at, or until `patience` is over.
    pub async fn settled(&self, uri: &str, number: u32, patience: Duration) -> Result<VersionInfo, Refused> {
        let mut verdicts = self.0.settled.subscribe();
        let waiting = async {
            loop {
                let info = self.look(uri, number).await?;
                if info.standing != Standing::Checking || verdicts.changed().await.is_err() {
                    return Ok(info);
                }
            }
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(info) => info,
            Err(_) => self.look(uri, number).await,
        }
    }

    /// The same as [`Self::version`], for a thread that may not wait for a commit.
    async fn look(&self, uri: &str, number: u32) -> Result<VersionInfo, Refused> {
        let (uploads, uri) = (self.clone(), uri.to_owned());
        tokio::task::spawn_blocking(move || uploads.version(&uri, number)).await.expect("looking into a map doesn't panic")
    }

    /// The version mixes the community's feed from the next page on. `None` is the default mix.
    pub fn activate(&self, uri: &str, number: Option<u32>, by: &str) -> Result<(), UploadError> {
        self.choose(uri, by, |_| Ok(number)).map(drop)
    }

    /// Goes back to what was active before; answers what that is.
    pub fn roll_back(&self, uri: &str, by: &str) -> Result<Option<u32>, UploadError> {
        self.choose(uri, by, |was| was.and_then(|was| was.before).ok_or(Refused::NothingBefore))
    }

    /// Makes active what is chosen in sight of what is; answers what that is.
    fn choose(&self, uri: &str, by: &str, which: impl FnOnce(Option<&Active>) -> Result<Option<u32>, Refused>) -> Result<Option<u32>, UploadError> {
        let inner = &*self.0;
        let mut catalogue = inner.catalogue();
        let chosen = which(catalogue.active.get(uri))?;
        match chosen {
            Some(number) => {
                self.may_upload(owner_of(uri))?;
                usable(&catalogue, uri, number)?;
            }
            None if catalogue.active_number(uri).is_none() => return Ok(None),
            None => {}
        }
        inner.make_active(&mut catalogue, uri, chosen, None)?;
        let (kind, text) = match chosen {
            Some(_) => (Kind::Activated, format!("by {by}")),
            None => (Kind::Deactivated, format!("by {by}: the default mix makes the feed")),
        };
        inner.note(uri, kind, chosen.unwrap_or(0), &text);
        drop(catalogue);
        // The first reader shall not wait for the disk. What can't be loaded is being compiled again from here on.
        if let Some(number) = chosen {
            drop(self.guest(uri, number));
        }
        Ok(chosen)
    }

    /// Forgets a version, and its component where no other community has it.
    pub fn remove(&self, uri: &str, number: u32, by: &str) -> Result<(), UploadError> {
        let inner = &*self.0;
        let mut catalogue = inner.catalogue();
        if catalogue.version(uri, number).is_none() {
            return Err(Refused::NoVersion(number).into());
        }
        if catalogue.active_number(uri) == Some(number) {
            return Err(Refused::IsActive(number).into());
        }
        let mut changes = Changes::default();
        inner.forget(&mut catalogue, &mut changes, uri, number);
        if let Err(cause) = inner.state.commit(&changes) {
            *catalogue = Catalogue::read(&inner.state)?;
            return Err(cause.into());
        }
        inner.note(uri, Kind::Removed, number, &format!("by {by}"));
        Ok(())
    }

    /// A version's compiled code, to be asked beside the active one.
    pub fn guest(&self, uri: &str, number: u32) -> Result<std::sync::Arc<Guest>, UploadError> {
        let inner = &*self.0;
        let (digest, compiled) = {
            let catalogue = inner.catalogue();
            usable(&catalogue, uri, number)?;
            let (version, upload) = catalogue.version(uri, number).ok_or(Refused::NoVersion(number))?;
            (version.digest, upload.compiled.clone())
        };
        let loaded = compiled.ok_or_else(|| "it has no compiled code".to_owned()).and_then(|compiled| inner.guest(&digest, &compiled));
        loaded.map_err(|cause| {
            tracing::info!(component = hex(&digest), cause, "a mix has to be compiled again");
            drop(inner.jobs.send(Job::Compile(digest)));
            Refused::NotYet(number).into()
        })
    }
}

impl Inner {
    /// Makes this the community's mix, durably, and then for the feeds. `off_because`: what was active before has to go.
    pub(super) fn make_active(&self, catalogue: &mut Catalogue, uri: &str, number: Option<u32>, off_because: Option<String>) -> Result<(), UploadError> {
        let (since_ms, before) = match catalogue.active.get(uri) {
            // To activate what is active changes nothing but that it is asked again if it was paused.
            Some(was) if was.number == number => (was.since_ms, was.before),
            Some(was) => (self.clock.now_ms(), Some(was.number)),
            None => (self.clock.now_ms(), Some(None)),
        };
        let active = Active { number, since_ms, before, off_because };
        let mut changes = Changes::default();
        rows::write_active(&mut changes, uri, &active);
        self.state.commit(&changes)?;
        let (is_new, switched_off) = (catalogue.active_number(uri) != number, active.off_because.is_some());
        catalogue.active.insert(uri.to_owned(), active);
        self.rewire(catalogue, uri);
        if is_new {
            self.changes.mix_changed(uri, number.is_some(), switched_off);
        }
        Ok(())
    }

    fn forget(&self, catalogue: &mut Catalogue, changes: &mut Changes, uri: &str, number: u32) {
        let Some(version) = catalogue.versions.get_mut(uri).and_then(|versions| versions.remove(&number)) else { return };
        rows::remove_version(changes, uri, number);
        if let Some(active) = catalogue.active.get_mut(uri)
            && active.before == Some(Some(number))
        {
            active.before = None;
            rows::write_active(changes, uri, active);
        }
        if catalogue.users(&version.digest).is_empty()
            && let Some(upload) = catalogue.uploads.remove(&version.digest)
        {
            rows::remove_bytes(changes, &version.digest, upload.size);
            rows::remove_upload(changes, &version.digest);
            // What stays is removed at the next start.
            drop(std::fs::remove_file(self.compiled_file(&version.digest)));
        }
    }

    /// Notes that a component of this owner is going to be compiled, if there weren't too many already.
    fn compile_soon(&self, owner: &str, now: i64) -> Result<(), Refused> {
        let mut compiled = self.compiled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        compiled.retain(|_, times| {
            times.retain(|time| *time > now - HOUR_MS);
            !times.is_empty()
        });
        let times = compiled.entry(owner.to_owned()).or_default();
        if times.len() >= self.settings.quotas.per_hour {
            let until = times.first().map_or(now, |first| first + HOUR_MS);
            return Err(Refused::Often(times.len(), Duration::from_millis(u64::try_from(until - now).unwrap_or(0))));
        }
        times.push(now);
        Ok(())
    }
}

fn read_back(incoming: &Incoming) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(incoming.size).unwrap_or(0));
    File::open(&incoming.path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn info(catalogue: &Catalogue, uri: &str, number: u32) -> Option<VersionInfo> {
    let (version, upload) = catalogue.version(uri, number)?;
    let standing = match &upload.verdict {
        None => Standing::Checking,
        Some(Verdict::Admitted(profile)) => Standing::Ready(profile.clone()),
        Some(Verdict::Refused(sentence)) => Standing::Refused(sentence.clone()),
    };
    Some(VersionInfo { number, version: version.clone(), standing, active: catalogue.active_number(uri) == Some(number) })
}

fn usable(catalogue: &Catalogue, uri: &str, number: u32) -> Result<(), Refused> {
    match info(catalogue, uri, number).ok_or(Refused::NoVersion(number))?.standing {
        Standing::Ready(_) => Ok(()),
        Standing::Checking => Err(Refused::NotYet(number)),
        Standing::Refused(sentence) => Err(Refused::WasRefused(number, sentence)),
    }
}
