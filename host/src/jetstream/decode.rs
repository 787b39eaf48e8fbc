//! From a frame's parts to an [`Event`]: the border where text from the network is checked, once, whichever wire it came by.
//!
//! A record's JSON is kept as it came: only the filter looks inside. Fields, kinds and collections that aren't known are
//! passed over. What is refused is skipped and counted by its [`Refusal`]; nothing is repaired.

use atrium_api::types::string::{Did, RecordKey};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Account, AccountStatus, Body, Collection, Commit, Event, MAX_DID, MAX_RECORD, Operation, Rev};

use super::Refusal;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Event(Event),
    /// The account with this DID has changed its handle or document.
    Identity(String),
    /// The repo of this DID has lost its history, and is to be read anew.
    Resync(String),
    /// Well-formed, and of a kind or collection that we don't follow.
    Other,
}

/// A commit. What must be there and isn't is found by hand, to tell it from what has the wrong type.
#[derive(Deserialize)]
pub(super) struct CommitPart<'a> {
    pub(super) rev: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) collection: Option<String>,
    pub(super) rkey: Option<String>,
    #[serde(borrow)]
    pub(super) record: Option<&'a RawValue>,
}

/// What a repo's host says of an account: both wires carry its words as they are.
#[derive(Deserialize)]
pub(super) struct AccountPart {
    active: Option<bool>,
    status: Option<String>,
    time: Option<String>,
    seq: Option<u64>,
}

pub(super) fn commit(did: Option<String>, part: CommitPart<'_>) -> Result<Decoded, Refusal> {
    Ok(match decode_commit(part)? {
        Some(commit) => Decoded::Event(Event { did: check_did(did)?, body: Body::Commit(commit) }),
        None => Decoded::Other,
    })
}

pub(super) fn account(did: Option<String>, part: AccountPart) -> Result<Decoded, Refusal> {
    let body = Body::Account(decode_account(part)?);
    Ok(Decoded::Event(Event { did: check_did(did)?, body }))
}

/// The commit, or `None` if it is to a collection that we don't follow.
fn decode_commit(part: CommitPart<'_>) -> Result<Option<Commit>, Refusal> {
    let Some(collection) = Collection::from_nsid(&required(part.collection)?) else {
        return Ok(None);
    };
    let operation = match required(part.operation)?.as_str() {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        _ => return Err(Refusal::UnknownOperation),
    };
    let rkey = RecordKey::new(required(part.rkey)?).map_err(|_| Refusal::BadRkey)?.into();
    let rev = Rev::parse(&required(part.rev)?).ok_or(Refusal::BadRev)?;
    let record = match (operation, part.record.map(RawValue::get)) {
        (Operation::Create | Operation::Update, Some(json)) if json.len() <= MAX_RECORD => Some(json.to_owned()),
        _ => None,
    };
    Ok(Some(Commit { rev, collection, rkey, operation, record }))
}

fn decode_account(part: AccountPart) -> Result<Account, Refusal> {
    let time = DateTime::parse_from_rfc3339(&required(part.time)?).map_err(|_| Refusal::BadAccountTime)?;
    let time_us = u64::try_from(time.timestamp_micros()).map_err(|_| Refusal::BadAccountTime)?;
    let status = AccountStatus::of(required(part.active)?, part.status.as_deref());
    Ok(Account { time_us, seq: part.seq.unwrap_or(0), status })
}

pub(super) fn check_did(did: Option<String>) -> Result<String, Refusal> {
    let did = required(did)?;
    if did.len() > MAX_DID {
        return Err(Refusal::BadDid);
    }
    Did::new(did).map(String::from).map_err(|_| Refusal::BadDid)
}

