//! Which repos there are: from relays, by collection, and from servers that the operator names, all of theirs.
//!
//! Each page goes through the queue with the place where the listing goes on, so a search goes on where it was after a restart, and
//! is made once. A source that fails is asked again after a minute. It finds owners, members and moderators by the records that
//! they wrote; a DID that only a config names is found when that community opens.

use std::time::Duration;

use url::Url;

use super::pace::Hosts;
use super::{Parts, send};
use crate::event::{Body, Collection, Event, Found};
use crate::ingest::wants::Discovery;
use crate::pds::{Pds, PdsError, RepoPage};
use crate::store::view::decode;
use crate::store::{StoreError, Table};

/// Before sources that failed are asked again.
const PAUSE: Duration = Duration::from_secs(60);

/// Pages of one listing: a million repos. A listing that never ends ends here.
const PAGES: usize = 1_000;

/// One listing.
#[derive(Debug, Clone)]
struct Source {
    origin: Url,
    /// `None` for all repos of a server.
    collection: Option<Collection>,
}

impl Source {
    fn name(&self) -> String {
        format!("{} {}", self.origin, self.collection.map_or("*", Collection::nsid))
    }

    async fn page(&self, pds: &Pds, cursor: Option<&str>) -> Result<RepoPage, PdsError> {
        match self.collection {
            Some(collection) => pds.repos_by_collection(collection, cursor).await,
            None => pds.all_repos(cursor).await,
        }
    }
}

fn sources(parts: &Parts) -> Vec<Source> {
    let ours = [Collection::Config, Collection::Membership, Collection::Action];
    let of_relays = parts.relays.iter().flat_map(|relay| ours.map(|collection| Source { origin: relay.clone(), collection: Some(collection) }));
    of_relays.chain(parts.servers.iter().map(|server| Source { origin: server.clone(), collection: None })).collect()
}

/// Whether any listing isn't at its end.
pub(super) fn is_due(parts: &Parts) -> bool {
    sources(parts).iter().any(|source| !matches!(progress(parts, source), Ok(Some(Discovery { cursor: None }))))
}

fn progress(parts: &Parts, source: &Source) -> Result<Option<Discovery>, StoreError> {
    let name = source.name();
    let found = parts.store.snapshot()?.get(Table::Discoveries, name.as_bytes())?;
    found.map(|bytes| decode(Table::Discoveries, name.as_bytes(), &bytes)).transpose()
}

/// Lists all sources to their end. One that fails keeps nobody from the others; after a while the caller begins again.
pub(super) async fn run(parts: Parts, hosts: Hosts) {
    let mut failed = false;
    for source in sources(&parts) {
        if let Err(cause) = list(&parts, &hosts, &source).await {
            tracing::warn!(source = source.name(), %cause, again_in = ?PAUSE, "repos could not be listed");
            metrics::counter!("atrarium_backfill_listing_failures_total").increment(1);
            failed = true;
        }
    }
    if failed {
        tokio::time::sleep(PAUSE).await;
    }
}

#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error(transparent)]
    Pds(#[from] PdsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the program ends")]
    Ending,
}

async fn list(parts: &Parts, hosts: &Hosts, source: &Source) -> Result<(), ListError> {
    let mut cursor = match progress(parts, source)? {
        Some(Discovery { cursor: None }) => return Ok(()),
        Some(Discovery { cursor }) => cursor,
        None => None,
    };
    let pds = Pds::named_by_operator(parts.client.clone(), &source.origin);
    let host = hosts.at(&pds.host());
    for page in 1..=PAGES {
        let turn = host.turn().await;
        let outcome = source.page(&pds, cursor.as_deref()).await;
        if let Err(PdsError::Busy(pause)) = &outcome {
            host.leave_alone(*pause);
        }
        let RepoPage { dids, cursor: next } = outcome?;
        drop(turn);
        cursor = next.filter(|_| page < PAGES);
        let found = Found { source: source.name(), dids, cursor: cursor.clone() };
        if !send(&parts.send, vec![Event { did: String::new(), body: Body::Found(found) }]).await {
            return Err(ListError::Ending);
        }
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}
