//! A key for ES256: that of a session's DPoP proofs, or the one by which we prove to be the client that we say.

use std::fmt;

use jsonwebtoken::jwk::{CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::Serialize;

/// A private key on P-256, with its public half.
#[derive(Clone)]
pub(super) struct SigningKey {
    signing: EncodingKey,
    public: Jwk,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// A new key, as PKCS #8.
    pub(super) fn make() -> Vec<u8> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        made.expect("the system has random numbers, or nothing here could be kept secret").as_ref().to_vec()
    }

    /// The key in this PKCS #8.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let signing = EncodingKey::from_ec_der(pkcs8);
        let public = Jwk::from_encoding_key(&signing, Algorithm::ES256).ok()?;
        Some(Self { signing, public: Jwk { common: CommonParameters::default(), algorithm: public.algorithm } })
    }

    /// The public half alone.
    pub(super) fn public(&self) -> Jwk {
        self.public.clone()
    }

    /// The name of the key: the hash of its public half (RFC 7638).
    pub(super) fn id(&self) -> String {
        self.public.thumbprint(ThumbprintHash::SHA256).expect("a key on P-256 has a thumbprint")
    }

    /// The public half with its name and use, as others are told of it.
    pub(super) fn published(&self) -> Jwk {
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::ES256),
            key_id: Some(self.id()),
            ..CommonParameters::default()
        };
        Jwk { common, ..self.public() }
    }

    /// A JWT of these claims, with the header that `head` makes of the plain one.
    pub(super) fn sign(&self, claims: &impl Serialize, head: impl FnOnce(&mut Header)) -> String {
        let mut header = Header::new(Algorithm::ES256);
        head(&mut header);
        encode(&header, claims, &self.signing).expect("the key was read from its PKCS #8 when it was made, and the claims are texts and numbers")
    }
}
