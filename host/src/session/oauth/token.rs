//! What is asked of an authorization server: to expect somebody, tokens for a code or for a refresh token, and to forget them.
//!
//! The `oauth2` crate makes the requests for tokens and reads the answers; our client carries them, with a DPoP proof each. What the
//! crate doesn't have (pushed requests) or forbids on loopback (revocation without TLS) is a form of the same kind. Where a server
//! wants its nonce first, the whole is asked once more, with a new assertion: those are used once too.

use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::client::OurClient;
use super::dpop::{Nonces, proof};
use super::key::SigningKey;
use super::server::Server;
use crate::clock::Clock;
use crate::outbound::{Client, Limits, Request};
use crate::pds::RepoError;

const LIMITS: Limits = Limits { deadline: Duration::from_secs(10), body: 64 << 10 };

/// The longest token that is taken; real ones have up to a thousand letters.
const LONGEST_TOKEN: usize = 8 << 10;

/// The longest scope, and the longest name of a pushed request, that are taken; real ones have some hundred letters.
const LONGEST_TEXT: usize = 2 << 10;

/// Letters of a server's words that are passed on.
const WORDS: usize = 300;

/// Tokens as a server gives them.
pub(super) struct Issued {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) scope: String,
    /// Whose they are, as the server says.
    pub(super) sub: String,
}

/// Why a server did not do it.
#[derive(Debug)]
pub(super) enum TokenError {
    /// It said no: the error's name and sentence.
    Refused(String, String),
    Other(RepoError),
}

impl From<RepoError> for TokenError {
    fn from(cause: RepoError) -> Self {
        Self::Other(cause)
    }
}

impl From<TokenError> for RepoError {
    fn from(cause: TokenError) -> Self {
        match cause {
            TokenError::Refused(name, words) if matches!(name.as_str(), "server_error" | "temporarily_unavailable") => Self::Unreachable(words),
            TokenError::Refused(name, words) => {
                let said = if words.is_empty() { name.clone() } else { format!("{name}: {words}") };
                // Whatever else is wrong (it can't read our metadata, it doesn't know our key) says nothing of what the user has allowed.
                if name == "invalid_grant" { Self::SignedOut(said) } else { Self::Denied(said) }
            }
            TokenError::Other(cause) => cause,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kind(String);

impl oauth2::TokenType for Kind {}

#[derive(Debug, Serialize, Deserialize)]
struct Subject {
    sub: String,
}

impl oauth2::ExtraTokenFields for Subject {}

type Answer = StandardTokenResponse<Subject, Kind>;

type At<Authorization, Token> = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Authorization,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
>;

/// Asks one authorization server, with one session's key.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) clock: &'a Clock,
    pub(super) nonces: &'a Nonces,
    pub(super) ours: &'a OurClient,
    pub(super) issuer: &'a str,
    pub(super) key: &'a SigningKey,
}

impl Asking<'_> {
    /// Tells the server whom to expect; answers the name of this request, for the browser to take along.
    pub(super) async fn push(&self, server: &Server, scope: &str, state: &str, challenge: &PkceCodeChallenge, hint: &str) -> Result<String, TokenError> {
        #[derive(Deserialize)]
        struct Pushed {
            request_uri: String,
        }
        let authorization = self.at().set_auth_uri(AuthUrl::from_url(server.authorization.clone()));
        let request = authorization.authorize_url(|| CsrfToken::new(state.to_owned())).set_pkce_challenge(challenge.clone());
        let (url, _) = request.add_scopes(scope.split(' ').map(|scope| Scope::new(scope.to_owned()))).add_extra_param("login_hint", hint).url();
        // What would be the page's query; it may have had one of its own.
        let own = server.authorization.query_pairs().count();
        let form: Vec<_> = url.query_pairs().skip(own).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let body = self.post(&server.pushed, &form).await?;
        let pushed: Pushed = serde_json::from_slice(&body).map_err(|_| nonsense("to a pushed request with something else than its name"))?;
        if pushed.request_uri.is_empty() || pushed.request_uri.len() > LONGEST_TEXT {
            return Err(nonsense("to a pushed request with no sensible name for it"));
        }
        Ok(pushed.request_uri)
    }

    /// Tokens for the code that the browser brought.
    pub(super) async fn exchange(&self, token: &Url, code: &str, verifier: &str) -> Result<Issued, TokenError> {
        let client = self.at().set_token_uri(TokenUrl::from_url(token.clone()));
        for first in [true, false] {
            let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
            let assertion = self.ours.assertion(self.issuer, self.clock.now_ms());
            let request = assertion.into_iter().fold(request, |request, (name, value)| request.add_extra_param(name, value));
            if let Some(answer) = answered(request.request_async(self).await, first)? {
                return issued(&answer);
            }
        }
        Err(wants_another_nonce())
    }

    /// Tokens for a refresh token, which is used up by that.
    pub(super) async fn refresh(&self, token: &Url, refresh: &str) -> Result<Issued, TokenError> {
        let client = self.at().set_token_uri(TokenUrl::from_url(token.clone()));
        let refresh = RefreshToken::new(refresh.to_owned());
        for first in [true, false] {
            let assertion = self.ours.assertion(self.issuer, self.clock.now_ms());
            let request = assertion.into_iter().fold(client.exchange_refresh_token(&refresh), |request, (name, value)| request.add_extra_param(name, value));
            if let Some(answer) = answered(request.request_async(self).await, first)? {
                return issued(&answer);
            }
        }
        Err(wants_another_nonce())
    }

    /// Makes the server forget the sign-in that this token belongs to.
    pub(super) async fn revoke(&self, revocation: &Url, refresh: &str) -> Result<(), TokenError> {
        let form = [("client_id", self.ours.id.as_str()), ("token", refresh), ("token_type_hint", "refresh_token")];
        self.post(revocation, &form.map(|(name, value)| (name.to_owned(), value.to_owned()))).await.map(drop)
    }

    fn at(&self) -> At<EndpointNotSet, EndpointNotSet> {
        let redirect = RedirectUrl::new(self.ours.redirect.clone()).expect("it was made of a public URL");
        At::new(ClientId::new(self.ours.id.clone())).set_redirect_uri(redirect)
    }

    /// Posts a form with our assertion.
    async fn post(&self, url: &Url, form: &[(String, String)]) -> Result<Vec<u8>, TokenError> {
        for first in [true, false] {
            let assertion = self.ours.assertion(self.issuer, self.clock.now_ms());
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).extend_pairs(assertion).finish();
            let (status, _, answer) = self.send(url, body.into_bytes()).await?;
            if matches!(status, 200 | 201) {
                return Ok(answer);
            }
            match serde_json::from_slice::<BasicErrorResponse>(&answer) {
                Ok(error) if first && error.error().as_ref() == NONCE => {}
                Ok(error) => return Err(refusal(&error)),
                Err(_) => return Err(nonsense(&format!("with status {status} and without a reason"))),
            }
        }
        Err(wants_another_nonce())
    }

