//! Which frames are worth parsing: a search over raw bytes, before any JSON is read.
//!
//! Of the whole network's events all but a few thousandths end here, so what counts is the price of a frame that is dropped.
//! False alarms are cheap and welcome (the decoder and the filter look closer); a frame dropped in error is lost. `#` isn't
//! searched for: JSON may escape it, and tag facets don't have it. No encoder escapes letters, `_` or `.`.

use memchr::memmem::Finder;

use super::{
    known::KnownDids,
    wire::{Header, Kind, Wire},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be an event for the queue.
    Pass,
    /// It says that an account's handle or document has changed. Not for the queue.
    Identity,
    /// It says that a repo of which we hold something is to be read anew. Not for the queue.
    Resync,
    Drop,
}

pub(super) struct Prefilter {
    ours: Finder<'static>,
}

impl Prefilter {
    pub(super) fn new() -> Self {
        Self { ours: Finder::new("atrarium") }
    }

    /// What is to become of a frame with this header, given the accounts of which we hold something.
    pub(super) fn judge(&self, wire: Wire, frame: &[u8], header: &Header<'_>, known: &KnownDids) -> Verdict {
        match header.kind {
            Kind::Identity => return Verdict::Identity,
            Kind::Sync if known.contains(&header.did) => return Verdict::Resync,
            Kind::Sync => return Verdict::Drop,
            Kind::Commit | Kind::Account | Kind::Other => {}
        }
        if self.names_us(frame) {
            return Verdict::Pass;
        }
        let passes = match header.kind {
            Kind::Account => known.contains(&header.did),
            Kind::Commit => match header.changes_a_post {
                Some(changes) => changes && known.contains(&header.did),
                // Our own set is asked before the parser: it is the quicker of the two.
                None => known.contains(&header.did) && wire.changes_a_post(frame),
            },
            Kind::Identity | Kind::Sync | Kind::Other => false,
        };
        if passes { Verdict::Pass } else { Verdict::Drop }
    }

