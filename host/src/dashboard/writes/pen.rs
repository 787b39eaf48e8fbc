//! A caller's repo, for the time of one write of the API.
//!
//! ```text
//! a step ─ done or refused ───────────────────────────────▶ so it is
//!        └ no answer ─▶ look ─ it is as wished ───────────▶ done
//!                         ├─ it is something else ────────▶ not done
//!                         └─ can't be looked at ──────────▶ unknown: who asked is told where to look
//! ```
//!
//! A server that gives no answer, or a useless one, may have done what it was asked to. So the record is looked at, twice at most, and
//! only what can't be looked at is left open; nothing is ever written a second time blindly. And the first thing that is asked is a
//! reading, so that a server which is away leaves nothing open at all.
//!
//! Two deadlines share the time of a write out: one by which its steps end, and a later one for looking and taking back. Soft
//! ground: a server that does a write after it has been looked at does it unseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};

use super::uri;
use crate::dashboard::Problem;
use crate::event::Rev;
use crate::pds::{Deadline, Found, Repo, RepoError, Swap, WRITES_AT_ONCE};

/// For the steps of a write: one that is answered late, and others that are quick.
const STEPS: Duration = Duration::from_secs(15);

/// For all of it, without the waiting for its effect.
const ALL: Duration = Duration::from_secs(26);

/// What is left of them when the program is about to end; HTTP waits for five seconds.
const STEPS_AT_THE_END: Duration = Duration::from_secs(1);
const ALL_AT_THE_END: Duration = Duration::from_millis(3_500);

/// For looking at what became of a write, each time, and how often.
const LOOK: Duration = Duration::from_millis(2_500);
const LOOKS: usize = 2;

/// Before it is looked at again: what is on its way arrives meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

/// The repo, for one write. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pen {
    steps: Repo,
    rest: Repo,
    deadlines: [Deadline; 2],
    /// The server has answered something.
    reached: Arc<AtomicBool>,
}

/// A record that was written, now or by a step of which nothing was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) cid: String,
    /// The repo's, by this write or a later one.
    pub(super) rev: Rev,
}

/// Why a step was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// The server says so.
    Refused(RepoError),
    /// There was no answer, and a look showed that nothing has changed.
    NotDone(RepoError),
    /// There was no answer, and no look: it may have been done to these, by their AT-URIs.
    Unknown { cause: RepoError, uris: Vec<String> },
}

impl Pen {
    /// With the time for a write, which runs from now on.
    pub(super) fn new(repo: &Repo) -> Self {
        let now = Instant::now();
        let deadlines = [Deadline::at(now + STEPS), Deadline::at(now + ALL)];
        let [steps, rest] = deadlines.clone().map(|deadline| repo.until(deadline));
        Self { steps, rest, deadlines, reached: Arc::default() }
    }

    /// Makes it come to an end at once: the program ends.
    pub(super) fn hurry(&self) {
        let now = Instant::now();
        self.deadlines[0].bring_forward(now + STEPS_AT_THE_END);
        self.deadlines[1].bring_forward(now + ALL_AT_THE_END);
    }

    /// The same for taking back, for which there is more time.
    pub(super) fn undoing(&self) -> Self {
        Self { steps: self.rest.clone(), ..self.clone() }
    }

    pub(super) fn did(&self) -> &str {
        self.steps.did()
    }

    /// See [`Repo::get`].
    pub(super) async fn get(&self, collection: &str, rkey: &str) -> Result<Option<Found>, RepoError> {
        let found = self.steps.get(collection, rkey).await?;
        self.reached.store(true, Ordering::Relaxed);
        Ok(found)
    }

    /// See [`Repo::look`].
    pub(super) async fn look(&self, collection: &str, rkey: &str) -> Result<(Rev, Option<Found>), RepoError> {
        self.steps.look(collection, rkey).await
    }

