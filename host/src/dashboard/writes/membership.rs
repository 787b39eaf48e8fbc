//! Joining and leaving: the caller's own membership record, which nobody else can write.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{Effect, Pending, written};
use super::edit::{Edit, edit};
use super::pen::Pen;
use super::uri;
use crate::clock::datetime;
use crate::community::Community;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::{is_denied, standing};
use crate::dashboard::times::tid;
use crate::dashboard::views;
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Collection, Event, Operation};
use crate::record::{Record, Stored};
use crate::store::{Snapshot, Span, Table, schema};

/// Membership records that are ended before it is looked whether that was all; most people have one.
const AT_ONCE: usize = 20;

/// That the caller has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Left {
    pub left: bool,
}

impl Dashboard {
    /// Makes the caller a member.
    pub async fn join(&self, caller: &Caller, pen: &Pen, id: &str) -> Result<Effect<views::Member>, Problem> {
        let (community, before) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            let standing = standing(&snapshot, number, &community, &caller.did)?;
            Deed::Join.allow(caller, standing)?;
            if standing > Standing::None {
                return Err(Problem::conflict("AlreadyMember", "you belong to this community already"));
            }
            if is_denied(&snapshot, number, &caller.did)? {
                return Err(Problem::Forbidden("this community has blocked you; its moderation actions, which anybody may read, say when and why".to_owned()));
            }
            let before = records(&snapshot, &community.uri, &caller.did, |_| true, 1)?.pop();
            (community, before)
        };
        let now = datetime(self.parts().clock.now_ms());
        let mut events = Vec::new();
        let mut rejoined = None;
        // Who was here before gets the old record back, with whatever else is in it.
        if let Some(rkey) = before {
            let edited = edit(pen, Collection::Membership, &rkey, |record| {
                if is_of(record, &community) {
                    record.insert("active".to_owned(), json!(true));
                    record.insert("joinedAt".to_owned(), json!(now));
                }
                Ok(())
            });
            events.push(match edited.await? {
                Edit::Written(edited) => {
                    rejoined = is_of(&edited.record, &community).then_some(rkey);
                    edited.event
                }
                Edit::Gone(event) => event,
            });
        }
        let rkey = match rejoined {
            Some(rkey) => rkey,
            None => {
                let (rkey, record) = (tid(self.parts().clock.now_ms()), membership(&community.uri, &now));
                let done = pen.create(Collection::Membership.nsid(), &rkey, &record).await?;
                events.push(written(&caller.did, Collection::Membership, &rkey, done.rev, Operation::Create, &record));
                rkey
            }
        };
        let seen = match self.apply(events).await {
            true => self.member(&community.uri, &caller.did)?,
            false => None,
        };
        Ok(Effect::of(seen, || vec![uri(&caller.did, Collection::Membership.nsid(), &rkey)]))
    }

    /// Ends the caller's membership.
    pub async fn leave(&self, caller: &Caller, pen: &Pen, id: &str, did: &str) -> Result<Effect<Left>, Problem> {
        let community = {
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
            community
        };
        // Whoever has one that is active is a member: so until there is none. The time of a write bounds it.
        loop {
            let active = records(&self.snapshot()?, &community.uri, &caller.did, |active| active, AT_ONCE)?;
            if active.is_empty() {
                break;
            }
            let mut events = Vec::new();
            let mut failure = None;
            for rkey in &active {
                match end(pen, &community, rkey).await {
                    Ok(event) => events.push(event),
                    Err(problem) => {
                        failure = Some(problem);
                        break;
                    }
                }
            }
            let applied = self.apply(events).await;
            if let Some(problem) = failure {
                let remains: Vec<String> = problem.remains().to_vec();
                return Err(problem.leaving(remains, |cause| format!("you have not left, or not with every record: do it again ({cause})")));
            }
            if !applied {
                let uris = active.iter().map(|rkey| uri(&caller.did, Collection::Membership.nsid(), rkey)).collect();
                return Ok(Effect::Pending(Pending::of(uris)));
            }
        }
        match self.standing(&community.uri, &caller.did)?.0 {
            Standing::None => Ok(Effect::Seen(Left { left: true })),
            _ => Err(Problem::conflict("StillMember", "your records say that you have left, and this community still counts you as a member: try again later")),
        }
    }
}

/// Says in one record that the membership is over. Answers what the index shall hear, also where it was over already.
async fn end(pen: &Pen, community: &Community, rkey: &str) -> Result<Event, Problem> {
    let edited = edit(pen, Collection::Membership, rkey, |record| {
        if is_of(record, community) {
            record.insert("active".to_owned(), json!(false));
        }
        Ok(())
    });
    Ok(match edited.await? {
        Edit::Written(edited) => edited.event,
        Edit::Gone(event) => event,
    })
}

/// Whether a membership record is of this community.
fn is_of(record: &Map<String, Value>, community: &Community) -> bool {
    record.get("community") == Some(&json!(community.uri))
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

/// The record keys of somebody's membership records in a community: of those that are wanted, active or not, the first few.
fn records(snapshot: &Snapshot, community_uri: &str, did: &str, wanted: impl Fn(bool) -> bool, most: usize) -> Result<Vec<String>, Problem> {
    let naming = schema::naming(community_uri);
    let prefix = naming.clone().bytes(schema::records_of(Collection::Membership, did).as_ref());
    let mut rkeys = Vec::new();
    for route in snapshot.keys(Table::Routes, &Span::prefix(&prefix), false, usize::MAX)? {
        let stored: Option<Stored> = snapshot.read(Table::Records, &route[naming.as_ref().len()..])?;
        let Some(Record::Membership(membership)) = stored.and_then(|stored| stored.record) else { continue };
        if let Ok(rkey) = std::str::from_utf8(&route[prefix.as_ref().len()..])
            && wanted(membership.active)
        {
            rkeys.push(rkey.to_owned());
            if rkeys.len() == most {
                break;
            }
        }
    }
    Ok(rkeys)
}
