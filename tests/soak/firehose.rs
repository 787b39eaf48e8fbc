//! The network's firehose as Jetstream v1 serves it: event number n has a time of its own, and is sent when that has come.
//!
//! Only what the communities' people say is kept. The strangers' events between are captured ones, made anew with the number's own
//! time and revision whenever somebody asks for them, so any moment of the past can be asked for again. Strangers are sent of all
//! collections, which real servers would leave out: what comes is ten times the network, whatever is asked for.
//!
//! It has a thread of its own. On command it drops its clients, falls silent, or lets a connection hang half-open for ever.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atrarium::event::Rev;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;
use zstd::bulk::Compressor;

use super::plan::Plan;
use super::story::{Story, Told};

const CAPTURED: &str = include_str!("../../host/data/captured-events.jsonl");

/// With which v1 servers compress.
const DICTIONARY: &[u8] = include_bytes!("../../host/data/jetstream-v1.zdict");

/// How often what is due is sent.
const TICK: Duration = Duration::from_millis(20);

/// Events between two looks at what else there is to do.
const BATCH: u64 = 512;

#[derive(Debug)]
pub(crate) struct Firehose {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    timeline: Timeline,
    book: Mutex<Book>,
    orders: watch::Sender<Orders>,
}

/// Which number has which time, and is whose.
#[derive(Debug)]
struct Timeline {
    start_us: u64,
    step_us: u64,
    founding: u64,
    one_in: u64,
}

/// All that our people have said so far.
#[derive(Debug)]
struct Book {
    story: Story,
    told: Vec<Arc<Told>>,
    /// Ours from here on are not said any more.
    end: usize,
    withheld: Range<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Orders {
    /// Connections that are older than the last of these are dropped, or hang.
    drops: u64,
    hangs: u64,
    silent_until: Instant,
}

impl Timeline {
    fn time_us(&self, number: u64) -> u64 {
        self.start_us + number * self.step_us
    }

    /// The first event that isn't before this time.
    fn from(&self, time_us: u64) -> u64 {
        time_us.saturating_sub(self.start_us).div_ceil(self.step_us)
    }

    /// How many events have happened.
    fn due(&self) -> u64 {
        now_us().checked_sub(self.start_us).map_or(0, |passed| passed / self.step_us + 1)
    }

    /// The place in our book.
    fn ours(&self, number: u64) -> Option<usize> {
        let place = match number.checked_sub(self.founding) {
            None => number,
            Some(after) if after % self.one_in == 0 => self.founding + after / self.one_in,
            Some(_) => return None,
        };
        usize::try_from(place).ok()
    }

    /// The number of what has this place in our book.
    fn number(&self, place: usize) -> u64 {
        let place = place as u64;
        if place < self.founding { place } else { self.founding + (place - self.founding) * self.one_in }
    }
}

impl Book {
    fn told(&mut self, place: usize, timeline: &Timeline) -> Option<Arc<Told>> {
        if place >= self.end || self.withheld.contains(&place) {
            return None;
        }
        self.write(place + 1, timeline);
        self.told.get(place).cloned()
    }

    fn write(&mut self, count: usize, timeline: &Timeline) {
        while self.told.len() < count {
            let time_us = timeline.time_us(timeline.number(self.told.len()));
            self.told.push(Arc::new(self.story.next(time_us)));
        }
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Firehose {
    /// Its first event happens now.
    pub(crate) fn start(plan: &Plan) -> Self {
        let story = Story::new(plan.families, plan.seed);
        let timeline = Timeline { start_us: now_us(), step_us: 1_000_000 / plan.rate, founding: story.founding() as u64, one_in: plan.one_in };
        let founding = story.founding();
        let withheld = founding + plan.withheld.start..founding + plan.withheld.end;
        let book = Mutex::new(Book { story, told: Vec::new(), end: usize::MAX, withheld });
        let orders = watch::Sender::new(Orders { drops: 0, hangs: 0, silent_until: Instant::now() });
        let shared = Arc::new(Shared { timeline, book, orders });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address: SocketAddr = listener.local_addr().expect("a bound listener");
        listener.set_nonblocking(true).expect("a socket's option");
        let stop = CancellationToken::new();
        let serving = stop.clone().run_until_cancelled_owned(accept(listener, Arc::clone(&shared)));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of its own");
            runtime.block_on(serving);
        });
        Self { endpoint: format!("ws://{address}/subscribe"), shared, stop, thread: Some(thread) }
    }

    /// Drops every connection without a word.
    pub(crate) fn drop_clients(&self) {
        self.shared.orders.send_modify(|orders| orders.drops += 1);
    }

    /// Nothing more is read from or written to the present connections, which stay open.
    pub(crate) fn hang(&self) {
        self.shared.orders.send_modify(|orders| orders.hangs += 1);
    }

    /// Accepts connections and says nothing on any.
    pub(crate) fn fall_silent(&self, until: Instant) {
        self.shared.orders.send_modify(|orders| orders.silent_until = until);
    }

