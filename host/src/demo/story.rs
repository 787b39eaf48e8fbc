//! Three made-up communities and what happens in them.
//!
//! The past: configs, memberships, a few posts. Then every second somebody posts, a stranger whom nobody will see among them,
//! and now and then a moderator hides a post or takes that back. Every text says that it is synthetic.

use chrono::{DateTime, SecondsFormat, Utc};
use rand::Rng;
use serde_json::{Value, json};

use crate::config::Visitor;
use crate::event::{Collection, Rev};

struct Place {
    name: &'static str,
    rkey: &'static str,
    hashtag: &'static str,
    owner: &'static str,
    moderator: &'static str,
    members: [&'static str; 3],
    parent: Option<usize>,
    shares: [u32; 3],
}

const PLACES: [Place; 3] = [
    Place {
        name: "Demo: garden of everything",
        rkey: "garden",
        hashtag: "#atrarium_9a4de001",
        owner: "ann",
        moderator: "ben",
        members: ["cleo", "dan", "eva"],
        parent: None,
        shares: [100, 0, 0],
    },
    Place {
        name: "Demo: night moths",
        rkey: "moths",
        hashtag: "#atrarium_307b5002",
        owner: "finn",
        moderator: "gus",
        members: ["cleo", "hana", "ivo"],
        parent: Some(0),
        shares: [70, 30, 0],
    },
    Place {
        name: "Demo: all sorts",
        rkey: "sorts",
        hashtag: "#atrarium_a1150003",
        owner: "jo",
        moderator: "kim",
        members: ["dan", "lea", "max"],
        parent: None,
        shares: [60, 0, 40],
    },
];

const SAYINGS: [&str; 8] = [
    "the first frost is late this year",
    "who else hears owls at four in the morning?",
    "a new leaf, at last",
    "counted eleven at the lamp tonight",
    "compost is a matter of patience",
    "this one came with the rain",
    "photographs tomorrow, if the light is kind",
    "thank you for the seeds",
];

/// Out of so many posts one is a stranger's, and after so many a moderator acts.
const STRANGER_IN: u32 = 5;
const ACTION_IN: u32 = 8;

/// A community's life, event by event.
#[derive(Debug)]
pub struct Story {
    time_us: u64,
    posts: u64,
    hidden: Option<(usize, String, String)>,
}

impl Story {
    pub fn beginning_at(now_ms: i64) -> Self {
        Self { time_us: u64::try_from(now_ms).unwrap_or(0) * 1_000, posts: 0, hidden: None }
    }

    /// The name and the feed URI of every community.
    pub fn feeds(&self) -> Vec<(String, String)> {
        PLACES.iter().map(|place| (place.name.to_owned(), crate::feed::skeleton::feed_uri(&did(place.owner), place.rkey))).collect()
    }

    /// What has happened before the demo began.
    pub fn past(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        for (index, place) in PLACES.iter().enumerate() {
            let record = json!({
                "name": place.name,
                "description": "Synthetic: made up by atrarium demo.",
                "hashtag": place.hashtag,
                "stage": "theme",
                "parentCommunity": place.parent.map(community),
                "feedMix": { "own": place.shares[0], "parent": place.shares[1], "global": place.shares[2] },
                "moderators": [did(place.moderator)],
                "createdAt": self.datetime(),
            });
            events.push(self.create(place.owner, Collection::Config, place.rkey, without_nulls(record)));
            for member in place.members {
                let record = json!({ "community": community(index), "role": "member", "joinedAt": self.datetime(), "active": true });
                events.push(self.create(member, Collection::Membership, place.rkey, record));
            }
        }
        for _ in 0..20 {
            events.push(self.post());
        }
        events
    }

    /// What happens now.
    pub fn goes_on(&mut self, now_ms: i64) -> Vec<String> {
        self.time_us = self.time_us.max(u64::try_from(now_ms).unwrap_or(0) * 1_000);
        let mut events = vec![self.post()];
        if self.posts.is_multiple_of(u64::from(ACTION_IN)) {
            events.extend(self.moderate(&events[0].clone()));
        }
        events
    }

    fn post(&mut self) -> String {
        let mut random = rand::rng();
        let place = &PLACES[random.random_range(0..PLACES.len())];
        let author = if random.random_ratio(1, STRANGER_IN) { "stranger" } else { place.members[random.random_range(0..place.members.len())] };
        let text = format!("Synthetic: {} {}", SAYINGS[random.random_range(0..SAYINGS.len())], place.hashtag);
        let record = json!({ "text": text, "createdAt": self.datetime(), "langs": ["en"] });
        self.posts += 1;
        let rkey = Rev::last_of(self.time_us).as_str().to_owned();
        self.create(author, Collection::Post, &rkey, record)
    }

    /// Takes back what was hidden last, or hides this post.
    fn moderate(&mut self, post: &str) -> Option<String> {
        let (place, rkey, target, kind) = match self.hidden.take() {
            Some((place, rkey, target)) => (place, format!("un{rkey}"), target, "unhide_post"),
            None => {
                let event: Value = serde_json::from_str(post).ok()?;
                let (author, rkey) = (event["did"].as_str()?, event["commit"]["rkey"].as_str()?);
                let place = PLACES.iter().position(|place| event["commit"]["record"]["text"].as_str().is_some_and(|text| text.ends_with(place.hashtag)))?;
                let target = format!("at://{author}/{}/{rkey}", Collection::Post.nsid());
                self.hidden = Some((place, rkey.to_owned(), target.clone()));
                (place, rkey.to_owned(), target, "hide_post")
            }
        };
        let record = json!({ "action": kind, "target": target, "community": community(place), "reason": "Synthetic.", "createdAt": self.datetime() });
        Some(self.create(PLACES[place].moderator, Collection::Action, &rkey, record))
    }

    fn datetime(&self) -> String {
        DateTime::<Utc>::from_timestamp_micros(i64::try_from(self.time_us).unwrap_or(0)).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    fn create(&mut self, author: &str, collection: Collection, rkey: &str, mut record: Value) -> String {
        self.time_us += 1_000;
        record["$type"] = json!(collection.nsid());
        let commit =
            json!({ "rev": Rev::last_of(self.time_us).as_str(), "operation": "create", "collection": collection.nsid(), "rkey": rkey, "record": record });
        format!(r#"{{"did":"{}","time_us":{},"kind":"commit","commit":{commit}}}"#, did(author), self.time_us)
    }
}

/// Who owns the second community. The handle says, as its ending does everywhere, that nobody has it.
pub(super) fn owner_of_moths() -> Visitor {
    let owner = PLACES[1].owner;
    Visitor { did: did(owner), handle: format!("{owner}.demo.invalid") }
}

/// `did:plc:demo…`, padded with the first letter of the alphabet: no hash gives that.
fn did(name: &str) -> String {
    format!("did:plc:{:a<24}", format!("demo{name}"))
}

fn community(index: usize) -> String {
    let place = &PLACES[index];
    format!("at://{}/{}/{}", did(place.owner), Collection::Config.nsid(), place.rkey)
}

fn without_nulls(mut record: Value) -> Value {
    if let Some(fields) = record.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    record
}
