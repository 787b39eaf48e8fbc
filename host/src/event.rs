//! What the network says, after the wire and before the filter: the events that pass the prefilter, as the queue keeps them.
//!
//! Everything in an [`Event`] has been checked against the AT Protocol's syntax and bounded, except the record's JSON, which
//! is untrusted text that only the filter component reads. Nothing here knows which wire an event came by.

use serde::{Deserialize, Serialize};

/// The longest DID that is taken, in bytes. The specification allows 2,048; real ones are 32 (did:plc) or a host name.
pub const MAX_DID: usize = 256;

/// The largest record that is looked at, in bytes of JSON; the AT Protocol's limit is 1 MiB of CBOR, and real ones have a few
/// hundred bytes. A larger one becomes `None`: an update by it acts as a delete, like any malformed one.
pub const MAX_RECORD: usize = 1 << 20;

/// How far ahead of our clock somebody else's may be, in microseconds: ten minutes.
pub const MAX_AHEAD_US: u64 = 10 * 60 * 1_000_000;

/// One event of one repo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The repo's DID.
    pub did: String,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    Commit(Commit),
    Account(Account),
    /// What an account's server said when it was asked.
    Status(Status),
    /// All records of one collection have been read from the repo, and came before this.
    Listed(Listed),
    /// The repo shall be read.
    Want,
    /// The repo has been read; everything in it came before this.
    Read(Read),
    /// Repos that may matter were found. The event belongs to no repo, and its DID is empty.
    Found(Found),
    /// Events were missed: what is known may be out of date. The event belongs to no repo, and its DID is empty.
    Gap,
    /// Something is to be done with a dead letter. The event belongs to no repo, and its DID is empty.
    Order(Order),
    /// An operator wants something done with a community's object. The event belongs to no repo, and its DID is empty.
    Object(ObjectOrder),
}

impl Body {
    /// All that [`Body::kind`] answers.
    pub const KINDS: [&'static str; 13] =
        ["post", "community", "membership", "action", "account", "status", "listed", "want", "read", "found", "gap", "order", "object"];

    /// What it is about, as a position in [`Body::KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Self::Commit(commit) => match commit.collection {
                Collection::Post => 0,
                Collection::Config => 1,
                Collection::Membership => 2,
                Collection::Action => 3,
            },
            Self::Account(_) => 4,
            Self::Status(_) => 5,
            Self::Listed(_) => 6,
            Self::Want => 7,
            Self::Read(_) => 8,
            Self::Found(_) => 9,
            Self::Gap => 10,
            Self::Order(_) => 11,
            Self::Object(_) => 12,
        }
    }
}

/// What an operator wants with a community's object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectOrder {
    /// The AT-URI of the community's config.
    pub community: String,
    pub what: ObjectWhat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectWhat {
    /// It is let go from memory, and made anew when it is next told something.
    Evict,
    /// What it has stored is thrown away, and it is told everything anew.
    Rebuild,
}

/// What an owner or an operator wants with a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its key in the table of dead letters.
    pub letter: Vec<u8>,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It is tried again, at once.
    Retry,
    /// It is forgotten.
    Drop,
}

/// An answer about an account. It has no place among the account's events, so it counts if none of them came meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub status: AccountStatus,
    /// Time and seq of the account's last event that was known when the question was asked.
    pub known: Option<(u64, u64)>,
    /// When that was, in microseconds since the Unix epoch.
    pub asked_us: u64,
}

/// What a repo held of one collection, for the deletion of what it doesn't hold any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub collection: Collection,
    /// The repo's revision before the reading began: records that are newer are not concerned.
    pub rev: Rev,
    /// The record keys that were found and may matter, in ascending order.
    pub rkeys: Vec<String>,
    /// Keys below this one were not read; `None` if all were.
    pub from: Option<String>,
}

/// That a repo was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The wish that it fulfils: one that was made later remains.
    pub asked: u64,
}

/// A page of repos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Who listed them, by a name that is the same with the next start.
    pub source: String,
    pub dids: Vec<String>,
    /// Where the listing goes on; `None` at its end.
    pub cursor: Option<String>,
}

