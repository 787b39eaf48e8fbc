//! One repo, from its server to events.
//!
//! The account's status comes first, then the repo's revision, then its records. The revision was taken before the listing and is
//! given to every record in it: so what the firehose tells of later commits wins, and a late answer can't bring back what was
//! deleted meanwhile. At the end of a collection [`Body::Listed`] says what was found, and ingest deletes what we hold beyond that.
//! Posts are listed from the newest key down, and no further than a page of TIDs that are all older than eight days.

use std::time::Duration;

use tokio::sync::mpsc;

use super::pace::Host;
use crate::clock::Clock;
use crate::event::{AccountStatus, Body, Collection, Commit, Event, Listed, MAX_AHEAD_US, MAX_RECORD, Operation, Rev, Status};
use crate::ingest::intake::Incoming;
use crate::pds::{Listing, Pds, PdsError};
use crate::record::KEPT_MS;
use crate::store::StoreError;

/// Older posts wouldn't be kept.
const POSTS_SINCE_US: u64 = KEPT_MS.unsigned_abs() * 1_000;

/// Records of a collection that are read; a repo with more is read in part, and then nothing is taken for deleted. A person who posts
/// once a minute has 11,520 posts in eight days.
const RECORDS: usize = 20_000;

/// Pages of a collection; a server that gives a record at a time is read in part as well.
const PAGES: usize = 400;

/// While our own database is away.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// Before a revision of the future is looked at again. A clock that is set right is noticed within this time; a server that lies costs
/// a few requests in it.
const AHEAD_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Part of every record that names a community's hashtag.
const MARK: &str = "atrarium_";

/// Why a repo was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("its server is not known: {0}")]
    Nowhere(String),
    /// Nothing was asked, and nothing has failed: the repo waits there.
    #[error("it is not its turn at its server")]
    NotYet(Host),
    #[error(transparent)]
    Pds(#[from] PdsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our clock is behind, or its server lies. Since nobody knows which, the repo isn't blamed.
    #[error("by our clock its revision is of the future")]
    Ahead,
    #[error("it takes too long")]
    Slow,
    #[error("the program ends")]
    Ending,
}

impl ReadError {
    /// How long to wait where the repo isn't to blame: its server asks to be left alone, our own database is away, or our clock may be
    /// wrong.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Pds(PdsError::Busy(pause)) => Some(*pause),
            Self::Store(_) => Some(STORE_PAUSE),
            Self::Ahead => Some(AHEAD_PAUSE),
            _ => None,
        }
    }
}

/// One repo's reading.
pub(super) struct Reading<'a> {
    pub(super) pds: &'a Pds,
    pub(super) did: &'a str,
    pub(super) clock: &'a Clock,
    pub(super) send: &'a mpsc::Sender<Incoming>,
    /// Time and seq of the account's last event, as the index knew it before anything was asked.
    pub(super) known: Option<(u64, u64)>,
}

impl Reading<'_> {
    /// Answers how many records were sent on.
    pub(super) async fn read(&self) -> Result<u64, ReadError> {
        let now_us = self.clock.now_us();
        if !self.status(now_us).await? {
            return Ok(0);
        }
        let rev = match self.pds.latest_rev(self.did).await {
            Err(PdsError::Inactive(status)) => {
                self.account(now_us, status).await?;
                return Ok(0);
            }
            outcome => outcome?,
        };
        if rev.time_us() > now_us.saturating_add(MAX_AHEAD_US) {
            return Err(ReadError::Ahead);
        }
        let mut sent = 0;
        for collection in Collection::ALL {
            sent += self.collection(collection, rev, now_us).await?;
        }
        Ok(sent)
    }

    /// Tells the account's status; answers whether it is active. A server without the method is taken at its listing's word.
    async fn status(&self, now_us: u64) -> Result<bool, ReadError> {
        let status = match self.pds.status(self.did).await {
            Ok(status) => status,
            Err(PdsError::Inactive(status)) => status,
            Err(PdsError::Refused(_)) => return Ok(true),
            Err(other) => return Err(other.into()),
        };
        self.account(now_us, status).await?;
        Ok(status == AccountStatus::Active)
    }

    async fn account(&self, asked_us: u64, status: AccountStatus) -> Result<(), ReadError> {
        self.send(vec![Body::Status(Status { status, known: self.known, asked_us })]).await
    }

    async fn collection(&self, collection: Collection, rev: Rev, now_us: u64) -> Result<u64, ReadError> {
        let old = Rev::last_of(now_us.saturating_sub(POSTS_SINCE_US));
        let (mut cursor, mut rkeys, mut read, mut pages, mut lowest, mut in_order) = (None, Vec::new(), 0, 0, None::<String>, true);
        let complete = loop {
            let page = self.pds.records(self.did, collection, cursor.as_deref()).await?;
            read += page.records.len();
            pages += 1;
            for record in &page.records {
                in_order &= lowest.as_ref().is_none_or(|lowest| record.rkey < *lowest);
                lowest = Some(record.rkey.clone());
            }
            let all_old = collection == Collection::Post && !page.records.is_empty() && page.records.iter().all(|record| is_before(&record.rkey, &old));
            let found: Vec<Listing> = page.records.into_iter().filter(|record| collection != Collection::Post || record.json.contains(MARK)).collect();
            rkeys.extend(found.iter().map(|record| record.rkey.clone()));
            self.send(found.into_iter().map(|record| commit(collection, rev, record)).collect()).await?;
            cursor = page.cursor;
            if cursor.is_none() {
                break true;
            }
            if all_old && in_order {
                break false;
            }
            if read >= RECORDS || pages >= PAGES {
                tracing::warn!(did = self.did, collection = collection.nsid(), read, "a collection is too large to be read to its end");
                return Ok(rkeys.len() as u64);
            }
        };
        let sent = rkeys.len() as u64;
        rkeys.sort_unstable();
        rkeys.dedup();
        self.send(vec![Body::Listed(Listed { collection, rev, rkeys, from: lowest.filter(|_| !complete) })]).await?;
        Ok(sent)
    }

    async fn send(&self, bodies: Vec<Body>) -> Result<(), ReadError> {
        if bodies.is_empty() {
            return Ok(());
        }
        let events = bodies.into_iter().map(|body| Event { did: self.did.to_owned(), body }).collect();
        if super::send(self.send, events).await { Ok(()) } else { Err(ReadError::Ending) }
    }
}

fn commit(collection: Collection, rev: Rev, record: Listing) -> Body {
    let json = Some(record.json).filter(|json| json.len() <= MAX_RECORD);
    Body::Commit(Commit { rev, collection, rkey: record.rkey, operation: Operation::Create, record: json })
}

/// Whether a record key is a TID of before this one.
fn is_before(rkey: &str, old: &Rev) -> bool {
    Rev::parse(rkey).is_some_and(|made| made < *old)
}
