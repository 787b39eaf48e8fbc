//! Who may do what, and what is whose (2.4).

use std::slice::from_ref;

use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use serde_json::json;

use super::{NO_POSTS, WEEK_MS};

/// 2.4 S5, S7, S8: a role was what one's own membership record said; moderation took no actor; an ex-moderator went on.
#[tokio::test(flavor = "multi_thread")]
async fn roles_are_what_the_owners_record_says_now() {
    let mut world = World::new().await;
    let (owner, moderator, member, pretender) = (did("owner"), did("moderator"), did("member"), did("pretender"));
    let config = |moderators: serde_json::Value| with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": moderators }));
    let community = world.create(&owner, CONFIG, "main", config(json!([moderator])));
    world.join(&community, &[&member]);
    world.create(&pretender, MEMBERSHIP, "m", with(records::membership(&community, true, NOW - 40_000), json!({ "role": "owner" })));
    let (by_member, by_pretender, by_owner) =
        (world.post(&member, "p1", TAG, NOW - 30_000), world.post(&pretender, "p2", TAG, NOW - 29_000), world.post(&owner, "p3", TAG, NOW - 28_000));
    world.act(&pretender, "a1", "hide_post", &by_member, &community);
    world.act(&pretender, "a2", "block_user", &owner, &community);
    world.act(&moderator, "a3", "hide_post", &by_owner, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [by_owner.clone(), by_pretender.clone(), by_member.clone()]);
    // Nor does a config of one's own, for a child or of the same name, say anything about this community.
    world.create(&pretender, CONFIG, "main", with(config(json!([pretender])), json!({ "parentCommunity": community })));
    world.act(&moderator, "a4", "hide_post", &by_member, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [by_owner.clone(), by_pretender.clone()]);
    // Dismissed, the moderator's actions count no more; appointed again, they do.
    world.update(&owner, CONFIG, "main", config(json!([])));
    world.settled().await;
    assert_eq!(world.feed(&community).await, [by_owner.clone(), by_pretender.clone(), by_member.clone()]);
    world.update(&owner, CONFIG, "main", config(json!([moderator])));
    world.settled().await;
    assert_eq!(world.feed(&community).await, [by_owner, by_pretender]);
    world.stop().await;
}

/// 2.4 S9: a block had no effect. 2.5: who left, was blocked or removed left their old posts behind.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_or_leaves_takes_their_posts_along_and_brings_them_back() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let old = world.post(&member, "p1", TAG, NOW - 30_000);
    let kept = world.post(&owner, "p2", TAG, NOW - 29_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [kept.clone(), old.clone()]);
    world.act(&owner, "a1", "block_user", &member, &community);
    let new = world.post(&member, "p3", TAG, NOW - 10_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&kept), "blocked");
    world.delete(&owner, ACTION, "a1");
    world.settled().await;
    assert_eq!(world.feed(&community).await, [new.clone(), kept.clone(), old.clone()], "the block is undone");
    world.update(&member, MEMBERSHIP, "in-main", records::membership(&community, false, NOW - 9_000));
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&kept), "inactive");
    world.update(&member, MEMBERSHIP, "in-main", records::membership(&community, true, NOW - 8_000));
    world.settled().await;
    assert_eq!(world.feed(&community).await, [new.clone(), kept.clone(), old.clone()], "active again");
    world.delete(&member, MEMBERSHIP, "in-main");
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&kept), "left");
    world.join(&community, &[&member]);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [new, kept, old], "back");
    world.stop().await;
}

/// 2.4 S10: `#atrarium_a1b2c3d4ffff` was taken for `a1b2c3d4`, and so was a tag inside an address.
#[tokio::test(flavor = "multi_thread")]
async fn a_hashtag_is_the_whole_word() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    for (n, text) in [
        "#atrarium_a1b2c3d4ffff",
        "#atrarium_a1b2c3d49",
        "https://example.com/#atrarium_a1b2c3d4",
        "x#atrarium_a1b2c3d4",
        "#Atrarium_a1b2c3d4",
        "atrarium_a1b2c3d4",
    ]
    .into_iter()
    .enumerate()
    {
        world.create(&owner, POST, &format!("no{n}"), records::post(text, NOW - 30_000));
    }
    let yes: Vec<String> = ["(#atrarium_a1b2c3d4)", "＃atrarium_a1b2c3d4", "これは#atrarium_a1b2c3d4です"]
        .into_iter()
        .enumerate()
        .map(|(n, text)| world.create(&owner, POST, &format!("yes{n}"), records::post(text, NOW - 20_000 - n as i64)))
        .collect();
    world.settled().await;
    assert_eq!(world.feed(&community).await, yes);
    world.stop().await;
}

/// 2.4 S11: whoever published somebody else's hashtag or record key got their posts, or their place.
#[tokio::test(flavor = "multi_thread")]
async fn a_hashtag_or_a_record_key_of_others_wins_nothing() {
    let mut world = World::new().await;
    let (owner, squatter, member) = (did("owner"), did("squatter"), did("member"));
    let theirs = world.open(&squatter, "main", TAG);
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let by_squatter = world.post(&squatter, "p1", TAG, NOW - 30_000);
    let by_member = world.post(&member, "p1", TAG, NOW - 30_000);
    let by_owner = world.post(&owner, "p1", TAG, NOW - 29_000);
    world.act(&squatter, "a1", "block_user", &member, &theirs);
    world.act(&squatter, "a2", "block_user", &member, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [by_owner.clone(), by_member.clone()]);
    assert_eq!(world.feed(&theirs).await, [by_squatter]);
    world.delete(&squatter, CONFIG, "main");
    world.settled().await;
    assert_eq!(world.feed(&community).await, [by_owner, by_member]);
    world.stop().await;
}

/// 2.4 S12: an author's date of 2999 stayed on top for ever, 1999 sorted above the present, and an unreadable one was never cleaned up.
#[tokio::test(flavor = "multi_thread")]
async fn an_authors_date_decides_no_more_than_the_window_allows() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let dated = |date: &str| with(records::post(TAG, NOW), json!({ "createdAt": date }));
    let unreadable = [("collection", POST), ("reason", "bad-datetime")];
    let was = world.counted("atrarium_malformed_total", &unreadable).await;
    let present = world.create(&owner, POST, "present", dated("2026-11-20T11:59:00Z"));
    world.create(&owner, POST, "old", dated("1999-01-01T00:00:00Z"));
    world.create(&owner, POST, "older", dated("0011-01-01T00:00:00Z"));
    world.create(&owner, POST, "unreadable", dated("soon"));
    let skewed = world.create(&owner, POST, "skewed", dated("2026-11-20T12:02:00Z"));
    world.create(&owner, POST, "ahead", dated("2026-11-20T12:02:00.001Z"));
    let far = world.create(&owner, POST, "far", dated("2999-01-01T00:00:00Z"));
    world.settled().await;
    assert_eq!(world.feed(&community).await, [skewed.clone(), present.clone()]);
    assert!(world.counted("atrarium_malformed_total", &unreadable).await > was);
    // A moment later the next one is visible, by the clock alone.
    world.clock.set(NOW + 1_000);
    assert_eq!(world.feed(&community).await, [uri(&owner, POST, "ahead"), skewed, present]);
    // In 2999 it is the only one.
    let in_2999 = 32_472_144_000_000;
    world.clock.set(in_2999);
    assert_eq!(world.feed(&community).await, [far]);
    world.clock.set(in_2999 + WEEK_MS + 1);
    assert_eq!(world.feed(&community).await, NO_POSTS);
    world.stop().await;
}
