//! `/ready`: whether the program keeps up with the firehose, and why not.

use atrarium_tests::network::did;
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use atrarium_tests::{World, http};
use serde_json::{Value, json};

async fn ready(world: &World) -> (u16, Value) {
    let answer = http::get(world.admin, "/ready").await.expect("the admin listener answers");
    (answer.status, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_nothing_yet_says_so_and_not_for_how_long() {
    let mut world = World::new().await;
    let (status, told) = ready(&world).await;
    // It may not have connected yet either.
    let last = told["reasons"].as_array().and_then(|reasons| reasons.last());
    assert_eq!((status, last), (503, Some(&json!({ "code": "nothing-yet", "message": "no event from the firehose yet" }))), "{told}");
    assert!(told["firehose"]["lagSeconds"].is_null() && told["firehose"]["silentSeconds"].as_f64().is_some_and(|silent| silent < 120.0), "{told}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_far_behind_is_ready_while_catching_up_and_no_longer() {
    let mut world = World::with_flags(&["--ready-lag-secs", "300"]).await;
    world.open(&did("owner"), "main", TAG);
    world.settled().await;
    let (status, told) = ready(&world).await;
    assert_eq!((status, &told["ready"], &told["reasons"], &told["database"], &told["queueDepth"]), (200, &json!(true), &json!([]), &json!("open"), &json!(0)));
    assert_eq!(told["firehose"]["connected"], json!(true));
    assert!(told["firehose"]["lagSeconds"].as_f64().is_some_and(|lag| (59.0..=60.0).contains(&lag)), "{told}");

    // Ten minutes pass here, and nothing comes.
    world.clock.set(NOW + 600_000);
    let (status, told) = ready(&world).await;
    let silent = json!({ "code": "silent", "message": "no event from the firehose for more than 300 seconds", "limitSeconds": 300 });
    assert_eq!((status, &told["reasons"]), (503, &json!([silent])));
    assert!(told["firehose"]["silentSeconds"].as_f64().is_some_and(|silent| silent >= 600.0), "{told}");

    // What comes is eleven minutes old.
    world.settled().await;
    let (status, told) = ready(&world).await;
    let message = "660 seconds behind the firehose, which is more than 300, and not catching up";
    assert_eq!((status, &told["reasons"]), (503, &json!([{ "code": "behind", "message": message, "limitSeconds": 300 }])), "{told}");

    // In the next ten seconds three minutes are caught up with.
    world.clock.set(NOW + 610_000);
    world.network.pass(180_000);
    world.settled().await;
    let (status, told) = ready(&world).await;
    assert_eq!((status, &told["firehose"]["catchingUp"]), (200, &json!(true)), "{told}");
    assert!(told["firehose"]["lagSeconds"].as_f64().is_some_and(|lag| lag > 300.0), "it is still behind: {told}");

    // And then it stays where it is, though events come.
    for second in (620_i64..700).step_by(10) {
        world.clock.set(NOW + second * 1_000);
        world.network.pass(9_000);
        world.settled().await;
    }
    let (status, told) = ready(&world).await;
    assert!(status == 503 && told["reasons"][0]["code"] == json!("behind"), "{told}");
    world.stop().await;
}
