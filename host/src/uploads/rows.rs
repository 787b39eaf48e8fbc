//! Uploaded mixes as they lie in state.redb.
//!
//! ```text
//! uploads       <sha256>                    → Upload        once, whichever communities have it
//! upload-bytes  <sha256> <piece, u32 BE>    → bytes
//! versions      <community uri> 0 <u32 BE>  → Version
//! numbers       <community uri>             → u32           the last that was given to a version
//! active        <community uri>             → Active
//! journals      <community uri>             → [Entry]       the newest last
//! ```
//!
//! A row that can't be read counts as none, and is said in the log.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::sandbox::strangers::Verdict;
use crate::store::{Changes, Shelf, State, StateError};

/// The SHA-256 of a component's bytes.
pub type Digest = [u8; 32];

/// Bytes in one row.
const PIECE: usize = 256 << 10;

/// A component, whoever has uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    pub size: u64,
    /// `None`: it is being looked at.
    pub verdict: Option<Verdict>,
    /// Its compiled code.
    pub compiled: Option<Compiled>,
}

/// A file of compiled code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Compiled {
    /// The engine that made it.
    pub key: String,
    pub sha256: Digest,
}

/// A component that a community has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub digest: Digest,
    /// What its uploader calls it.
    pub name: String,
    /// The DID that uploaded it.
    pub uploader: String,
    pub uploaded_ms: i64,
    /// Bytes that were uploaded: also of what was refused, of which none are kept.
    pub size: u64,
}

/// The version that mixes a community's feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// `None`: the default mix, after another was active.
    pub number: Option<u32>,
    pub since_ms: i64,
    /// What was active before: where a rollback leads. `Some(None)` is the default mix.
    pub before: Option<Option<u32>>,
    /// What was active before failed again and again, the last time like this.
    pub off_because: Option<String>,
}

fn read<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).inspect_err(|cause| tracing::error!(what, %cause, "a row of state.redb can't be read: it counts as none")).ok()
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("texts and numbers have a form in postcard")
}

pub(super) fn all_uploads(state: &State, mut each: impl FnMut(Digest, Upload)) -> Result<(), StateError> {
    state.scan(Shelf::Uploads, b"", |key, value| {
        if let (Ok(digest), Some(upload)) = (key.try_into(), read("upload", value)) {
            each(digest, upload);
        }
        true
    })
}

pub(super) fn all_versions(state: &State, mut each: impl FnMut(String, u32, Version)) -> Result<(), StateError> {
    state.scan(Shelf::Versions, b"", |key, value| {
        if let (Some((uri, number)), Some(version)) = (version_parts(key), read("version", value)) {
            each(uri, number, version);
        }
        true
    })
}

pub(super) fn all_active(state: &State, mut each: impl FnMut(String, Active)) -> Result<(), StateError> {
    state.scan(Shelf::Active, b"", |key, value| {
        if let (Ok(uri), Some(active)) = (String::from_utf8(key.to_vec()), read("active mix", value)) {
            each(uri, active);
        }
        true
    })
}

pub(super) fn all_numbers(state: &State, mut each: impl FnMut(String, u32)) -> Result<(), StateError> {
    state.scan(Shelf::Numbers, b"", |key, value| {
        if let (Ok(uri), Some(number)) = (String::from_utf8(key.to_vec()), read("number of versions", value)) {
            each(uri, number);
        }
        true
    })
}

pub(super) fn write_upload(changes: &mut Changes, digest: &Digest, upload: &Upload) {
    changes.put(Shelf::Uploads, *digest, encode(upload));
}

pub(super) fn write_bytes(changes: &mut Changes, digest: &Digest, bytes: &[u8]) {
    for (number, piece) in (0_u32..).zip(bytes.chunks(PIECE)) {
        changes.put(Shelf::UploadBytes, piece_key(digest, number), piece);
    }
}

/// The component's bytes, of which there are so many.
pub(super) fn bytes_of(state: &State, digest: &Digest) -> Result<Vec<u8>, StateError> {
    let mut bytes = Vec::new();
    state.scan(Shelf::UploadBytes, digest, |_, piece| {
        bytes.extend_from_slice(piece);
        true
    })?;
    Ok(bytes)
}

/// Removes the component's bytes, of which there are so many.
pub(super) fn remove_bytes(changes: &mut Changes, digest: &Digest, size: u64) {
    let pieces = size.div_ceil(PIECE as u64);
    for number in 0..u32::try_from(pieces).unwrap_or(u32::MAX) {
        changes.remove(Shelf::UploadBytes, piece_key(digest, number));
    }
}

pub(super) fn remove_upload(changes: &mut Changes, digest: &Digest) {
    changes.remove(Shelf::Uploads, *digest);
}

/// Writes a new version, which has the last number from now on.
pub(super) fn write_version(changes: &mut Changes, uri: &str, number: u32, version: &Version) {
    changes.put(Shelf::Versions, version_key(uri, number), encode(version));
    changes.put(Shelf::Numbers, uri, encode(&number));
}

pub(super) fn remove_version(changes: &mut Changes, uri: &str, number: u32) {
    changes.remove(Shelf::Versions, version_key(uri, number));
}

pub(super) fn write_active(changes: &mut Changes, uri: &str, active: &Active) {
    changes.put(Shelf::Active, uri, encode(active));
}

pub(super) fn write_journal<T: Serialize>(changes: &mut Changes, uri: &str, journal: &T) {
    changes.put(Shelf::Journals, uri, encode(journal));
}

pub(super) fn journal<T: DeserializeOwned>(state: &State, uri: &str) -> Result<Option<T>, StateError> {
    Ok(state.get(Shelf::Journals, uri.as_bytes())?.and_then(|bytes| read("journal", &bytes)))
}

fn piece_key(digest: &Digest, number: u32) -> Vec<u8> {
    [digest.as_slice(), &number.to_be_bytes()].concat()
}

fn version_key(uri: &str, number: u32) -> Vec<u8> {
    [uri.as_bytes(), &[0], &number.to_be_bytes()].concat()
}

fn version_parts(key: &[u8]) -> Option<(String, u32)> {
    let (uri, number) = key.split_last_chunk::<4>()?;
    Some((String::from_utf8(uri.strip_suffix(&[0])?.to_vec()).ok()?, u32::from_be_bytes(*number)))
}
