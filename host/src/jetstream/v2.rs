//! The v2 wire: every frame is a message, or an error after which nothing comes.
//!
//! ```text
//! {"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","cid":…,"collection":…,"did":…,
//!                               "operation":…,"record":{…},"rev":…,"rkey":…,"seq":123,"time":"2026-08-11T12:49:38.007209Z"}}
//! {"$type":"error","error":"ConsumerTooSlow","message":…}
//! ```
//!
//! Servers write a payload's fields in the order of the alphabet, so the number and the time come after the record: a commit is
//! read from both ends, and what lies between is not looked at. Any other order or spacing, and all that isn't a commit, is read
//! by serde. Types that aren't known are told from what is malformed: they are passed over, so a server may learn new ones.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate};
use memchr::memchr2;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::Collection;

use super::{
    Refusal,
    decode::{self, AccountPart, CommitPart, Decoded, required},
    wire::{Frame, Header, Kind, Notice},
};

/// What the types of all payloads begin with.
const TYPE: &str = "network.bsky.jetstream.subscribeEvents#";

/// How much of a server's own words is kept, in bytes.
const MAX_WORDS: usize = 200;

pub(super) fn read(frame: &[u8]) -> Result<Frame<'_>, Refusal> {
    match read_commit(frame) {
        Some(header) => Ok(Frame::Event(header)),
        None => read_any(frame),
    }
}

