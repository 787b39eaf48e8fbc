//! Signing in at a user's server with a password, the way that came before OAuth.
//!
//! An app password, or the account's own: the server takes either. What comes back is a pair of tokens; the first lasts for some hours, the
//! second is used up when it is renewed. Neither is kept or logged here. Whether the DID in the answer is the right one is for the
//! caller to check: a server may say anything.

use std::fmt;
use std::sync::Arc;

use atrium_api::com::atproto::server::{create_session, refresh_session};
use tokio::time::timeout;
use url::Url;

use super::agent::{Bearer, Caller, Failure, PATIENCE, RepoError};
use crate::outbound::Client;

/// The longest token that is taken; real ones have a few hundred letters.
const LONGEST_TOKEN: usize = 8 << 10;

/// What a server gives to who signs in.
pub struct Login {
    /// Of the account, as the server says.
    pub did: String,
    pub access: String,
    pub refresh: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("did", &self.did).finish_non_exhaustive()
    }
}

/// Why nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error("the server does not take this password: {0}")]
    WrongPassword(String),
    /// The server has sent a code to the user and wants it along with the password.
    #[error("the server wants the code that it has sent to the user")]
    FactorNeeded,
    #[error(transparent)]
    Other(RepoError),
}

/// Signs in at this server.
pub async fn create(client: &Client, pds: &Url, identifier: &str, password: &str, factor: Option<&str>) -> Result<Login, LoginError> {
    let input = create_session::InputData {
        allow_takendown: None,
        auth_factor_token: factor.map(str::to_owned),
        identifier: identifier.to_owned(),
        password: password.to_owned(),
    };
    let agent = caller(client, pds, None).agent();
    let output = match within(async { agent.api.com.atproto.server.create_session(input.into()).await.map_err(Failure::from_atrium) }).await {
        Ok(output) => output.data,
        Err(Failure::Refused { name, .. }) if name == "AuthFactorTokenRequired" => return Err(LoginError::FactorNeeded),
        Err(Failure::Refused { status: 401, name, words, .. }) if name == "AuthenticationRequired" || name.is_empty() => {
            return Err(LoginError::WrongPassword(words));
        }
        Err(failure) => return Err(LoginError::Other(failure.into())),
    };
    login(output.did.as_str(), output.access_jwt, output.refresh_jwt).map_err(LoginError::Other)
}

/// Uses a refresh token up for a new pair.
pub async fn refresh(client: &Client, pds: &Url, refresh: &str) -> Result<Login, RepoError> {
    let agent = caller(client, pds, Some(refresh)).agent();
    let output: refresh_session::Output = within(async { agent.api.com.atproto.server.refresh_session().await.map_err(Failure::from_atrium) }).await?;
    login(output.did.as_str(), output.access_jwt.clone(), output.refresh_jwt.clone())
}

/// Makes the server forget the sign-in that this refresh token belongs to.
pub async fn delete(client: &Client, pds: &Url, refresh: &str) -> Result<(), RepoError> {
    let agent = caller(client, pds, Some(refresh)).agent();
    Ok(within(async { agent.api.com.atproto.server.delete_session().await.map_err(Failure::from_atrium) }).await?)
}

fn caller(client: &Client, pds: &Url, token: Option<&str>) -> Caller {
    Caller(Arc::new(Bearer { client: client.clone(), origin: pds.clone(), token: token.map(str::to_owned) }))
}

async fn within<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PATIENCE, call).await.unwrap_or_else(|_| Err(Failure::Other(RepoError::Late(format!("nothing came within {PATIENCE:?}")))))
}

fn login(did: &str, access: String, refresh: String) -> Result<Login, RepoError> {
    let is_token = |text: &str| !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token(&access) && is_token(&refresh) {
        Ok(Login { did: did.to_owned(), access, refresh })
    } else {
        Err(RepoError::Unreachable("it answered with tokens that are none".to_owned()))
    }
}
