//! What the network may send and no lexicon allows: it is counted by its reason, leaves nothing behind, and stops nothing.

use atrarium::clock::Clock;
use atrarium::demo::server::Server;
use atrarium::jetstream::Refusal;
use atrarium::store::Table;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::process::Launch;
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::{NOW, feed_of, posts_of};
use atrarium_tests::{Network, World, http};
use serde_json::{Value, json};
use std::slice::from_ref;

const LEVELS: usize = 10_000;

fn deep() -> String {
    format!("{}1{}", "[".repeat(LEVELS), "]".repeat(LEVELS))
}

/// A world with a community whose owner has posted, all of it in the index.
async fn world_with_post() -> (World, String, String) {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "before", TAG, NOW - 30_000);
    world.settled().await;
    (world, community, post)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_no_event_is_counted_and_passed_over() {
    let (mut world, community, before) = world_with_post().await;
    let good = world.network.clone().create(&did("owner"), POST, "bad", records::post(&format!("hello {TAG}"), NOW - 20_000));
    let rev = good.split("\"rev\":\"").nth(1).and_then(|rest| rest.get(..13)).expect("a rev of 13 letters").to_owned();
    let account = world.network.clone().account(&did("owner"), Some("takendown"));
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} is in {good}");
        good.replacen(from, to, 1)
    };
    let owner = did("owner");
    let endless_did = format!("did:plc:{}", "a".repeat(300));
    let rows: Vec<(String, Refusal)> = vec![
        (swap(&owner, "did:plc:"), Refusal::BadDid),
        (swap(&owner, "nobody"), Refusal::BadDid),
        (swap(&owner, "did:plc:a/../b"), Refusal::BadDid),
        (swap(&owner, "did:plc:a b"), Refusal::BadDid),
        (swap(&owner, &endless_did), Refusal::BadDid),
        (swap(&owner, r"did:plc:\ud800"), Refusal::NotJson),
        (swap("\"did\":\"", "\"did\":7,\"other\":\""), Refusal::WrongType),
        (swap("\"rkey\":\"bad\"", "\"rkey\":\"a/b\""), Refusal::BadRkey),
        (swap("\"rkey\":\"bad\"", "\"rkey\":\"..\""), Refusal::BadRkey),
        (swap("\"rkey\":\"bad\"", "\"rkey\":\"\""), Refusal::BadRkey),
        (swap("\"rkey\":\"bad\"", &format!("\"rkey\":\"{}\"", "a".repeat(513))), Refusal::BadRkey),
        (swap("\"rkey\":\"bad\"", r#""rkey":"\udfff""#), Refusal::NotJson),
        (swap("\"rkey\":\"bad\"", "\"rkey\":null"), Refusal::MissingField),
        (swap("\"rkey\":\"bad\"", &format!("\"rkey\":{}", deep())), Refusal::WrongType),
        (swap(&rev, "yesterday"), Refusal::BadRev),
        (swap(&rev, "zzzzzzzzzzzzz"), Refusal::BadRev),
        (swap(&rev, "3mptbypluud1a"), Refusal::BadRev),
        (swap(&format!("\"rev\":\"{rev}\""), "\"rev\":12"), Refusal::WrongType),
        (swap(&format!("\"rev\":\"{rev}\""), "\"no\":\"rev\""), Refusal::MissingField),
        (swap("\"operation\":\"create\"", "\"operation\":\"upsert\""), Refusal::UnknownOperation),
        (swap("\"operation\":\"create\"", "\"operation\":[]"), Refusal::WrongType),
        (swap("\"time_us\":", "\"time_us\":-"), Refusal::WrongType),
        (swap("\"time_us\":", "\"times_us\":"), Refusal::MissingField),
        (good[..good.len() - 1].to_owned(), Refusal::NotJson),
        (swap("hello", r"\u00zz"), Refusal::NotJson),
        (format!("{good}{good}"), Refusal::NotJson),
        (format!("[{good}]"), Refusal::WrongType),
        (account.replacen("\"time\":\"2026", "\"time\":\"then", 1), Refusal::BadAccountTime),
        (account.replacen("\"time\":\"2026", "\"time\":\"1926", 1), Refusal::BadAccountTime),
        (account.replacen("\"active\":false", "\"active\":\"no\"", 1), Refusal::WrongType),
        (account.replacen("\"active\":false", "\"other\":false", 1), Refusal::MissingField),
    ];
    let text = "a".repeat(5 << 20);
    world.publish(swap("hello", &text));
    for (frame, _) in &rows {
        world.publish(frame.clone());
    }
    let after = world.post(&did("owner"), "after", TAG, NOW - 10_000);
    world.settled().await;
    for reason in Refusal::ALL {
        let expected = rows.iter().filter(|(_, expected)| *expected == reason).count() + usize::from(reason == Refusal::TooLarge);
        assert_eq!(world.app().health.refused(reason), expected as u64, "{reason}");
        if expected > 0 {
            assert!(world.counted("atrarium_jetstream_refused_total", &[("reason", reason.name())]).await >= expected as u64, "{reason}");
        }
    }
    assert_eq!(world.feed(&community).await, [after, before]);
    assert_eq!(world.server.requests().len(), 1, "none of it ended the connection");
    world.stop().await;
}

/// What is wrong with which record, and the reason under which it is counted.
fn malformed_records(community: &str) -> Vec<(&'static str, Value, &'static str)> {
    let post = || records::post(&format!("hello {TAG}"), NOW - 20_000);
    let config = || records::config("Malformed", OTHER_TAG, NOW - 20_000);
    let membership = || records::membership(community, true, NOW - 20_000);
    let hide = || records::action("hide_post", &uri(&did("owner"), POST, "before"), community, NOW - 20_000);
    let without = |mut record: Value, field: &str| {
        record.as_object_mut().expect("records are objects").remove(field).expect("it has the field");
        record
    };
    let tags = |count: usize| Value::from_iter((0..count).map(|n| format!("atrarium_{n:08x}")));
    let facets = |count: usize| {
        Value::from_iter((0..count).map(|n| json!({ "index": { "byteStart": 0, "byteEnd": 1 }, "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": format!("atrarium_{n:08x}") }] })))
    };
    vec![
        (POST, without(post(), "createdAt"), "missing-field"),
        (POST, with(without(post(), "text"), json!({ "tags": ["atrarium_a1b2c3d4"] })), "missing-field"),
        (POST, with(post(), json!({ "createdAt": "yesterday" })), "bad-datetime"),
        (POST, with(post(), json!({ "createdAt": "2026-02-30T00:00:00Z" })), "bad-datetime"),
        (POST, with(post(), json!({ "createdAt": NOW })), "wrong-type-field"),
        (POST, with(post(), json!({ "text": ["hello", TAG] })), "wrong-type-field"),
        (POST, with(post(), json!({ "text": null, "tags": ["atrarium_a1b2c3d4"] })), "wrong-type-field"),
        (POST, json!([TAG]), "wrong-type-field"),
        (POST, json!(TAG), "wrong-type-field"),
        (POST, with(post(), json!({ "langs": "en" })), "wrong-type-field"),
        (POST, with(post(), json!({ "langs": ["a", "b", "c", "d"] })), "too-many"),
        (POST, with(post(), json!({ "labels": [] })), "wrong-type-field"),
        (POST, with(post(), json!({ "reply": "yes" })), "wrong-type-field"),
        (POST, with(post(), json!({ "$type": "app.bsky.feed.repost" })), "unknown-value"),
        (POST, with(post(), json!({ "text": format!("{TAG} {}", "a".repeat(300)) })), "too-long"),
        (POST, with(post(), json!({ "tags": tags(50) })), "too-many"),
        (POST, with(post(), json!({ "facets": facets(65) })), "too-many"),
        (CONFIG, without(config(), "name"), "missing-field"),
        (CONFIG, without(config(), "moderators"), "missing-field"),
        (CONFIG, with(config(), json!({ "name": "" })), "too-short"),
        (CONFIG, with(config(), json!({ "name": "n".repeat(101) })), "too-long"),
        (CONFIG, with(config(), json!({ "hashtag": "#atrarium_A1B2C3D4" })), "bad-hashtag"),
        (CONFIG, with(config(), json!({ "stage": "empire" })), "unknown-value"),
        (CONFIG, with(config(), json!({ "moderators": ["owner.example"] })), "bad-did"),
        (CONFIG, with(config(), json!({ "moderators": vec![did("m"); 51] })), "too-many"),
        (CONFIG, with(config(), json!({ "feedMix": { "own": 80, "parent": 15, "global": 6 } })), "bad-shares"),
        (CONFIG, with(config(), json!({ "parentCommunity": "at://owner.example/net.atrarium.community.config/x" })), "bad-uri"),
        (MEMBERSHIP, with(membership(), json!({ "community": "main" })), "bad-uri"),
        (MEMBERSHIP, with(membership(), json!({ "active": "yes" })), "wrong-type-field"),
        (MEMBERSHIP, with(membership(), json!({ "role": "king" })), "unknown-value"),
        (MEMBERSHIP, without(membership(), "joinedAt"), "missing-field"),
        (ACTION, with(hide(), json!({ "action": "delete_post" })), "unknown-value"),
        (ACTION, with(hide(), json!({ "target": did("owner") })), "bad-uri"),
        (ACTION, with(hide(), json!({ "action": "block_user" })), "bad-did"),
        (ACTION, with(hide(), json!({ "reason": "r".repeat(301) })), "too-long"),
        (ACTION, with(hide(), json!({ "createdAt": "soon" })), "bad-datetime"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_record_is_counted_by_its_reason_and_leaves_nothing_behind() {
    let (mut world, community, before) = world_with_post().await;
    let rows = malformed_records(&community);
    let (records_before, communities_before) = (world.rows(Table::Records), world.rows(Table::Communities));
    let mut expected: Vec<(&str, &str, u64, u64)> = Vec::new();
    for (collection, _, reason) in &rows {
        match expected.iter_mut().find(|(c, r, ..)| (c, r) == (collection, reason)) {
            Some((.., count)) => *count += 1,
            None => expected.push((collection, reason, world.counted("atrarium_malformed_total", &[("collection", collection), ("reason", reason)]).await, 1)),
        }
    }
    for (n, (collection, record, _)) in rows.iter().enumerate() {
        // All in the owner's repo: what is good in it must not suffer.
        world.create(&did("owner"), collection, &format!("bad{n}"), record.clone());
    }
    let after = world.post(&did("owner"), "after", TAG, NOW - 10_000);
    world.settled().await;
    for (collection, reason, was, count) in expected {
        let is = world.counted("atrarium_malformed_total", &[("collection", collection), ("reason", reason)]).await;
        assert!(is >= was + count, "{collection} {reason}: {is} after {was}, and there were {count}");
    }
    assert_eq!(world.feed(&community).await, [after, before]);
    assert_eq!((world.rows(Table::Records), world.rows(Table::Communities)), (records_before + 1, communities_before));
    assert_eq!(world.dead_letters(), []);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_post_is_shown_that_no_moderator_could_name() {
    let (mut world, community, before) = world_with_post().await;
    let member = did("member");
    world.join(&community, &[&member]);
    let rkey = |bytes: usize| "r".repeat(bytes - uri(&member, POST, "").len());
    let labels = [("collection", POST), ("reason", "long-uri")];
    let was = world.counted("atrarium_malformed_total", &labels).await;
    world.post(&member, &rkey(513), TAG, NOW - 19_000);
    let longest = world.post(&member, &rkey(512), TAG, NOW - 20_000);
    world.settled().await;
    assert!(world.counted("atrarium_malformed_total", &labels).await > was);
    assert_eq!(world.feed(&community).await, [longest.clone(), before.clone()]);
    world.act(&did("owner"), "h", "hide_post", &longest, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [before]);
    world.stop().await;
}

/// Texts that serde_json's values can't express, or that are too large to be written out in a row.
#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_text_is_counted_and_leaves_nothing_behind() {
    let (mut world, community, before) = world_with_post().await;
    let records_before = world.rows(Table::Records);
    let mut check = async |text: &str, reason: &str| {
        let labels = [("collection", POST), ("reason", reason)];
        let was = world.counted("atrarium_malformed_total", &labels).await;
        let event = world.network.create(&did("owner"), POST, "bad", records::post(&format!("MARK {TAG}"), NOW - 20_000)).replace("\"MARK ", text);
        world.publish(event);
        world.settled().await;
        assert!(world.counted("atrarium_malformed_total", &labels).await > was, "{}: {reason}", &text[..text.len().min(40)]);
        assert_eq!(world.rows(Table::Records), records_before, "{}", &text[..text.len().min(40)]);
    };
    check(r#""\ud800 "#, "not-json").await;
    check(r#""\udc00\ud800 "#, "not-json").await;
    check(&format!("\"{} ", "a".repeat(900_000)), "too-long").await;
    check(&format!("\"{} ", "👨‍👩‍👧‍👦".repeat(130)), "too-long").await;
    check(&format!("\"{} ", "a".repeat(2_000_000)), "no-record").await;
    check(&format!("{}, \"other\": \"", deep()), "wrong-type-field").await;
    let after = world.post(&did("owner"), "after", TAG, NOW - 10_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [after, before]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lexicons_allow_is_taken_however_odd_it_is() {
    let (mut world, community, before) = world_with_post().await;
    let tags: Vec<String> = (0..50).map(|n| format!("#atrarium_{n:08x}")).collect();
    let others: Vec<String> = [0, 7, 49].iter().map(|n: &usize| world.open(&did("owner"), &format!("c{n}"), &tags[*n])).collect();
    let facets: Value = tags.iter().map(|tag| json!({ "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": &tag[1..] }] })).collect();
    let many = world.create(&did("owner"), POST, "many", with(records::post("fifty hashtags in facets", NOW - 20_000), json!({ "facets": facets })));
    // Fields that nobody knows may be as deep as they like, and facets of unknown forms say nothing.
    let event = world
        .network
        .create(&did("owner"), POST, "deep", records::post(TAG, NOW - 19_000))
        .replace("\"langs\":", &format!("\"unknown\":{},\"langs\":", deep()));
    world.publish(event);
    let event = world
        .network
        .create(&did("owner"), POST, "facets", records::post(TAG, NOW - 18_000))
        .replace("\"langs\":", &format!("\"facets\":{},\"langs\":", deep()));
    world.publish(event);
    let odd = json!({ "facets": [7, null, { "features": {} }, { "features": [null, { "tag": 7 }] }], "embed": { "$type": 7 }, "langs": [] });
    let odd = world.create(&did("owner"), POST, "odd", with(records::post(TAG, NOW - 17_000), odd));
    world.settled().await;
    let owner = did("owner");
    assert_eq!(world.feed(&community).await, [odd, uri(&owner, POST, "facets"), uri(&owner, POST, "deep"), before]);
    for other in &others {
        assert_eq!(world.feed(other).await, from_ref(&many), "{other}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_update_acts_as_a_delete() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    type Spoil = Box<dyn Fn(String) -> String>;
    let wrong: Vec<(&str, Spoil)> = vec![
        ("another type", Box::new(|event| event.replace("\"createdAt\":\"", "\"createdAt\":7,\"x\":\"").replace("\"joinedAt\":\"", "\"joinedAt\":7,\"x\":\""))),
        ("a missing field", Box::new(|event| event.replace("\"createdAt\"", "\"x\"").replace("\"joinedAt\"", "\"x\""))),
        ("no record", Box::new(|event| event.replace("\"record\":{", "\"not\":{"))),
        ("null", Box::new(|event| event.replace("\"record\":{", "\"record\":null,\"not\":{"))),
        (
            "half a surrogate pair",
            Box::new(|event| event.replace("\"$type\":", r#""reason":"\ud800","text":"\ud800","name":"\ud800","role":"\ud800","$type":"#)),
        ),
        ("2 MB of text", Box::new(|event| event.replace("\"$type\":", &format!("\"x\":\"{}\",\"$type\":", "x".repeat(2_000_000))))),
    ];
    for (n, (what, spoil)) in wrong.iter().enumerate() {
        let tag = format!("#atrarium_{n:08x}");
        let name = |part: &str| format!("{part}{n}");
        let community = world.open(&owner, &name("c"), &tag);
        let membership = records::membership(&community, true, NOW - 40_000);
        world.create(&member, MEMBERSHIP, &name("m"), membership.clone());
        let first = world.post(&member, &name("p"), &tag, NOW - 30_000);
        let second = world.post(&member, &name("q"), &tag, NOW - 29_000);
        let owners = world.post(&owner, &name("o"), &tag, NOW - 28_000);
        world.act(&owner, &name("a"), "hide_post", &second, &community);
        world.settled().await;
        assert_eq!(world.feed(&community).await, [owners.clone(), first.clone()], "{what}: before");

        let update = |world: &mut World, did: &str, collection: &str, rkey: &str, record: Value| {
            let event = world.network.update(did, collection, rkey, record);
            world.publish(spoil(event));
        };
        update(&mut world, &owner, ACTION, &name("a"), records::action("hide_post", &second, &community, NOW - 10_000));
        world.settled().await;
        assert_eq!(world.feed(&community).await, [owners.clone(), second.clone(), first.clone()], "{what}: the hide is undone");
        update(&mut world, &member, POST, &name("p"), records::post(&tag, NOW - 30_000));
        world.settled().await;
        assert_eq!(world.feed(&community).await, [owners.clone(), second], "{what}: the post is gone");
        update(&mut world, &member, MEMBERSHIP, &name("m"), membership);
        world.settled().await;
        assert_eq!(world.feed(&community).await, [owners], "{what}: the member is gone");
        update(&mut world, &owner, CONFIG, &name("c"), records::config("Test", &tag, NOW - 50_000));
        world.settled().await;
        assert_eq!(world.page(&community, 50, None).await.error(), "UnknownFeed", "{what}: the community is closed");
    }
    assert_eq!(http::get(world.admin, "/live").await.expect("the admin listener answers").status, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_malformed_records_is_a_line_of_log_for_each_batch() {
    const RECORDS: usize = 3_000;
    let temporary = tempfile::tempdir().expect("tests need a temporary directory");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let server = Server::start(listener).expect("a listener that was just bound");
    let mut network = Network::starting_at(Clock::system().now_ms() - 60_000);
    let now = Clock::system().now_ms();
    for n in 0..RECORDS {
        let spoilt = if n % 2 == 0 { json!({ "name": 7 }) } else { json!({ "hashtag": "no hashtag" }) };
        server.publish(network.create(&did("spoiler"), CONFIG, &format!("c{n}"), with(records::config("Test", TAG, now), spoilt)));
    }
    let (owner, post) = (did("owner"), uri(&did("owner"), POST, "p1"));
    server.publish(network.create(&owner, CONFIG, "main", records::config("Test", TAG, now)));
    server.publish(network.create(&owner, POST, "p1", records::post(TAG, now - 1_000)));
    let endpoint = server.endpoint();
    let mut process = Launch { directory: &temporary.path().join("data"), jetstream: &endpoint, port: None, failpoints: None, flags: &[] }.start();
    assert!(process.ready().await, "{}", process.log());
    let feed = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}", feed_of(&uri(&owner, CONFIG, "main")));
    while http::get(process.address, &feed).await.is_ok_and(|answer| answer.status != 200 || posts_of(&answer.json()) != from_ref(&post)) {
        assert!(!process.has_ended(), "{}", process.log());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let log = process.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("malformed")).collect();
    assert!(!lines.is_empty() && lines.len() < RECORDS / 20, "{} lines:\n{log}", lines.len());
    let says = |part: &str| lines.iter().all(|line| line.contains(part));
    assert!(says("reasons") && says(&format!("at://{}/{CONFIG}/c", did("spoiler"))), "{lines:?}");
    process.kill().await;
}
