//! A firehose that goes away, lies, stutters or falls silent: the feed is right in the end, and nothing is asked for twice that
//! need not be.

use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use atrarium::demo::script::{Action, Script};
use atrarium::demo::server::Server;
use atrarium::jetstream::{Cursor, Refusal};
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use atrarium_tests::{Network, World, WorldOptions, http, records};
use tokio::net::TcpListener;

/// How much before the last event a new connection to the same server may ask to start.
const LITTLE_US: u64 = 10_000_000;

/// The shortest that the program takes.
const IDLE: &[&str] = &["--idle-timeout-secs", "5"];

/// A community, a member and their first post, as events.
struct Opening {
    network: Network,
    community: String,
    events: Vec<String>,
}

fn opening() -> Opening {
    let mut network = Network::starting_at(NOW - 60_000);
    let (owner, member) = (did("owner"), did("member"));
    let community = uri(&owner, CONFIG, "main");
    let events = vec![
        network.create(&owner, CONFIG, "main", records::config("Test", TAG, NOW - 50_000)),
        network.create(&member, MEMBERSHIP, "m", records::membership(&community, true, NOW - 40_000)),
        network.create(&member, POST, "p1", records::post(&format!("first {TAG}"), NOW - 30_000)),
    ];
    Opening { network, community, events }
}

fn sends(events: &[String]) -> impl Iterator<Item = Action> {
    events.iter().cloned().map(Action::Send)
}

async fn world(scripts: Vec<Script>, flags: &[&str], network: Network) -> World {
    let mut world = World::with(WorldOptions { scripts, flags: flags.iter().map(ToString::to_string).collect(), ..WorldOptions::default() }).await;
    world.network = network;
    world
}

/// Where a subscription starts.
fn cursor_of(request: &str) -> u64 {
    request.rsplit_once("cursor=").and_then(|(_, cursor)| cursor.parse().ok()).unwrap_or_else(|| panic!("no cursor in {request}"))
}

fn assert_a_little_before(request: &str, last_us: u64) {
    let cursor = cursor_of(request);
    assert!((last_us - LITTLE_US..last_us).contains(&cursor), "{request} starts at {cursor}, not a little before {last_us}");
}

/// A frame of zstd that holds these bytes as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len()).expect("tests send less than 4 GiB");
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    let one_segment_with_its_size_in_four_bytes = [0xa0];
    let last_block = (size << 3 | 1).to_le_bytes();
    [&magic, one_segment_with_its_size_in_four_bytes.as_slice(), &size.to_le_bytes(), &last_block[..3], bytes].concat()
}

