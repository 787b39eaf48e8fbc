//! From an Authorization header to the reader of a feed.
//!
//! ```text
//! token ─ claims wrong ──────────────────────────────▶ 401
//!   │
//!   ├─ key known ─ signed ───────────────────────────▶ the reader
//!   │      └── not signed ─ asked anew ─ another key ─▶ the reader, or 401
//!   │                             └── the same, or none ──▶ 401
//!   └─ key not known ─ the answer needs the reader ─ asked for, 500 ms at most ─▶ the reader, 401, or anonymous
//!             └── it doesn't ───────────────────────▶ anonymous; the key is asked for behind
//! ```
//!
//! Who can't be told in time is an anonymous reader, never an error: a feed that is public must come, though the reader's directory is
//! down. Who is told wrongly never becomes a reader. Every token is counted by what became of it.
//!
//! A verification takes some tens of microseconds, as a page does, so it is done where the request is.

use std::time::Duration;

use tokio::time::timeout;

use super::resolver::Resolver;
use super::token::{Expected, Token, TokenError};
use crate::clock::Clock;

/// How long an answer waits for an issuer's key. A tenth of the AppView's patience.
const PATIENCE: Duration = Duration::from_millis(500);

/// This service in its DID document.
const FRAGMENT: &str = "#bsky_fg";

/// Tells readers by their tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ServiceAuth {
    resolver: Resolver,
    clock: Clock,
    service: String,
}

/// What became of a token whose claims are right.
enum Verdict {
    Verified,
    /// The key isn't known, and wasn't waited for.
    KeyUnknown,
    /// The key couldn't be had in time.
    Unresolved,
}

impl ServiceAuth {
    /// For the service of this DID.
    pub fn new(resolver: Resolver, clock: Clock, service: String) -> Self {
        Self { resolver: resolver.for_tokens(), clock, service }
    }

    /// The DID that has signed the token in this header, which came with a call of this method; `None` if that can't be told.
    /// `awaited` says whether it matters so much that the answer waits for it.
    pub async fn reader(&self, header: &str, method: &'static str, awaited: bool) -> Result<Option<String>, TokenError> {
        let token = self.check(header, method);
        let outcome = match &token {
            Ok(token) => self.judge(token, awaited).await,
            Err(wrong) => Err(wrong.clone()),
        };
        let verdict = match &outcome {
            Ok(Verdict::Verified) => "verified",
            Ok(Verdict::KeyUnknown) => "key_unknown",
            Ok(Verdict::Unresolved) => "unresolved",
            Err(wrong) => wrong.name(),
        };
        metrics::counter!("atrarium_tokens_total", "verdict" => verdict).increment(1);
        let verified = matches!(outcome?, Verdict::Verified);
        Ok(token.ok().filter(|_| verified).map(|token| token.issuer))
    }

    fn check(&self, header: &str, method: &'static str) -> Result<Token, TokenError> {
        let bearer = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, text) = bearer.ok_or(TokenError::BadJwt("the Authorization header must be Bearer and a token"))?;
        let expected = Expected { service: &self.service, fragment: FRAGMENT, method };
        Token::check(text.trim(), &expected, self.clock.now_ms().div_euclid(1_000))
    }

    async fn judge(&self, token: &Token, awaited: bool) -> Result<Verdict, TokenError> {
        let did = &token.issuer;
        let document = match self.resolver.cached(did) {
            Some(outcome) => outcome.ok(),
            None if awaited => timeout(PATIENCE, self.resolver.resolve(did)).await.ok().and_then(Result::ok),
            None => {
                self.resolver.fetch_behind(did);
                return Ok(Verdict::KeyUnknown);
            }
        };
        let Some(document) = document else { return Ok(Verdict::Unresolved) };
        if document.key.as_ref().is_some_and(|key| token.is_signed_by(key)) {
            return Ok(Verdict::Verified);
        }
        // The key may have been changed. If that can't be told, the one that is known counts: a change comes with an identity event,
        // which would have purged it.
        let anew = timeout(PATIENCE, self.resolver.resolve_anew(did)).await.ok().and_then(Result::ok);
        let changed = anew.and_then(|anew| anew.key.clone()).filter(|key| document.key.as_ref() != Some(key));
        match changed {
            Some(key) if token.is_signed_by(&key) => Ok(Verdict::Verified),
            _ => Err(TokenError::BadJwtSignature),
        }
    }
}
