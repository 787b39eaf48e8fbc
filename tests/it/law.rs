//! The law of the feed (section 4 of the design): a feed is a function of the latest records, the accounts' status and the time.
//! Arrival order and history change nothing.
//!
//! The test that matters most takes what may happen in a small network and tells it to several programs: to one in the order in
//! which it happened, to the others in any order that keeps each repo's own, with repeats, replays, restarts, and one with
//! room for a single object. All must show the same feeds, byte for byte, in pages of every size and as time goes on; and
//! those must be the feeds of a model that was written from the design's words alone.
//!
//! A case that fails is made small before it is shown. `LAW_SEED=<seed> LAW_CASES=1` tells that one case again, and
//! `LAW_CASES=<many> LAW_SEED=<any>` others.

pub(crate) mod events; // what may happen, by chance
pub(crate) mod model; // what a feed must be
mod sentences; // the law in small stories

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use atrarium::feed::{FeedError, Request};
use atrarium_tests::world::{NOW, WorldOptions, feed_of, posts_of};
use atrarium_tests::{Network, World};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::runtime::Runtime;

use events::{Case, Story, Told};
use model::{Fate, Model};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The sizes of pages in which feeds are compared.
const LIMITS: [u32; 3] = [1, 7, 50];

/// When feeds are compared, from the present of the case.
const MOMENTS: [i64; 5] = [0, MINUTE, 3 * MINUTE, 3 * DAY, 8 * DAY];

/// How long an alarm may take to have its effect.
const PATIENCE: Duration = Duration::from_secs(20);

/// The programs that hear the same: the first in order, each other in its own.
const WORLDS: usize = 3;

#[test]
fn a_feed_is_a_function_of_the_latest_records_the_accounts_status_and_the_time() {
    let (first, cases) = (setting("LAW_SEED", 0), setting("LAW_CASES", 24));
    let trial = Trial::new();
    for seed in first..first + cases {
        trial.run(seed);
    }
    let seen = trial.end();
    if cases >= 24 {
        seen.check();
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("it is a number"))
}

/// One case after the other, with the same programs for as long as nothing is wrong with them.
struct Trial {
    runtime: Runtime,
    programs: RefCell<Option<Programs>>,
    seen: RefCell<Seen>,
}

impl Trial {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { runtime, programs: RefCell::default(), seen: RefCell::default() }
    }

    /// Panics with the smallest case that fails, if the one of this seed does.
    fn run(&self, seed: u64) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: setting("LAW_SHRINK", 200) as u32, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let at_first = RefCell::new(None);
        let outcome = runner.run(&events::case(WORLDS - 1), |case| {
            self.runtime.block_on(self.attempt(&case)).map_err(|difference| {
                at_first.borrow_mut().get_or_insert_with(|| difference.clone());
                TestCaseError::fail(difference)
            })
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(difference, case)) => {
                panic!("LAW_SEED={seed}: {}\n\nIn the smallest case that fails: {difference}\n{case}", at_first.take().unwrap_or_default())
            }
            Err(failure) => panic!("LAW_SEED={seed}: {failure}"),
        }
    }

    async fn attempt(&self, case: &Case) -> Result<(), String> {
        let ready = self.programs.take();
        let mut programs = match ready {
            Some(programs) => programs,
            None => Programs::start().await,
        };
        match programs.check(case).await {
            Ok(seen) => {
                self.seen.borrow_mut().add(seen);
                self.programs.replace(Some(programs));
                Ok(())
            }
            // What is wrong in these must not be blamed on the next case.
            Err(difference) => {
                programs.end().await;
                Err(difference)
            }
        }
    }

    fn end(self) -> Seen {
        if let Some(programs) = self.programs.take() {
            self.runtime.block_on(programs.end());
        }
        self.seen.take()
    }
}

/// What the cases were about: a law that nothing has tried is not tested.
#[derive(Debug, Default)]
struct Seen {
    fates: BTreeMap<Fate, usize>,
    /// Posts in feeds that came from another community.
    from_elsewhere: usize,
    closed: usize,
}

impl Seen {
    fn add(&mut self, other: Self) {
        for (fate, count) in other.fates {
            *self.fates.entry(fate).or_default() += count;
        }
        self.from_elsewhere += other.from_elsewhere;
        self.closed += other.closed;
    }

    fn check(&self) {
        for fate in [Fate::Shown, Fate::NoMember, Fate::Blocked, Fate::Inactive, Fate::Hidden, Fate::Past, Fate::Waiting] {
            assert!(self.fates.contains_key(&fate), "no post was {fate:?}: {self:?}");
        }
        assert!(self.from_elsewhere > 0 && self.closed > 0, "{self:?}");
    }
}

/// Programs that live through one case after the other. Each case has DIDs and hashtags of its own, and closes its communities
/// when it is over, so that they don't appear in the next one's global share. The time only goes on.
struct Programs {
    worlds: [World; WORLDS],
    now: i64,
    salt: u32,
}

