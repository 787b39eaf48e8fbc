//! What the API's routes share, through real sockets. Time is tokio's and stands still unless nothing else is to be done, so minutes take none.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::Event;
use axum::routing::{get, post};
use futures_util::stream;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::events::{KEEP_ALIVE, kept_alive};
use super::input::{BODY_TIME, Body};
use super::upload::{Coming, QUIET, WHOLE};
use super::*;
use crate::http::patience;
use crate::http::payload::Payload;
use crate::http::reply::Reply;
use crate::http::server::{Routes, Terms, serve};

/// Routes alone, on the terms of the API.
struct Only(Router);

impl Routes for Only {
    fn route(&self, _path: &str) -> &'static str {
        "test"
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> Reply {
        let answer: Result<_, Infallible> = self.0.clone().oneshot(request.map(axum::body::Body::new)).await;
        answer.unwrap_or_else(|never| match never {}).map(Payload::Stream)
    }

    fn terms(&self, method: &Method, path: &str) -> Terms {
        terms(method, path)
    }
}

/// A connection to these routes, and a request on it.
async fn ask(routes: Router, request: &str) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(serve(listener, Only(dressed(routes, true)), 10, CancellationToken::new()));
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // Else a small piece waits for the system to acknowledge the one before, for 40 ms that no clock here counts.
    stream.set_nodelay(true).expect("a socket of TCP");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    stream
}

