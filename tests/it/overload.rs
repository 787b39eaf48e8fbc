//! More is asked than can be answered: who is refused, who isn't, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use atrarium_tests::network::did;
use atrarium_tests::numbers::sum;
use atrarium_tests::process::{Launch, Process};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::feed_of;
use atrarium_tests::{World, http};

use crate::faults::within;

/// What the dashboard asks first of all, and nobody is refused for asking often.
const API: &str = "/api/auth/start";

/// People who ask the dashboard at the same time, again and again: for each thread that answers, a second's work.
fn crowd() -> usize {
    40 * std::thread::available_parallelism().map_or(1, usize::from)
}

async fn program(world: &World, failpoints: Option<&str>) -> Process {
    let directory = world.directory.with_file_name("alone");
    let mut process = Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints, flags: &[], port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    process
}

/// Waits for a good answer.
async fn answers(address: SocketAddr, path: &str) {
    while http::get(address, path).await.expect("it answers").status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_are_answered_while_the_dashboard_is_asked_for_more_than_there_is_time_for() {
    let mut world = World::new().await;
    let process = program(&world, Some("api-answer=sleep(25)")).await;
    let community = world.open(&did("ann"), "anns", TAG);
    let page = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}", feed_of(&community));
    within("there is a feed", answers(process.address, &page)).await;
    assert_eq!(http::get(process.address, API).await.expect("it answers").status, 200);

    let (over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let address = process.address;
    let many = crowd();
    let crowd: Vec<_> = (0..many)
        .map(|_| {
            let (over, refused) = (Arc::clone(&over), Arc::clone(&refused));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let answer = http::get(address, API).await.expect("whoever asks is answered");
                    if answer.status == 503 {
                        assert_eq!((answer.error().as_str(), answer.header("retry-after")), ("ServiceUnavailable", Some("5")), "{answer:?}");
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    // Readers of feeds ask all the while, and none is refused.
    within("as many are refused as ask", async {
        let mut read = 0;
        while refused.load(Ordering::Relaxed) < many || read < 20 {
            let answer = http::get(address, &page).await.expect("it answers");
            assert_eq!(answer.status, 200, "{answer:?}");
            read += 1;
        }
    })
    .await;
    over.store(true, Ordering::Relaxed);
    for one in crowd {
        one.await.expect("nobody in the crowd was let down");
    }
    let metrics = http::get(process.admin, "/metrics").await.expect("the operator is answered").body;
    let shed = |what: &str| sum(&metrics, &format!("atrarium_http_shed_total{{what=\"{what}\"}}"));
    assert!(shed("api") >= refused.load(Ordering::Relaxed) as f64, "{metrics}");
    assert_eq!((shed("feed"), shed("reading"), shed("connection")), (0.0, 0.0, 0.0), "{metrics}");
    // And when it is over, all is as it was.
    within("the dashboard is answered again", answers(address, API)).await;
    process.kill().await;
    world.stop().await;
}

/// A feed waits for pieces of work that have begun at most: where there is but one thread, or where it was the next of the very thread that works.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_waits_for_none_of_those_who_stand_in_a_row_for_the_dashboard() {
    let mut world = World::new().await;
    // What one of them takes is longer than others wait for their turn, and than a busy machine takes to bring them there.
    let process = program(&world, Some("api-answer=sleep(5000)")).await;
    let community = world.open(&did("ann"), "anns", TAG);
    let page = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}", feed_of(&community));
    within("there is a feed", answers(process.address, &page)).await;

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let served = Arc::new(AtomicUsize::new(0));
    let address = process.address;
    let row: Vec<_> = (0..3 * threads)
        .map(|_| {
            let served = Arc::clone(&served);
            tokio::spawn(async move {
                let answer = http::get(address, API).await.expect("whoever asks is answered");
                served.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
                answer.status
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let answer = http::get(address, &page).await.expect("it answers");
    assert_eq!(answer.status, 200, "{answer:?}");
    let (before, worked_for) = (served.load(Ordering::Relaxed), (threads / 2).max(1));
    assert!(before <= worked_for, "{before} were answered before the feed");
    let mut statuses = Vec::new();
    for one in row {
        statuses.push(one.await.expect("nobody in the row was let down"));
    }
    // Half of the threads are theirs, and the rest heard in time that there is none for them. A single thread can't tell them meanwhile.
    statuses.sort_unstable();
    assert!(threads == 1 || statuses == [vec![200; worked_for], vec![503; 3 * threads - worked_for]].concat(), "{statuses:?}");
    process.kill().await;
    world.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn ingest_gives_way_to_who_answers() {
    let mut world = World::new().await;
    let process = program(&world, None).await;
    let answering = process.niceness("tokio-rt-worker");
    for name in ["writer", "ingest", "committer"] {
        let niceness = process.niceness(name);
        assert!(niceness > answering, "{name} has {niceness}, and who answers {answering}");
    }
    process.kill().await;
    world.stop().await;
}
