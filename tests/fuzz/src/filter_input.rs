//! The text of a record, through the filter component's own code, as each of the collections that it may come in.
//!
//! There is a verdict whatever it holds, the same each time and however the same JSON is spelled; what passes obeys the bounds that
//! everything behind the filter relies on; and a post's hashtags are those that the design's rule, followed letter by letter, finds.
//! A longer key changes nothing, until the record's own AT-URI is longer than others may name: then what would be taken isn't.

use std::collections::BTreeSet;

use atrarium_filter::bindings::atrarium::events::types::{Action, ActionKind, Config, Membership, Post};
use atrarium_filter::bindings::exports::atrarium::filter::records::{Raw, Verdict};
use atrarium_filter::judge::{ACTION, CONFIG, MEMBERSHIP, POST, judge};
use atrarium_filter::limits::{self, Limit};
use atrarium_filter::syntax::{RecordUri, is_did};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use crate::json;

/// The first and the last millisecond of the years that a datetime can have, a day more at both ends for the zones.
const TIMES: std::ops::Range<i64> = -61_851_686_400_000..253_402_387_200_000;

/// Whose records these are.
const DID: &str = "did:plc:a";

/// The longest that a record key may be, by the specification.
const RKEY_BYTES: usize = 512;

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let plain = json::read(text);
    for collection in [POST, CONFIG, MEMBERSHIP, ACTION] {
        let verdict = verdict(collection, text);
        assert_eq!(verdict, self::verdict(collection, text), "the same record has another verdict");
        check(collection, &verdict);
        check_long_rkey(collection, text, &verdict);
        let Some(plain) = &plain else { continue };
        assert_ne!(verdict, Verdict::Malformed("not-json".to_owned()), "{text} is JSON");
        for spelling in [plain.to_string(), json::spelled(plain)] {
            assert_eq!(self::verdict(collection, &spelling), verdict, "{collection}: {text} and {spelling} are the same record");
        }
        match &verdict {
            Verdict::Post(post) => check_post_of(plain, &post.hashtags.iter().cloned().collect()),
            Verdict::Irrelevant => check_post_of(plain, &BTreeSet::new()),
            _ => {}
        }
    }
}

/// The verdict on a record whose key is as short as can be.
pub(crate) fn verdict(collection: &str, text: &str) -> Verdict {
    verdict_at(collection, "1".to_owned(), text)
}

fn verdict_at(collection: &str, rkey: String, text: &str) -> Verdict {
    judge(&Raw { did: DID.to_owned(), collection: collection.to_owned(), rkey, json: text.to_owned() })
}

/// That the record has the same verdict under a longer key, until its own AT-URI is too long for what would be taken.
fn check_long_rkey(collection: &str, text: &str, verdict: &Verdict) {
    let long_uri = Verdict::Malformed("long-uri".to_owned());
    assert_ne!(*verdict, long_uri, "{collection}: the shortest of keys is too long for {text}");
    let rkey = "r".repeat(rkey_bytes(text));
    let uri = format!("at://{DID}/{collection}/{rkey}");
    let expected = match verdict {
        Verdict::Post(_) | Verdict::Config(_) | Verdict::Membership(_) | Verdict::Action(_) if uri.len() > limits::URI_BYTES => &long_uri,
        same => same,
    };
    assert_eq!(verdict_at(collection, rkey, text), *expected, "{collection}: {text} under a URI of {} bytes", uri.len());
}

/// How long a key this text is judged under. The text decides, so that an input means the same tomorrow, and by the sum of its bytes,
/// which chance moves easily: for one half any length, for the other one near the longest, where the URI passes its bound.
fn rkey_bytes(text: &str) -> usize {
    let sum: usize = text.bytes().map(usize::from).sum();
    match sum % 2 {
        0 => 1 + sum / 2 % RKEY_BYTES,
        _ => RKEY_BYTES - sum / 2 % 64,
    }
}

fn check(collection: &str, verdict: &Verdict) {
    let found = match verdict {
        Verdict::Post(post) => {
            check_post(post);
            POST
        }
        Verdict::Config(config) => {
            check_config(config);
            CONFIG
        }
        Verdict::Membership(Membership { community, joined_at, .. }) => {
            check_uri(community, CONFIG);
            assert!(TIMES.contains(joined_at), "{joined_at}");
            MEMBERSHIP
        }
        Verdict::Action(action) => {
            check_action(action);
            ACTION
        }
        Verdict::Irrelevant => POST,
        Verdict::Malformed(code) => {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && (1..32).contains(&code.len()), "{code:?} is no code");
            collection
        }
    };
    assert_eq!(found, collection, "a record of another collection");
}