pub(super) fn required<T>(field: Option<T>) -> Result<T, Refusal> {
    field.ok_or(Refusal::MissingField)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jetstream::v1::{self, decode};

    const DID: &str = "did:plc:wq4aajammjtxdomz3e23667t";

    fn frame(rest: &str) -> String {
        format!(r#"{{"did":"{DID}","time_us":1,{rest}}}"#)
    }

    fn commit(operation: &str, rkey: &str, rev: &str, more: &str) -> String {
        frame(&format!(r#""kind":"commit","commit":{{"rev":"{rev}","operation":"{operation}","collection":"app.bsky.feed.post","rkey":"{rkey}"{more}}}"#))
    }

    fn check(frame: &str, expected: Result<Decoded, Refusal>) {
        assert_eq!(decode(frame.as_bytes()), expected, "{frame}");
    }

    #[test]
    fn every_captured_frame_decodes() {
        let mut posts = 0;
        for line in include_str!("../../data/captured-events.jsonl").lines() {
            match decode(line.as_bytes()) {
                Ok(Decoded::Event(Event { body: Body::Commit(Commit { collection: Collection::Post, .. }), .. })) => posts += 1,
                Ok(_) => {}
                Err(refusal) => panic!("{refusal}: {line}"),
            }
        }
        assert_eq!(posts, 20);
    }

    #[test]
    fn commits_decode_with_what_is_optional_and_without() {
        let expected = |operation, rkey: &str, record: Option<&str>| {
            Ok(Decoded::Event(Event {
                did: DID.to_owned(),
                body: Body::Commit(Commit {
                    rev: Rev::parse("3mptbypluud2a").expect("a rev from the captured traffic"),
                    collection: Collection::Post,
                    rkey: rkey.to_owned(),
                    operation,
                    record: record.map(str::to_owned),
                }),
            }))
        };
        let record = r#"{"text":"a \"quote\" \ud83d\udc8b", "n":[1, 2.5]}"#;
        let with = format!(r#","record":{record},"cid":"bafy","seq":12"#);
        check(&commit("create", "3k", "3mptbypluud2a", &with), expected(Operation::Create, "3k", Some(record)));
        check(&commit("update", "self", "3mptbypluud2a", &with), expected(Operation::Update, "self", Some(record)));
        check(&commit("update", "a:b~c.d_e-f", "3mptbypluud2a", ""), expected(Operation::Update, "a:b~c.d_e-f", None));
        check(&commit("create", "3k", "3mptbypluud2a", r#","record":null"#), expected(Operation::Create, "3k", None));
        check(&commit("delete", "3k", "3mptbypluud2a", ""), expected(Operation::Delete, "3k", None));
        check(&commit("delete", "3k", "3mptbypluud2a", &with), expected(Operation::Delete, "3k", None));
        let largest = format!(r#"{{"text":"{}"}}"#, "x".repeat(MAX_RECORD - 11));
        let with = format!(r#","record":{largest}"#);
        check(&commit("update", "3k", "3mptbypluud2a", &with), expected(Operation::Update, "3k", Some(&largest)));
        let with = format!(r#","record":{{"text":"{}"}}"#, "x".repeat(MAX_RECORD - 10));
        check(&commit("update", "3k", "3mptbypluud2a", &with), expected(Operation::Update, "3k", None));
    }

    #[test]
    fn what_is_wrong_with_a_commit_is_named() {
        check(&commit("upsert", "3k", "3mptbypluud2a", ""), Err(Refusal::UnknownOperation));
        check(&commit("create", "a/b", "3mptbypluud2a", ""), Err(Refusal::BadRkey));
        check(&commit("create", "..", "3mptbypluud2a", ""), Err(Refusal::BadRkey));
        check(&commit("create", "", "3mptbypluud2a", ""), Err(Refusal::BadRkey));
        check(&commit("create", "3k", "3mptbypluud2", ""), Err(Refusal::BadRev));
        check(&commit("create", "3k", "", ""), Err(Refusal::BadRev));
        check(&commit("create", "3k", "3mptbypluud2a", r#","record":{"#), Err(Refusal::NotJson));
        check(&frame(r#""kind":"commit""#), Err(Refusal::MissingField));
        check(&frame(r#""kind":"commit","commit":[]"#), Err(Refusal::WrongType));
        check(&frame(r#""kind":"commit","commit":{"collection":"app.bsky.feed.post"}"#), Err(Refusal::MissingField));
        check(&frame(r#""kind":"commit","commit":{"collection":7}"#), Err(Refusal::WrongType));
        check(&frame(r#""commit":{}"#), Err(Refusal::MissingField));
        check("{}", Err(Refusal::MissingField));
        check("", Err(Refusal::NotJson));
        check("net.atrarium.", Err(Refusal::NotJson));
        assert_eq!(decode(b"\xff"), Err(Refusal::NotUtf8));
    }

    #[test]
    fn what_is_not_followed_is_passed_over() {
        let collection = |nsid: &str| frame(&format!(r#""kind":"commit","commit":{{"collection":"{nsid}","rkey":"../"}}"#));
        check(&collection("app.bsky.feed.like"), Ok(Decoded::Other));
        check(&collection("net.atrarium.community.other"), Ok(Decoded::Other));
        check(&collection(""), Ok(Decoded::Other));
        check(&frame(r#""kind":"sync","sync":{"rev":"3mptbypluud2a"}"#), Ok(Decoded::Other));
    }

    #[test]
    fn identities_need_no_handle() {
        let identity = || Ok(Decoded::Identity(DID.to_owned()));
        check(&frame(r#""kind":"identity","identity":{"did":"did:plc:wq4aajammjtxdomz3e23667t","seq":1}"#), identity());
        check(&frame(r#""kind":"identity","identity":{"handle":"a.bsky.social"}"#), identity());
        check(&frame(r#""kind":"identity""#), identity());
    }

    #[test]
    fn accounts_have_one_of_three_states() {
        let account = |rest: &str| frame(&format!(r#""kind":"account","account":{{{rest}}}"#));
        let expected = |time_us, seq, status| Ok(Decoded::Event(Event { did: DID.to_owned(), body: Body::Account(Account { time_us, seq, status }) }));
        check(
            &account(r#""active":true,"did":"did:plc:a","seq":31527015471,"time":"2026-07-04T14:38:07.877Z""#),
            expected(1_783_175_887_877_000, 31_527_015_471, AccountStatus::Active),
        );
        check(&account(r#""active":false,"status":"deleted","time":"1970-01-01T01:00:00.000001+01:00""#), expected(1, 0, AccountStatus::Deleted));
        for status in [r#""status":"takendown""#, r#""status":"throttled""#, r#""status":null"#, r#""new":1"#] {
            check(&account(&format!(r#""active":false,{status},"time":"1970-01-01T00:00:00Z""#)), expected(0, 0, AccountStatus::Inactive));
        }
        check(&account(r#""active":true,"time":"1969-12-31T23:59:59Z""#), Err(Refusal::BadAccountTime));
        check(&account(r#""active":true,"time":"yesterday""#), Err(Refusal::BadAccountTime));
        check(&account(r#""active":true"#), Err(Refusal::MissingField));
        check(&account(r#""time":"1970-01-01T00:00:00Z""#), Err(Refusal::MissingField));
        check(&account(r#""active":"yes""#), Err(Refusal::WrongType));
        check(&account(r#""active":true,"seq":-1"#), Err(Refusal::WrongType));
        check(&frame(r#""kind":"account""#), Err(Refusal::MissingField));
    }

    #[test]
    fn a_did_is_checked_and_bounded() {
        let check = |did: &str, expected| {
            let read = check_did(Some(did.to_owned()));
            assert_eq!(read.as_deref().map_err(|refusal| *refusal), expected, "{did}");
        };
        for did in ["did:plc:7iza6de2dwap2sbkpav7c6c6", "did:web:example.com", "did:web:localhost%3A1234"] {
            check(did, Ok(did));
        }
        let longest = format!("did:web:{}", "x".repeat(MAX_DID - 8));
        check(&longest, Ok(&longest));
        for did in [&format!("{longest}x"), "", "did:plc:", "did:plc:a/b", "DID:plc:a", "did:plc:a\n", "at://did:plc:a"] {
            check(did, Err(Refusal::BadDid));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in 0_usize..172, at in any::<prop::sample::Index>(), noise in any::<Vec<u8>>()) {
            let lines: Vec<&str> = include_str!("../../data/captured-events.jsonl").lines().collect();
            let mut frame = lines[line].as_bytes().to_vec();
            let at = at.index(frame.len());
            let end = frame.len().min(at + noise.len());
            frame.splice(at..end, noise.iter().copied());
            // What comes back doesn't matter, only that something does.
            let _ = (decode(&frame), decode(&noise), v1::read(&frame).is_ok());
        }
    }
}
