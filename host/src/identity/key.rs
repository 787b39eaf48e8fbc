//! A signing key in all its spellings, and what it has signed.
//!
//! ```text
//! Multikey                            z base58btc( e7 01 | 80 24 , compressed point )
//! EcdsaSecp256k1VerificationKey2019   z base58btc( point, compressed or not, with or without the prefix )
//! EcdsaSecp256r1VerificationKey2019   the same for P-256
//! ```
//!
//! Verifying is what a request with a token costs, so each curve has the fastest library that is well kept: libsecp256k1 for
//! ES256K (three times as fast as k256), ring for ES256 (as much faster than p256, which only unpacks points here, once a document).
//! A point that isn't on its curve is no key.

use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use secp256k1::ecdsa::Signature;
use secp256k1::{Message, PublicKey, Secp256k1, VerifyOnly};
use std::sync::LazyLock;

/// The longest text of a key: an uncompressed point with its prefix has 92 letters.
const LONGEST: usize = 128;

const K256_PREFIX: &[u8] = &[0xe7, 0x01];
const P256_PREFIX: &[u8] = &[0x80, 0x24];

/// How tokens are signed, as their `alg` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// secp256k1 with SHA-256.
    Es256k,
    /// P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ES256K" => Some(Self::Es256k),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    K256(PublicKey),
    /// The uncompressed point, as ring takes it; on the curve.
    P256(Box<[u8; 65]>),
}

impl Key {
    /// The key of a verification method of this type; `None` if the text isn't one.
    pub fn parse(method_type: &str, multibase: &str) -> Option<Self> {
        if multibase.len() > LONGEST {
            return None;
        }
        let (multibase::Base::Base58Btc, bytes) = multibase::decode(multibase).ok()? else { return None };
        let (k256, p256) = (bytes.strip_prefix(K256_PREFIX), bytes.strip_prefix(P256_PREFIX));
        match (method_type, k256, p256) {
            ("Multikey", Some(point), None) => Self::k256(point),
            ("Multikey", None, Some(point)) => Self::p256(point),
            ("EcdsaSecp256k1VerificationKey2019", point, None) => Self::k256(point.unwrap_or(&bytes)),
            ("EcdsaSecp256r1VerificationKey2019", None, point) => Self::p256(point.unwrap_or(&bytes)),
            _ => None,
        }
    }

    fn k256(point: &[u8]) -> Option<Self> {
        PublicKey::from_slice(point).ok().map(Self::K256)
    }