    /// Posts a form as it is, with a proof; answers status, type and body.
    async fn send(&self, url: &Url, body: Vec<u8>) -> Result<(u16, Option<String>, Vec<u8>), RepoError> {
        let proof = proof(self.key, "POST", url, self.nonces.of(url), None, self.clock.now_ms());
        let request = Request::post(url, body.into()).header("content-type", "application/x-www-form-urlencoded");
        let answer = self.client.send(request.header("accept", "application/json").header("dpop", &proof), LIMITS).await?;
        self.nonces.note(url, &answer);
        if answer.status() == 429 {
            return Err(RepoError::Busy(answer.pause()));
        }
        if answer.status() >= 500 {
            return Err(RepoError::Unreachable(format!("it answered with status {}", answer.status())));
        }
        Ok((answer.status(), answer.header("content-type").map(str::to_owned), answer.body.to_vec()))
    }
}

impl<'c> AsyncHttpClient<'c> for Asking<'_> {
    type Error = RepoError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, RepoError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let unsendable = |cause: &dyn std::fmt::Display| RepoError::Unreachable(cause.to_string());
            let url = Url::parse(&request.uri().to_string()).map_err(|cause| unsendable(&cause))?;
            let (status, of_type, body) = self.send(&url, request.into_body()).await?;
            let mut response = HttpResponse::new(body);
            *response.status_mut() = status.try_into().map_err(|cause| unsendable(&cause))?;
            if let Some(of_type) = of_type.and_then(|of_type| of_type.parse().ok()) {
                response.headers_mut().insert("content-type", of_type);
            }
            Ok(response)
        })
    }
}

const NONCE: &str = "use_dpop_nonce";

/// The answer; `None` if the server wants its nonce first, and may be asked again.
fn answered(outcome: Result<Answer, RequestTokenError<RepoError, BasicErrorResponse>>, first: bool) -> Result<Option<Answer>, TokenError> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(RequestTokenError::ServerResponse(error)) if first && error.error().as_ref() == NONCE => Ok(None),
        Err(RequestTokenError::ServerResponse(error)) => Err(refusal(&error)),
        Err(RequestTokenError::Request(cause)) => Err(cause.into()),
        // These may quote the answer, which may hold a token.
        Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => Err(nonsense("with something else than tokens")),
    }
}

fn issued(answer: &Answer) -> Result<Issued, TokenError> {
    let is_token = |text: &str| !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
    let access = answer.access_token().secret();
    let refresh = answer.refresh_token().map(|token| token.secret().as_str()).unwrap_or_default();
    if !answer.token_type().0.eq_ignore_ascii_case("DPoP") {
        return Err(nonsense("with a token that is bound to no key"));
    }
    if !is_token(access) || !is_token(refresh) {
        return Err(nonsense("without a token that lasts"));
    }
    let scopes = answer.scopes().map(Vec::as_slice).unwrap_or_default();
    let scope = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    if scope.len() > LONGEST_TEXT {
        return Err(nonsense("with more scopes than there are"));
    }
    Ok(Issued { access: access.clone(), refresh: refresh.to_owned(), scope, sub: answer.extra_fields().sub.clone() })
}

fn refusal(error: &BasicErrorResponse) -> TokenError {
    let clean = |text: &str| text.chars().filter(|letter| !letter.is_control()).take(WORDS).collect();
    TokenError::Refused(clean(error.error().as_ref()), error.error_description().map(|words| clean(words)).unwrap_or_default())
}

fn nonsense(what: &str) -> TokenError {
    TokenError::Other(RepoError::Unreachable(format!("it answered {what}")))
}

fn wants_another_nonce() -> TokenError {
    nonsense("twice that it wants another nonce")
}
