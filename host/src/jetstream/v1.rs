//! The v1 wire: `{"did":"…","time_us":123,"kind":"commit","commit":{…}}`, one event a frame.
//!
//! Jetstream has always written these three fields first, so that most frames are dropped without a JSON parser having seen
//! them. Any other order or spacing is as good, and is read by serde, some twenty times slower. `handle`, `status`, `cid` and
//! `record` are all optional on this wire, whatever other clients believe.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize;

use crate::event::Collection;

use super::{
    Refusal,
    decode::{self, AccountPart, CommitPart, Decoded, required},
    wire::{Header, Kind},
};

pub(super) fn read(frame: &[u8]) -> Result<Header<'_>, Refusal> {
    match read_usual(frame) {
        Some(header) => Ok(header),
        None => read_any(frame),
    }
}

/// The header, if it stands in the order and the spacing of all known servers.
fn read_usual(frame: &[u8]) -> Option<Header<'_>> {
    let rest = frame.strip_prefix(br#"{"did":""#)?;
    let end = memchr2(b'"', b'\\', rest)?;
    let did = std::str::from_utf8(&rest[..end]).ok()?;
    let (time_us, rest) = number(rest[end..].strip_prefix(br#"","time_us":"#)?)?;
    let rest = match rest.strip_prefix(br#","kind":""#) {
        Some(rest) => rest,
        // Servers that speak v2 as well name the event's number here.
        None => number(rest.strip_prefix(br#","cursor":"#)?)?.1.strip_prefix(br#","kind":""#)?,
    };
    let (kind, rest) = if let Some(rest) = rest.strip_prefix(br#"commit""#) {
        (Kind::Commit, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"identity""#) {
        (Kind::Identity, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"account""#) {
        (Kind::Account, rest)
    } else {
        return None;
    };
    Some(Header { did: Cow::Borrowed(did), time_us, seq: None, kind, changes_a_post: is_usual_create(rest).then_some(false) })
}

/// The digits that this starts with, and what comes after them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match digits {
        // Nineteen digits never exceed a u64.
        1..=19 => Some((text[..digits].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')), &text[digits..])),
        _ => None,
    }
}

/// Whether a commit goes on, after its header, as all creations do. That is nine of ten commits, and neither the parser nor the
/// set of known accounts, whose memory is far away, need be troubled with them.
fn is_usual_create(rest: &[u8]) -> bool {
    const REV: usize = 13;
    rest.strip_prefix(br#","commit":{"rev":""#).and_then(|rest| rest.get(REV..)).is_some_and(|rest| rest.starts_with(br#"","operation":"create""#))
}

fn read_any(frame: &[u8]) -> Result<Header<'_>, Refusal> {
    #[derive(Deserialize)]
    struct Any<'a> {
        #[serde(borrow, default)]
        did: Cow<'a, str>,
        time_us: Option<u64>,
        #[serde(borrow, default)]
        kind: Cow<'a, str>,
    }
    let text = std::str::from_utf8(frame).map_err(|_| Refusal::NotUtf8)?;
    let Any { did, time_us, kind } = serde_json::from_str(text).map_err(Refusal::from_json)?;
    let kind = match &*kind {
        "" => return Err(Refusal::MissingField),
        "commit" => Kind::Commit,
        "identity" => Kind::Identity,
        "account" => Kind::Account,
        _ => Kind::Other,
    };
    if did.is_empty() {
        return Err(Refusal::MissingField);
    }
    Ok(Header { did, time_us: required(time_us)?, seq: None, kind, changes_a_post: None })
}

pub(super) fn changes_a_post(frame: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow)]
        commit: Change<'a>,
    }
    #[derive(Deserialize)]
    struct Change<'a> {
        #[serde(borrow)]
        operation: Cow<'a, str>,
        #[serde(borrow)]
        collection: Cow<'a, str>,
    }
    match serde_json::from_slice::<Frame<'_>>(frame) {
        Ok(Frame { commit }) => commit.operation != "create" && commit.collection == Collection::Post.nsid(),
        Err(_) => true,
    }
}

/// A frame, as far as it is read. What must be there and isn't is found by hand, to tell it from what has the wrong type.
#[derive(Deserialize)]
struct Frame<'a> {
    did: Option<String>,
    kind: Option<String>,
    #[serde(borrow)]
    commit: Option<CommitPart<'a>>,
    account: Option<AccountPart>,
}

