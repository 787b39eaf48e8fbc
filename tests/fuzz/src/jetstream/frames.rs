//! One message of a Jetstream server, on both wires, as it came and unpacked.
//!
//! The header of a frame is found by a search over bytes and the rest by a parser; here the two, and a third reader that is as plain as
//! can be, must agree wherever each has something to say. Nothing is decoded that isn't JSON or breaks its bounds, and the prefilter
//! drops nothing that the filter would have taken.

use std::cell::RefCell;

use atrarium_filter::bindings::exports::atrarium::filter::records::Verdict as Judged;
use atrarium_filter::syntax;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::decode::Decoded;
use super::prefilter::{Prefilter, Verdict};
use super::unpack::{MAX_JSON, Unpacker};
use super::wire::{Frame, Header, Kind, Notice};
use super::{KnownDids, Wire};
use crate::event::{Account, Body, Collection, Commit, Event, MAX_DID, MAX_RECORD, Operation, Rev};
use crate::filter_input::verdict;

thread_local! {
    static UNPACKER: RefCell<Unpacker> = RefCell::new(Unpacker::new().expect("zstd takes the dictionaries"));
    static PREFILTER: Prefilter = Prefilter::new();
}

pub fn run(bytes: &[u8]) {
    for wire in [Wire::V1, Wire::V2] {
        look(wire, bytes);
        UNPACKER.with_borrow_mut(|unpacker| {
            if let Ok(json) = unpacker.unpack(wire, bytes) {
                assert!(json.len() <= MAX_JSON, "{} bytes were unpacked", json.len());
                look(wire, json);
            }
        });
    }
}

fn look(wire: Wire, frame: &[u8]) {
    let read = wire.read(frame);
    if let Ok(Frame::Notice(Notice::Error { name, message })) = &read {
        assert!(name.len() <= 200 && message.len() <= 200, "a server's words are bounded: {} and {}", name.len(), message.len());
    }
    let Ok(decoded) = wire.decode(frame) else { return };
    let text = std::str::from_utf8(frame).expect("what was decoded is UTF-8");
    assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "what was decoded is JSON");
    match &decoded {
        Decoded::Event(event) => check_event(event),
        Decoded::Identity(did) | Decoded::Resync(did) => check_did(did),
        Decoded::Other => {}
    }
    if let Ok(Frame::Event(header)) = &read {
        check_header(wire, text, header, &decoded);
        check_prefilter(wire, text, header, &decoded);
    }
}

fn check_did(did: &str) {
    assert!(did.len() <= MAX_DID && syntax::is_did(did), "{did:?} is taken for a DID");
}

/// What the rest of the program relies on.
pub(super) fn check_event(event: &Event) {
    check_did(&event.did);
    assert!(event.body.kind() < Body::KINDS.len());
    match &event.body {
        Body::Commit(Commit { rev, rkey, operation, record, .. }) => {
            assert!(syntax::is_rkey(rkey), "{rkey:?} is taken for a record key");
            assert_eq!(Rev::parse(rev.as_str()), Some(*rev));
            assert!(Rev::last_of(rev.time_us()) >= *rev, "{rev:?} comes before the end of its own time");
            assert!(record.is_none() || *operation != Operation::Delete, "a delete has no record");
            if let Some(json) = record {
                assert!(json.len() <= MAX_RECORD, "a record of {} bytes", json.len());
                assert!(serde_json::from_str::<IgnoredAny>(json).is_ok(), "the record is no JSON: {json:?}");
            }
        }
        Body::Account(Account { time_us, .. }) => {
            let last = Rev::last_of(*time_us);
            assert_eq!(
                (Rev::parse(last.as_str()), last.time_us()),
                (Some(last), (*time_us).min((1 << 54) - 1)),
                "the last revision of {time_us} is of another time"
            );
        }
        other => panic!("no frame makes {other:?}"),
    }
    let kept = postcard::to_stdvec(event).expect("an event can be kept");
    assert_eq!(postcard::from_bytes::<Event>(&kept).as_ref(), Ok(event), "the queue gives back what was put in");
}

