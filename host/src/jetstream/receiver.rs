//! The loop that reads from one server after the other, for as long as the program runs.
//!
//! It stops reading while the consumer is busy, and so slows the server down: what has been read is never thrown away. Whatever
//! ends a connection is logged, once, and answered with a connection to the next endpoint, `rewind` before the cursor;
//! events then come twice, which the consumer must not mind. The loop ends when it is told to or when nobody takes what it
//! sends; what it had not yet sent is read again after the next start, since the cursor hasn't moved past it.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Backoff, Cursor, Endpoint, Health, Intake, KnownDids,
    connection::{Connection, ConnectionError, Received},
    intake::Collector,
    unpack::Unpacker,
};

/// How long the consumer waits at most to hear that the cursor has moved.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How many frames are read before anything else may run on this thread: about a millisecond's worth.
const FRAMES_AT_A_TIME: usize = 1024;

/// How to receive. [`Settings::new`] has the defaults.
#[derive(Clone)]
pub struct Settings {
    /// Tried in this order, round and round. At least one.
    pub endpoints: Vec<Endpoint>,
    /// A connection that shows no sign of life (frame, ping or pong) for so long is dead.
    pub idle_timeout: Duration,
    /// How far before the cursor each connection starts, since no two servers see events in quite the same order.
    pub rewind: Duration,
    /// How long ago to start if there's no cursor. Servers that keep less start at the oldest they have.
    pub backfill_window: Duration,
    pub backoff: Backoff,
    /// The wall clock, in microseconds since the Unix epoch.
    pub now_us: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Settings {
    pub fn new(endpoints: Vec<Endpoint>) -> Self {
        Self {
            endpoints,
            // Servers ping every 30 seconds.
            idle_timeout: Duration::from_secs(60),
            rewind: Duration::from_secs(5),
            backfill_window: Duration::from_secs(7 * 24 * 60 * 60),
            backoff: Backoff::default(),
            now_us: Arc::new(|| micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())),
        }
    }
}

/// Receives until `stop` is cancelled or `out` is closed. Each [`Intake`] carries the cursor that is right once it is stored.
pub async fn receive(settings: Settings, resume: Option<Cursor>, known: KnownDids, out: mpsc::Sender<Intake>, health: Arc<Health>, stop: CancellationToken) {
    let unpacker = match Unpacker::new() {
        Ok(unpacker) => unpacker,
        Err(error) => return tracing::error!(%error, "can't decompress, so can't receive"),
    };
    let now_us = (settings.now_us)();
    let resume_us = match resume {
        Some(cursor) => cursor.time_us,
        None => now_us.saturating_sub(micros(settings.backfill_window)),
    };
    let collector = Collector::new(resume_us, known, now_us);
    let receiver = Receiver { settings, collector, unpacker, out, health, stop, last_sent: Instant::now() };
    receiver.run().await;
}

struct Receiver {
    settings: Settings,
    collector: Collector,
    unpacker: Unpacker,
    out: mpsc::Sender<Intake>,
    health: Arc<Health>,
    stop: CancellationToken,
    last_sent: Instant,
}

/// What the loop reacts to.
enum Wake {
    /// As many frames were read as go at a time, or into an intake.
    Enough,
    /// All that had come was read, and some of it is to be told at once.
    Drained,
    /// It's time for a heartbeat or a ping.
    Timer,
    Lost(ConnectionError),
    Stop,
}

/// The receiver is to end: it was told to, or nobody listens.
struct Stopped;

/// How a connection ended, and for how long it had delivered.
struct Loss {
    cause: ConnectionError,
    delivered_for: Duration,
}

