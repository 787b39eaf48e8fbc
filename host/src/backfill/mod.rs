//! Reading repos where something may be in them that nobody told us: at an empty index, after a gap in the firehose, and for every
//! DID that becomes owner, moderator or member.
//!
//! ```text
//! wants and discoveries (store) ──▶ mod.rs       what is to be done next, and how much at a time
//!                                   discovery.rs  which repos there are: from a relay, or from servers that the operator names
//!                                   repo.rs       one repo → events
//!                                   pace.rs       whose turn it is at a server, leaving alone those that ask for it, and coming back after failures
//!                                        └──▶ the writer ──▶ queue ──▶ ingest, like everything else
//! ```
//!
//! It never writes the index: what it reads are events, and ingest takes the wish away with the batch that holds them all. So it may
//! end anywhere and goes on with the next start. A repo that can't be read is tried again, later each time, and given up after
//! [`pace::ATTEMPTS`] attempts, counted; the next event that concerns it asks for it again. A repo that it isn't to blame for, as when
//! its server wants a pause, waits and is never given up. Nothing here judges content.

mod discovery;
mod pace;
mod repo;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::Clock;
use crate::event::{Body, Event, Read};
use crate::ingest::intake::Incoming;
use crate::ingest::wants::Want;
use crate::outbound::Client;
use crate::pds::{Pds, PdsError};
use crate::record::AccountFact;
use crate::store::view::decode;
use crate::store::{Span, Store, StoreError, Table};
use pace::{Failures, Hosts, Turn, Waiting};
use repo::Reading;

/// Repos that are read at a time.
const REPOS_AT_ONCE: usize = 8;

/// How often the wishes are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How often the operator hears of it while something is being done.
const REPORT: Duration = Duration::from_secs(10);

/// What one repo may take in all, from when it is its turn at its server.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Finds the server that hosts a repo; the error is a sentence.
pub type Locate = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Url, String>> + Send + Sync>;

/// Makes the receiver pass a repo's deletes on, from the next frame on.
pub type Announce = Arc<dyn Fn(&str) + Send + Sync>;

/// What it is made of.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub client: Client,
    pub locate: Locate,
    pub announce: Announce,
    /// To the writer.
    pub send: mpsc::Sender<Incoming>,
    /// Who is asked which repos there are: relays, then servers.
    pub relays: Vec<Url>,
    pub servers: Vec<Url>,
    pub progress: Arc<Progress>,
}

/// How far it is, for who asks.
#[derive(Debug, Default)]
pub struct Progress {
    /// Wishes that are left.
    pub wanted: AtomicU64,
    /// Repos that were read in this run, and those that were given up.
    pub read: AtomicU64,
    pub given_up: AtomicU64,
    /// Records that were sent on.
    pub records: AtomicU64,
    /// Told whenever nothing is left to be done now: all was found, and each repo was read or waits for another attempt.
    pub idle: tokio::sync::Notify,
}

/// Wishes that are not fulfilled.
#[derive(Debug, Default, Clone, Copy)]
struct Left {
    wanted: u64,
    /// Those that are in work, will be in a moment, or wait for their turn: the others have failed, and wait for another attempt.
    soon: u64,
}

/// The running backfill.
pub struct Backfill {
    parts: Parts,
    hosts: Hosts,
    failures: Failures,
    waiting: Waiting,
    in_work: HashSet<String>,
    reads: JoinSet<(String, Want, Result<u64, repo::ReadError>)>,
    /// The last that was begun: the look at the wishes goes on behind it, so that all have their turn. `None` for the first of all.
    after: Option<Vec<u8>>,
    reported: Instant,
}