    /// Whether the frame contains `atrarium_` (a hashtag) or `net.atrarium.` (a collection).
    fn names_us(&self, frame: &[u8]) -> bool {
        self.ours.find_iter(frame).any(|start| match frame.get(start + b"atrarium".len()) {
            Some(b'_') => true,
            Some(b'.') => frame[..start].ends_with(b"net."),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::wire::Frame;

    fn judge_on(wire: Wire, frame: &str) -> Verdict {
        let known = KnownDids::from_iter(["did:plc:member"]);
        let Ok(Frame::Event(header)) = wire.read(frame.as_bytes()) else { panic!("the rows have headers: {frame}") };
        Prefilter::new().judge(wire, frame.as_bytes(), &header, &known)
    }

    fn judge(frame: &str) -> Verdict {
        judge_on(Wire::V1, frame)
    }

    #[test]
    fn posts_pass_that_carry_a_tag_anywhere() {
        let check = |record: &str, expected| {
            let frame = format!(
                r#"{{"did":"did:plc:stranger","time_us":1,"kind":"commit","commit":{{"rev":"3mptbypluud2a","operation":"create","collection":"app.bsky.feed.post","rkey":"3mptbyplj5d2a","record":{record},"cid":"b"}}}}"#
            );
            assert_eq!(judge(&frame), expected, "{record}");
        };
        check(r##"{"text":"hello #atrarium_a1b2c3d4"}"##, Verdict::Pass);
        check(r##"{"text":"hello \u0023atrarium_a1b2c3d4"}"##, Verdict::Pass);
        check(r##"{"text":"","tags":["atrarium_a1b2c3d4"]}"##, Verdict::Pass);
        check(r##"{"text":"","facets":[{"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"atrarium_a1b2c3d4"}]}]}"##, Verdict::Pass);
        check(r##"{"text":"atrarium, the atrarium. atrarium_x"}"##, Verdict::Pass);
        check(r##"{"text":"atrarium, the atrarium.net"}"##, Verdict::Drop);
        check(r##"{"text":"Atrarium_a1b2c3d4"}"##, Verdict::Drop);
        check(r##"{"text":"hello"}"##, Verdict::Drop);
        check(r##"{"text":"atrarium"}"##, Verdict::Drop);
    }

    #[test]
    fn of_the_rest_only_what_concerns_known_accounts_passes() {
        let check = |did: &str, rest: &str, expected| {
            let usual = format!(r#"{{"did":"did:plc:{did}","time_us":1,{rest}}}"#);
            assert_eq!(judge(&usual), expected, "{usual}");
            let other = format!(r#"{{ {rest}, "time_us":1, "did":"did:plc:{did}" }}"#);
            assert_eq!(judge(&other), expected, "{other}");
        };
        let commit = |operation: &str, collection: &str, more: &str| {
            format!(r#""kind":"commit","commit":{{"rev":"3mptbypluud2a","operation":"{operation}","collection":"{collection}","rkey":"3mptbyplj5d2a"{more}}}"#)
        };
        let subject = r#","record":{"subject":{"uri":"at://did:plc:a/app.bsky.feed.post/b"}}"#;
        let config = r#","record":{"subject":{"uri":"at://did:plc:a/net.atrarium.community.config/b"}}"#;

        check("member", &commit("delete", "app.bsky.feed.post", ""), Verdict::Pass);
        check("stranger", &commit("delete", "app.bsky.feed.post", ""), Verdict::Drop);
        check("member", &commit("update", "app.bsky.feed.post", r#","record":{"text":""}"#), Verdict::Pass);
        check("stranger", &commit("update", "app.bsky.feed.post", r#","record":{"text":""}"#), Verdict::Drop);
        check("member", &commit("create", "app.bsky.feed.post", r#","record":{"text":""}"#), Verdict::Drop);
        check("member", &commit("create", "app.bsky.feed.like", subject), Verdict::Drop);
        check("member", &commit("delete", "app.bsky.feed.like", ""), Verdict::Drop);
        check("stranger", &commit("create", "app.bsky.feed.like", config), Verdict::Pass);
        check("stranger", &commit("create", "net.atrarium.community.membership", ""), Verdict::Pass);
        check("stranger", &commit("delete", "net.atrarium.community.membership", ""), Verdict::Pass);
        check("stranger", &commit("create", "com.atrarium.community.membership", ""), Verdict::Drop);
        check("member", r#""kind":"commit","commit":{}"#, Verdict::Pass);
        check("member", r#""kind":"account","account":{"active":false}"#, Verdict::Pass);
        check("stranger", r#""kind":"account","account":{"active":false}"#, Verdict::Drop);
        check("stranger", r#""kind":"identity","identity":{"handle":"net.atrarium.example"}"#, Verdict::Identity);
        check("member", r#""kind":"sync","sync":{}"#, Verdict::Drop);
    }

    #[test]
    fn on_the_other_wire_the_same_passes() {
        let check = |did: &str, kind: &str, before: &str, after: &str, expected| {
            let usual = format!(
                r#"{{"$type":"message","payload":{{"$type":"network.bsky.jetstream.subscribeEvents#{kind}",{before}"did":"did:plc:{did}"{after},"seq":1,"time":"2026-08-11T12:49:38.007209Z"}}}}"#
            );
            assert_eq!(judge_on(Wire::V2, &usual), expected, "{usual}");
            let other = usual.replace(",\"seq\"", " , \"seq\"");
            assert_eq!(judge_on(Wire::V2, &other), expected, "{other}");
        };
        let commit = |did: &str, operation: &str, collection: &str, record: &str, expected| {
            let after = format!(r#","operation":"{operation}"{record},"rev":"3mptbypluud2a","rkey":"3mptbyplj5d2a""#);
            check(did, "commit", &format!(r#""collection":"{collection}","#), &after, expected);
        };
        commit("stranger", "create", "app.bsky.feed.post", r#","record":{"text":"\u0023atrarium_a1b2c3d4"}"#, Verdict::Pass);
        commit("stranger", "create", "app.bsky.feed.post", r#","record":{"text":"hello"}"#, Verdict::Drop);
        commit("stranger", "create", "net.atrarium.community.membership", "", Verdict::Pass);
        commit("stranger", "delete", "net.atrarium.community.membership", "", Verdict::Pass);
        commit("member", "delete", "app.bsky.feed.post", "", Verdict::Pass);
        commit("stranger", "delete", "app.bsky.feed.post", "", Verdict::Drop);
        commit("member", "update", "app.bsky.feed.post", r#","record":{"text":""}"#, Verdict::Pass);
        commit("member", "create", "app.bsky.feed.post", r#","record":{"text":""}"#, Verdict::Drop);
        commit("member", "delete", "app.bsky.feed.like", "", Verdict::Drop);
        check("member", "account", r#""account":{"active":false},"#, "", Verdict::Pass);
        check("stranger", "account", r#""account":{"active":false},"#, "", Verdict::Drop);
        check("stranger", "identity", "", r#","identity":{"handle":"net.atrarium.example"}"#, Verdict::Identity);
        check("member", "sync", "", r#","sync":{}"#, Verdict::Resync);
        check("stranger", "sync", "", r#","sync":{"rev":"atrarium_"}"#, Verdict::Drop);
    }
}
