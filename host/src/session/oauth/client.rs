//! What we are to the users' servers: an OAuth client, with a name under which anybody finds what we say of ourselves.
//!
//! * With a public URL of https we are a *confidential* client: the name is the URL of our metadata, and a signature by our own key
//!   goes with each request for tokens. The key is made once and lies sealed in state.redb.
//! * On this machine alone (`http://localhost:…`) nobody could fetch metadata. There the protocol has a *public* client whose name tells
//!   everything: `http://localhost?redirect_uri=…&scope=…`. Its way back must be an address, so the browser ends up at 127.0.0.1.

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::key::SigningKey;
use crate::config::PublicUrl;
use crate::session::secret::{Keys, token};
use crate::store::{Changes, Shelf, State, StateError};

/// The least that is useful: the records that we write, and no others.
pub(super) const SCOPE: &str =
    "atproto repo:net.atrarium.community.config repo:net.atrarium.community.membership repo:net.atrarium.moderation.action repo:app.bsky.feed.generator";

/// For servers that don't know the fine ones yet, and refuse them as `invalid_scope`: all that an app password may. Nothing that a server
/// says of itself tells beforehand: the reference implementation lists none of the fine ones, which are without number, and takes them.
pub(super) const COARSE_SCOPE: &str = "atproto transition:generic";

/// How long an assertion is good, in seconds.
const ASSERTION: i64 = 60;

/// Us, as an OAuth client.
#[derive(Debug)]
pub(super) struct OurClient {
    pub(super) id: String,
    pub(super) redirect: String,
    origin: String,
    /// `None` for a public client.
    key: Option<SigningKey>,
}

impl OurClient {
    pub(super) fn open(state: &State, keys: &Keys, public_url: &PublicUrl) -> Result<Self, StateError> {
        let origin = public_url.endpoint().to_owned();
        if let Some(port) = public_url.loopback_port() {
            let redirect = format!("http://127.0.0.1:{port}/oauth/callback");
            let mut id = Url::parse("http://localhost").expect("it is a URL");
            id.query_pairs_mut().append_pair("redirect_uri", &redirect).append_pair("scope", &declared());
            // The protocol compares the name as text, and without the slash that a URL has.
            let id = format!("http://localhost?{}", id.query().unwrap_or_default());
            return Ok(Self { id, redirect, origin, key: None });
        }
        let (id, redirect) = (format!("{origin}/oauth/client-metadata.json"), format!("{origin}/oauth/callback"));
        Ok(Self { id, redirect, key: Some(key(state, keys)?), origin })
    }

    /// What goes with a request for tokens to show that it is ours. New for every request.
    pub(super) fn assertion(&self, issuer: &str, now_ms: i64) -> Vec<(&'static str, String)> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            sub: &'a str,
            aud: &'a str,
            jti: String,
            iat: i64,
            exp: i64,
        }
        let Some(key) = &self.key else { return Vec::new() };
        let iat = now_ms.div_euclid(1_000);
        let claims = Claims { iss: &self.id, sub: &self.id, aud: issuer, jti: token(), iat, exp: iat + ASSERTION };
        let assertion = key.sign(&claims, |header| header.kid = Some(key.id()));
        vec![("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()), ("client_assertion", assertion)]
    }

    /// How we show that a request is ours.
    pub(super) fn method(&self) -> &'static str {
        if self.key.is_some() { "private_key_jwt" } else { "none" }
    }

    /// `/oauth/client-metadata.json`
    pub(super) fn metadata(&self) -> Value {
        let mut metadata = json!({
            "client_id": self.id,
            "client_name": "Atrarium",
            "client_uri": self.origin,
            "redirect_uris": [self.redirect],
            "scope": declared(),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": "web",
            "token_endpoint_auth_method": self.method(),
            "dpop_bound_access_tokens": true,
        });
        if self.key.is_some() {
            metadata["token_endpoint_auth_signing_alg"] = "ES256".into();
            metadata["jwks_uri"] = format!("{}/oauth/jwks.json", self.origin).into();
        }
        metadata
    }

    /// `/oauth/jwks.json`
    pub(super) fn jwks(&self) -> Value {
        let keys: Vec<_> = self.key.iter().map(SigningKey::published).collect();
        json!({ "keys": keys })
    }
}

/// All that we may ever ask for.
fn declared() -> String {
    let coarse = COARSE_SCOPE.trim_start_matches("atproto ");
    format!("{SCOPE} {coarse}")
}

