//! The loop that reads from one server after the other, for as long as the program runs.
//!
//! It stops reading while the consumer is busy, and so slows the server down: what has been read is never thrown away. Whatever
//! ends a connection is logged, once, and answered with a connection to the next endpoint, a little before the cursor;
//! events then come twice, which the consumer must not mind. Only where a server refuses a part of what was asked for that can be
//! left out, the same is asked again without. The loop ends when it is told to or when nobody takes what it
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
    Announced, Backoff, Cursor, Endpoint, Health, Intake, KnownDids,
    asking::{Asking, Without},
    connection::{Connection, ConnectionError, Received},
    handshake::Reason,
    intake::{Break, Collector},
    position::{Position, Rewind, Start},
    unpack::Unpacker,
};

/// How long the consumer waits at most to hear that the cursor has moved.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How many frames are read before anything else may run on this thread: about a millisecond's worth.
const FRAMES_AT_A_TIME: usize = 1024;

/// How long a server may take to send the event again that it was asked for. One that waits for its next has none of this number.
const AGAIN: Duration = Duration::from_secs(5);

/// How to receive. [`Settings::new`] has the defaults.
#[derive(Clone)]
pub struct Settings {
    /// Tried in this order, round and round. At least one.
    pub endpoints: Vec<Endpoint>,
    /// A connection that shows no sign of life (frame, ping or pong) for so long is dead.
    pub idle_timeout: Duration,
    /// How far before the cursor a connection starts that asks for a time, since no two servers see events in quite the same order,
    /// or at quite the same time.
    pub rewind: Duration,
    /// The same at another endpoint than the cursor is of: by more than a server is commonly behind another.
    pub rewind_elsewhere: Duration,
    /// How long ago to start if there's no cursor. Servers that keep less start at the oldest they have.
    pub backfill_window: Duration,
    pub backoff: Backoff,
    /// Repos whose deletes shall pass although none of their events has.
    pub announced: Announced,
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
            // At 500 events/s that is 30,000 events again, and repeats change nothing.
            rewind_elsewhere: Duration::from_secs(60),
            backfill_window: Duration::from_secs(7 * 24 * 60 * 60),
            backoff: Backoff::default(),
            announced: Announced::default(),
            now_us: Arc::new(|| micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())),
        }
    }
}

/// Receives until `stop` is cancelled or `out` is closed. Each [`Intake`] carries the cursor that is right once it is stored.
pub async fn receive(settings: Settings, resume: Option<Cursor>, known: KnownDids, out: mpsc::Sender<Intake>, health: Arc<Health>, stop: CancellationToken) {
    let unpacker = match Unpacker::new() {
        Ok(unpacker) => unpacker,
        // The dictionaries are in the program, so there is no memory, or they are damaged. Whoever watches over this task ends the program: going on
        // it would answer, and never hear of anything.
        Err(error) => panic!("nothing from Jetstream can be decompressed: {error}"),
    };
    let now_us = (settings.now_us)();
    let position = Position::new(resume, now_us.saturating_sub(micros(settings.backfill_window)), now_us);
    let mut collector = Collector::new(position, known);
    collector.listen_to(settings.announced.clone());
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

    /// All that is tried at one endpoint before it is the next one's turn: one connection, or another at once where this one told us
    /// to ask for less.
    async fn session(&mut self, endpoint: &Endpoint) -> Result<Loss, Stopped> {
        let identity = endpoint.to_string();
        let mut asking = Asking::from(self.start(endpoint, &identity));
        // Each turn leaves something out that is never asked for again.
        loop {
            let Loss { cause, delivered_for } = self.connection(endpoint, &identity, &asking).await?;
            let without = match &cause {
                ConnectionError::Rejected(_, rejection) => asking.without(rejection),
                ConnectionError::Renumbered => Some(Without::Number),
                _ => None,
            };
            match without {
                None => return Ok(Loss { cause, delivered_for }),
                Some(Without::Number) => {
                    asking.too_old |= matches!(&cause, ConnectionError::Rejected(_, rejection) if rejection.reason == Reason::CursorTooOld);
                    self.collector.position.forget_mark();
                    asking.start = self.start(endpoint, &identity);
                }
                Some(Without::Compression) => asking.compressed = false,
            }
            self.health.note_failure();
            tracing::warn!(%endpoint, %cause, ?without, "Jetstream refused a part of what was asked for, will do without it");
        }
    }

    /// One connection, from its opening to its end.
    async fn connection(&mut self, endpoint: &Endpoint, identity: &str, asking: &Asking) -> Result<Loss, Stopped> {
        let url = endpoint.subscription(asking);
        let opened = tokio::select! {
            () = self.stop.cancelled() => return Err(Stopped),
            opened = Connection::open(&url, endpoint.wire(), self.settings.idle_timeout) => opened,
        };
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(cause) => return Ok(Loss { cause, delivered_for: Duration::ZERO }),
        };
        self.health.note_connected(true);
        self.collector.speak(endpoint.wire());
        self.collector.position.begin(identity, asking.start, asking.too_old);
        tracing::info!(%endpoint, start = ?asking.start, "connected to Jetstream");
        let lost = self.follow(&mut connection).await;
        self.health.note_connected(false);
        Ok(Loss { cause: lost?, delivered_for: connection.delivered_for() })
    }

    /// Reads until the connection is lost.
    async fn follow(&mut self, connection: &mut Connection) -> Result<ConnectionError, Stopped> {
        let connected = Instant::now();
        loop {
            let wake = self.wait(connection).await;
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
                self.send().await?;
                connection.forgive();
            }
            match wake {
                Wake::Lost(cause) => return Ok(cause),
                Wake::Enough => tokio::task::yield_now().await,
                Wake::Timer => {
                    if let Err(cause) = connection.tend() {
                        return Ok(cause);
                    }
                    if self.collector.position.awaits_event() && connected.elapsed() >= AGAIN {
                        return Ok(ConnectionError::Renumbered);
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
        self.collector.position.set_clock((self.settings.now_us)());
        let mut wake = Wake::Enough;
        for _ in 0..FRAMES_AT_A_TIME {
            match connection.poll_next(&mut self.unpacker, cx) {
                Poll::Ready(Ok(Received::Frame(frame))) => {
                    if let Err(end) = self.collector.take(frame) {
                        wake = Wake::Lost(end.into());
                        break;
                    }
                }
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
    async fn send(&mut self) -> Result<(), Stopped> {
        let intake = self.collector.hand_over();
        let sent = tokio::select! {
            () = self.stop.cancelled() => return Err(Stopped),
            sent = self.out.send(intake) => sent,
        };
        self.last_sent = Instant::now();
        sent.map_err(|_| Stopped)
    }

    fn start(&self, endpoint: &Endpoint, identity: &str) -> Start {
        let rewind = Rewind { here_us: micros(self.settings.rewind), elsewhere_us: micros(self.settings.rewind_elsewhere) };
        self.collector.position.start(identity, endpoint.wire(), rewind, (self.settings.now_us)())
    }

    fn report(&mut self) {
        let now_us = (self.settings.now_us)();
        self.collector.counts.report(&self.health, Instant::now(), now_us);
        self.health.note_position(self.collector.position.time_us(), now_us);
        if let Some(gap) = self.collector.notice_gap() {
            self.health.note_gap(gap, now_us);
            tracing::warn!(?gap, "Jetstream begins later than we had read: what lies between was missed");
        }
    }
}

impl From<Break> for ConnectionError {
    fn from(end: Break) -> Self {
        match end {
            Break::Renumbered => Self::Renumbered,
            Break::Ended { name, message } => Self::Ended { name, message },
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
