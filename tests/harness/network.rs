//! A network of repos, as Jetstream tells of it: events with times and revs that only grow.

use atrarium::event::Rev;
use serde_json::{Value, json};

pub const POST: &str = "app.bsky.feed.post";
pub const CONFIG: &str = "net.atrarium.community.config";
pub const MEMBERSHIP: &str = "net.atrarium.community.membership";
pub const ACTION: &str = "net.atrarium.moderation.action";

/// The clock of the network, which stamps its events.
#[derive(Debug, Clone)]
pub struct Network {
    time_us: u64,
}

impl Network {
    /// Events are stamped from here on, a millisecond apart.
    pub fn starting_at(now_ms: i64) -> Self {
        Self { time_us: u64::try_from(now_ms).expect("tests play after 1970") * 1_000 }
    }

    fn tick(&mut self) -> u64 {
        self.time_us += 1_000;
        self.time_us
    }

    /// Nothing happens for so long.
    pub fn pass(&mut self, ms: u64) {
        self.time_us += ms * 1_000;
    }

    /// The next event has this time, in microseconds.
    pub fn next_at(&mut self, time_us: u64) {
        self.time_us = time_us.saturating_sub(1_000);
    }

    /// The time of the last event, in microseconds.
    pub fn time_us(&self) -> u64 {
        self.time_us
    }

    pub fn create(&mut self, did: &str, collection: &str, rkey: &str, record: Value) -> String {
        self.write(did, "create", collection, rkey, Some(record))
    }

    pub fn update(&mut self, did: &str, collection: &str, rkey: &str, record: Value) -> String {
        self.write(did, "update", collection, rkey, Some(record))
    }

    pub fn delete(&mut self, did: &str, collection: &str, rkey: &str) -> String {
        self.write(did, "delete", collection, rkey, None)
    }

    fn write(&mut self, did: &str, operation: &str, collection: &str, rkey: &str, record: Option<Value>) -> String {
        let time_us = self.tick();
        let mut commit = json!({ "rev": Rev::last_of(time_us).as_str(), "operation": operation, "collection": collection, "rkey": rkey });
        if let Some(record) = record {
            commit["record"] = record;
            commit["cid"] = json!("bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i");
        }
        // The did first, as the real servers write it.
        format!(r#"{{"did":{},"time_us":{time_us},"kind":"commit","commit":{commit}}}"#, json!(did))
    }

    /// An account event; `status` is `None` for an active account.
    pub fn account(&mut self, did: &str, status: Option<&str>) -> String {
        let time_us = self.tick();
        let time = crate::records::datetime_us(time_us);
        let mut account = json!({ "active": status.is_none(), "did": did, "seq": time_us / 1_000, "time": time });
        if let Some(status) = status {
            account["status"] = json!(status);
        }
        format!(r#"{{"did":{},"time_us":{time_us},"kind":"account","account":{account}}}"#, json!(did))
    }

    /// Something that passes the prefilter and leaves no trace: it names no hashtag after all.
    pub fn marker(&mut self) -> String {
        self.create("did:plc:marker", POST, "marker", crate::records::post("atrarium_", 0))
    }

    pub fn identity(&mut self, did: &str) -> String {
        let time_us = self.tick();
        let identity = json!({ "did": did, "seq": time_us / 1_000, "time": crate::records::datetime_us(time_us) });
        format!(r#"{{"did":{},"time_us":{time_us},"kind":"identity","identity":{identity}}}"#, json!(did))
    }

    /// A repo that has lost its history. Only v2 servers tell of it.
    pub fn sync(&mut self, did: &str) -> String {
        let time_us = self.tick();
        let sync = json!({ "did": did, "rev": Rev::last_of(time_us).as_str(), "seq": time_us / 1_000, "time": crate::records::datetime_us(time_us) });
        format!(r#"{{"did":{},"time_us":{time_us},"kind":"sync","sync":{sync}}}"#, json!(did))
    }

    /// Something that concerns nobody here; it moves the cursor.
    pub fn like(&mut self, did: &str) -> String {
        let record = json!({ "$type": "app.bsky.feed.like", "createdAt": "2026-07-04T14:38:08.999Z", "subject": { "cid": "x", "uri": "at://did:plc:a/app.bsky.feed.post/b" } });
        self.write(did, "create", "app.bsky.feed.like", "like", Some(record))
    }
}

/// The AT-URI of a record.
pub fn uri(did: &str, collection: &str, rkey: &str) -> String {
    format!("at://{did}/{collection}/{rkey}")
}

/// The record key in an AT-URI.
pub fn rkey(uri: &str) -> &str {
    uri.rsplit('/').next().expect("a URI has a key")
}

/// A did:plc made of a name, for people who read the test's output.
pub fn did(name: &str) -> String {
    let letters: String =
        name.bytes().map(|byte| if byte.is_ascii_lowercase() || matches!(byte, b'2'..=b'7') { byte as char } else { char::from(b'a' + byte % 26) }).collect();
    format!("did:plc:{letters:a<24.24}")
}
