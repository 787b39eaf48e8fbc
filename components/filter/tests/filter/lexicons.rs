//! The published lexicons and the filter agree: what the one demands, the other does.

use atrarium_filter::{
    judge::{ACTION, CONFIG, MEMBERSHIP},
    limits::{self, Limit},
};
use serde_json::{Value, json};

use crate::{
    fault,
    records::{sample, samples},
};

#[test]
fn each_lexicon_is_named_like_its_collection_and_is_a_record() {
    for (collection, _) in samples() {
        let lexicon = lexicon(collection);
        assert_eq!((&lexicon["lexicon"], &lexicon["id"]), (&json!(1), &json!(collection)));
        assert_eq!(lexicon["defs"]["main"]["type"], "record");
        assert_eq!(lexicon["defs"]["main"]["key"], "tid");
    }
}

#[test]
fn the_samples_have_every_field_of_their_lexicon_and_no_other() {
    for (collection, sample) in samples() {
        assert_eq!(fault(collection, &sample.to_string()), None);
        let mut declared: Vec<_> = properties(collection).into_iter().map(|(name, _)| name).collect();
        declared.push("$type".to_owned());
        declared.sort();
        let mut written: Vec<_> = sample.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        written.sort();
        assert_eq!(written, declared);
    }
}

#[test]
fn a_record_without_a_required_field_is_malformed_and_without_another_is_not() {
    for (collection, sample) in samples() {
        let required = &lexicon(collection)["defs"]["main"]["record"]["required"];
        for (field, _) in properties(collection) {
            let mut record = sample.clone();
            record.as_object_mut().map(|record| record.remove(&field));
            let is_required = required.as_array().is_some_and(|names| names.contains(&json!(field)));
            let expected = is_required.then_some("missing-field");
            assert_eq!(fault(collection, &record.to_string()).as_deref(), expected, "{collection} {field}");
        }
    }
}

#[test]
fn a_field_of_another_type_is_malformed() {
    for (collection, sample) in samples() {
        for (field, property) in properties(collection) {
            let wrong = match property["type"].as_str() {
                Some("string") => vec![json!(null), json!(1), json!(["x"]), json!({})],
                Some("boolean") => vec![json!(null), json!(1), json!("true")],
                Some("array") => vec![json!(null), json!("x"), json!({})],
                Some("ref") => vec![json!(null), json!(1), json!([80, 15, 5])],
                other => panic!("{field} has the type {other:?}"),
            };
            for value in wrong {
                let mut record = sample.clone();
                record[&field] = value;
                let found = fault(collection, &record.to_string());
                assert_eq!(found.as_deref(), Some("wrong-type-field"), "{record}");
            }
        }
    }
}

#[test]
fn the_values_of_enumerations_are_the_same() {
    for (collection, field) in [(CONFIG, "stage"), (MEMBERSHIP, "role"), (ACTION, "action")] {
        let values = property(collection, field)["enum"].as_array().cloned().expect("an enumeration");
        for value in values {
            let mut record = sample(collection);
            if value.as_str().is_some_and(|value| value.ends_with("_user")) {
                record["target"] = json!("did:plc:ann");
            }
            record[field] = value;
            assert_eq!(fault(collection, &record.to_string()), None, "{record}");
        }
    }
}

#[test]
fn the_bounds_are_the_same() {
    check_text(CONFIG, "name", limits::NAME);
    check_text(CONFIG, "description", limits::DESCRIPTION);
    check_text(ACTION, "reason", limits::REASON);
    for (collection, field) in [(CONFIG, "parentCommunity"), (MEMBERSHIP, "community"), (ACTION, "community"), (ACTION, "target"), (ACTION, "via")] {
        assert_eq!(property(collection, field)["maxLength"], limits::URI_BYTES, "{field}");
    }
    let moderators = property(CONFIG, "moderators");
    assert_eq!(moderators["maxLength"], limits::MODERATORS);
    assert_eq!(moderators["items"]["maxLength"], limits::DID_BYTES);
    assert_eq!(property(CONFIG, "name")["minLength"], 1);
    let hashtag = sample(CONFIG)["hashtag"].as_str().map(str::len);
    assert_eq!(property(CONFIG, "hashtag")["maxLength"].as_u64().map(|length| length as usize), hashtag);
}

/// The published bounds are the filter's, and the filter holds to them.
fn check_text(collection: &str, field: &str, limit: Limit) {
    let property = property(collection, field);
    assert_eq!(property["maxLength"], limit.bytes, "{field}");
    assert_eq!(property["maxGraphemes"], limit.graphemes, "{field}");
    let longest = "語".repeat(limit.graphemes);
    let widest = "e\u{301}\u{302}\u{303}\u{304}\u{305}".repeat(limit.bytes / 11); // 11 bytes a grapheme
    for (text, expected) in
        [(longest.clone(), None), (longest + "x", Some("too-long")), (widest.clone(), None), (widest + &"x".repeat(limit.bytes % 11 + 1), Some("too-long"))]
    {
        let mut record = sample(collection);
        record[field] = json!(text);
        assert_eq!(fault(collection, &record.to_string()).as_deref(), expected, "{field}: {text}");
    }
}

fn lexicon(collection: &str) -> Value {
    let text = match collection {
        CONFIG => include_str!("../../../../lexicons/net.atrarium.community.config.json"),
        MEMBERSHIP => include_str!("../../../../lexicons/net.atrarium.community.membership.json"),
        _ => include_str!("../../../../lexicons/net.atrarium.moderation.action.json"),
    };
    serde_json::from_str(text).expect("a lexicon is JSON")
}

fn property(collection: &str, field: &str) -> Value {
    lexicon(collection)["defs"]["main"]["record"]["properties"][field].clone()
}

fn properties(collection: &str) -> Vec<(String, Value)> {
    let properties = lexicon(collection)["defs"]["main"]["record"]["properties"].clone();
    properties.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}
