//! A community's life on a real PDS, seen as people see it: hydrated by Bluesky's AppView, page by page.

use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST};
use atrarium_tests::peers::Peers;
use atrarium_tests::repo::{Person, tid};
use atrarium_tests::world::{feed_of, posts_of};
use atrarium_tests::{http, records};
use serde_json::{Value, json};

use super::{HYDRATED, House, PATIENCE, SKELETON, TAG, found, walk};

/// Small enough for several pages.
const LIMIT: usize = 2;

/// A post as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    uri: String,
    handle: String,
    text: String,
}

struct Stage {
    house: House,
    peers: Peers,
    viewer: Person,
    feed: String,
    /// When the first post is dated; the others follow, a second apart.
    began: i64,
    posts: u64,
}

impl Stage {
    /// A post that is newer than all before it, written with these fields beside its text.
    async fn post(&mut self, author: &Person, text: &str, fields: Value) -> Seen {
        self.posts += 1;
        let record = records::with(records::post(text, self.began + self.posts as i64 * 1_000), fields);
        let uri = author.put(POST, &tid(self.posts), record).await;
        Seen { uri, handle: author.handle.clone(), text: text.to_owned() }
    }

    /// Waits until this is the feed, newest first, for everybody: by our word, logged in through the PDS, and logged out.
    async fn shows(&self, what: &str, expected: &[&Seen]) {
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
    async fn is_unknown(&self, what: &str) {
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

    async fn skeleton(&self) -> Result<Vec<String>, String> {
        full(walk(self.house.address(), SKELETON, &self.feed, LIMIT, None).await?).map(|pages| pages.iter().flat_map(posts_of).collect())
    }

    async fn hydrated(&self, logged_in: bool) -> Result<Vec<Seen>, String> {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_community_lives_on_a_real_pds_and_is_read_through_a_real_appview() {
    let peers = Peers::start().await;
    let house = House::before(&peers).await;
    let [owner, mia, ann, ben, cat, dan, eve, viewer] = sign_up(&peers, ["olga", "mia", "ann", "ben", "cat", "dan", "eve", "viewer"]).await;
    let now = Clock::system().now_ms();
    let feed = feed_of(&owner.uri(CONFIG, "moths"));
    let mut stage = Stage { house, peers, viewer, feed, began: now - 600_000, posts: 0 };

    // The feed is announced before there is a community.
    let generator = json!({ "$type": "app.bsky.feed.generator", "did": stage.house.did(), "displayName": "Night moths", "createdAt": records::datetime(now) });
    owner.put("app.bsky.feed.generator", "moths", generator).await;
    stage.is_announced().await;
    stage.is_unknown("before the config is written").await;

    let community = found(&owner, &[&mia], &[&ann, &ben, &cat], now).await;
    stage.shows("the community opens", &[]).await;

    // The hashtag in each of its three places. Eve is a stranger, and Dan isn't a member yet.
    let word = TAG.trim_start_matches('#');
    let eves = stage.post(&eve, &format!("a stranger's moth {TAG}"), json!({})).await;
    let dans = stage.post(&dan, &format!("before I join {TAG}"), json!({})).await;
    let ann1 = stage.post(&ann, &format!("a hawk moth {TAG}"), json!({})).await;
    let facet = json!({ "index": { "byteStart": 0, "byteEnd": 4 }, "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": word }] });
    let ann2 = stage.post(&ann, "moth, as a facet", json!({ "facets": [facet] })).await;
    let ben1 = stage.post(&ben, "a tag outside the text", json!({ "tags": [word] })).await;
    let ben2 = stage.post(&ben, &format!("buy my lamps {TAG}"), json!({})).await;
    let cat1 = stage.post(&cat, &format!("mistaken for a butterfly {TAG}"), json!({})).await;
    stage.post(&cat, "nothing to do with it", json!({})).await;
    let mia1 = stage.post(&mia, &format!("夜の蛾 🦋 {TAG}"), json!({})).await;
    let owner1 = stage.post(&owner, &format!("welcome {TAG}"), json!({})).await;
    stage.shows("members' posts, newest first", &[&owner1, &mia1, &cat1, &ben2, &ben1, &ann2, &ann1]).await;

    dan.put(MEMBERSHIP, "moths", records::membership(&community, true, now)).await;
    stage.shows("who joins brings their posts along", &[&owner1, &mia1, &cat1, &ben2, &ben1, &ann2, &ann1, &dans]).await;

    eve.put(ACTION, "a1", records::action("hide_post", &owner1.uri, &community, now)).await;
    ann.put(ACTION, "a1", records::action("hide_post", &cat1.uri, &community, now)).await;
    mia.put(ACTION, "a1", records::action("hide_post", &ben2.uri, &community, now)).await;
    stage.shows("a moderator hides a post; others can't", &[&owner1, &mia1, &cat1, &ben1, &ann2, &ann1, &dans]).await;

    cat.delete(POST, atrarium_tests::network::rkey(&cat1.uri)).await;
    stage.shows("a deleted post leaves", &[&owner1, &mia1, &ben1, &ann2, &ann1, &dans]).await;

    let ann1_at = stage.began + 3_000;
    let rkey = atrarium_tests::network::rkey(&ann1.uri);
    ann.put(POST, rkey, records::post("a hawk moth", ann1_at)).await;
    stage.shows("a post whose tag is edited away leaves", &[&owner1, &mia1, &ben1, &ann2, &dans]).await;

    dan.put(MEMBERSHIP, "moths", records::membership(&community, false, now)).await;
    stage.shows("who leaves takes their posts along", &[&owner1, &mia1, &ben1, &ann2]).await;

    ben.deactivate().await;
    stage.shows("a deactivated account's posts leave", &[&owner1, &mia1, &ann2]).await;

    // And back again.
    ben.activate().await;
    stage.shows("they come back with the account, but for the hidden one", &[&owner1, &mia1, &ben1, &ann2]).await;
    ann.put(POST, rkey, records::post(&ann1.text, ann1_at)).await;
    dan.delete(MEMBERSHIP, "moths").await;
    dan.put(MEMBERSHIP, "again", records::membership(&community, true, now)).await;
    stage.shows("the tag comes back, and so does a member", &[&owner1, &mia1, &ben1, &ann2, &ann1, &dans]).await;
    mia.delete(ACTION, "a1").await;
    stage.shows("an action that is deleted is undone", &[&owner1, &mia1, &ben2, &ben1, &ann2, &ann1, &dans]).await;

    stage.house.kill().await;
    stage.house.start().await;
    stage.shows("a killed program goes on where it was", &[&owner1, &mia1, &ben2, &ben1, &ann2, &ann1, &dans]).await;

    owner.delete(CONFIG, "moths").await;
    stage.is_unknown("the community is closed").await;
    let eve_joins = records::membership(&community, true, now);
    eve.put(MEMBERSHIP, "moths", eve_joins).await;
    found(&owner, &[&mia], &[], now).await;
    stage.shows("it opens again with all that was written meanwhile", &[&owner1, &mia1, &ben2, &ben1, &ann2, &ann1, &dans, &eves]).await;
}

async fn sign_up<const N: usize>(peers: &Peers, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::new();
    for name in names {
        people.push(peers.person(name).await);
    }
    people.try_into().expect("one for each name")
}

impl Stage {
    /// Waits until the AppView knows the feed, has resolved our did:web, and finds us well.
    async fn is_announced(&self) {
        let path = format!("/xrpc/app.bsky.feed.getFeedGenerator?feed={}", http::encode(&self.feed));
        let began = Instant::now();
        loop {
            let answer = http::get(self.peers.appview(), &path).await.expect("the AppView answers");
            let view = answer.json();
            if answer.status == 200 {
                assert_eq!((&view["view"]["did"], &view["isOnline"], &view["isValid"]), (&json!(self.house.did()), &json!(true), &json!(true)), "{view}");
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the AppView doesn't learn of the feed: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
