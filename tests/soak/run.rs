//! A soak from its founding to its verdicts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atrarium_tests::http;
use atrarium_tests::plc::Plc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::evidence::Evidence;
use super::firehose::Firehose;
use super::harm::{self, IDLE_SECS};
use super::house::{Door, House};
use super::law;
use super::owners::{self, ADDRESS_HEADER, Owners};
use super::plan::Plan;
use super::readers::{self, Reader, Seen, lock};
use super::story::FAMILY;
use super::verdict::Outcome;
use super::watch::{self, Series};

/// Connections of the AppView, and of whoever walks through feeds.
const READERS: u32 = 8;
const WALKERS: u32 = 2;

/// Until a thousand communities are founded on a machine that has other things to do.
const FOUNDED: Duration = Duration::from_secs(300);

/// Runs a soak; what happens meanwhile is told to `say`.
pub(crate) async fn run(plan: &Plan, say: impl Fn(&str)) -> Outcome {
    let communities = plan.families * FAMILY;
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let plc = Plc::start().await;
    owners::open_accounts(&plc, communities);
    let firehose = Firehose::start(plan);
    let mut house = House::open(temporary.path(), firehose.endpoint.clone(), flags(&plc)).await;
    let door = house.door();
    founded(&door, communities).await;
    house.catches_up().await;
    say(&format!("{communities} communities are founded"));

    let began = Instant::now();
    let (seen, series) = (Arc::new(Mutex::new(Seen::default())), Arc::new(Mutex::new(Series::default())));
    let examiners = Arc::new(AtomicUsize::new(0));
    let mut owners = Owners::new(door.clone(), communities, plan.seed, Arc::clone(&examiners));
    let mut others = JoinSet::new();
    let share = f64::from(plan.reads) / f64::from(READERS + WALKERS);
    for number in 0..u64::from(READERS + WALKERS) {
        let reader = Reader::new(door.clone(), communities, plan.seed + number, Arc::clone(&seen));
        match number < u64::from(READERS) {
            true => others.spawn(reader.read(share)),
            false => others.spawn(reader.walk(share)),
        };
    }
    others.spawn(readers::look(door.clone(), owners.tokens.clone(), Arc::clone(&seen), plan.seed, 5.0));
    for number in 0..3 {
        others.spawn(readers::listen(door.clone(), owners.tokens.clone(), Arc::clone(&seen), plan.seed + number));
    }
    others.spawn(watch::watch(door.clone(), began, Arc::clone(&series)));

    let stop = CancellationToken::new();
    let harming = async {
        let recoveries = harm::do_harm(plan, began, &mut house, &firehose, &examiners, &say).await;
        stop.cancel();
        recoveries
    };
    let recoveries = tokio::select! {
        (recoveries, ()) = async { tokio::join!(harming, owners.upload(plan.upload_every, &stop)) } => recoveries,
        died = others.join_next() => panic!("who reads and watches goes on for ever: {died:?}"),
    };
    say("the harm is done: now for the law");
    let uploaded = owners.end().await;
    let (told, last_us) = firehose.end();
    let has_read = house.has_read(last_us).await;
    others.shutdown().await;
    let (events, ours) = (firehose.happened().0, told.len());
    let judged = law::judge(door.address, told, plan.families).await;
    watch::look(&door, began, &series).await;
    house.end().await;
    let (seen, series) = (std::mem::take(&mut *lock(&seen)), std::mem::take(&mut *lock(&series)));
    let killed = examiners.load(Ordering::Acquire);
    Evidence { events, ours, recoveries, seen, uploaded, killed, series, has_read, judged }.outcome(plan)
}

/// A small cache is full long before its memory is watched. Everybody asks from one machine, so no bound on requests may end the soak.
fn flags(plc: &Plc) -> Vec<String> {
    let idle = IDLE_SECS.to_string();
    let own = ["--cache-mib", "8", "--idle-timeout-secs", &idle, "--api-requests-per-hour", "10000000", "--client-address-header", ADDRESS_HEADER];
    // What bombs may take of the machine.
    let bombs = ["--mix-compile-mib", "512", "--log-level", "info"];
    own.into_iter().chain(bombs).map(str::to_owned).chain(plc.flags_with_handles()).collect()
}

async fn founded(door: &Door, communities: usize) {
    let began = Instant::now();
    loop {
        let answer = http::get(door.address, "/xrpc/app.bsky.feed.describeFeedGenerator").await;
        let feeds = answer.map_or(0, |answer| answer.json()["feeds"].as_array().map_or(0, Vec::len));
        if feeds == communities {
            return;
        }
        assert!(began.elapsed() < FOUNDED, "after {FOUNDED:?} {feeds} communities are founded");
        sleep(Duration::from_millis(50)).await;
    }
}