    fn p256(point: &[u8]) -> Option<Self> {
        use p256::elliptic_curve::sec1::ToEncodedPoint;
        let key = p256::PublicKey::from_sec1_bytes(point).ok()?;
        key.to_encoded_point(false).as_bytes().try_into().ok().map(|point| Self::P256(Box::new(point)))
    }

    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::K256(_) => Algorithm::Es256k,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    /// Whether this key has signed the message; the signature is r and s, 32 bytes each.
    ///
    /// Either of the two values that s can have is taken, as the reference implementation does for tokens (in a repository's commits only
    /// the lower is right): some libraries sign with the higher one.
    pub fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);
        match self {
            Self::K256(key) => {
                let hash = digest(&SHA256, message);
                let (Ok(hash), Ok(mut signature)) = (<[u8; 32]>::try_from(hash.as_ref()), Signature::from_compact(signature)) else { return false };
                // libsecp256k1 takes the lower s alone.
                signature.normalize_s();
                CURVE.verify_ecdsa(Message::from_digest(hash), &signature, key).is_ok()
            }
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_slice()).verify(message, signature).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde_json::Value;

    use super::*;

    fn vectors(text: &str) -> Vec<Value> {
        serde_json::from_str(text).expect("the vectors are JSON")
    }

    #[test]
    fn the_interop_vectors_of_signatures_hold() {
        // Copied from bluesky-social/atproto, interop-test-files (MIT OR Apache-2.0).
        let vectors = vectors(include_str!("../../data/identity/signature-fixtures.json"));
        assert_eq!(vectors.len(), 6);
        for vector in vectors {
            let text = |field: &str| vector[field].as_str().expect("each vector has it");
            let old = Key::parse(text("didDocSuite"), text("publicKeyMultibase")).expect("an older spelling");
            let multikey = Key::parse("Multikey", text("publicKeyDid").trim_start_matches("did:key:")).expect("a Multikey");
            assert_eq!(old, multikey, "{vector}");
            assert_eq!(Some(old.algorithm()), Algorithm::named(text("algorithm")));
            let message = STANDARD_NO_PAD.decode(text("messageBase64")).expect("base64");
            let signature = STANDARD_NO_PAD.decode(text("signatureBase64")).expect("base64");
            let high_s = vector["tags"][0] == "high-s";
            match <[u8; 64]>::try_from(signature.as_slice()) {
                // The vectors are about commits, where a high s is wrong.
                Ok(signature) => {
                    assert!(vector["validSignature"] == true || high_s, "{vector}");
                    assert!(old.has_signed(&message, &signature), "{vector}");
                    assert!(!old.has_signed(b"something else", &signature), "{vector}");
                    assert!(!old.has_signed(&message, &[signature[32..].to_vec(), signature[..32].to_vec()].concat().try_into().expect("64 bytes")));
                }
                Err(_) => assert_eq!((&vector["tags"][0], &vector["validSignature"]), (&"der-encoded".into(), &false.into())),
            }
            for odd in [[0; 64], [255; 64]] {
                assert!(!old.has_signed(&message, &odd), "{vector}");
            }
        }
    }

    #[test]
    fn keys_of_the_w3c_are_read() {
        // Copied from bluesky-social/atproto, interop-test-files (MIT OR Apache-2.0).
        let k256 = vectors(include_str!("../../data/identity/w3c_didkey_K256.json"));
        assert_eq!(k256.len(), 5);
        for vector in k256 {
            let hex = vector["privateKeyBytesHex"].as_str().expect("each has it");
            let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect();
            let secret = secp256k1::SecretKey::from_byte_array(bytes.try_into().expect("32 bytes")).expect("a secret key");
            let public = secret.public_key(&Secp256k1::new());
            let multikey = vector["publicDidKey"].as_str().expect("each has it").trim_start_matches("did:key:");
            assert_eq!(Key::parse("Multikey", multikey), Some(Key::K256(public)));
            // As the PLC server of the reference's development network spells it: no prefix, not compressed.
            let spelled = multibase::encode(multibase::Base::Base58Btc, public.serialize_uncompressed());
            assert_eq!(Key::parse("EcdsaSecp256k1VerificationKey2019", &spelled), Some(Key::K256(public)));
        }
        let p256 = vectors(include_str!("../../data/identity/w3c_didkey_P256.json"));
        let multikey = p256[0]["publicDidKey"].as_str().expect("it has one").trim_start_matches("did:key:");
        let Some(Key::P256(point)) = Key::parse("Multikey", multikey) else { panic!("{multikey} is a key of P-256") };
        for spelled in [point.as_slice(), &[P256_PREFIX, point.as_slice()].concat()] {
            let spelled = multibase::encode(multibase::Base::Base58Btc, spelled);
            assert_eq!(Key::parse("EcdsaSecp256r1VerificationKey2019", &spelled), Some(Key::P256(point.clone())));
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        let good = "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
        let check = |method_type: &str, text: &str| assert_eq!(Key::parse(method_type, text), None, "{method_type} {text}");
        assert!(Key::parse("Multikey", good).is_some() && Key::parse("EcdsaSecp256k1VerificationKey2019", good).is_some());
        check("EcdsaSecp256r1VerificationKey2019", good);
        check("Ed25519VerificationKey2020", good);
        check("", good);
        for text in ["", "z", "Q3shokFTS3", &good[1..], &good[..40], &format!("{good}1"), "z0OIl", "zé", &"z1".repeat(1_000_000)] {
            check("Multikey", text);
            check("EcdsaSecp256k1VerificationKey2019", text);
            check("EcdsaSecp256r1VerificationKey2019", text);
        }
        // Without its prefix, in a type that demands one; in another base; not on its curve.
        check("Multikey", "z25z9DTpsiYYJKGsWmSPJK2NFN8PcJtZig12K59UgW7q5t");
        check("Multikey", &multibase::encode(multibase::Base::Base64Url, multibase::decode(good).expect("a key").1));
        let spelled = |bytes: &[u8]| multibase::encode(multibase::Base::Base58Btc, bytes);
        let nowhere = [[4].as_slice(), &[1; 64]].concat();
        check("EcdsaSecp256k1VerificationKey2019", &spelled(&nowhere));
        check("EcdsaSecp256r1VerificationKey2019", &spelled(&nowhere));
        check("EcdsaSecp256k1VerificationKey2019", &spelled(&[0]));
        check("EcdsaSecp256r1VerificationKey2019", &spelled(&[0]));
    }
}
