//! What a community doesn't show, and whose word it is.

use std::slice::from_ref;

use atrarium::dashboard::views::{Action, ActionKind, HiddenBecause};
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use serde_json::json;

use super::{dashboard, page, walk};

const DAY: i64 = 24 * 60 * 60 * 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn moderators_see_what_is_not_shown_and_why_and_others_see_the_feed() {
    let mut world = World::new().await;
    let (owner, ann, ben, cat, stranger) = (did("owner"), did("ann"), did("ben"), did("cat"), did("stranger"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&ann, &ben, &cat]);
    let shown = world.post(&ann, "p1", TAG, NOW - 30_000);
    let hidden = world.post(&ann, "p2", TAG, NOW - 29_000);
    let blocked = world.post(&ben, "p3", TAG, NOW - 28_000);
    let both = world.post(&ben, "p4", TAG, NOW - 27_000);
    let inactive = world.post(&cat, "p5", TAG, NOW - 26_000);
    let future = world.post(&ann, "p6", TAG, NOW + DAY);
    world.post(&ann, "old", TAG, NOW - 8 * DAY);
    world.post(&stranger, "p7", TAG, NOW - 25_000);
    world.post(&ann, "p8", OTHER_TAG, NOW - 24_000);
    world.act(&owner, "a1", "hide_post", &hidden, &community);
    world.act(&owner, "a2", "block_user", &ben, &community);
    world.act(&owner, "a3", "hide_post", &both, &community);
    world.account(&cat, Some("takendown"));
    world.settled().await;
    let posts = |world: &World, hidden: bool, limit: u32| {
        let posts = walk(limit, |page| dashboard(world).posts("main", hidden, page).map(|found| (found.posts, found.cursor)));
        posts.into_iter().map(|post| (post.uri, post.shown, post.hidden_because)).collect::<Vec<_>>()
    };
    use HiddenBecause::{Blocked, Future, Hidden, Inactive};
    let expected = [
        (future.clone(), false, vec![Future]),
        (inactive, false, vec![Inactive]),
        (both, false, vec![Hidden, Blocked]),
        (blocked, false, vec![Blocked]),
        (hidden, false, vec![Hidden]),
        (shown.clone(), true, Vec::new()),
    ];
    for limit in [1, 2, 5, 6, 100] {
        assert_eq!(posts(&world, true, limit), expected, "{limit}");
        assert_eq!(posts(&world, false, limit), [(shown.clone(), true, Vec::new())], "{limit}");
    }
    assert_eq!(world.feed(&community).await, from_ref(&shown));
    let post = &dashboard(&world).posts("main", false, &page(1, None)).expect("it is open").posts[0];
    assert_eq!((post.created_at.as_str(), post.reply, post.languages.as_slice()), ("2026-11-20T11:59:30.000Z", false, &["en".to_owned()][..]));

    // When its time has come it is shown; a week later all is over.
    world.clock.set(NOW + DAY);
    assert_eq!(posts(&world, false, 100), [(future.clone(), true, Vec::new()), (shown, true, Vec::new())]);
    world.clock.set(NOW + 7 * DAY);
    assert_eq!(posts(&world, true, 100), [(future, true, Vec::new())]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_posts_goes_on_at_its_place_while_posts_come_and_go() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    // Two authors at one instant, and keys that begin with each other.
    world.join(&community, &[&did("ann")]);
    let mut uris = Vec::new();
    for n in 0..6 {
        for (author, rkey) in [(&did("ann"), "p"), (&owner, "p"), (&owner, "p-")] {
            uris.push(world.post(author, &format!("{rkey}{n}"), TAG, NOW - 30_000 + n / 2));
        }
    }
    world.settled().await;
    let feed = world.feed(&community).await;
    assert_eq!(feed.len(), uris.len());
    for hidden in [false, true] {
        for limit in [1, 4, 18] {
            let all = walk(limit, |page| dashboard(&world).posts("main", hidden, page).map(|found| (found.posts, found.cursor)));
            assert_eq!(all.into_iter().map(|post| post.uri).collect::<Vec<_>>(), feed, "{hidden} {limit}");
        }
    }
    let first = [false, true].map(|hidden| dashboard(&world).posts("main", hidden, &page(5, None)).expect("it is open"));
    let rkey = |uri: &str| uri.rsplit('/').next().expect("a URI has a key").to_owned();
    let author = |uri: &str| uri.split('/').nth(2).expect("a URI has a DID").to_owned();
    world.delete(&author(&feed[4]), POST, &rkey(&feed[4]));
    world.delete(&author(&feed[9]), POST, &rkey(&feed[9]));
    world.post(&owner, "newest", TAG, NOW);
    world.settled().await;
    let rest: Vec<String> = feed[5..].iter().filter(|uri| **uri != feed[9]).cloned().collect();
    for (hidden, first) in [false, true].into_iter().zip(first) {
        let found = dashboard(&world).posts("main", hidden, &page(100, first.cursor)).expect("it is open");
        assert_eq!((found.posts.into_iter().map(|post| post.uri).collect::<Vec<_>>(), found.cursor), (rest.clone(), None), "{hidden}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_actions_on_a_target_the_latest_by_who_has_a_say_decides() {
    let mut world = World::new().await;
    let (owner, mia, ann) = (did("owner"), did("mia"), did("ann"));
    let config = |moderators: serde_json::Value| with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": moderators }));
    let community = world.create(&owner, CONFIG, "main", config(json!([mia])));
    let other = world.open(&owner, "other", OTHER_TAG);
    world.join(&community, &[&ann]);
    let post = world.post(&ann, "p1", TAG, NOW - 30_000);
    let act = |world: &mut World, author: &str, rkey: &str, kind: &str, target: &str, at: i64| {
        world.create(author, ACTION, rkey, records::action(kind, target, &community, at))
    };
    let a1 = act(&mut world, &mia, "a1", "hide_post", &post, NOW - 20_000);
    let a2 = act(&mut world, &owner, "a2", "unhide_post", &post, NOW - 30_000);
    let a3 = act(&mut world, &ann, "a3", "unhide_post", &post, NOW - 5_000);
    let a4 = act(&mut world, &mia, "a4", "unhide_post", &post, NOW + DAY);
    let a5 = act(&mut world, &mia, "a5", "block_user", &owner, NOW - 1_000);
    world.create(&owner, ACTION, "a6", records::action("hide_post", &post, &other, NOW));
    world.settled().await;
    let listed = |world: &World, target: Option<&str>| {
        let actions = walk(2, |page| dashboard(world).actions("main", target, page).map(|found| (found.actions, found.cursor)));
        actions.into_iter().map(|action| (action.uri, action.author_has_say, action.decides)).collect::<Vec<_>>()
    };
    let of_post = [(a4.clone(), true, false), (a3.clone(), false, false), (a1.clone(), true, true), (a2.clone(), true, false)];
    let all = [of_post[0].clone(), (a5, false, false), of_post[1].clone(), of_post[2].clone(), of_post[3].clone()];
    assert_eq!(listed(&world, None), all);
    assert_eq!(listed(&world, Some(&post)), of_post);
    assert_eq!(listed(&world, Some("did:plc:nobody")), []);
    assert_eq!(world.feed(&community).await, Vec::<String>::new());
    let actions = dashboard(&world).actions("main", Some(&post), &page(1, None)).expect("it is open").actions;
    let Action { action, target, reason, rkey, via, community: of, .. } = &actions[0];
    assert_eq!((*action, target, rkey.as_str()), (ActionKind::UnhidePost, &post, "a4"));
    assert_eq!((reason.as_deref(), via, of), (Some("off topic"), &None, &community));

    // Its record may be dated anew, and another be deleted.
    let mut record = records::action("unhide_post", &post, &community, NOW - 10_000);
    record["via"] = json!(a1);
    world.update(&owner, ACTION, "a2", record);
    world.settled().await;
    let of_post = [(a4.clone(), true, false), (a3.clone(), false, false), (a2.clone(), true, true), (a1.clone(), true, false)];
    assert_eq!(listed(&world, Some(&post)), of_post);
    assert_eq!(world.feed(&community).await, from_ref(&post));
    let action = &dashboard(&world).actions("main", Some(&post), &page(100, None)).expect("it is open").actions[2];
    assert_eq!(action.via.as_ref(), Some(&a1));
    world.delete(&owner, ACTION, "a2");
    world.delete(&ann, ACTION, "a3");
    world.settled().await;
    assert_eq!(listed(&world, Some(&post)), [(a4.clone(), true, false), (a1.clone(), true, true)]);

    // A dismissed moderator has no say any more.
    world.update(&owner, CONFIG, "main", config(json!([])));
    world.settled().await;
    assert_eq!(listed(&world, Some(&post)), [(a4, false, false), (a1, false, false)]);
    assert_eq!(world.feed(&community).await, [post]);
    assert_eq!(uri(&owner, ACTION, "a6"), dashboard(&world).actions("other", None, &page(1, None)).expect("it is open").actions[0].uri);
    world.stop().await;
}