impl Programs {
    async fn start() -> Self {
        let world = |flags: &[&str]| World::with(WorldOptions { flags: flags.iter().map(ToString::to_string).collect(), ..WorldOptions::default() });
        let (first, second, third) = tokio::join!(world(&[]), world(&[]), world(&["--live-instances", "1"]));
        Self { worlds: [first, second, third], now: NOW, salt: 0 }
    }

    async fn end(mut self) {
        for world in &mut self.worlds {
            world.stop().await;
        }
    }

    /// Tells the case in all ways; an error says what is wrong.
    async fn check(&mut self, case: &Case) -> Result<Seen, String> {
        self.salt += 1;
        let story = case.tell(self.salt, self.now);
        let mut model = Model::default();
        for event in &story.events {
            model.hear(&event.frame(0));
        }
        for world in &mut self.worlds {
            world.clock.set(self.now);
            world.network = Network::starting_at(self.now - 60 * MINUTE);
        }
        let [first, second, third] = &mut self.worlds;
        let [one, other] = case.tellings[..] else { return Err("a case has a telling for each program but the first".to_owned()) };
        tokio::join!(tell_in_order(first, &story.events), tell_in_some_order(second, &story.events, one), tell_in_some_order(third, &story.events, other));

        let mut seen = Seen::default();
        for moment in MOMENTS {
            let now = self.now + moment;
            self.worlds.iter().for_each(|world| world.clock.set(now));
            let expected: Vec<Option<Vec<String>>> = story.communities.iter().map(|community| model.feed(community, now)).collect();
            // At first everything has been told and nothing is due. Later on, alarms take their time.
            let patience = if moment == 0 { Duration::ZERO } else { PATIENCE };
            let pages = self.shown(&story.communities, &expected, patience).await.map_err(|difference| format!("{moment} ms on, {difference}"))?;
            if moment == 0 {
                over_http(&self.worlds[0], &story.communities, &pages).await?;
            }
            seen.add(look_at(&model, &story, &expected, now));
        }

        self.now += 9 * DAY;
        for world in &mut self.worlds {
            tell_in_order(world, &story.end).await;
        }
        let closed = vec![None; story.communities.len()];
        self.shown(&story.communities, &closed, Duration::ZERO).await.map_err(|difference| format!("after the end, {difference}"))?;
        Ok(seen)
    }

