//! What a moderator has decided, for the owner to take over.

use crate::community::Community;
use crate::dashboard::Problem;
use crate::dashboard::actions::{Decisive, action_in, decisive};
use crate::event::Collection;
use crate::record::{self, RecordKey};
use crate::store::{Snapshot, Span, Table, schema};

/// What this moderator has decided: each action of theirs that counts for its target now, unless the owner has made it theirs.
pub(super) fn by(snapshot: &Snapshot, community: &Community, did: &str, now: i64) -> Result<Vec<Decisive>, Problem> {
    let naming = schema::naming(&community.uri);
    let prefix = naming.clone().bytes(schema::records_of(Collection::Action, did).as_ref());
    let mut deciding = Vec::new();
    for route in snapshot.keys(Table::Routes, &Span::prefix(prefix), false, usize::MAX)? {
        let row = &route[naming.as_ref().len()..];
        let (Some(key), Some(action)) = (schema::record_key_of(row), action_in(snapshot.read(Table::Records, row)?)) else { continue };
        if decisive(snapshot, community, &action.target, now)?.is_some_and(|decisive| decisive.key == key)
            && !is_taken_over(snapshot, community, &key, &action)?
        {
            deciding.push(Decisive { key, action });
        }
    }
    Ok(deciding)
}

/// Whether the owner has a copy of this action already.
fn is_taken_over(snapshot: &Snapshot, community: &Community, key: &RecordKey, action: &record::Action) -> Result<bool, Problem> {
    let prefix = schema::actions_signed(&community.uri, &action.target, &community.owner).time(action.created_at);
    for row in snapshot.keys(Table::Actions, &Span::prefix(&prefix), false, usize::MAX)? {
        let Ok(rkey) = std::str::from_utf8(&row[prefix.as_ref().len()..]) else { continue };
        let copy = RecordKey { did: community.owner.clone(), collection: Collection::Action, rkey: rkey.to_owned() };
        let copy = action_in(snapshot.read(Table::Records, schema::record(&copy).as_ref())?);
        if copy.is_some_and(|copy| copy.via == Some(key.uri())) {
            return Ok(true);
        }
    }
    Ok(false)
}
