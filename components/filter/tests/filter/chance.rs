//! No text makes the filter panic, and what it lets through is bounded. In the component a panic would be a trap.

use atrarium_filter::{
    bindings::exports::atrarium::filter::records::Verdict,
    hashtag,
    judge::{ACTION, CONFIG, MEMBERSHIP, POST},
    limits,
};
use proptest::prelude::*;

use crate::verdict;

/// Pieces of records: chance alone would hardly ever get past the first brace.
const PIECES: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u00",
    "\\ud83d",
    "null",
    "true",
    "-1",
    "1e999",
    "0.5",
    "100",
    "\"$type\":",
    "\"text\":",
    "\"createdAt\":",
    "\"facets\":",
    "\"features\":",
    "\"tag\":",
    "\"tags\":",
    "\"langs\":",
    "\"labels\":",
    "\"values\":",
    "\"val\":",
    "\"reply\":",
    "\"name\":",
    "\"hashtag\":",
    "\"stage\":",
    "\"feedMix\":",
    "\"own\":",
    "\"moderators\":",
    "\"community\":",
    "\"action\":",
    "\"target\":",
    "\"active\":",
    "\"app.bsky.feed.post\"",
    "\"app.bsky.richtext.facet#tag\"",
    "\"#atrarium_0123abcd\"",
    "\"atrarium_0123abcd\"",
    "\"＃atrarium_0123abcd👨‍👩‍👧‍👦\"",
    "\"2026-07-04T14:38:06Z\"",
    "\"did:plc:a\"",
    "\"at://did:plc:a/net.atrarium.community.config/1\"",
    "\"theme\"",
    "\"hide_post\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_a_verdict(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn anything_like_a_record_has_a_verdict(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60),
    ) {
        check(&pieces.concat());
    }

    #[test]
    fn any_values_in_a_post_have_a_verdict(
        text in "[#＃ a-f0-9_/]{0,20}(#atrarium_[0-9a-f]{8}){0,3}\\PC{0,400}",
        created_at in "[0-9TZ:.+-]{0,30}|20[0-9]{2}-0[1-9]-[0-3][0-9]T1[0-9]:00:00Z",
        value in prop::sample::select(&PIECES[..]),
        field in prop::sample::select(&PIECES[16..38]),
    ) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let (text, created_at) = (quoted(&text), quoted(&created_at));
        check(&format!("{{\"text\":{text},\"createdAt\":{created_at},{field}{value}}}"));
    }
}

fn check(json: &str) {
    for collection in [POST, CONFIG, MEMBERSHIP, ACTION] {
        match verdict(collection, json) {
            Verdict::Post(post) => {
                assert!((1..=limits::POST_HASHTAGS).contains(&post.hashtags.len()));
                assert!(post.hashtags.is_sorted_by(|a, b| a < b));
                assert!(post.hashtags.iter().all(|found| hashtag::is_hashtag(found)));
            }
            Verdict::Config(config) => {
                assert_eq!(config.shares.own + config.shares.parent + config.shares.global, 100);
            }
            Verdict::Membership(_) | Verdict::Action(_) | Verdict::Irrelevant => {}
            Verdict::Malformed(code) => {
                assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            }
        }
    }
}
