//! Posts: where hashtags are found, what is kept, and what makes a post malformed.

use atrarium_filter::{
    bindings::{atrarium::events::types::Post, exports::atrarium::filter::records::Verdict},
    judge::POST,
};
use serde_json::{Value, json};

use crate::{fault, verdict};

const TAG: &str = "atrarium_0123abcd";
const HASHTAG: &str = "#atrarium_0123abcd";

#[test]
fn real_posts_carry_a_hashtag_in_text_facet_or_tags() {
    let posts: Vec<Value> = include_str!("posts.jsonl").lines().map(|line| serde_json::from_str(line).expect("the file holds JSON")).collect();
    assert_eq!(posts.len(), 19);
    for post in posts {
        assert_eq!(verdict(POST, &post.to_string()), Verdict::Irrelevant, "{post}");
        let words: String = post["text"].as_str().into_iter().flat_map(str::chars).take(250).collect();
        let text = format!("{words} {HASHTAG}");
        let mut facets = post["facets"].as_array().cloned().unwrap_or_default();
        facets.push(tag_facet(TAG));
        for (field, value) in [("text", json!(text)), ("facets", json!(facets)), ("tags", json!([TAG]))] {
            let mut tagged = post.clone();
            tagged[field] = value;
            let Verdict::Post(found) = verdict(POST, &tagged.to_string()) else {
                panic!("{field}: {tagged}");
            };
            assert_eq!(found.hashtags, [HASHTAG]);
            assert_eq!(found.reply, post.get("reply").is_some());
            assert_eq!(json!(found.languages), post.get("langs").cloned().unwrap_or(json!([])));
        }
    }
}

#[test]
fn what_the_feed_needs_is_kept() {
    let post = json!({
        "$type": POST,
        "text": "＃atrarium_ffffffff #atrarium_0123abcd",
        "createdAt": "2026-07-04T16:38:06.2409+02:00",
        "langs": ["ja", "en-GB"],
        "facets": [tag_facet("atrarium_00000000"), tag_facet(TAG), tag_facet("other")],
        "tags": ["atrarium_11111111", "more"],
        "labels": {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{ "val": "porn" }, { "val": "!no-unauthenticated", "more": 1 }],
        },
        "reply": { "root": {}, "parent": {} },
        "embed": { "$type": "app.bsky.embed.unheard-of", "deep": [[[[null]]]] },
    });
    let expected = Post {
        sort_time: 1_783_175_886_240,
        hashtags: ["00000000", "0123abcd", "11111111", "ffffffff"].map(|id| format!("#atrarium_{id}")).into(),
        reply: true,
        languages: vec!["ja".to_owned(), "en-GB".to_owned()],
        labels: vec!["porn".to_owned(), "!no-unauthenticated".to_owned()],
    };
    assert_eq!(verdict(POST, &post.to_string()), Verdict::Post(expected));
}

