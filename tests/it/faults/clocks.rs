//! The machine's clock leaps, and is set right again. A feed is a function of the time as well, so while the clock is wrong a feed shows
//! what would be so then; it must not keep anything of that afterwards.
//!
//! Soft ground: what is eight days old by the wrong clock is forgotten. It isn't lost where it lives: a community that is rebuilt has it
//! from its members' repos.

use std::slice::from_ref;

use atrarium::jetstream::Cursor;
use atrarium::store::Table;
use atrarium_tests::api::Caller;
use atrarium_tests::hosting::Hosting;
use atrarium_tests::network::{CONFIG, MEMBERSHIP, POST, did, rkey, uri};
use atrarium_tests::plc::{PASSWORD, Plc};
use atrarium_tests::process::operate;
use atrarium_tests::scene::TAG;
use atrarium_tests::signer::{METHOD, Signer};
use atrarium_tests::world::{NOW, feed_of};
use atrarium_tests::{Network, World, WorldOptions, http, records};
use serde_json::Value;

use crate::guests::world_with;

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 60 * 60 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;

/// How old the posts of the week are, in hours, the newest first. The last one's week is over a day from now, and no other's.
const AGES: [i64; 6] = [1, 30, 60, 100, 140, 160];

async fn ready(world: &World) -> http::Answer {
    http::get(world.admin, "/ready").await.expect("the admin listener answers")
}

