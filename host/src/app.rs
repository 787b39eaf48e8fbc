//! The running program: opens what it needs in order, starts the tasks, and stops them in the opposite order.
//!
//! ```text
//! receiver (task) → intake (task) ┐
//!              backfill (task) ───┴→ writer (thread) → queue → ingest (thread) → index → feeds → HTTP (task)
//! ```
//!
//! Its edges are arguments: the listeners, the clock, and the token that stops it, so a test starts the very program. Whatever
//! can't be had at the start is an error in one sentence, before anything runs. When told to stop, the receiver ends first, what
//! it read becomes durable, the batch in work is committed, and requests in work are answered; the rest is in the queue.

use std::convert::Infallible;
use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::backfill::{self, Announce, Backfill, Locate, Progress};
use crate::clock::Clock;
use crate::community::{Bounds, Registry};
use crate::config::Config;
use crate::feed::Feeds;
use crate::http::{self, Readiness, Service};
use crate::identity::{self, Resolver, ServiceAuth};
use crate::ingest::rules::Rules;
use crate::ingest::{self, Ingest, Parts, Settings, intake};
use crate::jetstream::{self, Announced, Cursor, Endpoint, Health, KnownDids};
use crate::outbound::{Client, Policy};
use crate::sandbox::filter::Filter;
use crate::sandbox::mix::Mixes;
use crate::sandbox::object::Objects;
use crate::sandbox::{Components, Sandbox, SandboxError};
use crate::store::db::Backend;
use crate::store::schema::record_key_of;
use crate::store::{Options, Queue, Span, Store, StoreError, Table};
use crate::telemetry;
use crate::vital::{self, Vital};

/// What the receiver may be ahead of the writer, in intakes of up to 512 events.
const INTAKES_AHEAD: usize = 16;

/// Instances of the mix that may live beside the objects: one for each request in work at a time.
const MIX_INSTANCES: u32 = 64;

/// How long after its last frame a quiet firehose makes the program unready.
const STALE: Duration = Duration::from_secs(120);

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot make the data directory {path}: {cause}")]
    DataDir { path: PathBuf, cause: std::io::Error },
    #[error("another atrarium is running on {0}: stop it first, or give this one a --data-dir of its own")]
    InUse(PathBuf),
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: std::net::SocketAddr, cause: std::io::Error },
    #[error("the Jetstream server {0}")]
    Endpoint(#[from] jetstream::EndpointError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ingest(#[from] crate::ingest::StartError),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// It was opened and then failed, or redb panicked, as it does where a page isn't what it must be.
    #[error("{path} can't be used: {cause}. If the file is damaged, move it away, and a new one is filled from the firehose")]
    Unusable { path: PathBuf, cause: String },
}

/// The program had to stop by itself: whoever supervises it should start it again.
#[derive(Debug, thiserror::Error)]
#[error("{0}. Start it again; if it fails again at once, move index.redb away, and a new one is filled from the firehose")]
pub struct Failed(String);

/// Where the program meets the outside.
pub struct Edges {
    pub public: TcpListener,
    pub admin: TcpListener,
    pub clock: Clock,
    /// Cancelled to stop the program.
    pub stop: CancellationToken,
    /// `None` for the file; something with faults in the tests.
    pub backend: Option<Backend>,
}

impl Edges {
    /// The real ones: the configured addresses, the system's clock.
    pub async fn bind(config: &Config, stop: CancellationToken) -> Result<Self, StartError> {
        let listen = |address| async move { TcpListener::bind(address).await.map_err(|cause| StartError::Listen { address, cause }) };
        Ok(Self { public: listen(config.listen).await?, admin: listen(config.admin_listen).await?, clock: Clock::system(), stop, backend: None })
    }
}

/// The program while it runs.
#[derive(Debug)]
pub struct App {
    pub feeds: Feeds,
    pub store: Store,
    pub queue: Queue,
    pub health: Arc<Health>,
    /// Makes every request of the program.
    pub client: Client,
    pub resolver: Resolver,
    stop: CancellationToken,
    receiver: tokio::task::JoinHandle<()>,
    arrivals: tokio::task::JoinHandle<()>,
    backfill: Option<tokio::task::JoinHandle<()>>,
    /// How far the reading of repos is.
    pub progress: Arc<Progress>,
    servers: tokio::task::JoinHandle<()>,
    writer: JoinHandle<()>,
    ingest: JoinHandle<()>,
    /// Set when ingest shall end.
    ending: Arc<AtomicBool>,
    vital: Vital,
    _lock: File,
}

