//! The AT Protocol's own vectors of valid and invalid syntax.

use atrarium_filter::{
    datetime, limits,
    syntax::{self, RecordUri},
};

#[test]
fn datetimes_are_those_of_the_specification() {
    check(include_str!("vectors/datetime_syntax_valid.txt"), true, is_datetime);
    check(include_str!("vectors/datetime_syntax_invalid.txt"), false, is_datetime);
    check(include_str!("vectors/datetime_parse_invalid.txt"), false, is_datetime);
}

#[test]
fn dids_are_those_of_the_specification() {
    check(include_str!("vectors/did_syntax_valid.txt"), true, syntax::is_did);
    check(include_str!("vectors/did_syntax_invalid.txt"), false, syntax::is_did);
}

#[test]
fn nsids_are_those_of_the_specification() {
    check(include_str!("vectors/nsid_syntax_valid.txt"), true, syntax::is_nsid);
    check(include_str!("vectors/nsid_syntax_invalid.txt"), false, syntax::is_nsid);
}

#[test]
fn record_keys_are_those_of_the_specification() {
    check(include_str!("vectors/recordkey_syntax_valid.txt"), true, syntax::is_rkey);
    check(include_str!("vectors/recordkey_syntax_invalid.txt"), false, syntax::is_rkey);
}

#[test]
fn record_uris_are_those_of_the_specification_with_a_did_a_record_and_a_bound() {
    let ours = |uri: &&str| uri.starts_with("at://did:") && uri.split('/').count() == 5 && uri.len() <= limits::URI_BYTES;
    let (valid, others): (Vec<_>, Vec<_>) = lines(include_str!("vectors/aturi_syntax_valid.txt")).partition(ours);
    assert!(valid.len() >= 10 && others.len() >= 5);
    check(&valid.join("\n"), true, is_record_uri);
    check(&others.join("\n"), false, is_record_uri);
    check(include_str!("vectors/aturi_syntax_invalid.txt"), false, is_record_uri);
}

#[test]
fn dids_and_uris_are_bounded() {
    let did = |length: usize| format!("did:plc:{}", "a".repeat(length - 8));
    assert!(syntax::is_did(&did(limits::DID_BYTES)) && !syntax::is_did(&did(limits::DID_BYTES + 1)));
    let uri = |length: usize| format!("at://did:plc:a/a.b.c/{}", "r".repeat(length - 21));
    assert!(is_record_uri(&uri(limits::URI_BYTES)) && !is_record_uri(&uri(limits::URI_BYTES + 1)));
}

fn is_datetime(text: &str) -> bool {
    datetime::parse(text).is_some()
}

fn is_record_uri(text: &str) -> bool {
    RecordUri::parse(text).is_some()
}

fn check(vectors: &str, valid: bool, is_valid: impl Fn(&str) -> bool) {
    for line in lines(vectors) {
        assert_eq!(is_valid(line), valid, "{line:?}");
    }
}

/// The vectors in a file: every line but comments and empty ones. Blanks at a line's ends belong to it.
fn lines(vectors: &str) -> impl Iterator<Item = &str> {
    vectors.split('\n').filter(|line| !line.is_empty() && !line.starts_with("# "))
}
