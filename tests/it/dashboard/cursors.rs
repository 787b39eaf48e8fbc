//! Lists of what a community's people look after go on at their place while rows come and go: actions, held posts, dead letters.

use std::path::Path;

use atrarium::dashboard::Page;
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, did};
use atrarium_tests::records;
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use serde_json::Value;

use super::{dashboard, everything, page, walk};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_actions_goes_on_at_its_place_while_actions_come_and_go() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let target = did("ann");
    // The latest first, so the greatest number; every other one is on Ann.
    let act = |world: &mut World, number: i64| {
        let on = if number % 2 == 0 { target.clone() } else { did(&format!("b{}", char::from(b'a' + number as u8))) };
        world.create(&owner, ACTION, &format!("a{number:02}"), records::action("block_user", &on, &community, NOW - 100_000 + number * 1_000));
    };
    (10..20).for_each(|number| act(&mut world, number));
    world.settled().await;
    let list = |world: &World, target: Option<&str>, page: &Page| {
        let found = dashboard(world).actions("main", target, page).expect("it is open");
        (found.actions.into_iter().map(|action| action.rkey).collect::<Vec<_>>(), found.cursor)
    };
    let keys = |numbers: &[i64]| numbers.iter().map(|number| format!("a{number:02}")).collect::<Vec<_>>();
    for limit in [1, 3, 10] {
        let all = walk(limit, |page| Ok(list(&world, None, page)));
        assert_eq!(all, keys(&[19, 18, 17, 16, 15, 14, 13, 12, 11, 10]), "{limit}");
        assert_eq!(walk(limit, |page| Ok(list(&world, Some(&target), page))), keys(&[18, 16, 14, 12, 10]), "{limit}");
    }
    let (first, cursor) = list(&world, None, &page(4, None));
    let (first_on, cursor_on) = list(&world, Some(&target), &page(2, None));
    assert_eq!((first, first_on), (keys(&[19, 18, 17, 16]), keys(&[18, 16])));
    // The one at which both pages ended goes, one before it and one behind; one comes before, one behind.
    for gone in [16, 18, 13, 12] {
        world.delete(&owner, ACTION, &format!("a{gone}"));
    }
    [22, 8].into_iter().for_each(|number| act(&mut world, number));
    world.settled().await;
    assert_eq!(list(&world, None, &page(100, cursor)), (keys(&[15, 14, 11, 10, 8]), None));
    assert_eq!(list(&world, Some(&target), &page(100, cursor_on)), (keys(&[14, 10, 8]), None));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_held_posts_goes_on_at_its_place_while_people_join_and_post() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let authors: Vec<String> = ('b'..='k').map(|letter| did(&format!("{letter}{letter}{letter}"))).collect();
    for author in &authors {
        world.post(author, "p1", TAG, NOW - 30_000);
    }
    world.settled().await;
    let list = |world: &World, page: &Page| {
        let found = dashboard(world).held("main", page).expect("it is open");
        (found.authors.into_iter().map(|author| author.did).collect::<Vec<_>>(), found.cursor)
    };
    for limit in [1, 3, 10] {
        assert_eq!(walk(limit, |page| Ok(list(&world, page))), authors, "{limit}");
    }
    let (first, cursor) = list(&world, &page(4, None));
    assert_eq!(first, authors[..4]);
    // Whose row was the last joins, and one behind; one deletes the post; others post, before and behind.
    world.join(&community, &[&authors[3], &authors[6]]);
    world.delete(&authors[7], "app.bsky.feed.post", "p1");
    for (author, rkey) in [(did("aaa"), "p1"), (did("zzz"), "p1"), (authors[5].clone(), "p2")] {
        world.post(&author, rkey, TAG, NOW - 20_000);
    }
    world.settled().await;
    let expected: Vec<String> = [4, 5, 8, 9].iter().map(|number| authors[*number].clone()).chain([did("zzz")]).collect();
    assert_eq!(list(&world, &page(100, cursor)), (expected, None));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_dead_letters_goes_on_at_its_place_while_letters_come_and_are_dropped() {
    let components = tempfile::tempdir().expect("tests need a temporary directory");
    let hostile = Path::new(env!("OUT_DIR")).join("community-feed.wasm");
    std::fs::copy(hostile, components.path().join("community-feed.wasm")).expect("the folder is ours");
    let folder = components.path().to_string_lossy().into_owned();
    let mut world = World::with_flags(&["--components", &folder]).await;
    let owner = did("owner");
    world.open(&owner, "main", TAG);
    world.settled().await;
    let mut now = NOW;
    die(&mut world, &mut now, &["trap-b", "trap-d", "trap-f", "trap-h", "trap-j"]).await;
    let list = |world: &World, page: &Page| {
        let found = dashboard(world).dead_letters("main", page).expect("it is open");
        let letters = found.dead_letters.into_iter().map(|letter| (letter.id, letter.subject.rsplit('/').next().unwrap_or_default().to_owned()));
        (letters.collect::<Vec<_>>(), found.cursor)
    };
    let (all, _) = list(&world, &everything());
    assert_eq!(all.len(), 5, "{all:?}");
    for limit in [1, 2, 5] {
        assert_eq!(walk(limit, |page| Ok(list(&world, page))), all, "{limit}");
    }
    let (first, cursor) = list(&world, &page(2, None));
    assert_eq!(first, all[..2]);
    for (id, _) in [&all[1], &all[3]] {
        let path = format!("/api/communities/main/dead-letters/{id}");
        world.signed_in(&owner).done("DELETE", &path, &Value::Null, 200).await;
    }
    world.until("two are dropped", |world| world.dead_letters().len() == 3).await;
    die(&mut world, &mut now, &["trap-a", "trap-z"]).await;
    let (rest, end) = list(&world, &page(100, cursor));
    let (now_there, _) = list(&world, &everything());
    let behind: Vec<_> = now_there.iter().skip_while(|letter| **letter != all[2]).cloned().collect();
    assert_eq!((now_there.len(), &rest, end), (5, &behind, None), "{now_there:?}");
    assert!(rest.contains(&all[4]) && !rest.contains(&all[0]) && !rest.contains(&all[3]), "{rest:?}");
    world.stop().await;
}

/// Posts with these record keys are given up on; each attempt takes its time.
async fn die(world: &mut World, now: &mut i64, rkeys: &[&str]) {
    let before = world.dead_letters().len();
    for (at, rkey) in rkeys.iter().enumerate() {
        world.post(&did("owner"), rkey, TAG, NOW - 1_000 + at as i64);
    }
    world.until("they are to be tried again", |world| world.failures() == vec![1; rkeys.len()]).await;
    for (attempt, pause) in [(2, 1_000), (3, 6_000), (4, 31_000)] {
        world.clock.set(*now + pause);
        world
            .until("they were tried again", |world| world.failures() == vec![attempt; rkeys.len()] || world.dead_letters().len() == before + rkeys.len())
            .await;
    }
    *now += 31_000;
}
