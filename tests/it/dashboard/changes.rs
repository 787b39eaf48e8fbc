//! Changes as they happen, through the whole program.

use std::time::Duration;

use atrarium::community::changes::{Change, Subscription};
use atrarium::dashboard::Problem;
use atrarium_tests::World;
use atrarium_tests::network::{CONFIG, did, uri};
use atrarium_tests::records;
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::dashboard;

/// All that is told until now, by kind and data.
fn told(subscription: &mut Subscription) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    while let Some(Some(Change { kind, data, .. })) = subscription.next().now_or_never() {
        told.push((kind.name().to_owned(), serde_json::from_str(&data).expect("a change's data is JSON")));
    }
    told
}

fn listen(world: &World, id: &str, last: Option<&str>) -> Subscription {
    dashboard(world).listen("did:plc:caller", "203.0.113.7", id, last).expect("there is room")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_of_posts_members_moderation_and_the_config_and_of_no_other_community() {
    let mut world = World::new().await;
    let (owner, ann) = (did("owner"), did("ann"));
    let community = world.open(&owner, "main", TAG);
    let other = world.open(&did("other"), "other", OTHER_TAG);
    world.settled().await;
    let (mut listener, mut quiet) = (listen(&world, "main", None), listen(&world, "other", None));
    assert!(matches!(dashboard(&world).listen("did:plc:caller", "203.0.113.7", "nowhere", None), Err(Problem::NotFound { .. })));

    world.post(&ann, "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(told(&mut listener), [], "held posts are nobody's news");
    world.join(&community, &[&ann]);
    world.settled().await;
    let post = |rkey: &str, shown: bool| {
        let data = json!({ "uri": uri(&ann, "app.bsky.feed.post", rkey), "author": ann, "createdAt": "2026-11-20T11:59:30.000Z", "shown": shown });
        ("post".to_owned(), data)
    };
    assert_eq!(told(&mut listener), [("member".to_owned(), json!({ "did": ann, "role": "member" })), post("p1", true)]);
    world.act(&owner, "a1", "block_user", &ann, &community);
    world.settled().await;
    let action = |exists: bool| ("moderation".to_owned(), json!({ "action": uri(&owner, "net.atrarium.moderation.action", "a1"), "exists": exists }));
    let target = |denied: bool| ("moderation".to_owned(), json!({ "target": ann, "denied": denied }));
    assert_eq!(told(&mut listener), [target(true), action(true), post("p1", false)]);
    world.delete(&owner, "net.atrarium.moderation.action", "a1");
    world.settled().await;
    assert_eq!(told(&mut listener), [target(false), action(false), post("p1", true)]);
    world.leave(&community, &[&ann]);
    world.settled().await;
    assert_eq!(told(&mut listener), [("member".to_owned(), json!({ "did": ann, "role": null })), post("p1", false)]);
    world.update(&owner, CONFIG, "main", records::config("renamed", TAG, NOW));
    world.settled().await;
    assert_eq!(told(&mut listener), [("community".to_owned(), json!({ "closed": false }))]);
    // An hour later what was withdrawn is forgotten: nothing that anyone would notice.
    world.clock.set(NOW + 3 * 60 * 60 * 1_000);
    world.until("the traces have faded", |world| world.rows(atrarium::store::Table::Traces) == 0).await;
    world.settled().await;
    assert_eq!(told(&mut listener), []);

    assert_eq!(told(&mut quiet), []);
    world.delete(&owner, CONFIG, "main");
    let waiting = tokio::time::timeout(Duration::from_secs(60), listener.next()).await;
    assert_eq!(waiting.ok().flatten().map(|change| change.data.to_string()), Some(r#"{"closed":true}"#.to_owned()));
    assert_eq!(listener.next().now_or_never(), Some(None), "and then it is over");
    world.post(&did("other"), "p1", OTHER_TAG, NOW);
    let waiting = tokio::time::timeout(Duration::from_secs(60), quiet.next()).await;
    assert_eq!(waiting.ok().flatten().map(|change| change.kind.name()), Some("post"));
    assert!(other.ends_with("/other"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_interrupted_misses_nothing_and_after_a_restart_reads_anew() {
    let mut world = World::new().await;
    let owner = did("owner");
    world.open(&owner, "main", TAG);
    world.settled().await;
    let mut listener = listen(&world, "main", None);
    world.post(&owner, "p1", TAG, NOW - 30_000);
    world.settled().await;
    let last = listener.next().await.expect("there was a post").id.to_string();
    drop(listener);
    let missed: Vec<String> = (2..5).map(|n| world.post(&owner, &format!("p{n}"), TAG, NOW - 20_000 + n)).collect();
    world.settled().await;
    let mut listener = listen(&world, "main", Some(&last));
    assert_eq!(told(&mut listener).into_iter().map(|(_, data)| data["uri"].clone()).collect::<Vec<_>>(), missed);
    drop(listener);
    world.stop().await;
    world.start_again().await;
    world.post(&owner, "p9", TAG, NOW);
    world.settled().await;
    assert_eq!(told(&mut listen(&world, "main", Some(&last))).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(), ["reset"]);
    assert_eq!(told(&mut listen(&world, "main", None)), []);
    world.stop().await;
}