impl Backfill {
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            hosts: Hosts::default(),
            failures: Failures::default(),
            waiting: Waiting::default(),
            in_work: HashSet::new(),
            reads: JoinSet::new(),
            after: None,
            reported: Instant::now(),
        }
    }

    /// Runs until `stop`. What is in work then is left: it is wanted with the next start as well.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut searching = tokio::spawn(discovery::run(self.parts.clone(), self.hosts.clone()));
        let mut found_all = false;
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = self.reads.join_next() => {
                    // None is cancelled before the end, so what isn't an outcome is a panic, and one more of ours to end with.
                    let (did, want, outcome) = done.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()));
                    self.in_work.remove(&did);
                    self.note(did, want, outcome).await;
                }
                _ = tick.tick() => {
                    if searching.is_finished() {
                        found_all = true;
                        if discovery::is_due(&self.parts) {
                            found_all = false;
                            searching = tokio::spawn(discovery::run(self.parts.clone(), self.hosts.clone()));
                        }
                    }
                }
            }
            match self.begin() {
                Ok(Left { wanted, soon }) => {
                    self.report(wanted);
                    if found_all && soon == 0 && self.is_all_told() {
                        self.parts.progress.idle.notify_waiters();
                    }
                }
                Err(cause) => tracing::debug!(%cause, "the wishes can't be read: backfill waits"),
            }
        }
        searching.abort();
        self.reads.shutdown().await;
    }

    /// Begins as many as may be in work; answers what is left.
    fn begin(&mut self) -> Result<Left, StoreError> {
        let snapshot = self.parts.store.snapshot()?;
        let mut left = Left::default();
        snapshot.scan(Table::Wants, &Span::all(), false, |key, _| {
            left.wanted += 1;
            left.soon += u64::from(!std::str::from_utf8(key).is_ok_and(|did| self.failures.has_failed(did)));
            true
        })?;
        self.parts.progress.wanted.store(left.wanted, Ordering::Relaxed);
        let room = REPOS_AT_ONCE.saturating_sub(self.in_work.len());
        if room == 0 {
            // Whoever comes next still does when a place is free.
            return Ok(left);
        }
        let now = Instant::now();
        let (mut due, mut last, mut failed) = (Vec::new(), None, None);
        let span = self.after.as_ref().map_or_else(Span::all, |after| Span::all().after(after));
        snapshot.scan(Table::Wants, &span, false, |key, value| {
            if due.len() == room {
                return false;
            }
            let Ok(did) = std::str::from_utf8(key) else { return true };
            if self.in_work.contains(did) || !self.failures.may_begin(did, now) {
                return true;
            }
            let turn = match self.waiting.host(did).map(|host| host.turn_now(now)) {
                Some(None) => return true,
                turn => turn.flatten(),
            };
            match decode::<Want>(Table::Wants, key, value) {
                Ok(want) => {
                    last = Some(key.to_vec());
                    due.push((did.to_owned(), want, turn));
                }
                Err(cause) => failed = Some(cause),
            }
            failed.is_none()
        })?;
        self.after = last;
        for (did, want, turn) in due {
            self.waiting.forget(&did);
            self.in_work.insert(did.clone());
            let reading = read(self.parts.clone(), self.hosts.clone(), did.clone(), turn);
            self.reads.spawn(async move { (did, want, reading.await) });
        }
        failed.map_or(Ok(left), Err)
    }

    /// Whether ingest has had everything: what it is about to be told may make new wishes.
    fn is_all_told(&self) -> bool {
        let queued = self.parts.store.snapshot().and_then(|snapshot| {
            let mut queued = false;
            snapshot.scan(Table::Queue, &Span::all(), false, |_, _| {
                queued = true;
                false
            })?;
            Ok(queued)
        });
        queued.is_ok_and(|queued| !queued)
    }

    async fn note(&mut self, did: String, want: Want, outcome: Result<u64, repo::ReadError>) {
        let label = match outcome {
            Ok(records) => {
                self.failures.forget(&did);
                self.parts.progress.records.fetch_add(records, Ordering::Relaxed);
                "read"
            }
            Err(repo::ReadError::NotYet(host)) => {
                self.waiting.put_off(did, host);
                return metrics::counter!("atrarium_backfill_repos_total", "outcome" => "put-off").increment(1);
            }
            Err(cause) => {
                tracing::debug!(did, %cause, "a repo could not be read");
                if !self.failures.note(&did, cause.pause()) {
                    return metrics::counter!("atrarium_backfill_repos_total", "outcome" => "failed").increment(1);
                }
                tracing::warn!(did, %cause, "a repo could not be read, and is given up until something is heard of it");
                self.failures.forget(&did);
                "given-up"
            }
        };
        metrics::counter!("atrarium_backfill_repos_total", "outcome" => label).increment(1);
        let counter = if label == "read" { &self.parts.progress.read } else { &self.parts.progress.given_up };
        counter.fetch_add(1, Ordering::Relaxed);
        self.failures.rest(&did);
        let fulfilled = Event { did, body: Body::Read(Read { asked: want.asked }) };
        send(&self.parts.send, vec![fulfilled]).await;
    }

    fn report(&mut self, left: u64) {
        if left > 0 && self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let progress = &self.parts.progress;
            let (read, given_up, records) =
                (progress.read.load(Ordering::Relaxed), progress.given_up.load(Ordering::Relaxed), progress.records.load(Ordering::Relaxed));
            tracing::info!(read, given_up, records, left, "repos are being read");
        }
    }
}

/// Reads one repo; answers how many records were sent on. `turn` is that at the server where the repo was the last time.
async fn read(parts: Parts, hosts: Hosts, did: String, turn: Option<Turn>) -> Result<u64, repo::ReadError> {
    // Before anything is read: what is deleted from then on is heard of.
    (parts.announce)(&did);
    let origin = (parts.locate)(did.clone()).await.map_err(repo::ReadError::Nowhere)?;
    let pds = Pds::new(parts.client.clone(), &origin);
    let host = hosts.at(&pds.host());
    // Who waits for long does so elsewhere: here it would keep a place from a repo whose server has time.
    let turn = host.turn_soon(turn).await;
    let Some(_held) = turn else { return Err(repo::ReadError::NotYet(host)) };
    let known = last_event(&parts.store, &did)?;
    let reading = Reading { pds: &pds, did: &did, clock: &parts.clock, send: &parts.send, known };
    let outcome = tokio::time::timeout(PATIENCE, reading.read()).await.unwrap_or(Err(repo::ReadError::Slow));
    if let Err(repo::ReadError::Pds(PdsError::Busy(pause))) = &outcome {
        host.leave_alone(*pause);
    }
    outcome
}

/// Time and seq of the account's last event that is known.
fn last_event(store: &Store, did: &str) -> Result<Option<(u64, u64)>, StoreError> {
    let fact = store.snapshot()?.get(Table::Accounts, did.as_bytes())?;
    let fact: Option<AccountFact> = fact.map(|bytes| decode(Table::Accounts, did.as_bytes(), &bytes)).transpose()?;
    Ok(fact.map(|fact| (fact.time_us, fact.seq)))
}

/// Hands events to the writer and waits until they are durable. At the end of the program nobody takes them, and nothing is lost:
/// the wish is still there.
async fn send(writer: &mpsc::Sender<Incoming>, events: Vec<Event>) -> bool {
    let (durable, told) = oneshot::channel();
    writer.send(Incoming::Read(events, durable)).await.is_ok() && told.await.is_ok()
}
