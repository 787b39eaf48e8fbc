//! What a DID document says: the signing key, the user's server, the handle.
//!
//! A document is text from a stranger. It must be about the DID that was asked for; whatever else is wrong in it only makes the part
//! that is concerned be missing. The first entry with the right id decides, as in the reference implementation.

use atrium_api::types::string::Handle;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::key::Key;

/// A DID document, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub did: String,
    /// The account's signing key, `#atproto`.
    pub key: Option<Key>,
    /// The account's server, `#atproto_pds`.
    pub pds: Option<Url>,
    /// The handle that the document claims, in lower case. It is true only if the handle leads back to the DID.
    pub handle: Option<String>,
}

/// Why bytes are no document of a DID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("it is not JSON of the right form: {0}")]
    Malformed(String),
    #[error("it is about {0}")]
    Another(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    id: String,
    #[serde(default)]
    also_known_as: Value,
    #[serde(default)]
    verification_method: Value,
    #[serde(default)]
    service: Value,
}

impl Document {
    /// The document of this DID in these bytes.
    pub fn parse(did: &str, bytes: &[u8]) -> Result<Self, DocumentError> {
        let raw: Raw = serde_json::from_slice(bytes).map_err(|cause| DocumentError::Malformed(cause.to_string()))?;
        if raw.id != did {
            return Err(DocumentError::Another(raw.id.chars().take(100).collect()));
        }
        let method = entry(&raw.verification_method, did, "#atproto");
        let key = method.and_then(|method| Key::parse(method["type"].as_str()?, method["publicKeyMultibase"].as_str()?));
        let service = entry(&raw.service, did, "#atproto_pds").filter(|service| service["type"] == "AtprotoPersonalDataServer");
        let pds = service.and_then(|service| service["serviceEndpoint"].as_str()).and_then(server);
        let names = raw.also_known_as.as_array().into_iter().flatten().filter_map(|name| name.as_str()?.strip_prefix("at://"));
        let handle = names.filter_map(|name| Handle::new(name.to_ascii_lowercase()).ok()).next().map(|handle| handle.as_str().to_owned());
        Ok(Self { did: did.to_owned(), key, pds, handle })
    }
}

/// The first entry with this id, which may have the DID before it.
fn entry<'a>(list: &'a Value, did: &str, fragment: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|entry| entry["id"].as_str().is_some_and(|id| id.strip_prefix(did).unwrap_or(id) == fragment))
}

/// A server's URL, without anything but scheme, host and port.
fn server(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none();
    (plain && url.path() == "/" && url.query().is_none() && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DID: &str = "did:plc:2a7ygipkrbh544aqhcav53oy";
    const KEY: &str = "zQ3shrc8v5X6ZiANcZxA6JerfT2T4SskeCGxpmtDfMuHF9KRj";

    fn parse(document: &Value) -> Result<Document, DocumentError> {
        Document::parse(DID, document.to_string().as_bytes())
    }

    #[test]
    fn every_real_document_is_understood() {
        // Of plc.directory, collected by bluesky-social/jetstream (internal/corpus/testdata, MIT OR Apache-2.0).
        let documents: serde_json::Map<String, Value> = serde_json::from_str(include_str!("../../data/identity/did-docs.json")).expect("they are JSON");
        assert_eq!(documents.len(), 50);
        for (did, document) in &documents {
            let parsed = Document::parse(did, document.to_string().as_bytes()).unwrap_or_else(|cause| panic!("{did}: {cause}"));
            assert!(parsed.key.is_some() && parsed.pds.is_some() && parsed.handle.is_some(), "{parsed:?}");
            assert!(matches!(Document::parse(DID, document.to_string().as_bytes()), Err(DocumentError::Another(_))) || did == DID);
        }
    }

    #[test]
    fn the_right_entries_are_found() {
        let document = json!({
            "id": DID,
            "alsoKnownAs": ["https://example.com", 5, "at://no handle", "at://Alice.Example.COM", "at://bob.example.com"],
            "verificationMethod": [
                { "id": "#other", "type": "Multikey", "publicKeyMultibase": "x" },
                { "id": format!("did:plc:ewvi7nxzyoun6zhxrhs64oiz#atproto"), "type": "Multikey", "publicKeyMultibase": "x" },
                { "id": "#atproto", "type": "Multikey", "publicKeyMultibase": KEY },
                { "id": "#atproto", "type": "Multikey", "publicKeyMultibase": "x" },
            ],
            "service": [
                7,
                { "id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": "https://labels.example.com" },
                { "id": format!("{DID}#atproto_pds"), "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com" },
            ],
        });
        let parsed = parse(&document).expect("a document");
        assert_eq!(parsed.handle.as_deref(), Some("alice.example.com"));
        assert_eq!(parsed.pds.as_ref().map(Url::as_str), Some("https://pds.example.com/"));
        assert_eq!(parsed.key, Key::parse("Multikey", KEY));
        assert!(parsed.key.is_some());
    }

    #[test]
    fn what_is_wrong_in_a_document_is_missing() {
        let check = |field: &str, value: Value| {
            let mut document = json!({ "id": DID });
            document[field] = value;
            let nothing = Document { did: DID.to_owned(), key: None, pds: None, handle: None };
            assert_eq!(parse(&document), Ok(nothing), "{document}");
        };
        let key = |id: &str, of_type: Value, key: Value| json!([{ "id": id, "type": of_type, "publicKeyMultibase": key }]);
        check("verificationMethod", json!(null));
        check("verificationMethod", json!({ "id": "#atproto" }));
        check("verificationMethod", json!([[], null, { "id": 5 }]));
        check("verificationMethod", key("#atproto", json!("Multikey"), json!(null)));
        check("verificationMethod", key("#atproto", json!(["Multikey"]), json!(KEY)));
        check("verificationMethod", key("#atproto2", json!("Multikey"), json!(KEY)));
        check("verificationMethod", key("atproto", json!("Multikey"), json!(KEY)));
        check("verificationMethod", key(&format!("{DID}{DID}#atproto"), json!("Multikey"), json!(KEY)));
        let pds = |of_type: &str, url: Value| json!([{ "id": "#atproto_pds", "type": of_type, "serviceEndpoint": url }]);
        check("service", pds("AtprotoLabeler", json!("https://pds.example.com")));
        for url in ["", "pds.example.com", "ftp://pds.example.com", "https://", "https://me@pds.example.com", "https://pds.example.com/a", "https://a.b/?c"] {
            check("service", pds("AtprotoPersonalDataServer", json!(url)));
        }
        check("service", pds("AtprotoPersonalDataServer", json!({ "a": "https://pds.example.com" })));
        check("alsoKnownAs", json!(["alice.example.com", "at://", "at://did:plc:a", "at://-.x"]));
    }

    #[test]
    fn what_is_no_document_is_told() {
        for bytes in
            ["", "null", "[]", "{}", "{\"id\":5}", &format!("{{\"id\":\"{DID}\""), &format!("{{\"id\":\"{DID}\",\"id\":\"{DID}\"}}"), &"[".repeat(60_000)]
        {
            assert!(matches!(Document::parse(DID, bytes.as_bytes()), Err(DocumentError::Malformed(_))), "{bytes:.40}");
        }
        assert!(matches!(parse(&json!({ "id": format!("{DID}#") })), Err(DocumentError::Another(_))));
    }
}