impl App {
    /// Starts the program. Without a Jetstream server in the configuration it follows none.
    pub async fn start(config: Config, edges: Edges) -> Result<Self, StartError> {
        let Edges { public, admin, clock, stop, backend } = edges;
        let metrics = telemetry::install();
        let endpoints: Vec<Endpoint> = config.jetstream.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        let lock = lock(&config.data_dir)?;
        let path = config.data_dir.join("index.redb");
        let Opened { store, queue, resume, known } =
            whole(&path, || open(Options { path: path.clone(), cache: config.cache_bytes, backend }, config.queue_limit))?;
        tracing::info!(known_repos = known.len(), queued = queue.depth(), cursor = ?resume, "index opened");

        let components = Components::load(config.components.as_deref())?;
        let live = u32::try_from(config.live_instances).unwrap_or(u32::MAX);
        let sandbox = Sandbox::new(live.saturating_add(MIX_INSTANCES))?;
        let bounds = bounds(&config);
        let objects = Objects::new(&sandbox, &components.community)?;
        let feeds =
            Feeds::new(store.clone(), clock.clone(), Mixes::new(&sandbox, &components.feed_mix)?, !components.embedded_mix, config.exclude_from_global.clone());
        let parts = Parts {
            store: store.clone(),
            queue: queue.clone(),
            filter: Filter::new(&sandbox, &components.filter)?,
            registry: Registry::new(objects, config.live_instances, config.instance_idle, bounds.object_bytes),
            bounds,
            rules: Rules { allowed: config.allow_owner.clone(), denied: config.deny_owner.clone() },
            clock: clock.clone(),
            settings: Settings { batch_events: config.batch_events, batch_wait: config.batch_wait },
        };
        let ingest = whole(&path, || Ok(Ingest::start(parts)?))?;

        let client = Client::new(Policy::new(config.allow_private_network));
        let settings = identity::Settings { plc: config.plc_url.clone(), handle_resolver: config.handle_resolver.clone() };
        let resolver = Resolver::new(client.clone(), settings, clock.clone());

        let vital = Vital::new(stop.clone());
        let ending = Arc::new(AtomicBool::new(false));
        let (send, receive) = mpsc::channel(INTAKES_AHEAD);
        let (live, intakes) = mpsc::channel(1);
        let arrivals = vital.task("intake", {
            let resolver = resolver.clone();
            intake::hand_on(intakes, send.clone(), move |did| resolver.purge(did))
        });
        let writer = vital.thread("writer", {
            let (queue, stop) = (queue.clone(), Arc::clone(&ending));
            move || {
                intake::write(receive, &queue, &stop);
                Ok::<(), Infallible>(())
            }
        });
        let writer = writer.map_err(StartError::Thread)?;
        let ingest = vital.thread("ingest", {
            let stop = Arc::clone(&ending);
            move || ingest.run(&stop)
        });
        let ingest = ingest.map_err(StartError::Thread)?;

        let announced = Announced::default();
        let progress = Arc::new(Progress::default());
        let backfill = (!config.firehose_only).then(|| {
            let locate = locate(resolver.clone());
            let (announced, clock, client, progress) = (announced.clone(), clock.clone(), client.clone(), Arc::clone(&progress));
            let announce: Announce = Arc::new(move |did| announced.announce(did));
            let (relays, servers) = (config.relays.clone(), config.backfill_pds.clone());
            let parts = backfill::Parts { store: store.clone(), clock, client, locate, announce, send: send.clone(), relays, servers, progress };
            vital.task("backfill", Backfill::new(parts).run(stop.clone()))
        });
        // The writer ends when nobody can bring anything any more.
        drop(send);

        let health = Arc::new(Health::default());
        let mut settings = jetstream::Settings::new(endpoints);
        settings.idle_timeout = config.idle_timeout;
        settings.announced = announced.clone();
        settings.now_us = Arc::new({
            let clock = clock.clone();
            move || clock.now_us()
        });
        let receiver = match settings.endpoints.is_empty() {
            true => tokio::spawn(async {}),
            false => vital.task("receiver", jetstream::receive(settings, resume, known, live, Arc::clone(&health), stop.clone())),
        };

        let service =
            Service { did: config.public_url.service_did().to_owned(), endpoint: config.public_url.endpoint().to_owned(), version: env!("CARGO_PKG_VERSION") };
        let auth = ServiceAuth::new(resolver.clone(), clock.clone(), service.did.clone());
        let servers = vital.task("HTTP server", {
            let (feeds, stop, health, store) = (feeds.clone(), stop.clone(), Arc::clone(&health), store.clone());
            async move {
                let readiness = move || readiness(&health, &store, clock.now_us());
                tokio::join!(http::serve_public(public, feeds, auth, service, stop.clone()), http::serve_admin(admin, metrics, readiness, stop));
            }
        });
        Ok(Self {
            feeds,
            store,
            queue,
            health,
            client,
            resolver,
            stop,
            receiver,
            arrivals,
            backfill,
            progress,
            servers,
            writer,
            ingest,
            ending,
            vital,
            _lock: lock,
        })
    }

    /// Waits until the program is told to stop, or has to, and for its orderly end.
    pub async fn run(self) -> Result<(), Failed> {
        self.stop.cancelled().await;
        let vital = self.vital.clone();
        self.end().await;
        vital.failure().map_or(Ok(()), |failure| Err(Failed(failure.to_owned())))
    }

