//! A session as it lies in state.redb.
//!
//! ```text
//! sessions     <id>                      → Row
//! owners       <did> 0 <id>              → nothing     whose sessions there are
//! ages         <last used, ms, BE> <id>  → nothing     which is the oldest
//! credentials  <id>                      → sealed Credentials
//! ```
//!
//! The four change together. A row that was written under another secret counts as none.

use serde::{Deserialize, Serialize};

use super::{Method, SessionError};
use crate::store::{Changes, Shelf, State};

/// How long a session lasts after it was last used, in milliseconds.
pub(super) const LIFE_MS: i64 = 60 * 24 * 3_600_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) did: String,
    pub(super) handle: Option<String>,
    pub(super) method: Method,
    pub(super) client: Option<String>,
    pub(super) created_ms: i64,
    pub(super) used_ms: i64,
    /// The secret's id.
    pub(super) sealed_by: [u8; 8],
    /// The SHA-256 of the refresh token that is good now.
    pub(super) current: [u8; 32],
    /// That of the one before, which was used at `used_ms`.
    pub(super) previous: Option<[u8; 32]>,
}

impl Row {
    pub(super) fn expires_ms(&self) -> i64 {
        self.used_ms.saturating_add(LIFE_MS)
    }
}

/// The session's row, if it is there and can be read.
pub(super) fn read(state: &State, id: &str) -> Result<Option<Row>, SessionError> {
    Ok(state.get(Shelf::Sessions, id.as_bytes())?.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

/// The ids of this user's sessions.
pub(super) fn of_owner(state: &State, did: &str) -> Result<Vec<String>, SessionError> {
    let prefix = owner_key(did, "");
    let mut ids = Vec::new();
    state.scan(Shelf::Owners, &prefix, |key, _| {
        ids.push(String::from_utf8_lossy(&key[prefix.len()..]).into_owned());
        true
    })?;
    Ok(ids)
}

/// The ids of the sessions that were used before this, the oldest first, so many at most.
pub(super) fn used_before(state: &State, time_ms: i64, most: usize) -> Result<Vec<String>, SessionError> {
    let (end, mut ids) = (age_key(time_ms, ""), Vec::new());
    state.scan(Shelf::Ages, b"", |key, _| {
        if ids.len() == most || key >= end.as_slice() {
            return false;
        }
        ids.push(String::from_utf8_lossy(key.get(8..).unwrap_or_default()).into_owned());
        true
    })?;
    Ok(ids)
}

/// Writes the session, in place of what it was.
pub(super) fn write(changes: &mut Changes, id: &str, before: Option<&Row>, row: &Row) {
    if let Some(before) = before {
        changes.remove(Shelf::Ages, age_key(before.used_ms, id));
    }
    changes.put(Shelf::Ages, age_key(row.used_ms, id), []);
    changes.put(Shelf::Owners, owner_key(&row.did, id), []);
    changes.put(Shelf::Sessions, id, postcard::to_stdvec(row).expect("texts and numbers have a form in postcard"));
}

/// Removes all that there is of the session.
pub(super) fn remove(changes: &mut Changes, id: &str, row: &Row) {
    changes.remove(Shelf::Ages, age_key(row.used_ms, id));
    changes.remove(Shelf::Owners, owner_key(&row.did, id));
    changes.remove(Shelf::Sessions, id);
    changes.remove(Shelf::Credentials, id);
}

/// A DID holds no zero byte, so one user's keys are no other's.
fn owner_key(did: &str, id: &str) -> Vec<u8> {
    [did.as_bytes(), &[0], id.as_bytes()].concat()
}

fn age_key(time_ms: i64, id: &str) -> Vec<u8> {
    [&u64::try_from(time_ms).unwrap_or(0).to_be_bytes()[..], id.as_bytes()].concat()
}
