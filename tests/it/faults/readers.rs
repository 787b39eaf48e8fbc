//! Readers whose connections break in the middle of a request or of an answer, and readers who never read what they asked for: others are
//! served meanwhile, and nothing of any of them is left.

use std::time::{Duration, Instant};

use atrarium_tests::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Firehose, House, within};

const CONNECTIONS: &str = "atrarium_http_connections";

/// The connection by which the number is asked for is one of them.
const ASKING: f64 = 1.0;

/// Readers of each kind.
const READERS: usize = 20;

/// Those who ask for so many pages and read none of them: more than the sockets on the way hold.
const DEAF: usize = 4;
const PAGES: usize = 20_000;

/// Far below the AppView's patience; others are on this machine too.
const SOON: Duration = Duration::from_secs(4);

async fn house() -> House {
    let mut house = House::before(Firehose::v1().await, &[]).await;
    house.publish(80);
    house.shows_all().await;
    house
}

/// Somebody else asks, and is answered soon.
async fn others_are_served(house: &House) {
    let began = Instant::now();
    assert_eq!(house.feed().await, house.posts);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// Connections that have sent this, and were heard.
async fn readers(house: &House, request: &str) -> Vec<TcpStream> {
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = TcpStream::connect(house.process.address).await.expect("the program listens");
        reader.write_all(request.as_bytes()).await.expect("the program reads");
        readers.push(reader);
    }
    house.counts(CONNECTIONS, |connections| connections == ASKING + READERS as f64).await;
    readers
}

fn reset(readers: Vec<TcpStream>) {
    for reader in readers {
        reader.set_zero_linger().expect("a socket may be closed without a word");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_go_in_the_middle_of_a_request_or_an_answer_leave_nothing_behind() {
    let house = house().await;
    let page = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", house.page());

    let halfway = readers(&house, &page[..page.len() / 2]).await;
    others_are_served(&house).await;
    reset(halfway);
    house.counts(CONNECTIONS, |connections| connections == ASKING).await;

    let mut answered = readers(&house, &page.repeat(300)).await;
    for reader in &mut answered {
        within("the answer begins", reader.read_exact(&mut [0; 100])).await.expect("it isn't cut off");
    }
    others_are_served(&house).await;
    reset(answered);
    house.counts(CONNECTIONS, |connections| connections == ASKING).await;
    assert!(house.number("atrarium_http_connection_errors_total").await >= READERS as f64, "each is counted: {}", house.numbers().await);
    others_are_served(&house).await;
    house.process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_readers_do_not_read_is_not_made_and_keeps_nobody_waiting() {
    let house = house().await;
    let memory = house.number("process_resident_memory_bytes").await;
    let page = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", house.page());
    let answer = http::get(house.process.address, &house.page()).await.expect("the program answers");
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        let stream = TcpStream::connect(house.process.address).await.expect("the program listens");
        let (reading, mut writing) = stream.into_split();
        // Nobody reads these requests to their end, so who sends them waits.
        let requests = page.repeat(PAGES);
        let asking = tokio::spawn(async move { writing.write_all(requests.as_bytes()).await });
        deaf.push((reading, asking));
    }
    house.counts(CONNECTIONS, |connections| connections == ASKING + DEAF as f64).await;
    // Until nothing more is answered to them.
    let requests = "atrarium_http_requests_total{route=\"skeleton\",status=\"200\"}";
    let (mut answered, mut since) = (0.0, Instant::now());
    while since.elapsed() < Duration::from_millis(500) {
        let now = house.number(requests).await;
        if now > answered {
            (answered, since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let most = (DEAF * PAGES) as f64;
    others_are_served(&house).await;
    let heaped = house.number("process_resident_memory_bytes").await - memory;
    assert!(answered < most, "all {most} were answered: the test must ask for more");
    let unread = answer.body.len() as f64 * most;
    assert!(heaped < unread / 20.0, "{heaped} bytes more are held, of {unread} that nobody reads");

    for (reading, asking) in deaf {
        asking.abort();
        drop(reading);
    }
    house.counts(CONNECTIONS, |connections| connections == ASKING).await;
    others_are_served(&house).await;
    house.process.kill().await;
}

/// The peer is gone, and no FIN has told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_falls_silent_within_a_request_loses_the_connection_and_nobody_else_does() {
    let house = house().await;
    let silent = readers(&house, "GET /xrpc/app.bsky").await;
    others_are_served(&house).await;
    house.counts(CONNECTIONS, |connections| connections == ASKING).await;
    assert_eq!(house.number("atrarium_http_timeouts_total{phase=\"head\"}").await, READERS as f64);
    others_are_served(&house).await;
    drop(silent);
    house.process.kill().await;
}
