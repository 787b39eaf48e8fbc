//! A component is tried before it counts: a little of the most ordinary work, made up, of which nothing remains.
//!
//! It finds what fits its contract and can't do anything: a policy that panics at once, a mix that never ends. What a component
//! decides is its own affair, and is not looked at.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::Fault;
use super::filter::{Filter, Filters, RawRecord};
use super::mix::Mixes;
use super::object::{Backing, CallError, Listing, Notice, Objects, Refusal, Role, Shown};
use super::strangers::trial;
use crate::event::Collection;
use crate::record::{Action, ActionKind, Config, Hashtag, Post, Shares, Stage};
use crate::store::StoreError;

const OWNER: &str = "did:plc:ownerownerownerownerown2";
const MEMBER: &str = "did:plc:membermembermembermember";
const HASHTAG: &str = "#atrarium_0123abcd";

/// Then it is in the rehearsal: the second of August 2026, noon.
const NOW: i64 = 1_785_672_000_000;

/// A little before that.
const WHEN: &str = "2026-08-02T11:30:00.000Z";

/// A record of each collection, and none that is one.
pub(super) fn filter(filters: &Arc<Filters>) -> Result<(), Fault> {
    let config = json!({
        "$type": Collection::Config.nsid(),
        "name": "Rehearsal",
        "hashtag": HASHTAG,
        "stage": "theme",
        "feedMix": { "own": 100, "parent": 0, "global": 0 },
        "moderators": [],
        "createdAt": WHEN,
    });
    let membership = json!({ "$type": Collection::Membership.nsid(), "community": community(), "role": "member", "joinedAt": WHEN, "active": true });
    let written = json!({ "$type": Collection::Post.nsid(), "text": format!("a burnet {HASHTAG}"), "createdAt": WHEN, "langs": ["en"] });
    let hide = json!({
        "$type": Collection::Action.nsid(),
        "action": "hide_post",
        "target": post("3mptbyplj5d2b"),
        "community": community(),
        "createdAt": WHEN,
    });
    let records = [
        (OWNER, Collection::Config, "main", config),
        (MEMBER, Collection::Membership, "3mptbyplj5d2a", membership),
        (MEMBER, Collection::Post, "3mptbyplj5d2b", written),
        (OWNER, Collection::Action, "3mptbyplj5d2c", hide),
        (MEMBER, Collection::Post, "3mptbyplj5d2d", json!([])),
    ];
    let records = records.map(|(did, collection, rkey, record)| (did, collection, rkey, record.to_string()));
    let raw = records.each_ref().map(|(did, collection, rkey, json)| RawRecord { did, collection: collection.nsid(), rkey, json });
    Filter::new(Arc::clone(filters)).try_judge(&raw).map(drop)
}

/// A community is founded, somebody joins and writes twice, and the owner hides one of the posts; then the object is woken.
pub(super) fn object(objects: &Arc<Objects>) -> Result<(), Fault> {
    let hashtag = Hashtag::parse(HASHTAG).expect("eight hexadecimal digits behind the prefix");
    let written = |rkey: &str| {
        let post = Post { sort_time: NOW - 60_000, hashtags: vec![hashtag], reply: false, languages: vec!["en".to_owned()], labels: Vec::new() };
        Notice::Post { author: MEMBER.to_owned(), rkey: rkey.to_owned(), post: Some(post) }
    };
    let hide = Action { kind: ActionKind::HidePost, target: post("3mptbyplj5d2b"), community: community(), reason: None, via: None, created_at: NOW - 30_000 };
    let notices = [
        Notice::Config(config(hashtag)),
        Notice::Membership { did: MEMBER.to_owned(), rkey: "3mptbyplj5d2a".to_owned(), active: true },
        Notice::Account { did: MEMBER.to_owned(), active: true },
        Notice::Action { uri: format!("at://{OWNER}/{}/3mptbyplj5d2c", Collection::Action.nsid()), author: OWNER.to_owned(), action: Some(hide) },
        written("3mptbyplj5d2b"),
        written("3mptbyplj5d2d"),
    ];
    let mut object = objects.instantiate(&community())?;
    let (backing, told) = object.handle(Box::new(Scratch::default()), &notices, NOW);
    guests(told)?;
    let (_, woken) = object.wake(backing.unwrap_or_else(|| Box::new(Scratch::default())), NOW);
    guests(woken)
}

/// Posts like those that uploads are tried with, for nobody and for somebody.
pub(super) fn mix(mixes: &Arc<Mixes>) -> Result<(), Fault> {
    let mut mix = mixes.instantiate()?;
    for (_, request) in trial::requests() {
        mix.mix(&request, None)?;
        mix.mix(&request, Some(trial::READER))?;
    }
    Ok(())
}

fn community() -> String {
    format!("at://{OWNER}/{}/main", Collection::Config.nsid())
}

fn post(rkey: &str) -> String {
    format!("at://{MEMBER}/{}/{rkey}", Collection::Post.nsid())
}

fn config(hashtag: Hashtag) -> Config {
    Config {
        name: "Rehearsal".to_owned(),
        description: None,
        hashtag,
        stage: Stage::Theme,
        parent: None,
        shares: Shares { own: 100, parent: 0, global: 0 },
        moderators: Vec::new(),
        created_at: NOW - 60_000,
    }
}

/// The host has no part in a rehearsal that could fail.
fn guests(outcome: Result<(), CallError>) -> Result<(), Fault> {
    match outcome {
        Err(CallError::Guest(fault)) => Err(fault),
        Ok(()) | Err(CallError::Host(_)) => Ok(()),
    }
}

/// A namespace in memory; what is told to the index goes nowhere.
#[derive(Debug, Default)]
struct Scratch {
    values: BTreeMap<String, Vec<u8>>,
    alarm: Option<i64>,
}

impl Backing for Scratch {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<Result<(), Refusal>, StoreError> {
        self.values.insert(key.to_owned(), value);
        Ok(Ok(()))
    }

    fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.values.remove(key);
        Ok(())
    }

    fn list(&mut self, Listing { prefix, after, reverse, limit }: Listing<'_>) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let behind = |key: &str| after.is_none_or(|after| if reverse { key < after } else { key > after });
        let mut found: Vec<_> = self.values.iter().filter(|(key, _)| key.starts_with(prefix) && behind(key)).collect();
        if reverse {
            found.reverse();
        }
        Ok(found.into_iter().take(limit as usize).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn set_alarm(&mut self, at: Option<i64>) -> Result<(), StoreError> {
        self.alarm = at;
        Ok(())
    }

    fn alarm(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(self.alarm)
    }

    fn publish(&mut self, _: Shown) -> Result<(), StoreError> {
        Ok(())
    }

    fn retract(&mut self, _: &str, _: &str, _: i64) -> Result<(), StoreError> {
        Ok(())
    }

    fn admit(&mut self, _: &str, _: Role) -> Result<(), StoreError> {
        Ok(())
    }

    fn dismiss(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn deny(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn allow(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
