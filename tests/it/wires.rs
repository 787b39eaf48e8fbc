//! Both wires of Jetstream, and the change from one to the other: the feed is the same whichever brought the events, nothing is
//! lost or asked for twice, and what no server has any more is told.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use atrarium::demo::server::Server;
use atrarium::jetstream::{self, Backoff, Cursor, Gap, Health, Intake, KnownDids, Refusal, Settings};
use atrarium_tests::jetstream_v2::{self, Behaviour};
use atrarium_tests::network::{POST, did, uri};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::{Follows, NOW};
use atrarium_tests::{Network, World, WorldOptions, records};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How much before the last event a new connection may ask to start.
const LITTLE_US: u64 = 10_000_000;

async fn world(follows: Follows) -> World {
    World::following(follows, WorldOptions::default()).await
}

fn v2(world: &World) -> &jetstream_v2::Server {
    world.v2.as_ref().expect("this world has one")
}

fn cursor(world: &World) -> Cursor {
    world.app().queue.cursor().expect("the database is open").expect("events have come")
}

/// Where a subscription starts.
fn start_of(request: &str) -> u64 {
    request.rsplit_once("cursor=").and_then(|(_, cursor)| cursor.parse().ok()).unwrap_or_else(|| panic!("no cursor in {request}"))
}

fn assert_a_little_before(request: &str, last_us: u64) {
    assert!((last_us - LITTLE_US..last_us).contains(&start_of(request)), "{request} starts not a little before {last_us}");
}

fn nothing_was_refused(world: &World) {
    let refused: Vec<_> = Refusal::ALL.into_iter().filter(|reason| world.app().health.refused(*reason) > 0).collect();
    assert_eq!(refused, []);
}

