//! From a handle to a DID and back.
//!
//! ```text
//! alice.example.com ─▶ TXT _atproto.alice.example.com           did=did:plc:…         (or --handle-resolver, instead of both)
//!                   └▶ https://alice.example.com/.well-known/atproto-did
//!                           │
//!                           ▼
//!                      the DID's document ─▶ alsoKnownAs at://alice.example.com
//! ```
//!
//! A handle counts only if its document claims it too: anybody can point a name of theirs at another's DID, and claim another's name
//! in a document of theirs. Nothing is cached but the documents; whoever asks does so because a person typed a name.

use std::time::Duration;

use atrium_api::types::string::{Did, Handle};
use serde::Deserialize;
use url::Url;

use super::resolver::{Inner, ResolveError, Resolver};
use crate::outbound::{Limits, OutboundError};

/// A DID, and the blanks around it.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(5), body: 4 << 10 };

/// Names that nobody owns in public. `test` is for private networks.
const RESERVED: &[&str] = &["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion"];

/// Why a handle leads to nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// For good.
    #[error("{0:?} is no handle")]
    Malformed(String),
    /// Neither DNS nor the host names a DID, or the resolver doesn't.
    #[error("{handle} leads to no DID: {cause}")]
    Unknown { handle: String, cause: String },
    /// There are several, and no way to tell which.
    #[error("{0} has more than one DID in DNS")]
    Ambiguous(String),
    #[error("{handle} leads to {did}, whose document does not claim it")]
    Unconfirmed { handle: String, did: String },
    #[error("{handle} leads to {did}: {cause}")]
    Unresolved { handle: String, did: String, cause: Box<ResolveError> },
}

#[derive(Deserialize)]
struct Resolved {
    did: String,
}

impl Resolver {
    /// The DID of this handle, verified both ways.
    pub async fn resolve_handle(&self, handle: &str) -> Result<String, HandleError> {
        let private = self.inner().client.policy().allow_private;
        let handle = normalised(handle, private).ok_or_else(|| HandleError::Malformed(handle.chars().take(253).collect()))?;
        let did = match &self.inner().settings.handle_resolver {
            Some(resolver) => self.inner().ask_resolver(resolver, &handle).await?,
            None => self.inner().ask_around(&handle).await?,
        };
        match self.resolve(&did).await {
            Ok(document) if document.handle.as_ref() == Some(&handle) => Ok(did),
            Ok(_) => Err(HandleError::Unconfirmed { handle, did }),
            Err(cause) => Err(HandleError::Unresolved { handle, did, cause: Box::new(cause) }),
        }
    }
}

impl Inner {
    async fn ask_around(&self, handle: &str) -> Result<String, HandleError> {
        let in_dns = match self.dns.txt(&format!("_atproto.{handle}")).await {
            Ok(texts) => did_of_texts(handle, &texts)?.ok_or_else(|| "there is no TXT record".to_owned()),
            Err(cause) => Err(cause),
        };
        let no_record = match in_dns {
            Ok(did) => return Ok(did),
            Err(cause) => cause,
        };
        let url = format!("https://{handle}/.well-known/atproto-did");
        let answer = match Url::parse(&url) {
            Ok(url) => self.client.get(&url, LIMITS).await.and_then(|answer| answer.ok()).map_err(|cause| cause.to_string()),
            Err(cause) => Err(cause.to_string()),
        };
        let did = answer.and_then(|answer| did_of_page(&answer.body).ok_or_else(|| "its host names no DID".to_owned()));
        did.map_err(|cause| HandleError::Unknown { handle: handle.to_owned(), cause: format!("{no_record}; {cause}") })
    }

    async fn ask_resolver(&self, resolver: &Url, handle: &str) -> Result<String, HandleError> {
        let unknown = |cause: String| HandleError::Unknown { handle: handle.to_owned(), cause };
        let mut url = resolver.clone();
        url.set_path(&format!("{}/xrpc/com.atproto.identity.resolveHandle", resolver.path().trim_end_matches('/')));
        url.query_pairs_mut().append_pair("handle", handle);
        let answer = self.client.get(&url, LIMITS).await.and_then(|answer| answer.ok()?.json::<Resolved>());
        let did = answer.map_err(|cause: OutboundError| unknown(cause.to_string()))?.did;
        if Did::new(did.clone()).is_ok() { Ok(did) } else { Err(unknown("the resolver's answer is no DID".to_owned())) }
    }
}

/// The handle in lower case, if it is one that may be asked for.
fn normalised(text: &str, private: bool) -> Option<String> {
    let handle = text.to_ascii_lowercase();
    Handle::new(handle.clone()).ok()?;
    let last = handle.rsplit('.').next()?;
    let reserved = RESERVED.contains(&last) || last == "test" && !private;
    (!reserved).then_some(handle)
}

/// The one DID in these TXT records.
fn did_of_texts(handle: &str, texts: &[String]) -> Result<Option<String>, HandleError> {
    let mut dids = texts.iter().filter_map(|text| text.strip_prefix("did=")).filter(|did| Did::new((*did).to_owned()).is_ok());
    let first = dids.next();
    match dids.all(|did| Some(did) == first) {
        true => Ok(first.map(str::to_owned)),
        false => Err(HandleError::Ambiguous(handle.to_owned())),
    }
}

/// The DID that a handle's host gives.
fn did_of_page(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    Did::new(text.to_owned()).ok().map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_handles_that_somebody_can_own_are_asked_for() {
        let check = |text: &str, private: bool, expected: Option<&str>| assert_eq!(normalised(text, private).as_deref(), expected, "{text}");
        check("alice.example.com", false, Some("alice.example.com"));
        check("ALICE.Example.Com", false, Some("alice.example.com"));
        check("alice.test", true, Some("alice.test"));
        check("alice.test", false, None);
        for refused in
            ["", "alice", "alice.example", "a.local", "a.localhost", "a.onion", "a.internal", "a.arpa", "a.b.invalid", "127.0.0.1", "a..com", "@a.com"]
        {
            check(refused, true, None);
        }
        check("alice.example.com.", true, None);
        check("alice.example.com/x", true, None);
        check("alice.example.com:80", true, None);
        check(&format!("{}.com", "a.".repeat(200)), true, None);
    }

    #[test]
    fn one_did_is_taken_from_dns() {
        const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
        let check = |texts: &[&str], expected: Result<Option<&str>, ()>| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            assert_eq!(did_of_texts("a.com", &texts).map_err(drop), expected.map(|did| did.map(str::to_owned)), "{texts:?}");
        };
        check(&[], Ok(None));
        check(&["v=spf1 -all", "did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did=", "did=x", "DID=did:plc:a"], Ok(None));
        check(&["v=spf1 -all", "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz"], Ok(Some(DID)));
        check(&["did=did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz"], Ok(Some(DID)));
        check(&["did=did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"], Err(()));
    }

    #[test]
    fn a_page_is_a_did_and_no_more() {
        assert_eq!(did_of_page(b" did:web:example.com\r\n").as_deref(), Some("did:web:example.com"));
        for page in [&b""[..], b"<!doctype html>", b"did:web:a.com did:web:b.com", b"\xff", b"alice.example.com"] {
            assert_eq!(did_of_page(page), None, "{page:?}");
        }
    }
}
