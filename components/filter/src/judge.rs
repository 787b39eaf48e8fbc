//! One record, one verdict.
//!
//! A record in a collection that the program doesn't follow is malformed too: the host asks for four, and an answer of
//! any other kind would claim to understand it.

use crate::{
    action,
    bindings::exports::atrarium::filter::records::{Raw, Verdict},
    config,
    fault::Fault,
    limits, membership, post,
};

pub const POST: &str = "app.bsky.feed.post";
pub const CONFIG: &str = "net.atrarium.community.config";
pub const MEMBERSHIP: &str = "net.atrarium.community.membership";
pub const ACTION: &str = "net.atrarium.moderation.action";

/// What the record is, checked against its lexicon.
pub fn judge(raw: &Raw) -> Verdict {
    let verdict = match raw.collection.as_str() {
        POST => post::read(&raw.json).map(|post| match post {
            Some(post) => Verdict::Post(post),
            None => Verdict::Irrelevant,
        }),
        CONFIG => config::read(&raw.json).map(Verdict::Config),
        MEMBERSHIP => membership::read(&raw.json).map(Verdict::Membership),
        ACTION => action::read(&raw.json).map(Verdict::Action),
        _ => Err(Fault::UnknownValue),
    };
    let verdict = match verdict {
        Ok(Verdict::Irrelevant) => Ok(Verdict::Irrelevant),
        // Nobody could hide such a post, join such a community, or follow such an action.
        Ok(_) if uri_bytes(raw) > limits::URI_BYTES => Err(Fault::LongUri),
        judged => judged,
    };
    verdict.unwrap_or_else(|fault| Verdict::Malformed(fault.code().to_owned()))
}

/// How long the record's own AT-URI is.
fn uri_bytes(raw: &Raw) -> usize {
    "at://".len() + raw.did.len() + "/".len() + raw.collection.len() + "/".len() + raw.rkey.len()
}