    /// Events that have happened, and how many of them are ours.
    pub(crate) fn happened(&self) -> (u64, usize) {
        (self.shared.timeline.due(), self.shared.book().told.len())
    }

    /// Our people say nothing more. Answers all that they have said, and the time of the last of it in microseconds.
    pub(crate) fn end(&self) -> (Vec<Arc<Told>>, u64) {
        let timeline = &self.shared.timeline;
        let due = timeline.due();
        let said = (0..due).rev().find_map(|number| timeline.ours(number)).map_or(0, |last| last + 1);
        let mut book = self.shared.book();
        book.write(said, timeline);
        book.end = book.told.len();
        (book.told.clone(), timeline.time_us(timeline.number(book.told.len().saturating_sub(1))))
    }
}

impl Drop for Firehose {
    fn drop(&mut self) {
        self.stop.cancel();
        // If it has panicked, that was told; another panic here would hide why we end.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("a listener of the system");
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // Who goes away comes again.
        tokio::spawn(async move { serve(stream, &shared).await.ok() });
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> Result<(), Error> {
    let mut orders = shared.orders.subscribe();
    let born = *orders.borrow();
    stream.set_nodelay(true)?;
    let (mut next, mut packed) = (None, false);
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let answer = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        for (key, value) in form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
            match &*key {
                "cursor" => next = value.parse().ok().map(|time_us| shared.timeline.from(time_us)),
                "compress" => packed = value == "true",
                _ => {}
            }
        }
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, answer).await?;
    let compressor = packed.then(|| Compressor::with_dictionary(1, DICTIONARY)).transpose()?;
    let next = next.unwrap_or_else(|| shared.timeline.due());
    let mut client = Client { socket, compressor, strangers: Strangers::new(), next, shared };
    let (mut hangs, dropped) = (orders.clone(), orders.wait_for(|orders| orders.drops > born.drops));
    let served = async {
        tokio::select! {
            ended = client.run() => return ended,
            _ = hangs.wait_for(|orders| orders.hangs > born.hangs) => {}
        }
        std::future::pending().await
    };
    tokio::select! {
        ended = served => ended,
        _ = dropped => Ok(()),
    }
}

struct Client<'a> {
    socket: WebSocketStream<TcpStream>,
    compressor: Option<Compressor<'static>>,
    strangers: Strangers,
    /// The number of the next event.
    next: u64,
    shared: &'a Shared,
}

impl Client<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let silent_until = self.shared.orders.borrow().silent_until;
            if Instant::now() < silent_until {
                sleep_until(silent_until).await;
            }
            let until = self.shared.timeline.due().min(self.next + BATCH);
            if self.next < until {
                self.send(until).await?;
                continue;
            }
            tokio::select! {
                _ = ticks.tick() => {}
                said = self.socket.next() => match said {
                    Some(Ok(_)) => {}
                    Some(Err(cause)) => return Err(cause),
                    None => return Ok(()),
                }
            }
        }
    }

    async fn send(&mut self, until: u64) -> Result<(), Error> {
        let timeline = &self.shared.timeline;
        let ours: Vec<(u64, Arc<Told>)> = {
            let mut book = self.shared.book();
            (self.next..until).filter_map(|number| Some((number, book.told(timeline.ours(number)?, timeline)?))).collect()
        };
        let mut ours = ours.into_iter().peekable();
        for number in self.next..until {
            let message = match ours.next_if(|(of, _)| *of == number) {
                Some((_, told)) => self.message(&told.frame)?,
                None => {
                    let stranger = self.strangers.frame(number, timeline.time_us(number));
                    self.message(&stranger)?
                }
            };
            self.socket.feed(message).await?;
        }
        self.next = until;
        self.socket.flush().await
    }

    fn message(&mut self, json: &str) -> Result<Message, Error> {
        Ok(match &mut self.compressor {
            Some(compressor) => Message::binary(compressor.compress(json.as_bytes())?),
            None => Message::text(json),
        })
    }
}

/// Captured events around their times and revisions.
struct Strangers(Vec<Vec<&'static str>>);

impl Strangers {
    fn new() -> Self {
        let time = |text: &'static str| text.split_once("\"time_us\":").map(|(before, rest)| (before, rest.trim_start_matches(|c: char| c.is_ascii_digit())));
        let parts = |event: &'static str| {
            let Some((before, rest)) = time(event) else { return vec![event] };
            match rest.split_once("\"rev\":\"").and_then(|(between, rest)| Some((between, rest.split_once('"')?.1))) {
                Some((between, after)) => vec![before, between, after],
                None => vec![before, rest],
            }
        };
        Self(CAPTURED.lines().filter(|line| !line.is_empty()).map(parts).collect())
    }

    fn frame(&self, number: u64, time_us: u64) -> String {
        let parts = &self.0[(number % self.0.len() as u64) as usize];
        match parts[..] {
            [before, between, after] => format!("{before}\"time_us\":{time_us}{between}\"rev\":\"{}\"{after}", Rev::last_of(time_us).as_str()),
            [before, after] => format!("{before}\"time_us\":{time_us}{after}"),
            _ => parts.concat(),
        }
    }
}

pub(crate) fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
