//! Records of the three collections that are ours, against the lexicons that are published for them; and what the host reads of one.
//!
//! What the filter takes, the lexicon allows, so a PDS that knows it would have taken it too; and a fault that the lexicon has words for is
//! one by the lexicon as well. A text that is an AT-URI or a hashtag to the filter is the same to the host, and is written out as it was.

use atrarium_filter::bindings::exports::atrarium::filter::records::Verdict;
use atrarium_filter::hashtag::is_hashtag;
use atrarium_filter::judge::{ACTION, CONFIG, MEMBERSHIP};
use atrarium_filter::syntax::{RecordUri, is_rkey};
use serde_json::Value;

use crate::event::Collection;
use crate::filter_input::verdict;
use crate::record::{Hashtag, RecordKey};
use crate::{json, lexicon, pds};

/// Faults of which the lexicon speaks too; the others are of rules that it has no words for.
const SAID_BY_LEXICON: [&str; 6] = ["missing-field", "wrong-type-field", "too-long", "too-short", "too-many", "unknown-value"];

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check_identifiers(text);
    let Some(record) = json::read(text) else { return };
    check_flatness(text, &record);
    for collection in [CONFIG, MEMBERSHIP, ACTION] {
        let allowed = lexicon::check(collection, &record);
        match verdict(collection, text) {
            Verdict::Malformed(code) => {
                assert!(allowed.is_err() || !SAID_BY_LEXICON.contains(&code.as_str()), "{collection}: {text} is {code}, and the lexicon allows it");
            }
            Verdict::Post(_) | Verdict::Irrelevant => panic!("{text} is taken for a post"),
            taken => {
                assert!(allowed.is_ok() || collection == CONFIG && has_fractions(&record), "{collection}: {text} is taken, and {allowed:?}");
                check_names(&taken);
            }
        }
    }
}

/// Percent are whole in the lexicon. The filter also takes what the first implementation wrote: fractions, and percent with a point.
fn has_fractions(record: &Value) -> bool {
    record["feedMix"].as_object().is_some_and(|mix| ["own", "parent", "global"].iter().any(|part| mix.get(*part).is_some_and(|part| !part.is_u64())))
        || record["feedMix"] == serde_json::json!({ "own": 1, "parent": 0, "global": 0 })
}

/// That the host reads the record's names as the filter has left them.
fn check_names(taken: &Verdict) {
    let uris = match taken {
        Verdict::Config(config) => {
            assert!(Hashtag::parse(&config.hashtag).is_some_and(|hashtag| hashtag.to_string() == config.hashtag), "{:?}", config.hashtag);
            vec![config.parent.as_deref()]
        }
        Verdict::Membership(membership) => vec![Some(membership.community.as_str())],
        Verdict::Action(action) => vec![Some(action.community.as_str()), Some(action.target.as_str()).filter(|target| target.starts_with("at://"))],
        _ => Vec::new(),
    };
    for uri in uris.into_iter().flatten() {
        assert!(RecordKey::from_uri(uri).is_some_and(|key| key.uri() == uri), "{uri:?} is lost on the host");
    }
}

/// The text itself as an AT-URI and as a hashtag.
fn check_identifiers(text: &str) {
    let (ours, filters) = (RecordKey::from_uri(text), RecordUri::parse(text));
    if let Some(key) = &ours {
        assert_eq!(key.uri(), text);
    }
    if let Some(RecordUri { did, collection, rkey }) = filters {
        let followed = Collection::from_nsid(collection).map(|collection| RecordKey { did: did.to_owned(), collection, rkey: rkey.to_owned() });
        assert!(is_rkey(rkey));
        assert_eq!(ours, followed, "{text:?} is another record to the host");
    }
    let hashtag = Hashtag::parse(text);
    assert_eq!(hashtag.is_some(), is_hashtag(text), "{text:?} is a hashtag to one of the two");
    assert!(hashtag.is_none_or(|hashtag| hashtag.to_string() == text && Hashtag::from_digits(*hashtag.digits()) == Some(hashtag)));
}

/// What is handed to atrium's types is as flat as it was found to be, and what is flat is handed on.
fn check_flatness(text: &str, record: &Value) {
    let (depth, containers, values) = json::extent(record);
    let flat = depth <= 16 && containers <= 1_024;
    match pds::is_flat(text.as_bytes()) {
        true => assert!(flat && values <= 2 * 8_192, "{depth} levels, {containers} containers and {values} values were found flat"),
        false => assert!(!flat || values > 8_192 / 2, "{depth} levels, {containers} containers and {values} values were found too many"),
    }
}
