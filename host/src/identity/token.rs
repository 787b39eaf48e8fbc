//! What must be right about a service-auth token, as far as the token itself tells.
//!
//! ```text
//! base64url( {"typ":"JWT","alg":"ES256K"} ) . base64url( {"iss","aud","lxm","exp","iat","jti"} ) . base64url( r s )
//! ```
//!
//! A user's server signs one for every request that it passes on, with the user's own key: whoever holds it may ask one
//! method of one service, for a minute. So it must be for us, for this method, and for now. Each rule has its error, by the
//! names of the reference implementation (`@atproto/xrpc-server`); what is looser there and dangerous (`crit`, repeated fields, a time of
//! issue in the future) is refused here. Asks nobody and knows no key: that is [`super::ServiceAuth`]'s part.

use atrium_api::types::string::Did;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::key::{Algorithm, Key};

/// The longest token that is looked at; real ones have about 400 letters.
const LONGEST: usize = 4 << 10;

/// How far clocks may differ, in seconds.
const SKEW: f64 = 60.0;

/// Kinds of JWT that are for other uses, and that a user's app holds: taking one would make its thief the user.
const OTHER_TYPES: &[&str] = &["at+jwt", "refresh+jwt", "dpop+jwt"];

/// The signing key's name in a DID document.
const KEY_ID: &str = "#atproto";

/// What is wrong with a token. The names are the protocol's, the sentences are for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token can't be read: {0}")]
    BadJwt(&'static str),
    #[error("a token of this type is not for services")]
    BadJwtType,
    #[error("the token has expired")]
    JwtExpired,
    #[error("the token is for another service: its audience must be {0}")]
    BadJwtAudience(String),
    #[error("the token is for another method: its lxm must be {0}")]
    BadJwtLexiconMethod(&'static str),
    #[error("the token's issuer must be a DID")]
    BadJwtIss,
    #[error("the token was not signed by its issuer's key")]
    BadJwtSignature,
}

impl TokenError {
    /// The error's name in an XRPC answer.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadJwt(_) => "BadJwt",
            Self::BadJwtType => "BadJwtType",
            Self::JwtExpired => "JwtExpired",
            Self::BadJwtAudience(_) => "BadJwtAudience",
            Self::BadJwtLexiconMethod(_) => "BadJwtLexiconMethod",
            Self::BadJwtIss => "BadJwtIss",
            Self::BadJwtSignature => "BadJwtSignature",
        }
    }
}

/// Whom and what a token must be for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The DID of this service.
    pub service: &'a str,
    /// The service's name in its DID document, with `#`; an audience may have it at its end, or not.
    pub fragment: &'a str,
    /// The method that is called.
    pub method: &'static str,
}

/// A token whose claims are right. Nobody knows yet who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Who is said to have signed it; a DID.
    pub issuer: String,
    pub algorithm: Algorithm,
    /// What the signature is about.
    signed: String,
    signature: [u8; 64],
}

#[derive(Deserialize)]
struct Header {
    alg: Option<Value>,
    typ: Option<Value>,
    kid: Option<Value>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    iat: Option<Value>,
    nbf: Option<Value>,
    lxm: Option<Value>,
}

impl Token {
    /// The token in this text, if all is right about it at this time (seconds since the Unix epoch).
    pub fn check(text: &str, expected: &Expected<'_>, now: i64) -> Result<Self, TokenError> {
        use TokenError::{BadJwt, BadJwtAudience, BadJwtIss, BadJwtLexiconMethod, BadJwtType, JwtExpired};
        if text.len() > LONGEST {
            return Err(BadJwt("it is too long"));
        }
        let mut parts = text.split('.');
        let (Some(head), Some(body), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(BadJwt("it must have three parts"));
        };
        let header: Header = decode(head).ok_or(BadJwt("its header must be an object in base64url"))?;
        let claims: Claims = decode(body).ok_or(BadJwt("its claims must be an object in base64url"))?;

        match header.typ {
            None => {}
            Some(Value::String(typ)) => {
                let typ = typ.to_ascii_lowercase();
                if OTHER_TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ)) {
                    return Err(BadJwtType);
                }
            }
            Some(_) => return Err(BadJwtType),
        }
        let algorithm = header.alg.as_ref().and_then(Value::as_str).and_then(Algorithm::named).ok_or(BadJwt("its alg must be ES256K or ES256"))?;
        if header.crit.is_some() {
            return Err(BadJwt("it has a crit, and nothing critical is known here"));
        }
        if header.kid.is_some_and(|kid| kid != KEY_ID) {
            return Err(BadJwt("its kid must be #atproto"));
        }

        let now = now as f64;
        let time = |claim: Option<Value>, wrong| claim.map(|time| time.as_f64().ok_or(BadJwt(wrong))).transpose();
        let expires = time(claims.exp, "its exp must be a number")?.ok_or(BadJwt("it has no exp"))?;
        if now > expires {
            return Err(JwtExpired);
        }
        let issued = time(claims.iat, "its iat must be a number")?;
        let valid_from = time(claims.nbf, "its nbf must be a number")?;
        if issued.into_iter().chain(valid_from).any(|from| from > now + SKEW) {
            return Err(BadJwt("it is from the future"));
        }
        let audience = claims.aud.as_ref().and_then(Value::as_str).and_then(|audience| audience.strip_prefix(expected.service));
        if !audience.is_some_and(|rest| rest.is_empty() || rest == expected.fragment) {
            return Err(BadJwtAudience(expected.service.to_owned()));
        }
        if claims.lxm.is_none_or(|method| method != expected.method) {
            return Err(BadJwtLexiconMethod(expected.method));
        }
        let Some(Value::String(issuer)) = claims.iss else { return Err(BadJwtIss) };
        if Did::new(issuer.clone()).is_err() {
            return Err(BadJwtIss);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok().and_then(|bytes| bytes.try_into().ok());
        let signature = signature.ok_or(BadJwt("its signature must be 64 bytes in base64url"))?;
        Ok(Self { issuer, algorithm, signed: text[..head.len() + 1 + body.len()].to_owned(), signature })
    }

    /// Whether this key has signed it. The key decides how, not the token: the algorithm must be the key's.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        key.algorithm() == self.algorithm && key.has_signed(self.signed.as_bytes(), &self.signature)
    }
}