/// A frame as a plain parser reads it, which takes no field twice and none that it doesn't know where those would matter.
#[derive(Deserialize)]
struct PlainV1 {
    did: String,
    time_us: u64,
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainV2 {
    #[serde(rename = "$type")]
    _kind: String,
    payload: PlainPayload,
}

#[derive(Deserialize)]
struct PlainPayload {
    #[serde(rename = "$type")]
    kind: String,
    did: String,
    seq: u64,
    time: String,
}

fn check_header(wire: Wire, text: &str, header: &Header<'_>, decoded: &Decoded) {
    let plain = match wire {
        Wire::V1 => serde_json::from_str(text).ok().map(|PlainV1 { did, time_us, kind }| (did, Some(time_us), None, kind)),
        Wire::V2 => serde_json::from_str(text).ok().map(|PlainV2 { payload: PlainPayload { kind, did, seq, time }, .. }| {
            let time = chrono::DateTime::parse_from_rfc3339(&time).ok().and_then(|time| u64::try_from(time.timestamp_micros()).ok());
            (did, time, Some(seq), kind.rsplit('#').next().unwrap_or_default().to_owned())
        }),
    };
    let Some((did, time_us, seq, kind)) = plain else { return };
    assert_eq!((header.did.as_ref(), Some(header.time_us), header.seq), (did.as_str(), time_us, seq), "the header isn't what the frame says");
    let kind = match kind.as_str() {
        "commit" => Kind::Commit,
        "identity" => Kind::Identity,
        "account" => Kind::Account,
        "sync" if wire == Wire::V2 => Kind::Sync,
        _ => Kind::Other,
    };
    assert_eq!(header.kind, kind, "the header has another kind than the frame");
    let agrees = match decoded {
        Decoded::Event(event) => event.did == header.did && header.kind == if matches!(event.body, Body::Commit(_)) { Kind::Commit } else { Kind::Account },
        Decoded::Identity(did) => *did == header.did && header.kind == Kind::Identity,
        Decoded::Resync(did) => *did == header.did && header.kind == Kind::Sync,
        Decoded::Other => matches!(header.kind, Kind::Commit | Kind::Other),
    };
    assert!(agrees, "{header:?} was decoded as {decoded:?}");
}

/// The commit that was decoded, if it is one.
fn commit(decoded: &Decoded) -> Option<&Commit> {
    match decoded {
        Decoded::Event(Event { body: Body::Commit(commit), .. }) => Some(commit),
        _ => None,
    }
}

fn check_prefilter(wire: Wire, text: &str, header: &Header<'_>, decoded: &Decoded) {
    let judge = |known: &KnownDids| PREFILTER.with(|prefilter| prefilter.judge(wire, text.as_bytes(), header, known));
    let (nobody, somebody) = (KnownDids::default(), KnownDids::from_iter([&header.did]));
    let (as_stranger, as_known) = (judge(&nobody), judge(&somebody));
    let changes = commit(decoded).is_some_and(|commit| commit.collection == Collection::Post && commit.operation != Operation::Create);
    if header.kind == Kind::Commit {
        assert!(header.changes_a_post.is_none_or(|said| said == changes), "{header:?} of {decoded:?}");
        assert!(!changes || wire.changes_a_post(text.as_bytes()), "{decoded:?} is said to change no post");
    }
    match decoded {
        Decoded::Identity(_) => assert_eq!((as_stranger, as_known), (Verdict::Identity, Verdict::Identity)),
        Decoded::Resync(_) => assert_eq!((as_stranger, as_known), (Verdict::Drop, Verdict::Resync)),
        Decoded::Event(Event { body: Body::Account(_), .. }) => assert_eq!(as_known, Verdict::Pass, "an account that is known"),
        Decoded::Event(_) if changes => assert_eq!(as_known, Verdict::Pass, "a change of a post by somebody who is known"),
        Decoded::Event(_) | Decoded::Other => {}
    }
    if commit(decoded).is_some_and(is_ours) && !spells_letters(text) {
        assert_eq!((as_stranger, as_known), (Verdict::Pass, Verdict::Pass), "{decoded:?} was dropped");
    }
}

/// Whether the filter would take it for a record of a community, or of somebody who belongs to one.
fn is_ours(commit: &Commit) -> bool {
    let Some(json) = &commit.record else { return commit.collection != Collection::Post };
    commit.collection != Collection::Post || matches!(verdict(commit.collection.nsid(), json), Judged::Post(_))
}

/// Whether a letter, a digit, a `_` or a `.` may be written as an escape, which no encoder does and the prefilter doesn't look for.
pub(super) fn spells_letters(text: &str) -> bool {
    text.match_indices("\\u00").any(|(at, _)| {
        let code = text.get(at + 4..at + 6).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        code.is_none_or(|code| code.is_ascii_alphanumeric() || matches!(code, b'_' | b'.'))
    })
}
