//! Which frames are worth parsing: a search over raw bytes, before any JSON is read.
//!
//! Of the whole network's events all but a few thousandths end here, so what counts is the price of a frame that is dropped.
//! False alarms are cheap and welcome (the decoder and the filter look closer); a frame dropped in error is lost. `#` isn't
//! searched for: JSON may escape it, and tag facets don't have it. No encoder escapes letters, `_` or `.`.

use std::borrow::Cow;

use memchr::memmem::Finder;
use serde::Deserialize;

use crate::event::Collection;

use super::{
    header::{Header, Kind},
    known::KnownDids,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be an event for the queue.
    Pass,
    /// It says that an account's handle or document has changed. Not for the queue.
    Identity,
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
    pub(super) fn judge(&self, frame: &[u8], header: &Header<'_>, known: &KnownDids) -> Verdict {
        if header.kind == Kind::Identity {
            return Verdict::Identity;
        }
        if self.names_us(frame) {
            return Verdict::Pass;
        }
        let passes = match header.kind {
            Kind::Account => known.contains(&header.did),
            Kind::Commit => !is_usual_create(header.rest) && known.contains(&header.did) && changes_a_post(frame),
            Kind::Identity | Kind::Other => false,
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

/// Whether a commit goes on, after its header, as all creations do. That is nine of ten commits, and neither the parser nor the
/// set of known accounts, whose memory is far away, need be troubled with them.
fn is_usual_create(rest: &[u8]) -> bool {
    const REV: usize = 13;
    rest.strip_prefix(br#","commit":{"rev":""#).and_then(|rest| rest.get(REV..)).is_some_and(|rest| rest.starts_with(br#"","operation":"create""#))
}

/// Whether this commit may update or delete a post. One that is created without our hashtag doesn't concern us.
fn changes_a_post(frame: &[u8]) -> bool {
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
        // The decoder refuses it, and says why.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::header;

    fn judge(frame: &str) -> Verdict {
        let known = KnownDids::from_iter(["did:plc:member"]);
        let header = header::read(frame.as_bytes()).expect("the rows have headers");
        Prefilter::new().judge(frame.as_bytes(), &header, &known)
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
}