impl Receiver {
    async fn run(mut self) {
        let mut failures = 0;
        for index in (0..self.settings.endpoints.len()).cycle() {
            let endpoint = self.settings.endpoints[index].clone();
            self.health.note_attempt(index);
            let outcome = self.session(&endpoint).await;
            self.health.note_connected(false);
            let Ok(Loss { cause, delivered_for }) = outcome else { return };

            self.health.note_failure();
            if delivered_for >= self.settings.backoff.steady {
                failures = 0;
            }
            let wait = self.settings.backoff.wait(failures, &mut rand::rng());
            failures = failures.saturating_add(1);
            tracing::warn!(%endpoint, %cause, ?wait, "no connection to Jetstream, will try the next endpoint");
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
        tracing::error!("there is no endpoint to receive from");
    }

    /// One connection, from its opening to its end.
    async fn session(&mut self, endpoint: &Endpoint) -> Result<Loss, Stopped> {
        let start_us = self.start_us();
        let url = endpoint.subscription(start_us);
        let opened = tokio::select! {
            () = self.stop.cancelled() => return Err(Stopped),
            opened = Connection::open(&url, self.settings.idle_timeout) => opened,
        };
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(cause) => return Ok(Loss { cause, delivered_for: Duration::ZERO }),
        };
        self.health.note_connected(true);
        tracing::info!(%endpoint, start_us, "connected to Jetstream");

        let identity = endpoint.to_string();
        loop {
            let wake = self.wait(&mut connection).await;
            self.report();
            let heartbeat = self.last_sent.elapsed() >= HEARTBEAT && self.collector.has_news();
            let send = match &wake {
                Wake::Enough => heartbeat || self.collector.is_full(),
                Wake::Drained => true,
                Wake::Timer => heartbeat,
                // Storing it needs no connection, and finding the next one may take long.
                Wake::Lost(_) => self.collector.has_news(),
                Wake::Stop => return Err(Stopped),
            };
            if send {
                self.send(&identity).await?;
                connection.forgive();
            }
            match wake {
                Wake::Lost(cause) => return Ok(Loss { cause, delivered_for: connection.delivered_for() }),
                Wake::Enough => tokio::task::yield_now().await,
                Wake::Timer => {
                    if let Err(cause) = connection.tend() {
                        return Ok(Loss { cause, delivered_for: connection.delivered_for() });
                    }
                }
                Wake::Drained | Wake::Stop => {}
            }
        }
    }

    async fn wait(&mut self, connection: &mut Connection) -> Wake {
        let stop = self.stop.clone();
        let now = Instant::now();
        let heartbeat = self.last_sent + HEARTBEAT;
        // A heartbeat that is overdue has had nothing to tell.
        let heartbeat = if heartbeat > now { heartbeat } else { now + HEARTBEAT };
        let timer = connection.tend_at().min(heartbeat);
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            wake = poll_fn(|cx| self.poll_read(connection, cx)) => wake,
            () = sleep_until(timer) => Wake::Timer,
        }
    }

    /// Reads what has come, up to a bound. It waits on if none of it is to be told at once.
    fn poll_read(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> Poll<Wake> {
        self.collector.set_clock((self.settings.now_us)());
        let mut wake = Wake::Enough;
        for _ in 0..FRAMES_AT_A_TIME {
            match connection.poll_next(&mut self.unpacker, cx) {
                Poll::Ready(Ok(Received::Frame(frame))) => self.collector.take(frame),
                Poll::Ready(Ok(Received::Unreadable(reason, message))) => self.collector.refuse(reason, message),
                Poll::Ready(Err(cause)) => {
                    wake = Wake::Lost(cause);
                    break;
                }
                Poll::Pending => {
                    connection.note_life();
                    return if self.collector.has_messages() { Poll::Ready(Wake::Drained) } else { Poll::Pending };
                }
            }
            if self.collector.is_full() {
                break;
            }
        }
        connection.note_life();
        Poll::Ready(wake)
    }

    /// Hands over what was collected, and waits for as long as the consumer does.
    async fn send(&mut self, endpoint: &str) -> Result<(), Stopped> {
        let intake = self.collector.hand_over(endpoint);
        let sent = tokio::select! {
            () = self.stop.cancelled() => return Err(Stopped),
            sent = self.out.send(intake) => sent,
        };
        self.last_sent = Instant::now();
        sent.map_err(|_| Stopped)
    }

    /// Where the next connection is to start. Never in the future, which servers take for "only what comes from now on".
    fn start_us(&self) -> u64 {
        let cursor_us = self.collector.cursor_us().min((self.settings.now_us)());
        cursor_us.saturating_sub(micros(self.settings.rewind))
    }

    fn report(&mut self) {
        let now_us = (self.settings.now_us)();
        self.collector.counts.report(&self.health, Instant::now(), now_us);
        self.health.note_position(self.collector.cursor_us(), now_us);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
