//! The refresh token: what a session goes on with. It is used once, and its successor comes with the answer.
//!
//! ```text
//! <session> . <256 random bits> . <HMAC of both>
//! ```
//!
//! Only the SHA-256 of a session's newest token is kept. That an older one was ours once is told by its HMAC, so nothing need be kept
//! of the old ones for their reuse to be known; and nobody who merely knows a session's name can make it look reused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};

use super::secret::token;

/// The longest token that is looked at; ours have 110 letters.
const LONGEST: usize = 256;

/// A new token for this session.
pub(super) fn make(key: &hmac::Key, session: &str) -> String {
    let signed = format!("{session}.{}", token());
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(key, signed.as_bytes()));
    format!("{signed}.{tag}")
}

/// The session that this token was made for, if it is one of ours.
pub(super) fn session_of<'a>(key: &hmac::Key, token: &'a str) -> Option<&'a str> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, tag) = token.rsplit_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(key, signed.as_bytes(), &tag).ok()?;
    Some(signed.split_once('.')?.0)
}

/// What is kept of a token.
pub(super) fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_of_ours_name_a_session() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let token = make(&key, "abc");
        assert_eq!(session_of(&key, &token), Some("abc"));
        assert!(make(&key, "abc") != token && hash(&token) != hash(&make(&key, "abc")));
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]);
        assert_eq!(session_of(&other, &token), None);
        let another_session = format!("abd{}", &token[3..]);
        for forged in ["", ".", "..", "abc..", &another_session, &token[1..], &token[..token.len() - 1], &format!("{token}."), &"a".repeat(300)] {
            assert_eq!(session_of(&key, forged), None, "{forged}");
        }
    }
}
