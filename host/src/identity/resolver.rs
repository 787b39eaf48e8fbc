//! From a DID to its document.
//!
//! ```text
//! resolve ─▶ cache ─ fresh ─▶ the document
//!              ├── stale ──▶ the document, and a flight behind it
//!              └── nothing ─▶ a flight ─▶ outbound ─▶ parse ─▶ cache
//! ```
//!
//! A *flight* is one question to the network. There is at most one for a DID at a time: whoever comes later waits for the same. It
//! goes on when nobody waits any more, so that the next one finds what it brought. A purge during a flight makes it bring
//! nothing: what it fetched may be older than the change.
//!
//! Who sends a token chooses a DID, and with a did:web the host that is asked, before anything is proved. Such flights have lanes of their
//! own ([`Lane`]), and did:web ones a client of their own too: hosts that never answer then keep other tokens of did:web waiting, and no
//! sign-in, handle or repo.
//!
//! Never answers with a document that is more than a day old. What fails is told with its cause, and remembered for half a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use url::Url;

use super::cache::{Cache, Found};
use super::did::document_url;
use super::dns::Dns;
use super::document::{Document, DocumentError};
use crate::clock::Clock;
use crate::outbound::{Client, Limits, OutboundError, Policy, Request};

/// Real documents have one to two kilobytes.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(5), body: 64 << 10 };

/// Which flights share their bounds.
#[derive(Debug, Clone, Copy)]
enum Lane {
    /// Somebody signs in, asks with a session, or has a repo that is read.
    Known,
    /// A token names a did:plc; the one directory is asked, by the client of all.
    Directory,
    /// A token names a host.
    Stranger,
}

impl Lane {
    /// Flights at a time. A tenth of a second each is the directory's usual pace, so there is room for a thousand new DIDs a second.
    fn most(self) -> usize {
        match self {
            Self::Known => 256,
            Self::Directory => 128,
            Self::Stranger => 32,
        }
    }
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// For good.
    #[error("{did} can't be resolved: {reason}")]
    Unusable { did: String, reason: &'static str },
    /// The directory or the host says so.
    #[error("there is no {did}")]
    NotFound { did: String },
    /// Worth trying later, like all that follow.
    #[error("{did} can't be resolved: {cause}")]
    Outbound { did: String, cause: OutboundError },
    #[error("the document of {did} can't be used: {cause}")]
    Document { did: String, cause: DocumentError },
    #[error("too many DIDs are being resolved")]
    Busy,
}

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of did:plc.
    pub plc: Url,
    /// A server that resolves handles, instead of DNS and the handles' own hosts.
    pub handle_resolver: Option<Url>,
}

/// Resolves DIDs and handles. Cheap to clone; all clones are one. Must be used in a tokio runtime.
#[derive(Debug, Clone)]
pub struct Resolver {
    inner: Arc<Inner>,
    /// Whether it is asked for the sake of tokens that nobody has checked.
    for_tokens: bool,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) client: Client,
    /// For hosts that tokens name.
    strangers: Client,
    pub(super) settings: Settings,
    pub(super) dns: Dns,
    clock: Clock,
    cache: Cache,
    flights: Mutex<Flights>,
}

type Outcome = Result<Arc<Document>, ResolveError>;

#[derive(Debug, Default)]
struct Flights {
    /// The number of the last one.
    last: u64,
    /// By lane: whoever signs in doesn't wait for what a token has begun.
    under_way: [HashMap<String, Flight>; 3],
}

#[derive(Debug)]
struct Flight {
    number: u64,
    outcome: Shared<BoxFuture<'static, Outcome>>,
}

impl Resolver {
    pub fn new(client: Client, settings: Settings, clock: Clock) -> Self {
        let strangers = Client::new(Policy { requests: 16, requests_per_host: 2, ..client.policy().clone() });
        let inner = Inner { client, strangers, settings, dns: Dns::default(), clock, cache: Cache::new(), flights: Mutex::default() };
        Self { inner: Arc::new(inner), for_tokens: false }
    }

