//! What went wrong in the first implementation and in other feed generators, each as a test that would notice it here.
//!
//! Sections 2.1 to 2.5 are those of `research/atrarium-original.md`; "peers" is the list at the end of section 1 of
//! `research/feedgen-peers.md`. Faults of the dashboard, its API and its logins are not here yet: neither are those parts of the program.
//! Where another test shows a fault already, [`SHOWN_ELSEWHERE`] names it.

use std::slice::from_ref;
use std::time::Instant;

use atrarium::store::Table;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::{NOW, feed_of, posts_of};
use atrarium_tests::{World, http};
use serde_json::json;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const WEEK_MS: i64 = 7 * DAY_MS;

const NO_POSTS: [String; 0] = [];

/// Section, fault, the file of the test that shows that it isn't ours, and the test.
const SHOWN_ELSEWHERE: &[(&str, &str, &str, &str)] = &[
    ("2.1 (1, 2)", "the receiver is never started, the consumer never registered", "journey.rs", "a_members_post_appears_and_a_strangers_does_not"),
    ("2.2", "integers and fractions in feedMix exclude each other", "../../components/filter/src/shares.rs", "every_mix_of_thousandths_sums_to_a_hundred"),
    ("2.3", "the server's records break the server's lexicons", "../../components/filter/tests/filter/lexicons.rs", "fn "),
    (
        "2.4 S5, S7, S8",
        "who says that they are a moderator is one",
        "../../components/moderation/src/judge.rs",
        "only_the_owner_and_moderators_act_and_not_on_their_like",
    ),
    ("2.4 S10", "a hashtag matches inside longer words", "../../components/filter/src/hashtag.rs", "what_only_looks_like_a_hashtag_is_none"),
    ("2.4 S17", "one malformed record spoils the others of its repo", "malformed.rs", "a_malformed_record_is_counted_by_its_reason_and_leaves_nothing_behind"),
    ("2.4 S19", "errors tell what is inside", "../../host/src/http/tests/requests.rs", "errors_carry_the_headers_that_callers_need"),
    ("2.5", "the cursor is stored before what it follows", "firehose.rs", "a_restart_asks_for_what_follows_the_stored_cursor"),
    (
        "2.5",
        "events that arrive during a flush are dropped; a failed flush is never tried again",
        "disk.rs",
        "whatever_the_disk_refuses_ingest_pauses_feeds_go_on_and_nothing_is_lost",
    ),
    (
        "2.5",
        "errors are swallowed, and the dead letters stay empty",
        "guests.rs",
        "an_event_that_a_guest_cant_take_ends_in_its_communitys_dead_letters_and_delays_no_other",
    ),
    ("2.5", "posts of the same millisecond are skipped", "paging.rs", "posts_of_the_same_millisecond_are_on_one_page_each"),
    ("2.5", "a page of hidden posts ends the feed", "paging.rs", "what_moderation_hides_ends_no_feed_and_leaves_no_empty_page"),
    ("2.5", "`limit=abc` is a 500", "requests.rs", "a_bad_request_gets_the_right_error_at_once"),
    ("peers", "an identity without a handle is an error", "firehose.rs", "an_identity_without_a_handle_is_read"),
    ("peers", "cursor and filter of a page count by different times", "paging.rs", "what_arrives_or_goes_during_a_walk_neither_repeats_nor_skips_a_post"),
];

#[test]
fn the_tests_that_show_a_fault_elsewhere_exist() {
    for (section, fault, file, test) in SHOWN_ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(file);
        let source = std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{section}, {fault}: {}: {cause}", path.display()));
        let test = test.strip_prefix("fn ").map_or(format!("fn {test}("), |_| "#[test]".to_owned());
        assert!(source.contains(&test), "{section}, {fault}: {file} has no {test}");
    }
}

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
    // The alarm comes a little later, the sweep a day later.
    world.clock.set(NOW + WEEK_MS + 120_000);
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
    assert_eq!(world.rows(Table::Visible), 1);
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
    world.until("the action's time has come", |world| world.rows(Table::Visible) == 2).await;
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
