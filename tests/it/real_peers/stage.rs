//! A feed on a stage, seen as people see it: hydrated by Bluesky's AppView, page by page, logged in and logged out.

use std::time::{Duration, Instant};

use atrarium_tests::http::Answer;
use atrarium_tests::network::POST;
use atrarium_tests::peers::Peers;
use atrarium_tests::repo::{Person, tid};
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{http, records};
use serde_json::{Value, json};

use super::{HYDRATED, House, PATIENCE, SKELETON, walk};

/// Small enough for several pages.
const LIMIT: usize = 2;

/// A post as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) uri: String,
    pub(super) handle: String,
    pub(super) text: String,
}

/// A house before its peers, and the feed at which everybody looks.
pub(super) struct Stage {
    pub(super) house: House,
    pub(super) peers: Peers,
    pub(super) viewer: Person,
    pub(super) feed: String,
    /// When the first post is dated; the others follow, a second apart.
    pub(super) began: i64,
    posts: u64,
}

impl Stage {
    /// `feed` is the URI of the community's config, or of its feed.
    pub(super) fn new(house: House, peers: Peers, viewer: Person, feed: &str, now: i64) -> Self {
        Self { house, peers, viewer, feed: feed_of(feed), began: now - 600_000, posts: 0 }
    }

    /// A post that is newer than all before it, written with these fields beside its text.
    pub(super) async fn post(&mut self, author: &Person, text: &str, fields: Value) -> Seen {
        self.posts += 1;
        let record = records::with(records::post(text, self.began + self.posts as i64 * 1_000), fields);
        let uri = author.put(POST, &tid(self.posts), record).await;
        Seen { uri, handle: author.handle.clone(), text: text.to_owned() }
    }

    /// Waits until this is the feed, newest first, for everybody: by our word, logged in through the PDS, and logged out.
    pub(super) async fn shows(&self, what: &str, expected: &[&Seen]) {
        let expected: Vec<Seen> = expected.iter().map(|seen| (*seen).clone()).collect();
        let uris: Vec<String> = expected.iter().map(|seen| seen.uri.clone()).collect();
        let began = Instant::now();
        loop {
            let skeleton = self.skeleton().await;
            let logged_in = self.hydrated(true).await;
            let logged_out = self.hydrated(false).await;
            if skeleton.as_ref() == Ok(&uris) && [&logged_in, &logged_out] == [&Ok(expected.clone()), &Ok(expected.clone())] {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{what}: expected {expected:#?}\nskeleton {skeleton:#?}\nlogged in {logged_in:#?}\nlogged out {logged_out:#?}\n{}",
                self.house.program().log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until everybody is told that there is no such feed.
    pub(super) async fn is_unknown(&self, what: &str) {
        let began = Instant::now();
        loop {
            let answers = (self.skeleton().await, self.hydrated(true).await, self.hydrated(false).await);
            let unknown = "400 UnknownFeed".to_owned();
            if answers == (Err(unknown.clone()), Err(unknown.clone()), Err(unknown)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: {answers:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the AppView knows the feed, has resolved our did:web, and finds us well.
    pub(super) async fn is_announced(&self) {
        let view = self.announcement("the feed", |answer| answer.status == 200).await;
        assert_eq!((&view["view"]["did"], &view["isOnline"], &view["isValid"]), (&json!(self.house.did()), &json!(true), &json!(true)), "{view}");
    }

    /// Waits until the AppView says of the feed what it should.
    pub(super) async fn announcement(&self, what: &str, is_so: impl Fn(&Answer) -> bool) -> Value {
        let path = format!("/xrpc/app.bsky.feed.getFeedGenerator?feed={}", http::encode(&self.feed));
        let began = Instant::now();
        loop {
            let answer = http::get(self.peers.appview(), &path).await.expect("the AppView answers");
            if is_so(&answer) {
                return answer.json();
            }
            assert!(began.elapsed() < PATIENCE, "the AppView doesn't learn of {what}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn skeleton(&self) -> Result<Vec<String>, String> {
        full(walk(self.house.address(), SKELETON, &self.feed, LIMIT, None).await?).map(|pages| pages.iter().flat_map(posts_of).collect())
    }

    pub(super) async fn hydrated(&self, logged_in: bool) -> Result<Vec<Seen>, String> {
        let (address, token) = if logged_in { (self.peers.pds(), Some(self.viewer.token.as_str())) } else { (self.peers.appview(), None) };
        let pages = full(walk(address, HYDRATED, &self.feed, LIMIT, token).await?)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let posts = pages.iter().flat_map(|page| page["feed"].as_array().into_iter().flatten()).map(|item| &item["post"]);
        Ok(posts.map(|post| Seen { uri: text(&post["uri"]), handle: text(&post["author"]["handle"]), text: text(&post["record"]["text"]) }).collect())
    }
}

/// The pages, if each is full that is not the last.
fn full(pages: Vec<Value>) -> Result<Vec<Value>, String> {
    let length = |page: &Value| page["feed"].as_array().map_or(0, Vec::len);
    let but_last = pages.split_last().map_or([].as_slice(), |(_, rest)| rest);
    match but_last.iter().all(|page| length(page) == LIMIT) {
        true => Ok(pages),
        false => Err(format!("pages of {:?}", pages.iter().map(length).collect::<Vec<_>>())),
    }
}

/// An account for each name.
pub(super) async fn sign_up<const N: usize>(peers: &Peers, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::new();
    for name in names {
        people.push(peers.person(name).await);
    }
    people.try_into().expect("one for each name")
}
