//! The ids by which communities are called.
//!
//! ```text
//! 3jzfcijpj2z2a            the config's record key, if one community alone has it
//! 3jzfcijpj2z2a~1f3a9c04   the same, with the first bytes of the SHA-256 of the config's AT-URI
//! at://did:…/…             the AT-URI itself
//! ```
//!
//! Anybody may open a community whose record key is that of another, so the short id is a convenience and never an identity: where it is
//! ambiguous nobody's is taken.

use super::{Dashboard, Problem};
use crate::community::Community;
use crate::community::directory::mark_of;
use crate::event::Collection;
use crate::record::RecordKey;
use crate::store::{CommunityId, Key, Snapshot, Span, Table, schema};

/// The longest id that is looked at: an AT-URI.
const MAX_ID: usize = 1_024;

/// Long ids that are told of an ambiguous one.
const TOLD: usize = 10;

impl Dashboard {
    /// The open community with this id.
    pub fn find(&self, id: &str) -> Result<(CommunityId, Community), Problem> {
        find(&self.reading()?.snapshot, id)
    }
}

pub fn find(snapshot: &Snapshot, id: &str) -> Result<(CommunityId, Community), Problem> {
    let nobody = || Problem::no_community(id);
    let is_id = id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    let number = match RecordKey::from_uri(id) {
        _ if !is_id => None,
        Some(key) if key.collection == Collection::Config => number(snapshot, id)?,
        Some(_) => None,
        None => called(snapshot, id)?,
    };
    let number = number.ok_or_else(nobody)?;
    Ok((number, community(snapshot, number)?.ok_or_else(nobody)?))
}

pub(super) fn number(snapshot: &Snapshot, uri: &str) -> Result<Option<CommunityId>, Problem> {
    Ok(snapshot.get(Table::CommunityUris, uri.as_bytes())?.and_then(|bytes| bytes.try_into().ok()).map(CommunityId::from_be_bytes))
}

pub(super) fn community(snapshot: &Snapshot, id: CommunityId) -> Result<Option<Community>, Problem> {
    Ok(snapshot.read(Table::Communities, Key::community(id).as_ref())?)
}

/// The one that has this short or long id.
fn called(snapshot: &Snapshot, id: &str) -> Result<Option<CommunityId>, Problem> {
    if let Some((rkey, mark)) = long(id) {
        match &with_prefix(snapshot, &schema::called(rkey).bytes(&mark), 2)?[..] {
            // A record key may look like a long id: then it is the short id of another.
            [] => {}
            [number] => return Ok(Some(*number)),
            _ => return Err(Problem::Conflict { name: "Ambiguous", message: format!("several communities are called {id}: give the AT-URI of the config") }),
        }
    }
    match &with_prefix(snapshot, &schema::called(id), TOLD + 1)?[..] {
        [] => Ok(None),
        [number] => Ok(Some(*number)),
        several => {
            let mut ids = Vec::new();
            for number in several.iter().take(TOLD) {
                ids.extend(community(snapshot, *number)?.map(|community| long_id(&community)));
            }
            let more = if several.len() > TOLD { " and more" } else { "" };
            let message = format!("several communities are called {id}; say which: {}{more}", ids.join(", "));
            Err(Problem::Conflict { name: "Ambiguous", message })
        }
    }
}

fn with_prefix(snapshot: &Snapshot, prefix: &Key, limit: usize) -> Result<Vec<CommunityId>, Problem> {
    let keys = snapshot.keys(Table::Rkeys, &Span::prefix(prefix), false, limit)?;
    Ok(keys.iter().filter_map(|key| schema::last_community(key)).collect())
}

/// Record key and mark of a long id.
fn long(id: &str) -> Option<(&str, [u8; 4])> {
    let (rkey, digits) = id.rsplit_once('~')?;
    let is_mark = digits.len() == 8 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let mark = u32::from_str_radix(digits, 16).ok().filter(|_| is_mark)?;
    (!rkey.is_empty()).then_some((rkey, mark.to_be_bytes()))
}

/// The id that is always accepted.
pub fn long_id(community: &Community) -> String {
    format!("{}~{:08x}", community.rkey, u32::from_be_bytes(mark_of(&community.uri)))
}

/// The id that a community is called by: the short one where that is nobody else's.
pub fn id_of(snapshot: &Snapshot, id: CommunityId, community: &Community) -> Result<String, Problem> {
    match called(snapshot, &community.rkey) {
        Ok(Some(found)) if found == id => Ok(community.rkey.clone()),
        Ok(_) | Err(Problem::Conflict { .. }) => Ok(long_id(community)),
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_ends_in_eight_digits() {
        let check = |id: &str, expected| assert_eq!(long(id), expected, "{id}");
        check("main~0123abcd", Some(("main", [0x01, 0x23, 0xab, 0xcd])));
        check("a~b~0123abcd", Some(("a~b", [0x01, 0x23, 0xab, 0xcd])));
        for id in ["main", "main~", "~0123abcd", "main~0123abc", "main~0123abcde", "main~0123ABCD", "main~+123abcd"] {
            check(id, None);
        }
    }
}
