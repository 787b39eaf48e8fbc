//! What comes in another order, what goes, and what pages were made of (2.5, and the peers).

use std::slice::from_ref;
use std::time::Instant;

use atrarium::store::Table;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use atrarium_tests::{World, http};
use serde_json::json;

use super::{DAY_MS, NO_POSTS, WEEK_MS};

/// 2.4 S12, 2.5: retention never ran, or read all posts. Here posts vanish by the clock alone, and alarms and sweeps free the space.
#[tokio::test(flavor = "multi_thread")]
async fn posts_vanish_after_seven_days_by_the_clock_alone_and_their_space_is_freed() {
    let mut world = World::new().await;
    let (owner, stranger) = (did("owner"), did("stranger"));
    let community = world.open(&owner, "main", TAG);
    world.settled().await;
    let with_community = world.rows(Table::Objects);
    assert_eq!((world.rows(Table::Records), world.rows(Table::Routes)), (1, 0));
    let posts: Vec<String> = (0..50).rev().map(|n| world.post(&owner, &format!("p{n:02}"), TAG, NOW - 30_000 + n)).collect();
    world.post(&stranger, "held", TAG, NOW - 30_000);
    world.account(&stranger, Some("deactivated"));
    world.settled().await;
    let full = [Table::Objects, Table::Visible, Table::Global, Table::Records, Table::Routes, Table::Accounts].map(|table| world.rows(table));
    assert!(full.iter().all(|rows| *rows > 0), "{full:?}");
    world.clock.set(NOW - 30_000 + 48 + WEEK_MS);
    assert_eq!(world.feed(&community).await, posts[..1], "a post is shown for less than a week and a millisecond");
    // A page is used again for a tenth of a second at most.
    world.clock.set(NOW - 30_000 + 200 + WEEK_MS);
    assert_eq!(world.feed(&community).await, NO_POSTS);
    // They are kept for another day; the alarm comes a little later, the sweep within an hour.
    world.clock.set(NOW + WEEK_MS + DAY_MS - 120_000);
    world.settled().await;
    let kept = [Table::Objects, Table::Visible, Table::Records].map(|table| world.rows(table));
    assert_eq!(kept, [full[0], full[1], full[3]]);
    world.clock.set(NOW + WEEK_MS + DAY_MS + 120_000);
    world
        .until("alarms have freed the object's space", |world| {
            world.rows(Table::Objects) == with_community && world.rows(Table::Visible) == 0 && world.rows(Table::Global) == 0
        })
        .await;
    world.clock.set(NOW + WEEK_MS + DAY_MS + 2 * 60 * 60 * 1_000);
    world
        .until("the sweep has freed the rest", |world| world.rows(Table::Records) == 1 && world.rows(Table::Routes) == 0 && world.rows(Table::Accounts) == 0)
        .await;
    assert_eq!(world.feed(&community).await, NO_POSTS);
    world.stop().await;
}

/// 2.5: who came back stayed away. A moderator whom only the config names is told of as inactive; then the host forgets all that it knew of
/// their repo, twice, while nothing that they write tells the community otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_shown_though_their_account_was_forgotten() {
    const ROUND_MS: i64 = WEEK_MS + DAY_MS + 2 * 60 * 60 * 1_000;
    let mut world = World::new().await;
    let (owner, moderator) = (did("owner"), did("moderator"));
    let config = with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": [moderator] }));
    let community = world.create(&owner, CONFIG, "main", config);
    let post = world.post(&moderator, "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    world.account(&moderator, Some("deactivated"));
    world.settled().await;
    assert_eq!(world.feed(&community).await, NO_POSTS);
    assert_eq!(world.rows(Table::Accounts), 1);
    world.clock.set(NOW + ROUND_MS);
    world.until("the sweep has forgotten the account", |world| world.rows(Table::Accounts) == 0).await;
    world.network.pass(ROUND_MS as u64);
    world.account(&moderator, None);
    world.settled().await;
    assert_eq!(world.rows(Table::Accounts), 1);
    world.clock.set(NOW + 2 * ROUND_MS);
    world.until("the sweep has forgotten it again", |world| world.rows(Table::Accounts) == 0).await;
    world.network.pass(ROUND_MS as u64);
    let post = world.post(&moderator, "p2", TAG, NOW + 2 * ROUND_MS - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post]);
    world.stop().await;
}

