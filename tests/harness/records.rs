//! The records that tests write, valid unless a test says otherwise.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

pub fn datetime(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).expect("tests play in years with four digits").to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub fn datetime_us(us: u64) -> String {
    DateTime::<Utc>::from_timestamp_micros(us as i64).expect("tests play in years with four digits").to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub fn post(text: &str, created_ms: i64) -> Value {
    json!({ "$type": "app.bsky.feed.post", "text": text, "createdAt": datetime(created_ms), "langs": ["en"] })
}

/// `hashtag` as in `#atrarium_a1b2c3d4`.
pub fn config(name: &str, hashtag: &str, created_ms: i64) -> Value {
    json!({
        "$type": "net.atrarium.community.config",
        "name": name,
        "hashtag": hashtag,
        "stage": "theme",
        "feedMix": { "own": 100, "parent": 0, "global": 0 },
        "moderators": [],
        "createdAt": datetime(created_ms),
    })
}

pub fn membership(community: &str, active: bool, joined_ms: i64) -> Value {
    json!({ "$type": "net.atrarium.community.membership", "community": community, "role": "member", "joinedAt": datetime(joined_ms), "active": active })
}

/// `kind` as in `hide_post`.
pub fn action(kind: &str, target: &str, community: &str, created_ms: i64) -> Value {
    json!({ "$type": "net.atrarium.moderation.action", "action": kind, "target": target, "community": community, "reason": "off topic", "createdAt": datetime(created_ms) })
}

/// The value with other fields put in, or over its own.
pub fn with(mut value: Value, fields: Value) -> Value {
    if let (Some(object), Value::Object(fields)) = (value.as_object_mut(), fields) {
        object.extend(fields);
    }
    value
}

/// A config with these shares in percent: own, parent, global.
pub fn mixed(name: &str, hashtag: &str, shares: [u32; 3], more: Value) -> Value {
    let [own, parent, global] = shares;
    let shares = json!({ "feedMix": { "own": own, "parent": parent, "global": global } });
    with(with(config(name, hashtag, crate::world::NOW - 50_000), shares), more)
}
