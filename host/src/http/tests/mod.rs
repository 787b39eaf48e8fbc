//! The listeners through real sockets: what is asked, byte for byte, and what comes back.
//!
//! Time is tokio's and stands still unless nothing else is to be done, so a wait of 75 seconds takes none.

mod connections;
mod requests;

use std::time::Duration;

use hyper::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::feed::{FeedError, Request};
use crate::identity::{Resolver, Settings};
use crate::outbound::{Client, Policy};

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const SKELETON: &str = "/xrpc/app.bsky.feed.getFeedSkeleton";

/// Feeds by their record key: what each does is its name.
#[derive(Clone)]
struct Script;

impl FeedSource for Script {
    /// Echoes what it was asked.
    fn skeleton(&self, request: &Request<'_>) -> Result<Bytes, FeedError> {
        match request.rkey {
            "unknown" => Err(FeedError::UnknownFeed),
            "broken" => Err(FeedError::Unavailable("the disk is on fire".to_owned())),
            _ if request.cursor == Some("forged") => Err(FeedError::BadCursor("the cursor is forged".to_owned())),
            rkey => {
                let echo = format!("{}|{rkey}|{}|{:?}|{:?}", request.owner, request.limit, request.cursor, request.viewer);
                Ok(format!("{{\"feed\":[],\"echo\":{echo:?}}}").into())
            }
        }
    }

    fn minds_viewer(&self, _: &str, _: &str) -> bool {
        false
    }

    fn may_wait(&self, _owner: &str, _rkey: &str) -> bool {
        false
    }

    fn describe(&self) -> Result<Vec<String>, FeedError> {
        Ok(vec![format!("at://{DID}/app.bsky.feed.generator/one"), format!("at://{DID}/app.bsky.feed.generator/two")])
    }
}

/// No test here has a token that gets as far as a question to anybody.
fn auth(did: &str) -> ServiceAuth {
    let settings = Settings { plc: "https://plc.invalid".parse().expect("a URL"), handle_resolver: None };
    let clock = Clock::standing_at(1_795_176_000_000);
    ServiceAuth::new(Resolver::new(Client::new(Policy::new(false)), settings, clock.clone()), clock, did.to_owned())
}

struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start<F: Future<Output = ()> + Send + 'static>(serve: impl FnOnce(TcpListener, CancellationToken) -> F) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let stop = CancellationToken::new();
        let ended = tokio::spawn(serve(listener, stop.clone()));
        Self { address, stop, ended }
    }

    async fn public(feeds: impl FeedSource) -> Self {
        let service =
            Service { did: "did:web:feeds.example.org".to_owned(), endpoint: "https://feeds.example.org".to_owned(), version: "0.1.0", pages_per_hour: 1_000 };
        let auth = auth(&service.did);
        Self::start(|listener, stop| serve_public(listener, feeds, auth, service, None, stop)).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    /// What comes back for these bytes until the connection ends, which it must within two minutes.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.expect("the server reads");
        stream.shutdown().await.expect("our side can be ended");
        rest(&mut stream).await
    }

    async fn get(&self, target: &str) -> String {
        self.exchange(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await
    }
}

/// Everything until the end of the connection; a reset ends it as well.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    drop(timeout(Duration::from_secs(120), stream.read_to_end(&mut answer)).await.expect("the connection ends"));
    String::from_utf8(answer).expect("answers are text")
}

/// One answer, of a connection that stays open.
async fn one(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    loop {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.expect("the server answers");
        answer += std::str::from_utf8(&bytes[..read]).expect("answers are text");
        let length = header(&answer, "content-length").and_then(|length| length.parse().ok());
        if read == 0 || answer.split_once("\r\n\r\n").is_some_and(|(_, body)| Some(body.len()) == length) {
            return answer;
        }
    }
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}