/// 2.5: told again of the same post, the feed showed it although it was hidden.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_or_edited_post_stays_hidden() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let event = world.network.create(&member, POST, "p1", records::post(TAG, NOW - 30_000));
    world.publish(event.clone());
    world.act(&owner, "a1", "hide_post", &uri(&member, POST, "p1"), &community);
    world.settled().await;
    world.publish(event.clone());
    world.settled().await;
    assert_eq!(world.feed(&community).await, NO_POSTS, "the same event again");
    world.update(&member, POST, "p1", records::post(&format!("edited {TAG}"), NOW - 30_000));
    world.settled().await;
    assert_eq!(world.feed(&community).await, NO_POSTS, "an edit");
    world.delete(&member, POST, "p1");
    world.publish(event);
    world.settled().await;
    assert_eq!(world.feed(&community).await, NO_POSTS, "an old event after the deletion");
    world.stop().await;
}

/// 2.5: a hide that came before its post was lost, a post that came before its author's membership was lost.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_that_comes_before_what_it_is_about() {
    let mut world = World::new().await;
    let (owner, member, blocked) = (did("owner"), did("member"), did("blocked"));
    let community = uri(&owner, CONFIG, "main");
    let steps = [
        world.network.create(&owner, ACTION, "a1", records::action("hide_post", &uri(&member, POST, "p1"), &community, NOW - 30_000)),
        world.network.create(&owner, ACTION, "a2", records::action("block_user", &blocked, &community, NOW - 30_000)),
        world.network.create(&member, POST, "p1", records::post(TAG, NOW - 20_000)),
        world.network.create(&member, POST, "p2", records::post(TAG, NOW - 19_000)),
        world.network.create(&blocked, POST, "p3", records::post(TAG, NOW - 18_000)),
        world.network.create(&blocked, MEMBERSHIP, "m", records::membership(&community, true, NOW - 10_000)),
        world.network.create(&member, MEMBERSHIP, "m", records::membership(&community, true, NOW - 10_000)),
        world.network.create(&owner, CONFIG, "main", records::config("Test", TAG, NOW - 5_000)),
    ];
    for step in steps {
        world.publish(step);
        // Each in a batch of its own.
        world.settled().await;
    }
    assert_eq!(world.feed(&community).await, [uri(&member, POST, "p2")]);
    world.stop().await;
}

/// 2.5: deletes and edits were ignored.
#[tokio::test(flavor = "multi_thread")]
async fn deletes_and_edits_are_honoured() {
    let mut world = World::new().await;
    let owner = did("owner");
    let (community, other) = (world.open(&owner, "main", TAG), world.open(&owner, "other", OTHER_TAG));
    let post = world.post(&owner, "p1", TAG, NOW - 30_000);
    world.post(&owner, "p2", TAG, NOW - 29_000);
    world.settled().await;
    world.delete(&owner, POST, "p2");
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&post), "deleted");
    world.update(&owner, POST, "p1", records::post(OTHER_TAG, NOW - 30_000));
    world.settled().await;
    assert_eq!((world.feed(&community).await, world.feed(&other).await), (vec![], vec![post.clone()]), "moved to another community");
    world.update(&owner, POST, "p1", records::post(&format!("{TAG} {OTHER_TAG}"), NOW - 30_000));
    world.settled().await;
    assert_eq!((world.feed(&community).await, world.feed(&other).await), (vec![post.clone()], vec![post.clone()]), "in both");
    let older = world.post(&owner, "p3", TAG, NOW - 40_000);
    world.update(&owner, POST, "p1", records::post(TAG, NOW - 50_000));
    world.settled().await;
    assert_eq!((world.feed(&community).await, world.feed(&other).await), (vec![older.clone(), post], vec![]), "dated otherwise");
    world.update(&owner, POST, "p1", records::post("nothing of ours", NOW - 50_000));
    world.settled().await;
    assert_eq!((world.feed(&community).await, world.feed(&other).await), (vec![older], vec![]), "no hashtag any more");
    assert_eq!(world.shown(), 1);
    world.stop().await;
}

/// 2.5: deactivated, taken down and deleted accounts stayed.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_active_shows_nothing_and_one_that_is_deleted_has_nothing() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let (first, second) = (world.post(&member, "p1", TAG, NOW - 30_000), world.post(&owner, "p2", TAG, NOW - 29_000));
    for status in ["deactivated", "takendown", "suspended", "desynchronized", "something-new"] {
        world.account(&member, Some(status));
        world.settled().await;
        assert_eq!(world.feed(&community).await, from_ref(&second), "{status}");
        world.account(&member, None);
        world.settled().await;
        assert_eq!(world.feed(&community).await, [second.clone(), first.clone()], "active after {status}");
    }
    // The owner's account hides the owner's posts and no more: config and actions still count.
    world.account(&owner, Some("deactivated"));
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&first));
    world.account(&owner, None);
    world.account(&member, Some("deleted"));
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&second));
    world.account(&member, None);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&second), "what was deleted does not come back with the account");
    world.join(&community, &[&member]);
    let again = world.post(&member, "p1", TAG, NOW - 20_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [again, second]);
    world.account(&owner, Some("deleted"));
    world.settled().await;
    assert_eq!(world.page(&community, 50, None).await.error(), "UnknownFeed", "the community's config is gone");
    world.stop().await;
}

