//! Sign-ins that were begun: what must be remembered until the browser comes back.
//!
//! In memory only, ten minutes long, used once, and bounded in number and in bytes: whoever begins without end pushes out the oldest, theirs
//! first. After a restart whoever was about to sign in begins again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

use super::server::Server;
use crate::session::SignInError;

/// Sign-ins under way, and their bytes: about a kilobyte each, and twelve where a server makes its URLs as long as it may.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 32 << 20;

/// How long one may take, in milliseconds.
pub(super) const LIFE_MS: i64 = 10 * 60_000;

/// A sign-in that was begun.
#[derive(Clone)]
pub(super) struct Begin {
    pub(super) did: String,
    pub(super) handle: Option<String>,
    pub(super) pds: String,
    pub(super) server: Server,
    /// PKCS #8.
    pub(super) key: Vec<u8>,
    /// Of PKCE.
    pub(super) verifier: String,
    pub(super) return_to: String,
    /// What the browser has to show.
    pub(super) binding: String,
    pub(super) expires_ms: i64,
}

impl Begin {
    /// What it takes in memory, roughly.
    fn bytes(&self) -> usize {
        let Server { issuer, authorization, token, pushed, revocation } = &self.server;
        let urls = [authorization, token, pushed].into_iter().chain(revocation).map(|url| url.as_str().len()).sum::<usize>();
        let texts = [&self.did, &self.pds, &self.verifier, &self.return_to, &self.binding, issuer].map(String::len).iter().sum::<usize>();
        size_of::<Self>() + self.handle.as_ref().map_or(0, String::len) + self.key.len() + urls + texts
    }
}

#[derive(Default)]
pub(super) struct Pending(Mutex<Table>);

#[derive(Default)]
struct Table {
    by_state: HashMap<String, Begin>,
    /// The oldest first, with when they expire; those that were taken already among them.
    order: VecDeque<(String, i64)>,
    bytes: usize,
}

impl Table {
    fn remove(&mut self, state: &str) -> Option<Begin> {
        let begun = self.by_state.remove(state)?;
        self.bytes -= begun.bytes();
        Some(begun)
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending")
    }
}

impl Pending {
    pub(super) fn insert(&self, state: &str, begun: Begin, now_ms: i64) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = begun.bytes();
        while let Some((oldest, expires_ms)) = table.order.front() {
            if now_ms < *expires_ms && table.order.len() < MOST && table.bytes + bytes <= MOST_BYTES {
                break;
            }
            let oldest = oldest.clone();
            table.order.pop_front();
            drop(table.remove(&oldest));
        }
        table.bytes += bytes;
        table.order.push_back((state.to_owned(), begun.expires_ms));
        table.by_state.insert(state.to_owned(), begun);
    }

    /// Takes the sign-in of this state for the browser that shows the right binding. Another browser takes nothing away.
    pub(super) fn take(&self, state: &str, binding: &str, now_ms: i64) -> Result<Begin, SignInError> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = table.by_state.get(state).filter(|begun| now_ms < begun.expires_ms).ok_or(SignInError::ExpiredState)?;
        if !bool::from(begun.binding.as_bytes().ct_eq(binding.as_bytes())) {
            return Err(SignInError::Mismatch("it was begun in another browser"));
        }
        table.remove(state).ok_or(SignInError::ExpiredState)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn begun(binding: &str) -> Begin {
        let url = Url::parse("https://pds.example.org").expect("a URL");
        let server = Server { issuer: String::new(), authorization: url.clone(), token: url.clone(), pushed: url, revocation: None };
        let (did, pds, verifier, return_to) = (String::new(), String::new(), String::new(), String::new());
        Begin { did, handle: None, pds, server, key: Vec::new(), verifier, return_to, binding: binding.to_owned(), expires_ms: 1_000 }
    }

    #[test]
    fn a_sign_in_is_taken_once_in_time_and_by_the_browser_that_began_it() {
        let pending = Pending::default();
        pending.insert("state", begun("cookie"), 0);
        assert!(matches!(pending.take("other", "cookie", 0), Err(SignInError::ExpiredState)));
        assert!(matches!(pending.take("state", "", 0), Err(SignInError::Mismatch(_))));
        assert!(matches!(pending.take("state", "another cookie", 0), Err(SignInError::Mismatch(_))));
        assert!(matches!(pending.take("state", "cookie", 1_000), Err(SignInError::ExpiredState)));
        assert!(pending.take("state", "cookie", 999).is_ok());
        assert!(matches!(pending.take("state", "cookie", 999), Err(SignInError::ExpiredState)), "used once");
    }

    #[test]
    fn a_flood_pushes_out_the_oldest() {
        let pending = Pending::default();
        for n in 0..=MOST {
            pending.insert(&n.to_string(), begun("x"), 0);
        }
        assert!(matches!(pending.take("0", "x", 0), Err(SignInError::ExpiredState)));
        assert!(pending.take("1", "x", 0).is_ok() && pending.take(&MOST.to_string(), "x", 0).is_ok());
        let table = pending.0.lock().expect("nobody panicked");
        assert!(table.order.len() <= MOST && table.by_state.len() == MOST - 2);
    }

    #[test]
    fn who_never_comes_back_is_forgotten_in_time_and_long_texts_take_no_more_room() {
        let pending = Pending::default();
        for n in 0..100 {
            pending.insert(&n.to_string(), begun("x"), 0);
        }
        assert!(pending.take("50", "x", 999).is_ok());
        pending.insert("later", Begin { expires_ms: 2_000, ..begun("x") }, 1_000);
        let table = pending.0.lock().expect("nobody panicked");
        assert_eq!((table.order.len(), table.by_state.len(), table.bytes), (1, 1, begun("x").bytes()));
        drop(table);
        for n in 0..MOST {
            let long = Begin { return_to: "a".repeat(12 << 10), expires_ms: 2_000, ..begun("x") };
            pending.insert(&n.to_string(), long, 1_000);
        }
        let table = pending.0.lock().expect("nobody panicked");
        let bytes: usize = table.by_state.values().map(Begin::bytes).sum();
        assert!(table.bytes == bytes && bytes <= MOST_BYTES && table.by_state.len() > 2_000, "{bytes} of {}", table.by_state.len());
    }
}
