//! From the socket to the reader, and the readers themselves.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium::community::Loads;
use atrarium::config::Live;
use atrarium::demo::server::Server;
use atrarium::feed::{Feeds, Request};
use atrarium::sandbox::{Components, Current, Linked, Sandbox};
use tokio::net::TcpListener;

use crate::children::Process;
use crate::program::{Place, Program, quantile};
use crate::table::Table;

const COMMUNITIES: usize = 20;
const MEMBERS: usize = 10;

/// So that no limit is measured.
const UNLIMITED: [&str; 2] = ["--feed-requests-per-hour", "10000000"];

async fn place(flags: &[String]) -> (Server, Program, Place) {
    let mut place = Place::new(COMMUNITIES, MEMBERS);
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(UNLIMITED).collect();
    let program = Program::start(&server.endpoint(), &flags).await;
    for event in place.founding() {
        server.publish(event);
    }
    program.until(|app| app.feeds.describe().is_ok_and(|feeds| feeds.len() == COMMUNITIES) && app.queue.depth() == 0).await;
    (server, program, place)
}

/// The time from a frame's sending to its post in a page, at 1,000 matched events a second.
pub(crate) async fn visible(table: &mut Table) {
    const POSTS: usize = 10_000;
    let (server, program, mut place) = place(&[]).await;
    let feeds = program.app.feeds.clone();
    let reader = std::thread::spawn(move || {
        let mut seen: HashMap<usize, Instant> = HashMap::with_capacity(POSTS);
        let began = Instant::now();
        while seen.len() < POSTS && began.elapsed() < Duration::from_secs(30) {
            for community in 0..COMMUNITIES {
                let uri = Place::community(community);
                let owner = uri.trim_start_matches("at://").split('/').next().unwrap_or_default();
                let page = feeds.skeleton(&Request { owner, rkey: "main", limit: 100, cursor: None, viewer: None }).expect("a page");
                let now = Instant::now();
                for number in String::from_utf8_lossy(&page).split("/p").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()) {
                    seen.entry(number).or_insert(now);
                }
            }
        }
        seen
    });
    let began = Instant::now();
    let mut sent = Vec::with_capacity(POSTS);
    for number in 0..POSTS {
        let due = began + Duration::from_micros(1_000) * u32::try_from(number).unwrap_or(u32::MAX);
        tokio::time::sleep_until(due.into()).await;
        let event = place.post(Clock::system().now_ms());
        sent.push(Instant::now());
        server.publish(event);
    }
    let seen = tokio::task::spawn_blocking(|| reader.join()).await.expect("a thread").expect("the reader saw all");
    program.end().await;
    let mut times: Vec<f64> = sent.iter().enumerate().filter_map(|(number, sent)| Some((*seen.get(&number)? - *sent).as_secs_f64() * 1e3)).collect();
    assert_eq!(times.len(), POSTS, "a post that was never seen would be missing from the quantiles");
    table.cost("frame sent to post visible at 1,000/s, p50", quantile(&mut times, 0.5), "ms", None, None);
    table.cost("frame sent to post visible at 1,000/s, p99", quantile(&mut times, 0.99), "ms", Some(100.0), None);
}

/// getFeedSkeleton, over HTTP and without.
pub(crate) async fn skeletons(table: &mut Table) {
    let plc = crate::tokens::directory().await;
    let (server, program, mut place) = place(&plc.flags()).await;
    for event in place.posts(COMMUNITIES * 300) {
        server.publish(event);
    }
    let last = COMMUNITIES * 300 - 1;
    let feeds = program.app.feeds.clone();
    let owner_of = |community: usize| Place::community(community).trim_start_matches("at://").split('/').next().unwrap_or_default().to_owned();
    program
        .until(|app| {
            let owner = owner_of(last % COMMUNITIES);
            let page = feeds.skeleton(&Request { owner: &owner, rkey: "main", limit: 100, cursor: None, viewer: None });
            app.queue.depth() == 0 && page.is_ok_and(|page| String::from_utf8_lossy(&page).contains(&format!("/p{last}\"")))
        })
        .await;

    // Without HTTP and without the cache: a clock of our own goes on, so that no page is as good as a new one.
    let owners: Vec<String> = (0..COMMUNITIES).map(owner_of).collect();
    let sandbox = Sandbox::new(8).expect("the engine starts");
    let components = Components::load(None).expect("the embedded components");
    let linked = Linked::link(&sandbox, &components, None).expect("the embedded components");
    let clock = Clock::standing_at(Clock::system().now_ms());
    let alone = Feeds::new(program.app.store.clone(), clock.clone(), Current::new(linked), None, Live::new(Vec::new()), Loads::default(), 256 << 20);
    let mut times = Vec::new();
    for _ in 0..200 {
        clock.set(clock.now_ms() + 1_000);
        for owner in &owners {
            let began = Instant::now();
            alone.skeleton(&Request { owner, rkey: "main", limit: 50, cursor: None, viewer: None }).expect("a page");
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    table.cost("a page of 50 made anew, without HTTP, p50", quantile(&mut times, 0.5), "µs", None, None);
    table.cost("  p99", quantile(&mut times, 0.99), "µs", None, None);

    let load = |connections: usize, rate: usize, signed: bool| {
        let numbers = [connections, 8, rate, COMMUNITIES, usize::from(signed)].map(|number| number.to_string());
        let arguments = [&["load".to_owned(), program.address.to_string()], numbers.as_slice()].concat();
        tokio::task::spawn_blocking(move || {
            let line = Process::start(&arguments).line();
            line.split(' ').map(|number| number.parse::<f64>().expect("a number")).collect::<Vec<_>>()
        })
    };
    let all_out = load(16, 0, false).await.expect("the load ran");
    table.rate("getFeedSkeleton, page of 50, 16 connections", all_out[0], "requests/s", Some(20_000.0), Some(52_600.0));
    table.cost("  p50", all_out[1] / 1e3, "ms", None, None);
    table.cost("  p99", all_out[2] / 1e3, "ms", None, None);
    let signed = load(16, 0, true).await.expect("the load ran");
    table.rate("  with a token of ES256K each", signed[0], "requests/s", None, None);
    table.cost("  p50", signed[1] / 1e3, "ms", None, None);
    table.cost("  p99", signed[2] / 1e3, "ms", None, None);

    let ingest = async {
        let began = Instant::now();
        for number in 0..9_000_u32 {
            tokio::time::sleep_until((began + Duration::from_millis(1) * number).into()).await;
            let event = place.post(Clock::system().now_ms());
            server.publish(event);
        }
    };
    let (beside, ()) = tokio::join!(load(16, 2_000, false), ingest);
    let beside = beside.expect("the load ran");
    table.rate("getFeedSkeleton at 2,000/s beside ingest of 1,000 posts/s", beside[0], "requests/s", None, None);
    table.cost("  p50", beside[1] / 1e3, "ms", None, None);
    table.cost("  p99", beside[2] / 1e3, "ms", Some(5.0), None);
    program.end().await;
}
