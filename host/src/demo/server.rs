//! A Jetstream server of one's own, which speaks the v1 wire: for the demo, tests and benchmarks.
//!
//! It keeps what it is given and serves it as the real ones do: first what is not older than the client's cursor, then what
//! is published, filtered by collection, zstd where asked for. It has no peers and no disk, and forgets the oldest events when
//! there are many. For tests, the first connections can follow a [`Script`] instead, and what each asked for is kept.
//! A connection that fails is dropped; the server goes on until it is dropped itself.

use std::{
    collections::{VecDeque, vec_deque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Interval, interval, sleep},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        self,
        handshake::server::{ErrorResponse, Request, Response},
        http::StatusCode,
        protocol::Message,
    },
};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;
use zstd::bulk::Compressor;

use super::script::{Action, Actor, After, Script, compressor, lock, message};

/// How many events are kept; real servers keep a day.
const MAX_HISTORY: usize = 200_000;

/// How many events are written before the client is listened to again.
const BATCH: usize = 256;

const PING_INTERVAL: Duration = Duration::from_secs(30);

/// A running server. It stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    history: watch::Sender<History>,
    requests: watch::Sender<Vec<String>>,
    scripts: Mutex<VecDeque<Script>>,
    scripted: Mutex<Vec<String>>,
    /// Cancelled, and replaced, to drop all present connections.
    connections: Mutex<CancellationToken>,
    stop: CancellationToken,
}

impl Server {
    /// Serves what is published.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        Self::start_scripted(listener, [])
    }

    /// Follows one script for each connection, in the order in which they come. Those after the last are served as usual.
    pub fn start_scripted(listener: TcpListener, scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            history: watch::Sender::default(),
            requests: watch::Sender::default(),
            scripts: Mutex::new(scripts.into_iter().collect()),
            scripted: Mutex::default(),
            connections: Mutex::new(stop.child_token()),
            stop: stop.clone(),
        });
        tokio::spawn(stop.run_until_cancelled_owned(accept(listener, Arc::clone(&shared))));
        Ok(Self { address, shared })
    }

    /// The endpoint for a client's configuration.
    pub fn endpoint(&self) -> String {
        format!("ws://{}/subscribe", self.address)
    }

    /// Sends an event, as Jetstream writes it, to everyone who wants it now or asks for its time later.
    pub fn publish(&self, json: impl Into<String>) {
        let entry = Arc::new(Entry::new(json.into()));
        self.shared.history.send_modify(|history| history.push(entry));
    }

    /// Forgets what was published so far: who connects later gets none of it.
    pub fn forget(&self) {
        self.shared.history.send_modify(|history| {
            history.forgotten += history.entries.len();
            history.entries.clear();
        });
    }

    /// Drops every connection without a word. New ones are accepted.
    pub fn disconnect_all(&self) {
        let next = self.shared.stop.child_token();
        std::mem::replace(&mut *lock(&self.shared.connections), next).cancel();
    }

    /// The request targets (`/subscribe?…`) of all connections so far, refused ones included.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.borrow().clone()
    }

    /// The same, once there have been at least so many.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<String> {
        let mut requests = self.shared.requests.subscribe();
        match requests.wait_for(|requests| requests.len() >= count).await {
            Ok(requests) => requests.clone(),
            Err(_) => unreachable!("`self` holds the sender"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// The newest events, in the order in which they were published.
#[derive(Default)]
struct History {
    entries: VecDeque<Arc<Entry>>,
    /// How many were published before the first of these.
    forgotten: usize,
}

impl History {
    fn push(&mut self, entry: Arc<Entry>) {
        self.entries.push_back(entry);
        if self.entries.len() > MAX_HISTORY {
            self.entries.pop_front();
            self.forgotten += 1;
        }
    }

    /// The number of the next event.
    fn end(&self) -> usize {
        self.forgotten + self.entries.len()
    }

    fn since(&self, number: usize) -> vec_deque::Iter<'_, Arc<Entry>> {
        let skipped = number.saturating_sub(self.forgotten).min(self.entries.len());
        self.entries.range(skipped..)
    }
}

struct Entry {
    json: String,
    time_us: u64,
    /// `None` for events that everyone gets.
    collection: Option<String>,
}

impl Entry {
    fn new(json: String) -> Self {
        #[derive(Deserialize, Default)]
        struct Event {
            #[serde(default)]
            time_us: u64,
            commit: Option<Commit>,
        }
        #[derive(Deserialize)]
        struct Commit {
            collection: Option<String>,
        }
        // What is no event is sent all the same: a client must be able to take it.
        let Event { time_us, commit } = serde_json::from_str(&json).unwrap_or_default();
        Self { json, time_us, collection: commit.and_then(|commit| commit.collection) }
    }
}

/// What a client asks for.
#[derive(Default)]
struct Subscription {
    cursor_us: Option<u64>,
    compress: bool,
    collections: Vec<String>,
}

impl Subscription {
    fn parse(query: &str) -> Self {
        let mut subscription = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "cursor" => subscription.cursor_us = value.parse().ok(),
                "compress" => subscription.compress = value == "true",
                "wantedCollections" => subscription.collections.push(value.into_owned()),
                _ => {}
            }
        }
        subscription
    }

    fn wants(&self, entry: &Entry) -> bool {
        let Some(collection) = &entry.collection else { return true };
        self.collections.is_empty()
            || self.collections.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => collection.starts_with(prefix),
                None => collection == wanted,
            })
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely there are too many open files; the next attempt would fail at once.
                tracing::warn!(%error, "the demo's Jetstream couldn't accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let script = lock(&shared.scripts).pop_front().unwrap_or_default();
        let connection = lock(&shared.connections).clone();
        let shared = Arc::clone(&shared);
        tokio::spawn(connection.run_until_cancelled_owned(async move {
            if let Err(error) = serve(stream, script, &shared).await {
                tracing::debug!(%error, "a client of the demo's Jetstream is gone");
            }
        }));
    }
}

