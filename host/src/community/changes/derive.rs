//! From the rows of a batch to what they change.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::{Change, Kind, LAG, Position};
use crate::clock::datetime;
use crate::community::showing::{Edition, Showing};
use crate::event::Collection;
use crate::record::{RETENTION_MS, RecordKey};
use crate::sandbox::object::Role;
use crate::store::schema::{self, count, place_parts};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Layer, Span, Table};

/// A change's JSON.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Data<'a> {
    Post { uri: String, author: &'a str, created_at: String, shown: bool },
    Member { did: &'a str, role: Option<&'static str> },
    Target { target: &'a str, denied: bool },
    Action { action: String, exists: bool },
    Community { closed: bool },
    Mix { uploaded: bool, switched_off: bool },
}

/// How a community's last change looks.
pub(super) const CLOSED: &str = r#"{"closed":true}"#;

pub(super) fn edition_of(layer: &Layer) -> Option<Edition> {
    let key = count::editions();
    let span = Span::prefix(&key);
    let (_, value) = layer.within(Table::Counts, &span).find(|(found, _)| *found == key.as_ref())?;
    Some(Edition::from_be_bytes(value?.try_into().ok()?))
}

/// The communities in whose rows anything changed, in ascending order.
pub(super) fn touched(layer: &Layer) -> Vec<CommunityId> {
    let mut touched = Vec::new();
    let all = Span::all();
    for table in [Table::Communities, Table::Members, Table::Denied, Table::Visible] {
        for (key, _) in layer.within(table, &all) {
            if let Some(id) = key.first_chunk().map(|id| CommunityId::from_be_bytes(*id))
                && touched.last() != Some(&id)
            {
                touched.push(id);
            }
        }
    }
    touched.sort_unstable();
    touched.dedup();
    touched
}

pub(super) fn mix(uploaded: bool, switched_off: bool) -> Arc<str> {
    serde_json::to_string(&Data::Mix { uploaded, switched_off }).expect("truths have no form that JSON lacks").into()
}

/// What a batch changed in a community; `None` if it is more than anyone would want to be told. Of posts whose week is over nothing is told: no feed
/// shows them, though they are kept for a day.
pub(super) fn changes(layer: &Layer, id: CommunityId, uri: &str, edition: Edition, now: i64) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    let mut tell = |kind: Kind, data: &Data<'_>| {
        let data = serde_json::to_string(data).expect("names and strings have no form that JSON lacks");
        let number = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        changes.push(Change { id: Position(edition, number, 0), kind, data: data.into() });
        (changes.len() <= LAG).then_some(())
    };
    let own = Key::community(id);
    let span = Span::prefix(&own);
    let prefix = own.as_ref().len();
    if let Some((_, config)) = layer.within(Table::Communities, &span).next() {
        tell(Kind::Community, &Data::Community { closed: config.is_none() })?;
        if config.is_none() {
            return Some(changes);
        }
    }
    for (key, value) in layer.within(Table::Members, &span) {
        let Ok(did) = std::str::from_utf8(&key[prefix..]) else { continue };
        let role = value.and_then(|value| decode::<Role>(Table::Members, key, value).ok());
        tell(Kind::Member, &Data::Member { did, role: role.map(Role::name) })?;
    }
    for (key, value) in layer.within(Table::Denied, &span) {
        let Ok(target) = std::str::from_utf8(&key[prefix..]) else { continue };
        tell(Kind::Moderation, &Data::Target { target, denied: value.is_some() })?;
    }
    for (action, exists) in actions(layer, uri) {
        tell(Kind::Moderation, &Data::Action { action: action.uri(), exists })?;
    }
    let faded = faded(layer, id);
    for (key, value) in layer.within(Table::Visible, &span) {
        let place = &key[prefix..];
        let Some((sort_time, rkey, author)) = place_parts(place) else { continue };
        if sort_time <= now - RETENTION_MS {
            continue;
        }
        let showing = value.and_then(|value| decode::<Showing>(Table::Visible, key, value).ok());
        let shown = match showing.map(|showing| showing.since) {
            Some(Some(since)) if since == edition => true,
            // It was there before: another language or label.
            Some(Some(_)) => continue,
            Some(None) => false,
            None if faded.contains(place) => continue,
            None => false,
        };
        let uri = RecordKey { did: author.to_owned(), collection: Collection::Post, rkey: rkey.to_owned() }.uri();
        tell(Kind::Post, &Data::Post { uri, author, created_at: datetime(sort_time), shown })?;
    }
    Some(changes)
}

/// The actions that came, went or changed.
fn actions(layer: &Layer, uri: &str) -> BTreeMap<RecordKey, bool> {
    let prefix = schema::actions_of(uri);
    let mut actions = BTreeMap::new();
    for (key, value) in layer.within(Table::Actions, &Span::prefix(&prefix)) {
        if let Some(action) = schema::action_of(&key[prefix.as_ref().len()..]) {
            // One that is dated anew has two rows.
            *actions.entry(action).or_default() |= value.is_some();
        }
    }
    actions
}

/// The places whose rows were only kept for walks, and have done their service.
fn faded(layer: &Layer, id: CommunityId) -> HashSet<&[u8]> {
    let traces = layer.deleted(Table::Traces);
    traces.filter_map(|key| key.get(8..)?.split_first_chunk::<4>()).filter(|(of, _)| CommunityId::from_be_bytes(**of) == id).map(|(_, place)| place).collect()
}
