//! A Jetstream server that speaks the v2 wire, `network.bsky.jetstream.subscribeEvents`, as its lexicon and its documentation have
//! it; nothing here is shared with the program that is tested.
//!
//! It numbers what it is given from 1 on and keeps all of it. A cursor is a number, served from that event on, or a time of at
//! least 1e15 microseconds, served from the first event that is not earlier. Frames are text, or zstd with the dictionary that
//! the client has named. Whoever sends it data is thrown out. A test can have it forget, number anew, lose its dictionary, refuse
//! without a word, and say what no server should.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, tungstenite};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;
use zstd::bulk::Compressor;

const PATH: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";
const TYPE: &str = "network.bsky.jetstream.subscribeEvents#";
const SUBPROTOCOL: &str = "xrpc.v1.json";
const DICTIONARY: &[u8] = include_bytes!("../../host/data/jetstream-v2.zdict");
const DICTIONARY_ID: &str = "20260811";

/// From here on a cursor is a time in microseconds, below it a number.
const LEAST_TIME: u64 = 1_000_000_000_000_000;

/// A running server. It stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: watch::Sender<State>,
    requests: watch::Sender<Vec<String>>,
    /// Messages with data that clients have sent.
    intrusions: AtomicU64,
    /// Connections that have agreed on the subprotocol.
    agreed: AtomicU64,
    /// Cancelled, and replaced, to drop all present connections.
    connections: Mutex<CancellationToken>,
    stop: CancellationToken,
}

/// What the server has, and how it behaves to who comes next.
#[derive(Default)]
struct State {
    items: Vec<Arc<Item>>,
    last_seq: u64,
    /// Events up to this number are no longer there.
    forgotten: u64,
    skew_us: i64,
    behaviour: Behaviour,
}

/// How a server may differ from the best. All is off by default.
#[derive(Debug, Default, Clone, Copy)]
pub struct Behaviour {
    /// It has only begun to gather its archive, and refuses everyone with 503.
    pub bootstrapping: bool,
    /// It has trained another dictionary.
    pub retired_dictionary: bool,
    /// Its refusals have no body.
    pub speechless: bool,
    /// It ignores the subprotocol that is offered.
    pub ignores_subprotocol: bool,
}

enum Item {
    Event(Event),
    /// Sent as it is to who is connected, compressed if that was asked for.
    Text(String),
    /// The payload of a binary message, as it is.
    Bytes(Vec<u8>),
    /// Sent to who is connected, who then is dropped.
    Error(String),
}

struct Event {
    seq: u64,
    time_us: u64,
    kind: String,
    collection: Option<String>,
    /// What it is made of, in v1's form.
    source: Value,
}

impl Event {
    fn of(source: Value, seq: u64, skew_us: i64) -> Self {
        let time_us = source["time_us"].as_u64().expect("a v1 event has a time").saturating_add_signed(skew_us);
        let kind = source["kind"].as_str().expect("a v1 event has a kind").to_owned();
        let collection = source["commit"]["collection"].as_str().map(str::to_owned);
        Self { seq, time_us, kind, collection, source }
    }