/// Our key, which is made if there is none under this secret.
fn key(state: &State, keys: &Keys) -> Result<SigningKey, StateError> {
    let name = [b"oauth client ".as_slice(), &keys.id].concat();
    let kept = state.get(Shelf::Keys, &name)?.and_then(|sealed| SigningKey::from_pkcs8(&keys.unseal(&name, &sealed)?));
    if let Some(key) = kept {
        return Ok(key);
    }
    let made = SigningKey::make();
    let mut changes = Changes::default();
    changes.put(Shelf::Keys, name.clone(), keys.seal(&name, &made));
    state.commit(&changes)?;
    Ok(SigningKey::from_pkcs8(&made).expect("it was made a moment ago"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

    use super::*;
    use crate::config::SecretText;

    fn ours(state: &State, secret: &str, url: &str) -> OurClient {
        let keys = Keys::of(&SecretText::parse(&secret.repeat(32)).expect("long enough"));
        OurClient::open(state, &keys, &PublicUrl::parse(url).expect("a public URL")).expect("a healthy disk")
    }

    #[test]
    fn on_this_machine_we_are_a_public_client_whose_name_tells_everything() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let state = State::open(&directory.path().join("state.redb")).expect("a new file");
        let ours = ours(&state, "a", "http://localhost:3000");
        let name = Url::parse(&ours.id).expect("a URL");
        let said: Vec<_> = name.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        assert_eq!(said, [("redirect_uri".to_owned(), "http://127.0.0.1:3000/oauth/callback".to_owned()), ("scope".to_owned(), declared())]);
        assert!(ours.id.starts_with("http://localhost?"), "{}", ours.id);
        assert!(ours.assertion("https://pds.example.org", 0).is_empty());
        assert_eq!((&ours.jwks(), &ours.metadata()["token_endpoint_auth_method"]), (&json!({ "keys": [] }), &json!("none")));
    }

    #[test]
    fn in_the_world_we_sign_with_a_key_that_stays_and_that_anybody_can_look_up() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let state = State::open(&directory.path().join("state.redb")).expect("a new file");
        let client = ours(&state, "a", "https://feeds.example.org");
        let metadata = client.metadata();
        assert_eq!(metadata["client_id"], "https://feeds.example.org/oauth/client-metadata.json");
        assert_eq!(metadata["redirect_uris"], json!(["https://feeds.example.org/oauth/callback"]));
        assert_eq!(metadata["jwks_uri"], "https://feeds.example.org/oauth/jwks.json");
        assert_eq!((&metadata["token_endpoint_auth_method"], &metadata["token_endpoint_auth_signing_alg"]), (&json!("private_key_jwt"), &json!("ES256")));
        for scope in SCOPE.split(' ').chain(COARSE_SCOPE.split(' ')) {
            assert!(metadata["scope"].as_str().expect("a text").split(' ').any(|declared| declared == scope), "{scope}");
        }

        let jwks = client.jwks();
        let public: Jwk = serde_json::from_value(jwks["keys"][0].clone()).expect("a JWK");
        assert!(jwks["keys"][0].get("d").is_none() && jwks["keys"][0]["use"] == "sig" && jwks["keys"][0]["alg"] == "ES256");
        let said = client.assertion("https://pds.example.org", 1_795_176_000_000);
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["https://pds.example.org"]);
        rules.set_issuer(&["https://feeds.example.org/oauth/client-metadata.json"]);
        rules.validate_exp = false;
        let shown = decode::<Value>(&said[1].1, &DecodingKey::from_jwk(&public).expect("a key"), &rules).expect("it is signed by it");
        assert_eq!(shown.header.kid.as_deref(), jwks["keys"][0]["kid"].as_str());
        assert_eq!((shown.claims["exp"].as_i64(), &shown.claims["sub"]), (Some(1_795_176_060), &shown.claims["iss"]));
        assert_ne!(client.assertion("https://pds.example.org", 1_795_176_000_000)[1], said[1], "each is used once");

        assert_eq!(ours(&state, "a", "https://feeds.example.org").jwks(), jwks, "after a restart");
        assert_ne!(ours(&state, "b", "https://feeds.example.org").jwks(), jwks, "another secret can't open it");
        assert_eq!(ours(&state, "a", "https://feeds.example.org").jwks(), jwks, "and leaves it where it is");
    }
}