/// What comes within this time, or until the connection ends; and whether it has ended.
async fn heard(stream: &mut TcpStream, within: Duration) -> (String, bool) {
    let (mut heard, until) = (Vec::new(), Instant::now() + within);
    loop {
        match tokio::time::timeout_at(until, stream.read_buf(&mut heard)).await {
            Ok(Ok(read)) if read > 0 => {}
            outcome => return (String::from_utf8_lossy(&heard).into_owned(), outcome.is_ok()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_panics_answers_and_tells_nothing() {
    let breaks = async || -> &'static str { panic!("the password is hunter2") };
    let mut stream = ask(Router::new().route("/api/breaks", get(breaks)), "GET /api/breaks HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let (answer, ended) = heard(&mut stream, DEADLINE).await;
    assert!(ended && answer.starts_with("HTTP/1.1 500") && answer.contains("x-content-type-options: nosniff"), "{answer}");
    assert!(answer.contains(r#"{"error":"InternalError","message":""#) && !answer.contains("hunter2"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_waited_for_ten_seconds_and_a_large_one_is_not_read() {
    let takes = || Router::new().route("/api/takes", post(async |Body(_): Body<serde_json::Value>| "taken"));
    let head = "POST /api/takes HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let check = async |request: &str, status: u16, words: &str, least: Duration, most: Duration| {
        let began = Instant::now();
        let mut stream = ask(takes(), &format!("{head}{request}")).await;
        let (answer, ended) = heard(&mut stream, patience::ANSWER).await;
        assert!(ended && answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(words), "{request}: {answer}");
        assert!((least..=most).contains(&began.elapsed()), "{request}: {:?}", began.elapsed());
    };
    let (at_once, soon) = (Duration::ZERO, Duration::from_secs(2));
    check("content-length: 2\r\n\r\n{}", 200, "taken", at_once, soon).await;
    check("content-length: 9\r\n\r\n{\"name\"", 400, "within 10 seconds", BODY_TIME, BODY_TIME + soon).await;
    check("transfer-encoding: chunked\r\n\r\n2\r\n{\"\r\n", 400, "within 10 seconds", BODY_TIME, BODY_TIME + soon).await;
    check("content-length: 1000000\r\n\r\n", 413, "TooLarge", at_once, soon).await;
    let large = "x".repeat(70_000);
    check(&format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n", large.len()), 413, "TooLarge", at_once, soon).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_kept_while_nothing_happens_and_let_go_of_soon_after_its_reader_has_gone() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let follow = async move || {
        let held = Arc::clone(&held);
        kept_alive(stream::unfold(held, |held| async move {
            std::future::pending::<()>().await;
            Some((Ok::<_, Infallible>(Event::default()), held))
        }))
    };
    let mut reader = ask(Router::new().route("/api/follow", get(follow)), "GET /api/follow HTTP/1.1\r\n\r\n").await;
    assert!(KEEP_ALIVE < patience::STALLED, "a stream would be cut off where others find no room");
    let (told, ended) = heard(&mut reader, patience::IDLE * 4).await;
    let comments = told.matches(":\n\n").count() as u32;
    assert!(!ended && comments >= (patience::IDLE * 4).as_secs() as u32 / KEEP_ALIVE.as_secs() as u32 - 1, "{comments} comments: {told}");
    let holders = Arc::strong_count(&alive);
    drop(reader);
    // A peer may have ended its side alone, so that it has gone is seen when something can't be sent.
    let gone = async {
        while Arc::strong_count(&alive) >= holders {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    assert!(timeout(KEEP_ALIVE * 3, gone).await.is_ok(), "somebody who has gone holds a place");
}

/// A body for which a POST of an upload waits, on a connection that is kept open.
async fn upload(head: &str, mut pieces: impl FnMut() -> Option<(Duration, &'static str)> + Send + 'static) -> (String, Duration) {
    let takes = post(async |request: Request| -> Result<String, ApiError> {
        let (mut body, mut size) = (request.into_body(), 0);
        let mut coming = Coming::new(&mut body);
        while let Some(bytes) = coming.next().await? {
            size += bytes.len();
        }
        Ok(format!("{size} bytes"))
    });
    let routes = Router::new().route("/api/communities/{id}/feed-mix/versions", takes);
    let began = Instant::now();
    let stream = ask(routes, &format!("POST /api/communities/main/feed-mix/versions HTTP/1.1\r\nconnection: close\r\n{head}\r\n\r\n")).await;
    let (mut answer, mut sending) = stream.into_split();
    let sent = tokio::spawn(async move {
        while let Some((pause, piece)) = pieces() {
            tokio::time::sleep(pause).await;
            if sending.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
        }
        // Not the end of our side, which would end the body.
        std::future::pending::<()>().await;
    });
    let mut heard = Vec::new();
    drop(timeout(patience::UPLOAD * 2, answer.read_to_end(&mut heard)).await.expect("it ends"));
    sent.abort();
    (String::from_utf8_lossy(&heard).into_owned(), began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_take_minutes_but_neither_fall_silent_nor_trickle_for_ever() {
    let (a_while, soon) = (QUIET - Duration::from_secs(5), Duration::from_secs(2));
    let trickle = |mut pieces: u32| {
        move || {
            pieces = pieces.checked_sub(1)?;
            Some((a_while, "x"))
        }
    };
    let (answer, took) = upload("content-length: 11", trickle(11)).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("11 bytes") && took >= a_while * 11, "{took:?} {answer}");
    let (answer, took) = upload("content-length: 11", trickle(3)).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("came for 30 seconds"), "{answer}");
    assert!((a_while * 3 + QUIET..a_while * 3 + QUIET + soon).contains(&took), "{took:?}");
    let (answer, took) = upload("content-length: 1000", trickle(1_000)).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("within 5 minutes") && (WHOLE..WHOLE + soon).contains(&took), "{took:?} {answer}");
}

/// What asks for the body is not the answer: curl waits for it before it sends more than a megabyte.
#[tokio::test(start_paused = true)]
async fn an_upload_that_asks_first_may_take_as_long() {
    let mut pieces = 7;
    let trickle = move || {
        pieces -= 1;
        (pieces >= 0).then_some((Duration::from_secs(20), "x"))
    };
    let (answer, took) = upload("expect: 100-continue\r\ncontent-length: 7", trickle).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n") && answer.ends_with("7 bytes"), "{took:?} {answer}");
}
