//! A soak from its founding to its verdicts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atrarium_tests::http;
use atrarium_tests::plc::Plc;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::firehose::Firehose;
use super::harm::{self, IDLE_SECS, Recovery, STRETCH};
use super::house::{Door, House};
use super::law::{self, Judged};
use super::owners::{self, ADDRESS_HEADER, Owners, Uploaded};
use super::plan::Plan;
use super::readers::{self, Faults, Reader, Seen, lock};
use super::story::FAMILY;
use super::verdict::{Outcome, Verdict};
use super::watch::{self, LOSSES, Sample, Series};

/// Connections of the AppView, and of whoever walks through feeds.
const READERS: u32 = 8;
const WALKERS: u32 = 2;

/// Until a thousand communities are founded on a machine that has other things to do.
const FOUNDED: Duration = Duration::from_secs(300);

/// A leak of a server's whole memory in a month is 1.4 MiB an hour, and can't be told from noise in half an hour: RSS comes and goes by
/// some MiB, and over the seven minutes that are looked at that alone makes a slope of ten. What is told here fills a small server in days.
const GROWTH: f64 = 32.0 * MIB;

/// Below this many seconds a slope is all noise.
const LONG_ENOUGH: f64 = 300.0;

/// After so long the AppView has given up.
const APPVIEW: f64 = 5.0;

/// Until nothing is left of any harm; what a person at a feed would still wait for.
const RECOVERED: Duration = Duration::from_secs(30);

const MIB: f64 = 1_048_576.0;

/// All that was seen.
struct Evidence {
    events: u64,
    ours: usize,
    recoveries: Vec<Recovery>,
    seen: Seen,
    uploaded: Uploaded,
    series: Series,
    has_read: bool,
    judged: Judged,
}

