//! The program is killed at any moment, and loses nothing and does nothing twice.
//!
//! Here it runs as a process of its own, by the real clock, before a firehose of ours. The events' times lie further apart than
//! the program goes back when it connects: so a cursor that was ahead of what is durable would show as a loss. What its feed must
//! be in the end is what the law's model says, as if nothing had happened.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atrarium::demo::server::Server;
use atrarium::store::db::REPAIRED;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::process::{Launch, Process};
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{Network, http, records};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::law::model::Model;

const TAG: &str = "#atrarium_deadbeef";
const PATIENCE: Duration = Duration::from_secs(60);

/// SIGABRT, by which a failpoint ends the process.
const ABORTED: i32 = 6;

/// A community of eight in which something always happens: an endless story.
struct Life {
    network: Network,
    random: SmallRng,
    now: i64,
    /// The milliseconds of the next event.
    next: i64,
    people: Vec<String>,
    community: String,
    /// Which records there are.
    records: BTreeSet<(usize, &'static str, String)>,
    model: Model,
}

impl Life {
    fn new(seed: u64) -> Self {
        let now = now_ms();
        let people: Vec<String> = ["owner", "moderator", "ann", "ben", "cat", "dan", "eve", "fay"].map(did).into();
        let community = uri(&people[0], CONFIG, "main");
        // Three days of events, one in six seconds: more than any test needs.
        let next = now - 3 * 24 * 60 * 60 * 1_000;
        Self {
            network: Network::starting_at(next),
            random: SmallRng::seed_from_u64(seed),
            now,
            next,
            people,
            community,
            records: BTreeSet::new(),
            model: Model::default(),
        }
    }

    /// The config and the first memberships. Of the last two one is heard as well, or what happens to their accounts would not be.
    fn founding(&mut self) -> Vec<String> {
        let config = records::with(records::config("Life", TAG, self.now), json!({ "moderators": [self.people[1]] }));
        let mut frames = vec![self.write(0, CONFIG, "main", Some(config))];
        for who in 2..self.people.len() {
            let membership = records::membership(&self.community, who < 6, self.now);
            frames.push(self.write(who, MEMBERSHIP, "m", Some(membership)));
        }
        frames
    }

    /// What happens next.
    fn event(&mut self) -> String {
        let who = self.random.random_range(0..self.people.len());
        match self.random.random_range(0..100) {
            0..60 => {
                let rkey = format!("p{}", self.random.random_range(0..30));
                let text = if self.random.random_bool(0.9) { format!("hello {TAG}") } else { "hello".to_owned() };
                // Far from either end of the week, so that the feed doesn't hang on the moment of the comparison.
                let created = self.now - self.random.random_range(60_000..3_600_000);
                let post = self.random.random_bool(0.75).then(|| records::post(&text, created));
                self.write(who, POST, &rkey, post)
            }
            60..75 => {
                let active = self.random.random_bool(0.8);
                let membership = records::membership(&self.community, active, self.now);
                self.write(who, MEMBERSHIP, "m", Some(membership))
            }
            75..92 => {
                let (moderator, whose) = (self.random.random_range(0..2), self.random.random_range(0..self.people.len()));
                let (post, rkey) = (self.random.random_range(0..30), self.random.random_range(0..10));
                let kind = ["hide_post", "hide_post", "unhide_post", "block_user", "unblock_user"][self.random.random_range(0..5)];
                let target = if kind.ends_with("post") { uri(&self.people[whose], POST, &format!("p{post}")) } else { self.people[whose].clone() };
                let created = self.now - self.random.random_range(60_000..3_600_000);
                let action = self.random.random_bool(0.7).then(|| records::action(kind, &target, &self.community, created));
                self.write(moderator, ACTION, &format!("a{rkey}"), action)
            }
            _ => {
                self.pass();
                let status = self.random.random_bool(0.3).then_some("deactivated");
                let frame = self.network.account(&self.people[who], status);
                self.hear(frame)
            }
        }
    }

    /// A post of the owner that is newer than all others: where it is, everything before it is.
    fn last_word(&mut self) -> Vec<String> {
        let post = records::post(&format!("that's it {TAG}"), self.now);
        self.pass();
        let active = self.network.account(&self.people[0], None);
        vec![self.hear(active), self.write(0, POST, "last", Some(post))]
    }