/// A community whose owner has posted all week long.
fn week(world: &mut World) -> (String, Vec<String>) {
    let community = world.open(&did("owner"), "main", TAG);
    let posts = AGES.map(|hours| world.post(&did("owner"), &format!("p{hours:03}"), TAG, NOW - hours * HOUR_MS));
    (community, posts.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_a_day_ahead_leaves_nothing_behind() {
    let mut world = World::new().await;
    let (community, mut posts) = week(&mut world);
    let member = did("member");
    world.join(&community, &[&member]);
    let hidden = world.post(&member, "hidden", TAG, NOW - 50 * HOUR_MS);
    posts.insert(2, hidden.clone());
    world.settled().await;
    assert_eq!((world.feed(&community).await, ready(&world).await.status), (posts.clone(), 200));

    world.clock.set(NOW + DAY_MS);
    assert_eq!(world.feed(&community).await, posts[..6], "by this clock the week of one is over");
    let told = ready(&world).await;
    assert!(told.status == 503 && told.body.contains("no event from the firehose for more than"), "{told:?}");
    // What happens meanwhile counts, by its own date, and be its week over by this clock.
    posts.insert(0, world.post(&member, "meanwhile", TAG, NOW - SECOND_MS));
    let old = world.post(&member, "old", TAG, NOW - 165 * HOUR_MS);
    posts.retain(|post| *post != hidden);
    world.act(&did("owner"), "h", "hide_post", &hidden, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts[..6]);

    world.clock.set(NOW + 10 * SECOND_MS);
    posts.push(old);
    assert_eq!(world.feed(&community).await, posts, "each has been kept");
    posts.insert(0, world.post(&member, "after", TAG, NOW + SECOND_MS));
    world.settled().await;
    assert_eq!((world.feed(&community).await, ready(&world).await.status), (posts, 200));
    assert_eq!((world.dead_letters(), world.failures()), (vec![], vec![]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clock_weeks_ahead_has_swept_away_comes_back_from_the_repos_with_a_rebuild() {
    let repos = Hosting::start().await;
    let url = repos.url();
    let flags = ["--plc-url", &url, "--allow-private-network", "--relay", &url].map(str::to_owned).into();
    let mut world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
    let (owner, member) = (did("owner"), did("member"));
    let community = uri(&owner, CONFIG, "main");
    let post = |hours: i64| records::post(&format!("hello {TAG}"), NOW - hours * HOUR_MS);
    // What is told lies in the repos as well.
    let tell = |world: &mut World, did: &str, collection: &str, rkey: &str, record: Value| {
        let event = world.network.create(did, collection, rkey, record);
        repos.take(&event);
        world.publish(event);
        uri(did, collection, rkey)
    };
    tell(&mut world, &owner, CONFIG, "main", records::config("Test", TAG, NOW - WEEK_MS));
    tell(&mut world, &member, MEMBERSHIP, "in", records::membership(&community, true, NOW - WEEK_MS));
    let mut posts = AGES.map(|hours| tell(&mut world, &owner, POST, &format!("p{hours:03}"), post(hours))).to_vec();
    posts.insert(0, tell(&mut world, &member, POST, "quiet", post(0)));
    let read = |world: &World| world.rows(Table::Wants) == 0 && world.app().queue.depth() == 0;
    world.settled().await;
    world.until("the repos have been read", read).await;
    assert_eq!(world.feed(&community).await, posts);

    world.clock.set(NOW + 30 * DAY_MS);
    world.until("all posts are swept away", |world| world.rows(Table::Visible) == 0 && world.rows(Table::Records) == 2).await;
    // It comes too late to be kept, by this clock.
    posts.insert(0, tell(&mut world, &member, POST, "late", records::post(&format!("hello {TAG}"), NOW + SECOND_MS)));
    world.settled().await;

    world.clock.set(NOW + 10 * SECOND_MS);
    assert!(world.feed(&community).await.is_empty());
    assert_eq!(operate(&world.directory, "communities rebuild main").await.as_deref(), Ok("Done."));
    world.until("the repos have been read", |world| read(world) && world.shown() == posts.len()).await;
    assert_eq!(world.feed(&community).await, posts);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_makes_posts_wait_and_loses_none_though_the_program_is_started_again() {
    for behind in [HOUR_MS, DAY_MS] {
        let mut world = World::new().await;
        // Something has happened then as well, or a server that begins later would seem to have forgotten.
        world.network = Network::starting_at(NOW - behind);
        let earlier = world.network.identity(&did("owner"));
        world.publish(earlier);
        world.network = Network::starting_at(NOW - 60 * SECOND_MS);
        let community = world.open(&did("owner"), "main", TAG);
        let mut posts = vec![world.post(&did("owner"), "before", TAG, NOW - 30 * SECOND_MS)];
        world.settled().await;

        world.clock.set(NOW - behind);
        posts.insert(0, world.post(&did("owner"), "first", TAG, NOW - 20 * SECOND_MS));
        let gone = world.post(&did("owner"), "gone", TAG, NOW - 19 * SECOND_MS);
        world.until("what comes is taken, whatever its date", |world| world.shown() == 3).await;
        assert!(world.feed(&community).await.is_empty(), "by this clock none of them was written yet");
        world.stop().await;
        world.delete(&did("owner"), POST, rkey(&gone));
        world.start_again().await;
        world.until("what was deleted meanwhile is gone", |world| world.shown() == 2).await;
        posts.insert(0, world.post(&did("owner"), "second", TAG, NOW - 10 * SECOND_MS));
        world.until("what comes after the start is taken", |world| world.shown() == 3).await;

        world.clock.set(NOW + SECOND_MS);
        assert_eq!(world.feed(&community).await, posts, "{behind} ms behind");
        world.settled().await;
        let cursor: Option<Cursor> = world.app().queue.cursor().expect("a healthy disk");
        assert!(cursor.is_some_and(|cursor| cursor.time_us >= world.network.time_us()), "it reads on from the present");
        assert_eq!(world.app().health.gaps.load(std::sync::atomic::Ordering::Relaxed), 0);
        assert_eq!((world.feed(&community).await, ready(&world).await.status), (posts, 200));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_by_a_clock_that_was_ahead_does_not_wait_until_then() {
    let (mut world, _folder) = world_with(&["community-feed"]).await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let posts = [world.post(&member, "p1", TAG, NOW - 20 * SECOND_MS), world.post(&member, "p2", TAG, NOW - 30 * SECOND_MS)];
    world.settled().await;
    world.act(&owner, "h1", "hide_post", &posts[1], &community);
    world.settled().await;
    assert_eq!(world.rows(Table::Traces), 1);

    world.clock.set(NOW + DAY_MS);
    world.until("there was a sweep", |world| world.rows(Table::Traces) == 0).await;
    world.post(&owner, "trap-1", TAG, NOW - 10 * SECOND_MS);
    world.until("it has failed by itself", |world| world.failures() == [1]).await;

    world.clock.set(NOW + SECOND_MS);
    world.until("it is tried again", |world| world.failures() == [2]).await;
    assert_eq!(world.feed(&community).await, from_ref(&posts[0]));
    world.act(&owner, "h2", "hide_post", &posts[0], &community);
    world.settled().await;
    assert_eq!((world.feed(&community).await.len(), world.rows(Table::Traces)), (0, 1));
    world.clock.set(NOW + 3 * HOUR_MS);
    world.until("there was another sweep", |world| world.rows(Table::Traces) == 0).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_and_who_reads_are_nobody_by_a_wrong_clock_and_themselves_again_by_a_right_one() {
    let plc = Plc::start().await;
    let mut world = World::with(WorldOptions { flags: plc.flags_with_handles(), ..WorldOptions::default() }).await;
    let (ann, key) = (did("ann"), Signer::k256(7));
    let (method_type, text) = key.public();
    plc.open_account(&ann, "ann.test", (method_type, &text));
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 3 * DAY_MS);
    world.settled().await;
    let mut signed_in = Caller::sign_in_with_password(world.address, "ann.test", PASSWORD).await;
    let path = format!("/xrpc/{METHOD}?feed={}", feed_of(&community));
    let read = async |key: &Signer| {
        let token = format!("Bearer {}", key.token(&Signer::claims(&ann, "did:web:localhost%3A3000", NOW)));
        http::get_with(world.address, &path, &[("authorization", &token)]).await.expect("the program answers")
    };
    for (now, wrong) in [(NOW, false), (NOW + DAY_MS, true), (NOW - HOUR_MS, true), (NOW - DAY_MS, true), (NOW + 10 * SECOND_MS, false)] {
        world.clock.set(now);
        let expected = if wrong { 401 } else { 200 };
        assert_eq!(signed_in.get("/api/auth/me").await.status, expected, "{} ms", now - NOW);
        assert_eq!(read(&key).await.status, expected, "{} ms", now - NOW);
        assert_eq!(world.feed(&community).await, from_ref(&post), "everybody may read: {} ms", now - NOW);
    }
    world.until("the key is known", |world| world.app().resolver.cached(&ann).is_some_and(|outcome| outcome.is_ok())).await;
    assert_eq!(read(&Signer::k256(9)).await.error(), "BadJwtSignature", "nobody else is taken for her");
    world.stop().await;
}
