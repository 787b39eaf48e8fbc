//! Who reads: pages of all feeds, walks through whole ones, what the API shows, and a stream of what happens.
//!
//! A request that fails while nothing was done to the program is a fault, with its answer; the others are counted apart. A walk is
//! through a quiet community's feed, which repeats no post whatever happens meanwhile, though the program dies in its middle.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atrarium_tests::http::{self, Answer, Kept};
use atrarium_tests::world::{feed_of, posts_of};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::house::{Door, Life};
use super::story::{community, is_quiet};

/// Faults whose words are kept.
const TOLD: usize = 20;

/// What all readers have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Microseconds of each good page.
    pub(crate) times: Vec<u32>,
    pub(crate) faults: Faults,
    /// Requests that failed while the program was harmed.
    pub(crate) interrupted: u64,
    pub(crate) walks: u64,
    /// Posts that came twice in a walk.
    pub(crate) repeats: Faults,
    pub(crate) calls: u64,
    /// What streams have told, in events.
    pub(crate) events: u64,
}

/// What went wrong and mustn't.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) count: u64,
    /// The words of the first.
    pub(crate) first: Vec<String>,
}

impl Faults {
    pub(crate) fn add(&mut self, words: String) {
        self.count += 1;
        if self.first.len() < TOLD {
            self.first.push(words);
        }
    }
}

/// Somebody with a connection that stays.
#[derive(Debug)]
pub(crate) struct Reader {
    door: Door,
    communities: usize,
    random: SmallRng,
    seen: Arc<Mutex<Seen>>,
    connection: Kept,
    /// In which the connection was made.
    life: Life,
}

pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reader {
    pub(crate) fn new(door: Door, communities: usize, seed: u64, seen: Arc<Mutex<Seen>>) -> Self {
        let (connection, life) = (Kept::new(door.address), door.life());
        Self { door, communities, random: SmallRng::seed_from_u64(seed), seen, connection, life }
    }

    /// Reads the first pages of any feeds, so many pages a second.
    pub(crate) async fn read(mut self, rate: f64) {
        let mut due = paced(rate);
        loop {
            let feed = feed_of(&community(self.random.random_range(0..self.communities)));
            let mut cursor = String::new();
            for _ in 0..3 {
                due.tick().await;
                let Some(page) = self.page(&feed, 50, &cursor).await else { break };
                match next(&page) {
                    Some(next) => cursor = next,
                    None => break,
                }
            }
        }
    }

    /// Walks through quiet feeds, so many pages a second.
    pub(crate) async fn walk(mut self, rate: f64) {
        let mut due = paced(rate);
        loop {
            let index = self.random.random_range(0..self.communities);
            if !is_quiet(index) {
                continue;
            }
            let feed = feed_of(&community(index));
            let limit = self.random.random_range(5..=50);
            let (mut shown, mut cursor) = (BTreeSet::new(), String::new());
            loop {
                due.tick().await;
                // Who was interrupted asks for the same page again.
                let Some(page) = self.page(&feed, limit, &cursor).await else { continue };
                for post in posts_of(&page.json()) {
                    if !shown.insert(post.clone()) {
                        lock(&self.seen).repeats.add(format!("{post} in {feed}"));
                    }
                }
                match next(&page) {
                    Some(next) => cursor = next,
                    None => break,
                }
            }
            lock(&self.seen).walks += 1;
        }
    }

    async fn page(&mut self, feed: &str, limit: usize, cursor: &str) -> Option<Answer> {
        let life = self.door.safe().await;
        if std::mem::replace(&mut self.life, life).number != life.number {
            self.connection = Kept::new(self.door.address);
        }
        let began = Instant::now();
        let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}&limit={limit}{cursor}");
        let answer = self.connection.get(&path).await;
        let took = began.elapsed();
        let mut seen = lock(&self.seen);
        match answer {
            Ok(answer) if answer.status == 200 => {
                seen.times.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
                return Some(answer);
            }
            answer if self.door.is_to_blame(life) => seen.faults.add(format!("{path}: {answer:?}")),
            _ => seen.interrupted += 1,
        }
        None
    }
}

/// Somebody who is signed in, with the tokens that owners have, and looks at their community.
pub(crate) async fn look(door: Door, tokens: super::owners::Tokens, seen: Arc<Mutex<Seen>>, seed: u64, rate: f64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut due = paced(rate);
    loop {
        due.tick().await;
        let life = door.safe().await;
        let Some((index, token)) = tokens.any(&mut random) else { continue };
        let what = ["", "/members?limit=20", "/posts?limit=20", "/stats", "/feed-mix"][random.random_range(0..5)];
        let path = format!("/api/communities/c{index}{what}");
        let answer = http::get_with(door.address, &path, &[("authorization", &format!("Bearer {token}"))]).await;
        let mut seen = lock(&seen);
        match answer {
            // A token lives for minutes; who owns it gets another.
            Ok(answer) if matches!(answer.status, 200 | 401) => seen.calls += 1,
            answer if door.is_to_blame(life) => seen.faults.add(format!("{path}: {answer:?}")),
            _ => seen.interrupted += 1,
        }
    }
}

/// Listens to what happens in a community for as long as the stream lasts, then to another.
pub(crate) async fn listen(door: Door, tokens: super::owners::Tokens, seen: Arc<Mutex<Seen>>, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut due = paced(1.0);
    loop {
        due.tick().await;
        door.safe().await;
        let Some((index, token)) = tokens.any(&mut random) else { continue };
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("accept", "text/event-stream")];
        let request = http::request("GET", &format!("/api/communities/c{index}/events"), &headers, "");
        let Ok(mut stream) = TcpStream::connect(door.address).await else { continue };
        if stream.write_all(request.as_bytes()).await.is_err() {
            continue;
        }
        let mut bytes = [0; 8 << 10];
        // Streams end with the program, and with the token.
        while let Ok(read @ 1..) = stream.read(&mut bytes).await {
            lock(&seen).events += String::from_utf8_lossy(&bytes[..read]).matches("event:").count() as u64;
        }
    }
}

fn paced(rate: f64) -> tokio::time::Interval {
    let mut due = interval(Duration::from_secs_f64(1.0 / rate));
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due
}

/// The part of a query that asks for what follows on this page.
pub(crate) fn next(page: &Answer) -> Option<String> {
    page.json()["cursor"].as_str().map(|cursor| format!("&cursor={cursor}"))
}
