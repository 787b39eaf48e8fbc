//! Whether a session still stands on what it was opened for: the word of the server that the user's DID names.
//!
//! ```text
//! each request in the user's name ─▶ the DID's document names another server ─▶ the session ends
//! each refresh of ours ─▶ the same; and credentials of more than a day are renewed ─▶ the server says no ─▶ the session ends
//! ```
//!
//! Who runs a server that the user has left, and who holds a sign-in that the user has revoked there, is so nobody here: not for writing,
//! at once; not for reading, after a day and a quarter of an hour at most. The document is the one that the resolver has, at most an hour
//! old and forgotten at an identity event. Where none can be had, nothing is written, and nothing ends: a directory or server that is down
//! signs nobody out.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::live::Live;
use super::sessions::{Sessions, blocking};
use super::{SessionError, Tokens};
use crate::identity::ResolveError;
use crate::outbound::OutboundError;
use crate::pds::RepoError;

/// How old credentials may be until their server is asked whether it still takes them, in milliseconds. A token of an app password's lasts
/// for two hours, so this is one more question a day for who only reads.
const VOUCHED_MS: i64 = 24 * 3_600_000;

/// How long a refresh waits for directory and server. What takes longer goes on behind, and counts at the next one.
const PATIENCE: Duration = Duration::from_secs(3);

impl Sessions {
    /// New tokens for a refresh token, as [`Sessions::refresh`] gives them, if the session still stands.
    pub async fn go_on(&self, refresh_token: &str) -> Result<Tokens, SessionError> {
        // Before the token is used up: whoever stops waiting now still has it.
        if let Some(live) = self.newest(refresh_token)? {
            let look = tokio::spawn(async move { live.look().await });
            drop(timeout(PATIENCE, look).await);
        }
        let (sessions, token) = (self.clone(), refresh_token.to_owned());
        blocking(move || sessions.refresh(&token)).await
    }
}

impl Live {
    /// Whether the user's DID still names the server of these credentials. If it doesn't, the session has ended.
    pub(super) async fn stands(&self) -> Result<(), RepoError> {
        let sessions = self.sessions()?;
        let document = sessions.resolver.resolve(&self.did).await.map_err(|cause| match cause {
            ResolveError::Busy => RepoError::Crowded,
            ResolveError::Outbound { cause: OutboundError::Timeout { .. }, .. } => RepoError::Late(cause.to_string()),
            _ => RepoError::Unreachable(format!("it can't be told which one it is: {cause}")),
        })?;
        if document.pds.as_ref().is_some_and(|pds| pds.origin() == self.origin.origin()) {
            return Ok(());
        }
        self.lose("its user's DID names another server").await;
        Err(RepoError::SignedOut("the account is at another server now".to_owned()))
    }

    /// Ends the session if it doesn't stand any more. Any other trouble is left to who asks with it next.
    async fn look(self: Arc<Self>) {
        let Ok(sessions) = self.sessions() else { return };
        if self.stands().await.is_err() {
            return;
        }
        let (given_ms, number) = self.given().await;
        if !(0..VOUCHED_MS).contains(&sessions.clock.now_ms().saturating_sub(given_ms)) {
            drop(self.renewed(number).await);
        }
    }

    /// Ends the session, since what it stands on is gone.
    pub(super) async fn lose(&self, why: &'static str) {
        self.end();
        let Some(sessions) = self.all() else { return };
        match sessions.end(&self.did, &self.id).await {
            Ok(true) => {
                metrics::counter!("atrarium_sessions_total", "event" => "lost").increment(1);
                tracing::info!(session = self.id, did = %self.did, why, "a session has ended");
            }
            Ok(false) => {}
            Err(cause) => tracing::warn!(session = self.id, %cause, why, "a session should have ended and is still kept"),
        }
    }
}
