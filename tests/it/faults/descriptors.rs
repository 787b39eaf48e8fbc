//! Files that the program may have open at once. Where there are few, readers who stay make room before there are none; and where there are
//! none all the same, since the limit was lowered under it, those who come wait, those who are there are served, ingest goes on, and when
//! readers leave all is as it was.

use std::net::SocketAddr;
use std::time::Duration;

use atrarium_tests::http::{self, Kept};
use atrarium_tests::numbers::sum;
use atrarium_tests::world::posts_of;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Firehose, House, launch, within};

/// Files beyond those that are open when the limit comes.
const ROOM: usize = 10;

/// Readers who want to be served: many more than there is room for.
const CROWD: usize = 60;

/// As few files as a program has to be content with: fewer than readers come to it, and more than the least room for them takes.
const FEW: usize = 240;

/// Readers who come to a program with so few, and stay.
const STAYING: usize = 260;

const FAILURES: &str = "atrarium_http_accept_failures_total";

/// Somebody who asks, is answered if there is room, and stays.
async fn reader(address: SocketAddr, path: &str) -> TcpStream {
    let mut reader = TcpStream::connect(address).await.expect("the system lets them wait");
    reader.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.expect("the system keeps it");
    reader
}

/// Those of the crowd who have been answered, and those who wait.
fn parted(crowd: Vec<TcpStream>) -> (Vec<TcpStream>, Vec<TcpStream>) {
    crowd.into_iter().partition(|reader| reader.try_read(&mut [0; 1_000]).is_ok_and(|read| read > 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_few_files_may_be_open_readers_who_stay_make_room_before_there_are_none() {
    let mut house = House::before(Firehose::v1().await, &[]).await;
    house.shows_all().await;
    house.process.terminate();
    assert!(house.process.ended().await.success(), "{}", house.process.log());
    house.process = launch(&house.directory, &house.wire.to(&house.firehose.endpoint()));
    // It looks when it begins to listen, and compiles its components before that.
    house.process.may_open(FEW);
    assert!(house.process.ready().await, "{}", house.process.log());
    house.process.says(&["there is room for fewer connections"], 1).await;
    house.shows_all().await;

    // Readers, and the operator's tools.
    for (address, path) in [(house.process.address, "/xrpc/_health"), (house.process.admin, "/live")] {
        let mut crowd = Vec::new();
        for _ in 0..STAYING {
            crowd.push(reader(address, path).await);
        }
        for reader in &mut crowd {
            let mut answer = [0; 12];
            within("whoever comes is answered", reader.read_exact(&mut answer)).await.expect("an answer comes");
            assert_eq!(&answer, b"HTTP/1.1 200");
        }
        // And so are those who come while all the places are taken.
        assert_eq!(house.feed().await, house.posts);
        assert_eq!(house.number(FAILURES).await, 0.0);
        house.publish(5);
        house.shows_all().await;
        drop(crowd);
    }
    house.process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_out_of_files_serves_who_is_there_and_everybody_once_readers_leave() {
    let mut house = House::before(Firehose::v1().await, &[]).await;
    house.shows_all().await;
    let (mut operator, mut regular) = (Kept::new(house.process.admin), Kept::new(house.process.address));
    let page = house.page();
    let of = async |operator: &mut Kept, series: &str| sum(&operator.get("/metrics").await.expect("it is kept").body, series);
    assert_eq!(regular.get(&page).await.expect("it answers").status, 200);
    let open = of(&mut operator, "process_open_fds").await as usize;
    house.process.may_open(open + ROOM);
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(reader(house.process.address, "/xrpc/_health").await);
    }
    within("there are no more files", async {
        while of(&mut operator, FAILURES).await < 2.0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    house.process.says(&["connections can't be accepted", "Too many open files"], 1).await;
    let (there, waiting) = parted(crowd);
    assert!(!there.is_empty() && waiting.len() > CROWD / 2, "{} there, {} wait", there.len(), waiting.len());

    // Who is there is served, and what is published meanwhile as well.
    house.publish(5);
    within("what was published is shown", async {
        while posts_of(&regular.get(&page).await.expect("it is kept").json()) != house.posts {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(operator.get("/live").await.expect("it is kept").status, 200);

    // The firehose's connection is lost, and whoever waits is quicker to take its place.
    let shown = house.posts.clone();
    house.firehose.disconnect_all();
    house.process.says(&["no connection to Jetstream", "Too many open files"], 1).await;
    house.publish(5);
    let ready = operator.get("/ready").await.expect("it is kept");
    assert!(ready.status == 503 && ready.body.contains("not connected to a Jetstream server"), "{ready:?}");
    assert_eq!(posts_of(&regular.get(&page).await.expect("it is kept").json()), shown);

    // Who leaves makes room for who waits.
    drop(there);
    let mut served = waiting.into_iter();
    for mut reader in served.by_ref().take(2) {
        within("who has waited is answered", reader.read_exact(&mut [0; 15])).await.expect("an answer comes");
    }
    drop(served);
    house.shows_all().await;
    assert_eq!(house.ready().await.status, 200);
    house.counts("process_open_fds", |files| files <= (open + 2) as f64).await;
    let failures = house.number(FAILURES).await;
    for _ in 0..CROWD {
        assert_eq!(http::get(house.process.address, &page).await.expect("there is room").status, 200);
    }
    assert_eq!(house.number(FAILURES).await, failures);
    house.did_all_once().await;

    // The database has had no part in it.
    house.process.terminate();
    assert!(house.process.ended().await.success(), "{}", house.process.log());
    house.process = launch(&house.directory, &house.wire.to(&house.firehose.endpoint()));
    assert!(house.process.ready().await, "{}", house.process.log());
    house.shows_all().await;
    house.process.kill().await;
}
