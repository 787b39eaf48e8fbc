//! A community whose crowd has filled what it may store: whoever moderates still does, edits count, and what is refused isn't lost.

use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

const POSTS: usize = 1_000;

/// Each of the crowd's posts takes two rows, with the longest of keys in both.
fn rkey(n: usize) -> String {
    format!("{n:0>455}")
}

fn config(moderators: &[&str]) -> Value {
    with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": moderators }))
}

/// A community with a moderator and a member, whose posts are more than there is room for. Answers its URI and the posts, the newest first, those
/// that the feed shows and those that found no room.
async fn filled(world: &mut World) -> (String, Vec<String>, Vec<String>) {
    let member = did("member");
    assert_eq!(uri(&member, POST, &rkey(0)).len(), 512);
    let community = world.create(&did("owner"), CONFIG, "main", config(&[&did("moderator")]));
    world.join(&community, &[&member]);
    world.settled().await;
    let posts: Vec<String> = (0..POSTS).map(|n| world.post(&member, &rkey(n), TAG, NOW - 30_000 - n as i64)).collect();
    world.settled().await;
    world
        .until("each is shown, or has found no room by itself", |world| {
            let failures = world.failures();
            failures.iter().all(|failures| *failures == 1) && world.shown() + failures.len() == POSTS
        })
        .await;
    let shown = world.feed(&community).await;
    assert!((POSTS * 7 / 10..POSTS * 9 / 10).contains(&shown.len()), "{} have found room", shown.len());
    let refused = posts.into_iter().filter(|post| !shown.contains(post)).collect();
    (community, shown, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_moderates_has_room_where_a_crowd_has_none() {
    let mut world = World::with_flags(&["--object-mib", "1"]).await;
    let (community, shown, refused) = filled(&mut world).await;
    let member = did("member");
    for (n, post) in shown.iter().take(20).enumerate() {
        let signs = if n % 2 == 0 { did("owner") } else { did("moderator") };
        world.act(&signs, &format!("hide{n}"), "hide_post", post, &community);
    }
    world.act(&did("stranger"), "hide", "hide_post", &shown[20], &community);
    world.settled().await;
    assert!(world.feed(&community).await == shown[20..], "what they hide is hidden, and nothing else");
    assert!(world.dead_letters().is_empty());

    // More is stored now than a crowd may, and a post can still be edited: here its date, which puts it last.
    let edited = &shown[30];
    world.update(&member, POST, &edited[edited.len() - 455..], records::post(&format!("hello {TAG}"), NOW - 60_000));
    world.settled().await;
    let expected = [&shown[20..30], &shown[31..], std::slice::from_ref(edited)].concat();
    assert!(world.feed(&community).await == expected, "an edit counts");
    assert_eq!(world.failures().len(), refused.len() + 1, "of the crowd nothing has come in, the stranger's action neither");

    // When something goes there is room for others.
    for post in &shown {
        world.delete(&member, POST, &post[post.len() - 455..]);
    }
    world.settled().await;
    world.clock.set(NOW + 2_000);
    world.until("all have found room", |world| world.failures().is_empty()).await;
    assert!(world.feed(&community).await == refused, "and there they are, in order");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_found_no_room_counts_once_its_author_is_a_moderator() {
    let mut world = World::with_flags(&["--object-mib", "1"]).await;
    let (community, shown, refused) = filled(&mut world).await;
    let (deputy, hide) = (did("deputy"), uri(&did("deputy"), ACTION, "hide"));
    world.act(&deputy, "hide", "hide_post", &shown[0], &community);
    world.settled().await;
    let mut passed_ms = 0;
    for (attempts, pause) in (1..).zip([1_000, 5_000, 25_000]) {
        world.until("each has failed by itself again", |world| world.failures() == vec![attempts; refused.len() + 1]).await;
        passed_ms += pause;
        world.clock.set(NOW + passed_ms);
    }
    world.until("all are given up", |world| world.failures().is_empty()).await;
    let given_up = |world: &World| world.dead_letters().iter().any(|(subject, _)| *subject == hide);
    assert!(given_up(&world) && world.feed(&community).await == shown);
    world.update(&did("owner"), CONFIG, "main", config(&[&did("moderator"), &deputy]));
    world.settled().await;
    assert!(!given_up(&world) && world.feed(&community).await == shown[1..]);
    world.stop().await;
}
