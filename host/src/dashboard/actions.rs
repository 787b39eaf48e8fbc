//! A community's moderation: its actions, and which of them decides.
//!
//! Which actions count is the policy's to say, a component that an operator may replace; what a post's or a person's state is stands in the index. The
//! reading here is the default policy's, and only says whose action it was.

use std::collections::HashMap;

use super::page::{List, Page, cursor, list};
use super::standing::moderates;
use super::{Dashboard, Problem, find, views};
use crate::clock::datetime;
use crate::community::Community;
use crate::event::Collection;
use crate::record::{self, AHEAD_MS, Record, RecordKey, Stored};
use crate::store::schema::time_of;
use crate::store::{Snapshot, Span, Table, schema};

impl Dashboard {
    /// The actions in a community, or of those the ones on this target, the latest first.
    pub fn actions(&self, id: &str, target: Option<&str>, page: &Page) -> Result<views::Actions, Problem> {
        let reading = self.reading()?;
        let snapshot = &reading.snapshot;
        let (_, community) = find::find(snapshot, id)?;
        let (which, prefix) = match target {
            // No key has a zero byte within a part.
            Some(target) if target.contains('\0') => return Ok(views::Actions { actions: Vec::new(), cursor: None }),
            Some(target) => (List::ActionsOn, schema::actions_on(&community.uri, target)),
            None => (List::Actions, schema::actions_of(&community.uri)),
        };
        let mut span = Span::prefix(&prefix);
        if let Some(after) = page.after(which)? {
            span = span.before(prefix.clone().bytes(&after));
        }
        let found = list(snapshot, Table::Actions, &span, true, page.limit, |key, _| {
            let Some(key) = schema::action_of(&key[prefix.as_ref().len()..]) else { return Ok(None) };
            let stored: Option<Stored> = snapshot.read(Table::Records, schema::record(&key).as_ref())?;
            Ok(action_in(stored).map(|action| (key, action)))
        })?;
        let mut deciding = HashMap::new();
        let mut actions = Vec::with_capacity(found.items.len());
        for (key, action) in found.items {
            if !deciding.contains_key(&action.target) {
                deciding.insert(action.target.clone(), decisive(snapshot, &community, &action.target, reading.now)?.map(|decisive| decisive.key));
            }
            let decides = deciding[&action.target].as_ref() == Some(&key);
            actions.push(self.action_view(&community, key, action, decides));
        }
        Ok(views::Actions { actions, cursor: found.next.map(|key| cursor(which, &key[prefix.as_ref().len()..])) })
    }

    /// One action, if it is known.
    pub fn action(&self, key: &RecordKey) -> Result<Option<views::Action>, Problem> {
        let reading = self.reading()?;
        let snapshot = &reading.snapshot;
        let Some(action) = action_in(snapshot.read(Table::Records, schema::record(key).as_ref())?) else { return Ok(None) };
        let Some(number) = find::number(snapshot, &action.community)? else { return Ok(None) };
        let Some(community) = find::community(snapshot, number)? else { return Ok(None) };
        let decides = decisive(snapshot, &community, &action.target, reading.now)?.is_some_and(|decisive| decisive.key == *key);
        Ok(Some(self.action_view(&community, key.clone(), action, decides)))
    }

    fn action_view(&self, community: &Community, key: RecordKey, action: record::Action, decides: bool) -> views::Action {
        views::Action {
            uri: key.uri(),
            author_has_say: may_act(community, &key.did, subject(&action.target)),
            author_handle: self.handle_of(&key.did),
            rkey: key.rkey,
            author: key.did,
            action: action.kind.into(),
            target: action.target,
            community: action.community,
            reason: action.reason,
            via: action.via,
            created_at: datetime(action.created_at),
            decides,
        }
    }
}

pub(super) fn action_in(stored: Option<Stored>) -> Option<record::Action> {
    match stored?.record? {
        Record::Action(action) => Some(action),
        _ => None,
    }
}

/// Whom a target belongs to: a post's author, or the target itself.
fn subject(target: &str) -> &str {
    target.strip_prefix("at://").and_then(|rest| rest.split('/').next()).unwrap_or(target)
}

/// Moderators can't act on the owner, each other or themselves; the owner can act on anyone but themself.
pub(super) fn may_act(community: &Community, author: &str, subject: &str) -> bool {
    if author == community.owner {
        subject != community.owner
    } else {
        moderates(community, author) && subject != community.owner && !moderates(community, subject)
    }
}

/// The action that decides about a target.
#[derive(Debug)]
pub(super) struct Decisive {
    pub(super) key: RecordKey,
    pub(super) action: record::Action,
}

/// Of the actions on this target whose authors have a say, the latest that isn't dated ahead; of two at one instant, that with the greater URI.
pub(super) fn decisive(snapshot: &Snapshot, community: &Community, target: &str, now: i64) -> Result<Option<Decisive>, Problem> {
    let subject = subject(target);
    let signers = community.config.moderators.iter().chain([&community.owner]).filter(|signer| may_act(community, signer, subject));
    let mut last: Option<(i64, String, RecordKey)> = None;
    for signer in signers {
        let prefix = schema::actions_signed(&community.uri, target, signer);
        let span = Span::between(&prefix, prefix.clone().time(now.saturating_add(AHEAD_MS + 1)));
        let Some(row) = snapshot.first(Table::Actions, &span, true)? else { continue };
        let Some((time, rkey)) = row[prefix.as_ref().len()..].split_first_chunk::<8>() else { continue };
        let Ok(rkey) = std::str::from_utf8(rkey) else { continue };
        let key = RecordKey { did: signer.clone(), collection: Collection::Action, rkey: rkey.to_owned() };
        let of_signer = (time_of(*time), key.uri(), key);
        if last.as_ref().is_none_or(|last| *last < of_signer) {
            last = Some(of_signer);
        }
    }
    let Some((.., key)) = last else { return Ok(None) };
    let action = action_in(snapshot.read(Table::Records, schema::record(&key).as_ref())?);
    Ok(action.map(|action| Decisive { key, action }))
}