/// The firehose does this after the community's first post. `lost`: whether that ends the connection.
async fn check(misdeed: Vec<Action>, lost: bool) {
    let opening = opening();
    let script = sends(&opening.events).chain(misdeed.clone()).collect();
    let last_us = opening.network.time_us();
    let mut world = world(vec![script], IDLE, opening.network).await;
    if lost {
        let requests = world.server.wait_for_requests(2).await;
        assert_a_little_before(&requests[1], last_us);
    }
    let second = world.post(&did("member"), "p2", TAG, NOW - 20_000);
    world.settled().await;
    assert_eq!(world.feed(&opening.community).await, [second, uri(&did("member"), POST, "p1")], "{misdeed:?}");
    assert_eq!(world.server.requests().len(), 1 + usize::from(lost), "{misdeed:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_connection_ends_the_next_goes_on_a_little_before_the_end() {
    tokio::join!(
        check(vec![Action::CloseMidFrame], true),
        check(vec![Action::CloseCleanly], true),
        // Text that isn't UTF-8, a reserved opcode, a message of 16 MiB that is announced: all of these end a WebSocket.
        check(vec![Action::Blast(Arc::from(b"\x81\x02\xff\xff".as_slice()), 1)], true),
        check(vec![Action::Blast(Arc::from(b"\x83\x00".as_slice()), 1)], true),
        check(vec![Action::Blast(Arc::from(b"\x82\x7f\x00\x00\x00\x00\x01\x00\x00\x00".as_slice()), 1)], true),
        // Nothing more comes, and pings aren't answered.
        check(vec![Action::Silence], true),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_between_the_events_ends_nothing() {
    tokio::join!(
        check(vec![Action::SendRaw(b"junk".to_vec()), Action::SendRaw(Vec::new()), Action::SendRaw(stored(b"{\"did\":\"did:plc:a\","))], false),
        check(vec![Action::SendJunkText, Action::SendText("\u{0}".repeat(1_000)), Action::Ping, Action::SendText("[]".to_owned())], false),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_may_come_as_text_though_zstd_was_asked_for() {
    let opening = opening();
    let script = opening.events.iter().cloned().map(Action::SendText).collect();
    let mut world = world(vec![script], &[], opening.network).await;
    world.settled().await;
    assert!(world.server.requests()[0].contains("compress=true"));
    assert_eq!(world.feed(&opening.community).await, [uri(&did("member"), POST, "p1")]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_utf_8_are_counted_and_passed_over() {
    let opening = opening();
    let broken: Vec<u8> = opening.events[2].replace("\"p1\"", "\"p0\"").into_bytes().into_iter().map(|byte| if byte == b'f' { 0xff } else { byte }).collect();
    assert!(std::str::from_utf8(&broken).is_err());
    let mut script: Script = sends(&opening.events).collect();
    script.insert(2, Action::SendRaw(stored(&broken)));
    let mut world = world(vec![script], &[], opening.network).await;
    world.settled().await;
    assert_eq!(world.app().health.refused(Refusal::NotUtf8), 1);
    assert_eq!(world.feed(&opening.community).await, [uri(&did("member"), POST, "p1")]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_out_of_order_gives_the_same_feed_and_the_latest_cursor() {
    let Opening { mut network, community, mut events } = opening();
    let (owner, member, stranger) = (did("owner"), did("member"), did("stranger"));
    events.push(network.create(&stranger, POST, "p2", records::post(&format!("stranger {TAG}"), NOW - 20_000)));
    events.push(network.create(&member, POST, "p3", records::post(&format!("hidden {TAG}"), NOW - 10_000)));
    events.push(network.create(&owner, ACTION, "a1", records::action("hide_post", &uri(&member, POST, "p3"), &community, NOW - 5_000)));
    let last_us = network.time_us();
    // No two are about the same record: the moderation comes before the post, and the posts before their community.
    let order = [5, 4, 3, 2, 1, 0].map(|at: usize| events[at].clone());
    let script = sends(&order).chain(sends(&events)).collect();
    let mut world = world(vec![script], &[], network).await;
    world.until("the replay has been read", |world| world.app().health.passed.load(Relaxed) == 12).await;
    world
        .until("the cursor is stored", |world| {
            let cursor: Option<Cursor> = world.app().queue.cursor().ok().flatten();
            world.app().queue.depth() == 0 && cursor.is_some_and(|cursor| cursor.time_us == last_us)
        })
        .await;
    assert_eq!(world.feed(&community).await, [uri(&member, POST, "p1")]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_last_hour_changes_nothing() {
    let Opening { mut network, community, mut events } = opening();
    let (owner, member, leaver) = (did("owner"), did("member"), did("leaver"));
    events.extend([
        network.create(&member, POST, "p2", records::post(&format!("deleted {TAG}"), NOW - 20_000)),
        network.delete(&member, POST, "p2"),
        network.create(&member, POST, "p3", records::post(&format!("hidden {TAG}"), NOW - 19_000)),
        network.create(&owner, ACTION, "a1", records::action("hide_post", &uri(&member, POST, "p3"), &community, NOW - 18_000)),
        network.create(&leaver, MEMBERSHIP, "m", records::membership(&community, true, NOW - 17_000)),
        network.create(&leaver, POST, "p4", records::post(&format!("left {TAG}"), NOW - 16_000)),
        network.delete(&leaver, MEMBERSHIP, "m"),
        network.create(&member, POST, "p5", records::post(&format!("edited {TAG}"), NOW - 15_000)),
        network.update(&member, POST, "p5", records::post("no tag any more", NOW - 15_000)),
    ]);
    let all = events.len();
    let first = sends(&events).chain([Action::CloseMidFrame]).collect();
    let second = vec![Action::RepeatLastHour(all), Action::RepeatLastHour(all), Action::CloseCleanly];
    let mut world = world(vec![first, second], &[], network).await;
    world.server.wait_for_requests(3).await;
    let sixth = world.post(&member, "p6", TAG, NOW - 10_000);
    world.settled().await;
    assert_eq!(world.app().health.passed.load(Relaxed), 3 * all as u64 + 2, "the repeats were read, the last post, and what ends the waiting");
    assert_eq!(world.feed(&community).await, [sixth, uri(&member, POST, "p1")]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_server_takes_over_where_the_first_fails() {
    async fn check(first: Script) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let second = Server::start(listener).expect("a listener that was just bound");
        let Opening { mut network, community, events } = opening();
        for event in &events {
            second.publish(event.clone());
        }
        let address = second.endpoint();
        let flags = [IDLE, &["--jetstream", &address]].concat();
        let mut world = world(vec![first.clone()], &flags, network.clone()).await;
        second.publish(network.marker());
        world
            .until("the second server's events are in the index", |world| {
                let cursor: Option<Cursor> = world.app().queue.cursor().ok().flatten();
                world.app().queue.depth() == 0 && cursor.is_some_and(|cursor| cursor.time_us >= network.time_us() && cursor.endpoint == second.endpoint())
            })
            .await;
        assert_eq!(world.feed(&community).await, [uri(&did("member"), POST, "p1")], "{first:?}");
        assert_eq!(world.app().health.endpoint.load(Relaxed), 1, "{first:?}");
        world.stop().await;
    }
    tokio::join!(check(vec![Action::Refuse(503)]), check(vec![Action::Stall]), check(vec![Action::CloseMidFrame]), check(vec![Action::Silence]));
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_are_served_while_the_firehose_is_away_and_operators_are_told() {
    let opening = opening();
    let mut world = world(vec![sends(&opening.events).collect()], &[], opening.network).await;
    world.settled().await;
    let ready = http::get(world.admin, "/ready").await.expect("the admin listener answers");
    assert_eq!(ready.status, 200, "{ready:?}");

    // The server is gone; another comes up at its address later.
    let address = world.server.endpoint().trim_start_matches("ws://").trim_end_matches("/subscribe").to_owned();
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    drop(std::mem::replace(&mut world.server, Server::start(nobody).expect("a listener that was just bound")));
    world.until("the loss is noticed", |world| !world.app().health.connected.load(Relaxed)).await;
    let first = uri(&did("member"), POST, "p1");
    assert_eq!(world.feed(&opening.community).await, from_ref(&first));
    let ready = http::get(world.admin, "/ready").await.expect("the admin listener answers");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("not connected to a Jetstream server"), "{ready:?}");

    let listener = loop {
        match TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    world.server = Server::start(listener).expect("a listener that was just bound");
    let second = world.post(&did("member"), "p2", TAG, NOW - 20_000);
    world.settled().await;
    assert_eq!(world.feed(&opening.community).await, [second, first]);
    assert_eq!(http::get(world.admin, "/ready").await.expect("the admin listener answers").status, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_asks_for_what_follows_the_stored_cursor() {
    let mut world = World::new().await;
    let first = world.server.wait_for_requests(1).await;
    let week_us = 7 * 24 * 60 * 60 * 1_000_000;
    // No server is the one that was read before.
    let minute_us = 60 * 1_000_000;
    assert_eq!(cursor_of(&first[0]), NOW as u64 * 1_000 - week_us - minute_us);
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    let last_us = world.network.time_us();
    world.stop().await;
    // Published while nobody is there.
    let missed = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.start_again().await;
    let requests = world.server.wait_for_requests(2).await;
    assert_a_little_before(&requests[1], last_us);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [missed, post]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_without_a_handle_is_read() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    world.publish(world.network.clone().identity(&did("owner")));
    let with_handle = world.network.identity(&did("owner")).replace("\"identity\":{", "\"identity\":{\"handle\":\"owner.example\",");
    world.publish(with_handle);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    assert_eq!(world.app().health.identities.load(Relaxed), 2);
    let refused: u64 = Refusal::ALL.into_iter().map(|reason| world.app().health.refused(reason)).sum();
    assert_eq!(refused, 0);
    world.stop().await;
}