    /// All pages, once they are what they must be and the same in all programs.
    async fn shown(&self, communities: &[String], expected: &[Option<Vec<String>>], patience: Duration) -> Result<Pages, String> {
        let began = Instant::now();
        loop {
            let all: Vec<Pages> = self.worlds.iter().map(|world| pages(world, communities)).collect();
            match all
                .iter()
                .enumerate()
                .try_for_each(|(number, pages)| compare(communities, expected, pages, &all[0]).map_err(|what| format!("program {number}: {what}")))
            {
                Ok(()) => return Ok(all.into_iter().next().expect("there are several")),
                Err(difference) if began.elapsed() >= patience => return Err(difference),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// The time of the next event, some milliseconds or seconds after the last: a restart repeats what it can't be sure of, which
/// is now one event and now a hundred.
fn stamp(world: &mut World, random: &mut impl Rng) -> u64 {
    let pause = if random.random_bool(0.9) { random.random_range(1..20) } else { random.random_range(20..4_000) };
    let next = world.network.time_us() / 1_000 + pause;
    world.network = Network::starting_at(next as i64);
    next * 1_000
}

async fn tell_in_order(world: &mut World, events: &[Told]) {
    let mut random = StdRng::seed_from_u64(0);
    for event in events {
        let frame = event.frame(stamp(world, &mut random));
        world.publish(frame);
    }
    world.settled().await;
}

/// Tells the events in any order that keeps each repo's own, and some of them, or all so far, again.
async fn tell_in_some_order(world: &mut World, events: &[Told], seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut repos: BTreeMap<usize, VecDeque<&Told>> = BTreeMap::new();
    for event in events {
        repos.entry(event.who).or_default().push_back(event);
    }
    let longest_run = *[1, 8, 1_000].choose(&mut random).expect("there are three");
    let mut told: Vec<(&Told, String)> = Vec::new();
    let mut restarts = random.random_range(0..=2);
    while let Some(repo) = repos.keys().copied().collect::<Vec<_>>().choose(&mut random) {
        let rest = repos.get_mut(repo).expect("the key is one of these");
        for _ in 0..random.random_range(1..=longest_run) {
            let Some(event) = rest.pop_front() else { break };
            let frame = event.frame(stamp(world, &mut random));
            world.publish(frame.clone());
            told.push((event, frame));
        }
        if rest.is_empty() {
            repos.remove(repo);
        }
        match random.random_range(0..100) {
            0..15 => {
                let (event, _) = told[random.random_range(0..told.len())];
                let frame = event.frame(stamp(world, &mut random));
                world.publish(frame);
            }
            15..22 => world.publish(told[random.random_range(0..told.len())].1.clone()),
            22..24 => told.iter().for_each(|(_, frame)| world.publish(frame.clone())),
            24..34 if world.app.is_some() => world.settled().await,
            34..40 if world.app.is_none() => world.start_again().await,
            34..38 if restarts > 0 => {
                restarts -= 1;
                world.stop().await;
            }
            _ => {}
        }
    }
    if world.app.is_none() {
        world.start_again().await;
    }
    world.settled().await;
}

/// The bodies of all pages of all these communities, by size of the page.
type Pages = Vec<Vec<Vec<String>>>;

fn pages(world: &World, communities: &[String]) -> Pages {
    communities.iter().map(|community| LIMITS.iter().map(|limit| walk(world, community, *limit)).collect()).collect()
}

/// The bodies of one walk; none if there is no such feed.
fn walk(world: &World, community: &str, limit: u32) -> Vec<String> {
    let (owner, rkey) = community.trim_start_matches("at://").split_once("/net.atrarium.community.config/").expect("a config's URI");
    let (mut bodies, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let request = Request { owner, rkey, limit, cursor: cursor.as_deref(), viewer: None };
        match world.app().feeds.skeleton(&request) {
            Ok(body) => bodies.push(String::from_utf8(body.to_vec()).expect("JSON is UTF-8")),
            Err(FeedError::UnknownFeed) => return bodies,
            Err(failure) => panic!("{community}: {failure}"),
        }
        let page: serde_json::Value = serde_json::from_str(&bodies[bodies.len() - 1]).expect("a skeleton is JSON");
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return bodies,
        }
    }
}

/// The bytes of a page before its cursor, which says among other things how many commits the program has made.
fn without_cursor(body: &str) -> &str {
    body.rsplit_once(r#","cursor":"#).map_or(body, |(feed, _)| feed)
}

/// Whether the pages show what is expected, `None` being a feed that there isn't, in the very bytes of the first program.
fn compare(communities: &[String], expected: &[Option<Vec<String>>], pages: &Pages, first: &Pages) -> Result<(), String> {
    for (((community, expected), sizes), first) in communities.iter().zip(expected).zip(pages).zip(first) {
        for ((limit, bodies), first) in LIMITS.iter().zip(sizes).zip(first) {
            let pages: Vec<Vec<String>> = bodies.iter().map(|body| posts_of(&serde_json::from_str(body).unwrap_or_default())).collect();
            let shown = (!pages.is_empty()).then(|| pages.concat());
            if shown != *expected {
                return Err(format!("{community} in pages of {limit}\nexpected {expected:#?}\nshown {shown:#?}"));
            }
            if pages.iter().rev().skip(1).any(|page| page.len() != *limit as usize) {
                return Err(format!("{community}: a page before the last has not {limit} posts: {bodies:#?}"));
            }
            if pages.len() > 1 && pages.last().is_some_and(Vec::is_empty) {
                return Err(format!("{community}: the last page has nothing to say: {bodies:#?}"));
            }
            let without_cursors = |bodies: &[String]| bodies.iter().map(|body| without_cursor(body).to_owned()).collect::<Vec<_>>();
            if without_cursors(bodies) != without_cursors(first) {
                return Err(format!("{community}: these bytes are not those of the first program\n{bodies:#?}\n{first:#?}"));
            }
        }
    }
    Ok(())
}

/// The first pages are the same over HTTP.
async fn over_http(world: &World, communities: &[String], pages: &Pages) -> Result<(), String> {
    for (community, sizes) in communities.iter().zip(pages) {
        for (limit, bodies) in LIMITS.iter().zip(sizes) {
            let answer = world.page(community, *limit as usize, None).await;
            let same = match bodies.first() {
                Some(body) => answer.status == 200 && answer.body == *body,
                None => answer.status == 400 && answer.error() == "UnknownFeed",
            };
            if !same {
                return Err(format!("{} over HTTP: {answer:?}, not {:?}", feed_of(community), bodies.first()));
            }
        }
    }
    Ok(())
}

fn look_at(model: &Model, story: &Story, expected: &[Option<Vec<String>>], now: i64) -> Seen {
    let mut seen = Seen::default();
    for (community, feed) in story.communities.iter().zip(expected) {
        let fates = model.fates(community, now);
        let own = fates.iter().filter(|fate| **fate == Fate::Shown).count();
        seen.from_elsewhere += feed.as_ref().map_or(0, |feed| feed.len().saturating_sub(own));
        seen.closed += usize::from(feed.is_none());
        for fate in fates {
            *seen.fates.entry(fate).or_default() += 1;
        }
    }
    seen
}
