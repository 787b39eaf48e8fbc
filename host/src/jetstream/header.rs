//! The start of a v1 frame: whose it is, when the server saw it, and what kind it is.
//!
//! Jetstream has always written `{"did":"…","time_us":123,"kind":"commit"` first, so that most frames are dropped without a
//! JSON parser having seen them. Any other order or spacing is as good, and is read by serde, some twenty times slower.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize;

use super::Refusal;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// As the frame has it: its syntax isn't checked here.
    pub(super) did: Cow<'a, str>,
    pub(super) time_us: u64,
    pub(super) kind: Kind,
    /// What comes after the kind, for who wants to go on reading in the usual order; empty if the order is another.
    pub(super) rest: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Identity,
    Account,
    /// One that came after this was written.
    Other,
}

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
    let rest = rest[end..].strip_prefix(br#"","time_us":"#)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let time_us = match digits {
        // Nineteen digits never exceed a u64.
        1..=19 => rest[..digits].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')),
        _ => return None,
    };
    let rest = rest[digits..].strip_prefix(br#","kind":""#)?;
    let (kind, rest) = if let Some(rest) = rest.strip_prefix(br#"commit""#) {
        (Kind::Commit, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"identity""#) {
        (Kind::Identity, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"account""#) {
        (Kind::Account, rest)
    } else {
        return None;
    };
    Some(Header { did: Cow::Borrowed(did), time_us, kind, rest })
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
    Ok(Header { did, time_us: time_us.ok_or(Refusal::MissingField)?, kind, rest: &[] })
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
            assert!(line.as_bytes().ends_with(usual.rest));
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