/// The header of a commit that stands in the order and the spacing of all known servers.
///
/// Nothing that a user has written can pass for it: a record's quotes are escaped where they are text, and where they aren't the
/// record's own brace stands between them and the last two.
fn read_commit(frame: &[u8]) -> Option<Header<'_>> {
    let rest = frame.strip_prefix(br#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","#)?;
    let rest = match rest.strip_prefix(br#""cid":""#) {
        Some(rest) => text(rest)?.1.strip_prefix(b",")?,
        None => rest,
    };
    let (collection, rest) = text(rest.strip_prefix(br#""collection":""#)?)?;
    let (did, rest) = text(rest.strip_prefix(br#","did":""#)?)?;
    let (operation, rest) = text(rest.strip_prefix(br#","operation":""#)?)?;
    let (seq, time_us) = read_end(rest)?;
    let changes_a_post = operation != b"create" && collection == Collection::Post.nsid().as_bytes();
    let did = Cow::Borrowed(std::str::from_utf8(did).ok()?);
    Some(Header { did, time_us, seq: Some(seq), kind: Kind::Commit, changes_a_post: Some(changes_a_post) })
}

/// A string without escapes whose opening quote is already read, and what comes after its closing one.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr2(b'"', b'\\', bytes)?;
    (bytes[end] == b'"').then(|| (&bytes[..end], &bytes[end + 1..]))
}

/// The number and the time with which a frame ends.
fn read_end(rest: &[u8]) -> Option<(u64, u64)> {
    let rest = rest.strip_suffix(br#""}}"#)?;
    let (rest, time) = rest.split_at_checked(rest.len().checked_sub(TIME)?)?;
    let rest = rest.strip_suffix(br#","time":""#)?;
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, digits) = rest.split_at(rest.len() - digits);
    if !rest.ends_with(br#","seq":"#) {
        return None;
    }
    Some((number(digits)?, read_time(time.try_into().ok()?)?))
}

/// The length of `2026-08-11T12:49:38.007209Z`.
const TIME: usize = 27;

/// A time as all known servers write it, in microseconds since the Unix epoch.
fn read_time(text: &[u8; TIME]) -> Option<u64> {
    let part = |from: usize, to: usize| number(&text[from..to]).and_then(|number| u32::try_from(number).ok());
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if marks.iter().any(|&(at, mark)| text[at] != mark) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(part(0, 4)?).ok()?, part(5, 7)?, part(8, 10)?)?;
    let time = date.and_hms_micro_opt(part(11, 13)?, part(14, 16)?, part(17, 19)?, part(20, 26)?)?;
    u64::try_from(time.and_utc().timestamp_micros()).ok()
}

/// The number that these digits spell.
fn number(digits: &[u8]) -> Option<u64> {
    let fits = matches!(digits.len(), 1..=19) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

/// A frame, before it is known what is in it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "$type")]
    kind: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    error: Option<String>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "$type")]
    kind: Option<String>,
}

fn read_any(frame: &[u8]) -> Result<Frame<'_>, Refusal> {
    #[derive(Deserialize)]
    struct Any<'a> {
        #[serde(borrow, default)]
        did: Cow<'a, str>,
        seq: Option<u64>,
        time: Option<String>,
    }
    #[derive(Deserialize)]
    struct Info {
        name: Option<String>,
    }
    let text = std::str::from_utf8(frame).map_err(|_| Refusal::NotUtf8)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(Refusal::from_json)?;
    let payload = match required(envelope.kind)?.as_str() {
        "message" => required(envelope.payload)?.get(),
        "error" => {
            let message = envelope.message.and_then(|message| serde_json::from_str::<String>(message.get()).ok());
            return Ok(Frame::Notice(Notice::Error { name: words(required(envelope.error)?), message: words(message.unwrap_or_default()) }));
        }
        _ => return Ok(Frame::Unknown),
    };
    let Typed { kind } = serde_json::from_str(payload).map_err(Refusal::from_json)?;
    let kind = match required(kind)?.strip_prefix(TYPE) {
        Some("commit") => Kind::Commit,
        Some("identity") => Kind::Identity,
        Some("account") => Kind::Account,
        Some("sync") => Kind::Sync,
        Some("info") => {
            let Info { name } = serde_json::from_str(payload).map_err(Refusal::from_json)?;
            return Ok(match required(name)?.as_str() {
                "OutdatedCursor" => Frame::Notice(Notice::OutdatedCursor),
                _ => Frame::Unknown,
            });
        }
        _ => return Ok(Frame::Unknown),
    };
    let Any { did, seq, time } = serde_json::from_str(payload).map_err(Refusal::from_json)?;
    if did.is_empty() {
        return Err(Refusal::MissingField);
    }
    let time = DateTime::parse_from_rfc3339(&required(time)?).map_err(|_| Refusal::BadTime)?;
    let time_us = u64::try_from(time.timestamp_micros()).map_err(|_| Refusal::BadTime)?;
    Ok(Frame::Event(Header { did, time_us, seq: Some(required(seq)?), kind, changes_a_post: None }))
}

/// The start of what a server has said.
fn words(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_WORDS));
    text
}

pub(super) fn changes_a_post(frame: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        payload: Change<'a>,
    }
    #[derive(Deserialize)]
    struct Change<'a> {
        #[serde(borrow)]
        operation: Cow<'a, str>,
        #[serde(borrow)]
        collection: Cow<'a, str>,
    }
    match serde_json::from_slice::<Message<'_>>(frame) {
        Ok(Message { payload }) => payload.operation != "create" && payload.collection == Collection::Post.nsid(),
        Err(_) => true,
    }
}

/// A payload, as far as it is read. Commits have their fields here, accounts in an object of their own.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(rename = "$type")]
    kind: Option<String>,
    did: Option<String>,
    account: Option<AccountPart>,
    rev: Option<String>,
    operation: Option<String>,
    collection: Option<String>,
    rkey: Option<String>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

