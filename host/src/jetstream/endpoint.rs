//! Where a Jetstream server is, and what it is asked for.
//!
//! Addresses are checked once, when the configuration is read; from then on an [`Endpoint`] can't be wrong. Only the v1 wire is
//! spoken, so the path of any other is refused with a sentence that says so.

use std::{fmt, str::FromStr};

use url::Url;

use crate::event::Collection;

use super::unpack::MAX_JSON;

/// A server's `/subscribe`. Its text is the identity that is stored with a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(
    /// Scheme `ws` or `wss` (and so a host), a path that ends in `/subscribe`, and nothing more. Set in `from_str` alone.
    Url,
);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("`{0}` is no URL: {1}")]
    NotUrl(String, url::ParseError),
    #[error("`{0}` must start with wss:// (or ws:// for a server of your own)")]
    Scheme(String),
    #[error("`{0}` must end with its host or with /subscribe: only Jetstream's v1 wire is spoken")]
    Path(String),
    #[error("`{0}` must have no user, query or fragment: what is asked for is added by the program")]
    Extra(String),
}

impl Endpoint {
    /// The URL that asks for everything the program follows, from `cursor_us` on.
    pub(super) fn subscription(&self, cursor_us: u64) -> Url {
        let mut url = self.0.clone();
        let mut query = url.query_pairs_mut();
        for collection in Collection::ALL {
            query.append_pair("wantedCollections", collection.nsid());
        }
        query.append_pair("compress", "true");
        // A message above the WebSocket's own limit would end the connection, and again after every reconnect.
        query.append_pair("maxMessageSizeBytes", &MAX_JSON.to_string());
        query.append_pair("cursor", &cursor_us.to_string());
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
            url.set_path("/subscribe");
        }
        if !url.path().ends_with("/subscribe") {
            return Err(EndpointError::Path(wrong()));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_subscribe() {
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
        check("wss://example.com/xrpc/network.bsky.jetstream.subscribeEvents", Err("v1 wire"));
        check("wss://me:secret@example.com", Err("no user"));
        check("wss://example.com/subscribe?cursor=1", Err("no user, query"));
        check("", Err("is no URL"));
    }

    #[test]
    fn a_subscription_asks_for_all_that_is_followed() {
        let endpoint = Endpoint::from_str("wss://example.com").expect("a host is an endpoint");
        assert_eq!(
            endpoint.subscription(1_783_175_888_085_434).as_str(),
            "wss://example.com/subscribe?wantedCollections=app.bsky.feed.post\
             &wantedCollections=net.atrarium.community.config&wantedCollections=net.atrarium.community.membership\
             &wantedCollections=net.atrarium.moderation.action&compress=true&maxMessageSizeBytes=4194304\
             &cursor=1783175888085434"
        );
    }
}
