//! The query of `getFeedSkeleton`: a feed's URI, a limit and a cursor.
//!
//! What is taken obeys the lexicon's bounds, and means the same to the reader of forms that all browsers and servers follow. A refusal
//! is a sentence of bounded length.

use std::cell::RefCell;

use atrium_api::types::string::{Did, RecordKey};
use hyper::body::Bytes;
use url::form_urlencoded;

use super::public::FeedSource;
use super::query::parameters;
use super::reply::Fault;
use super::skeleton::{asked, page};
use crate::feed::{FeedError, Request};

const NAMES: [&str; 3] = ["feed", "limit", "cursor"];

pub fn run(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    let values = parameters(query, NAMES);
    if let Ok(values) = &values {
        for (name, value) in NAMES.iter().zip(values) {
            let plain = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value);
            assert_eq!(*value, plain, "another reader takes {name} for something else");
        }
    }
    match asked(query) {
        Ok(asked) => {
            let spy = Spy::default();
            assert!(page(&spy, &asked, None).is_ok());
            let Some((owner, rkey, limit, cursor)) = spy.0.into_inner() else { panic!("the feed wasn't asked") };
            let [feed, limit_text, cursor_text] = values.expect("what is asked for was read");
            assert_eq!(feed.as_deref(), Some(format!("at://{owner}/app.bsky.feed.generator/{rkey}").as_str()));
            assert!(Did::new(owner.clone()).is_ok() && owner.len() <= 2_048, "{owner:?} is taken for a DID");
            assert!(RecordKey::new(rkey.clone()).is_ok() && rkey.len() <= 512, "{rkey:?} is taken for a record key");
            assert!((1..=100).contains(&limit), "a limit of {limit}");
            assert_eq!(limit_text.map_or(Ok(50), |text| text.parse()), Ok(limit));
            assert_eq!(cursor.as_deref(), cursor_text.as_deref().filter(|text| !text.is_empty()));
        }
        Err(Fault::InvalidRequest(sentence)) => assert!((1..200).contains(&sentence.len()), "{sentence:?}"),
        Err(other) => panic!("a query can't be {other:?}"),
    }
}

/// Notes what the feed is asked for.
#[derive(Default)]
struct Spy(RefCell<Option<Noted>>);

/// Owner, record key, limit and cursor.
type Noted = (String, String, u32, Option<String>);

impl FeedSource for Spy {
    fn skeleton(&self, request: &Request<'_>) -> Result<Bytes, FeedError> {
        assert_eq!(request.viewer, None);
        let asked = (request.owner.to_owned(), request.rkey.to_owned(), request.limit, request.cursor.map(str::to_owned));
        *self.0.borrow_mut() = Some(asked);
        Ok(Bytes::new())
    }
}
