//! From the socket to the queue.

use std::sync::Arc;
use std::time::Instant;

use atrarium::feed::Request;
use atrarium::jetstream::{Health, KnownDids, Settings, Wire, passes, receive};
use atrarium_tests::jetstream_v2;
use std::sync::atomic::Ordering::Relaxed;
use tokio_util::sync::CancellationToken;

use crate::children::{CAPTURED, Process};
use crate::program::{Place, Program, Stopwatch};
use crate::table::Table;

/// The prefilter alone, on frames that lie ready.
pub(crate) fn prefilter(table: &mut Table) {
    let v1: Vec<String> = CAPTURED.lines().map(str::to_owned).collect();
    let v2: Vec<String> = v1.iter().zip(1..).map(|(event, seq)| jetstream_v2::frame(event, seq)).collect();
    table.rate("prefilter with its reading of the header, alone", prefiltered(Wire::V1, &v1), "events/s", None, Some(50e6));
    table.rate("  the same of Jetstream v2's frames", prefiltered(Wire::V2, &v2), "events/s", None, Some(50e6));
}

fn prefiltered(wire: Wire, frames: &[String]) -> f64 {
    const ROUNDS: usize = 30_000;
    let known = KnownDids::default();
    let began = Instant::now();
    let mut passed = 0;
    for _ in 0..ROUNDS {
        passed += frames.iter().filter(|frame| passes(wire, std::hint::black_box(frame.as_bytes()), &known)).count();
    }
    assert!(passed > 0, "identity events pass");
    (ROUNDS * frames.len()) as f64 / began.elapsed().as_secs_f64()
}

/// The receiver on the network's real mix of events, with zstd.
pub(crate) async fn real_mix(table: &mut Table) {
    const ROUNDS: usize = 20_000;
    let count = (ROUNDS * CAPTURED.lines().count()) as u64;
    let mut firehose = Process::start(&["traffic".to_owned(), ROUNDS.to_string()]);
    let endpoint = firehose.line();
    let (send, mut incoming) = tokio::sync::mpsc::channel(16);
    let (health, stop) = (Arc::new(Health::default()), CancellationToken::new());
    let settings = Settings::new(vec![endpoint.parse().expect("an endpoint of ours")]);
    let watch = Stopwatch::start();
    let receiver = tokio::spawn(receive(settings, None, KnownDids::default(), send, Arc::clone(&health), stop.clone()));
    let drain = tokio::spawn(async move { while incoming.recv().await.is_some() {} });
    while health.frames.load(Relaxed) < count {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (wall, processor) = (watch.wall(), watch.processor());
    stop.cancel();
    drop(receiver.await);
    drop(drain.await);
    table.rate("firehose, real mix, WebSocket + zstd, by our processor time", count as f64 / processor, "events/s", Some(600_000.0), Some(1_150_000.0));
    table.rate("firehose, real mix, WebSocket + zstd, by the clock", count as f64 / wall, "events/s", None, Some(1_150_000.0));
}

/// Posts of members, from the socket to the commit that makes them visible.
pub(crate) async fn matched(table: &mut Table) {
    const POSTS: u64 = 100_000;
    const COMMUNITIES: usize = 20;
    const FOUNDING: u64 = 20 * 11;
    let mut firehose = Process::start(&["posts", "20", "10", &POSTS.to_string()].map(str::to_owned));
    let endpoint = firehose.line();
    let program = Program::start(&endpoint, &[]).await;
    program.until(|app| app.health.passed.load(Relaxed) >= FOUNDING && app.queue.depth() == 0).await;
    program.until(|app| app.health.passed.load(Relaxed) > FOUNDING).await;
    let watch = Stopwatch::start();
    // The newest post is the last one sent. What can be seen has been committed; the depth says that nothing is left behind it.
    let last = POSTS as usize - 1;
    let uri = Place::community(last % COMMUNITIES);
    let owner = uri.trim_start_matches("at://").split('/').next().unwrap_or_default();
    let newest = Request { owner, rkey: "main", limit: 1, cursor: None, viewer: None };
    program
        .until(|app| {
            app.health.passed.load(Relaxed) >= FOUNDING + POSTS
                && app.queue.depth() == 0
                && app.feeds.skeleton(&newest).is_ok_and(|page| String::from_utf8_lossy(&page).contains(&format!("/p{last}\"")))
        })
        .await;
    let (wall, processor) = (watch.wall(), watch.processor());
    program.end().await;
    table.rate("matched posts, socket to durable and visible", POSTS as f64 / wall, "posts/s", Some(30_000.0), Some(370_000.0));
    table.cost("  processor time of ours for each", processor * 1e6 / POSTS as f64, "µs", None, None);
}