    /// The frame, its fields in the order in which real servers write them.
    fn frame(&self) -> String {
        let Self { seq, time_us, kind, source, .. } = self;
        let (did, commit) = (&source["did"], &source["commit"]);
        let fields = match kind.as_str() {
            "commit" => {
                let part = |name: &str| if commit[name].is_null() { String::new() } else { format!(r#""{name}":{},"#, commit[name]) };
                let [cid, collection, operation, record, rev, rkey] = ["cid", "collection", "operation", "record", "rev", "rkey"].map(part);
                format!(r#"{cid}{collection}"did":{did},{operation}{record}{rev}{rkey}"seq":{seq}"#)
            }
            "account" => format!(r#""account":{},"did":{did},"seq":{seq}"#, source["account"]),
            "identity" => format!(r#""did":{did},"identity":{},"seq":{seq}"#, source["identity"]),
            other => format!(r#""did":{did},"seq":{seq},"{other}":{}"#, source[other]),
        };
        let time = DateTime::from_timestamp_micros(i64::try_from(*time_us).expect("a time of this age")).expect("a time of this age");
        format!(r#"{{"$type":"message","payload":{{"$type":"{TYPE}{kind}",{fields},"time":"{}"}}}}"#, time.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

/// A v1 event as v2 has it, under this number.
pub fn frame(v1: &str, seq: u64) -> String {
    Event::of(serde_json::from_str(v1).expect("a v1 event"), seq, 0).frame()
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("a bound listener");
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            state: watch::Sender::default(),
            requests: watch::Sender::default(),
            intrusions: AtomicU64::new(0),
            agreed: AtomicU64::new(0),
            connections: Mutex::new(stop.child_token()),
            stop: stop.clone(),
        });
        tokio::spawn(stop.run_until_cancelled_owned(accept(listener, Arc::clone(&shared))));
        Self { address, shared }
    }

    /// The endpoint for a client's configuration.
    pub fn endpoint(&self) -> String {
        format!("ws://{}{PATH}", self.address)
    }

    /// Takes an event in v1's form, or a `sync` in the like, numbers it and sends it to who wants it.
    pub fn publish(&self, v1: &str) {
        let source: Value = serde_json::from_str(v1).expect("a v1 event");
        self.shared.state.send_modify(|state| {
            state.last_seq += 1;
            let event = Event::of(source, state.last_seq, state.skew_us);
            state.items.push(Arc::new(Item::Event(event)));
        });
    }

    /// Sends this to who is connected, the way everything is sent.
    pub fn say(&self, text: &str) {
        self.push(Item::Text(text.to_owned()));
    }

    /// Sends a binary message with just this payload to who is connected.
    pub fn say_bytes(&self, bytes: &[u8]) {
        self.push(Item::Bytes(bytes.to_vec()));
    }

    /// Ends the streams of who is connected with an error.
    pub fn fail(&self, name: &str) {
        self.push(Item::Error(json!({ "$type": "error", "error": name, "message": "says the test" }).to_string()));
    }

    fn push(&self, item: Item) {
        self.shared.state.send_modify(|state| state.items.push(Arc::new(item)));
    }

    /// The number of the last event.
    pub fn last_seq(&self) -> u64 {
        self.shared.state.borrow().last_seq
    }

    /// Forgets all events so far. Their numbers are not used again.
    pub fn forget(&self) {
        self.shared.state.send_modify(|state| state.forgotten = state.last_seq);
    }

    /// Numbers all events, those to come too, higher or lower than before, and drops every connection. Those whose number would
    /// be none are forgotten.
    pub fn number_anew(&self, by: i64) {
        self.shared.state.send_modify(|state| {
            let moved = state.items.drain(..).filter_map(|item| match &*item {
                Item::Event(event) => {
                    let seq = event.seq.checked_add_signed(by).filter(|&seq| seq > 0)?;
                    Some(Arc::new(Item::Event(Event {
                        seq,
                        time_us: event.time_us,
                        kind: event.kind.clone(),
                        collection: event.collection.clone(),
                        source: event.source.clone(),
                    })))
                }
                _ => None,
            });
            state.items = moved.collect();
            state.last_seq = state.last_seq.saturating_add_signed(by);
        });
        self.disconnect_all();
    }

    /// From now on it sees everything so much later, or earlier, than the event's own time says.
    pub fn skew(&self, by_us: i64) {
        self.shared.state.send_modify(|state| state.skew_us = by_us);
    }

    /// How it behaves from the next connection on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.state.send_modify(|state| state.behaviour = behaviour);
    }

    /// Drops every connection without a word. New ones are accepted.
    pub fn disconnect_all(&self) {
        let next = self.shared.stop.child_token();
        std::mem::replace(&mut *self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner), next).cancel();
    }

    /// The request targets of all connections so far, refused ones included.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.borrow().clone()
    }

    /// The same, once there have been at least so many.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<String> {
        let mut requests = self.shared.requests.subscribe();
        let found = requests.wait_for(|requests| requests.len() >= count).await.expect("`self` holds the sender");
        found.clone()
    }

    /// How many messages with data clients have sent, which none may.
    pub fn intrusions(&self) -> u64 {
        self.shared.intrusions.load(Ordering::Relaxed)
    }

    /// How many connections have agreed on the subprotocol.
    pub fn agreed(&self) -> u64 {
        self.shared.agreed.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// What a client has asked for, once it is known to be sensible.
#[derive(Default)]
struct Subscription {
    cursor: Option<u64>,
    kinds: BTreeSet<String>,
    collections: Vec<String>,
    max_bytes: usize,
    compressed: bool,
}

/// Why a client is refused: the status, the error's name, its message.
type Refusal = (StatusCode, &'static str, String);

impl Subscription {
    fn parse(query: &str, behaviour: Behaviour) -> Result<Self, Refusal> {
        let invalid = |message: String| (StatusCode::BAD_REQUEST, "InvalidRequest", message);
        if behaviour.bootstrapping {
            return Err((StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "bootstrap in progress".to_owned()));
        }
        let mut subscription = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let number = || value.parse::<u64>().map_err(|_| invalid(format!("{key} takes a number, not {value}")));
            match &*key {
                "cursor" => subscription.cursor = Some(number()?),
                "maxMessageSizeBytes" => subscription.max_bytes = usize::try_from(number()?).unwrap_or(usize::MAX),
                "kinds" if ["commit", "identity", "account", "sync"].contains(&&*value) => {
                    subscription.kinds.insert(value.into_owned());
                }
                "collections" => subscription.collections.push(value.into_owned()),
                "zstdDictionary" if value == DICTIONARY_ID && !behaviour.retired_dictionary => subscription.compressed = true,
                "zstdDictionary" => return Err((StatusCode::BAD_REQUEST, "UnknownZstdDictionary", format!("{value} is not the current one"))),
                _ => return Err(invalid(format!("{key}={value} is not for this endpoint"))),
            }
        }
        let never = !subscription.collections.is_empty() && !subscription.kinds.is_empty() && !subscription.kinds.contains("commit");
        if never || subscription.collections.len() > 100 {
            return Err(invalid("collections could never apply".to_owned()));
        }
        Ok(subscription)
    }

    fn wants(&self, event: &Event) -> bool {
        let matches = |wanted: &String, collection: &str| match wanted.strip_suffix('*') {
            Some(prefix) => collection.starts_with(prefix),
            None => collection == wanted,
        };
        let kind = self.kinds.is_empty() || self.kinds.contains(&event.kind);
        let collection =
            event.collection.as_ref().is_none_or(|collection| self.collections.is_empty() || self.collections.iter().any(|wanted| matches(wanted, collection)));
        kind && collection
    }
}

/// Where a stream begins.
struct Beginning {
    /// The first event's position in the items; all after it that are wanted follow.
    next: usize,
    /// Whatever isn't an event is sent from this position on.
    live_from: usize,
    /// The time that was asked for is no longer there.
    outdated: bool,
}

impl State {
    fn begin(&self, cursor: Option<u64>) -> Result<Beginning, Refusal> {
        let live_from = self.items.len();
        let first =
            |from: &dyn Fn(&Event) -> bool| self.items.iter().position(|item| matches!(&**item, Item::Event(event) if from(event))).unwrap_or(live_from);
        let (next, outdated) = match cursor {
            None => (live_from, false),
            Some(seq) if seq < LEAST_TIME && seq > self.last_seq => (live_from, false),
            Some(seq) if seq < LEAST_TIME && seq <= self.forgotten => {
                return Err((StatusCode::BAD_REQUEST, "CursorTooOld", format!("{seq} is below the floor, {}", self.forgotten + 1)));
            }
            Some(seq) if seq < LEAST_TIME => (first(&|event| event.seq >= seq), false),
            Some(time_us) => {
                let oldest = first(&|event| event.seq > self.forgotten);
                let next = first(&|event| event.time_us >= time_us);
                (next.max(oldest), next < oldest)
            }
        };
        Ok(Beginning { next, live_from, outdated })
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = shared.connections.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let shared = Arc::clone(&shared);
        tokio::spawn(connection.run_until_cancelled_owned(async move { serve(stream, &shared).await }));
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> Result<(), tungstenite::Error> {
    stream.set_nodelay(true)?;
    let mut accepted = None;
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        shared.requests.send_modify(|requests| requests.push(request.uri().to_string()));
        let state = shared.state.borrow();
        let asked = Subscription::parse(request.uri().query().unwrap_or_default(), state.behaviour);
        let outcome = if request.uri().path() == PATH { asked } else { Err((StatusCode::NOT_FOUND, "MethodNotImplemented", String::new())) };
        match outcome.and_then(|subscription| state.begin(subscription.cursor).map(|beginning| (subscription, beginning))) {
            Ok(begun) => {
                let offered = request.headers().get("sec-websocket-protocol").is_some_and(|offer| offer == SUBPROTOCOL);
                if offered && !state.behaviour.ignores_subprotocol {
                    response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
                    shared.agreed.fetch_add(1, Ordering::Relaxed);
                }
                accepted = Some(begun);
                Ok(response)
            }
            Err((status, error, message)) => {
                let body = json!({ "error": error, "message": message }).to_string();
                let mut refused = ErrorResponse::new((!state.behaviour.speechless).then_some(body));
                *refused.status_mut() = status;
                Err(refused)
            }
        }
    };
    let socket = accept_hdr_async(stream, answer).await?;
    let Some((subscription, beginning)) = accepted else { return Ok(()) };
    let compressor = subscription.compressed.then(|| Compressor::with_dictionary(1, DICTIONARY)).transpose()?;
    let state = shared.state.subscribe();
    Stream { socket, compressor, subscription, beginning, state }.run(shared).await
}

struct Stream {
    socket: WebSocketStream<TcpStream>,
    compressor: Option<Compressor<'static>>,
    subscription: Subscription,
    beginning: Beginning,
    state: watch::Receiver<State>,
}

impl Stream {
    async fn run(mut self, shared: &Shared) -> Result<(), tungstenite::Error> {
        if self.beginning.outdated {
            let info = json!({ "$type": format!("{TYPE}info"), "message": "starting at the floor", "name": "OutdatedCursor" });
            self.send(&json!({ "$type": "message", "payload": info }).to_string()).await?;
        }
        let mut next = self.beginning.next;
        loop {
            let items: Vec<_> = self.state.borrow_and_update().items.iter().skip(next).cloned().collect();
            for item in &items {
                let live = next >= self.beginning.live_from;
                next += 1;
                match &**item {
                    Item::Event(event) if self.subscription.wants(event) => {
                        let frame = event.frame();
                        if self.subscription.max_bytes == 0 || frame.len() <= self.subscription.max_bytes {
                            self.send(&frame).await?;
                        }
                    }
                    Item::Text(text) if live => self.send(text).await?,
                    Item::Bytes(bytes) if live => self.socket.send(Message::binary(bytes.clone())).await?,
                    Item::Error(error) if live => {
                        self.send(error).await?;
                        return self.socket.close(None).await;
                    }
                    _ => {}
                }
            }
            tokio::select! {
                changed = self.state.changed() => if changed.is_err() { return Ok(()) },
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                        shared.intrusions.fetch_add(1, Ordering::Relaxed);
                        return self.socket.close(Some(CloseFrame { code: CloseCode::Policy, reason: "no data, please".into() })).await;
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                }
            }
        }
    }

    async fn send(&mut self, frame: &str) -> Result<(), tungstenite::Error> {
        let message = match &mut self.compressor {
            Some(compressor) => Message::binary(compressor.compress(frame.as_bytes()).map_err(io::Error::other)?),
            None => Message::text(frame),
        };
        self.socket.send(message).await
    }
}
