//! Atrarium's own records: what is read from them, and what makes one malformed.

use atrarium_filter::{
    bindings::{
        atrarium::events::types::{Action, ActionKind, Config, Membership, Shares, Stage},
        exports::atrarium::filter::records::{Raw, Verdict},
    },
    judge::{ACTION, CONFIG, MEMBERSHIP, POST, judge},
    limits::URI_BYTES,
};
use serde_json::{Value, json};

use crate::{fault, verdict};

const COMMUNITY: &str = "at://did:plc:owner/net.atrarium.community.config/3jzfcijpj2z2a";
const SOME_POST: &str = "at://did:plc:ann/app.bsky.feed.post/3jzfcijpj2z2b";

/// A valid record of each collection, with every optional field.
pub(crate) fn samples() -> [(&'static str, Value); 3] {
    [
        (
            CONFIG,
            json!({
                "$type": CONFIG,
                "name": "TypeScript 愛好会",
                "description": "Types, and scripts.",
                "hashtag": "#atrarium_a1b2c3d4",
                "stage": "community",
                "parentCommunity": COMMUNITY,
                "feedMix": { "own": 80, "parent": 15, "global": 5 },
                "moderators": ["did:plc:zoe", "did:web:example.com", "did:plc:zoe"],
                "createdAt": "2026-07-04T14:38:06.240Z",
            }),
        ),
        (
            MEMBERSHIP,
            json!({
                "$type": MEMBERSHIP,
                "community": COMMUNITY,
                "role": "moderator",
                "joinedAt": "2026-07-04T14:38:06.240Z",
                "active": true,
            }),
        ),
        (
            ACTION,
            json!({
                "$type": ACTION,
                "action": "hide_post",
                "target": SOME_POST,
                "community": COMMUNITY,
                "reason": "Spam post",
                "via": "at://did:plc:mia/net.atrarium.moderation.action/3jzfcijpj2z2c",
                "createdAt": "2026-07-04T14:38:06.240Z",
            }),
        ),
    ]
}

#[test]
fn valid_records_are_read() {
    let created_at = 1_783_175_886_240;
    let config = Config {
        name: "TypeScript 愛好会".to_owned(),
        description: Some("Types, and scripts.".to_owned()),
        hashtag: "#atrarium_a1b2c3d4".to_owned(),
        stage: Stage::Community,
        parent: Some(COMMUNITY.to_owned()),
        shares: Shares { own: 80, parent: 15, global: 5 },
        moderators: vec!["did:plc:zoe".to_owned(), "did:web:example.com".to_owned()],
        created_at,
    };
    let membership = Membership { community: COMMUNITY.to_owned(), active: true, joined_at: created_at };
    let action = Action {
        kind: ActionKind::HidePost,
        target: SOME_POST.to_owned(),
        community: COMMUNITY.to_owned(),
        reason: Some("Spam post".to_owned()),
        via: Some("at://did:plc:mia/net.atrarium.moderation.action/3jzfcijpj2z2c".to_owned()),
        created_at,
    };
    let expected = [Verdict::Config(config), Verdict::Membership(membership), Verdict::Action(action)];
    for ((collection, record), expected) in samples().into_iter().zip(expected) {
        assert_eq!(verdict(collection, &record.to_string()), expected);
    }
}

#[test]
fn a_config_without_a_mix_shows_its_own_posts_alone() {
    for (mix, expected) in [
        (Value::Null, [100, 0, 0]),
        (json!({ "own": 1, "parent": 0, "global": 0 }), [100, 0, 0]),
        (json!({ "own": 0.8, "parent": 0.15, "global": 0.05 }), [80, 15, 5]),
        (json!({ "own": 1.0, "parent": 0.0, "global": 0.0, "more": "x" }), [100, 0, 0]),
        (json!({ "own": 0, "parent": 0, "global": 100 }), [0, 0, 100]),
    ] {
        let Verdict::Config(config) = verdict(CONFIG, &changed(CONFIG, "feedMix", &mix)) else {
            panic!("{mix}");
        };
        assert_eq!([config.shares.own, config.shares.parent, config.shares.global], expected, "{mix}");
    }
}

#[test]
fn a_config_that_breaks_its_lexicon_is_malformed() {
    let dids = |count: usize| json!((0..count).map(|i| format!("did:plc:{i}")).collect::<Vec<_>>());
    let mix = |own, parent, global| json!({ "own": own, "parent": parent, "global": global });
    for (field, value, expected) in [
        ("$type", json!(MEMBERSHIP), Some("unknown-value")),
        ("name", json!(""), Some("too-short")),
        ("name", json!(["x"]), Some("wrong-type-field")),
        ("hashtag", json!("#atrarium_A1B2C3D4"), Some("bad-hashtag")),
        ("hashtag", json!("atrarium_a1b2c3d4"), Some("bad-hashtag")),
        ("hashtag", json!("＃atrarium_a1b2c3d4"), Some("bad-hashtag")),
        ("hashtag", json!("#atrarium_a1b2c3d4 "), Some("bad-hashtag")),
        ("stage", json!("Theme"), Some("unknown-value")),
        ("stage", json!("graduated"), None),
        ("parentCommunity", json!(SOME_POST), Some("bad-uri")),
        ("parentCommunity", json!("at://alice.test/net.atrarium.community.config/1"), Some("bad-uri")),
        ("feedMix", json!([80, 15, 5]), Some("wrong-type-field")),
        ("feedMix", json!({ "own": 100, "parent": 0 }), Some("missing-field")),
        ("feedMix", json!({ "own": "100", "parent": 0, "global": 0 }), Some("wrong-type-field")),
        ("feedMix", mix(80, 15, 6), Some("bad-shares")),
        ("feedMix", mix(110, -10, 0), Some("bad-shares")),
        ("feedMix", mix(0, 0, 0), Some("bad-shares")),
        ("moderators", json!([]), None),
        ("moderators", json!(["did:plc:owner"]), None),
        ("moderators", json!(["alice.test"]), Some("bad-did")),
        ("moderators", json!([1]), Some("wrong-type-field")),
        ("moderators", dids(50), None),
        ("moderators", dids(51), Some("too-many")),
        ("createdAt", json!("2026-07-04"), Some("bad-datetime")),
    ] {
        check(CONFIG, field, value, expected);
    }
}

#[test]
fn a_membership_that_breaks_its_lexicon_is_malformed() {
    for (field, value, expected) in [
        ("$type", json!(CONFIG), Some("unknown-value")),
        ("community", json!(SOME_POST), Some("bad-uri")),
        ("community", json!("at://did:plc:owner/net.atrarium.community.config"), Some("bad-uri")),
        ("role", json!("admin"), Some("unknown-value")),
        ("role", json!("owner"), None),
        ("joinedAt", json!("2026-07-04T14:38:06"), Some("bad-datetime")),
        ("active", json!("true"), Some("wrong-type-field")),
        ("active", json!(1), Some("wrong-type-field")),
        ("active", json!(false), None),
    ] {
        check(MEMBERSHIP, field, value, expected);
    }
}

#[test]
fn an_action_that_breaks_its_lexicon_is_malformed() {
    for (field, value, expected) in [
        ("$type", json!(CONFIG), Some("unknown-value")),
        ("action", json!("hide-post"), Some("unknown-value")),
        ("action", json!("unhide_post"), None),
        ("action", json!("block_user"), Some("bad-did")),
        ("target", json!("did:plc:ann"), Some("bad-uri")),
        ("target", json!(COMMUNITY), Some("bad-uri")),
        ("target", json!("at://alice.test/app.bsky.feed.post/3jzfcijpj2z2b"), Some("bad-uri")),
        ("community", json!(SOME_POST), Some("bad-uri")),
        ("via", json!("at://did:plc:mia"), Some("bad-uri")),
        ("reason", json!(1), Some("wrong-type-field")),
        ("createdAt", json!("2026-07-04T14:38:06-00:00"), Some("bad-datetime")),
    ] {
        check(ACTION, field, value, expected);
    }
    let mut block = sample(ACTION);
    block["action"] = json!("unblock_user");
    block["target"] = json!("did:plc:ann");
    assert_eq!(fault(ACTION, &block.to_string()), None);
}

#[test]
fn a_record_that_no_other_could_name_is_malformed() {
    const DID: &str = "did:plc:someone";
    let post = json!({ "text": "hello #atrarium_a1b2c3d4", "createdAt": "2026-07-04T14:38:06.240Z" });
    let irrelevant = json!({ "text": "hello", "createdAt": "2026-07-04T14:38:06.240Z" });
    let judged = |collection: &str, record: &Value, bytes: usize| {
        let rkey = "r".repeat(bytes - format!("at://{DID}/{collection}/").len());
        judge(&Raw { did: DID.to_owned(), collection: collection.to_owned(), rkey, json: record.to_string() })
    };
    for (collection, record) in samples().into_iter().chain([(POST, post)]) {
        assert!(!matches!(judged(collection, &record, URI_BYTES), Verdict::Malformed(_)), "{collection}");
        assert_eq!(judged(collection, &record, URI_BYTES + 1), Verdict::Malformed("long-uri".to_owned()), "{collection}");
    }
    assert_eq!(judged(POST, &irrelevant, URI_BYTES + 1), Verdict::Irrelevant);
}

pub(crate) fn sample(collection: &str) -> Value {
    let found = samples().into_iter().find(|(of, _)| *of == collection);
    found.map(|(_, record)| record).expect("there is a sample of each collection")
}

/// The sample with this field changed, or removed by `null`.
fn changed(collection: &str, field: &str, value: &Value) -> String {
    let mut record = sample(collection);
    record[field] = value.clone();
    if value.is_null() {
        record.as_object_mut().map(|record| record.remove(field));
    }
    record.to_string()
}

fn check(collection: &str, field: &str, value: Value, expected: Option<&str>) {
    let found = fault(collection, &changed(collection, field, &value));
    assert_eq!(found.as_deref(), expected, "{field}: {value}");
}
