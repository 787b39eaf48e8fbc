//! What the API is given of the running program: closures over its parts, so that it can reach no further.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::dashboard::writes::{Apply, NotApplied};
use crate::dashboard::{HostLimits, HostPulse, Judge, Pulse};
use crate::ingest::intake::Incoming;
use crate::sandbox::Current;
use crate::sandbox::filter::{Filter, Verdict};
use crate::session::Sessions;
use crate::store::Queue;
use crate::uploads;

/// Hands events to the writer, like any that were read from a repo, and waits until their effect can be read. It doesn't keep the
/// writer alive: at the end of the program nobody takes them.
pub(super) fn apply(writer: &mpsc::Sender<Incoming>, queue: Queue) -> Apply {
    let writer = writer.downgrade();
    Arc::new(move |events| {
        let (writer, queue) = (writer.clone(), queue.clone());
        Box::pin(async move {
            if events.is_empty() {
                return Ok(());
            }
            let (durable, told) = oneshot::channel();
            {
                let writer = writer.upgrade().ok_or(NotApplied)?;
                writer.send(Incoming::Read(events, durable)).await.map_err(|_| NotApplied)?;
            }
            let next = told.await.map_err(|_| NotApplied)?;
            queue.settled(next).await;
            Ok(())
        })
    })
}

/// A filter of its own, so that judging a record for somebody's question never waits for a batch.
pub(super) fn judge(components: Current) -> Judge {
    let filter = Mutex::new(Filter::new(Arc::clone(&components.now().filter)));
    Arc::new(move |record| {
        let mut filter = filter.lock().unwrap_or_else(PoisonError::into_inner);
        filter.follow(&components.now().filter);
        let verdict = filter.judge(std::slice::from_ref(record)).into_iter().next();
        verdict.unwrap_or_else(|| Verdict::Malformed("filter-contract".to_owned()))
    })
}

/// How the program is, for its operators.
pub(super) fn pulse(pulse: super::Pulse, sessions: Sessions) -> Pulse {
    Arc::new(move || {
        let readiness = pulse.readiness();
        HostPulse {
            reasons: readiness.reasons,
            lag_seconds: readiness.firehose.lag_seconds,
            queue_depth: readiness.queue_depth,
            // What can't be counted is told where it is used.
            sessions: sessions.count().unwrap_or_default(),
        }
    })
}

pub(super) fn limits(config: &Config, uploads: &uploads::Settings) -> HostLimits {
    HostLimits {
        communities_total: config.communities_total,
        communities_per_owner: config.communities_per_owner,
        posts_per_member: config.posts_per_member,
        held_per_author: config.held_per_author,
        held_per_hashtag: config.held_per_hashtag,
        held_total: config.held_total,
        queue_limit: config.queue_limit,
        live_instances: config.live_instances,
        api_requests_per_hour: config.api_requests_per_hour,
        feed_requests_per_hour: config.feed_requests_per_hour,
        mix_uploads: (&uploads.admitted).into(),
        mixes_total_bytes: uploads.quotas.total_bytes,
        mixes: uploads.into(),
    }
}
