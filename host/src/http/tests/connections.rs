//! Connections that are slow, endless, cut in pieces, too many, or there at the end; and a store that is stuck.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

use futures_util::stream;
use hyper::body::Incoming;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_refused_at_once() {
    let server = Server::public(Script).await;
    let check = async |head: &[u8], expected: &str| {
        let began = Instant::now();
        let mut stream = server.connect().await;
        stream.write_all(head).await.expect("what was sent so far is read");
        assert_eq!(status(&rest(&mut stream).await), expected);
        assert!(began.elapsed() <= patience::CLOSING, "{:?}", began.elapsed());
    };
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count)).into_bytes();
    check(&[b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 100_000]].concat(), "431").await;
    check(&[b"GET /".as_slice(), &vec![b'a'; 100_000]].concat(), "431").await;
    check(&vec![b'A'; 100_000], "431").await;
    check(&fields(65), "431").await;
    check(b"\x16\x03\x01 TLS", "400").await;
    check(b"GET / HTTP/1.1\r\na b: c\r\n\r\n", "400").await;
    check(b"GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400").await;
    assert_eq!(status(&server.exchange(&fields(64)).await), "200");
}

#[tokio::test(start_paused = true)]
async fn an_endless_head_is_cut_off() {
    let server = Server::public(Script).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("the server reads");
    let mut sent = 0;
    while stream.write_all(&[b'a'; 4096]).await.is_ok() {
        sent += 4096;
        assert!(sent < 64 * 1024 * 1024, "somebody reads this for ever");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_its_time_loses_its_connection() {
    let server = Server::public(Script).await;
    // Says nothing at all.
    let began = Instant::now();
    assert_eq!(rest(&mut server.connect().await).await, "");
    assert!(began.elapsed() >= patience::HEAD && began.elapsed() < patience::HEAD * 2, "{:?}", began.elapsed());
    // Sends a byte a second.
    let began = Instant::now();
    let mut stream = server.connect().await;
    while stream.write_all(b"G").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < patience::HEAD * 2, "a slow head is read for ever");
    }
    // Asks once, then nothing.
    let mut stream = server.connect().await;
    stream.write_all(b"GET /xrpc/_health HTTP/1.1\r\n\r\n").await.expect("the server reads");
    let began = Instant::now();
    assert_eq!(status(&rest(&mut stream).await), "200");
    assert!(began.elapsed() >= patience::IDLE && began.elapsed() < patience::IDLE * 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn requests_may_be_split_and_joined_anywhere() {
    let server = Server::public(Script).await;
    let request = b"GET /xrpc/_health HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut stream = server.connect().await;
    for byte in request.repeat(2) {
        stream.write_all(&[byte]).await.expect("the server reads");
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.expect("our side can be ended");
    assert_eq!(rest(&mut stream).await.matches("200 OK").count(), 2);
    assert_eq!(server.exchange(&request.repeat(1_000)).await.matches("200 OK").count(), 1_000);
    // A bad one doesn't spoil the next.
    let joined = [b"GET /nothing HTTP/1.1\r\n\r\n".as_slice(), request].concat();
    let answer = server.exchange(&joined).await;
    assert!(answer.contains("404 Not Found") && answer.contains("200 OK"), "{answer}");
    // What follows a body is not a request.
    let smuggled = [b"GET / HTTP/1.1\r\ncontent-length: 41\r\n\r\n".as_slice(), request].concat();
    assert_eq!(server.exchange(&smuggled).await.matches("HTTP/1.1 ").count(), 1);
    let old = server.exchange(b"GET /xrpc/_health HTTP/1.0\r\n\r\n").await;
    assert_eq!(body(&old), r#"{"version":"0.1.0"}"#);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_nothing_makes_room_for_who_comes() {
    let routes = public::Public::new(
        Script,
        auth(""),
        Service { did: String::new(), endpoint: String::new(), version: "0.1.0", pages_per_hour: 1_000 },
        None,
        Arc::default(),
    );
    let server = Server::start(|listener, stop| server::serve(listener, routes, 2, stop)).await;
    let request = b"GET /xrpc/_health HTTP/1.1\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(request).await.expect("the server reads");
        assert_eq!(status(&one(&mut stream).await), "200");
        open.push(stream);
    }
    // There is room for two, which may be idle for a minute.
    let began = Instant::now();
    assert!(timeout(patience::SPARE * 10, open[0].read_u8()).await.is_err(), "cut off though nobody waits");
    let mut third = server.connect().await;
    third.write_all(request).await.expect("the kernel takes it");
    assert_eq!(status(&one(&mut third).await), "200");
    assert!(began.elapsed() <= patience::SPARE * 12, "{:?}", began.elapsed());
    for mut idle in open {
        assert_eq!(rest(&mut idle).await, "");
    }
    // With one place free nobody has to go any more.
    assert!(timeout(patience::SPARE * 10, third.read_u8()).await.is_err(), "cut off though there is room");
}

/// How often a stream says something.
const NEWS: Duration = Duration::from_secs(15);

/// More than all sockets on the way hold.
const MUCH: usize = 64 << 20;

/// A stream that never ends, an answer that no socket holds, and a short one.
struct Talking;

impl server::Routes for Talking {
    fn route(&self, _path: &str) -> &'static str {
        "test"
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> reply::Reply {
        let news = stream::unfold((), |()| async {
            tokio::time::sleep(NEWS).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"news")), ()))
        });
        match request.uri().path() {
            "/live" => hyper::Response::new(payload::Payload::Stream(axum::body::Body::from_stream(news))),
            "/much" => reply::ok(reply::TEXT, reply::NO_STORE, vec![b'x'; MUCH].into()),
            _ => reply::ok(reply::TEXT, reply::NO_STORE, "short".into()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_something_keeps_their_place_while_idle_ones_have_to_go() {
    let server = Server::start(|listener, stop| server::serve(listener, Talking, 2, stop)).await;
    let mut live = server.connect().await;
    live.write_all(b"GET /live HTTP/1.1\r\n\r\n").await.expect("the server reads");
    assert_eq!(live.read_u8().await.ok(), Some(b'H'), "the stream begins");
    let (began, mut idle) = (Instant::now(), None::<TcpStream>);
    // Whoever comes finds no room but that of who came before.
    while began.elapsed() < patience::STALLED * 3 {
        let mut next = server.connect().await;
        next.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("the kernel takes it");
        assert_eq!(status(&one(&mut next).await), "200");
        if let Some(mut before) = idle.replace(next) {
            assert_eq!(rest(&mut before).await, "");
        }
    }
    let mut told = Vec::new();
    let listening = async { while live.read_buf(&mut told).await.is_ok_and(|read| read > 0) {} };
    assert!(timeout(NEWS * 2, listening).await.is_err(), "the stream was cut off");
    let told = String::from_utf8(told).expect("answers are text");
    assert!(told.matches("news").count() >= 4, "{told}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_what_they_asked_for_has_to_go_where_others_find_no_room() {
    let server = Server::start(|listener, stop| server::serve(listener, Talking, 1, stop)).await;
    let mut deaf = server.connect().await;
    deaf.write_all(b"GET /much HTTP/1.1\r\n\r\n").await.expect("the server reads");
    assert_eq!(deaf.read_u8().await.ok(), Some(b'H'), "the answer begins");
    let began = Instant::now();
    while status(&server.exchange(b"GET / HTTP/1.1\r\n\r\n").await) != "200" {
        assert!(began.elapsed() < patience::IDLE, "it stays");
    }
    assert!(began.elapsed() > patience::SPARE * 5 && began.elapsed() < patience::STALLED * 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_is_told_so_and_may_come_again() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.clone().lock_owned().await;
    let server = Server::start(|listener, stop| server::serve(listener, Patient(gate), 2, stop)).await;
    let request = b"GET / HTTP/1.1\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(request).await.expect("the server reads");
        open.push(stream);
    }
    let began = Instant::now();
    let refused = server.exchange(request).await;
    assert_eq!((status(&refused), header(&refused, "retry-after"), header(&refused, "connection")), ("503", Some("5"), Some("close")), "{refused}");
    assert!(began.elapsed() < server::DEADLINE, "{:?}", began.elapsed());
    drop(closed);
    for stream in &mut open {
        assert_eq!(status(&one(stream).await), "200", "who had room is answered");
    }
    assert_eq!(status(&server.exchange(request).await), "200");
}

#[tokio::test(start_paused = true)]
async fn feeds_are_refused_while_answers_would_come_too_late_and_what_takes_no_time_is_not() {
    let pressure = Arc::new(Pressure::default());
    let watch = || {
        let pressure = Arc::clone(&pressure);
        tokio::spawn(async move { pressure.watch().await })
    };
    // Whoever waits for a turn gets it two seconds late or later, again and again. Then nobody looks any more, and it stays so.
    let watching = watch();
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    watching.abort();
    let service = Service { did: String::new(), endpoint: String::new(), version: "0.1.0", pages_per_hour: 1_000 };
    let routes = public::Public::new(Script, auth(""), service, None, Arc::clone(&pressure));
    let server = Server::start(|listener, stop| server::serve(listener, routes, 2, stop)).await;
    let page = format!("{SKELETON}?feed=at://{DID}/app.bsky.feed.generator/one");
    for feeds in [page.as_str(), "/xrpc/app.bsky.feed.describeFeedGenerator"] {
        let refused = server.get(feeds).await;
        assert_eq!((status(&refused), header(&refused, "retry-after")), ("503", Some("5")), "{refused}");
        assert!(body(&refused).contains("\"ServiceUnavailable\""), "{refused}");
    }
    for cheap in ["/xrpc/_health", "/.well-known/did.json"] {
        let answer = server.get(cheap).await;
        assert_eq!(status(&answer), "200", "{answer}");
    }
    // From now on all turns come in time.
    watch();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = server.get(&page).await;
    assert_eq!(status(&answer), "200", "{answer}");
}

#[tokio::test(start_paused = true)]
async fn stopping_answers_what_was_asked_and_ends() {
    let server = Server::public(Script).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /xrpc/_health HTTP/1.1\r\n\r\n").await.expect("the server reads");
    assert_eq!(status(&one(&mut idle).await), "200");
    let mut halfway = server.connect().await;
    halfway.write_all(b"GET /xrpc/_hea").await.expect("the server reads");
    let began = Instant::now();
    server.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    server.ended.await.expect("serving doesn't panic");
    assert!(began.elapsed() <= server::DRAIN, "{:?}", began.elapsed());
    assert!(TcpStream::connect(server.address).await.is_err(), "still listening");
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_no_peer_that_keeps_its_side_open() {
    let server = Server::public(Script).await;
    let mut idle = Vec::new();
    for _ in 0..5 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /xrpc/_health HTTP/1.1\r\n\r\n").await.expect("the server reads");
        assert_eq!(status(&one(&mut stream).await), "200");
        idle.push(stream);
    }
    let began = Instant::now();
    server.stop.cancel();
    server.ended.await.expect("serving doesn't panic");
    assert!(began.elapsed() <= patience::CLOSING * 2, "{:?}", began.elapsed());
    drop(idle);
}

/// Answers when it is told to.
struct Patient(Arc<Mutex<()>>);

impl server::Routes for Patient {
    fn route(&self, _path: &str) -> &'static str {
        "test"
    }

    async fn answer(&self, _: hyper::Request<Incoming>) -> reply::Reply {
        let _told = self.0.lock().await;
        reply::ok(reply::TEXT, reply::NO_STORE, "at last".into())
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_under_way_is_finished_while_stopping_and_given_up_after_the_deadline() {
    for told in [true, false] {
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.clone().lock_owned().await;
        let server = Server::start(|listener, stop| server::serve(listener, Patient(gate), 2, stop)).await;
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("the server reads");
        let began = Instant::now();
        assert!(timeout(Duration::from_secs(1), stream.read_u8()).await.is_err(), "answered too early");
        server.stop.cancel();
        let closed = if told {
            drop(closed);
            None
        } else {
            Some(closed)
        };
        let answer = rest(&mut stream).await;
        assert_eq!(status(&answer), if told { "200" } else { "503" }, "{answer}");
        assert_eq!(header(&answer, "connection"), Some("close"));
        if !told {
            assert_eq!(header(&answer, "retry-after"), Some("5"));
            assert!(began.elapsed() >= server::DEADLINE && began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        }
        server.ended.await.expect("serving doesn't panic");
        drop(closed);
    }
}

/// Slow at its first page, stuck at the others until the test lets go.
#[derive(Clone)]
struct Stuck(Arc<(AtomicBool, std::sync::Mutex<Receiver<()>>)>);

impl FeedSource for Stuck {
    fn skeleton(&self, _: &Request<'_>) -> Result<Bytes, FeedError> {
        let (began, gate) = &*self.0;
        if began.swap(true, Ordering::Relaxed) {
            let gate = gate.lock().map_err(|error| FeedError::Unavailable(error.to_string()))?;
            gate.recv().map_err(|error| FeedError::Unavailable(error.to_string()))?;
        } else {
            std::thread::sleep(Duration::from_millis(20)); // this is what it is to be slow
        }
        Ok("{}".into())
    }

    fn minds_viewer(&self, _: &str, _: &str) -> bool {
        false
    }

    fn may_wait(&self, _owner: &str, _rkey: &str) -> bool {
        false
    }

    fn describe(&self) -> Result<Vec<String>, FeedError> {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_for_a_stuck_store_is_refused_before_the_deadline() {
    let (release, gate) = channel::<()>();
    let server = Server::public(Stuck(Arc::new((AtomicBool::new(false), std::sync::Mutex::new(gate))))).await;
    let request = format!("GET {SKELETON}?feed=at://{DID}/app.bsky.feed.generator/one HTTP/1.1\r\n\r\n");
    assert_eq!(status(&server.exchange(request.as_bytes()).await), "200");
    let mut stuck = Vec::new();
    for _ in 0..work::THREADS {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        stuck.push(stream);
    }
    // They have come to the store when what is asked after them has been answered.
    assert_eq!(status(&server.get("/xrpc/_health").await), "200");
    let mut one_too_many = server.connect().await;
    one_too_many.write_all(request.as_bytes()).await.expect("the server reads");
    assert_eq!(status(&server.get("/xrpc/_health").await), "200");
    // Paused time goes by itself only while no thread is busy, and now some are.
    tokio::time::advance(work::PATIENCE).await;
    let refused = one(&mut one_too_many).await;
    assert_eq!((status(&refused), header(&refused, "retry-after")), ("503", Some("5")), "{refused}");
    drop(release);
    for stream in &mut stuck {
        assert_eq!(status(&one(stream).await), "503", "the store has failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_store_holds_up_nobody_but_its_readers_and_late_answers_are_counted() {
    let metrics = crate::telemetry::install();
    let (release, gate) = channel();
    let server = Server::public(Stuck(Arc::new((AtomicBool::new(false), std::sync::Mutex::new(gate))))).await;
    let request = format!("GET {SKELETON}?feed=at://{DID}/app.bsky.feed.generator/one HTTP/1.1\r\n\r\n");
    assert_eq!(status(&server.exchange(request.as_bytes()).await), "200");
    let mut stuck = server.connect().await;
    stuck.write_all(request.as_bytes()).await.expect("the server reads");
    assert_eq!(status(&server.get("/xrpc/_health").await), "200");
    // Paused time goes by itself only while no thread is busy, and now one is.
    tokio::time::advance(server::DEADLINE).await;
    assert_eq!(status(&one(&mut stuck).await), "503");
    release.send(()).expect("the store is still waiting");
    let metrics = metrics.render();
    assert!(metrics.contains("\natrarium_skeleton_late_total 1\n"), "{metrics}");
    assert!(metrics.contains("\natrarium_skeleton_seconds_bucket"), "{metrics}");
}
