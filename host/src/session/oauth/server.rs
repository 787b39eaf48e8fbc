//! What a user's server says of the way to sign in there.
//!
//! ```text
//! <PDS>/.well-known/oauth-protected-resource      which authorization server speaks for it
//! <issuer>/.well-known/oauth-authorization-server  where that takes what
//! ```
//!
//! Both documents are text from strangers: bounded, no redirect followed, and each must be about the very origin that it was fetched
//! from. A server that doesn't offer what the AT Protocol asks for is refused with a sentence, before anybody is sent there.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::outbound::{Client, Limits};
use crate::pds::RepoError;
use crate::session::SignInError;

/// Real ones have two kilobytes.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(5), body: 64 << 10 };

/// The longest URL that is taken; real ones have less than a hundred letters. They are kept with each sign-in.
const LONGEST_URL: usize = 2 << 10;

/// An authorization server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Its origin, and its name in what it says.
    pub(super) issuer: String,
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) pushed: Url,
    pub(super) revocation: Option<Url>,
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    pushed_authorization_request_endpoint: Url,
    revocation_endpoint: Option<Url>,
    #[serde(default)]
    response_types_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    fn urls(&self) -> impl Iterator<Item = &Url> {
        [&self.authorization_endpoint, &self.token_endpoint, &self.pushed_authorization_request_endpoint].into_iter().chain(&self.revocation_endpoint)
    }
}

/// The name of the authorization server that speaks for this user's server.
pub(super) async fn issuer_of(client: &Client, pds: &Url) -> Result<String, SignInError> {
    let resource: Resource = fetch(client, pds, "/.well-known/oauth-protected-resource").await?;
    if Url::parse(&resource.resource).map(|url| url.origin()) != Ok(pds.origin()) {
        return Err(refused("it speaks of another server than itself"));
    }
    match resource.authorization_servers.as_slice() {
        [issuer] if is_origin(issuer, client.policy().allow_private) => Ok(issuer.clone()),
        _ => Err(refused("it names no single server to sign in at")),
    }
}

/// What this authorization server says of itself, if we can work with it in this way.
pub(super) async fn server(client: &Client, issuer: &str, method: &str) -> Result<Server, SignInError> {
    let origin = Url::parse(issuer).map_err(|_| refused("the server to sign in at has no URL"))?;
    let found: Metadata = fetch(client, &origin, "/.well-known/oauth-authorization-server").await?;
    let private = client.policy().allow_private;
    let has = |list: &[String], wanted: &str| list.iter().any(|item| item == wanted);
    let missing = [
        (found.issuer == issuer, "it calls itself by another name"),
        (has(&found.response_types_supported, "code"), "it gives no codes"),
        (has(&found.code_challenge_methods_supported, "S256"), "it knows no PKCE with S256"),
        (has(&found.dpop_signing_alg_values_supported, "ES256"), "it knows no DPoP with ES256"),
        (has(&found.token_endpoint_auth_methods_supported, method), "it does not take the way in which we show who we are"),
        (found.authorization_response_iss_parameter_supported, "it does not say in its answers who it is"),
        (is_web(&found.authorization_endpoint, private), "its page is not on the web"),
        (found.urls().all(|url| url.as_str().len() <= LONGEST_URL), "its URLs are too long"),
    ];
    if let Some((_, what)) = missing.iter().find(|(there, _)| !there) {
        return Err(refused(what));
    }
    Ok(Server {
        issuer: found.issuer,
        authorization: found.authorization_endpoint,
        token: found.token_endpoint,
        pushed: found.pushed_authorization_request_endpoint,
        revocation: found.revocation_endpoint,
    })
}

async fn fetch<T: for<'a> Deserialize<'a>>(client: &Client, origin: &Url, path: &str) -> Result<T, SignInError> {
    let mut url = origin.clone();
    url.set_path(path);
    let answer = client.get(&url, LIMITS).await.map_err(RepoError::from)?;
    if answer.status() == 404 {
        return Err(refused("it knows no OAuth: use an app password"));
    }
    let answer = answer.ok().map_err(RepoError::from)?;
    if !answer.is_type("application/json") {
        return Err(refused("what it says of OAuth is no JSON"));
    }
    // The cause may quote what a stranger wrote.
    answer.json().map_err(|_| refused("what it says of OAuth lacks something"))
}

fn refused(what: &str) -> SignInError {
    SignInError::RefusedByServer(what.to_owned())
}

fn is_web(url: &Url, private: bool) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && private
}

/// Whether this is an origin and nothing else, written as origins are.
fn is_origin(text: &str, private: bool) -> bool {
    text.len() <= LONGEST_URL && Url::parse(text).is_ok_and(|url| is_web(&url, private) && url.origin().ascii_serialization() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_origin_and_nothing_else() {
        for (text, public, private) in [
            ("https://bsky.social", true, true),
            ("https://pds.example.org:8443", true, true),
            ("http://localhost:2583", false, true),
            ("https://bsky.social/", false, false),
            ("https://bsky.social/oauth", false, false),
            ("https://bsky.social:443", false, false),
            ("https://me@bsky.social", false, false),
            ("https://bsky.social?a", false, false),
            ("HTTPS://bsky.social", false, false),
            ("ftp://bsky.social", false, false),
            ("bsky.social", false, false),
            ("", false, false),
            (&format!("https://{}.example", "a".repeat(LONGEST_URL)), false, false),
        ] {
            assert_eq!((is_origin(text, false), is_origin(text, true)), (public, private), "{text}");
        }
    }
}
