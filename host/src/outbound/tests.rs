//! The client against real servers on loopback, most of them bad.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use url::Url;

use super::connector::{Authorities, authorities};
use super::*;

const LIMITS: Limits = Limits { deadline: Duration::from_secs(20), body: 1_000 };

/// For what never comes.
const SOON: Limits = Limits { deadline: Duration::from_millis(100), body: 1_000 };

/// What a server does with a request.
#[derive(Clone)]
enum Answer {
    Bytes(&'static str),
    /// The head, then this again and again until the peer goes away.
    Endless(&'static str, &'static str),
    /// The head, then nothing for ever.
    Silence(&'static str),
    /// An empty answer, once there is a permit.
    After(Arc<Semaphore>),
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let server = Self { address, connections: Arc::clone(&connections), requests: Arc::clone(&requests) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, answer.clone(), Arc::clone(&requests)));
            }
        });
        server
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().expect("a URL")
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no test panics with it").clone()
    }
}

async fn converse(mut stream: TcpStream, answer: Answer, requests: Arc<Mutex<Vec<String>>>) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        requests.lock().expect("no test panics with it").push(String::from_utf8_lossy(&head).into_owned());
        match &answer {
            Answer::Bytes(bytes) => stream.write_all(bytes.as_bytes()).await.ok()?,
            Answer::Endless(head, piece) => {
                stream.write_all(head.as_bytes()).await.ok()?;
                loop {
                    stream.write_all(piece.as_bytes()).await.ok()?;
                }
            }
            Answer::Silence(head) => {
                stream.write_all(head.as_bytes()).await.ok()?;
                stream.read_u8().await.ok()?;
            }
            Answer::After(permits) => {
                permits.acquire().await.ok()?.forget();
                stream.write_all(EMPTY.as_bytes()).await.ok()?;
            }
        }
    }
}

fn client() -> Client {
    Client::new(Policy::new(true))
}

