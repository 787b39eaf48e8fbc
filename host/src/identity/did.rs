//! Where the document of a DID is found.
//!
//! ```text
//! did:plc:<24 letters of base32>     <plc-url>/<did>
//! did:web:example.com                https://example.com/.well-known/did.json
//! did:web:localhost%3A3000           http://localhost:3000/.well-known/did.json     with --allow-private-network
//! ```
//!
//! A did:web with a path, an IP address or a user in it is none of AT Protocol's. Asks nobody.

use atrium_api::types::string::Did;
use url::{Host, Url};

use super::resolver::ResolveError;

/// The longest DID that is looked at. The specification allows 2,048; those that exist have 32, or a host name.
const LONGEST: usize = 300;

/// Where this DID's document is found.
pub(super) fn document_url(did: &str, plc: &Url, allow_private: bool) -> Result<Url, ResolveError> {
    let unusable = |reason| ResolveError::Unusable { did: did.chars().take(LONGEST).collect(), reason };
    if did.len() > LONGEST || Did::new(did.to_owned()).is_err() {
        return Err(unusable("it is no DID"));
    }
    if let Some(name) = did.strip_prefix("did:plc:") {
        let is_plc = name.len() == 24 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
        let url = format!("{}/{did}", plc.as_str().trim_end_matches('/'));
        return if is_plc { Url::parse(&url).map_err(|_| unusable("the directory's URL can't be used")) } else { Err(unusable("it is no did:plc")) };
    }
    let Some(host) = did.strip_prefix("did:web:") else { return Err(unusable("only did:plc and did:web are known")) };
    let (name, port) = match host.split_once("%3A").or_else(|| host.split_once("%3a")) {
        Some((name, port)) => (name, Some(port.parse::<u16>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit())))),
        None => (host, None),
    };
    if port == Some(None) || name.contains(['%', ':']) {
        return Err(unusable("a did:web is a host name and no more"));
    }
    let url = Url::parse(&format!("https://{name}/.well-known/did.json")).ok();
    let Some(mut url) = url.filter(|url| matches!(url.host(), Some(Host::Domain(host)) if host.eq_ignore_ascii_case(name) && is_name(host))) else {
        return Err(unusable("a did:web is a host name and no more"));
    };
    let local = url.host_str() == Some("localhost");
    if local && !allow_private {
        return Err(unusable("localhost is for private networks"));
    }
    if local && url.set_scheme("http").is_err() || url.set_port(port.flatten()).is_err() {
        return Err(unusable("a did:web is a host name and no more"));
    }
    Ok(url)
}

/// Letters, digits and hyphens between single dots.
fn is_name(host: &str) -> bool {
    host.split('.').all(|label| {
        let bytes = label.as_bytes();
        !bytes.is_empty() && bytes.len() <= 63 && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_did_names_where_its_document_is() {
        let check = |did: &str, private: bool, expected: Option<&str>| {
            let plc = "https://plc.directory".parse().expect("a URL");
            assert_eq!(document_url(did, &plc, private).ok().as_ref().map(Url::as_str), expected, "{did} {private}");
        };
        check("did:plc:ewvi7nxzyoun6zhxrhs64oiz", false, Some("https://plc.directory/did:plc:ewvi7nxzyoun6zhxrhs64oiz"));
        check("did:web:example.com", false, Some("https://example.com/.well-known/did.json"));
        check("did:web:a-b.example.com%3A8443", false, Some("https://a-b.example.com:8443/.well-known/did.json"));
        check("did:web:localhost%3A3000", true, Some("http://localhost:3000/.well-known/did.json"));
        check("did:web:localhost", true, Some("http://localhost/.well-known/did.json"));
        check("did:web:localhost%3A3000", false, None);
        for refused in [
            "",
            "did:plc:",
            "did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ",
            "did:plc:ewvi7nxzyoun6zhxrhs64oi1",
            "did:plc:ewvi7nxzyoun6zhxrhs64oi",
            "did:plc:ewvi7nxzyoun6zhxrhs64oizz",
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz/..",
            "did:plc:../../../../../../../../",
            "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
            "did:web:",
            "did:web:example.com:u:alice",
            "did:web:example.com%2Fpath",
            "did:web:example.com%3Fa",
            "did:web:me%40example.com",
            "did:web:example.com%3A",
            "did:web:example.com%3A99999",
            "did:web:example.com%3A80%3A80",
            "did:web:example.com%3A+80",
            "did:web:127.0.0.1",
            "did:web:127.0.0.1%3A8080",
            "did:web:2130706433",
            "did:web:0x7f.1",
            "did:web:%5B%3A%3A1%5D",
            "did:web:a..b",
            "did:web:.example.com",
            "did:web:example.com.",
            "did:web:exa_mple.com",
            &format!("did:web:{}.com", "a.".repeat(200)),
        ] {
            check(refused, true, None);
        }
    }

    #[test]
    fn a_directory_may_lie_under_a_path() {
        let plc = "http://localhost:2582/plc/".parse().expect("a URL");
        let url = document_url("did:plc:ewvi7nxzyoun6zhxrhs64oiz", &plc, true).expect("a DID");
        assert_eq!(url.as_str(), "http://localhost:2582/plc/did:plc:ewvi7nxzyoun6zhxrhs64oiz");
    }
}
