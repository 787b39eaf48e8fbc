//! DPoP (RFC 9449): each request proves that who makes it holds the key that the token is bound to.
//!
//! ```text
//! {"typ":"dpop+jwt","alg":"ES256","jwk"} . {"jti","htm","htu","iat","nonce"?,"ath"?}
//! ```
//!
//! `htu` is the request's URL without query and fragment; `ath` the hash of the access token, at the user's server. A server hands out
//! a nonce that the next proof must have, and changes it every few minutes: the newest of each origin is kept, and a request that was
//! refused for want of it is made once more.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::sync::Cache;
use ring::digest;
use serde::Serialize;
use url::Url;

use super::key::SigningKey;
use crate::outbound::{Client, Limits, OutboundError, Request, Response};
use crate::session::secret::token;

/// Servers whose nonce is remembered.
const SERVERS: u64 = 10_000;

/// The longest nonce that is given back.
const LONGEST: usize = 512;

/// The newest nonce of each origin.
#[derive(Debug)]
pub(super) struct Nonces(Cache<String, String>);

impl Nonces {
    pub(super) fn new() -> Self {
        Self(Cache::new(SERVERS))
    }

    pub(super) fn of(&self, url: &Url) -> Option<String> {
        self.0.get(&url.origin().ascii_serialization())
    }

    /// Keeps the nonce that came with an answer.
    pub(super) fn note(&self, url: &Url, response: &Response) {
        let nonce = response.header("dpop-nonce").filter(|nonce| !nonce.is_empty() && nonce.len() <= LONGEST);
        if let Some(nonce) = nonce {
            self.0.insert(url.origin().ascii_serialization(), nonce.to_owned());
        }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: String,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

/// A proof for one request, good for a moment.
pub(super) fn proof(key: &SigningKey, method: &str, url: &Url, nonce: Option<String>, access: Option<&str>, now_ms: i64) -> String {
    let mut htu = url.clone();
    htu.set_query(None);
    htu.set_fragment(None);
    let ath = access.map(|access| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, access.as_bytes())));
    let claims = Claims { jti: token(), htm: method, htu: htu.into(), iat: now_ms.div_euclid(1_000), nonce, ath };
    key.sign(&claims, |header| {
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(key.public());
    })
}

/// Makes a request at a user's server with a token that is bound to the key.
pub(super) async fn send(
    client: &Client,
    nonces: &Nonces,
    key: &SigningKey,
    access: &str,
    request: Request,
    limits: Limits,
    now_ms: i64,
) -> Result<Response, OutboundError> {
    let url = request.url().clone();
    let with_proof = || {
        let proof = proof(key, request.method(), &url, nonces.of(&url), Some(access), now_ms);
        request.clone().header("authorization", &format!("DPoP {access}")).header("dpop", &proof)
    };
    let response = client.send(with_proof(), limits).await?;
    nonces.note(&url, &response);
    if !wants_nonce(&response) {
        return Ok(response);
    }
    let response = client.send(with_proof(), limits).await?;
    nonces.note(&url, &response);
    Ok(response)
}

/// Whether a user's server refused a proof for want of its nonce.
fn wants_nonce(response: &Response) -> bool {
    response.status() == 401 && response.header("www-authenticate").is_some_and(|challenge| challenge.contains("use_dpop_nonce"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_proof_is_for_one_request_and_by_the_key_that_it_shows() {
        let key = SigningKey::from_pkcs8(&SigningKey::make()).expect("a new key");
        let url = Url::parse("https://pds.example.org:8443/xrpc/com.atproto.repo.getRecord?repo=did:plc:a&rkey=b#c").expect("a URL");
        let made = proof(&key, "GET", &url, Some("n".to_owned()), Some("token"), 1_795_176_000_999);
        let header = decode_header(&made).expect("a JWT");
        assert_eq!((header.typ.as_deref(), header.alg), (Some("dpop+jwt"), Algorithm::ES256));
        let shown = header.jwk.expect("the key is shown");
        let fields = serde_json::to_value(&shown).expect("a JWK is JSON");
        let mut names: Vec<_> = fields.as_object().expect("an object").keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["crv", "kty", "x", "y"], "the public half alone");
        let mut rules = Validation::new(Algorithm::ES256);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        let claims = decode::<Value>(&made, &DecodingKey::from_jwk(&shown).expect("a key"), &rules).expect("it is signed by it").claims;
        assert_eq!(claims["htu"], "https://pds.example.org:8443/xrpc/com.atproto.repo.getRecord");
        assert_eq!((&claims["htm"], &claims["nonce"], claims["iat"].as_i64()), (&Value::from("GET"), &Value::from("n"), Some(1_795_176_000)));
        // echo -n token | sha256sum
        assert_eq!(claims["ath"], "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A");
        let plain = proof(&key, "POST", &url, None, None, 0);
        let claims = decode::<Value>(&plain, &DecodingKey::from_jwk(&shown).expect("a key"), &rules).expect("it is signed by it").claims;
        assert!(claims.get("nonce").is_none() && claims.get("ath").is_none());
        assert_ne!(proof(&key, "POST", &url, None, None, 0), plain, "each has a name of its own");
    }
}
