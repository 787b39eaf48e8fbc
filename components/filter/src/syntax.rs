//! Identifiers as the AT Protocol spells them: DIDs, NSIDs, record keys, and AT-URIs of records.
//!
//! Only syntax: whether what they name exists is nobody's concern here. AT-URIs are taken only with a DID as their
//! authority, since a handle may be another's tomorrow, and only down to a record.

use crate::{fault::Fault, limits};

/// The parts of a record's AT-URI, `at://<did>/<collection>/<rkey>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordUri<'a> {
    pub did: &'a str,
    pub collection: &'a str,
    pub rkey: &'a str,
}

impl<'a> RecordUri<'a> {
    /// The parts, if the text is a record's AT-URI of bounded length.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > limits::URI_BYTES {
            return None;
        }
        let mut parts = text.strip_prefix("at://")?.splitn(3, '/');
        let uri = Self { did: parts.next()?, collection: parts.next()?, rkey: parts.next()? };
        (is_did(uri.did) && is_nsid(uri.collection) && is_rkey(uri.rkey)).then_some(uri)
    }
}

/// The text itself, if it is the AT-URI of a record in this collection.
pub fn uri_in(text: &str, collection: &str) -> Result<String, Fault> {
    match RecordUri::parse(text) {
        Some(uri) if uri.collection == collection => Ok(text.to_owned()),
        _ => Err(Fault::BadUri),
    }
}

pub fn is_did(text: &str) -> bool {
    let Some((method, id)) = text.strip_prefix("did:").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    text.len() <= limits::DID_BYTES
        && !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_lowercase())
        && !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:%-".contains(&byte))
        && !id.ends_with([':', '%'])
}

pub fn is_nsid(text: &str) -> bool {
    let Some((authority, name)) = text.rsplit_once('.') else {
        return false;
    };
    text.len() <= 317
        && authority.contains('.')
        && authority.split('.').all(is_domain_label)
        && authority.starts_with(|c: char| c.is_ascii_alphabetic())
        && (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_domain_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

pub fn is_rkey(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte)) && text != "." && text != ".."
}
