//! The communities of this host.
//!
//! A community is open while its config record exists, is valid, and the operator lets it be; then it has a number, a row, and
//! a namespace. Closing it wipes all of that, since everything can be told again from the records: a config that comes back
//! opens the community anew. First come, first served: beyond the bounds a config is kept as a record and opens nothing.

use serde::{Deserialize, Serialize};

use super::held::{self, Bounds};
use crate::record::{Config, Hashtag, RecordKey};
use crate::store::schema::{self, count};
use crate::store::{CommunityId, Key, Snapshot, Span, StoreError, Table, View};

/// An open community.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Community {
    /// The AT-URI of its config record: what it is known by everywhere else.
    pub uri: String,
    /// The DID in that URI.
    pub owner: String,
    /// The config record's rkey, which is the feed's as well.
    pub rkey: String,
    pub config: Config,
}

const NEXT: &[u8] = b"next-community";

/// The number of an open community.
pub fn number(view: &View, uri: &str) -> Result<Option<CommunityId>, StoreError> {
    Ok(view.get(Table::CommunityUris, uri.as_bytes())?.and_then(|bytes| bytes.try_into().ok()).map(CommunityId::from_be_bytes))
}

pub fn by_number(view: &View, id: CommunityId) -> Result<Option<Community>, StoreError> {
    view.read(Table::Communities, Key::community(id).as_ref())
}

/// The open communities with this hashtag.
pub fn with_hashtag(view: &View, hashtag: Hashtag) -> Result<Vec<CommunityId>, StoreError> {
    let found = view.range(Table::Hashtags, &Span::prefix(hashtag.digits()), false, usize::MAX)?;
    Ok(found.iter().filter_map(|(key, _)| community_behind(key)).collect())
}

fn community_behind(key: &[u8]) -> Option<CommunityId> {
    key.get(8..)?.try_into().ok().map(CommunityId::from_be_bytes)
}

/// How many communities are open.
pub fn open_communities(snapshot: &Snapshot) -> Result<u64, StoreError> {
    let found = snapshot.get(Table::Counts, count::communities().as_ref())?;
    Ok(found.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// Whether a community has this hashtag, or a post that is known.
pub fn is_used(snapshot: &Snapshot, hashtag: Hashtag) -> Result<bool, StoreError> {
    let mut used = false;
    for (table, span) in [(Table::Hashtags, Span::prefix(hashtag.digits())), (Table::Routes, Span::prefix(schema::posts_with(hashtag)))] {
        snapshot.scan(table, &span, false, |_, _| {
            used = true;
            false
        })?;
    }
    Ok(used)
}

/// Why a config opens no community.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    Owner,
    Host,
    Hashtag,
}

impl Full {
    /// For the counter of what bounds pushed out.
    pub fn label(self) -> &'static str {
        match self {
            Self::Owner => "communities-per-owner",
            Self::Host => "communities-total",
            Self::Hashtag => "communities-per-hashtag",
        }
    }
}

/// Whether there is room for one more community of this owner with this hashtag; if not, why.
pub fn full(view: &View, owner: &str, hashtag: Hashtag, bounds: &Bounds) -> Result<Option<Full>, StoreError> {
    let of_owner = view.range(Table::CommunityUris, &Span::prefix(format!("at://{owner}/")), false, bounds.communities_per_owner)?;
    Ok(if of_owner.len() >= bounds.communities_per_owner {
        Some(Full::Owner)
    } else if view.count(count::communities().as_ref())? >= bounds.communities_total as u64 {
        Some(Full::Host)
    } else if is_crowded(view, hashtag, bounds)? {
        Some(Full::Hashtag)
    } else {
        None
    })
}

/// Whether as many communities have this hashtag as may share one.
fn is_crowded(view: &View, hashtag: Hashtag, bounds: &Bounds) -> Result<bool, StoreError> {
    Ok(with_hashtag(view, hashtag)?.len() >= bounds.communities_per_hashtag)
}

/// Opens a community whose config has come.
pub fn open(view: &mut View, key: &RecordKey, config: Config, bounds: &Bounds) -> Result<Result<CommunityId, Full>, StoreError> {
    if let Some(full) = full(view, &key.did, config.hashtag, bounds)? {
        return Ok(Err(full));
    }
    let id = view.get(Table::Meta, NEXT)?.and_then(|bytes| bytes.try_into().ok()).map_or(1, CommunityId::from_be_bytes);
    view.put(Table::Meta, NEXT, (id + 1).to_be_bytes().to_vec());
    view.add(count::communities().build(), 1)?;
    let uri = key.uri();
    view.put(Table::CommunityUris, uri.as_bytes(), id.to_be_bytes().to_vec());
    view.put(Table::Hashtags, hashtag_row(config.hashtag, id), Vec::new());
    view.put(Table::Rkeys, called_row(&uri, &key.rkey, id), Vec::new());
    view.write(Table::Communities, Key::community(id).build(), &Community { uri, owner: key.did.clone(), rkey: key.rkey.clone(), config });
    Ok(Ok(id))
}