#[tokio::test]
async fn an_answer_comes_back_whole() {
    let server = Server::start(Answer::Bytes(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/json; charset=utf-8\r\nX-Is: so\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
    ))
    .await;
    let answer = client().get(&server.url("/path?query#fragment"), LIMITS).await.expect("it answers");
    assert_eq!((answer.status(), answer.header("x-is"), &*answer.body), (404, Some("so"), br#"{"a":1}"#.as_slice()));
    assert!(answer.is_type("application/json") && !answer.is_type("application/jsonp"));
    assert_eq!(answer.json::<serde_json::Value>().expect("it is JSON")["a"], 1);
    assert!(matches!(answer.json::<Vec<u8>>(), Err(OutboundError::Json { .. })));
    assert!(matches!(answer.ok(), Err(OutboundError::Status { status: 404, .. })));
    let request = server.requests().remove(0);
    let host = format!("host: {}\r\n", server.address);
    for part in ["GET /path?query HTTP/1.1\r\n", "user-agent: atrarium/", "connection: close\r\n", "accept: */*\r\n", &host] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn a_post_carries_its_headers_and_body() {
    let server = Server::start(Answer::Bytes(EMPTY)).await;
    let request = Request::post_json(&server.url("/"), &[1]).header("authorization", "Bearer x");
    assert_eq!(client().send(request.clone(), LIMITS).await.map(|answer| answer.status()), Ok(200));
    let sent = server.requests().remove(0);
    for part in ["POST / HTTP/1.1\r\n", "content-type: application/json\r\n", "content-length: 3\r\n", "authorization: Bearer x\r\n"] {
        assert!(sent.contains(part), "{part} is not in {sent}");
    }
    assert!(!format!("{request:?}").contains("Bearer"), "a secret must not reach the log");
    let forged = Request::get(&server.url("/")).header("authorization", "x\r\nhost: y");
    assert!(matches!(client().send(forged, LIMITS).await, Err(OutboundError::Refused { .. })));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in ["301", "302", "303", "307", "308"] {
        let head: &'static str = format!("HTTP/1.1 {status} Go\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").leak();
        let server = Server::start(Answer::Bytes(head)).await;
        let answer = client().get(&server.url("/"), LIMITS).await.expect("a redirect is an answer");
        assert_eq!(answer.status().to_string(), status);
        assert!(answer.ok().is_err());
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn no_private_address_is_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let client = Client::new(Policy::new(false));
    let hosts =
        ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "127.1.2.3", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"];
    for host in hosts.iter().chain(&["10.0.0.1", "169.254.169.254", "[fd00::1]", "[fe80::1]"]) {
        let url: Url = format!("https://{host}:{port}/").parse().expect("a URL");
        let refused = client.get(&url, LIMITS).await.expect_err(host);
        assert!(matches!(refused, OutboundError::Address { .. }), "{host}: {refused}");
        let plain: Url = format!("http://{host}:{port}/").parse().expect("a URL");
        assert!(matches!(client.get(&plain, LIMITS).await, Err(OutboundError::Refused { .. })), "{host}");
    }
    assert!(listener.accept().now_or_never().is_none(), "nobody came");
}

#[tokio::test]
async fn only_urls_of_the_web_are_asked() {
    for url in ["ftp://example.com/", "file:///etc/passwd", "data:,x", "wss://example.com/", "https://me@example.com/", "https://:x@example.com/"] {
        let refused = client().get(&url.parse().expect("a URL"), LIMITS).await;
        assert!(matches!(refused, Err(OutboundError::Refused { .. })), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let check = async |answer: Answer, right: bool| {
        let server = Server::start(answer.clone()).await;
        let outcome = client().get(&server.url("/"), Limits { body: 10, ..LIMITS }).await;
        match right {
            true => assert_eq!(outcome.map(|answer| answer.body.len()), Ok(10)),
            false => assert!(matches!(outcome, Err(OutboundError::TooLarge { limit: 10, .. })), "{outcome:?}"),
        }
    };
    check(Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"), true).await;
    check(Answer::Bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), true).await;
    check(Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n0123456789a"), false).await;
    check(Answer::Silence("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n"), false).await;
    check(Answer::Endless("HTTP/1.1 200 OK\r\n\r\n", "0123"), false).await;
    check(Answer::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\n0123\r\n"), false).await;
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_left() {
    for head in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n0"] {
        let server = Server::start(Answer::Silence(head)).await;
        let outcome = client().get(&server.url("/"), SOON).await;
        assert!(matches!(outcome, Err(OutboundError::Timeout { .. })), "{head}: {outcome:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    let check = async |answer: Answer| {
        let server = Server::start(answer).await;
        let outcome = client().get(&server.url("/"), LIMITS).await;
        assert!(matches!(outcome, Err(OutboundError::Broken { .. })), "{outcome:?}");
    };
    check(Answer::Bytes("SSH-2.0-OpenSSH_9.9\r\n\r\n")).await;
    check(Answer::Endless("HTTP/1.1 200 OK\r\n", "x-a: b\r\n")).await;
    check(Answer::Endless("HTTP/1.1 200 OK\r\nx-a: ", "bbbbbbbbbbbbbbbb")).await;
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_told_by_what_failed() {
    let server = Server::start(Answer::Bytes("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n\r\n\r\n")).await;
    let (nobody, gone) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        (listener.local_addr().expect("a bound socket has an address"), listener)
    };
    drop(gone);
    let refused = client().get(&format!("http://{nobody}/").parse().expect("a URL"), LIMITS).await;
    assert!(matches!(&refused, Err(OutboundError::Connect { host, .. }) if *host == nobody.ip().to_string()), "{refused:?}");
    let unknown = client().get(&"https://nowhere.invalid/".parse().expect("a URL"), LIMITS).await;
    assert!(matches!(unknown, Err(OutboundError::Lookup { .. })), "{unknown:?}");
    // It never sees the end of a request's head, and waits until our patience ends, in which the connector has a third.
    let brief = Client::new(Policy { connect: Duration::from_millis(100), ..Policy::new(true) });
    let plain = brief.get(&format!("https://{}/", server.address).parse().expect("a URL"), LIMITS).await;
    assert!(matches!(plain, Err(OutboundError::Tls { .. })), "{plain:?}");
    assert_eq!(server.requests(), [""; 0], "nothing was said without TLS");
}

#[tokio::test]
async fn a_connection_is_left_open_only_where_it_was_asked_for() {
    let server = Server::start(Answer::Bytes(EMPTY)).await;
    let client = client();
    for expected in [1, 1, 1] {
        client.send(Request::get(&server.url("/")).keep_alive(), LIMITS).await.expect("it answers");
        assert_eq!(server.connections(), expected);
    }
    for expected in [2, 3] {
        client.get(&server.url("/"), LIMITS).await.expect("it answers");
        assert_eq!(server.connections(), expected);
    }
}

#[tokio::test]
async fn one_host_is_asked_a_few_times_at_once() {
    let permits = Arc::new(Semaphore::new(0));
    let (slow, quick) = (Server::start(Answer::After(Arc::clone(&permits))).await, Server::start(Answer::Bytes(EMPTY)).await);
    let client = Client::new(Policy { requests: 4, requests_per_host: 2, ..Policy::new(true) });
    let (send, mut ended) = (0..5).map(|_| oneshot::channel()).unzip::<_, _, Vec<_>, Vec<_>>();
    for tell in send {
        let (client, url) = (client.clone(), slow.url("/"));
        tokio::spawn(async move { tell.send(client.get(&url, LIMITS).await.is_ok()) });
    }
    // Another host isn't kept waiting, and by the time that it has answered ten times, more than two would have connected.
    for _ in 0..10 {
        client.get(&quick.url("/"), LIMITS).await.expect("it answers");
    }
    assert!(slow.connections() <= 2, "{}", slow.connections());
    permits.add_permits(5);
    for ended in ended.drain(..) {
        assert_eq!(ended.await, Ok(true), "who waited has its turn");
    }
    assert_eq!(slow.connections(), 5);
}

/// A server of TLS with nothing to say.
async fn start_with_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    serve_with_tls(listener, EMPTY.to_owned());
    address
}

/// Answers every connection once, with this, by TLS; the certificate is for `localhost`, by an authority of the tests' own.
pub(crate) fn serve_with_tls(listener: TcpListener, answer: String) {
    let certificate = CertificateDer::from(include_bytes!("../../data/tls/localhost.der").as_slice());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(include_bytes!("../../data/tls/localhost.key.der").as_slice()));
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                stream.read_u8().await.ok()?;
                stream.write_all(answer.as_bytes()).await.ok()?;
                stream.flush().await.ok()
            });
        }
    });
}

/// The authority that vouches for it.
fn authority() -> Authorities {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(include_bytes!("../../data/tls/authority.der").as_slice())).expect("an authority's certificate");
    Arc::new(roots)
}

/// A client that trusts the certificate, which is good until the end of October 2126.
pub(crate) fn trusting() -> Client {
    Client::trusting(authority(), Policy::new(true))
}

/// Where a server of TLS answers, and a client that trusts it.
pub(crate) async fn with_tls() -> (Url, Client) {
    let port = start_with_tls().await.port();
    (format!("https://localhost:{port}/").parse().expect("a URL"), trusting())
}

#[tokio::test]
async fn a_server_must_prove_its_name() {
    let port = start_with_tls().await.port();
    let ask = async |host: &str, authorities: Authorities, outlasting: Duration| {
        let client = Client::trusting(authorities, Policy { outlasting, ..Policy::new(true) });
        client.get(&format!("https://{host}:{port}/").parse().expect("a URL"), LIMITS).await.map(|answer| answer.status())
    };
    let now = Duration::ZERO;
    assert_eq!(ask("localhost", authority(), now).await, Ok(200));
    for (host, authorities) in [("127.0.0.1", authority()), ("localhost", authorities())] {
        let outcome = ask(host, authorities, now).await;
        assert!(matches!(outcome, Err(OutboundError::Tls { .. })), "{host}: {outcome:?}");
    }
    // The certificate is good until the end of October 2126.
    let years = |years: u64| Duration::from_secs(years * 366 * 24 * 60 * 60);
    assert_eq!(ask("localhost", authority(), years(90)).await, Ok(200));
    let over = ask("localhost", authority(), years(101)).await;
    assert!(matches!(over, Err(OutboundError::Expired { .. })), "{over:?}");
}