/// A bit of everything that moves a feed; answers the community.
fn everyday(world: &mut World) -> String {
    let (owner, moderated, gone, back) = (did("owner"), did("moderated"), did("gone"), did("back"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&moderated, &gone, &back]);
    world.post(&owner, "p1", TAG, NOW - 30_000);
    world.post(&owner, "deleted", TAG, NOW - 29_000);
    world.delete(&owner, POST, "deleted");
    let hidden = world.post(&moderated, "hidden", TAG, NOW - 28_000);
    world.act(&owner, "a", "hide_post", &hidden, &community);
    world.post(&moderated, "edited", TAG, NOW - 27_000);
    world.update(&moderated, POST, "edited", records::post("no tag any more", NOW - 27_000));
    world.post(&gone, "p2", TAG, NOW - 26_000);
    world.account(&gone, Some("deactivated"));
    world.post(&back, "p3", TAG, NOW - 25_000);
    world.account(&back, Some("deactivated"));
    world.account(&back, None);
    let identity = world.network.identity(&owner);
    world.publish(identity);
    let like = world.network.like(&owner);
    world.publish(like);
    world.post(&did("stranger"), "p4", TAG, NOW - 24_000);
    community
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_the_same_over_either_wire() {
    for follows in [Follows::V1, Follows::V2] {
        let mut world = world(follows).await;
        let community = everyday(&mut world);
        world.settled().await;
        assert_eq!(world.feed(&community).await, [uri(&did("back"), POST, "p3"), uri(&did("owner"), POST, "p1")], "{follows:?}");
        let health = &world.app().health;
        assert_eq!((health.identities.load(Relaxed), health.failures.load(Relaxed), health.gaps.load(Relaxed)), (1, 0, 0), "{follows:?}");
        nothing_was_refused(&world);
        let (v1, v2) = (world.server.requests().len(), world.v2.as_ref().map_or(0, |v2| v2.requests().len()));
        assert_eq!((v1, v2), if follows == Follows::V1 { (1, 0) } else { (0, 1) });
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_v2_server_is_asked_as_its_lexicon_says_and_told_nothing() {
    let mut world = world(Follows::V2).await;
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    // The server refuses a parameter that it doesn't know, so this is only what it can't tell.
    let request = &v2(&world).requests()[0];
    for part in ["collections=app.bsky.feed.post&", "kinds=sync&", "zstdDictionary=20260811&"] {
        assert!(request.contains(part), "{request}");
    }
    assert!(!request.contains("wanted"), "{request}");
    assert_eq!((v2(&world).agreed(), v2(&world).intrusions()), (1, 0));
    // The like of `everyday` is one thing that isn't sent to who asks like this.
    let like = world.network.like(&did("owner"));
    world.publish(like);
    world.settled().await;
    assert_eq!(world.app().health.frames.load(Relaxed), 4, "a config, a post, and two that end the waiting");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_at_the_very_event() {
    let mut world = world(Follows::V2).await;
    let community = world.open(&did("owner"), "main", TAG);
    let first = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    let mark = cursor(&world).mark.expect("a v2 server numbers its events");
    assert_eq!(mark.seq, v2(&world).last_seq());
    world.stop().await;
    let missed = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.start_again().await;
    world.settled().await;
    assert_eq!(start_of(&v2(&world).requests()[1]), mark.seq);
    assert_eq!(world.feed(&community).await, [missed, first]);
    assert_eq!(world.app().health.frames.load(Relaxed), 3, "the last one again, what was missed, and what ends the waiting");
    assert_eq!(world.app().health.gaps.load(Relaxed), 0);
    world.stop().await;
}

/// Changes from server to server and back while posts are published, which one server sees earlier or later than the other.
async fn change(follows: Follows, skew_us: i64) {
    let mut world = world(follows).await;
    v2(&world).skew(skew_us);
    let community = world.open(&did("owner"), "main", TAG);
    let mut posts = publish(&mut world, 0);
    let servers = [world.server.endpoint(), v2(&world).endpoint()];
    let (mut here, mut requests) = if follows == Follows::V1ThenV2 { (0, [1, 0]) } else { (1, [0, 1]) };
    all_shown(&world, &posts, &servers[here]).await;
    for _ in 0..3 {
        posts.extend(publish(&mut world, posts.len()));
        // Some of these have been read, perhaps, and some not.
        match here {
            0 => world.server.disconnect_all(),
            _ => v2(&world).disconnect_all(),
        }
        posts.extend(publish(&mut world, posts.len()));
        here = 1 - here;
        requests[here] += 1;
        match here {
            0 => drop(world.server.wait_for_requests(requests[here]).await),
            _ => drop(v2(&world).wait_for_requests(requests[here]).await),
        }
        posts.extend(publish(&mut world, posts.len()));
        all_shown(&world, &posts, &servers[here]).await;
        assert_eq!(cursor(&world).mark.is_some(), here == 1);
        assert_eq!([world.server.requests().len(), v2(&world).requests().len()], requests, "nobody is asked out of turn");
    }
    for request in world.server.requests().iter().chain(&v2(&world).requests()) {
        assert!(start_of(request) >= 1_000_000_000_000_000, "{request} asks another server for a number");
    }
    posts.reverse();
    assert_eq!(world.feed(&community).await, posts, "{follows:?}");
    assert_eq!(world.app().health.gaps.load(Relaxed), 0);
    nothing_was_refused(&world);
    world.stop().await;
}

/// Ten more posts after so many.
fn publish(world: &mut World, before: usize) -> Vec<String> {
    (before..before + 10).map(|number| world.post(&did("owner"), &format!("p{number:03}"), TAG, NOW - 30_000 + number as i64)).collect()
}

/// Waits until as many posts are shown, and the cursor is of this server. Times differ between servers, so they don't say that all
/// has come.
async fn all_shown(world: &World, posts: &[String], here: &str) {
    let stored = |world: &World| world.app().queue.cursor::<Cursor>().ok().flatten().is_some_and(|cursor| cursor.endpoint == here);
    world.until("all is in the index, and from here", |world| world.shown() == posts.len() && stored(world)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_over_between_the_wires_loses_nothing_and_doubles_nothing() {
    tokio::join!(
        change(Follows::V1ThenV2, 0),
        change(Follows::V2ThenV1, 0),
        // No two servers see an event at the same time, and one may be far behind the other.
        change(Follows::V1ThenV2, 2_000_000),
        change(Follows::V2ThenV1, -2_000_000),
        change(Follows::V1ThenV2, -50_000_000),
        change(Follows::V2ThenV1, 50_000_000),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_forgotten_our_place_is_read_on_and_the_gap_is_told_once() {
    let mut world = world(Follows::V2).await;
    let community = world.open(&did("owner"), "main", TAG);
    let first = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    let before = cursor(&world);
    let mark = before.mark.expect("a v2 server numbers its events");
    world.stop().await;

    world.post(&did("owner"), "lost", TAG, NOW - 25_000);
    v2(&world).forget();
    let kept = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    let kept_us = world.network.time_us();
    world.start_again().await;
    let live = world.post(&did("owner"), "p3", TAG, NOW - 10_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [live, kept, first], "all that the server has, and all that came before");
    let requests = v2(&world).requests();
    assert_eq!((requests.len(), start_of(&requests[1])), (3, mark.seq));
    assert_a_little_before(&requests[2], before.time_us);
    let health = &world.app().health;
    assert_eq!((health.gaps.load(Relaxed), health.last_gap()), (1, Some(Gap { after_us: before.time_us, until_us: kept_us })));

    // The place is a good one from now on.
    v2(&world).disconnect_all();
    v2(&world).wait_for_requests(4).await;
    world.settled().await;
    assert_eq!(world.app().health.gaps.load(Relaxed), 1);
    assert!(start_of(&v2(&world).requests()[3]) < 1_000_000_000_000_000);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_v1_server_that_has_forgotten_our_place_without_a_word_is_found_out() {
    let mut world = world(Follows::V1).await;
    world.network = Network::starting_at(NOW - 600_000);
    let community = world.open(&did("owner"), "main", TAG);
    let first = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    let last_us = world.network.time_us();
    assert_eq!(world.app().health.gaps.load(Relaxed), 0, "who has read nothing yet has missed nothing");
    world.stop().await;

    let nothing = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    world.server = Server::start(nothing).expect("a listener that was just bound");
    world.network = Network::starting_at(NOW - 60_000);
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    let second_us = world.network.time_us();
    world.start_again().await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [second, first]);
    let health = &world.app().health;
    assert_eq!((health.gaps.load(Relaxed), health.last_gap()), (1, Some(Gap { after_us: last_us, until_us: second_us })));
    // All tests of this process share it, so this may be when another found one; but in seconds it is.
    let found = world.counted("atrarium_jetstream_gap_timestamp_seconds", &[]).await;
    assert!((1_000_000_000..100_000_000_000).contains(&found), "no time since 1970 in seconds: {found}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_numbers_anew_is_found_out_and_nothing_is_skipped() {
    for by in [-3, -1_000_000, 3, 1_000_000] {
        let mut world = world(Follows::V2).await;
        let community = world.open(&did("owner"), "main", TAG);
        let mut posts = vec![world.post(&did("owner"), "p0", TAG, NOW - 30_000)];
        world.settled().await;
        world.stop().await;
        for number in 1..10 {
            posts.push(world.post(&did("owner"), &format!("p{number}"), TAG, NOW - 30_000 + number));
        }
        v2(&world).number_anew(by);
        world.start_again().await;
        if by < -1_000 {
            // All was forgotten with the numbers, and this is what a server does that begins from nothing.
            posts.truncate(1);
        }
        posts.push(world.post(&did("owner"), "last", TAG, NOW - 10_000));
        world.settled().await;
        posts.reverse();
        assert_eq!(world.feed(&community).await, posts, "{by}");
        let requests = v2(&world).requests();
        assert!(start_of(&requests[1]) < 1_000_000_000_000_000 && start_of(&requests[2]) >= 1_000_000_000_000_000, "{requests:?}");
        assert_eq!(requests.len(), 3);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_and_unknown_words_are_counted_and_end_nothing() {
    let mut world = world(Follows::V2).await;
    let community = world.open(&did("owner"), "main", TAG);
    let first = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    let server = v2(&world);
    server.say("<html>502 Bad Gateway</html>");
    server.say_bytes(b"junk");
    server.say_bytes(b"");
    server.say("[]");
    server.say(r#"{"$type":"heartbeat"}"#);
    server.say(r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#poll","seq":"x"}}"#);
    server.say(r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#info","name":"Maintenance"}}"#);
    server.say(r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","seq":-1,"did":"did:plc:a"}}"#);
    // One whose frame would have 5 MiB isn't sent at all.
    world.create(&did("owner"), POST, "large", records::post(&"x".repeat(5 << 20), NOW - 25_000));
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [second, first]);
    let health = &world.app().health;
    let refused = [Refusal::NotJson, Refusal::NotZstd, Refusal::WrongType].map(|reason| health.refused(reason));
    assert_eq!((refused, health.unknown.load(Relaxed)), ([2, 1, 2], 3));
    assert_eq!((health.failures.load(Relaxed), v2(&world).requests().len(), v2(&world).intrusions()), (0, 1, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_the_stream_goes_on_where_it_ended() {
    let mut world = world(Follows::V2).await;
    let community = world.open(&did("owner"), "main", TAG);
    let first = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    for (round, name) in ["ConsumerTooSlow", "NeverHeardOf"].into_iter().enumerate() {
        let seq = cursor(&world).mark.map(|mark| mark.seq);
        v2(&world).fail(name);
        let requests = v2(&world).wait_for_requests(round + 2).await;
        assert_eq!(Some(start_of(&requests[round + 1])), seq, "{name}");
        world.settled().await;
    }
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [second, first]);
    assert_eq!((world.app().health.notices.load(Relaxed), world.app().health.failures.load(Relaxed)), (2, 2));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_left_out() {
    let check = async |behaviour: Behaviour, compressed: &[bool]| {
        let mut world = world(Follows::V2).await;
        let community = world.open(&did("owner"), "main", TAG);
        world.settled().await;
        world.stop().await;
        v2(&world).behave(behaviour);
        world.start_again().await;
        let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
        world.settled().await;
        assert_eq!(world.feed(&community).await, [post], "{behaviour:?}");
        let asked: Vec<bool> = v2(&world).requests()[1..].iter().map(|request| request.contains("zstdDictionary")).collect();
        assert_eq!(asked, compressed, "{behaviour:?}");
        assert_eq!(world.app().health.gaps.load(Relaxed), 0, "{behaviour:?}");
        nothing_was_refused(&world);
        world.stop().await;
    };
    let retired_dictionary = true;
    tokio::join!(
        check(Behaviour { retired_dictionary, ..Behaviour::default() }, &[true, false]),
        // It might as well be the number that it doesn't like.
        check(Behaviour { retired_dictionary, speechless: true, ..Behaviour::default() }, &[true, true, false]),
        check(Behaviour { ignores_subprotocol: true, ..Behaviour::default() }, &[true, true]),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_without_a_word_is_no_gap_unless_the_server_begins_too_late() {
    let mut world = world(Follows::V2).await;
    let community = world.open(&did("owner"), "main", TAG);
    world.settled().await;
    let after_us = world.network.time_us();
    world.stop().await;
    v2(&world).behave(Behaviour { speechless: true, ..Behaviour::default() });
    v2(&world).forget();
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    let until_us = world.network.time_us();
    world.start_again().await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    assert_eq!((world.app().health.gaps.load(Relaxed), world.app().health.last_gap()), (1, Some(Gap { after_us, until_us })));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_server_still_gathers_its_archive_the_next_is_followed() {
    let mut world = world(Follows::V2ThenV1).await;
    let community = world.open(&did("owner"), "main", TAG);
    world.settled().await;
    v2(&world).behave(Behaviour { bootstrapping: true, ..Behaviour::default() });
    world.stop().await;
    world.start_again().await;
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    assert_eq!(cursor(&world).endpoint, world.server.endpoint());
    assert_eq!((v2(&world).requests().len(), world.server.requests().len()), (2, 1), "it isn't asked for less, since less wouldn't help");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repo_that_has_lost_its_history_is_handed_on_if_we_hold_something_of_it() {
    let mut world = world(Follows::V2).await;
    world.open(&did("owner"), "main", TAG);
    for who in ["stranger", "owner", "owner"] {
        let sync = world.network.sync(&did(who));
        world.publish(sync);
    }
    world.settled().await;
    assert_eq!(world.app().health.resyncs.load(Relaxed), 2);
    nothing_was_refused(&world);
    world.stop().await;
}

/// The receiver alone, from this cursor.
async fn intakes_of(server: &jetstream_v2::Server, resume: Option<Cursor>, until: impl Fn(&Intake) -> bool) -> Vec<Intake> {
    let (send, mut receive) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let settings = Settings {
        backoff: Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(4), ..Backoff::default() },
        now_us: Arc::new(|| NOW as u64 * 1_000),
        ..Settings::new(vec![server.endpoint().parse().expect("a server's own address")])
    };
    let task = tokio::spawn(jetstream::receive(settings, resume, KnownDids::from_iter([did("owner")]), send, Arc::new(Health::default()), stop.clone()));
    let mut intakes = Vec::new();
    while intakes.last().is_none_or(|intake| !until(intake)) {
        let intake = tokio::time::timeout(Duration::from_secs(20), receive.recv()).await.expect("an intake comes");
        intakes.push(intake.expect("the receiver runs on"));
    }
    stop.cancel();
    task.await.expect("it ends without a panic");
    intakes
}

#[tokio::test(flavor = "multi_thread")]
async fn resyncs_and_gaps_go_with_the_cursor_that_leaves_them_behind() {
    let server = jetstream_v2::Server::start().await;
    let mut network = Network::starting_at(NOW - 60_000);
    server.publish(&network.like(&did("owner")));
    server.publish(&network.account(&did("stranger"), None));
    server.forget();
    let stored = Cursor { endpoint: server.endpoint(), time_us: network.time_us() - 500, mark: Some(jetstream::Mark { seq: 1, time_us: 1 }) };
    server.publish(&network.sync(&did("stranger")));
    let first_us = network.time_us();
    server.publish(&network.sync(&did("owner")));
    server.publish(&network.sync(&did("owner")));
    let last_us = network.time_us();

    let intakes = intakes_of(&server, Some(stored.clone()), |intake| intake.cursor.time_us == last_us).await;
    let resync: Vec<&String> = intakes.iter().flat_map(|intake| &intake.resync).collect();
    assert_eq!(resync, [&did("owner")]);
    let gaps: Vec<(Gap, u64)> = intakes.iter().filter_map(|intake| Some((intake.gap?, intake.cursor.time_us))).collect();
    let gap = Gap { after_us: stored.time_us, until_us: first_us };
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].0 == gap && gaps[0].1 >= first_us, "{gaps:?}");

    // Who stores the last of these is told neither again.
    let resumed = intakes.last().map(|intake| intake.cursor.clone());
    server.publish(&network.account(&did("owner"), None));
    let intakes = intakes_of(&server, resumed, |intake| !intake.events.is_empty()).await;
    assert!(intakes.iter().all(|intake| intake.gap.is_none()));
}