/// A newer config of an open community. Answers whether the hashtag is another, upon which the namespace has been wiped and
/// the object must be told everything anew. Where that hashtag has no room nothing is changed.
pub fn renew(view: &mut View, id: CommunityId, config: Config, bounds: &Bounds) -> Result<Result<bool, Full>, StoreError> {
    let Some(mut community) = by_number(view, id)? else { return Ok(Ok(false)) };
    let moved = community.config.hashtag != config.hashtag;
    if moved && is_crowded(view, config.hashtag, bounds)? {
        return Ok(Err(Full::Hashtag));
    }
    if moved {
        wipe(view, id, community.config.hashtag)?;
        view.delete(Table::Hashtags, hashtag_row(community.config.hashtag, id));
        view.put(Table::Hashtags, hashtag_row(config.hashtag, id), Vec::new());
    }
    community.config = config;
    view.write(Table::Communities, Key::community(id).build(), &community);
    Ok(Ok(moved))
}

/// Throws away all that a community's object has stored and shown; it must be told everything anew.
pub fn empty(view: &mut View, id: CommunityId) -> Result<(), StoreError> {
    let Some(community) = by_number(view, id)? else { return Ok(()) };
    wipe(view, id, community.config.hashtag)?;
    view.clear(Table::Retries, &Span::prefix(Key::community(id)))?;
    view.clear(Table::DeadLetters, &Span::prefix(Key::community(id)))?;
    Ok(())
}

/// Closes a community; nothing of it remains but the records.
pub fn close(view: &mut View, id: CommunityId) -> Result<(), StoreError> {
    let Some(community) = by_number(view, id)? else { return Ok(()) };
    empty(view, id)?;
    view.delete(Table::Hashtags, hashtag_row(community.config.hashtag, id));
    view.delete(Table::Rkeys, called_row(&community.uri, &community.rkey, id));
    view.delete(Table::CommunityUris, community.uri);
    view.delete(Table::Communities, Key::community(id).build());
    view.add(count::communities().build(), -1)?;
    Ok(())
}

fn hashtag_row(hashtag: Hashtag, id: CommunityId) -> Vec<u8> {
    Key::new().bytes(hashtag.digits()).u32(id).build()
}

fn called_row(uri: &str, rkey: &str, id: CommunityId) -> Vec<u8> {
    schema::called(rkey).bytes(&mark_of(uri)).u32(id).build()
}

/// What tells communities apart whose configs have one record key: the first bytes of the SHA-256 of the config's AT-URI.
pub fn mark_of(uri: &str) -> [u8; 4] {
    let digest = ring::digest::digest(&ring::digest::SHA256, uri.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// Empties the namespace and takes the community out of the index.
fn wipe(view: &mut View, id: CommunityId, hashtag: Hashtag) -> Result<(), StoreError> {
    let own = Key::community(id);
    let span = Span::prefix(&own);
    view.walk(Table::Visible, &span, |view, key, _| {
        view.delete(Table::Global, global_row(&key[own.as_ref().len()..], id));
        view.delete(Table::Visible, key);
        Ok(true)
    })?;
    view.walk(Table::Members, &span, |view, key, _| {
        if let Ok(did) = std::str::from_utf8(&key[own.as_ref().len()..]) {
            held::dismissed(view, id, hashtag, did)?;
        }
        Ok(true)
    })?;
    for table in [Table::Objects, Table::Denied] {
        view.clear(table, &span)?;
    }
    view.clear(Table::Counts, &Span::prefix(count::all_shown(id)))?;
    view.delete(Table::Counts, count::object_bytes(id).build());
    set_alarm(view, id, None)
}

/// A post's row in the feed of all communities.
pub fn global_row(place: &[u8], id: CommunityId) -> Vec<u8> {
    Key::new().bytes(place).u8(0).u32(id).build()
}

/// When the community's object wants to be woken.
pub fn alarm(view: &View, id: CommunityId) -> Result<Option<i64>, StoreError> {
    Ok(view.get(Table::AlarmOf, Key::community(id).as_ref())?.and_then(|bytes| bytes.try_into().ok()).map(schema::time_of))
}

pub fn set_alarm(view: &mut View, id: CommunityId, at: Option<i64>) -> Result<(), StoreError> {
    let before = alarm(view, id)?;
    if before == at {
        return Ok(());
    }
    if let Some(before) = before {
        view.delete(Table::Alarms, Key::new().time(before).u32(id).build());
        view.delete(Table::AlarmOf, Key::community(id).build());
    }
    if let Some(at) = at {
        view.put(Table::Alarms, Key::new().time(at).u32(id).build(), Vec::new());
        view.put(Table::AlarmOf, Key::community(id).build(), Key::new().time(at).build());
    }
    Ok(())
}