pub(super) fn decode(frame: &[u8]) -> Result<Decoded, Refusal> {
    let text = std::str::from_utf8(frame).map_err(|_| Refusal::NotUtf8)?;
    let frame: Frame<'_> = serde_json::from_str(text).map_err(Refusal::from_json)?;
    match required(frame.kind)?.as_str() {
        "commit" => decode::commit(frame.did, required(frame.commit)?),
        "account" => decode::account(frame.did, required(frame.account)?),
        "identity" => decode::check_did(frame.did).map(Decoded::Identity),
        _ => Ok(Decoded::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_reading_of_every_captured_frame_is_the_parsers() {
        for line in include_str!("../../data/captured-events.jsonl").lines() {
            let usual = read_usual(line.as_bytes()).expect("real frames have the usual order");
            let parsed = read_any(line.as_bytes()).expect("real frames are JSON");
            assert_eq!((&usual.did, usual.time_us, usual.kind), (&parsed.did, parsed.time_us, parsed.kind), "{line}");
            if usual.kind == Kind::Commit {
                assert_eq!(usual.changes_a_post.unwrap_or(changes_a_post(line.as_bytes())), changes_a_post(line.as_bytes()), "{line}");
            }
        }
    }

    #[test]
    fn any_order_and_spacing_is_read() {
        let check = |frame: &str, expected: Result<(&str, u64, Kind), Refusal>| {
            let header = read(frame.as_bytes());
            let read = header.as_ref().map(|header| (&*header.did, header.time_us, header.kind)).map_err(|refusal| *refusal);
            assert_eq!(read, expected, "{frame}");
        };
        let did = "did:plc:wq4aajammjtxdomz3e23667t";
        let commit = Ok((did, 17, Kind::Commit));
        check(r#"{"did":"did:plc:wq4aajammjtxdomz3e23667t","time_us":17,"kind":"commit","commit":{}}"#, commit);
        check(r#"{"time_us":17,"commit":{},"kind":"commit","did":"did:plc:wq4aajammjtxdomz3e23667t"}"#, commit);
        check(r#" { "did" : "did:plc:wq4aajammjtxdomz3e23667t", "time_us": 17, "kind": "commit" }"#, commit);
        check(r#"{"did":"did:plc:\u0077q4aajammjtxdomz3e23667t","time_us":17,"kind":"commit"}"#, commit);
        check(r#"{"did":"did:plc:wq4aajammjtxdomz3e23667t","cursor":1,"time_us":17,"kind":"commit"}"#, commit);
        check(r#"{"did":"did:plc:wq4aajammjtxdomz3e23667t","time_us":17,"cursor":1,"kind":"commit"}"#, commit);
        check(r#"{"did":"did:plc:wq4aajammjtxdomz3e23667t","time_us":17,"cursor":"1","kind":"commit"}"#, commit);
        check(r#"{"did":"did:plc:wq4aajammjtxdomz3e23667t","time_us":17,"kind":"sync"}"#, Ok((did, 17, Kind::Other)));
        check(r#"{"did":"did:plc:wq4aajammjtxdomz3e23667t","time_us":18446744073709551615,"kind":"account"}"#, Ok((did, u64::MAX, Kind::Account)));
        check(r#"{"did":"did:plc:a","time_us":18446744073709551616,"kind":"account"}"#, Err(Refusal::WrongType));
        check(r#"{"did":"did:plc:a","time_us":-1,"kind":"account"}"#, Err(Refusal::WrongType));
        check(r#"{"did":"did:plc:a","time_us":"1","kind":"account"}"#, Err(Refusal::WrongType));
        check(r#"{"did":"did:plc:a","kind":"account"}"#, Err(Refusal::MissingField));
        check(r#"{"did":"did:plc:a","time_us":1}"#, Err(Refusal::MissingField));
        check(r#"{"time_us":1,"kind":"commit"}"#, Err(Refusal::MissingField));
        check(r#"{"did":"did:plc:a","time_us":1"#, Err(Refusal::NotJson));
        check(r#"{"did":"did:plc:a"#, Err(Refusal::NotJson));
        check("junk", Err(Refusal::NotJson));
        check("", Err(Refusal::NotJson));
        check("[]", Err(Refusal::WrongType));
        assert_eq!(read(b"{\"did\":\"\xff\",\"time_us\":1,\"kind\":\"commit\"}"), Err(Refusal::NotUtf8));
    }
}
