//! Ending sessions: here at once, and at the users' servers behind.

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use super::SessionError;
use super::credentials::{Credentials, Kept};
use super::live::Live;
use super::rows::{self, Row};
use super::sessions::{Inner, Sessions, blocking};
use crate::pds::RepoError;
use crate::store::Changes;

/// Sign-ins that are being revoked at their servers at a time.
pub(super) const REVOCATIONS: usize = 32;

impl Sessions {
    /// Ends the user's session of this id; `false` if there is none. Its tokens are refused at once, and the user's server is told behind.
    pub async fn end(&self, did: &str, id: &str) -> Result<bool, SessionError> {
        let (did, id) = (did.to_owned(), id.to_owned());
        Ok(self.end_those(did, move |other| other == id).await? > 0)
    }

    /// Ends all sessions of the user; answers how many.
    pub async fn end_all(&self, did: &str) -> Result<usize, SessionError> {
        self.end_those(did.to_owned(), |_| true).await
    }

    async fn end_those(&self, did: String, which: impl Fn(&str) -> bool + Send + 'static) -> Result<usize, SessionError> {
        let sessions = self.clone();
        let ended = blocking(move || {
            let inner = &*sessions.0;
            let _writing = inner.writing();
            let rows: Vec<_> = inner.rows_of(&did)?.into_iter().filter(|(id, _)| which(id)).collect();
            Ok((rows.len(), inner.remove(&rows)?))
        });
        let (number, live) = ended.await?;
        metrics::counter!("atrarium_sessions_total", "event" => "ended").increment(number as u64);
        self.revoke_behind(live);
        Ok(number)
    }

    /// Tells the users' servers that these sign-ins have ended, without anybody waiting. What can't be told is given up: the server's own
    /// time for it ends too.
    pub(super) fn revoke_behind(&self, ended: Vec<Arc<Live>>) {
        let Ok(runtime) = Handle::try_current() else { return };
        for live in ended {
            let sessions = Arc::clone(&self.0);
            let revocation = async move {
                let Ok(_turn) = Arc::clone(&sessions.revocations).acquire_owned().await else { return };
                let outcome = live.revoke(&sessions).await;
                metrics::counter!("atrarium_sign_ins_revoked_total", "outcome" => outcome.as_ref().map_or_else(RepoError::kind, |()| "revoked")).increment(1);
                if let Err(cause) = outcome {
                    tracing::debug!(session = live.id, cause = cause.kind(), "a user's server was not told of the end of a sign-in");
                }
            };
            self.0.revoking.spawn_on(revocation, &runtime);
        }
    }

    /// Waits until the users' servers have been told of all sign-ins that have ended, or can't be told: half a minute at most for each
    /// thirty-two of them. For who stops the program, which would end the telling.
    pub async fn settle(&self) {
        let revoking = &self.0.revoking;
        revoking.close();
        revoking.wait().await;
        revoking.reopen();
    }

    /// Gives up what was gained at a user's server and can't be kept.
    pub(super) fn give_up(&self, did: &str, credentials: Credentials) {
        let kept = Kept { credentials, given_ms: 0 };
        self.revoke_behind(Live::new("", did, kept, Weak::new()).map(Arc::new).into_iter().collect());
    }
}

impl Inner {
    /// Removes these sessions; answers what is to be revoked.
    pub(super) fn remove(&self, rows: &[(String, Row)]) -> Result<Vec<Arc<Live>>, SessionError> {
        let (mut changes, mut ended) = (Changes::default(), Vec::new());
        for (id, row) in rows {
            ended.extend(self.live(id, &row.did)?);
            rows::remove(&mut changes, id, row);
        }
        self.state.commit(&changes)?;
        for live in &ended {
            live.end();
            self.successors.invalidate(&live.id);
        }
        Ok(ended)
    }
}
