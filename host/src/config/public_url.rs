//! The origin under which the world sees this host, and the did:web that follows from it.
//!
//! ```text
//! https://feeds.example.org        did:web:feeds.example.org
//! http://localhost:3000            did:web:localhost%3A3000
//! ```
//!
//! Never asks DNS whether the host exists. IP addresses, IPv6 or IPv4, are refused: the did:web method forbids them, so no
//! peer would accept the DID. Anything but an origin is refused too, because a did:web with a path is of no use to a feed.

use url::{Host, Url};

/// An http or https origin whose host can stand in a did:web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Scheme, host, and the port unless it is the scheme's own; no slash at the end. `parse` sets it.
    origin: String,
    /// `parse` sets it.
    did: String,
}

impl PublicUrl {
    /// The origin in this text, or what the text would have to be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "a URL such as https://feeds.example.org")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("a URL that begins with https:// (or http://)");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL without a user and password");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("an origin alone, without path, query or fragment, such as https://feeds.example.org");
        }
        let host = match url.host() {
            Some(Host::Domain(host)) => host,
            _ => {
                return Err("a host name instead of an IP address, which did:web forbids (http://localhost:3000 will do for trying things out)");
            }
        };
        if !host.split('.').all(is_label) {
            return Err("a host name of letters, digits, hyphens and single dots");
        }
        let (port, did_port) = match url.port() {
            Some(port) => (format!(":{port}"), format!("%3A{port}")),
            None => (String::new(), String::new()),
        };
        Ok(Self { origin: format!("{}://{host}{port}", url.scheme()), did: format!("did:web:{host}{did_port}") })
    }

    /// `did:web:<host>`, with the port percent-encoded as `%3A<port>` unless it is the scheme's own.
    pub fn service_did(&self) -> &str {
        &self.did
    }

    /// The port, if this is plain http on this very machine: a place to try things out, which nobody else can reach.
    pub fn loopback_port(&self) -> Option<u16> {
        let host = self.origin.strip_prefix("http://")?;
        let (host, port) = host.split_once(':').unwrap_or((host, "80"));
        (host == "localhost" || host.ends_with(".localhost")).then(|| port.parse().ok())?
    }

    /// Why other servers won't deal with a host of this name, and what to do, if so. A private network may do with it.
    pub fn trouble(&self) -> Option<&'static str> {
        let host = self.origin.strip_prefix("https://");
        match host {
            _ if self.loopback_port().is_some() => None,
            None => Some(
                "nobody can sign in by OAuth, whose clients have https names, and no AppView looks the service up: use https, by a proxy in front if need be",
            ),
            Some(host) if host.contains(':') => Some(
                "AT Protocol knows did:web with a port on localhost alone, and servers may refuse an OAuth client with one: use port 443, by a proxy in front if need be",
            ),
            Some(_) => None,
        }
    }

    /// The service endpoint of the DID document: the origin, without a slash at the end.
    pub fn endpoint(&self) -> &str {
        &self.origin
    }
}

/// Whether this is one label of a host name (RFC 1123), in the lower case that `Url` gives.
fn is_label(label: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = label.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}
