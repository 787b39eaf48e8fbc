//! What is counted is right in the first read after a commit, whatever came between.

use atrarium::dashboard::Problem;
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use serde_json::json;

use super::{STRANGER, dashboard, everything, page, walk};

const HOUR: i64 = 60 * 60 * 1_000;
const DAY: i64 = 24 * HOUR;

/// Members and posts, as the community's view, its statistics, and a list have them.
fn counts(world: &World) -> (u64, u64) {
    let view = dashboard(world).community(STRANGER, "main").expect("it is open");
    let stats = dashboard(world).stats("main").expect("it is open");
    assert_eq!((view.member_count, view.post_count), (stats.member_count, stats.post_count));
    assert_eq!(stats.days.iter().map(|day| day.posts).sum::<u64>(), stats.post_count, "{stats:?}");
    let listed = dashboard(world).communities(STRANGER, &Default::default(), &everything()).expect("it can be read");
    let listed = listed.communities.iter().find(|community| community.id == "main").expect("it is open");
    assert_eq!((listed.member_count, listed.post_count), (view.member_count, view.post_count));
    let members = dashboard(world).members("main", &Default::default(), &page(1, None)).expect("it is open");
    assert_eq!(members.total, view.member_count);
    (view.member_count, view.post_count)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_posts_are_counted_as_they_come_and_go() {
    let mut world = World::new().await;
    let (owner, ann, ben) = (did("owner"), did("ann"), did("ben"));
    let community = world.open(&owner, "main", TAG);
    world.settled().await;
    assert_eq!(counts(&world), (1, 0));
    world.post(&ann, "p1", TAG, NOW - 30_000);
    world.post(&ann, "p2", TAG, NOW - 3 * DAY);
    world.settled().await;
    assert_eq!(counts(&world), (1, 0));
    world.join(&community, &[&ann, &ben]);
    world.settled().await;
    assert_eq!(counts(&world), (3, 2));
    let post = world.post(&ben, "p3", TAG, NOW - 1);
    world.post(&ben, "late", TAG, NOW + 3 * HOUR);
    world.settled().await;
    assert_eq!(counts(&world), (3, 3));
    world.act(&owner, "a1", "hide_post", &post, &community);
    world.settled().await;
    assert_eq!(counts(&world), (3, 2));
    world.delete(&owner, ACTION, "a1");
    world.act(&owner, "a2", "block_user", &ann, &community);
    world.settled().await;
    assert_eq!(counts(&world), (3, 1));
    world.delete(&owner, ACTION, "a2");
    world.account(&ann, Some("deactivated"));
    world.update(&ben, POST, "p3", records::post(&format!("{TAG} again"), NOW - 2 * DAY));
    world.settled().await;
    assert_eq!(counts(&world), (3, 1));
    world.account(&ann, None);
    world.settled().await;
    assert_eq!(counts(&world), (3, 3));
    world.stop().await;
    world.start_again().await;
    world.settled().await;
    assert_eq!(counts(&world), (3, 3), "a restart changes nothing");
    // In time, without an event.
    for (at, posts) in [(NOW + 3 * HOUR - 120_001, 3), (NOW + 3 * HOUR - 120_000, 4), (NOW + 4 * DAY - 1, 4), (NOW + 4 * DAY, 3), (NOW + 7 * DAY - 30_000, 1)] {
        world.clock.set(at);
        assert_eq!(counts(&world).1, posts, "{} ms on", at - NOW);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hashtag_and_another_life_begin_the_counts_anew() {
    let mut world = World::new().await;
    let (owner, ann) = (did("owner"), did("ann"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&ann]);
    for n in 0..5 {
        world.post(&ann, &format!("p{n}"), if n < 3 { TAG } else { OTHER_TAG }, NOW - 30_000);
    }
    world.settled().await;
    assert_eq!(counts(&world), (2, 3));
    world.update(&owner, CONFIG, "main", records::config("main", OTHER_TAG, NOW));
    world.settled().await;
    assert_eq!(counts(&world), (2, 2));
    world.delete(&owner, CONFIG, "main");
    world.settled().await;
    assert!(matches!(dashboard(&world).stats("main"), Err(Problem::NotFound { .. })));
    world.leave(&community, &[&ann]);
    world.open(&owner, "main", TAG);
    world.settled().await;
    assert_eq!(counts(&world), (1, 0));
    world.create(&ann, MEMBERSHIP, "again", records::membership(&community, true, NOW));
    world.settled().await;
    assert_eq!(counts(&world), (2, 3));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_told_by_days_and_authors() {
    let mut world = World::new().await;
    let (owner, ann) = (did("owner"), did("ann"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&ann]);
    // NOW is noon of the 20th.
    for (author, rkey, at) in
        [(&ann, "p1", NOW), (&ann, "p2", NOW - 11 * HOUR), (&owner, "p3", NOW - HOUR), (&owner, "p4", NOW - 7 * DAY + 1), (&ann, "p5", NOW - 2 * DAY)]
    {
        world.post(author, rkey, TAG, at);
    }
    world.post(&did("stranger"), "p6", TAG, NOW - 1_000);
    world.settled().await;
    let stats = dashboard(&world).stats("main").expect("it is open");
    let days: Vec<(&str, u64, u64)> = stats.days.iter().map(|day| (day.day.as_str(), day.posts, day.authors)).collect();
    let expected = [
        ("2026-11-13", 1, 1),
        ("2026-11-14", 0, 0),
        ("2026-11-15", 0, 0),
        ("2026-11-16", 0, 0),
        ("2026-11-17", 0, 0),
        ("2026-11-18", 1, 1),
        ("2026-11-19", 0, 0),
        ("2026-11-20", 3, 2),
    ];
    assert_eq!(days, expected);
    assert_eq!((stats.post_count, stats.author_count, stats.held_count), (5, 2, 1));
    // A millisecond later one has left, though nothing was committed.
    world.clock.set(NOW + 1);
    let stats = dashboard(&world).stats("main").expect("it is open");
    assert_eq!((stats.post_count, stats.author_count, stats.days[0].posts), (4, 2, 0));
    world.stop().await;
}

/// What is over is kept for another day, and counted no more, at whatever time of the day.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_counts_until_its_week_is_over_and_not_until_it_is_let_go_of() {
    let mut world = World::new().await;
    world.open(&did("owner"), "main", TAG);
    let posts = [1, 2, 5, 8, 11, 12, 13, 17, 20, 23, 25].map(|hour| NOW - 7 * DAY + hour * HOUR);
    for (number, at) in posts.into_iter().enumerate() {
        world.post(&did("owner"), &format!("p{number:02}"), TAG, at);
    }
    world.settled().await;
    for hour in 0..26 {
        let now = NOW + hour * HOUR;
        world.clock.set(now);
        let expected = posts.iter().filter(|at| **at > now - 7 * DAY).count() as u64;
        assert_eq!(counts(&world), (1, expected), "{hour} hours later");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_whose_posts_wait_for_them_to_join() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let copy = world.open(&did("copier"), "copy", TAG);
    let strangers: Vec<String> = ["ann", "ben", "cat", "dan"].map(did).to_vec();
    for (n, stranger) in strangers.iter().enumerate() {
        for post in 0..=n as i64 {
            world.post(stranger, &format!("p{post}"), TAG, NOW - 30_000 + post);
        }
    }
    world.post(&did("eve"), "p", OTHER_TAG, NOW);
    world.post(&owner, "p", TAG, NOW);
    world.join(&copy, &[&strangers[2]]);
    world.settled().await;
    let held = |world: &World, limit| walk(limit, |page| dashboard(world).held("main", page).map(|found| (found.authors, found.cursor)));
    let mut expected: Vec<(String, u64, String)> =
        [0, 1, 3].map(|n: i64| (strangers[n as usize].clone(), n as u64 + 1, records::datetime(NOW - 30_000 + n))).to_vec();
    expected.sort();
    for limit in [1, 2, 3, 100] {
        let authors: Vec<_> = held(&world, limit).into_iter().map(|author| (author.did, author.posts, author.newest)).collect();
        assert_eq!(authors, expected, "{limit}: the third belongs to another community with the hashtag");
    }
    assert_eq!(dashboard(&world).stats("main").expect("it is open").held_count, 1 + 2 + 4);
    world.join(&community, &[&strangers[3]]);
    world.settled().await;
    assert_eq!(held(&world, 100).len(), 2);
    assert_eq!(dashboard(&world).stats("main").expect("it is open").held_count, 1 + 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_with_everything_in_it_is_shown_as_it_is() {
    let mut world = World::new().await;
    let config = with(records::config("名前", TAG, NOW), json!({ "feedMix": { "own": 80, "parent": 15, "global": 5 }, "stage": "graduated" }));
    world.create(&did("owner"), CONFIG, "main", config);
    world.settled().await;
    let view = serde_json::to_value(dashboard(&world).community(STRANGER, "main").expect("it is open")).expect("it is JSON");
    assert_eq!(view["feedMix"], json!({ "own": 0.8, "parent": 0.15, "global": 0.05 }));
    assert_eq!((&view["stage"], &view["name"], &view["role"], &view["sharedHashtag"]), (&json!("graduated"), &json!("名前"), &json!(null), &json!(false)));
    assert!(view.get("description").is_none() && view.get("parent").is_none());
    world.stop().await;
}
