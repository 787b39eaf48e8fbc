//! What an object is told about, what could not be told, and what was given up on.
//!
//! A pair of community and [`Subject`] that could not be told waits in `retries` and ends in `dead-letters`, under the same key.
//! Who writes these rows, and when, is the write path's to say (`ingest/retry.rs`); here is their form, for it and for who shows
//! them to owners and operators. Nothing here fails but on a row that can't be read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::event::Collection;
use crate::record::RecordKey;
use crate::store::view::{decode, encode};
use crate::store::{CommunityId, Key, StoreError, Table};

/// The longest text that is looked at as a letter's id: a key of the longest DID and record key in base64.
const MAX_ID: usize = 2 << 10;

/// What an object can be told about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// The community's own config.
    Config,
    /// A membership, action or post.
    Record(RecordKey),
    /// The status of an account, by DID.
    Account(String),
    /// The object's alarm.
    Alarm,
}

impl Subject {
    pub fn is_post(&self) -> bool {
        matches!(self, Self::Record(RecordKey { collection: Collection::Post, .. }))
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::Record(key) => f.write_str(&key.uri()),
            Self::Account(did) => write!(f, "account {did}"),
            Self::Alarm => f.write_str("alarm"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Failures of its own so far.
    pub attempts: u32,
    /// Milliseconds since the Unix epoch.
    pub next: i64,
    pub cause: String,
}

/// What was given up on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub since: i64,
    pub cause: String,
}

/// The key of a pair, in either table.
pub fn row(community: CommunityId, subject: &Subject) -> Vec<u8> {
    Key::community(community).bytes(&encode(subject)).build()
}

/// The pair in a key.
pub fn pair_of(table: Table, key: &[u8]) -> Result<(CommunityId, Subject), StoreError> {
    let (id, subject) =
        key.split_first_chunk::<4>().ok_or_else(|| StoreError::Corrupt { table: table.name(), key: format!("{key:?}"), cause: "too short".to_owned() })?;
    Ok((CommunityId::from_be_bytes(*id), decode(table, key, subject)?))
}

/// What a dead letter is called outside: its key, in letters that may stand in a path.
pub fn id_of(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// The pair that this text calls; `None` if it is no letter's id.
pub fn from_id(text: &str) -> Option<(CommunityId, Subject)> {
    let key = (text.len() <= MAX_ID).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
    let (community, subject) = pair_of(Table::DeadLetters, &key).ok()?;
    (row(community, &subject) == key).then_some((community, subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_found_again_by_its_id() {
        let post = RecordKey { did: "did:plc:ewvi7nxzyoun6zhxrhs64oiz".into(), collection: Collection::Post, rkey: "3jzfcijpj2z2a".into() };
        for subject in [Subject::Config, Subject::Record(post), Subject::Account("did:web:a.example".into()), Subject::Alarm] {
            assert_eq!(from_id(&id_of(&row(7, &subject))), Some((7, subject)));
        }
        for text in ["", "A", "AAAA", "AAAABw", "AAAABwD_", "====", &"A".repeat(MAX_ID + 4)] {
            assert_eq!(from_id(text), None, "{text}");
        }
    }
}
