//! A service-auth JWT.
//!
//! Two lines are taken for a token's header and claims, and signed here with a key of our own; anything else for a token. Whatever is
//! accepted is read once more by a plain parser, and must hold every rule that `identity/token.rs` states; and its signature counts for
//! the key that made it, as it was made, and for no other.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::token::{Expected, Token};
use super::{Algorithm, Key};

const SERVICE: &str = "did:web:feeds.example.org";
const FRAGMENT: &str = "#bsky_fg";
const METHOD: &str = "app.bsky.feed.getFeedSkeleton";

/// When the seeds were issued, in seconds.
const NOW: i64 = 1_783_175_888;

static OURS: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::from_byte_array([0x17; 32]).expect("it is less than the order of the curve"));
static KEYS: LazyLock<[Key; 2]> = LazyLock::new(|| {
    let other = SecretKey::from_byte_array([0x18; 32]).expect("it is less than the order of the curve");
    [&*OURS, &other].map(|secret| Key::K256(PublicKey::from_secret_key(&Secp256k1::signing_only(), secret)))
});

pub fn run(bytes: &[u8]) {
    let expected = Expected { service: SERVICE, fragment: FRAGMENT, method: METHOD };
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let (Some(header), Some(claims), None) = (lines.next(), lines.next(), lines.next()) else {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match Token::check(text, &expected, NOW) {
            Ok(token) => check_claims(text, &token),
            Err(wrong) => assert!(!wrong.name().is_empty() && wrong.to_string().len() < 200, "{wrong}"),
        }
        return;
    };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    // A signature costs more than all the rest, so it is made for what would be taken.
    if Token::check(&text, &expected, NOW).is_err() {
        return;
    }
    let mut signature = sign(&signed);
    let checked = |signature: &[u8; 64]| Token::check(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)), &expected, NOW);
    let token = checked(&signature).expect("it was taken with another signature");
    check_claims(&text, &token);
    assert_eq!(token.is_signed_by(&KEYS[0]), token.algorithm == Algorithm::Es256k, "the key that signed it, {:?}", token.algorithm);
    assert!(!token.is_signed_by(&KEYS[1]), "another's key");
    let at = header.len() % signature.len();
    signature[at] ^= 1;
    let token = checked(&signature).expect("it was taken with another signature");
    assert!(!token.is_signed_by(&KEYS[0]), "a signature in which a bit was turned");
}

fn sign(text: &str) -> [u8; 64] {
    let hash: [u8; 32] = digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
    Secp256k1::signing_only().sign_ecdsa(Message::from_digest(hash), &OURS).serialize_compact()
}

/// The rules, one by one, as somebody would check them by hand.
fn check_claims(text: &str, token: &Token) {
    assert!(text.len() <= 4 << 10, "a token of {} bytes", text.len());
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { panic!("a token has three parts: {text}") };
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).map(|bytes| bytes.len()), Ok(64));
    let header = object(header, &["alg", "typ", "kid", "crit"]);
    let claims = object(claims, &["iss", "aud", "exp", "iat", "nbf", "lxm"]);
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("ES256K") => Algorithm::Es256k,
        Some("ES256") => Algorithm::Es256,
        other => panic!("a token signed by {other:?}"),
    };
    assert_eq!(token.algorithm, algorithm);
    let given = |object: &Map<String, Value>, name: &str| object.get(name).filter(|value| !value.is_null()).cloned();
    let kind = given(&header, "typ").map(|kind| kind.as_str().map(str::to_ascii_lowercase).expect("a type is a text"));
    let foreign = ["at+jwt", "refresh+jwt", "dpop+jwt", "application/at+jwt", "application/refresh+jwt", "application/dpop+jwt"];
    assert!(kind.is_none_or(|kind| !foreign.contains(&kind.as_str())), "a token of another kind");
    assert_eq!(given(&header, "crit"), None, "something critical that isn't known");
    assert!(given(&header, "kid").is_none_or(|kid| kid == "#atproto"), "another key");
    let now = NOW as f64;
    assert!(claims["exp"].as_f64().is_some_and(|expires| expires >= now), "an expired token");
    for from in ["iat", "nbf"] {
        assert!(given(&claims, from).is_none_or(|from| from.as_f64().is_some_and(|from| from <= now + 60.0)), "a token from the future");
    }
    assert!(claims["aud"] == SERVICE || claims["aud"] == format!("{SERVICE}{FRAGMENT}"), "a token for another service");
    assert_eq!(claims["lxm"], METHOD);
    assert_eq!(claims["iss"], token.issuer);
    assert!(token.issuer.starts_with("did:") && token.issuer.len() <= 2_048);
}

/// The fields that a rule is about. What else there is must be JSON, and may hold numbers and letters that no computer has.
fn object(part: &str, names: &[&str]) -> Map<String, Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("what was taken is base64url");
    let text = std::str::from_utf8(&bytes).expect("what was taken is UTF-8");
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).expect("what was taken is an object");
    let named = fields.into_iter().filter(|(name, _)| names.contains(&name.as_str()));
    named.map(|(name, value)| (name, serde_json::from_str(value.get()).expect("a field that was read can be read"))).collect()
}