    fn write(&mut self, who: usize, collection: &'static str, rkey: &str, record: Option<serde_json::Value>) -> String {
        self.pass();
        let did = self.people[who].clone();
        let key = (who, collection, rkey.to_owned());
        let frame = match record {
            None => {
                self.records.remove(&key);
                self.network.delete(&did, collection, rkey)
            }
            Some(record) if self.records.insert(key) => self.network.create(&did, collection, rkey, record),
            Some(record) => self.network.update(&did, collection, rkey, record),
        };
        self.hear(frame)
    }

    /// More time than the receiver rewinds by.
    fn pass(&mut self) {
        self.next += 6_000;
        self.network = Network::starting_at(self.next);
    }

    fn hear(&mut self, frame: String) -> String {
        self.model.hear(&frame);
        frame
    }

    fn expected(&self) -> Vec<String> {
        self.model.feed(&self.community, now_ms()).expect("the community is never closed")
    }
}

/// Where the program keeps its data, and whom it listens to.
#[derive(Clone)]
struct House {
    directory: PathBuf,
    endpoint: String,
}

impl House {
    fn plan(&self) -> Launch<'_> {
        Launch { directory: &self.directory, jetstream: &self.endpoint, port: None, failpoints: None, flags: &[] }
    }

    fn launch(&self, failpoints: Option<&str>) -> Process {
        Launch { failpoints, ..self.plan() }.start()
    }
}

/// A life, its firehose, and a house for the program.
struct Stage {
    life: Life,
    server: Server,
    house: House,
    _temporary: tempfile::TempDir,
}

impl Stage {
    async fn new(seed: u64) -> Self {
        let temporary = tempfile::tempdir().expect("tests need a temporary directory");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let server = Server::start(listener).expect("a listener that was just bound");
        let house = House { directory: temporary.path().join("data"), endpoint: server.endpoint() };
        Self { life: Life::new(seed), server, house, _temporary: temporary }
    }

    fn publish(&self, frames: Vec<String>) {
        for frame in frames {
            self.server.publish(frame);
        }
    }

    /// So many events, and the last word.
    fn publish_more(&mut self, count: usize) {
        let frames = (0..count).map(|_| self.life.event()).collect();
        self.publish(frames);
        let frames = self.life.last_word();
        self.publish(frames);
    }