    /// Stops the program and waits for its orderly end.
    pub async fn end(self) {
        self.stop.cancel();
        tracing::info!("stopping");
        report("receiver", self.receiver.await);
        let (ending, queue) = (self.ending, self.queue);
        let (writer, ingest) = (self.writer, self.ingest);
        let threads = tokio::task::spawn_blocking(move || {
            // Who brings it something ends as well, so the writer ends when all is durable; while the store fails or the queue is full
            // it would wait, and gives up: what it holds was not acknowledged and comes again.
            let patience = std::time::Instant::now() + Duration::from_secs(2);
            while !writer.is_finished() && std::time::Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(5));
            }
            ending.store(true, Ordering::Release);
            queue.wake();
            for (name, thread) in [("writer", writer), ("ingest", ingest)] {
                if thread.join().is_err() {
                    tracing::error!(name, "a thread had panicked");
                }
            }
        });
        report("threads", threads.await);
        // Not before: they may be waiting for the writer, which lets go of them by its end.
        report("intake", self.arrivals.await);
        if let Some(backfill) = self.backfill {
            report("backfill", backfill.await);
        }
        report("servers", self.servers.await);
        tracing::info!("stopped");
    }
}

/// Finds the server that a DID's document names.
fn locate(resolver: Resolver) -> Locate {
    Arc::new(move |did| {
        let resolver = resolver.clone();
        Box::pin(async move {
            let document = resolver.resolve(&did).await.map_err(|cause| cause.to_string())?;
            document.pds.clone().ok_or_else(|| format!("the document of {did} names no server"))
        })
    })
}

fn report(name: &str, outcome: Result<(), tokio::task::JoinError>) {
    if let Err(cause) = outcome {
        tracing::error!(name, %cause, "a task had panicked");
    }
}

/// What is in `index.redb` at the start.
struct Opened {
    store: Store,
    queue: Queue,
    resume: Option<Cursor>,
    known: KnownDids,
}

fn open(options: Options, queue_limit: u64) -> Result<Opened, StartError> {
    let store = Store::open(options)?;
    let queue = Queue::open(store.clone(), queue_limit)?;
    let (resume, known) = (queue.cursor()?, known_dids(&store)?);
    Ok(Opened { store, queue, resume, known })
}

/// Does something with a database of which nobody knows yet whether it is whole.
fn whole<T>(path: &Path, run: impl FnOnce() -> Result<T, StartError>) -> Result<T, StartError> {
    let unusable = |cause: String| Err(StartError::Unusable { path: path.to_owned(), cause });
    match catch_unwind(AssertUnwindSafe(run)) {
        Err(panic) => unusable(vital::message(&*panic)),
        Ok(Err(StartError::Store(cause @ StoreError::Failed { .. }) | StartError::Ingest(ingest::StartError::Store(cause @ StoreError::Failed { .. })))) => {
            unusable(cause.to_string())
        }
        Ok(outcome) => outcome,
    }
}

/// Takes the data directory for this process.
fn lock(directory: &Path) -> Result<File, StartError> {
    let failed = |cause| StartError::DataDir { path: directory.to_owned(), cause };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).open(directory.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(directory.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// The repos of which events have passed: those in the index, and those in the queue. A deleted account has no records left, but
/// must be heard when it is restored.
fn known_dids(store: &Store) -> Result<KnownDids, StoreError> {
    let mut known = KnownDids::default();
    let snapshot = store.snapshot()?;
    snapshot.scan(Table::Records, &Span::all(), false, |key, _| {
        if let Some(key) = record_key_of(key) {
            known.insert(&key.did);
        }
        true
    })?;
    snapshot.scan(Table::Accounts, &Span::all(), false, |key, _| {
        if let Ok(did) = std::str::from_utf8(key) {
            known.insert(did);
        }
        true
    })?;
    for event in Queue::take(&snapshot, None, usize::MAX, usize::MAX)?.events {
        known.insert(&event.did);
    }
    Ok(known)
}

fn bounds(config: &Config) -> Bounds {
    Bounds {
        held_per_author: config.held_per_author as u64,
        held_per_hashtag: config.held_per_hashtag as u64,
        held_total: config.held_total as u64,
        posts_per_member: config.posts_per_member as u64,
        communities_per_owner: config.communities_per_owner,
        communities_total: config.communities_total,
        ..Bounds::default()
    }
}

fn readiness(health: &Health, store: &Store, now_us: u64) -> Readiness {
    let mut reasons = Vec::new();
    if store.is_failing() {
        reasons.push("the database fails: ingest is paused".to_owned());
    }
    if !health.connected.load(Ordering::Acquire) {
        reasons.push("not connected to a Jetstream server".to_owned());
    }
    let last = Duration::from_micros(health.last_frame_us.load(Ordering::Acquire));
    if Duration::from_micros(now_us).saturating_sub(last) > STALE {
        reasons.push(format!("no event from the firehose for more than {} seconds", STALE.as_secs()));
    }
    Readiness { reasons }
}
