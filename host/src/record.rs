//! Records as the filter component understood them, in the host's own types: what the store keeps and the community objects
//! are told.
//!
//! Nothing here judges anything: values are what the filter returned, after the bounds of its contract. The shapes mirror
//! `wit/events`, but are the host's own, so that a new version of the contract doesn't change what is on disk.

use serde::{Deserialize, Serialize};

use crate::event::{Collection, Rev};

/// A week: how long a post can be in a feed, in milliseconds.
pub const RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How long a post is kept, in milliseconds: a day more than a feed shows it, so that a clock that was up to a day ahead has taken none away.
pub const KEPT_MS: i64 = RETENTION_MS + 24 * 60 * 60 * 1_000;

/// How far ahead of the clock a post may be dated and be shown, in milliseconds.
pub const AHEAD_MS: i64 = 2 * 60 * 1_000;

/// Where a record lives: its AT-URI, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    pub did: String,
    pub collection: Collection,
    pub rkey: String,
}

impl RecordKey {
    /// The record's AT-URI.
    pub fn uri(&self) -> String {
        format!("at://{}/{}/{}", self.did, self.collection.nsid(), self.rkey)
    }

    /// The key in an AT-URI of one of the collections that we follow.
    pub fn from_uri(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix("at://")?.split('/');
        let (did, nsid, rkey) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || rkey.is_empty() || !did.starts_with("did:") {
            return None;
        }
        Some(Self { did: did.to_owned(), collection: Collection::from_nsid(nsid)?, rkey: rkey.to_owned() })
    }
}

/// The newest that is known of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub rev: Rev,
    /// `None`: deleted, malformed, or no longer naming a community. Kept so that an older event can't bring it back.
    pub record: Option<Record>,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFact {
    pub time_us: u64,
    pub seq: u64,
    pub active: bool,
    /// The account was deleted then: every record up to this revision is gone.
    pub floor: Option<Rev>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    Post(Post),
    Config(Config),
    Membership(Membership),
    Action(Action),
}

/// A post that names communities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Milliseconds since the Unix epoch.
    pub sort_time: i64,
    /// At least one, each once.
    pub hashtags: Vec<Hashtag>,
    pub reply: bool,
    pub languages: Vec<String>,
    pub labels: Vec<String>,
}

/// A community's hashtag: the eight hexadecimal digits behind `#atrarium_`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hashtag([u8; 8]);

impl Hashtag {
    const PREFIX: &str = "#atrarium_";

    /// Reads `#atrarium_a1b2c3d4`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_digits(text.strip_prefix(Self::PREFIX)?.as_bytes().try_into().ok()?)
    }

    /// Reads the eight digits alone.
    pub fn from_digits(digits: [u8; 8]) -> Option<Self> {
        digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(digits))
    }

    pub fn digits(&self) -> &[u8; 8] {
        &self.0
    }
}

impl std::fmt::Display for Hashtag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::PREFIX)?;
        f.write_str(std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII, and only `parse` makes a hashtag"))
    }
}

impl std::fmt::Debug for Hashtag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Theme,
    Community,
    Graduated,
}

/// How a feed is mixed, in percent that sum to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    pub own: u32,
    pub parent: u32,
    pub global: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    pub name: String,
    pub description: Option<String>,
    pub hashtag: Hashtag,
    pub stage: Stage,
    /// The AT-URI of the parent's config record.
    pub parent: Option<String>,
    pub shares: Shares,
    pub moderators: Vec<String>,
    pub created_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The AT-URI of the community's config record.
    pub community: String,
    pub active: bool,
    /// The record's `joinedAt`, in milliseconds since the Unix epoch.
    pub joined_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub kind: ActionKind,
    pub target: String,
    /// The AT-URI of the community's config record.
    pub community: String,
    pub reason: Option<String>,
    /// The AT-URI of the original of which the record is a copy.
    pub via: Option<String>,
    pub created_at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionKind {
    HidePost,
    UnhidePost,
    BlockUser,
    UnblockUser,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_key_is_its_uri_and_back() {
        let uri = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/net.atrarium.community.config/3jzfcijpj2z2a";
        let key = RecordKey::from_uri(uri).expect("a well-formed config URI");
        assert_eq!(key.uri(), uri);
        for other in [
            "",
            "at://",
            "at://did:plc:a/app.bsky.feed.like/x",
            "at://did:plc:a/app.bsky.feed.post",
            "at://a.b/app.bsky.feed.post/x",
            "at://did:plc:a/app.bsky.feed.post/x/y",
        ] {
            assert_eq!(RecordKey::from_uri(other), None, "{other}");
        }
    }

    #[test]
    fn a_hashtag_is_ten_letters_and_eight_digits() {
        assert_eq!(Hashtag::parse("#atrarium_a1b2c3d4").map(|tag| tag.to_string()).as_deref(), Some("#atrarium_a1b2c3d4"));
        for text in ["atrarium_a1b2c3d4", "#atrarium_a1b2c3d", "#atrarium_a1b2c3d4e", "#atrarium_A1B2C3D4", "#atrarium_a1b2c3dg"] {
            assert_eq!(Hashtag::parse(text), None, "{text}");
        }
    }
}
