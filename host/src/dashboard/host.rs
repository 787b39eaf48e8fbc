//! The whole host, as its operators see it: whether it keeps up, what waits, and where its bounds are.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, Deed};
use super::mixes::views::MixQuotas;
use super::{Dashboard, Problem, Standing};
use crate::community::directory;
use crate::store::{Span, StoreError, Table};
use crate::uploads::{Admitted, Totals};
use crate::version::VERSION;

/// Asks the running program how it is.
pub type Pulse = Arc<dyn Fn() -> HostPulse + Send + Sync>;

/// How the program is, beside what the index says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostPulse {
    /// What stands against its getting requests.
    pub reasons: Vec<NotReady>,
    /// How far behind the network it reads, in seconds; `None` before anything was read.
    pub lag_seconds: Option<f64>,
    pub queue_depth: u64,
    pub sessions: u64,
}

/// A reason why the program should not get requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotReady {
    code: NotReadyCode,
    /// In words.
    message: String,
    /// The seconds that may pass, where it is about time (`--ready-lag-secs`).
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum NotReadyCode {
    /// The database fails: ingest is paused.
    Database,
    /// No Jetstream server is connected to.
    Disconnected,
    /// Nothing has been read from the firehose since the start.
    NothingYet,
    /// Nothing is read from it any more.
    Silent,
    /// What is read is old, and doesn't get younger.
    Behind,
}

impl NotReady {
    pub fn database() -> Self {
        Self { code: NotReadyCode::Database, message: "the database fails: ingest is paused".to_owned(), limit_seconds: None }
    }

    pub fn disconnected() -> Self {
        Self { code: NotReadyCode::Disconnected, message: "not connected to a Jetstream server".to_owned(), limit_seconds: None }
    }

    pub fn nothing_yet() -> Self {
        Self { code: NotReadyCode::NothingYet, message: "no event from the firehose yet".to_owned(), limit_seconds: None }
    }

    pub fn silent(limit: u64) -> Self {
        let message = format!("no event from the firehose for more than {limit} seconds");
        Self { code: NotReadyCode::Silent, message, limit_seconds: Some(limit) }
    }

    pub fn behind(lag: f64, limit: u64) -> Self {
        let message = format!("{lag:.0} seconds behind the firehose, which is more than {limit}, and not catching up");
        Self { code: NotReadyCode::Behind, message, limit_seconds: Some(limit) }
    }
}

/// How the host is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// The program's version.
    version: &'static str,
    /// Whether it should get requests.
    ready: bool,
    /// If not, why not.
    reasons: Vec<NotReady>,
    /// How far behind the network it reads, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<f64>,
    /// Events that wait in the queue.
    queue_depth: u64,
    /// Open communities.
    communities: u64,
    /// Repos that are still to be read from their servers.
    repos_to_read: u64,
    /// What could not be told to communities' objects and was set aside.
    dead_letters: u64,
    /// What could not be told and is going to be tried again.
    retries: u64,
    /// Sessions that have not ended.
    sessions: u64,
    mixes: HostMixes,
}

/// The feed mixes that owners have uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostMixes {
    /// Different components, whoever has them, with those that were refused.
    components: usize,
    /// Bytes that they take up here.
    bytes: u64,
    /// Versions of all communities.
    versions: usize,
    /// Communities whose feed an uploaded mix makes.
    active: usize,
    /// Communities whose mix failed again and again, and whose owner hasn't chosen another since.
    switched_off: usize,
    /// Components that are being looked at.
    checking: usize,
}

/// The host's bounds, as its configuration has them.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostLimits {
    /// Communities on this host.
    pub communities_total: usize,
    /// Communities that one owner may have here.
    pub communities_per_owner: usize,
    /// A member's newest posts that count.
    pub posts_per_member: usize,
    /// Posts held for one author and hashtag while the author is no member.
    pub held_per_author: usize,
    /// Posts held for one hashtag.
    pub held_per_hashtag: usize,
    /// Posts held in all.
    pub held_total: usize,
    /// Events in the queue at which reading from the network stops.
    pub queue_limit: u64,
    /// Community objects in memory at once.
    pub live_instances: usize,
    /// Requests to the API for one DID or address.
    pub api_requests_per_hour: u32,
    /// Pages of feeds for one verified reader.
    pub feed_requests_per_hour: u32,
    /// Who may upload feed mixes.
    pub mix_uploads: MixUploads,
    /// Bytes that all uploaded mixes may have together.
    pub mixes_total_bytes: u64,
    /// What an owner may have, and what a call may take.
    pub mixes: MixQuotas,
}

/// Who may upload feed mixes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MixUploads {
    #[default]
    Nobody,
    /// Owners whom the configuration names.
    Listed,
    Everybody,
}

impl From<&Admitted> for MixUploads {
    fn from(admitted: &Admitted) -> Self {
        match admitted {
            Admitted::Nobody => Self::Nobody,
            Admitted::Only(_) => Self::Listed,
            Admitted::Everybody => Self::Everybody,
        }
    }
}

impl Dashboard {
    pub fn host_status(&self, caller: &Caller) -> Result<HostStatus, Problem> {
        Deed::Operate.allow(caller, Standing::None)?;
        let HostPulse { reasons, lag_seconds, queue_depth, sessions } = (self.parts().pulse)();
        let Totals { components, bytes, versions, active, switched_off, checking } = self.parts().uploads.totals();
        let snapshot = self.snapshot()?;
        let rows = |table| {
            let mut rows = 0;
            snapshot.scan(table, &Span::all(), false, |_, _| {
                rows += 1;
                true
            })?;
            Ok::<u64, StoreError>(rows)
        };
        Ok(HostStatus {
            version: VERSION,
            ready: reasons.is_empty(),
            reasons,
            lag_seconds,
            queue_depth,
            communities: directory::open_communities(&snapshot)?,
            repos_to_read: rows(Table::Wants)?,
            dead_letters: rows(Table::DeadLetters)?,
            retries: rows(Table::Retries)?,
            sessions,
            mixes: HostMixes { components, bytes, versions, active, switched_off, checking },
        })
    }

    pub fn host_limits(&self, caller: &Caller) -> Result<HostLimits, Problem> {
        Deed::Operate.allow(caller, Standing::None)?;
        Ok(self.parts().limits.clone())
    }
}
