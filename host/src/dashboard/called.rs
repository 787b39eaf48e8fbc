//! What people call each other and posts by, and the DIDs and AT-URIs that are meant.
//!
//! ```text
//! did:plc:…   alice.example.com   @alice.example.com   https://bsky.app/profile/alice.example.com  ─▶ a DID
//! at://did:plc:…/app.bsky.feed.post/3l…   at://alice.example.com/…   https://bsky.app/profile/…/post/3l…  ─▶ the post's AT-URI, by DID
//! ```
//!
//! A page's address is that of any app whose paths are the Bluesky app's. Only its path is read; the page is never fetched. A handle is
//! looked up, verified both ways, within five seconds; what has a DID in it costs no request. Whether what is meant exists is not asked here.

use std::time::Duration;

use url::Url;

use super::{Dashboard, Problem};
use crate::event::{Collection, MAX_DID};
use crate::identity::HandleError;
use crate::record::RecordKey;

/// For a handle's way to its DID and back.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest that is looked at: an address with the longest handle and record key.
const MOST: usize = 1_024;

/// The longest record key.
const MAX_RKEY: usize = 512;

/// Somebody, or a post of theirs, as it was called.
#[derive(Debug, PartialEq, Eq)]
struct Called<'a> {
    /// A DID or a handle.
    who: &'a str,
    post: Option<&'a str>,
}

impl Dashboard {
    /// The DID of somebody.
    pub async fn person(&self, called: &str) -> Result<String, Problem> {
        match parts(called) {
            Some(Called { who, post: None }) => self.did(who).await,
            _ => Err(Problem::Unprocessable("a person is called by a handle, as alice.example.com, or by a DID".to_owned())),
        }
    }

    /// The AT-URI of a post.
    pub async fn post_uri(&self, called: &str) -> Result<String, Problem> {
        match parts(called) {
            Some(Called { who, post: Some(rkey) }) => Ok(post_key(self.did(who).await?, rkey).uri()),
            _ => Err(Problem::Unprocessable(
                "a post is called by the address of its page, as https://bsky.app/profile/alice.example.com/post/3mptbyplj5d2a, or by its AT-URI, at://did:plc:…/app.bsky.feed.post/…"
                    .to_owned(),
            )),
        }
    }

    /// The DID or the post's AT-URI that an action is aimed at.
    pub async fn target(&self, called: &str) -> Result<String, Problem> {
        match parts(called) {
            Some(Called { post: Some(_), .. }) => self.post_uri(called).await,
            _ => self.person(called).await,
        }
    }

    async fn did(&self, who: &str) -> Result<String, Problem> {
        if who.starts_with("did:") {
            return Ok(who.to_owned());
        }
        let looked = tokio::time::timeout(PATIENCE, self.parts().resolver.resolve_handle(who)).await;
        looked.map_err(|_| Problem::Late(format!("{who} could not be looked up within {} seconds", PATIENCE.as_secs())))?.map_err(|wrong| match wrong {
            HandleError::Malformed(_) => Problem::Unprocessable(wrong.to_string()),
            _ => Problem::not_found("AccountNotFound", wrong.to_string()),
        })
    }
}

fn post_key(did: String, rkey: &str) -> RecordKey {
    RecordKey { did, collection: Collection::Post, rkey: rkey.to_owned() }
}

fn parts(called: &str) -> Option<Called<'_>> {
    let called = called.trim();
    if called.len() > MOST {
        return None;
    }
    if let Some(rest) = called.strip_prefix("at://") {
        return match rest.split('/').collect::<Vec<_>>()[..] {
            [who] => person(who),
            [who, collection, rkey] if collection == Collection::Post.nsid() => post(who, rkey),
            _ => None,
        };
    }
    if called.starts_with("https://") {
        // What lies behind `?` and `#` concerns the page alone.
        let path = called.split(['?', '#']).next()?.trim_end_matches('/');
        let host_ends = path.get("https://".len()..)?.find('/')? + "https://".len();
        Url::parse(path).ok()?;
        return match path[host_ends + 1..].split('/').collect::<Vec<_>>()[..] {
            ["profile", who] => person(who),
            ["profile", who, "post", rkey] => post(who, rkey),
            _ => None,
        };
    }
    person(called.strip_prefix('@').unwrap_or(called))
}

fn person(who: &str) -> Option<Called<'_>> {
    let is_did = || who.len() <= MAX_DID && atrium_api::types::string::Did::new(who.to_owned()).is_ok();
    let is_handle = || atrium_api::types::string::Handle::new(who.to_owned()).is_ok();
    (is_did() || is_handle()).then_some(Called { who, post: None })
}

fn post<'a>(who: &'a str, rkey: &'a str) -> Option<Called<'a>> {
    let is_key = rkey.len() <= MAX_RKEY && atrium_api::types::string::RecordKey::new(rkey.to_owned()).is_ok();
    person(who).filter(|_| is_key).map(|called| Called { post: Some(rkey), ..called })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    #[test]
    fn people_and_posts_are_called_as_their_pages_are() {
        let check = |called: &str, who: &str, post: Option<&str>| assert_eq!(parts(called), Some(Called { who, post }), "{called}");
        check(DID, DID, None);
        check(&format!("at://{DID}"), DID, None);
        check(" @alice.example.com ", "alice.example.com", None);
        check("https://bsky.app/profile/alice.example.com", "alice.example.com", None);
        check("https://bsky.app/profile/alice.example.com/post/3l2?ref=x#top", "alice.example.com", Some("3l2"));
        check(&format!("https://deer.social/profile/{DID}/post/3l2/"), DID, Some("3l2"));
        check("at://alice.example.com/app.bsky.feed.post/3l2", "alice.example.com", Some("3l2"));
        check(&format!("at://{DID}/app.bsky.feed.post/3l2"), DID, Some("3l2"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = format!("https://bsky.app/profile/alice.example.com/post/{}", "x".repeat(MOST));
        for called in [
            "",
            "@",
            "alice",
            "did:",
            "at://",
            "https://",
            "https://bsky.app",
            "https://bsky.app/",
            "https://bsky.app/profile/",
            "https://bsky.app/profile/a b/post/3l2",
            "https://bsky.app/profile/alice.example.com/post/",
            "https://bsky.app/profile/alice.example.com/post/../x",
            "https://bsky.app/profile/alice.example.com/lists/3l2",
            "http://bsky.app/profile/alice.example.com",
            "at://alice.example.com/app.bsky.feed.like/3l2",
            "at://alice.example.com/app.bsky.feed.post/3l2/x",
            "at://alice.example.com/app.bsky.feed.post/a/b",
            "alice.example.com/post",
            "ä.example.com",
            &long,
        ] {
            assert_eq!(parts(called), None, "{called}");
        }
    }
}
