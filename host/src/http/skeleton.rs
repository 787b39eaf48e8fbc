//! `app.bsky.feed.getFeedSkeleton`: from a query to a page.
//!
//! Checks the text once and hands the feed typed parts; what order the posts come in is not its business. Every refusal tells which
//! parameter is wrong. The answer's JSON comes from the feed as bytes and is passed on untouched.

use std::borrow::Cow;

use atrium_api::types::string::{Did, RecordKey};
use hyper::body::Bytes;

use super::public::FeedSource;
use super::query::parameters;
use super::reply::Fault;
use crate::feed::{FeedError, Request};

pub(super) const METHOD: &str = "app.bsky.feed.getFeedSkeleton";

const GENERATOR: &str = "app.bsky.feed.generator";

/// The lexicon's default and bounds.
const DEFAULT_LIMIT: u32 = 50;
const LARGEST_LIMIT: u32 = 100;

/// What a query asks for.
pub(super) struct Asked {
    pub(super) owner: String,
    pub(super) rkey: String,
    limit: u32,
    cursor: Option<String>,
}

/// What this query asks for.
pub(super) fn asked(query: &str) -> Result<Asked, Fault> {
    let [feed, limit, cursor] = parameters(query, ["feed", "limit", "cursor"])?;
    let feed = feed.ok_or(Fault::InvalidRequest(Cow::Borrowed("parameter \"feed\" is missing")))?;
    let (owner, rkey) = generator(&feed)?;
    let limit = limit.map_or(Ok(DEFAULT_LIMIT), |text| parse_limit(&text))?;
    // Clients that have no cursor yet often send an empty one.
    let cursor = cursor.filter(|cursor| !cursor.is_empty()).map(Cow::into_owned);
    Ok(Asked { owner: owner.to_owned(), rkey: rkey.to_owned(), limit, cursor })
}

/// The page that was asked for, for this reader.
pub(super) fn page(feeds: &impl FeedSource, asked: &Asked, viewer: Option<&str>) -> Result<Bytes, Fault> {
    let Asked { owner, rkey, limit, cursor } = asked;
    let request = Request { owner, rkey, limit: *limit, cursor: cursor.as_deref(), viewer };
    feeds.skeleton(&request).map_err(fault)
}

/// The owner and the record key in a feed's URI.
fn generator(uri: &str) -> Result<(&str, &str), Fault> {
    let malformed = || Fault::invalid("parameter \"feed\" must be at://<did>/app.bsky.feed.generator/<rkey>");
    let path = uri.strip_prefix("at://").ok_or_else(malformed)?;
    let mut parts = path.splitn(3, '/');
    let (Some(owner), Some(collection), Some(rkey)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    if Did::new(owner.to_owned()).is_err() {
        return Err(Fault::invalid("the authority of \"feed\" must be a DID"));
    }
    if collection != GENERATOR {
        return Err(Fault::invalid("the collection of \"feed\" must be app.bsky.feed.generator"));
    }
    if RecordKey::new(rkey.to_owned()).is_err() {
        return Err(malformed());
    }
    Ok((owner, rkey))
}

/// Digits alone: `parse` would take a sign.
fn parse_limit(text: &str) -> Result<u32, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = digits.then(|| text.parse().ok()).flatten();
    limit.filter(|limit| (1..=LARGEST_LIMIT).contains(limit)).ok_or_else(|| Fault::invalid("parameter \"limit\" must be a whole number from 1 to 100"))
}

/// What the caller may know of a feed's error; the log has the rest.
pub(super) fn fault(error: FeedError) -> Fault {
    match error {
        FeedError::UnknownFeed => Fault::UnknownFeed,
        FeedError::BadCursor(reason) => Fault::invalid(reason),
        FeedError::Unavailable(reason) => {
            super::public::warn_unavailable(&reason);
            Fault::Unavailable
        }
    }
}
