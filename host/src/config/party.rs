//! Whom a rule is about.
//!
//! Never resolves anything: a handle is refused, since it may move to another account tomorrow. What can't be a DID or a
//! community's URI is answered with what would be right.

use atrium_api::types::string::{Did, RecordKey};

/// The collection of a community's config record.
const CONFIG: &str = "net.atrarium.community.config";

/// An owner with all their communities, or one community.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party {
    Did(String),
    /// The AT-URI of a config record: `at://<did>/net.atrarium.community.config/<rkey>`.
    Community(String),
}

impl Party {
    /// The party that the text names, or what the text would have to be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(path) = text.strip_prefix("at://") else {
            return match Did::new(text.to_owned()) {
                Ok(_) => Ok(Self::Did(text.to_owned())),
                Err(_) => Err("a DID (did:plc:…, did:web:…) or a community's URI (at://<did>/net.atrarium.community.config/<rkey>)"),
            };
        };
        let mut parts = path.splitn(3, '/');
        let (owner, collection, rkey) = (parts.next(), parts.next(), parts.next());
        if owner.is_none_or(|owner| Did::new(owner.to_owned()).is_err()) {
            return Err("an AT-URI that begins with a DID, not with a handle: at://<did>/net.atrarium.community.config/<rkey>");
        }
        if collection != Some(CONFIG) {
            return Err("the URI of a community's config record: at://<did>/net.atrarium.community.config/<rkey>");
        }
        // The specification keeps "." and ".." out of record keys; atrium-api doesn't.
        match rkey {
            Some(rkey) if RecordKey::new(rkey.to_owned()).is_ok() && rkey != "." && rkey != ".." => Ok(Self::Community(text.to_owned())),
            _ => Err("a record key at the end of the URI: at://<did>/net.atrarium.community.config/<rkey>"),
        }
    }

    /// Whether a rule about this party is about the community with this owner and URI.
    pub fn covers(&self, owner: &str, community_uri: &str) -> bool {
        match self {
            Self::Did(did) => did == owner,
            Self::Community(uri) => uri == community_uri,
        }
    }
}
