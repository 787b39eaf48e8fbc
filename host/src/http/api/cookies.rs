//! A browser's cookies: the two tokens, which no script can read, and the one that a page must send back with what it changes.
//!
//! ```text
//! atrarium_access    HttpOnly, Lax, everywhere       the access token
//! atrarium_refresh   HttpOnly, Strict, /api/auth     the refresh token
//! atrarium_csrf      readable, Strict, everywhere    derived from the session; comes back as x-csrf-token
//! atrarium_sign_in   HttpOnly, Lax, /oauth           binds a sign-in to the browser that began it
//! ```
//!
//! `Secure` unless the public URL is plain HTTP on this very machine, where browsers disagree about it.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::session::Tokens;

pub(super) const ACCESS: &str = "atrarium_access";
pub(super) const REFRESH: &str = "atrarium_refresh";
pub(super) const CSRF: &str = "atrarium_csrf";
pub(super) const SIGN_IN: &str = "atrarium_sign_in";

/// How long a sign-in may take.
const SIGN_IN_SECONDS: i64 = 600;

/// Makes cookies, all alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baker {
    pub(super) secure: bool,
}

impl Baker {
    fn cookie(self, name: &'static str, value: String, path: &'static str, same_site: SameSite, http_only: bool, seconds: i64) -> Cookie<'static> {
        let cookie = Cookie::build((name, value)).path(path).same_site(same_site).http_only(http_only).secure(self.secure);
        cookie.max_age(time::Duration::seconds(seconds)).build()
    }

    /// Those of somebody who has signed in.
    pub(super) fn signed_in(self, jar: CookieJar, tokens: &Tokens, now_ms: i64) -> CookieJar {
        let left = |until_ms: i64| (until_ms - now_ms).max(0) / 1_000;
        let (access, refresh) = (left(tokens.access_expires_ms), left(tokens.refresh_expires_ms));
        jar.add(self.cookie(ACCESS, tokens.access.clone(), "/", SameSite::Lax, true, access))
            .add(self.cookie(REFRESH, tokens.refresh.clone(), "/api/auth", SameSite::Strict, true, refresh))
            .add(self.cookie(CSRF, tokens.csrf.clone(), "/", SameSite::Strict, false, refresh))
    }

    pub(super) fn signed_out(self, jar: CookieJar) -> CookieJar {
        jar.add(self.cookie(ACCESS, String::new(), "/", SameSite::Lax, true, 0))
            .add(self.cookie(REFRESH, String::new(), "/api/auth", SameSite::Strict, true, 0))
            .add(self.cookie(CSRF, String::new(), "/", SameSite::Strict, false, 0))
    }

    /// Of a browser that goes away to sign in.
    pub(super) fn leaving(self, jar: CookieJar, binding: String) -> CookieJar {
        jar.add(self.cookie(SIGN_IN, binding, "/oauth", SameSite::Lax, true, SIGN_IN_SECONDS))
    }

    pub(super) fn returned(self, jar: CookieJar) -> CookieJar {
        jar.add(self.cookie(SIGN_IN, String::new(), "/oauth", SameSite::Lax, true, 0))
    }
}
