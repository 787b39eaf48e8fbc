//! Floods: every bound is reached and passed. The oldest go, who is not concerned notices nothing, and operators can count it.

use std::path::Path;
use std::slice::from_ref;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use atrarium::store::Table;
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::{NOW, posts_of};
use serde_json::json;

/// Times in an order that is nobody's: newest, oldest and what lies between.
const SHUFFLED: [i64; 8] = [5, 0, 7, 2, 6, 1, 4, 3];

/// How often this bound has pushed something out, by anyone's doing.
async fn bounded(world: &World, bound: &str) -> u64 {
    world.counted("atrarium_bounded_total", &[("bound", bound)]).await
}

/// Posts of these authors in turn, in the shuffled order; answers their URIs, the newest first.
fn posts(world: &mut World, authors: &[&str], tag: &str) -> Vec<String> {
    let mut by_time = vec![String::new(); SHUFFLED.len()];
    for (n, time) in SHUFFLED.into_iter().enumerate() {
        let author = did(authors[n % authors.len()]);
        by_time[time as usize] = world.post(&author, &format!("p{time}{}", &tag[10..12]), tag, NOW - 30_000 + time);
    }
    by_time.reverse();
    by_time
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_strangers_posts_the_newest_are_held() {
    let mut world = World::with_flags(&["--held-per-author", "3"]).await;
    let was = bounded(&world, "held-per-author").await;
    let community = world.open(&did("owner"), "main", TAG);
    let other = world.open(&did("owner"), "other", OTHER_TAG);
    let flood = posts(&mut world, &["flooder"], TAG);
    let quiet = world.post(&did("quiet"), "q1", TAG, NOW - 50_000);
    let elsewhere: Vec<String> = (0..3).map(|n| world.post(&did("flooder"), &format!("e{n}"), OTHER_TAG, NOW - 40_000 + n)).rev().collect();
    world.settled().await;
    world.join(&community, &[&did("flooder"), &did("quiet")]);
    world.join(&other, &[&did("flooder")]);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [&flood[..3], &[quiet]].concat());
    assert_eq!(world.feed(&other).await, elsewhere);
    assert!(bounded(&world, "held-per-author").await >= was + 5);
    assert_eq!(world.rows(Table::Routes), 3 + 1 + 3 + 3, "posts held and shown, and memberships");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_posts_held_for_a_hashtag_the_newest_stay() {
    let mut world = World::with_flags(&["--held-per-hashtag", "5"]).await;
    let was = bounded(&world, "held-per-hashtag").await;
    let authors = ["a", "b", "c", "d", "e", "f", "g", "h"];
    // The member's posts aren't held, so the flood pushes out none of them, old as they are.
    let community = world.open(&did("owner"), "main", TAG);
    world.join(&community, &[&did("member")]);
    let mut members: Vec<String> = (0..7).map(|n| world.post(&did("member"), &format!("m{n}"), TAG, NOW - 60_000 + n)).collect();
    members.reverse();
    let elsewhere = world.post(&did("a"), "e", OTHER_TAG, NOW - 50_000);
    let flood = posts(&mut world, &authors, TAG);
    let other = world.open(&did("owner"), "other", OTHER_TAG);
    world.settled().await;
    assert_eq!(world.feed(&community).await, members);
    for author in authors {
        world.join(&community, &[&did(author)]);
    }
    world.join(&other, &[&did("a")]);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [&flood[..5], &members].concat());
    assert_eq!(world.feed(&other).await, [elsewhere]);
    assert!(bounded(&world, "held-per-hashtag").await >= was + 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_held_posts_the_newest_stay() {
    let mut world = World::with_flags(&["--held-total", "10"]).await;
    let was = bounded(&world, "held-total").await;
    let authors = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let first = posts(&mut world, &authors, TAG);
    let second = posts(&mut world, &authors, OTHER_TAG);
    let community = world.open(&did("owner"), "main", TAG);
    let other = world.open(&did("owner"), "other", OTHER_TAG);
    world.settled().await;
    assert!(bounded(&world, "held-total").await >= was + 6);
    for author in authors {
        world.join(&community, &[&did(author)]);
        world.join(&other, &[&did(author)]);
    }
    world.settled().await;
    // The times are the same under both hashtags: of 16 the 10 newest are five and five.
    assert_eq!(world.feed(&community).await, first[..5]);
    assert_eq!(world.feed(&other).await, second[..5]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_members_posts_the_newest_count() {
    let mut world = World::with_flags(&["--posts-per-member", "4"]).await;
    let was = bounded(&world, "posts-per-member").await;
    let community = world.open(&did("owner"), "main", TAG);
    world.join(&community, &[&did("flooder"), &did("quiet")]);
    let quiet = world.post(&did("quiet"), "q1", TAG, NOW - 60_000);
    let flood = posts(&mut world, &["flooder"], TAG);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [&flood[..4], from_ref(&quiet)].concat());
    assert!(bounded(&world, "posts-per-member").await >= was + 4);
    // One that is older than all comes too late; one that is newer pushes out the oldest; a deletion makes room.
    world.post(&did("flooder"), "late", TAG, NOW - 50_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [&flood[..4], from_ref(&quiet)].concat());
    let newest = world.post(&did("flooder"), "new", TAG, NOW - 10_000);
    world.settled().await;
    world.delete(&did("flooder"), "app.bsky.feed.post", flood[1].rsplit('/').next().expect("a URI has a key"));
    let between = world.post(&did("flooder"), "between", TAG, NOW - 40_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [newest, flood[0].clone(), flood[2].clone(), between, quiet]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_and_a_host_have_so_many_communities_and_no_more() {
    let mut world = World::with_flags(&["--communities-per-owner", "2", "--communities-total", "3"]).await;
    let (owner_was, total_was) = (bounded(&world, "communities-per-owner").await, bounded(&world, "communities-total").await);
    let open = |world: &mut World, owner: &str, n: usize| {
        let community = world.open(&did(owner), &format!("c{n}"), &format!("#atrarium_{n:08x}"));
        let post = world.post(&did(owner), &format!("p{n}"), &format!("#atrarium_{n:08x}"), NOW - 30_000);
        (community, post)
    };
    let greedy: Vec<_> = (0..3).map(|n| open(&mut world, "greedy", n)).collect();
    let modest = open(&mut world, "modest", 3);
    let late = open(&mut world, "late", 4);
    world.settled().await;
    let is_open = async |world: &World, (community, post): &(String, String)| match world.page(community, 50, None).await {
        answer if answer.status == 200 => {
            assert_eq!(posts_of(&answer.json()), from_ref(post));
            true
        }
        answer => {
            assert_eq!(answer.error(), "UnknownFeed", "{answer:?}");
            false
        }
    };
    for (community, expected) in [(&greedy[0], true), (&greedy[1], true), (&greedy[2], false), (&modest, true), (&late, false)] {
        assert_eq!(is_open(&world, community).await, expected, "{community:?}");
    }
    assert!(bounded(&world, "communities-per-owner").await > owner_was && bounded(&world, "communities-total").await > total_was);
    let described = world.get("/xrpc/app.bsky.feed.describeFeedGenerator").await;
    assert_eq!(described.json()["feeds"].as_array().map(Vec::len), Some(3));

    // Where one closes, there is room for the next that asks.
    world.delete(&did("greedy"), CONFIG, "c0");
    world.update(&did("late"), CONFIG, "c4", records::config("Late", "#atrarium_00000004", NOW - 20_000));
    world.settled().await;
    assert!(!is_open(&world, &greedy[0]).await && is_open(&world, &late).await);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hashtag_is_shared_by_a_hundred_communities_at_most() {
    let mut world = World::new().await;
    let was = bounded(&world, "communities-per-hashtag").await;
    let first = world.open(&did("first"), "main", TAG);
    for n in 0..120 {
        world.open(&format!("did:web:squatter{n}.example"), "main", TAG);
    }
    let post = world.post(&did("first"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.rows(Table::Communities), 100);
    assert!(bounded(&world, "communities-per-hashtag").await >= was + 21);
    assert_eq!(world.feed(&first).await, [post], "who came first is not concerned");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_moves_to_a_hashtag_that_a_hundred_communities_share() {
    let mut world = World::new().await;
    let was = bounded(&world, "communities-per-hashtag").await;
    let mover = did("mover");
    let others: Vec<String> = (0..100).map(|n| format!("did:web:other{n}.example")).collect();
    for other in &others {
        world.open(other, "main", TAG);
    }
    let community = world.open(&mover, "main", OTHER_TAG);
    let elsewhere = world.post(&mover, "p0", OTHER_TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!((world.rows(Table::Communities), world.feed(&community).await), (101, vec![elsewhere]));
    let moved = || records::config("main", TAG, NOW - 20_000);
    world.update(&mover, CONFIG, "main", moved());
    // Who is there already may change all else.
    world.update(&others[0], CONFIG, "main", records::config("Another name", TAG, NOW - 20_000));
    world.settled().await;
    assert_eq!((world.rows(Table::Communities), world.rows(Table::Hashtags)), (100, 100));
    assert_eq!(world.page(&community, 50, None).await.error(), "UnknownFeed", "as if the config were the first");
    assert!(bounded(&world, "communities-per-hashtag").await > was);
    assert!(world.failures().is_empty() && world.dead_letters().is_empty());

    // Where one closes, there is room for the next that asks.
    world.delete(&others[1], CONFIG, "main");
    world.update(&mover, CONFIG, "main", moved());
    let post = world.post(&mover, "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repo_has_twenty_thousand_other_records_and_no_more() {
    let mut world = World::new().await;
    let was = bounded(&world, "others-per-repo").await;
    let community = world.open(&did("owner"), "main", TAG);
    for n in 0..20_010 {
        let nowhere = uri(&did("nobody"), CONFIG, &n.to_string());
        world.create(&did("flooder"), MEMBERSHIP, &n.to_string(), records::membership(&nowhere, true, NOW - 40_000));
    }
    world.join(&community, &[&did("member")]);
    let post = world.post(&did("member"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(bounded(&world, "others-per-repo").await, was + 10);
    assert_eq!(world.rows(Table::Records), 20_000 + 3);
    assert_eq!(world.feed(&community).await, [post]);
    // Who has reached the bound can still delete.
    world.delete(&did("flooder"), MEMBERSHIP, "7");
    world.settled().await;
    assert_eq!(world.rows(Table::Routes), 19_999 + 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_stops_the_reading_and_loses_nothing() {
    const EVENTS: u64 = 40_000;
    const EVERY: u64 = 400;
    let folder = tempfile::tempdir().expect("tests need a temporary directory");
    let guest = Path::new(env!("OUT_DIR")).join("community-feed.wasm");
    std::fs::copy(&guest, folder.path().join("community-feed.wasm")).expect("the build has made it");
    let mut world = World::with_flags(&["--queue-limit", "1000", "--components", &folder.path().to_string_lossy()]).await;
    let full_was = world.counted("atrarium_queue_full_total", &[]).await;
    let community = world.open(&did("owner"), "main", TAG);
    world.settled().await;

    // Looked at from the start: where publishing takes long, the hold-up may be over before it ends.
    let (queue, health) = (world.app().queue.clone(), world.app().health.clone());
    let watch = tokio::spawn(async move {
        let mut deepest = 0;
        while health.passed.load(Relaxed) < EVENTS + 9 {
            deepest = deepest.max(queue.depth());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        deepest
    });
    // One batch in which eight communities each hold ingest up for half a second, until the sandbox ends it.
    for n in 0..8 {
        world.create(&did("looper"), CONFIG, &format!("c{n}"), records::config("loop-for-ever", OTHER_TAG, NOW - 50_000));
    }
    let mut expected = Vec::new();
    for n in 0..EVENTS {
        if n % EVERY == 0 {
            expected.insert(0, world.post(&did("owner"), &format!("p{n:05}"), TAG, NOW - 30_000 + n as i64 / 10));
        } else {
            world.delete(&did("owner"), "app.bsky.feed.post", &format!("never-{}", n % 1_000));
        }
    }
    let passed = |world: &World| world.app().health.passed.load(Relaxed);
    world.until("all is read", |world| passed(world) >= EVENTS + 9).await;
    let deepest = watch.await.expect("it ends when all is read");
    // The last batch that there was room for: as many as may wait, and an intake on top.
    let batch = 4_095 + 512;
    assert!((1_000..1_000 + batch).contains(&deepest), "the queue held {deepest}");
    // What is full, and on the way to it: the writer's batch, and 16 intakes of 512 with one at either end.
    let ahead = 1_000 + batch + 18 * 512;
    assert!(world.counted("atrarium_queue_full_total", &[]).await > full_was, "it is counted");
    assert!(EVENTS > 2 * ahead, "or the reading would not have stopped");
    world.settled().await;
    assert_eq!(world.feed(&community).await, expected);
    assert_eq!(world.server.requests().len(), 1, "our silence was not taken for the server's");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_say_has_a_thousand_actions_in_a_community_and_no_more() {
    let mut world = World::new().await;
    let was = bounded(&world, "actions-per-stranger").await;
    let (owner, moderator, stranger) = (did("owner"), did("moderator"), did("stranger"));
    let config = |moderators: &[&str]| with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": moderators }));
    let community = world.create(&owner, CONFIG, "main", config(&[&moderator]));
    world.join(&community, &[&did("member")]);
    let post = world.post(&did("member"), "p1", TAG, NOW - 30_000);
    let nobodys = uri(&did("nobody"), POST, "x");
    world.settled().await;
    for n in 0..1_010 {
        for author in [&moderator, &stranger] {
            world.act(author, &format!("a{n:04}"), "hide_post", &nobodys, &community);
        }
    }
    // The last ones of both hide what there is; the moderator's is heard, the stranger's isn't even kept.
    world.act(&stranger, "last", "hide_post", &post, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&post));
    assert_eq!(bounded(&world, "actions-per-stranger").await, was + 11);
    assert_eq!(world.rows(Table::Routes), 1_000 + 1_010 + 2);
    world.act(&moderator, "last", "hide_post", &post, &community);
    world.settled().await;
    assert!(world.feed(&community).await.is_empty());
    // Undone, it makes room; and who is appointed later has what was kept.
    world.delete(&moderator, ACTION, "last");
    world.delete(&stranger, ACTION, "a0000");
    world.act(&stranger, "new", "hide_post", &post, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&post));
    world.update(&owner, CONFIG, "main", config(&[&stranger]));
    // A part of them at a time.
    while !world.feed(&community).await.is_empty() {}
    world.stop().await;
}

/// Each ruling costs what those have signed who have a say. How many rows are read for it, the object's own tests count.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_crowd_of_strangers_signs_keeps_nobody_from_moderating() {
    const STRANGERS: usize = 60;
    const ACTIONS: usize = 500;
    let mut world = World::new().await;
    let (owner, moderator, member) = (did("owner"), did("moderator"), did("member"));
    let config = |moderators: &[&str]| with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": moderators }));
    let community = world.create(&owner, CONFIG, "main", config(&[&moderator]));
    world.join(&community, &[&member]);
    let post = world.post(&member, "p1", TAG, NOW - 30_000);
    world.settled().await;
    for stranger in 0..STRANGERS {
        let stranger = format!("did:web:stranger{stranger}.example");
        // One half on the post, the other on as many targets.
        for n in 0..ACTIONS / 2 {
            world.act(&stranger, &format!("same{n:03}"), "unhide_post", &post, &community);
            world.act(&stranger, &format!("each{n:03}"), "hide_post", &uri(&stranger, POST, &format!("x{n:03}")), &community);
        }
        world.settled().await;
    }
    assert_eq!(world.feed(&community).await, from_ref(&post));
    world.act(&moderator, "hide", "hide_post", &post, &community);
    world.settled().await;
    assert!(world.feed(&community).await.is_empty());
    world.update(&owner, CONFIG, "main", config(&[]));
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&post), "a moderator who is dismissed has no say any more");
    assert_eq!(world.rows(Table::Routes), STRANGERS * ACTIONS + 1 + 1 + 1, "actions, the post and a membership");
    assert!(world.failures().is_empty() && world.dead_letters().is_empty());
    world.stop().await;
}
