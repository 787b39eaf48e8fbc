//! How an answer is read: what was asked for, or which error it is and when it is worth asking again.

use std::time::Duration;

use serde::Deserialize;

use crate::event::AccountStatus;
use crate::outbound::{OutboundError, Response};

/// Why a server's answer is not what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PdsError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The server is to be left alone for so long.
    #[error("the server wants to be left alone for {0:?}")]
    Busy(Duration),
    /// The server knows the account, and it isn't active.
    #[error("the account is not active")]
    Inactive(AccountStatus),
    /// It doesn't have this repo.
    #[error("the server doesn't have this repo")]
    NoSuchRepo,
    /// An XRPC error by this name, or a status without one.
    #[error("the server answered {0}")]
    Refused(String),
    /// An answer that no honest server gives. Not worth asking again soon.
    #[error("the server answered with {0}")]
    Nonsense(String),
}

/// What an answer holds.
pub(super) fn read<T: for<'a> Deserialize<'a>>(response: &Response) -> Result<T, PdsError> {
    if response.status() == 200 {
        return serde_json::from_slice(&response.body).map_err(|cause| PdsError::Nonsense(format!("JSON that doesn't fit: {cause}")));
    }
    #[derive(Deserialize)]
    struct Xrpc {
        error: String,
    }
    if matches!(response.status(), 429 | 503) {
        return Err(PdsError::Busy(response.pause()));
    }
    let name = serde_json::from_slice::<Xrpc>(&response.body).map(|xrpc| xrpc.error.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>());
    Err(match name.as_deref() {
        Ok("RepoDeactivated" | "RepoTakendown" | "RepoSuspended" | "RepoDesynchronized" | "AccountTakedown") => PdsError::Inactive(AccountStatus::Inactive),
        Ok("RepoNotFound" | "AccountNotFound") => PdsError::NoSuchRepo,
        Ok(name) if !name.is_empty() => PdsError::Refused(format!("{} {name}", response.status())),
        _ => PdsError::Refused(response.status().to_string()),
    })
}
