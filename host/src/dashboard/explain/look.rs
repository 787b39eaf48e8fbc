//! What the author's own server says of a post that isn't known here.
//!
//! Asked for a moment at most, and by a few at a time: whoever is signed in may ask about anybody's post. What comes back is judged by the filter,
//! as if it had come from the firehose, and is told and forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::super::Dashboard;
use crate::event::MAX_RECORD;
use crate::pds::Pds;
use crate::record::RecordKey;
use crate::sandbox::filter::{RawRecord, Verdict};

/// How long the author's server has, from its DID on.
const PATIENCE: Duration = Duration::from_secs(3);

/// Servers that are asked at one time.
const AT_ONCE: usize = 16;

/// What became of the question.
#[derive(Debug)]
pub(super) enum Look {
    /// Enough is known here.
    Unneeded,
    /// With the cause, in a few words.
    Unanswered(String),
    Missing,
    Found(Verdict),
}

/// How many are asking.
#[derive(Debug, Clone)]
pub(in super::super) struct Looks(Arc<Semaphore>);

impl Default for Looks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Dashboard {
    pub(super) async fn look(&self, key: &RecordKey) -> Look {
        let Ok(_permit) = self.0.looks.0.try_acquire() else { return Look::Unanswered("too many are being asked right now".to_owned()) };
        match tokio::time::timeout(PATIENCE, self.ask(key)).await {
            Ok(look) => look,
            Err(_) => Look::Unanswered(format!("it did not answer within {} seconds", PATIENCE.as_secs())),
        }
    }

    async fn ask(&self, key: &RecordKey) -> Look {
        let parts = &self.0.parts;
        let document = match parts.resolver.resolve(&key.did).await {
            Ok(document) => document,
            Err(cause) => return Look::Unanswered(cause.to_string()),
        };
        let Some(origin) = &document.pds else { return Look::Unanswered("the author's DID document names no server".to_owned()) };
        let json = match Pds::new(parts.client.clone(), origin).record(key).await {
            Ok(Some(json)) if json.len() > MAX_RECORD => return Look::Found(Verdict::Malformed("too-large".to_owned())),
            Ok(Some(json)) => json,
            Ok(None) => return Look::Missing,
            Err(cause) => return Look::Unanswered(cause.to_string()),
        };
        let (judge, key) = (Arc::clone(&parts.judge), key.clone());
        // A record may be a megabyte that somebody has made to be slow to read.
        let judged = tokio::task::spawn_blocking(move || judge(&RawRecord { did: &key.did, collection: key.collection.nsid(), rkey: &key.rkey, json: &json }));
        judged.await.map_or_else(|_| Look::Unanswered("its answer could not be judged".to_owned()), Look::Found)
    }
}
