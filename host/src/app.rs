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

mod api;
mod lives;
mod mixes;
mod opening;
mod pulse;

use std::convert::Infallible;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use lives::Lives;
use opening::{Opened, open};
pub use opening::{StartError, lock, whole};
use pulse::Pulse;

use crate::backfill::{self, Announce, Backfill, Locate, Progress};
use crate::clock::Clock;
use crate::community::showing::edition_of;
use crate::community::{Bounds, Changes, Loads, Registry};
use crate::config::Config;
use crate::dashboard::{self, Dashboard};
use crate::feed::Feeds;
use crate::http::{self, Service, control};
use crate::identity::{self, Resolver, ServiceAuth};
use crate::ingest::{Ingest, Parts, Settings, intake};
use crate::jetstream::{self, Announced, Endpoint, Health};
use crate::outbound::{Client, Policy};
use crate::priority;
use crate::sandbox::{Components, Current, Linked, Reload, Sandbox};
use crate::session::{self, Sessions};
use crate::store::db::Backend;
use crate::store::{Options, Queue, State, Store};
use crate::telemetry;
use crate::upkeep::{self, Doing, Upkeep};
use crate::uploads::Uploads;
use crate::version::{COMMIT, VERSION};
use crate::vital::Vital;

/// What the receiver may be ahead of the writer, in intakes of up to 512 events.
const INTAKES_AHEAD: usize = 16;

/// Instances that may live beside the objects: of the mix one for each page in work at a time, of which there are 64 beside those that the
/// runtime's own threads make; two filters; and one component that is tried before it takes another's place. What is replaced takes
/// no room beside its successor: instances of the old are dropped before the first of the new is made.
fn other_instances() -> u32 {
    let runtime = std::thread::available_parallelism().map_or(1, |threads| u32::try_from(threads.get()).unwrap_or(u32::MAX));
    runtime.saturating_add(64 + 2 + 1)
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
    /// This program's own file: what looks at uploaded mixes in a process of its own.
    pub program: PathBuf,
}

impl Edges {
    /// The real ones: the configured addresses, the system's clock.
    pub async fn bind(config: &Config, stop: CancellationToken) -> Result<Self, StartError> {
        let listen = |address| async move { TcpListener::bind(address).await.map_err(|cause| StartError::Listen { address, cause }) };
        // Where the system can't say it, uploads are the only thing that doesn't work, and says so.
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("atrarium"));
        Ok(Self { public: listen(config.listen).await?, admin: listen(config.admin_listen).await?, clock: Clock::system(), stop, backend: None, program })
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
    /// What the API can ask and do.
    pub dashboard: Dashboard,
    /// Who is signed in.
    pub sessions: Sessions,
    /// The mixes that owners have uploaded.
    pub uploads: Uploads,
    admissions: tokio::task::JoinHandle<()>,
    /// Puts other components in the place of those that run.
    pub reload: Reload,
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
    awake: Arc<AtomicUsize>,
    /// What may change at SIGHUP.
    pub live: Lives,
    _lock: File,
}

