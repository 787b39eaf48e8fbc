//! Why a post is in a feed or isn't: each clause of the law, in a sentence that an owner understands.

use std::path::Path;
use std::time::{Duration, Instant};

use atrarium::dashboard::Problem;
use atrarium::dashboard::views::{ClauseCode, Explanation};
use atrarium_tests::hosting::{Hosting, Mood};
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, mixed, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use atrarium_tests::{World, WorldOptions};
use serde_json::{Value, json};

use super::{STRANGER, dashboard};

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A world in which every author has a server that can be asked, and firehose that tells what a test wants told.
struct Asked {
    world: World,
    repos: Hosting,
    community: String,
}

impl Asked {
    async fn new(flags: &[&str]) -> Self {
        let repos = Hosting::start().await;
        let url = repos.url();
        let flags = flags.iter().copied().chain(["--allow-private-network", "--plc-url", &url]).map(str::to_owned).collect();
        let mut world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
        let community = world.open(&did("owner"), "main", TAG);
        world.join(&community, &[&did("ann")]);
        Self { world, repos, community }
    }

    /// Happens in the repo, and is told or isn't.
    fn write(&mut self, told: bool, author: &str, collection: &str, rkey: &str, record: Option<Value>) -> String {
        let event = match record {
            Some(record) => self.world.network.create(author, collection, rkey, record),
            None => self.world.network.delete(author, collection, rkey),
        };
        self.repos.take(&event);
        if told {
            self.world.publish(event);
        }
        uri(author, collection, rkey)
    }

    fn post(&mut self, told: bool, author: &str, rkey: &str, created_ms: i64) -> String {
        self.write(told, author, POST, rkey, Some(records::post(&format!("hello {TAG}"), created_ms)))
    }

    async fn explain(&self, post: &str) -> Explanation {
        dashboard(&self.world).explain(STRANGER, "main", post).await.expect("it can be explained")
    }

    /// The post is out of the feed, first because of this, which the sentence says with these words.
    async fn fails(&self, post: &str, code: ClauseCode, words: &[&str]) -> Explanation {
        let explanation = self.explain(post).await;
        let first = explanation.clauses.iter().find(|clause| clause.holds == Some(false)).expect("something keeps it out");
        assert_eq!(first.code, code, "{explanation:#?}");
        assert_eq!((explanation.visible, &explanation.summary), (false, &first.message));
        for word in words {
            assert!(first.message.contains(word), "{word:?} in {explanation:#?}");
        }
        assert!(!self.world.feed(&self.community).await.contains(&post.to_owned()));
        explanation
    }

    /// The post is in the feed.
    async fn shows(&self, post: &str, words: &str) -> Explanation {
        let explanation = self.explain(post).await;
        assert!(explanation.visible && explanation.summary.contains(words), "{explanation:#?}");
        assert!(self.world.feed(&self.community).await.contains(&post.to_owned()));
        explanation
    }
}

fn holds(explanation: &Explanation, code: ClauseCode) -> Option<bool> {
    explanation.clauses.iter().find(|clause| clause.code == code).expect("every clause is there").holds
}