/// One operation on one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub rev: Rev,
    pub collection: Collection,
    pub rkey: String,
    /// Whether the record was there before. The word of the server: a hint, since events repeat.
    pub operation: Operation,
    /// The record's JSON; `None` for a delete, and for a record too large to be looked at.
    pub record: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// What an account's host says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// When the account's host said so, in microseconds since the Unix epoch: the event's `time`, which orders an account's
    /// events. Ties are broken by `seq`.
    pub time_us: u64,
    pub seq: u64,
    pub status: AccountStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountStatus {
    Active,
    /// Deactivated, suspended, taken down, or any other state that isn't active: the posts are not shown.
    Inactive,
    /// All its records are gone.
    Deleted,
}

impl AccountStatus {
    /// From the two fields that lexicons have for it.
    pub fn of(active: bool, status: Option<&str>) -> Self {
        match (active, status) {
            (true, _) => Self::Active,
            (false, Some("deleted")) => Self::Deleted,
            (false, _) => Self::Inactive,
        }
    }
}

/// The collections that the program follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Collection {
    Post,
    Config,
    Membership,
    Action,
}

impl Collection {
    pub const ALL: [Self; 4] = [Self::Post, Self::Config, Self::Membership, Self::Action];

    /// The collection's NSID.
    pub fn nsid(self) -> &'static str {
        match self {
            Self::Post => "app.bsky.feed.post",
            Self::Config => "net.atrarium.community.config",
            Self::Membership => "net.atrarium.community.membership",
            Self::Action => "net.atrarium.moderation.action",
        }
    }

    pub fn from_nsid(nsid: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|collection| collection.nsid() == nsid)
    }
}

/// A repo's revision: a TID, whose text sorts like the time that it encodes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rev([u8; Self::LENGTH]);

const TID_ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

impl Rev {
    const LENGTH: usize = 13;

    /// The revision that this text spells, if it is a TID as the specification has it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LENGTH] = text.as_bytes().try_into().ok()?;
        let first_is_small = matches!(bytes[0], b'2'..=b'7' | b'a'..=b'j');
        (first_is_small && bytes.iter().all(|byte| TID_ALPHABET.contains(byte))).then_some(Self(bytes))
    }

    /// The greatest revision of this microsecond.
    pub fn last_of(time_us: u64) -> Self {
        // Later than any revision can name is the last of them, not an early one.
        let mut value = time_us.min((1 << 54) - 1) << 10 | 0x3ff;
        let mut bytes = [0; Self::LENGTH];
        for byte in bytes.iter_mut().rev() {
            *byte = TID_ALPHABET[(value & 0x1f) as usize];
            value >>= 5;
        }
        Self(bytes)
    }

    /// The time that the revision encodes, in microseconds since the Unix epoch.
    pub fn time_us(&self) -> u64 {
        let value = self.0.iter().fold(0_u64, |value, byte| {
            let digit = TID_ALPHABET.iter().position(|letter| letter == byte).unwrap_or(0);
            value << 5 | digit as u64
        });
        value >> 10
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a TID's letters are ASCII, and only `parse` and `last_of` make one")
    }
}

impl std::fmt::Debug for Rev {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_keeps_its_time_and_its_order() {
        let real = Rev::parse("3mptbypluud2a").expect("a rev from the captured traffic");
        assert_eq!(real.time_us() / 1_000_000, 1_783_175_887);
        let earlier = Rev::last_of(real.time_us() - 1);
        let same = Rev::last_of(real.time_us());
        assert!(earlier < real && real <= same);
        assert_eq!(same.time_us(), real.time_us());
    }

    #[test]
    fn what_is_no_tid_is_no_revision() {
        for text in ["", "3mptbypluud2", "3mptbypluud2aa", "zmptbypluud2a", "3mptbypluud10", "3MPTBYPLUUD2A"] {
            assert_eq!(Rev::parse(text), None, "{text}");
        }
    }
}
