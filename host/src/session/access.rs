//! The access token: a JWT that says who somebody is, for a quarter of an hour.
//!
//! ```text
//! {"typ":"JWT","alg":"HS256"} . {"iss","aud","sub","type":"access","jti","sid","iat","exp"} . HMAC-SHA256
//! ```
//!
//! Issuer and audience are this service; the subject is the user's DID. Each rule is checked, by the program's clock. A good token is not
//! enough: [`super::Sessions::check`] also asks whether its session has ended.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::secret::token;

/// How long a token is good, in milliseconds.
pub(super) const LIFE_MS: i64 = 15 * 60_000;

/// How far clocks may differ, in seconds: those of one machine, before and after it was set right.
const SKEW: i64 = 5;

/// The longest token that is looked at. Ours have about 500 letters.
const LONGEST: usize = 4 << 10;

const TYPE: &str = "access";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    #[serde(rename = "type")]
    of_type: String,
    jti: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// Makes and checks access tokens.
pub(super) struct AccessTokens {
    service: String,
    signing: EncodingKey,
    checking: DecodingKey,
    rules: Validation,
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").field("service", &self.service).finish_non_exhaustive()
    }
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessError {
    Expired,
    /// Not ours, not for us, or not an access token.
    Foreign,
}

impl AccessTokens {
    pub(super) fn new(service: &str, key: &[u8; 32]) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[service]);
        rules.set_audience(&[service]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // By our own clock, below.
        rules.validate_exp = false;
        Self { service: service.to_owned(), signing: EncodingKey::from_secret(key), checking: DecodingKey::from_secret(key), rules }
    }

    /// A token for this user and session, and when it expires.
    pub(super) fn make(&self, did: &str, session: &str, now_ms: i64) -> (String, i64) {
        let iat = now_ms.div_euclid(1_000);
        let exp = iat + LIFE_MS / 1_000;
        let claims = Claims {
            iss: self.service.clone(),
            aud: self.service.clone(),
            sub: did.to_owned(),
            of_type: TYPE.to_owned(),
            jti: token(),
            sid: session.to_owned(),
            iat,
            exp,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.signing).expect("strings and numbers are JSON, and the key is for HS256");
        (token, exp * 1_000)
    }

    /// DID and session in a token that is good now.
    pub(super) fn check(&self, token: &str, now_ms: i64) -> Result<(String, String), AccessError> {
        self.good(token, now_ms).map(|claims| (claims.sub, claims.sid))
    }

    /// When a token expires that is good now.
    pub(super) fn expires_ms(&self, token: &str, now_ms: i64) -> Option<i64> {
        self.good(token, now_ms).ok().map(|claims| claims.exp * 1_000)
    }

    fn good(&self, token: &str, now_ms: i64) -> Result<Claims, AccessError> {
        if token.len() > LONGEST {
            return Err(AccessError::Foreign);
        }
        let found = decode::<Claims>(token, &self.checking, &self.rules).map_err(|_| AccessError::Foreign)?;
        let (header, claims) = (found.header, found.claims);
        let now = now_ms.div_euclid(1_000);
        if header.typ.as_deref() != Some("JWT") || header.crit.is_some() || claims.of_type != TYPE || claims.iat > now + SKEW {
            return Err(AccessError::Foreign);
        }
        if claims.exp + SKEW <= now {
            return Err(AccessError::Expired);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::hmac;
    use serde_json::{Value, json};

    use super::*;

    const NOW_MS: i64 = 1_795_176_000_123;
    const NOW: i64 = 1_795_176_000;
    const SERVICE: &str = "did:web:feeds.example.org";
    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn tokens() -> AccessTokens {
        AccessTokens::new(SERVICE, &[7; 32])
    }

    /// A token of any form, rightly signed.
    fn signed(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header() -> Value {
        json!({ "typ": "JWT", "alg": "HS256" })
    }

    fn claims() -> Value {
        json!({ "iss": SERVICE, "aud": SERVICE, "sub": DID, "type": "access", "jti": "x", "sid": "s", "iat": NOW, "exp": NOW + 900 })
    }

    #[test]
    fn a_token_says_who_it_is_for_a_quarter_of_an_hour() {
        let (token, expires_ms) = tokens().make(DID, "s", NOW_MS);
        assert_eq!(expires_ms, (NOW + 900) * 1_000);
        let check = |now_ms: i64| tokens().check(&token, now_ms);
        for now_ms in [NOW_MS, NOW_MS + LIFE_MS, NOW_MS - 5_000] {
            assert_eq!(check(now_ms), Ok((DID.to_owned(), "s".to_owned())), "{now_ms}");
        }
        assert_eq!(check(NOW_MS + LIFE_MS + 5_000), Err(AccessError::Expired));
        assert_eq!(check(NOW_MS - 6_000), Err(AccessError::Foreign), "it comes from the future");
        assert_ne!(tokens().make(DID, "s", NOW_MS).0, token, "no two are the same");
        let form: Vec<&str> = token.split('.').collect();
        let form: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(form[1]).expect("base64url")).expect("JSON");
        let mut fields: Vec<_> = form.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["aud", "exp", "iat", "iss", "jti", "sid", "sub", "type"]);
    }

    #[test]
    fn every_rule_counts() {
        let with = |field: &str, value: Value| {
            let mut claims = claims();
            claims[field] = value;
            claims
        };
        let without = |field: &str| {
            let mut claims = claims();
            claims.as_object_mut().expect("an object").remove(field);
            claims
        };
        let check = |header: &Value, claims: &Value| tokens().check(&signed(header, claims), NOW_MS);
        assert_eq!(check(&header(), &claims()), Ok((DID.to_owned(), "s".to_owned())));
        for field in ["iss", "aud", "sub", "type", "jti", "sid", "iat", "exp"] {
            assert_eq!(check(&header(), &without(field)), Err(AccessError::Foreign), "without {field}");
            assert_eq!(check(&header(), &with(field, json!([]))), Err(AccessError::Foreign), "{field} is a list");
        }
        for (field, value) in [
            ("iss", json!("did:web:other.example.org")),
            ("aud", json!("did:web:other.example.org")),
            ("type", json!("refresh")),
            ("iat", json!(NOW + 6)),
            ("other", json!(1)),
        ] {
            assert_eq!(check(&header(), &with(field, value)), Err(AccessError::Foreign), "another {field}");
        }
        assert_eq!(check(&header(), &with("exp", json!(NOW - 5))), Err(AccessError::Expired));
        for header in [
            json!({ "typ": "JWT", "alg": "none" }),
            json!({ "typ": "JWT", "alg": "HS512" }),
            json!({ "typ": "JWT", "alg": "ES256" }),
            json!({ "alg": "HS256" }),
            json!({ "typ": "dpop+jwt", "alg": "HS256" }),
            json!({ "typ": "JWT", "alg": "HS256", "crit": ["b64"], "b64": false }),
        ] {
            assert_eq!(check(&header, &claims()), Err(AccessError::Foreign), "{header}");
        }
    }

    #[test]
    fn a_token_by_another_key_or_cut_short_is_no_token() {
        let (token, _) = AccessTokens::new(SERVICE, &[8; 32]).make(DID, "s", NOW_MS);
        assert_eq!(tokens().check(&token, NOW_MS), Err(AccessError::Foreign));
        let (token, _) = tokens().make(DID, "s", NOW_MS);
        let unsigned = format!("{}.", token.rsplit_once('.').expect("three parts").0);
        let long = format!("{token}{}", "a".repeat(LONGEST));
        for token in ["", ".", "..", "a.b.c", &unsigned, &token[1..], &token[..token.len() - 1], &format!("{token}.x"), &long] {
            assert_eq!(tokens().check(token, NOW_MS), Err(AccessError::Foreign), "{token}");
        }
    }
}
