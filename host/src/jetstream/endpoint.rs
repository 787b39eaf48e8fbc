//! Where a Jetstream server is, and what it is asked for.
//!
//! Addresses are checked once, when the configuration is read; from then on an [`Endpoint`] can't be wrong. Its path says which
//! wire is spoken there, so a path that is neither's is refused with a sentence that names both.

use std::{fmt, str::FromStr};

use url::Url;

use crate::event::Collection;

use super::{
    Wire,
    asking::Asking,
    position::Start,
    unpack::{DICTIONARY_V2_ID, MAX_JSON},
};

/// How the path of a v1 stream ends.
const V1_PATH: &str = "/subscribe";

/// And that of a v2 stream.
const V2_PATH: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// The kinds of v2 events that we know.
const KINDS: [&str; 4] = ["commit", "identity", "account", "sync"];

/// A server's stream. Its text is the identity that is stored with a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Scheme `ws` or `wss` (and so a host), the path of a stream of this wire, and nothing more. Both are set in `from_str` alone.
    url: Url,
    wire: Wire,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("`{0}` is no URL: {1}")]
    NotUrl(String, url::ParseError),
    #[error("`{0}` must start with wss:// (or ws:// for a server of your own)")]
    Scheme(String),
    #[error("`{0}` must end with its host, with {V1_PATH} (Jetstream v1) or with {V2_PATH} (v2)")]
    Path(String),
    #[error("`{0}` must have no user, query or fragment: what is asked for is added by the program")]
    Extra(String),
}

impl Endpoint {
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// The URL that asks for everything the program follows.
    pub(super) fn subscription(&self, asking: &Asking) -> Url {
        let mut url = self.url.clone();
        let mut query = url.query_pairs_mut();
        match self.wire {
            Wire::V1 => {
                for collection in Collection::ALL {
                    query.append_pair("wantedCollections", collection.nsid());
                }
                query.append_pair("compress", "true");
            }
            Wire::V2 => {
                for kind in KINDS {
                    query.append_pair("kinds", kind);
                }
                for collection in Collection::ALL {
                    query.append_pair("collections", collection.nsid());
                }
                if asking.compressed {
                    query.append_pair("zstdDictionary", &DICTIONARY_V2_ID.to_string());
                }
            }
        }
        // A message above the WebSocket's own limit would end the connection, and again after every reconnect.
        query.append_pair("maxMessageSizeBytes", &MAX_JSON.to_string());
        let cursor = match asking.start {
            Start::Time(time_us) => time_us,
            Start::Event(mark) => mark.seq,
        };
        query.append_pair("cursor", &cursor.to_string());
        drop(query);
        url
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let wrong = || text.to_owned();
        let mut url = Url::parse(text).map_err(|error| EndpointError::NotUrl(wrong(), error))?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(EndpointError::Scheme(wrong()));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Extra(wrong()));
        }
        if url.path() == "/" {
            url.set_path(V1_PATH);
        }
        let wire = if url.path().ends_with(V1_PATH) {
            Wire::V1
        } else if url.path().ends_with(V2_PATH) {
            Wire::V2
        } else {
            return Err(EndpointError::Path(wrong()));
        };
        Ok(Self { url, wire })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::position::Mark;

    #[test]
    fn an_endpoint_is_a_host_and_the_path_of_a_stream() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let read = Endpoint::from_str(text).map(|endpoint| endpoint.to_string()).map_err(|error| error.to_string());
            match expected {
                Ok(identity) => assert_eq!(read.as_deref(), Ok(identity), "{text}"),
                Err(part) => assert!(read.as_ref().is_err_and(|error| error.contains(part)), "{text}: {read:?}"),
            }
        };
        check("wss://jetstream1.us-east.bsky.network", Ok("wss://jetstream1.us-east.bsky.network/subscribe"));
        check("wss://jetstream1.us-east.bsky.network/", Ok("wss://jetstream1.us-east.bsky.network/subscribe"));
        check("wss://JETSTREAM.example:443/subscribe", Ok("wss://jetstream.example/subscribe"));
        check("ws://127.0.0.1:6008/subscribe", Ok("ws://127.0.0.1:6008/subscribe"));
        check("ws://[::1]:6008", Ok("ws://[::1]:6008/subscribe"));
        check("wss://example.com/jetstream/subscribe", Ok("wss://example.com/jetstream/subscribe"));
        check("jetstream1.us-east.bsky.network", Err("is no URL"));
        check("https://example.com/subscribe", Err("must start with wss://"));
        check("wss://", Err("is no URL"));
        check("wss://example.com/xrpc/network.bsky.jetstream.subscribeEvents", Ok("wss://example.com/xrpc/network.bsky.jetstream.subscribeEvents"));
        check(
            "wss://example.com/behind/xrpc/network.bsky.jetstream.subscribeEvents",
            Ok("wss://example.com/behind/xrpc/network.bsky.jetstream.subscribeEvents"),
        );
        check("wss://example.com/xrpc/network.bsky.jetstream.subscribeevents", Err("(v2)"));
        check("wss://example.com/xrpc/com.atproto.sync.subscribeRepos", Err("(v2)"));
        check("wss://example.com/xrpc/network.bsky.jetstream.subscribeEvents/", Err("(v2)"));
        check("wss://example.com/xrpc/network.bsky.jetstream.subscribeEvents?cursor=1", Err("no user, query"));
        check("wss://me:secret@example.com", Err("no user"));
        check("wss://example.com/subscribe?cursor=1", Err("no user, query"));
        check("", Err("is no URL"));
    }

    #[test]
    fn a_subscription_asks_for_all_that_is_followed() {
        let check = |endpoint: &str, asking: Asking, expected: &str| {
            let endpoint = Endpoint::from_str(endpoint).expect("the rows have endpoints");
            assert_eq!(endpoint.subscription(&asking).as_str(), expected);
        };
        let time = Asking::from(Start::Time(1_783_175_888_085_434));
        check(
            "wss://example.com",
            time,
            "wss://example.com/subscribe?wantedCollections=app.bsky.feed.post\
             &wantedCollections=net.atrarium.community.config&wantedCollections=net.atrarium.community.membership\
             &wantedCollections=net.atrarium.moderation.action&compress=true&maxMessageSizeBytes=4194304\
             &cursor=1783175888085434",
        );
        let v2 = "wss://example.com/xrpc/network.bsky.jetstream.subscribeEvents";
        let what = "kinds=commit&kinds=identity&kinds=account&kinds=sync&collections=app.bsky.feed.post\
             &collections=net.atrarium.community.config&collections=net.atrarium.community.membership\
             &collections=net.atrarium.moderation.action";
        check(v2, time, &format!("{v2}?{what}&zstdDictionary=20260811&maxMessageSizeBytes=4194304&cursor=1783175888085434"));
        let event = Start::Event(Mark { seq: 49_284, time_us: 1_783_175_888_085_434 });
        check(v2, Asking { compressed: false, ..Asking::from(event) }, &format!("{v2}?{what}&maxMessageSizeBytes=4194304&cursor=49284"));
    }
}
