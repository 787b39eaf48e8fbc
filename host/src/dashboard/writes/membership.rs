//! Joining and leaving: the caller's own membership record, which nobody else can write.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{deleted, written};
use crate::clock::datetime;
use crate::community::Community;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::{is_denied, standing};
use crate::dashboard::times::tid;
use crate::dashboard::views::Member;
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Collection, Event, Operation};
use crate::pds::{Repo, RepoError, Swap};
use crate::store::{Snapshot, Span, Table, schema};

/// Membership records of one DID in one community that are looked at.
const RECORDS: usize = 10;

/// That the caller has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Left {
    pub left: bool,
}

impl Dashboard {
    /// Makes the caller a member.
    pub async fn join(&self, caller: &Caller, repo: &Repo, id: &str) -> Result<Member, Problem> {
        let (community, before) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            let standing = standing(&snapshot, number, &community, &caller.did)?;
            Deed::Join.allow(caller, standing)?;
            if standing > Standing::None {
                return Err(Problem::conflict("AlreadyMember", "you belong to this community already"));
            }
            if is_denied(&snapshot, number, &caller.did)? {
                return Err(Problem::Forbidden("this community has blocked you".to_owned()));
            }
            let before = membership_keys(&snapshot, &community.uri, &caller.did)?.into_iter().next();
            (community, before)
        };
        let now = self.parts().clock.now_ms();
        let collection = Collection::Membership.nsid();
        // Who was here before gets the old record back, with whatever else is in it.
        let old = match &before {
            Some(rkey) => repo.get(collection, rkey).await?.map(|found| (rkey, found)),
            None => None,
        };
        let event = match old {
            Some((rkey, found)) => {
                let mut record = found.value;
                record.insert("active".to_owned(), json!(true));
                record.insert("joinedAt".to_owned(), json!(datetime(now)));
                let written_now = repo.put(collection, rkey, record.clone(), Swap::Is(&found.cid)).await?;
                written_now.map(|now| written(&caller.did, Collection::Membership, rkey, now.rev, Operation::Update, &record))
            }
            None => {
                let (rkey, record) = (tid(now), membership(&community.uri, &datetime(now)));
                let now = repo.create(collection, &rkey, record.clone()).await?;
                Some(written(&caller.did, Collection::Membership, &rkey, now.rev, Operation::Create, &record))
            }
        };
        self.apply(event.into_iter().collect()).await;
        let member = self.member(&community.uri, &caller.did)?;
        member.ok_or_else(|| Problem::Unavailable("your membership is written, and counts as soon as this host has caught up with the network".to_owned()))
    }

    /// Ends the caller's membership.
    pub async fn leave(&self, caller: &Caller, repo: &Repo, id: &str, did: &str) -> Result<Left, Problem> {
        let (community, records) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            let standing = standing(&snapshot, number, &community, &caller.did)?;
            Deed::Leave.allow(caller, standing)?;
            if did != caller.did {
                return Err(Problem::Forbidden("nobody can end another's membership, which is in that one's own repo: block them instead".to_owned()));
            }
            match standing {
                Standing::Owner => return Err(Problem::conflict("OwnerCannotLeave", "the owner can't leave: close the community instead")),
                Standing::Moderator => {
                    return Err(Problem::conflict("ModeratorCannotLeave", "moderators belong to the community until its owner dismisses them"));
                }
                Standing::None => return Err(Problem::not_found("MemberNotFound", "you don't belong to this community")),
                Standing::Member => {}
            }
            let records = membership_keys(&snapshot, &community.uri, &caller.did)?;
            (community, records)
        };
        let mut events = Vec::new();
        for rkey in &records {
            match end(repo, &community, rkey).await {
                Ok(event) => events.extend(event),
                Err(failure) => {
                    self.apply(events).await;
                    return Err(failure.into());
                }
            }
        }
        if events.is_empty() {
            self.read_again(&caller.did).await;
        }
        self.apply(events).await;
        Ok(Left { left: true })
    }
}

/// Says in one record that the membership is over; `None` if it says so already.
async fn end(repo: &Repo, community: &Community, rkey: &str) -> Result<Option<Event>, RepoError> {
    let collection = Collection::Membership.nsid();
    let mut attempt = 1;
    loop {
        let Some(found) = repo.get(collection, rkey).await? else {
            // It may be gone by a deletion of which the firehose has yet to tell.
            let rev = repo.delete(collection, rkey, Swap::Any).await?;
            return Ok(rev.map(|rev| deleted(repo.did(), Collection::Membership, rkey, rev)));
        };
        let mut record = found.value;
        if record.get("community") != Some(&json!(community.uri)) || record.insert("active".to_owned(), json!(false)) == Some(json!(false)) {
            return Ok(None);
        }
        match repo.put(collection, rkey, record.clone(), Swap::Is(&found.cid)).await {
            Ok(now) => return Ok(now.map(|now| written(repo.did(), Collection::Membership, rkey, now.rev, Operation::Update, &record))),
            Err(RepoError::Conflict(_)) if attempt < super::ATTEMPTS => attempt += 1,
            Err(failure) => return Err(failure),
        }
    }
}

fn membership(community: &str, joined_at: &str) -> Map<String, Value> {
    let record = json!({
        "$type": Collection::Membership.nsid(),
        "community": community,
        "role": "member",
        "joinedAt": joined_at,
        "active": true,
    });
    match record {
        Value::Object(record) => record,
        _ => Map::new(),
    }
}

/// The record keys of somebody's membership records in a community.
fn membership_keys(snapshot: &Snapshot, community_uri: &str, did: &str) -> Result<Vec<String>, Problem> {
    let naming = schema::naming(community_uri);
    let prefix = naming.bytes(schema::records_of(Collection::Membership, did).as_ref());
    let keys = snapshot.keys(Table::Routes, &Span::prefix(&prefix), false, RECORDS)?;
    Ok(keys.iter().filter_map(|key| std::str::from_utf8(&key[prefix.as_ref().len()..]).ok().map(str::to_owned)).collect())
}