fn check_post(post: &Post) {
    assert!(TIMES.contains(&post.sort_time), "{}", post.sort_time);
    assert!((1..=limits::POST_HASHTAGS).contains(&post.hashtags.len()) && post.hashtags.is_sorted_by(|one, other| one < other), "{:?}", post.hashtags);
    post.hashtags.iter().for_each(|hashtag| check_hashtag(hashtag));
    assert!(post.languages.len() <= limits::POST_LANGUAGES && post.languages.iter().all(|language| language.len() <= limits::LANGUAGE_BYTES));
    assert!(post.labels.len() <= limits::POST_LABELS && post.labels.iter().all(|label| label.len() <= limits::LABEL_BYTES));
}

fn check_config(config: &Config) {
    check_text(&config.name, limits::NAME);
    assert!(!config.name.is_empty());
    config.description.iter().for_each(|description| check_text(description, limits::DESCRIPTION));
    check_hashtag(&config.hashtag);
    config.parent.iter().for_each(|parent| check_uri(parent, CONFIG));
    let shares = config.shares;
    assert_eq!(u64::from(shares.own) + u64::from(shares.parent) + u64::from(shares.global), 100, "{shares:?}");
    assert!(config.moderators.len() <= limits::MODERATORS && config.moderators.is_sorted_by(|one, other| one < other), "{:?}", config.moderators);
    assert!(config.moderators.iter().all(|did| is_did(did) && did.len() <= limits::DID_BYTES));
    assert!(TIMES.contains(&config.created_at), "{}", config.created_at);
}

fn check_action(action: &Action) {
    match action.kind {
        ActionKind::HidePost | ActionKind::UnhidePost => check_uri(&action.target, POST),
        ActionKind::BlockUser | ActionKind::UnblockUser => assert!(is_did(&action.target), "{:?} is blocked", action.target),
    }
    check_uri(&action.community, CONFIG);
    action.reason.iter().for_each(|reason| check_text(reason, limits::REASON));
    assert!(action.via.iter().all(|via| RecordUri::parse(via).is_some()), "{:?}", action.via);
    assert!(TIMES.contains(&action.created_at), "{}", action.created_at);
}

fn check_text(text: &str, limit: Limit) {
    assert!(text.len() <= limit.bytes && text.graphemes(true).count() <= limit.graphemes, "a text of {} bytes is within {limit:?}", text.len());
}

fn check_uri(uri: &str, collection: &str) {
    let parts = RecordUri::parse(uri).filter(|parts| parts.collection == collection && is_did(parts.did) && uri.len() <= limits::URI_BYTES);
    let parts = parts.unwrap_or_else(|| panic!("{uri:?} is taken for a record in {collection}"));
    assert_eq!(uri, format!("at://{}/{}/{}", parts.did, parts.collection, parts.rkey));
}

fn check_hashtag(hashtag: &str) {
    let digits = hashtag.strip_prefix("#atrarium_").unwrap_or_else(|| panic!("{hashtag:?} is taken for a hashtag"));
    assert!(digits.len() == 8 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{hashtag:?} is taken for a hashtag");
}

/// That a post of these fields has exactly these hashtags, and the time that a common library reads.
fn check_post_of(post: &Value, hashtags: &BTreeSet<String>) {
    let mut expected = BTreeSet::new();
    let letters: Vec<char> = post["text"].as_str().unwrap_or_default().chars().collect();
    let is_word = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    for at in 0..letters.len().saturating_sub(17) {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let tag: String = letters[at + 1..at + 18].iter().collect();
        let alone = before.is_none_or(|letter| !is_word(&letter) && letter != '/') && letters.get(at + 18).is_none_or(|letter| !is_word(letter));
        if matches!(letters[at], '#' | '＃') && alone {
            expected.extend(hashtag(&tag));
        }
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    expected.extend(list(&post["tags"]).iter().filter_map(|tag| hashtag(tag.as_str()?)));
    for feature in list(&post["facets"]).iter().flat_map(|facet| list(&facet["features"])) {
        if feature["$type"] == "app.bsky.richtext.facet#tag" {
            expected.extend(feature["tag"].as_str().and_then(hashtag));
        }
    }
    assert_eq!(*hashtags, expected, "the hashtags of {post}");
}

/// The hashtag that this is without its `#`, if it is one.
fn hashtag(tag: &str) -> Option<String> {
    let digits = tag.strip_prefix("atrarium_")?;
    (digits.len() == 8 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then(|| format!("#{tag}"))
}
