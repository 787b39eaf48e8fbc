//! The values of the object's storage, in postcard's encoding, and how they are read and written.
//!
//! The encoding has no version: an object that finds a value which it can't read fails its calls until the index is rebuilt.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    bindings::atrarium::{community::index::Role, events::types::ActionKind},
    failure::Failure,
    host::Host,
};

/// What of the community's config decides about its feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) hashtag: String,
    pub(crate) moderators: Vec<String>,
}

/// A member, and what keeps their posts from being shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) role: Role,
    pub(crate) blocked: bool,
    pub(crate) inactive: bool,
}

impl Person {
    pub(crate) fn is_shown(self) -> bool {
        !self.blocked && !self.inactive
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredPost {
    pub(crate) reply: bool,
    pub(crate) languages: Vec<String>,
    pub(crate) labels: Vec<String>,
}

/// Under `moderation:`, with the target; under `target:` the key has the target already, and it is left empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredAction {
    pub(crate) kind: ActionKind,
    pub(crate) created_at: i64,
    pub(crate) target: String,
}

pub(crate) fn load<T: DeserializeOwned>(host: &impl Host, key: &str) -> Result<Option<T>, Failure> {
    host.get(key).map(|bytes| decode(key, &bytes)).transpose()
}

pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Failure> {
    postcard::from_bytes(bytes).map_err(|_| Failure::Unreadable(key.to_owned()))
}

pub(crate) fn save(host: &mut impl Host, key: &str, value: &impl Serialize) -> Result<(), Failure> {
    let bytes = postcard::to_allocvec(value).expect("these types hold nothing that postcard can't encode");
    put(host, key, &bytes)
}

/// A key whose presence says it all.
pub(crate) fn mark(host: &mut impl Host, key: &str, present: bool) -> Result<(), Failure> {
    if present {
        return put(host, key, &[]);
    }
    host.delete(key);
    Ok(())
}

fn put(host: &mut impl Host, key: &str, bytes: &[u8]) -> Result<(), Failure> {
    host.put(key, bytes).map_err(|error| Failure::Refused { key: key.to_owned(), error })
}