pub(super) fn decode(frame: &[u8]) -> Result<Decoded, Refusal> {
    let text = std::str::from_utf8(frame).map_err(|_| Refusal::NotUtf8)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(Refusal::from_json)?;
    let payload = required(envelope.payload)?.get();
    let Payload { kind, did, account, rev, operation, collection, rkey, record } = serde_json::from_str(payload).map_err(Refusal::from_json)?;
    match required(kind)?.strip_prefix(TYPE) {
        Some("commit") => decode::commit(did, CommitPart { rev, operation, collection, rkey, record }),
        Some("account") => decode::account(did, required(account)?),
        Some("identity") => decode::check_did(did).map(Decoded::Identity),
        Some("sync") => decode::check_did(did).map(Decoded::Resync),
        _ => Ok(Decoded::Other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Account, AccountStatus, Body, Commit, Event, Operation, Rev};

    const DID: &str = "did:plc:wq4aajammjtxdomz3e23667t";
    const TIME_US: u64 = 1_786_452_578_007_209;

    /// A message in the order that servers write. The fields that sort between `$type` and `seq` are given.
    fn message(kind: &str, fields: &str) -> String {
        format!(r#"{{"$type":"message","payload":{{"$type":"{TYPE}{kind}",{fields},"seq":49284,"time":"2026-08-11T12:49:38.007209Z"}}}}"#)
    }

    fn commit(operation: &str, collection: &str, more: &str) -> String {
        message(
            "commit",
            &format!(
                r#""cid":"bafyrei","collection":"{collection}","did":"{DID}","operation":"{operation}"{more},"rev":"3mssnnorgr52q","rkey":"3mssnnml6lk2f""#
            ),
        )
    }

    fn header(kind: Kind, changes_a_post: Option<bool>) -> Frame<'static> {
        Frame::Event(Header { did: Cow::Borrowed(DID), time_us: TIME_US, seq: Some(49_284), kind, changes_a_post })
    }

    #[test]
    fn a_commit_is_read_from_both_ends() {
        let check = |frame: &str, changes: bool| {
            assert_eq!(read_commit(frame.as_bytes()).map(Frame::Event), Some(header(Kind::Commit, Some(changes))), "{frame}");
            assert_eq!(read_any(frame.as_bytes()), Ok(header(Kind::Commit, None)), "{frame}");
            assert_eq!(super::changes_a_post(frame.as_bytes()), changes, "{frame}");
        };
        let record = r##","record":{"text":"\",\"seq\":1,\"time\":\"2026-08-11T12:49:38.007209Z\"}}","seq":1,"time":"2026-01-01T00:00:00.000000Z"}"##;
        check(&commit("create", "app.bsky.feed.post", record), false);
        check(&commit("update", "app.bsky.feed.post", record), true);
        check(&commit("delete", "app.bsky.feed.post", "").replace(r#""cid":"bafyrei","#, ""), true);
        check(&commit("delete", "app.bsky.feed.like", ""), false);
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser() {
        let unusual = [
            commit("create", "app.bsky.feed.post", "").replace(",\"seq\"", ", \"seq\""),
            commit("create", "app.bsky.feed.post", "").replace("did:plc:w", "did:plc:\\u0077"),
            commit("create", "app.bsky.feed.post", "").replace("209Z", "209+00:00"),
            // The order of the lexicon.
            format!(
                r#"{{"$type":"message","payload":{{"$type":"{TYPE}commit","seq":49284,"did":"{DID}","time":"2026-08-11T12:49:38.007209Z","rev":"3mssnnorgr52q","operation":"create","collection":"app.bsky.feed.post","rkey":"3k","record":{{"seq":1,"time":"2026-01-01T00:00:00.000000Z"}}}}}}"#
            ),
        ];
        for frame in &unusual {
            assert_eq!(read_commit(frame.as_bytes()), None, "{frame}");
            assert_eq!(read(frame.as_bytes()), Ok(header(Kind::Commit, None)), "{frame}");
        }
    }

    #[test]
    fn every_kind_has_a_header() {
        let check = |kind: &str, fields: &str, expected| assert_eq!(read(message(kind, fields).as_bytes()), Ok(expected), "{kind}");
        let did = format!(r#""did":"{DID}""#);
        check("identity", &format!(r#"{did},"identity":{{"did":"did:plc:other","seq":7,"time":"2026-08-11T12:49:00.000Z"}}"#), header(Kind::Identity, None));
        check("account", &format!(r#""account":{{"active":true,"seq":7}},{did}"#), header(Kind::Account, None));
        check("sync", &format!(r#"{did},"sync":{{"rev":"3mssnnorgr52q"}}"#), header(Kind::Sync, None));
        check("something", &did, Frame::Unknown);
    }

    #[test]
    fn what_is_no_event_is_told_from_what_is_malformed() {
        let check = |frame: &str, expected: Result<Frame<'_>, Refusal>| assert_eq!(read(frame.as_bytes()), expected, "{frame}");
        let error = |name: &str, message: &str| Ok(Frame::Notice(Notice::Error { name: name.to_owned(), message: message.to_owned() }));
        check(r#"{"$type":"error","error":"ConsumerTooSlow","message":"too far behind"}"#, error("ConsumerTooSlow", "too far behind"));
        check(r#"{"$type":"error","error":"New"}"#, error("New", ""));
        check(&format!(r#"{{"$type":"error","error":"{}","message":[]}}"#, "é".repeat(200)), error(&"é".repeat(100), ""));
        let info = |name: &str| format!(r#"{{"$type":"message","payload":{{"$type":"{TYPE}info","message":"from 7","name":"{name}"}}}}"#);
        check(&info("OutdatedCursor"), Ok(Frame::Notice(Notice::OutdatedCursor)));
        check(&info("Other"), Ok(Frame::Unknown));
        check(r#"{"$type":"heartbeat","payload":7}"#, Ok(Frame::Unknown));
        check(r#"{"$type":"message","payload":{"$type":"com.example.other#commit","did":7}}"#, Ok(Frame::Unknown));
        check(r#"{"$type":"error"}"#, Err(Refusal::MissingField));
        check(r#"{"$type":"message"}"#, Err(Refusal::MissingField));
        check(r#"{"$type":"message","payload":{}}"#, Err(Refusal::MissingField));
        check(r#"{"$type":"message","payload":[]}"#, Err(Refusal::WrongType));
        check(r#"{"$type":"message","payload":7}"#, Err(Refusal::WrongType));
        check(r#"{"did":"did:plc:a","time_us":1,"kind":"commit"}"#, Err(Refusal::MissingField));
        check(&message("commit", r#""did":"""#), Err(Refusal::MissingField));
        check(&message("commit", r#""did":"did:plc:a""#).replace("49284", "-1"), Err(Refusal::WrongType));
        check(&message("commit", r#""did":"did:plc:a""#).replace(r#","seq":49284"#, ""), Err(Refusal::MissingField));
        check(&message("commit", r#""did":"did:plc:a""#).replace("2026", "1926"), Err(Refusal::BadTime));
        check(&message("commit", r#""did":"did:plc:a""#).replace("2026-08-11T", ""), Err(Refusal::BadTime));
        check("junk", Err(Refusal::NotJson));
        check("", Err(Refusal::NotJson));
        assert_eq!(read(b"\xff"), Err(Refusal::NotUtf8));
    }

    #[test]
    fn a_time_is_read_as_the_library_reads_it() {
        let check = |text: &str| {
            let ours = <&[u8; TIME]>::try_from(text.as_bytes()).ok().and_then(read_time);
            let theirs = DateTime::parse_from_rfc3339(text).ok().and_then(|time| u64::try_from(time.timestamp_micros()).ok());
            assert_eq!(ours, theirs, "{text}");
        };
        for text in ["2026-08-11T12:49:38.007209Z", "1970-01-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"] {
            check(text);
        }
        for text in ["2025-02-29T00:00:00.000000Z", "2026-13-01T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z", "1969-12-31T23:59:59.999999Z"] {
            check(text);
        }
        assert_eq!(read_time(b"2026-08-11 12:49:38.007209Z"), None);
        assert_eq!(read_time(b"2026-08-11T12:49:38.0072+9Z"), None);
    }

    #[test]
    fn events_decode_to_what_v1_makes_of_them() {
        let check = |frame: &str, expected: Result<Decoded, Refusal>| assert_eq!(decode(frame.as_bytes()), expected, "{frame}");
        let event = |body| Ok(Decoded::Event(Event { did: DID.to_owned(), body }));
        let post = |operation, record: Option<&str>| {
            event(Body::Commit(Commit {
                rev: Rev::parse("3mssnnorgr52q").expect("a rev of real traffic"),
                collection: Collection::Post,
                rkey: "3mssnnml6lk2f".to_owned(),
                operation,
                record: record.map(str::to_owned),
            }))
        };
        check(&commit("create", "app.bsky.feed.post", r#","record":{"text": "a"}"#), post(Operation::Create, Some(r#"{"text": "a"}"#)));
        check(&commit("delete", "app.bsky.feed.post", ""), post(Operation::Delete, None));
        check(&commit("create", "app.bsky.feed.like", r#","record":{}"#), Ok(Decoded::Other));
        check(&commit("upsert", "app.bsky.feed.post", ""), Err(Refusal::UnknownOperation));
        let account = format!(r#""account":{{"active":false,"did":"{DID}","seq":7,"status":"deleted","time":"1970-01-01T00:00:00.000002Z"}},"did":"{DID}""#);
        check(&message("account", &account), event(Body::Account(Account { time_us: 2, seq: 7, status: AccountStatus::Deleted })));
        check(&message("account", &format!(r#""did":"{DID}""#)), Err(Refusal::MissingField));
        check(&message("identity", &format!(r#""did":"{DID}","identity":{{}}"#)), Ok(Decoded::Identity(DID.to_owned())));
        check(&message("sync", &format!(r#""did":"{DID}","sync":{{}}"#)), Ok(Decoded::Resync(DID.to_owned())));
        check(&message("sync", r#""did":"nobody","sync":{}"#), Err(Refusal::BadDid));
        check(&message("other", &format!(r#""did":"{DID}""#)), Ok(Decoded::Other));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in any::<prop::sample::Index>(), noise in any::<Vec<u8>>()) {
            let mut frame = commit("update", "app.bsky.feed.post", r#","record":{"text":"a"}"#).into_bytes();
            let at = at.index(frame.len());
            let end = frame.len().min(at + noise.len());
            frame.splice(at..end, noise.iter().copied());
            // What comes back doesn't matter, only that something does.
            let _ = (read(&frame).is_ok(), read(&noise).is_ok(), decode(&frame), super::changes_a_post(&frame));
        }

        #[test]
        fn both_readings_of_a_commit_agree(seq in any::<u64>(), us in 0_i64..253_402_300_800_000_000, did in "did:plc:[a-z2-7]{24}", record in "[ -~]{0,40}") {
            let time = DateTime::from_timestamp_micros(us).expect("within the calendar").format("%Y-%m-%dT%H:%M:%S%.6fZ");
            let record = serde_json::json!({ "text": record });
            let frame = format!(r#"{{"$type":"message","payload":{{"$type":"{TYPE}commit","collection":"a.b.c","did":"{did}","operation":"create","record":{record},"rev":"r","rkey":"k","seq":{seq},"time":"{time}"}}}}"#);
            let parsed = read_any(frame.as_bytes());
            if let Some(usual) = read_commit(frame.as_bytes()) {
                let parsed = parsed.map(|frame| match frame { Frame::Event(header) => (header.did, header.seq, header.time_us), _ => Default::default() });
                prop_assert_eq!(parsed, Ok((usual.did, usual.seq, usual.time_us)));
            } else {
                // Twenty digits are left to the parser.
                prop_assert!(seq >= 10_000_000_000_000_000_000);
            }
        }
    }
}
