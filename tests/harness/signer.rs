//! Accounts that sign service-auth tokens, as their servers do for them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use secp256k1::{Message, Secp256k1, SecretKey};
use serde_json::{Value, json};

pub const METHOD: &str = "app.bsky.feed.getFeedSkeleton";

/// A signing key.
#[derive(Debug)]
pub enum Signer {
    K256(SecretKey),
    P256(Box<EcdsaKeyPair>),
}

impl Signer {
    /// A key of secp256k1; another for each seed, which isn't 0.
    pub fn k256(seed: u8) -> Self {
        Self::K256(SecretKey::from_byte_array([seed; 32]).expect("a number below the curve's order"))
    }

    /// A new key of P-256.
    pub fn p256() -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("ring makes keys");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).expect("it was just made");
        Self::P256(Box::new(key))
    }

    /// The type and the text of the key in a DID document.
    pub fn public(&self) -> (&'static str, String) {
        let spell = |bytes: &[u8]| multibase::encode(multibase::Base::Base58Btc, bytes);
        match self {
            Self::K256(secret) => ("Multikey", spell(&[&[0xe7, 0x01], secret.public_key(&Secp256k1::new()).serialize().as_slice()].concat())),
            Self::P256(key) => ("EcdsaSecp256r1VerificationKey2019", spell(key.public_key().as_ref())),
        }
    }

    /// Claims that are right for this service for a minute.
    pub fn claims(issuer: &str, service: &str, now_ms: i64) -> Value {
        json!({ "iss": issuer, "aud": service, "lxm": METHOD, "iat": now_ms / 1_000, "exp": now_ms / 1_000 + 60, "jti": "3k" })
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        let algorithm = if matches!(self, Self::K256(_)) { "ES256K" } else { "ES256" };
        self.token_with(&json!({ "typ": "JWT", "alg": algorithm }), claims)
    }

    /// A token with this header and these claims.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = match self {
            Self::K256(secret) => {
                let hash: [u8; 32] = ring::digest::digest(&ring::digest::SHA256, signed.as_bytes()).as_ref().try_into().expect("32 bytes");
                Secp256k1::new().sign_ecdsa(Message::from_digest(hash), secret).serialize_compact().to_vec()
            }
            Self::P256(key) => key.sign(&SystemRandom::new(), signed.as_bytes()).expect("ring signs").as_ref().to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
