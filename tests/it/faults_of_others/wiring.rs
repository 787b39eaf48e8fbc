//! Parts that were never joined, and records that the program's other half refused (2.1 to 2.3).

use atrarium::store::Table;
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::TAG;
use atrarium_tests::world::{NOW, feed_of, posts_of};
use serde_json::json;

/// 2.1 (3): the receiver sent arrays, the consumer took each for one event.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_large_batch_is_taken() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let posts: Vec<String> = (0..900).rev().map(|n| world.post(&did("owner"), &format!("p{n:03}"), TAG, NOW - 30_000 + n)).collect();
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts);
    world.stop().await;
}

/// 2.1 (4): configs and members were kept under the record key, posts under the hashtag's digits.
#[tokio::test(flavor = "multi_thread")]
async fn a_communitys_record_key_and_hashtag_have_nothing_in_common() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    for (rkey, tag) in
        [("3jzfcijpj2z2a", "#atrarium_00000001"), ("self", "#atrarium_00000002"), ("00000001", "#atrarium_00000003"), ("a.b-c_d~e:f", "#atrarium_00000004")]
    {
        let community = world.open(&owner, rkey, tag);
        world.join(&community, &[&member]);
        let post = world.post(&member, &format!("p{}", &tag[10..]), tag, NOW - 30_000);
        world.settled().await;
        assert_eq!(world.feed(&community).await, [post], "{rkey} {tag}");
    }
    world.stop().await;
}

/// 2.1 (5): the subscription asked for posts alone, so memberships, moderation and configs never came.
#[tokio::test(flavor = "multi_thread")]
async fn all_four_collections_are_asked_for() {
    let mut world = World::new().await;
    let requests = world.server.wait_for_requests(1).await;
    for collection in [POST, CONFIG, MEMBERSHIP, ACTION] {
        assert!(requests[0].contains(&format!("wantedCollections={collection}")), "{collection}: {requests:?}");
    }
    world.stop().await;
}

/// 2.1 (6): only did:web was taken in a feed's URI, its DID was never looked at, and no feed was described. Peers: Py's
/// describeFeedGenerator returned the handler's envelope; Corgi's and the starter's error for an unknown feed had another name.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_found_by_its_owners_did_and_described() {
    let mut world = World::with_flags(&["--public-url", "https://feeds.example.org"]).await;
    let owners = [did("owner"), "did:web:owner.example".to_owned(), "did:web:localhost%3A8080".to_owned()];
    let mut feeds = Vec::new();
    for (n, owner) in owners.iter().enumerate() {
        let tag = format!("#atrarium_{n:08x}");
        let community = world.open(owner, "main", &tag);
        let post = world.post(owner, "p1", &tag, NOW - 30_000);
        world.settled().await;
        let encoded = feed_of(&community).replace('%', "%25");
        let answer = world.get(&format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={encoded}")).await;
        assert_eq!(posts_of(&answer.json()), [post], "{answer:?}");
        feeds.push(json!({ "uri": feed_of(&community) }));
    }
    for stranger in ["did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:web:feeds.example.org"] {
        let answer = world.get(&format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed=at://{stranger}/app.bsky.feed.generator/main")).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "UnknownFeed"), "{stranger}");
    }
    let described = world.get("/xrpc/app.bsky.feed.describeFeedGenerator").await;
    assert_eq!(described.json(), json!({ "did": "did:web:feeds.example.org", "feeds": feeds }));
    let document = world.get("/.well-known/did.json").await.json();
    assert_eq!(document["service"][0]["serviceEndpoint"], "https://feeds.example.org");
    world.stop().await;
}

/// 2.2: the creator had no membership record and was nobody in their own community; a change of stage lost the config's other fields;
/// a deletion deleted nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_needs_no_membership_and_a_config_lives_and_dies_as_a_whole() {
    let mut world = World::new().await;
    let (owner, moderator) = (did("owner"), did("moderator"));
    let config = with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": [moderator] }));
    let community = world.create(&owner, CONFIG, "main", config.clone());
    let posts = [world.post(&moderator, "p2", TAG, NOW - 29_000), world.post(&owner, "p1", TAG, NOW - 30_000)];
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts);
    world.update(&owner, CONFIG, "main", with(config.clone(), json!({ "stage": "community" })));
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts, "another stage");
    world.update(&owner, CONFIG, "main", with(config.clone(), json!({ "moderators": [] })));
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts[1..], "a moderator is a member for as long as they are one");
    world.delete(&owner, CONFIG, "main");
    world.settled().await;
    assert_eq!(world.page(&community, 50, None).await.error(), "UnknownFeed");
    assert_eq!((world.rows(Table::Visible), world.rows(Table::Objects), world.rows(Table::Members)), (0, 0, 0));
    world.create(&owner, CONFIG, "main", config);
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts, "a config that comes back reopens it with all that was told");
    world.stop().await;
}

/// 2.3: did:web with dots, record keys with `-`, `_` or `.`, and datetimes with an offset were refused; lengths were counted in
/// UTF-16; floats and integers excluded each other.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_protocol_allows_is_taken() {
    let mut world = World::new().await;
    let owner = "did:web:community.example.org";
    let config = with(
        records::config("placeholder", TAG, NOW - 50_000),
        json!({
            "name": "🇩🇪".repeat(100),
            "description": "👨‍👩‍👧‍👦".repeat(150),
            "feedMix": { "own": 0.8, "parent": 0.15, "global": 0.05 },
            "createdAt": "2026-11-20T13:30:00.5+02:00",
        }),
    );
    let community = world.create(owner, CONFIG, "my.feed-1_a~b:c", config);
    let member = "did:web:member.example%3A8080";
    world.create(member, MEMBERSHIP, "-", with(records::membership(&community, true, NOW - 40_000), json!({ "joinedAt": "2026-11-20T06:00:00-05:30" })));
    let post = world.create(member, POST, "_.~", with(records::post(TAG, NOW), json!({ "createdAt": "2026-11-20T17:29:00+05:30" })));
    let also = world.create(
        member,
        POST,
        "in:facets",
        json!({ "text": "no hashtag in the text", "createdAt": "2026-11-20T11:58:00Z", "tags": ["atrarium_a1b2c3d4"] }),
    );
    world.act(owner, "no-reason", "hide_post", &uri(member, POST, "other"), &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [post, also]);
    world.stop().await;
}