/// 2.5: any cursor was a 500, and a page of a feed read all its posts.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_walked_from_its_newest_post_to_its_oldest() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let posts: Vec<String> = (0..30).rev().map(|n| world.post(&did("owner"), &format!("p{n:02}"), TAG, NOW - 30_000 + n)).collect();
    world.settled().await;
    for limit in [1, 7, 30] {
        assert_eq!(world.walk(&community, limit).await, posts, "in pages of {limit}");
    }
    world.stop().await;
}

/// 2.5: hiding read all posts, and the last action to arrive won. Peers and docs promise the latest by its own date.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_actions_the_later_by_its_date_wins_in_whatever_order_they_come() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let posts: Vec<String> = (0..4).map(|n| world.post(&member, &format!("p{n}"), TAG, NOW - 30_000 - n)).collect();
    let mut act = |rkey: &str, kind: &str, target: &str, at: i64| {
        let event = world.network.create(&owner, ACTION, rkey, records::action(kind, target, &community, at));
        world.publish(event);
    };
    act("a1", "hide_post", &posts[0], NOW - 20_000);
    act("a2", "unhide_post", &posts[0], NOW - 10_000);
    act("b2", "unhide_post", &posts[1], NOW - 10_000);
    act("b1", "hide_post", &posts[1], NOW - 20_000);
    act("c1", "unhide_post", &posts[2], NOW - 20_000);
    act("c2", "hide_post", &posts[2], NOW - 20_000);
    // One that is dated ahead waits for its date.
    act("d1", "hide_post", &posts[3], NOW + 10 * 60_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [posts[0].clone(), posts[1].clone(), posts[3].clone()]);
    world.clock.set(NOW + 8 * 60_000);
    world.until("the action's time has come", |world| world.shown() == 2).await;
    assert_eq!(world.feed(&community).await, [posts[0].clone(), posts[1].clone()]);
    world.stop().await;
}

/// Peers: microcosm drops every event that is not newer than the last, although Jetstream reorders at the end of a replay.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_a_repeat_by_its_uri_and_rev_and_never_by_its_time() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let mut earlier = world.network.clone();
    world.post(&owner, "p1", TAG, NOW - 30_000);
    world.settled().await;
    // From the past, at the very time of another, and of one repo at one time with one rev, as a commit with several operations has it.
    let late = earlier.create(&owner, POST, "p2", records::post(TAG, NOW - 29_000));
    let same_commit = late.replace("\"rkey\":\"p2\"", "\"rkey\":\"p3\"");
    world.publish(late.clone());
    world.publish(same_commit);
    world.publish(late);
    world.settled().await;
    assert_eq!(world.feed(&community).await, ["p3", "p2", "p1"].map(|rkey| uri(&owner, POST, rkey)));
    world.stop().await;
}

/// Peers: the official starter's cursor is a time alone, so of two posts in one millisecond one was lost at the end of a page.
#[tokio::test(flavor = "multi_thread")]
async fn two_posts_of_a_millisecond_at_the_end_of_a_page_are_both_shown() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let posts: Vec<String> = ["b", "a"].map(|rkey| world.post(&did("owner"), rkey, TAG, NOW - 30_000)).to_vec();
    world.settled().await;
    assert_eq!(world.walk(&community, 1).await, posts);
    world.stop().await;
}

/// Peers: BFF reconnected in a loop without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_is_not_asked_in_a_hot_loop() {
    use atrarium::demo::script::Action;
    let scripts = vec![vec![Action::Refuse(503)]; 100];
    let began = Instant::now();
    let mut world = World::with(atrarium_tests::WorldOptions { scripts, ..Default::default() }).await;
    world.server.wait_for_requests(3).await;
    // The first pause is a quarter of a second at least, the second half of one.
    assert!(began.elapsed().as_millis() >= 750, "{:?}", began.elapsed());
    let answer = http::get(world.admin, "/ready").await.expect("the admin listener answers");
    assert_eq!(answer.status, 503);
    world.stop().await;
}