async fn serve(stream: TcpStream, script: Script, shared: &Shared) -> Result<(), tungstenite::Error> {
    let refusal = match script.first() {
        Some(Action::Refuse(status)) => StatusCode::from_u16(*status).ok(),
        Some(Action::Stall) => std::future::pending().await,
        _ => None,
    };
    stream.set_nodelay(true)?;
    let mut subscription = Subscription::default();
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let answer = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        shared.requests.send_modify(|requests| requests.push(request.uri().to_string()));
        subscription = Subscription::parse(request.uri().query().unwrap_or_default());
        let unknown = (request.uri().path() != "/subscribe").then_some(StatusCode::NOT_FOUND);
        match refusal.or(unknown) {
            None => Ok(response),
            Some(status) => {
                let mut refused = ErrorResponse::new(None);
                *refused.status_mut() = status;
                Err(refused)
            }
        }
    };
    let mut socket = accept_hdr_async(stream, answer).await?;
    let mut compressor = if subscription.compress { Some(compressor()?) } else { None };

    let mut actor = Actor { socket: &mut socket, compressor: compressor.as_mut(), sent: &shared.scripted };
    for action in script {
        if let After::Close = actor.play(action).await? {
            return Ok(());
        }
    }
    let history = shared.history.subscribe();
    Feeding { socket, compressor, subscription, history, pings: interval(PING_INTERVAL) }.run().await
}

/// A client that is being served.
struct Feeding {
    socket: WebSocketStream<TcpStream>,
    compressor: Option<Compressor<'static>>,
    subscription: Subscription,
    history: watch::Receiver<History>,
    pings: Interval,
}

impl Feeding {
    async fn run(mut self) -> Result<(), tungstenite::Error> {
        // Up to here it is a replay, in which only the time counts; from here on everything is new.
        let live_from = self.history.borrow().end();
        let mut next = if self.subscription.cursor_us.is_some() { 0 } else { live_from };
        loop {
            let (entries, start) = {
                let history = self.history.borrow_and_update();
                let start = next.max(history.forgotten);
                (history.since(start).take(BATCH).cloned().collect::<Vec<_>>(), start)
            };
            next = start + entries.len();
            if entries.is_empty() {
                tokio::select! {
                    _ = self.history.changed() => {}
                    _ = self.pings.tick() => self.socket.send(Message::Ping(Default::default())).await?,
                    message = self.socket.next() => match message {
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(error),
                        None => return Ok(()),
                    }
                }
                continue;
            }
            for (number, entry) in (start..).zip(&entries) {
                let replayed_too_early = number < live_from && Some(entry.time_us) < self.subscription.cursor_us;
                if !replayed_too_early && self.subscription.wants(entry) {
                    self.socket.feed(message(&entry.json, self.compressor.as_mut())?).await?;
                }
            }
            self.socket.flush().await?;
        }
    }
}
