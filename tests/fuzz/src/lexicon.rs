//! The lexicons that are published, as a judge of records: as much of the language as ours use, and a panic at anything else.

use std::sync::LazyLock;

use atrium_api::types::string::Did;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

static LEXICONS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    let texts = [
        include_str!("../../../lexicons/net.atrarium.community.config.json"),
        include_str!("../../../lexicons/net.atrarium.community.membership.json"),
        include_str!("../../../lexicons/net.atrarium.moderation.action.json"),
    ];
    texts.map(|text| serde_json::from_str(text).expect("a lexicon is JSON"))
});

/// What is wrong with a record of this collection, if anything is.
pub(crate) fn check(collection: &str, record: &Value) -> Result<(), String> {
    let lexicon = LEXICONS.iter().find(|lexicon| lexicon["id"] == collection).unwrap_or_else(|| panic!("{collection} has no lexicon"));
    if record.get("$type").is_some_and(|named| named != collection) {
        return Err("another type".to_owned());
    }
    value(lexicon, &lexicon["defs"]["main"]["record"], record)
}

fn value(lexicon: &Value, schema: &Value, given: &Value) -> Result<(), String> {
    let kind = schema["type"].as_str().expect("a schema has a type");
    let wrong = |what: &str| Err(format!("{given}: {what}"));
    match (kind, given) {
        ("ref", _) => {
            let name = schema["ref"].as_str().and_then(|name| name.strip_prefix('#')).expect("ours refer to their own definitions");
            value(lexicon, &lexicon["defs"][name], given)
        }
        ("object", Value::Object(fields)) => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            if let Some(name) = required.into_iter().find(|name| !fields.contains_key(*name)) {
                return wrong(&format!("{name} is missing"));
            }
            let known = schema["properties"].as_object().into_iter().flatten();
            known.filter_map(|(name, schema)| Some((schema, fields.get(name)?))).try_for_each(|(schema, given)| value(lexicon, schema, given))
        }
        ("array", Value::Array(items)) => {
            if most(schema, "maxLength").is_some_and(|most| items.len() > most) {
                return wrong("too many");
            }
            items.iter().try_for_each(|item| value(lexicon, &schema["items"], item))
        }
        ("integer", Value::Number(number)) => {
            let within = number.as_i64().is_some_and(|number| {
                schema["minimum"].as_i64().is_none_or(|least| number >= least) && schema["maximum"].as_i64().is_none_or(|most| number <= most)
            });
            if within { Ok(()) } else { wrong("no such number") }
        }
        ("boolean", Value::Bool(_)) => Ok(()),
        ("string", Value::String(text)) => string(schema, text).map_err(|what| format!("{given}: {what}")),
        ("object" | "array" | "integer" | "boolean" | "string", _) => wrong("another type"),
        (other, _) => panic!("no lexicon of ours has a {other}"),
    }
}

fn string(schema: &Value, text: &str) -> Result<(), &'static str> {
    if most(schema, "minLength").is_some_and(|least| text.len() < least) {
        return Err("too short");
    }
    if most(schema, "maxLength").is_some_and(|most| text.len() > most) || most(schema, "maxGraphemes").is_some_and(|most| text.graphemes(true).count() > most) {
        return Err("too long");
    }
    if schema["enum"].as_array().is_some_and(|values| !values.iter().any(|value| value == text)) {
        return Err("no such value");
    }
    match schema["format"].as_str() {
        None => Ok(()),
        Some("did") => Did::new(text.to_owned()).map(drop),
        // Laxer than the protocol; what passes the filter must pass here, not the other way.
        Some("datetime") => chrono::DateTime::parse_from_rfc3339(text).map(drop).map_err(|_| "no datetime"),
        Some("at-uri") if text.starts_with("at://") => Ok(()),
        Some("at-uri") => Err("no AT-URI"),
        Some(other) => panic!("no lexicon of ours has the format {other}"),
    }
}

fn most(schema: &Value, name: &str) -> Option<usize> {
    schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok())
}
