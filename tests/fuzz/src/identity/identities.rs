//! A DID, the document that somebody gives for it, and the keys in that.
//!
//! The first line is the DID and the rest the document. Where a document is looked for is a host's own name or the directory, never an
//! address or this very machine; what is taken from a document is about that DID, and in the form that the rest of the program expects.

use std::sync::LazyLock;

use atrium_api::types::string::{Did, Handle};
use multibase::Base;
use url::{Host, Url};

use super::did::document_url;
use super::resolver::ResolveError;
use super::{Document, DocumentError, Key};

static PLC: LazyLock<Url> = LazyLock::new(|| Url::parse("https://plc.directory").expect("a URL"));

/// The longest DID that is looked at.
const LONGEST: usize = 300;

pub fn run(bytes: &[u8]) {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (did, document) = bytes.split_at(line);
    let Ok(did) = std::str::from_utf8(did) else { return };
    for allow_private in [false, true] {
        match document_url(did, &PLC, allow_private) {
            Ok(url) => check_url(did, &url, allow_private),
            Err(ResolveError::Unusable { did: named, reason }) => assert!(did.starts_with(&named) && named.chars().count() <= LONGEST && !reason.is_empty()),
        }
    }
    match Document::parse(did, document) {
        Ok(document) => check_document(did, &document),
        Err(DocumentError::Another(other)) => assert!(other != did && other.chars().count() <= 100, "{other:?}"),
        Err(DocumentError::Malformed(_)) => {}
    }
}

fn check_url(did: &str, url: &Url, allow_private: bool) {
    assert!(did.len() <= LONGEST && Did::new(did.to_owned()).is_ok(), "{did:?} is taken for a DID");
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none(), "{url}");
    if did.starts_with("did:plc:") {
        assert_eq!(url.as_str(), format!("https://plc.directory/{did}"));
        return;
    }
    let host = match url.host() {
        Some(Host::Domain(host)) => host,
        other => panic!("{other:?} is asked for {did}"),
    };
    let local = host == "localhost";
    assert!(allow_private || !local, "{url} is this very machine");
    assert_eq!(url.scheme(), if local { "http" } else { "https" });
    assert_eq!(url.path(), "/.well-known/did.json");
    let named = did.strip_prefix("did:web:").expect("the only other method").to_ascii_lowercase();
    let with_port = url.port_or_known_default().map(|port| format!("{host}%3a{port}"));
    assert!(named == host || Some(&named) == with_port.as_ref() || has_same_port(&named, url), "{url} is asked for {did}");
}

/// A port may be written with zeros before it.
fn has_same_port(named: &str, url: &Url) -> bool {
    named.split_once("%3a").is_some_and(|(host, port)| Some(host) == url.host_str() && port.parse().ok() == url.port_or_known_default())
}

fn check_document(did: &str, document: &Document) {
    assert_eq!(document.did, did);
    if let Some(handle) = &document.handle {
        assert!(Handle::new(handle.clone()).is_ok() && !handle.bytes().any(|byte| byte.is_ascii_uppercase()), "{handle:?} is taken for a handle");
    }
    if let Some(pds) = &document.pds {
        assert!(matches!(pds.scheme(), "http" | "https") && pds.has_host() && pds.path() == "/", "{pds} is taken for a server");
        assert!(pds.username().is_empty() && pds.password().is_none() && pds.query().is_none() && pds.fragment().is_none(), "{pds}");
    }
    if let Some(key) = &document.key {
        check_key(key);
    }
}

/// A key that is written out is read back as itself, and has signed nothing by chance.
fn check_key(key: &Key) {
    let (method, bytes) = match key {
        Key::K256(point) => ("Multikey", [&[0xe7, 0x01], point.serialize().as_slice()].concat()),
        Key::P256(point) => ("EcdsaSecp256r1VerificationKey2019", point.to_vec()),
    };
    let text = multibase::encode(Base::Base58Btc, bytes);
    assert_eq!(Key::parse(method, &text).as_ref(), Some(key), "{text}");
    assert!(!key.has_signed(b"nothing of this kind", &[0x11; 64]));
}