impl App {
    /// Starts the program. Without a Jetstream server in the configuration it follows none.
    pub async fn start(config: Config, edges: Edges) -> Result<Self, StartError> {
        let Edges { public, admin, clock, stop, backend, program } = edges;
        let numbers = telemetry::install();
        metrics::gauge!("atrarium_info", "version" => VERSION, "commit" => COMMIT).set(1.0);
        let began = tokio::time::Instant::now();
        let endpoints: Vec<Endpoint> = config.jetstream.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        let lock = lock(&config.data_dir)?;
        let operator = control::bind(&config.data_dir);
        let path = config.data_dir.join("index.redb");
        let Opened { store, queue, resume, known } =
            whole(&path, || open(Options { path: path.clone(), cache: config.cache_bytes, backend }, config.queue_limit))?;
        tracing::info!(known_repos = known.len(), queued = queue.depth(), cursor = ?resume, "index opened");

        let components = Components::load(config.components.as_deref())?;
        let live = u32::try_from(config.live_instances).unwrap_or(u32::MAX);
        let sandbox = Sandbox::new(live.saturating_add(other_instances()))?;
        let bounds = bounds(&config);
        let components = Current::new(Linked::link(&sandbox, &components, None)?);
        let reload = Reload::new(sandbox, config.components.clone(), components.clone());
        let state = State::open(&config.data_dir.join("state.redb"))?;
        let changes = Changes::new(clock.clone(), whole(&path, || Ok(edition_of(&store.snapshot()?)?))?);
        let loads = Loads::default();
        let (uploads, admissions) = mixes::open(&config, state.clone(), clock.clone(), changes.clone(), loads.clone(), program)?;
        let lives = Lives::of(&config);
        let feeds =
            Feeds::new(store.clone(), clock.clone(), components.clone(), Some(uploads.clone()), lives.excluded.clone(), loads.clone(), config.cache_bytes);
        let objects = Arc::clone(&components.now().objects);
        let registry = Registry::new(objects, config.live_instances, config.instance_idle, bounds.object_bytes, loads.clone());
        let awake = registry.awake();
        let parts = Parts {
            store: store.clone(),
            queue: queue.clone(),
            components: components.clone(),
            registry,
            bounds: bounds.clone(),
            rules: lives.rules.clone(),
            changes: changes.clone(),
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
                priority::follow_readers();
                intake::write(receive, &queue, &stop);
                Ok::<(), Infallible>(())
            }
        });
        let writer = writer.map_err(StartError::Thread)?;
        let ingest = vital.thread("ingest", {
            let stop = Arc::clone(&ending);
            move || {
                priority::follow_readers();
                ingest.run(&stop)
            }
        });
        let ingest = ingest.map_err(StartError::Thread)?;

        let admissions = vital.task("uploads", admissions.run(stop.clone()));

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
        let apply = api::apply(&send, queue.clone());
        let upkeep = Upkeep::new(upkeep::Parts {
            store: store.clone(),
            state: Some(state.clone()),
            loads: Some(loads.clone()),
            doing: Doing::Now(apply.clone()),
            data_dir: config.data_dir.clone(),
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

        let service = Service {
            did: config.public_url.service_did().to_owned(),
            endpoint: config.public_url.endpoint().to_owned(),
            version: VERSION,
            pages_per_hour: config.feed_requests_per_hour,
        };
        let auth = ServiceAuth::new(resolver.clone(), clock.clone(), service.did.clone());
        let sessions = Sessions::open(session::Parts {
            state,
            secret: session::secret(config.secret.as_ref(), &config.data_dir)?,
            public_url: config.public_url.clone(),
            resolver: resolver.clone(),
            clock: clock.clone(),
            allow_private_network: config.allow_private_network,
            app_passwords: !config.no_app_passwords,
        })?;
        let pulse = Pulse::new(pulse::Parts {
            health: Arc::clone(&health),
            store: store.clone(),
            queue: queue.clone(),
            loads,
            awake: Arc::clone(&awake),
            clock: clock.clone(),
            began,
            data_dir: config.data_dir.clone(),
            lag: config.ready_lag,
        });
        let dashboard = Dashboard::new(dashboard::Parts {
            store: store.clone(),
            clock: clock.clone(),
            changes,
            feeds: feeds.clone(),
            bounds,
            client: client.clone(),
            resolver: resolver.clone(),
            judge: api::judge(components),
            service_did: service.did.clone(),
            apply,
            may_own: Arc::new({
                let rules = lives.rules.clone();
                move |config| rules.now().allow(config)
            }),
            uploads: uploads.clone(),
            pulse: api::pulse(pulse.clone(), sessions.clone()),
            limits: api::limits(&config, uploads.settings()),
            stop: stop.clone(),
        });
        let api = http::ApiParts {
            dashboard: dashboard.clone(),
            sessions: sessions.clone(),
            auth: auth.clone(),
            resolver: resolver.clone(),
            clock: clock.clone(),
            endpoint: service.endpoint.clone(),
            operators: lives.operators.clone(),
            visitor: config.visitor.clone(),
            requests_per_hour: config.api_requests_per_hour,
            appview: config.appview.clone(),
            address_header: config.client_address_header.clone(),
            stop: stop.clone(),
        };
        let servers = vital.task("HTTP server", {
            let (feeds, stop) = (feeds.clone(), stop.clone());
            async move {
                let (public, admin) = (
                    http::serve_public(public, feeds, auth, service, Some(api), stop.clone()),
                    http::serve_admin(admin, numbers, pulse.gauges(), stop.clone()),
                );
                let operator = async {
                    match operator {
                        Ok(listener) => control::serve(listener, upkeep, stop.clone()).await,
                        Err(cause) => tracing::error!(%cause, "the operator's socket can't be made: commands don't reach this server"),
                    }
                };
                tokio::join!(public, admin, operator);
            }
        });
        Ok(Self {
            feeds,
            store,
            queue,
            health,
            client,
            resolver,
            dashboard,
            sessions,
            uploads,
            admissions,
            reload,
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
            awake,
            live: lives,
            _lock: lock,
        })
    }

    /// Communities' objects that are in memory.
    pub fn awake(&self) -> usize {
        self.awake.load(Ordering::Relaxed)
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
        // What is half done in users' repos comes to its end, though nobody waits for the answer.
        self.dashboard.settle().await;
        report("uploads", self.admissions.await);
        // The last readers may have had something to say of their mixes.
        let uploads = self.uploads;
        report(
            "journals",
            tokio::task::spawn_blocking(move || uploads.flush().unwrap_or_else(|cause| tracing::warn!(%cause, "the journals of mixes can't be written"))).await,
        );
        // What users' servers are still to be told; who is slow is told by the expiry of the tokens.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.sessions.settle()).await;
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

fn bounds(config: &Config) -> Bounds {
    Bounds {
        held_per_author: config.held_per_author as u64,
        held_per_hashtag: config.held_per_hashtag as u64,
        held_total: config.held_total as u64,
        posts_per_member: config.posts_per_member as u64,
        object_bytes: config.object_bytes,
        communities_per_owner: config.communities_per_owner,
        communities_total: config.communities_total,
        ..Bounds::default()
    }
}