    /// The same, for DIDs that are named by who has proved nothing yet.
    pub(super) fn for_tokens(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), for_tokens: true }
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    fn lane(&self, did: &str) -> Lane {
        match self.for_tokens {
            false => Lane::Known,
            true if did.starts_with("did:web:") => Lane::Stranger,
            true => Lane::Directory,
        }
    }

    /// The DID's document, from memory or from the network.
    pub async fn resolve(&self, did: &str) -> Outcome {
        match self.cached(did) {
            Some(outcome) => outcome,
            None => self.fly(did)?.await,
        }
    }

    /// What is known without asking anybody: a document, or that it couldn't be had a moment ago. A stale one is asked for behind.
    pub fn cached(&self, did: &str) -> Option<Outcome> {
        match self.inner.cache.find(did, self.inner.clock.now_ms()) {
            Found::Fresh(document) => Some(Ok(document)),
            Found::Stale(document) => {
                self.fetch_behind(did);
                Some(Ok(document))
            }
            Found::Failed(failure) => Some(Err(failure)),
            Found::Nothing => None,
        }
    }

    /// The DID's document from the network, whatever is known; from memory if somebody insisted a moment ago.
    pub async fn resolve_anew(&self, did: &str) -> Outcome {
        if self.inner.cache.may_insist(did, self.inner.clock.now_ms()) { self.fly(did)?.await } else { self.resolve(did).await }
    }

    /// Asks for the document without waiting for it. If too many are asked for already, nothing happens: whoever needs it asks again.
    pub fn fetch_behind(&self, did: &str) {
        drop(self.fly(did));
    }

    /// Forgets what is known about this DID: something about it has changed.
    pub fn purge(&self, did: &str) {
        let mut flights = self.flights();
        flights.under_way.iter_mut().for_each(|lane| drop(lane.remove(did)));
        self.inner.cache.forget(did);
    }

    /// As if it had been asked for a moment ago.
    #[cfg(test)]
    pub(crate) fn know(&self, document: Document) {
        let did = document.did.clone();
        self.inner.cache.keep(&did, &Ok(Arc::new(document)), self.inner.clock.now_ms());
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.inner.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flight for this DID, begun now unless there is one. It has its own task.
    fn fly(&self, did: &str) -> Result<Shared<BoxFuture<'static, Outcome>>, ResolveError> {
        let (mut flights, lane) = (self.flights(), self.lane(did));
        let under_way = &flights.under_way[lane as usize];
        match under_way.get(did) {
            // One that has ended and is still here had panicked.
            Some(flight) if flight.outcome.peek().is_none() => return Ok(flight.outcome.clone()),
            Some(_) => {}
            None if under_way.len() >= lane.most() => {
                metrics::counter!("atrarium_dids_resolved_total", "outcome" => "busy").increment(1);
                return Err(ResolveError::Busy);
            }
            None => {}
        }
        flights.last += 1;
        let (resolver, number, owned) = (self.clone(), flights.last, did.to_owned());
        let task = tokio::spawn(async move {
            let outcome = resolver.fetch(&owned, lane).await;
            resolver.land(&owned, lane, number, &outcome);
            outcome
        });
        let outcome = task.map(|ended| ended.unwrap_or(Err(ResolveError::Busy))).boxed().shared();
        flights.under_way[lane as usize].insert(did.to_owned(), Flight { number, outcome: outcome.clone() });
        Ok(outcome)
    }

    /// Keeps what a flight has brought, unless the DID was purged meanwhile.
    fn land(&self, did: &str, lane: Lane, number: u64, outcome: &Outcome) {
        let mut flights = self.flights();
        let under_way = &mut flights.under_way[lane as usize];
        if under_way.get(did).is_some_and(|flight| flight.number == number) {
            under_way.remove(did);
            self.inner.cache.keep(did, outcome, self.inner.clock.now_ms());
        }
    }

    async fn fetch(&self, did: &str, lane: Lane) -> Outcome {
        let outcome = self.ask(did, lane).await;
        let kind = match &outcome {
            Ok(_) => "found",
            Err(ResolveError::Unusable { .. }) => "unusable",
            Err(ResolveError::NotFound { .. }) => "not_found",
            Err(ResolveError::Outbound { cause, .. }) => cause.kind(),
            Err(ResolveError::Document { .. }) => "document",
            Err(ResolveError::Busy) => "busy",
        };
        metrics::counter!("atrarium_dids_resolved_total", "outcome" => kind).increment(1);
        if let Err(cause) = &outcome {
            tracing::debug!(%cause, "a DID was not resolved");
        }
        outcome
    }

    async fn ask(&self, did: &str, lane: Lane) -> Outcome {
        let inner = &*self.inner;
        let client = if matches!(lane, Lane::Stranger) { &inner.strangers } else { &inner.client };
        let url = document_url(did, &inner.settings.plc, inner.client.policy().allow_private)?;
        let request = Request::get(&url).header("accept", "application/did+ld+json, application/json");
        // There is one directory, and hosts without number.
        let request = if did.starts_with("did:plc:") { request.keep_alive() } else { request };
        let failed = |cause| ResolveError::Outbound { did: did.to_owned(), cause };
        let answer = client.send(request, LIMITS).await.map_err(failed)?;
        if matches!(answer.status(), 404 | 410) {
            return Err(ResolveError::NotFound { did: did.to_owned() });
        }
        let answer = answer.ok().map_err(failed)?;
        match Document::parse(did, &answer.body) {
            Ok(document) => Ok(Arc::new(document)),
            Err(cause) => Err(ResolveError::Document { did: did.to_owned(), cause }),
        }
    }
}
