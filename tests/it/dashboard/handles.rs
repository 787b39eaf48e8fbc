//! Handles: shown in lists once they are verified both ways, without anybody waiting; and taken wherever somebody is meant.

use atrarium::dashboard::{CommunitiesQuery, MembersQuery, Problem};
use atrarium_tests::network::{CONFIG, did};
use atrarium_tests::plc::{Mood, Plc};
use atrarium_tests::scene::TAG;
use atrarium_tests::signer::Signer;
use atrarium_tests::world::NOW;
use atrarium_tests::{World, records};
use serde_json::json;

use super::{STRANGER, dashboard, everything};

/// A directory that knows these people, and the program that asks it.
async fn stage(people: &[(&str, &str)]) -> (World, Plc) {
    let plc = Plc::start().await;
    let (method, key) = Signer::k256(7).public();
    for (name, handle) in people {
        plc.register(&did(name), (method, &key));
        plc.claims(&did(name), handle);
    }
    let flags = plc.flags_with_handles();
    let world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    (world, plc)
}

/// DIDs and handles of the members, in the order of the list.
fn members(world: &World, community: &str) -> Vec<(String, Option<String>)> {
    let found = dashboard(world).members(community, &MembersQuery::default(), &everything()).expect("the list can be read");
    found.members.into_iter().map(|member| (member.did, member.handle)).collect()
}

fn handle(world: &World, community: &str, of: &str) -> Option<String> {
    members(world, community).into_iter().find(|(member, _)| *member == did(of)).and_then(|(_, handle)| handle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_shown_when_both_sides_claim_it_and_no_list_waits_for_it() {
    // Ben claims Ann's; Cat's leads to Ann.
    let (mut world, plc) = stage(&[("ann", "ann.test"), ("ben", "ann.test"), ("cat", "cat.test")]).await;
    plc.leads("ann.test", &did("ann"));
    plc.leads("cat.test", &did("ann"));
    let community = world.open(&did("ann"), "main", TAG);
    world.join(&community, &[&did("ben"), &did("cat")]);
    world.post(&did("ann"), "p1", TAG, NOW - 1_000);
    world.settled().await;

    // Nobody is kept waiting by a directory that doesn't answer.
    plc.is_now(Mood::Silent);
    assert!(members(&world, &community).iter().all(|(_, handle)| handle.is_none()));
    plc.is_now(Mood::Honest);
    world.until("Ann's handle is there", |world| handle(world, &community, "ann").as_deref() == Some("ann.test")).await;
    world.until("the others were asked for as well", |_| plc.asked(&did("ben")) > 0 && plc.asked(&did("cat")) > 0).await;
    let shown = || dashboard(&world).posts(&community, false, &everything()).expect("the list can be read").posts[0].author_handle.clone();
    assert_eq!(shown().as_deref(), Some("ann.test"));
    for _ in 0..50 {
        assert_eq!((handle(&world, &community, "ben"), handle(&world, &community, "cat")), (None, None), "one side alone says nothing");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let asked = plc.asked(&did("ann"));
    for _ in 0..20 {
        members(&world, &community);
    }
    assert_eq!(plc.asked(&did("ann")), asked, "what is known is not asked for again");

    // Renamed: the old name goes at once, the new one comes when it is verified.
    plc.claims(&did("ann"), "queen.test");
    let event = world.network.identity(&did("ann"));
    world.publish(event);
    world.settled().await;
    assert_ne!(handle(&world, &community, "ann").as_deref(), Some("ann.test"));
    plc.leads("queen.test", &did("ann"));
    world.clock.set(NOW + 6 * 60_000);
    world.until("her new handle is there", |world| handle(world, &community, "ann").as_deref() == Some("queen.test")).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_names_who_looks_after_it_and_a_list_of_many_asks_for_nobody() {
    let (mut world, plc) = stage(&[("ann", "ann.test"), ("ben", "ben.test"), ("cat", "cat.test")]).await;
    for name in ["ann", "ben"] {
        plc.leads(&format!("{name}.test"), &did(name));
    }
    let config = records::with(records::config("main", TAG, NOW - 50_000), json!({ "moderators": [did("ben"), did("cat")] }));
    let community = world.create(&did("ann"), CONFIG, "main", config);
    world.settled().await;
    let listed = dashboard(&world).communities(STRANGER, &CommunitiesQuery::default(), &everything()).expect("the list can be read").communities;
    assert_eq!((listed[0].owner_handle.as_ref(), listed[0].moderator_handles.len()), (None, 0));
    assert_eq!([did("ann"), did("ben")].map(|who| plc.asked(&who)), [0, 0]);

    let read = |world: &World| dashboard(world).community(STRANGER, &community).expect("it can be read");
    let named = |world: &World| read(world).owner_handle.as_deref() == Some("ann.test") && !read(world).moderator_handles.is_empty();
    world.until("both are named", named).await;
    // Cat claims a handle that leads nowhere.
    assert_eq!(read(&world).moderator_handles.into_iter().collect::<Vec<_>>(), [(did("ben"), "ben.test".to_owned())]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_or_what_is_meant_may_be_said_as_people_say_it() {
    let (mut world, plc) = stage(&[("ann", "ann.test"), ("ben", "ben.test")]).await;
    plc.leads("ann.test", &did("ann"));
    plc.leads("ben.test", &did("ann"));
    let community = world.open(&did("ann"), "main", TAG);
    let post = world.post(&did("ann"), "p1", TAG, NOW - 1_000);
    world.settled().await;
    let api = dashboard(&world);
    for called in ["ann.test", "@Ann.test", "https://bsky.app/profile/ann.test", &did("ann")] {
        assert_eq!(api.person(called).await, Ok(did("ann")), "{called}");
    }
    for called in ["https://bsky.app/profile/ann.test/post/p1", "at://ann.test/app.bsky.feed.post/p1", &post] {
        let explanation = api.explain(STRANGER, &community, called).await.unwrap_or_else(|problem| panic!("{called}: {problem}"));
        assert_eq!((explanation.post, explanation.visible), (post.clone(), true), "{called}");
    }
    // A handle that leads to somebody who has another, and one that leads nowhere.
    for called in ["ben.test", "nobody.test"] {
        assert!(matches!(api.person(called).await, Err(Problem::NotFound { name: "AccountNotFound", .. })), "{called}");
        let page = format!("https://bsky.app/profile/{called}/post/p1");
        assert!(matches!(api.explain(STRANGER, &community, &page).await, Err(Problem::NotFound { name: "AccountNotFound", .. })), "{called}");
    }
    for called in ["ann", "", "did:", "https://bsky.app/profile/ann.test/post/p1"] {
        assert!(matches!(api.person(called).await, Err(Problem::Unprocessable(_))), "{called}");
    }
    world.stop().await;
}