#[tokio::test(flavor = "multi_thread")]
async fn each_clause_of_the_law_is_explained_in_its_words() {
    let mut asked = Asked::new(&[]).await;
    let (owner, ann, ben, cat) = (did("owner"), did("ann"), did("ben"), did("cat"));
    let post = asked.post(true, &ann, "p1", NOW - 30_000);
    asked.world.settled().await;
    let explanation = asked.shows(&post, "The feed shows the post.").await;
    assert!(explanation.clauses.iter().all(|clause| clause.holds == Some(true)), "{explanation:#?}");
    assert_eq!((explanation.post, explanation.community), (post.clone(), asked.community.clone()));

    let future = asked.post(true, &ann, "p2", NOW + DAY);
    asked.world.settled().await;
    asked.fails(&future, ClauseCode::TimeWindow, &["2026-11-21T12:00:00.000Z", "appear at 2026-11-21T11:58:00.000Z"]).await;
    let strangers = asked.post(true, &ben, "p1", NOW - 30_000);
    asked.world.settled().await;
    asked.fails(&strangers, ClauseCode::AuthorMember, &["no membership record"]).await;
    asked.write(true, &ben, MEMBERSHIP, "m", Some(records::membership(&asked.community, false, NOW)));
    asked.world.settled().await;
    asked.fails(&strangers, ClauseCode::AuthorMember, &["has left"]).await;
    let other = asked.write(true, &ann, POST, "p3", Some(records::post(&format!("hello {OTHER_TAG}"), NOW)));
    asked.world.settled().await;
    asked.fails(&other, ClauseCode::Hashtag, &[TAG, OTHER_TAG]).await;

    let community = asked.community.clone();
    asked.world.act(&owner, "a1", "hide_post", &post, &community);
    asked.world.settled().await;
    asked.fails(&post, ClauseCode::NotHidden, &[&owner, "off topic", "2026-11-20T11:59:50.000Z"]).await;
    asked.world.delete(&owner, ACTION, "a1");
    asked.world.act(&owner, "a2", "block_user", &ann, &community);
    asked.world.settled().await;
    asked.fails(&post, ClauseCode::AuthorNotBlocked, &[&owner, "off topic"]).await;
    asked.world.delete(&owner, ACTION, "a2");
    asked.world.account(&ann, Some("takendown"));
    asked.world.settled().await;
    asked.fails(&post, ClauseCode::AccountActive, &["not active"]).await;
    asked.world.account(&ann, None);
    asked.world.settled().await;
    asked.shows(&post, "The feed shows the post.").await;

    asked.world.clock.set(NOW + 7 * DAY - 31_000);
    asked.shows(&post, "The feed shows the post.").await;
    // A page may be used again for a tenth of a second.
    asked.world.clock.set(NOW + 7 * DAY - 29_000);
    asked.fails(&post, ClauseCode::TimeWindow, &["left at 2026-11-27T11:59:30.000Z"]).await;
    asked.world.clock.set(NOW);

    asked.write(true, &ann, POST, "p1", None);
    asked.world.settled().await;
    asked.fails(&post, ClauseCode::PostExists, &["was deleted"]).await;
    asked.world.account(&cat, Some("deleted"));
    asked.world.settled().await;
    let explanation = asked.explain(&uri(&cat, POST, "x")).await;
    assert_eq!(holds(&explanation, ClauseCode::AccountActive), Some(true), "nothing of this account ever mattered: {explanation:#?}");
    asked.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_here_is_asked_of_the_authors_server() {
    let mut asked = Asked::new(&[]).await;
    let (ann, ben) = (did("ann"), did("ben"));
    asked.post(true, &ann, "p1", NOW - 30_000);
    asked.world.settled().await;
    let nowhere = uri(&ann, POST, "nowhere");
    asked.fails(&nowhere, ClauseCode::PostExists, &["no such post"]).await;
    // There, and never told.
    let untold = asked.post(false, &ann, "untold", NOW - 20_000);
    let explanation = asked.fails(&untold, ClauseCode::Delivered, &["not reached this host"]).await;
    assert_eq!(holds(&explanation, ClauseCode::Hashtag), Some(true));
    let old = asked.post(true, &ann, "old", NOW - 8 * DAY);
    asked.world.settled().await;
    asked.fails(&old, ClauseCode::TimeWindow, &["2026-11-12", "left at 2026-11-19"]).await;
    let plain = asked.write(true, &ann, POST, "plain", Some(records::post("no hashtag", NOW)));
    asked.world.settled().await;
    asked.fails(&plain, ClauseCode::Hashtag, &[TAG, "punctuation"]).await;
    let broken = asked.write(true, &ann, POST, "broken", Some(with(records::post(TAG, NOW), json!({ "createdAt": "yesterday" }))));
    asked.world.settled().await;
    asked.fails(&broken, ClauseCode::PostValid, &["createdAt"]).await;

    // Who can't be asked leaves unknown what only they know, and holds up nobody for long.
    let unknown = asked.post(false, &ben, "p1", NOW - 20_000);
    for (mood, words) in [(Mood::Broken, "answered 500"), (Mood::Silent, "within 3 seconds")] {
        asked.repos.mood(&ben, Some(mood));
        let began = Instant::now();
        let explanation = asked.explain(&unknown).await;
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        for code in [ClauseCode::PostExists, ClauseCode::PostValid, ClauseCode::Hashtag, ClauseCode::TimeWindow] {
            assert_eq!(holds(&explanation, code), None, "{explanation:#?}");
        }
        let exists = explanation.clauses.iter().find(|clause| clause.code == ClauseCode::PostExists).expect("it is there");
        assert!(exists.message.contains(words), "{explanation:#?}");
        assert_eq!(holds(&explanation, ClauseCode::AuthorMember), Some(false));
        assert!(!explanation.visible);
    }
    let nobody = asked.explain("at://did:plc:nobodyaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/x").await;
    assert_eq!(holds(&nobody, ClauseCode::PostExists), None);
    asked.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_about_many_slow_authors_keeps_nobody_else_from_an_answer() {
    let mut asked = Asked::new(&[]).await;
    let slow: Vec<String> = (b'a'..b'a' + 20).map(|letter| did(&format!("slow{}", char::from(letter)))).collect();
    let posts: Vec<String> = slow.iter().map(|author| asked.post(false, author, "p1", NOW - 20_000)).collect();
    slow.iter().for_each(|author| asked.repos.mood(author, Some(Mood::Silent)));
    let untold = asked.post(false, &did("ann"), "untold", NOW - 20_000);
    asked.world.settled().await;
    let api = dashboard(&asked.world);
    let greedy = futures_util::future::join_all(posts.iter().map(|post| api.explain("did:plc:greedy", "main", post)));
    let other = async {
        let began = Instant::now();
        while asked.repos.asked(&["getRecord"]).is_empty() {
            assert!(began.elapsed() < Duration::from_secs(60), "the greedy one asks nobody");
            tokio::task::yield_now().await;
        }
        asked.explain(&untold).await
    };
    let (of_greedy, explanation) = futures_util::future::join(greedy, other).await;
    assert_eq!(holds(&explanation, ClauseCode::PostExists), Some(true), "{explanation:#?}");
    let told = |words: &str| {
        let says = |explanation: &Explanation| explanation.clauses.iter().any(|clause| clause.message.contains(words));
        of_greedy.iter().flatten().filter(|explanation| says(explanation)).count()
    };
    assert_eq!((told("within 3 seconds"), told("too many are being asked")), (2, 18), "{of_greedy:#?}");
    asked.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_a_bound_pushed_out_or_a_component_could_not_take_is_told_so() {
    let components = tempfile::tempdir().expect("tests need a temporary directory");
    let hostile = Path::new(env!("OUT_DIR")).join("community-feed.wasm");
    std::fs::copy(hostile, components.path().join("community-feed.wasm")).expect("the folder is ours");
    let folder = components.path().to_string_lossy().into_owned();
    let mut asked = Asked::new(&["--posts-per-member", "2", "--held-per-author", "1", "--components", &folder]).await;
    let (ann, ben) = (did("ann"), did("ben"));
    let posts: Vec<String> = (0..3).map(|n| asked.post(true, &ann, &format!("p{n}"), NOW - 30_000 + n)).collect();
    let held: Vec<String> = (0..2).map(|n| asked.post(true, &ben, &format!("p{n}"), NOW - 30_000 + n)).collect();
    asked.world.settled().await;
    asked.fails(&posts[0], ClauseCode::WithinBounds, &["newest 2 posts", "who is a member"]).await;
    asked.shows(&posts[1], "The feed shows the post.").await;
    let explanation = asked.fails(&held[0], ClauseCode::AuthorMember, &[]).await;
    assert_eq!(holds(&explanation, ClauseCode::WithinBounds), Some(false));

    let bad = asked.post(true, &ann, "trap-1", NOW - 1_000);
    asked.world.until("it is to be tried again", |world| world.failures() == [1]).await;
    asked.fails(&bad, ClauseCode::Delivered, &["tried again", "told to trap"]).await;
    for (attempt, pause) in [(2, 1_000), (3, 6_000), (4, 31_000)] {
        asked.world.clock.set(NOW + pause);
        asked.world.until("it was tried again", |world| world.failures() == [attempt] || !world.dead_letters().is_empty()).await;
    }
    asked.fails(&bad, ClauseCode::Delivered, &["dead letters", "told to trap"]).await;
    let letters = dashboard(&asked.world).dead_letters("main", &super::everything()).expect("it is open").dead_letters;
    assert_eq!(letters.iter().map(|letter| (&letter.subject, &letter.community)).collect::<Vec<_>>(), [(&bad, &asked.community)]);
    assert_eq!(letters[0].since, "2026-11-20T12:00:31.000Z");
    assert_eq!(dashboard(&asked.world).all_dead_letters(&super::everything()).expect("it can be read").dead_letters, letters);
    asked.world.open(&did("other"), "other", OTHER_TAG);
    asked.world.settled().await;
    assert_eq!(dashboard(&asked.world).dead_letters("other", &super::everything()).expect("it is open").dead_letters, []);
    asked.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_mixed_of_others_posts_says_where_a_post_comes_from() {
    let mut asked = Asked::new(&[]).await;
    let owner = did("owner");
    let parent = asked.world.open(&did("other"), "parent", OTHER_TAG);
    asked.world.update(&owner, CONFIG, "main", mixed("main", TAG, [0, 50, 50], json!({ "parentCommunity": parent })));
    let own = asked.post(true, &did("ann"), "p1", NOW - 30_000);
    let parents = asked.world.post(&did("other"), "p2", OTHER_TAG, NOW - 20_000);
    let third = asked.world.open(&did("third"), "third", "#atrarium_33333333");
    let globals = asked.world.post(&did("third"), "p3", "#atrarium_33333333", NOW - 10_000);
    asked.world.settled().await;
    assert!(third.ends_with("/third"));
    asked.shows(&parents, "takes from the parent community").await;
    asked.shows(&globals, "takes from another community").await;
    asked.fails(&own, ClauseCode::OwnShare, &["no share"]).await;
    let community = asked.community.clone();
    asked.world.act(&owner, "a1", "hide_post", &globals, &community);
    asked.world.settled().await;
    let explanation = asked.explain(&globals).await;
    assert_eq!((explanation.visible, holds(&explanation, ClauseCode::NotHidden)), (false, Some(false)));
    asked.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_posts_of_open_communities_are_explained() {
    let asked = Asked::new(&[]).await;
    let ann = did("ann");
    for post in [
        "",
        "p1",
        "at://alice.test/app.bsky.feed.post/x",
        &uri(&ann, CONFIG, "x"),
        &uri(&ann, POST, "x/y"),
        &uri(&ann, POST, "a b"),
        &uri(&ann, POST, &"x".repeat(513)),
    ] {
        let refused = dashboard(&asked.world).explain(STRANGER, "main", post).await;
        assert!(matches!(refused, Err(Problem::Unprocessable(_)) | Err(Problem::NotFound { .. })), "{post}: {refused:?}");
    }
    let refused = dashboard(&asked.world).explain(STRANGER, "nowhere", &uri(&ann, POST, "x")).await;
    assert!(matches!(refused, Err(Problem::NotFound { .. })));
    let mut asked = asked;
    asked.world.stop().await;
}