    /// Waits until the feed is as it must be, or the process has ended; answers whether it is.
    async fn shows(&self, process: &mut Process) -> bool {
        let expected = self.life.expected();
        let began = Instant::now();
        loop {
            if process.has_ended() {
                return false;
            }
            let shown = feed(process, &self.life.community).await;
            if shown.as_ref() == Some(&expected) {
                return true;
            }
            assert!(began.elapsed() < PATIENCE, "{}\nafter that:\n{}", difference(&expected, &shown.unwrap_or_default()), process.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts the program, and lets it catch up and go on.
    async fn goes_on(&mut self) {
        let mut process = self.house.launch(None);
        assert!(process.ready().await, "{}", process.log());
        assert!(self.shows(&mut process).await, "what was published before is there: {}", process.log());
        self.publish_more(20);
        assert!(self.shows(&mut process).await, "what is published now comes: {}", process.log());
        process.kill().await;
    }
}

/// The whole feed; `None` if the process doesn't answer, or doesn't know it yet.
async fn feed(process: &Process, community: &str) -> Option<Vec<String>> {
    let (mut posts, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}&limit=100{cursor}", feed_of(community));
        let answer = http::get(process.address, &path).await.ok()?;
        if answer.status != 200 {
            return None;
        }
        let page = answer.json();
        posts.extend(posts_of(&page));
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Some(posts),
        }
    }
}

fn difference(expected: &[String], shown: &[String]) -> String {
    let without = |one: &[String], other: &[String]| one.iter().filter(|post| !other.contains(post)).cloned().collect::<Vec<_>>();
    let doubled = shown.len() - shown.iter().collect::<BTreeSet<_>>().len();
    format!(
        "missing {:?}, too many {:?}, doubled {doubled}, {} expected, {} shown",
        without(expected, shown),
        without(shown, expected),
        expected.len(),
        shown.len()
    )
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_millis() as i64
}

/// The process dies at the point, after it has been spared there so often, and goes on with the next start as if it had not.
async fn check_death_at(point: &str, spared: u32) {
    let (status, log) = check_end_at(point, spared, "return").await;
    assert_eq!(status.signal(), Some(ABORTED), "{point} {spared}: {log}");
}

/// The same with whatever the point does to the process; answers how it ended and what it said.
async fn check_end_at(point: &str, spared: u32, does: &str) -> (ExitStatus, String) {
    let mut stage = Stage::new(u64::from(spared)).await;
    let failpoints = if spared == 0 { format!("{point}={does}") } else { format!("{point}={spared}*off->{does}") };
    let mut process = stage.house.launch(Some(&failpoints));
    let frames = stage.life.founding();
    stage.publish(frames);
    // Each round waits for the effect of the one before, so that each has commits of its own.
    let mut rounds = 0;
    if process.ready().await {
        while stage.shows(&mut process).await {
            rounds += 1;
            assert!(rounds < 100, "{failpoints}: it should have died: is the binary built with failpoints?\n{}", process.log());
            stage.publish_more(3);
        }
    }
    let status = process.ended().await;
    stage.goes_on().await;
    (status, process.log())
}

async fn check_deaths_at(point: &str) {
    for spared in [0, 1, 2, 5, 11] {
        check_death_at(point, spared).await;
    }
}

/// A program that answers and does nothing is worse than one that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_panics_ends_the_program_with_an_error_and_loses_nothing() {
    for point in ["queue-before-commit", "queue-after-commit", "ingest-before-commit", "ingest-after-commit"] {
        let (status, log) = check_end_at(point, 3, "panic(boom)").await;
        assert_eq!(status.code(), Some(1), "{point}: {log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(last.starts_with("atrarium: the ") && last.contains("Start it again"), "{point}: {log}");
        assert!(log.contains("boom"), "{point}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dies_before_it_has_queued_an_event_gets_it_again() {
    check_deaths_at("queue-before-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dies_after_it_has_queued_an_event_still_has_it() {
    check_deaths_at("queue-after-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dies_before_the_commit_of_a_batch_does_it_again() {
    check_deaths_at("ingest-before-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dies_after_the_commit_of_a_batch_does_not_do_it_again() {
    check_deaths_at("ingest-after-commit").await;
}

/// How often the process is killed. A longer run can ask for more.
fn kills() -> u32 {
    std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_under_a_steady_stream_it_loses_nothing() {
    let mut stage = Stage::new(3).await;
    let frames = stage.life.founding();
    stage.publish(frames);

    let (stop, alive) = (Cell::new(false), Cell::new(0));
    let (house, server, life) = (stage.house.clone(), &stage.server, &mut stage.life);
    let killing = async {
        let mut moments = SmallRng::seed_from_u64(3);
        for _ in 0..kills() {
            let process = house.launch(None);
            // The moment is what chance chooses here: while it starts, or catches up, or has caught up.
            let moment = moments.random_range(20..1_200);
            tokio::time::sleep(Duration::from_millis(moment)).await;
            alive.set(alive.get() + u32::from(http::get(process.address, "/xrpc/_health").await.is_ok()));
            assert!(!process.log().contains(REPAIRED), "what was committed is in order however it ended: {}", process.log());
            process.kill().await;
        }
        stop.set(true);
    };
    let stream = async {
        // 300 events a second.
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !stop.get() {
            ticks.tick().await;
            for _ in 0..3 {
                server.publish(life.event());
            }
        }
    };
    tokio::join!(killing, stream);
    assert!(alive.get() >= kills() / 4, "it was hardly ever killed while it ran: {} times", alive.get());
    stage.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_ends_within_ten_seconds_and_loses_nothing() {
    let mut stage = Stage::new(1).await;
    let mut process = stage.house.launch(None);
    let frames = stage.life.founding();
    stage.publish(frames);
    assert!(process.ready().await && stage.shows(&mut process).await, "{}", process.log());

    let frames = (0..2_000).map(|_| stage.life.event()).collect();
    stage.publish(frames);
    let began = Instant::now();
    process.terminate();
    let status = process.ended().await;
    assert!(status.success(), "{status}: {}", process.log());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(!process.log().contains("panicked"), "{}", process.log());
    stage.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_on_the_same_data_says_so_and_ends() {
    let mut stage = Stage::new(2).await;
    let frames = stage.life.founding();
    stage.publish(frames);
    stage.publish_more(5);
    let mut first = stage.house.launch(None);
    assert!(first.ready().await && stage.shows(&mut first).await, "{}", first.log());

    let mut second = Launch { flags: &["--log-level", "error"], ..stage.house.plan() }.start();
    let status = second.ended().await;
    assert_eq!(status.code(), Some(1), "{}", second.log());
    let log = second.log();
    let lines: Vec<&str> = log.lines().collect();
    let directory = stage.house.directory.display().to_string();
    assert!(matches!(lines[..], [line] if line.starts_with("atrarium: another atrarium is running on ") && line.contains(&directory)), "{lines:?}");

    stage.publish_more(5);
    assert!(stage.shows(&mut first).await, "the first is none the worse for it: {}", first.log());
    first.kill().await;
}