#[test]
fn escapes_hide_no_hashtag() {
    let created = r#""createdAt":"2026-07-04T14:38:06Z""#;
    for json in [
        format!(r##"{{"text":"\u0023\u0061trarium_0123abcd",{created}}}"##),
        format!(r##"{{"text":"\uff03atrarium_0123abcd",{created}}}"##),
        format!(r##"{{"te\u0078t":"#atrarium_0123abcd",{created}}}"##),
        format!(r#"{{"text":"","tags":["atrarium\u005f0123abcd"],{created}}}"#),
        format!(r#"{{"text":"","facets":[{{"f\u0065atures":[{{"tag":"\u0061trarium_0123abcd","$type":"app.bsky.richtext.facet\u0023tag"}}]}}],{created}}}"#),
    ] {
        assert!(matches!(verdict(POST, &json), Verdict::Post(_)), "{json}");
    }
}

#[test]
fn facets_and_tags_are_exact() {
    for tag in ["#atrarium_0123abcd", "Atrarium_0123abcd", "atrarium_0123abcde", "x atrarium_0123abcd", ""] {
        check(json!({ "tags": [tag] }), None);
        check(json!({ "facets": [tag_facet(tag)] }), None);
    }
    check(json!({ "tags": [TAG] }), Some(&[HASHTAG]));
    check(json!({ "facets": [tag_facet(TAG)] }), Some(&[HASHTAG]));
}

#[test]
fn a_strange_facet_costs_no_post_its_place() {
    for strange in [
        json!(null),
        json!(1.5),
        json!("x"),
        json!([TAG]),
        json!({}),
        json!({ "features": null }),
        json!({ "features": TAG }),
        json!({ "features": { "$type": "app.bsky.richtext.facet#tag", "tag": TAG } }),
        json!({ "features": [null, true, -1, [], TAG] }),
        json!({ "features": [{ "$type": "unheard.of#tag", "tag": TAG }] }),
        json!({ "features": [{ "$type": 7, "tag": TAG }] }),
        json!({ "features": [{ "tag": TAG }] }),
        json!({ "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": [TAG] }] }),
        json!({ "features": [{ "$type": "app.bsky.richtext.facet#tag" }] }),
    ] {
        check(json!({ "facets": [strange] }), None);
        check(json!({ "facets": [strange, tag_facet(TAG)] }), Some(&[HASHTAG]));
    }
}

#[test]
fn labels_of_an_unknown_kind_are_no_labels() {
    let labels = json!({ "$type": "unheard.of", "values": [{ "val": "porn" }] });
    let Verdict::Post(found) = verdict(POST, &post(json!({ "tags": [TAG], "labels": labels }))) else {
        panic!("the post is well-formed");
    };
    assert!(found.labels.is_empty());
}

#[test]
fn a_post_that_breaks_its_lexicon_is_malformed() {
    let many = |count: usize| -> Vec<Value> { (0..count).map(|i| tag_facet(&format!("atrarium_{i:08x}"))).collect() };
    for (change, expected) in [
        (json!({ "$type": "app.bsky.feed.like" }), "unknown-value"),
        (json!({ "$type": 1 }), "wrong-type-field"),
        (json!({ "text": 1 }), "wrong-type-field"),
        (json!({ "text": null }), "wrong-type-field"),
        (json!({ "text": "x".repeat(301) }), "too-long"),
        (json!({ "text": "e\u{301}\u{302}\u{303}\u{304}\u{305}".repeat(300) }), "too-long"),
        (json!({ "createdAt": "yesterday" }), "bad-datetime"),
        (json!({ "createdAt": 1 }), "wrong-type-field"),
        (json!({ "facets": {} }), "wrong-type-field"),
        (json!({ "facets": null }), "wrong-type-field"),
        (json!({ "facets": many(65) }), "too-many"),
        (json!({ "tags": "x" }), "wrong-type-field"),
        (json!({ "tags": [1] }), "wrong-type-field"),
        (json!({ "tags": ["1", "2", "3", "4", "5", "6", "7", "8", "9"] }), "too-many"),
        (json!({ "langs": "ja" }), "wrong-type-field"),
        (json!({ "langs": [null] }), "wrong-type-field"),
        (json!({ "langs": ["a", "b", "c", "d"] }), "too-many"),
        (json!({ "langs": ["x".repeat(65)] }), "too-long"),
        (json!({ "labels": [] }), "wrong-type-field"),
        (json!({ "labels": {} }), "missing-field"),
        (json!({ "labels": { "values": ["porn"] } }), "wrong-type-field"),
        (json!({ "labels": { "values": [{}] } }), "missing-field"),
        (json!({ "labels": { "values": [{ "val": "x".repeat(129) }] } }), "too-long"),
        (json!({ "labels": { "values": vec![json!({ "val": "x" }); 11] } }), "too-many"),
        (json!({ "reply": true }), "wrong-type-field"),
        (json!({ "reply": [] }), "wrong-type-field"),
    ] {
        assert_eq!(fault(POST, &post(change.clone())).as_deref(), Some(expected), "{change}");
    }
    let at_the_bound = json!({ "facets": many(64), "text": "語".repeat(300), "langs": ["a", "b", "c"] });
    assert!(matches!(verdict(POST, &post(at_the_bound)), Verdict::Post(post) if post.hashtags.len() == 64));
}

#[test]
fn what_is_no_record_is_malformed() {
    for (json, expected) in [
        ("", "not-json"),
        ("{", "not-json"),
        ("{}x", "not-json"),
        (r#"{"text":"\ud800","createdAt":"2026-07-04T14:38:06Z"}"#, "not-json"),
        ("{}", "missing-field"),
        (r#"{"text":"x"}"#, "missing-field"),
        (r#"{"createdAt":"2026-07-04T14:38:06Z"}"#, "missing-field"),
        ("null", "wrong-type-field"),
        ("7", "wrong-type-field"),
        ("[]", "wrong-type-field"),
        (r#"["app.bsky.feed.post","x","2026-07-04T14:38:06Z"]"#, "wrong-type-field"),
    ] {
        assert_eq!(fault(POST, json).as_deref(), Some(expected), "{json}");
    }
    assert_eq!(fault("app.bsky.feed.like", "{}").as_deref(), Some("unknown-value"));
}

#[test]
fn depth_overflows_nothing() {
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        for field in ["more", "embed", "facets", "reply", "text"] {
            let json = format!(r#"{{"text":"","createdAt":"2026-07-04T14:38:06Z","{field}":{deep}}}"#);
            let _any_verdict = verdict(POST, &json);
        }
    }
}

fn tag_facet(tag: &str) -> Value {
    json!({
        "index": { "byteStart": 0, "byteEnd": 1 },
        "features": [
            { "$type": "app.bsky.richtext.facet#link", "uri": "https://example.com" },
            { "$type": "app.bsky.richtext.facet#tag", "tag": tag },
        ],
    })
}

/// A well-formed post with these fields in place of others.
fn post(change: Value) -> String {
    let mut post = json!({ "$type": POST, "text": "hello", "createdAt": "2026-07-04T14:38:06.240Z" });
    for (field, value) in change.as_object().into_iter().flatten() {
        post[field] = value.clone();
    }
    post.to_string()
}

/// `None` for a post that names no community.
fn check(change: Value, hashtags: Option<&[&str]>) {
    match (verdict(POST, &post(change.clone())), hashtags) {
        (Verdict::Irrelevant, None) => {}
        (Verdict::Post(found), Some(expected)) => assert_eq!(found.hashtags, expected, "{change}"),
        (other, _) => panic!("{change}: {other:?}"),
    }
}