    /// Asks for something that changes nothing, unless the server has answered before.
    async fn reach(&self) -> Result<(), RepoError> {
        if !self.reached.load(Ordering::Relaxed) {
            self.steps.latest().await?;
            self.reached.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes a record that isn't there yet.
    pub(super) async fn create(&self, collection: &str, rkey: &str, record: &Map<String, Value>) -> Result<Done, Failed> {
        self.reach().await?;
        match self.steps.create(collection, rkey, record.clone()).await {
            Ok(written) => Ok(Done { cid: written.cid, rev: written.rev }),
            // The record that is in the way may be this one.
            Err(cause) if is_open(&cause) || matches!(cause, RepoError::Conflict(_)) => self.is_written(cause, collection, rkey, record).await,
            Err(cause) => Err(Failed::Refused(cause)),
        }
    }

    /// Writes over the record with this CID.
    pub(super) async fn put(&self, collection: &str, rkey: &str, record: &Map<String, Value>, over: &str) -> Result<Done, Failed> {
        self.reach().await?;
        match self.steps.put(collection, rkey, record.clone(), Swap::Is(over)).await {
            Ok(Some(written)) => Ok(Done { cid: written.cid, rev: written.rev }),
            // It was there already, and there is no revision of it.
            Ok(None) => self.is_written(RepoError::Conflict("it was written meanwhile".to_owned()), collection, rkey, record).await,
            Err(cause) if is_open(&cause) => match self.is_written(cause, collection, rkey, record).await {
                // Somebody else has written since, over ours or over what was there before.
                Err(Failed::NotDone(_)) if self.is_another(collection, rkey, over).await => {
                    Err(Failed::Refused(RepoError::Conflict("it was changed meanwhile".to_owned())))
                }
                outcome => outcome,
            },
            Err(cause) => Err(Failed::Refused(cause)),
        }
    }

    /// Deletes a record, or what of it has this CID; `None` if there was none.
    pub(super) async fn delete(&self, collection: &str, rkey: &str, swap: Swap<'_>) -> Result<Option<Rev>, Failed> {
        self.reach().await?;
        match self.steps.delete(collection, rkey, swap).await {
            Err(cause) if is_open(&cause) => self.after(cause, collection, rkey, |found| found.is_none()).await.map(|(rev, _)| Some(rev)),
            outcome => Ok(outcome?),
        }
    }

    /// Writes new records of one collection, some in each commit; answers the revision of each. What was written before a failure
    /// stays, and comes with it.
    pub(super) async fn create_all(&self, collection: &str, records: &[(String, Map<String, Value>)]) -> Result<Vec<Rev>, (Vec<Rev>, Failed)> {
        let mut revs = Vec::with_capacity(records.len());
        self.reach().await.map_err(|cause| (Vec::new(), cause.into()))?;
        for some in records.chunks(WRITES_AT_ONCE) {
            let Some((rkey, record)) = some.first() else { continue };
            let outcome = match self.steps.create_all(collection, some).await {
                Ok(rev) => Ok(rev),
                // One commit: where the first is, all are.
                Err(cause) if is_open(&cause) => self.is_written(cause, collection, rkey, record).await.map(|done| done.rev),
                Err(cause) => Err(Failed::Refused(cause)),
            };
            match outcome {
                Ok(rev) => revs.extend(some.iter().map(|_| rev)),
                Err(Failed::Unknown { cause, .. }) => {
                    let uris = some.iter().map(|(rkey, _)| uri(self.did(), collection, rkey)).collect();
                    return Err((revs, Failed::Unknown { cause, uris }));
                }
                Err(failed) => return Err((revs, failed)),
            }
        }
        Ok(revs)
    }

    /// Whether this record is there now, after a step that ended so.
    async fn is_written(&self, cause: RepoError, collection: &str, rkey: &str, record: &Map<String, Value>) -> Result<Done, Failed> {
        let (rev, found) = self.after(cause.clone(), collection, rkey, |found| found.is_some_and(|found| found.value == *record)).await?;
        let Some(Found { cid, .. }) = found else { return Err(Failed::NotDone(cause)) };
        Ok(Done { cid, rev })
    }

    async fn is_another(&self, collection: &str, rkey: &str, cid: &str) -> bool {
        matches!(self.rest.get(collection, rkey).await, Ok(found) if found.as_ref().map(|found| found.cid.as_str()) != Some(cid))
    }

    /// What a record is after a step that ended so, if it is as wished.
    async fn after(&self, cause: RepoError, collection: &str, rkey: &str, as_wished: impl Fn(Option<&Found>) -> bool) -> Result<(Rev, Option<Found>), Failed> {
        let mut seen = false;
        for look in 0..LOOKS {
            if look > 0 {
                if self.deadlines[1].is_past() {
                    break;
                }
                sleep(PAUSE).await;
            }
            match timeout(LOOK, self.rest.look(collection, rkey)).await {
                Ok(Ok((rev, found))) if as_wished(found.as_ref()) => {
                    metrics::counter!("atrarium_api_unanswered_writes_total", "outcome" => "done").increment(1);
                    return Ok((rev, found));
                }
                Ok(Ok(_)) => seen = true,
                Ok(Err(_)) | Err(_) => seen = false,
            }
            // It has answered, so nothing is on its way.
            if seen && matches!(cause, RepoError::Conflict(_)) {
                return Err(Failed::Refused(cause));
            }
        }
        metrics::counter!("atrarium_api_unanswered_writes_total", "outcome" => if seen { "not_done" } else { "unknown" }).increment(1);
        match seen {
            true => Err(Failed::NotDone(cause)),
            false => Err(Failed::Unknown { cause, uris: vec![uri(self.did(), collection, rkey)] }),
        }
    }
}

/// Whether it may have been done all the same.
fn is_open(cause: &RepoError) -> bool {
    matches!(cause, RepoError::Late(_) | RepoError::Unreachable(_))
}

impl Failed {
    /// What may have been done, by AT-URI.
    pub(super) fn uris(&self) -> &[String] {
        match self {
            Self::Unknown { uris, .. } => uris,
            _ => &[],
        }
    }

    /// What it is when nothing of it is left, whatever it was.
    pub(super) fn undone(self) -> Problem {
        match self {
            Self::Refused(cause) | Self::NotDone(cause) | Self::Unknown { cause, .. } => cause.into(),
        }
    }
}

impl From<RepoError> for Failed {
    fn from(cause: RepoError) -> Self {
        Self::Refused(cause)
    }
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(cause) => cause.into(),
            Failed::NotDone(RepoError::Late(why)) => Self::Late(format!("your server took too long, and has not done it so far: {why}")),
            Failed::NotDone(cause) => cause.into(),
            Failed::Unknown { cause, uris } => {
                let message = format!("{}; it may have been done all the same: look before you try again", Self::from(cause));
                Self::Unsettled { message, remains: uris }
            }
        }
    }
}

#[cfg(test)]
mod tests;
