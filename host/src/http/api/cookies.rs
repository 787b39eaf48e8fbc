//! A browser's cookies: the two tokens, which no script can read, and the one that a page must send back with what it changes.
//!
//! ```text
//! atrarium_access    HttpOnly, Lax, everywhere       the access token
//! atrarium_refresh   HttpOnly, Strict, /api/auth     the refresh token
//! atrarium_csrf      readable, Strict, everywhere    derived from the session; comes back as x-csrf-token
//! atrarium_sign_in   HttpOnly, Lax, /oauth           binds a sign-in to the browser that began it
//! ```
//!
//! Under an https URL they are `Secure`, and their names begin with `__Host-`: a browser takes such a cookie from this very host alone, so no
//! sibling of it can plant a session or a sign-in of its own. That needs the path `/` for all of them. Plain HTTP is for this very machine,
//! where browsers disagree about `Secure`.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::session::Tokens;

/// How long a sign-in may take.
const SIGN_IN_SECONDS: i64 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
    Csrf,
    SignIn,
}

/// Makes cookies, all alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baker {
    pub(super) secure: bool,
}

impl Baker {
    pub(super) fn name(self, kind: Kind) -> &'static str {
        match (kind, self.secure) {
            (Kind::Access, true) => "__Host-atrarium_access",
            (Kind::Access, false) => "atrarium_access",
            (Kind::Refresh, true) => "__Host-atrarium_refresh",
            (Kind::Refresh, false) => "atrarium_refresh",
            (Kind::Csrf, true) => "__Host-atrarium_csrf",
            (Kind::Csrf, false) => "atrarium_csrf",
            (Kind::SignIn, true) => "__Host-atrarium_sign_in",
            (Kind::SignIn, false) => "atrarium_sign_in",
        }
    }

    /// What a browser shows.
    pub(super) fn shown(self, jar: &CookieJar, kind: Kind) -> Option<String> {
        jar.get(self.name(kind)).map(|cookie| cookie.value().to_owned())
    }

    fn cookie(self, kind: Kind, value: String, seconds: i64) -> Cookie<'static> {
        let path = match kind {
            _ if self.secure => "/",
            Kind::Access | Kind::Csrf => "/",
            Kind::Refresh => "/api/auth",
            Kind::SignIn => "/oauth",
        };
        let same_site = match kind {
            // These come along when another site sends the browser here: with a link, and back from signing in.
            Kind::Access | Kind::SignIn => SameSite::Lax,
            Kind::Refresh | Kind::Csrf => SameSite::Strict,
        };
        let cookie = Cookie::build((self.name(kind), value)).path(path).same_site(same_site).http_only(kind != Kind::Csrf).secure(self.secure);
        cookie.max_age(time::Duration::seconds(seconds)).build()
    }

    /// Those of somebody who has signed in.
    pub(super) fn signed_in(self, jar: CookieJar, tokens: &Tokens, now_ms: i64) -> CookieJar {
        let left = |until_ms: i64| (until_ms - now_ms).max(0) / 1_000;
        let (access, refresh) = (left(tokens.access_expires_ms), left(tokens.refresh_expires_ms));
        jar.add(self.cookie(Kind::Access, tokens.access.clone(), access)).add(self.cookie(Kind::Refresh, tokens.refresh.clone(), refresh)).add(self.cookie(
            Kind::Csrf,
            tokens.csrf.clone(),
            refresh,
        ))
    }

    pub(super) fn signed_out(self, jar: CookieJar) -> CookieJar {
        let gone = |kind| self.cookie(kind, String::new(), 0);
        jar.add(gone(Kind::Access)).add(gone(Kind::Refresh)).add(gone(Kind::Csrf))
    }

    /// Of a browser that goes away to sign in.
    pub(super) fn leaving(self, jar: CookieJar, binding: String) -> CookieJar {
        jar.add(self.cookie(Kind::SignIn, binding, SIGN_IN_SECONDS))
    }

    pub(super) fn returned(self, jar: CookieJar) -> CookieJar {
        jar.add(self.cookie(Kind::SignIn, String::new(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cookie_goes_where_it_is_needed_and_no_sibling_can_plant_one() {
        let check = |secure: bool, kind: Kind, expected: &str| {
            assert_eq!(Baker { secure }.cookie(kind, "x".to_owned(), 60).to_string(), expected);
        };
        check(false, Kind::Access, "atrarium_access=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
        check(false, Kind::Refresh, "atrarium_refresh=x; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=60");
        check(false, Kind::Csrf, "atrarium_csrf=x; SameSite=Strict; Path=/; Max-Age=60");
        check(false, Kind::SignIn, "atrarium_sign_in=x; HttpOnly; SameSite=Lax; Path=/oauth; Max-Age=60");
        check(true, Kind::Access, "__Host-atrarium_access=x; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
        check(true, Kind::Refresh, "__Host-atrarium_refresh=x; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60");
        check(true, Kind::Csrf, "__Host-atrarium_csrf=x; SameSite=Strict; Secure; Path=/; Max-Age=60");
        check(true, Kind::SignIn, "__Host-atrarium_sign_in=x; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
    }
}