/// A JSON object in base64url; `None` if it isn't one, or has a field twice.
fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    // Derived structures are also read from arrays.
    let object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    // Looked at as a whole: fields that nobody reads could hold bytes that are no text.
    let text = std::str::from_utf8(&bytes).ok().filter(|_| object)?;
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_176_000;
    const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    const METHOD: &str = "app.bsky.feed.getFeedSkeleton";
    const US: Expected<'static> = Expected { service: "did:web:localhost%3A3000", fragment: "#bsky_fg", method: METHOD };

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([1; 64]))
    }

    fn header() -> Value {
        json!({ "typ": "JWT", "alg": "ES256K" })
    }

    fn claims() -> Value {
        json!({ "iss": ALICE, "aud": US.service, "exp": NOW + 60, "iat": NOW, "lxm": METHOD, "jti": "x" })
    }

    /// The error for a token with one field changed; a null takes it away.
    fn with(part: &str, field: &str, value: Value) -> Option<TokenError> {
        let (mut header, mut claims) = (header(), claims());
        let object = if part == "header" { &mut header } else { &mut claims };
        match value {
            Value::Null => drop(object.as_object_mut().expect("an object").remove(field)),
            value => object[field] = value,
        }
        Token::check(&token(&header, &claims), &US, NOW).err()
    }

    #[test]
    fn a_right_token_is_taken() {
        let text = token(&header(), &claims());
        let right = Token::check(&text, &US, NOW).expect("all is right");
        assert_eq!((right.issuer.as_str(), right.algorithm), (ALICE, Algorithm::Es256k));
        assert!(text.starts_with(&format!("{}.", right.signed)));
        let check = |part: &str, field: &str, value: Value| assert_eq!(with(part, field, value.clone()), None, "{part} {field} {value}");
        check("header", "typ", Value::Null);
        check("header", "typ", json!("jwt"));
        check("header", "alg", json!("ES256"));
        check("header", "kid", json!("#atproto"));
        check("claims", "aud", json!("did:web:localhost%3A3000#bsky_fg"));
        check("claims", "exp", json!(NOW));
        check("claims", "exp", json!(NOW as f64 + 0.5));
        check("claims", "iat", Value::Null);
        check("claims", "iat", json!(NOW + 59));
        check("claims", "nbf", json!(NOW - 5));
        check("claims", "jti", Value::Null);
        check("claims", "iss", json!("did:web:example.com"));
        check("claims", "more", json!({ "of": ["this"] }));
    }

    #[test]
    fn every_rule_has_its_error() {
        let check = |part: &str, field: &str, value: Value, expected: &str| {
            let error = with(part, field, value.clone()).unwrap_or_else(|| panic!("{part} {field} {value} is taken"));
            assert_eq!(error.name(), expected, "{part} {field} {value}");
        };
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "refresh+jwt", "dpop+jwt"] {
            check("header", "typ", json!(typ), "BadJwtType");
        }
        check("header", "typ", json!(["JWT"]), "BadJwtType");
        for alg in [json!("none"), json!("None"), json!("HS256"), json!("RS256"), json!("es256k"), json!(""), json!(null), json!(5), json!(["ES256K"])] {
            check("header", "alg", alg, "BadJwt");
        }
        for kid in [json!("#atproto_label"), json!("atproto"), json!(""), json!(5), json!("did:plc:ewvi7nxzyoun6zhxrhs64oiz#atproto")] {
            check("header", "kid", kid, "BadJwt");
        }
        check("header", "crit", json!(["exp"]), "BadJwt");
        check("claims", "exp", json!(NOW - 1), "JwtExpired");
        check("claims", "exp", json!(0), "JwtExpired");
        check("claims", "exp", json!(-1e300), "JwtExpired");
        for exp in [json!(null), json!("1795176060"), json!([NOW + 60]), json!(true)] {
            check("claims", "exp", exp, "BadJwt");
        }
        for field in ["iat", "nbf"] {
            check("claims", field, json!(NOW + 61), "BadJwt");
            check("claims", field, json!("now"), "BadJwt");
        }
        for audience in [
            json!(null),
            json!("did:web:localhost"),
            json!("did:web:localhost%3A3000#other"),
            json!("did:web:localhost%3A3000#"),
            json!("did:web:localhost%3A3000#bsky_fg#bsky_fg"),
            json!("did:web:localhost%3A30000"),
            json!("did:web:localhost:3000"),
            json!("DID:web:localhost%3A3000"),
            json!(["did:web:localhost%3A3000"]),
            json!(""),
            json!("did:web:api.bsky.app#bsky_appview"),
        ] {
            check("claims", "aud", audience, "BadJwtAudience");
        }
        for method in [json!(null), json!("app.bsky.feed.getFeed"), json!("app.bsky.feed.getfeedskeleton"), json!("*"), json!([METHOD]), json!("")] {
            check("claims", "lxm", method, "BadJwtLexiconMethod");
        }
        for issuer in [json!(null), json!(5), json!(""), json!("alice.example.com"), json!(format!("{ALICE}#atproto")), json!("did:plc:"), json!([ALICE])] {
            check("claims", "iss", issuer, "BadJwtIss");
        }
    }

    #[test]
    fn what_is_no_token_is_told() {
        let good = token(&header(), &claims());
        let parts: Vec<&str> = good.split('.').collect();
        let [head, body, signature] = parts[..] else { panic!("three parts") };
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let twice = |claims: &Value, field: &str| format!("{},\"{field}\":{}}}", claims.to_string().trim_end_matches('}'), claims[field]);
        for text in [
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            "\u{0}",
            &good[..good.len() - 1],
            &format!("{good}A"),
            &format!("{good}."),
            &format!("{good}=="),
            &format!("{head}=.{body}.{signature}"),
            &format!("{head}.{body}."),
            &format!("{head}.{body}"),
            &format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode([1; 63])),
            &format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode([1; 65])),
            &format!("{head}..{signature}"),
            &format!(".{body}.{signature}"),
            &format!("{}.{body}.{signature}", encode("[\"ES256K\"]")),
            &format!("{}.{body}.{signature}", encode("null")),
            &format!("{}.{body}.{signature}", encode("{\"alg\":\"ES256K\",\"alg\":\"ES256K\"}")),
            &format!("{head}.{}.{signature}", encode(&twice(&claims(), "iss"))),
            &format!("{head}.{}.{signature}", encode(&twice(&claims(), "exp"))),
            &format!("{head}.{}.{signature}", encode(&format!("{}x", claims()))),
            &format!("{head}.{}.{signature}", encode(&"[".repeat(2_000))),
            &format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode([0xff, 0xfe])),
            &format!("{head}.{body}.{}", "A".repeat(1_000_000)),
            &format!(" {good}"),
            &good.replace('.', " "),
        ] {
            assert!(matches!(Token::check(text, &US, NOW), Err(TokenError::BadJwt(_))), "{text:.100}");
        }
    }

    #[test]
    fn the_key_decides_how_a_token_is_signed() {
        use secp256k1::{Message, Secp256k1, SecretKey};
        let secret = SecretKey::from_byte_array([7; 32]).expect("a secret key");
        let curve = Secp256k1::new();
        let key = Key::K256(secret.public_key(&curve));
        let sign = |header: &Value, claims: &Value| {
            let unsigned = token(header, claims);
            let signed = unsigned.rsplit_once('.').expect("three parts").0.to_owned();
            let hash: [u8; 32] = ring::digest::digest(&ring::digest::SHA256, signed.as_bytes()).as_ref().try_into().expect("32 bytes");
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(curve.sign_ecdsa(Message::from_digest(hash), &secret).serialize_compact()))
        };
        let right = Token::check(&sign(&header(), &claims()), &US, NOW).expect("all is right");
        assert!(right.is_signed_by(&key));
        let stranger = Key::K256(SecretKey::from_byte_array([8; 32]).expect("a secret key").public_key(&curve));
        assert!(!right.is_signed_by(&stranger));
        let other_algorithm = Token::check(&sign(&json!({ "alg": "ES256" }), &claims()), &US, NOW).expect("its claims are right");
        assert!(!other_algorithm.is_signed_by(&key), "an algorithm that isn't the key's");
        let moved = Token { signed: right.signed.replace('.', ".A"), ..right };
        assert!(!moved.is_signed_by(&key), "other claims under the same signature");
    }
}