/// Runs a soak; what happens meanwhile is told to `say`.
pub(crate) async fn run(plan: &Plan, say: impl Fn(&str)) -> Outcome {
    let communities = plan.families * FAMILY;
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let plc = Plc::start().await;
    owners::open_accounts(&plc, communities);
    let firehose = Firehose::start(plan);
    let mut house = House::open(temporary.path().join("data"), firehose.endpoint.clone(), flags(&plc)).await;
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

    let recoveries = {
        let harming = harm::do_harm(plan, began, &mut house, &firehose, &examiners, &say);
        tokio::select! {
            recoveries = harming => recoveries,
            () = owners.upload(plan.upload_every) => unreachable!("owners upload until they are told to stop"),
            died = others.join_next() => panic!("who reads and watches goes on for ever: {died:?}"),
        }
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
    verdicts(plan, Evidence { events, ours, recoveries, seen, uploaded, series, has_read, judged }, examiners.load(Ordering::Acquire))
}

/// A small cache is full long before its memory is watched. Everybody asks from one machine, so no bound on requests may end the soak.
fn flags(plc: &Plc) -> Vec<String> {
    let idle = IDLE_SECS.to_string();
    let own = ["--cache-mib", "32", "--idle-timeout-secs", &idle, "--api-requests-per-hour", "10000000", "--client-address-header", ADDRESS_HEADER];
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

fn verdicts(plan: &Plan, evidence: Evidence, examiners: usize) -> Outcome {
    let Evidence { events, ours, recoveries, mut seen, uploaded, series, has_read, judged } = evidence;
    let mut outcome = Outcome::default();
    let length = plan.length.as_secs_f64();
    outcome.figure("events of the network, ours among them", format!("{events}, {ours}"));
    outcome.figure("feeds walked in the end, posts in them", format!("{}, {}", judged.feeds, judged.posts));

    seen.times.sort_unstable();
    let page = |part: f64| seen.times.get((seen.times.len() as f64 * part) as usize).or(seen.times.last()).map_or(0.0, |micros| f64::from(*micros) / 1e3);
    let late = seen.times.iter().filter(|micros| **micros > 1_000_000).count();
    outcome.figure(
        "pages read; p50, p99, longest, later than 1 s",
        format!("{}; {:.1} ms, {:.1} ms, {:.0} ms, {late}", seen.times.len(), page(0.5), page(0.99), page(1.0)),
    );
    outcome.figure("requests cut off by harm", seen.interrupted.to_string());
    outcome.figure("walks through quiet feeds; API calls; events of streams", format!("{}; {}; {}", seen.walks, seen.calls, seen.events));
    let Uploaded { admitted, refused, killed, activated, faults } = uploaded;
    outcome.figure("mixes admitted, active, refused, killed as they were looked at", format!("{admitted}, {activated}, {refused}, {killed} of {examiners}"));

    let mut answers: Vec<Duration> = recoveries.iter().filter_map(|recovery| recovery.answers).collect();
    let mut caught_up: Vec<Duration> = recoveries.iter().map(|recovery| recovery.caught_up).collect();
    answers.sort_unstable();
    caught_up.sort_unstable();
    let spread = |times: &[Duration]| {
        format!(
            "{} times, p50 {:.2?}, longest {:.2?}",
            times.len(),
            times.get(times.len() / 2).unwrap_or(&Duration::ZERO),
            times.last().unwrap_or(&Duration::ZERO)
        )
    };
    outcome.figure("the whole program killed, until it answers", spread(&answers));
    outcome.figure("any harm, until less than 2 s behind", spread(&caught_up));

    let growth = series.growth(length * STRETCH.start..length * STRETCH.end);
    let most = |of: fn(&Sample) -> f64| series.samples.iter().map(of).fold(0.0, f64::max);
    let growth_mib = growth.bytes_an_hour / MIB;
    outcome.figure("memory, most and peak", format!("{:.0} MiB, {:.0} MiB", most(|sample| sample.resident) / MIB, most(|sample| sample.peak) / MIB));
    outcome.figure(
        "threads, open files, lag, index: the most",
        format!(
            "{}, {}, {:.1} s, {:.0} MiB",
            most(|sample| sample.threads),
            most(|sample| sample.files),
            most(|sample| sample.lag),
            most(|sample| sample.index) / MIB
        ),
    );

    let told = |faults: &Faults| if faults.count == 0 { "none".to_owned() } else { format!("{}, such as {}", faults.count, faults.first[0]) };
    let longest = caught_up.last().copied().unwrap_or_default();
    let losses: Vec<String> = LOSSES.iter().filter_map(|name| series.most.get(name).filter(|most| **most > 0.0).map(|most| format!("{name} {most}"))).collect();
    outcome.verdicts = vec![
        Verdict::new("every feed is what the law says", judged.broken.count == 0, format!("{} feeds, broken: {}", judged.feeds, told(&judged.broken))),
        Verdict::new(
            "nothing is lost, put aside or left over",
            has_read && losses.is_empty(),
            format!("worked off: {has_read}, counted: {}", if losses.is_empty() { "nothing".to_owned() } else { losses.join(", ") }),
        ),
        Verdict::new("every page and call is answered while the program runs", seen.faults.count == 0, told(&seen.faults)),
        Verdict::new("no walk through a quiet feed repeats a post", seen.repeats.count == 0, format!("{} walks, repeats: {}", seen.walks, told(&seen.repeats))),
        Verdict::new("mixes get what they deserve", faults.count == 0, told(&faults)),
        Verdict::timed(
            "memory is flat",
            (growth.seconds >= LONG_ENOUGH).then_some(growth.bytes_an_hour <= GROWTH),
            format!("{growth_mib:+.1} MiB an hour over {:.0} s, at most {:.0}", growth.seconds, GROWTH / MIB),
        ),
        Verdict::timed("no page comes later than the AppView waits", Some(page(1.0) < APPVIEW * 1e3), format!("the longest {:.0} ms", page(1.0))),
        Verdict::timed("harm is over soon", Some(longest < RECOVERED), format!("the longest {longest:.2?}")),
    ];
    outcome.details = json!({
        "plan": format!("{plan:?}"),
        "recoveries": recoveries.iter().map(|recovery| json!({
            "harm": format!("{:?}", recovery.harm),
            "at": recovery.at.as_secs_f64(),
            "answers": recovery.answers.map(|took| took.as_secs_f64()),
            "caughtUp": recovery.caught_up.as_secs_f64(),
        })).collect::<Vec<_>>(),
        "sampleFields": Sample::NAMES,
        "samples": series.samples.iter().map(Sample::json).collect::<Vec<_>>(),
        "most": series.most,
        "faults": { "law": judged.broken.first, "requests": seen.faults.first, "repeats": seen.repeats.first, "mixes": faults.first },
    });
    outcome
}
