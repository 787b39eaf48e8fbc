//! A community's life, as its people live it: from the first record to the last.

use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::world::NOW;
use atrarium_tests::{World, records};

const TAG: &str = "#atrarium_a1b2c3d4";

#[tokio::test(flavor = "multi_thread")]
async fn a_members_post_appears_and_a_strangers_does_not() {
    let mut world = World::new().await;
    let (owner, member, stranger) = (did("owner"), did("member"), did("stranger"));
    let community = uri(&owner, CONFIG, "main");

    let event = world.network.create(&owner, CONFIG, "main", records::config("Test", TAG, NOW - 50_000));
    world.publish(event);
    let event = world.network.create(&member, MEMBERSHIP, "m", records::membership(&community, true, NOW - 40_000));
    world.publish(event);
    for (author, rkey) in [(&member, "p1"), (&stranger, "p2"), (&owner, "p3")] {
        let event = world.network.create(author, POST, rkey, records::post(&format!("hello {TAG}"), NOW - 30_000));
        world.publish(event);
    }
    world.settled().await;
    assert_eq!(world.feed(&community).await, [uri(&owner, POST, "p3"), uri(&member, POST, "p1")]);

    // A stranger who joins brings their posts of the week along.
    let event = world.network.create(&stranger, MEMBERSHIP, "m", records::membership(&community, true, NOW - 20_000));
    world.publish(event);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [uri(&owner, POST, "p3"), uri(&stranger, POST, "p2"), uri(&member, POST, "p1")]);

    let event = world.network.create(&owner, ACTION, "a1", records::action("hide_post", &uri(&member, POST, "p1"), &community, NOW - 10_000));
    world.publish(event);
    let event = world.network.delete(&owner, POST, "p3");
    world.publish(event);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [uri(&stranger, POST, "p2")]);

    world.stop().await;
    world.start_again().await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [uri(&stranger, POST, "p2")], "a restart changes nothing");
    world.stop().await;
}
