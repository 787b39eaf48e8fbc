//! Owners' mixes in the running program: from an upload to the feed and back, and what becomes of the feed when one fails.

use std::collections::BTreeSet;

use atrarium::uploads::journal::Kind;
use atrarium::uploads::{Refused, Standing, UploadError};
use atrarium_tests::World;
use atrarium_tests::network::did;
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::uploads::{activate, component, upload};
use atrarium_tests::walk::{Walk, assert_no_repeats};
use atrarium_tests::world::{NOW, posts_of};

/// A mix whose order nobody takes for the default one.
fn backwards() -> Vec<u8> {
    component(env!("OUT_DIR"), "backwards")
}

/// A mix that does what a candidate's record key says.
fn misbehaving() -> Vec<u8> {
    component(env!("OUT_DIR"), "feed-mix")
}

/// A community with so many posts of its owner, the newest first.
async fn with_posts(world: &mut World, rkey: &str, count: i64) -> (String, Vec<String>) {
    let owner = did("owner");
    let community = world.open(&owner, rkey, TAG);
    let posts = (0..count).rev().map(|n| world.post(&owner, &format!("p{n:04}"), TAG, NOW - 600_000 + n * 1_000)).collect();
    world.settled().await;
    (community, posts)
}

fn backwards_of(posts: &[String]) -> Vec<String> {
    posts.iter().rev().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_mix_makes_the_feed_from_the_next_page_on_and_back_again() {
    let mut world = World::new().await;
    let (community, posts) = with_posts(&mut world, "main", 5).await;
    let uploads = world.app().uploads.clone();
    let first = upload(&uploads, &community, backwards()).await.expect("there is room");
    let Standing::Ready(profile) = &first.standing else { panic!("{first:?}") };
    assert_eq!((first.number, first.active, profile.language.map(|language| language.name())), (1, false, Some("Rust")));
    assert!(profile.fuel > 10_000 && profile.fuel < 10_000_000, "{profile:?}");
    assert_eq!(world.feed(&community).await, posts, "nothing is active yet");
    activate(&uploads, &community, Some(1)).await.expect("it is ready");
    let page = world.page(&community, 50, None).await.json();
    assert_eq!(posts_of(&page), backwards_of(&posts));
    let items = page["feed"].as_array().expect("a list");
    assert_eq!(items[0]["reason"]["$type"], "app.bsky.feed.defs#skeletonReasonPin");
    assert_eq!((&items[0]["feedContext"], &items[4]["feedContext"], &items[1]["reason"]), (&"0".into(), &"4".into(), &serde_json::Value::Null));
    activate(&uploads, &community, None).await.expect("the default mix is always ready");
    assert_eq!(world.feed(&community).await, posts);
    let (to, uri) = (uploads.clone(), community.clone());
    let back = tokio::task::spawn_blocking(move || to.roll_back(&uri, "did:plc:owner")).await.expect("no panic").expect("there was one before");
    assert_eq!(back, Some(1));
    assert_eq!(world.feed(&community).await, backwards_of(&posts));
    // What was active is active after a restart.
    drop(uploads);
    world.stop().await;
    world.start_again().await;
    assert_eq!(world.feed(&community).await, backwards_of(&posts));
    let journal = world.app().uploads.journal(&community);
    let kinds: Vec<Kind> = journal.iter().map(|line| line.kind).collect();
    for kind in [Kind::Uploaded, Kind::Admitted, Kind::Activated, Kind::Deactivated, Kind::Said] {
        assert!(kinds.contains(&kind), "{kind:?} in {journal:?}");
    }
    assert!(journal.iter().any(|line| line.kind == Kind::Said && line.text == "5 posts behind 0"), "{journal:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_through_blocks_shows_each_post_once_whatever_goes_and_comes() {
    let mut world = World::new().await;
    let (community, posts) = with_posts(&mut world, "main", 450).await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &community, backwards()).await.expect("there is room");
    activate(&uploads, &community, Some(1)).await.expect("it is ready");
    // Blocks of 200, each backwards.
    let expected: Vec<String> = posts.chunks(200).flat_map(backwards_of).collect();
    assert_eq!(world.walk(&community, 37).await, expected);
    assert_eq!(world.walk(&community, 100).await, expected, "whatever the page's size");

    let mut walk = Walk::of(&community);
    walk.next(&world, 50).await;
    assert_eq!(walk.seen, expected[..50]);
    // What was picked and isn't shown yet goes; what is new doesn't come into this walk.
    let owner = did("owner");
    let rkey = |uri: &str| uri.rsplit('/').next().expect("a record key").to_owned();
    for gone in [&expected[60], &expected[250], &expected[430]] {
        world.delete(&owner, "app.bsky.feed.post", &rkey(gone));
    }
    world.post(&owner, "new", TAG, NOW - 1_000);
    world.settled().await;
    let seen = walk.rest(&world, 50).await;
    let remaining: Vec<String> = expected.iter().filter(|uri| ![60, 250, 430].iter().any(|gone| *uri == &expected[*gone])).cloned().collect();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>(), remaining.iter().collect::<BTreeSet<_>>());
    assert_no_repeats(&seen);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_whose_order_was_lost_goes_on_behind_the_block() {
    let mut world = World::new().await;
    let (community, posts) = with_posts(&mut world, "main", 250).await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &community, backwards()).await.expect("there is room");
    activate(&uploads, &community, Some(1)).await.expect("it is ready");
    let mut walk = Walk::of(&community);
    walk.next(&world, 30).await;
    // Orders are in memory.
    drop(uploads);
    world.stop().await;
    world.start_again().await;
    let seen = walk.rest(&world, 30).await;
    let first = backwards_of(&posts[..200]);
    assert_eq!(seen, [&first[..30], &backwards_of(&posts[200..])].concat());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_fails_gives_way_to_the_default_and_is_switched_off_when_it_goes_on() {
    let mut world = World::new().await;
    let owner = did("owner");
    let innocent = world.open(&owner, "innocent", OTHER_TAG);
    let its_post = world.post(&owner, "fine", OTHER_TAG, NOW - 30_000);
    let community = world.open(&owner, "main", TAG);
    let posts: Vec<String> = ["trap-1", "p1", "p0"].iter().zip(0..).map(|(rkey, n)| world.post(&owner, rkey, TAG, NOW - 30_000 - n * 1_000)).collect();
    world.settled().await;
    let uploads = world.app().uploads.clone();
    for community in [&community, &innocent] {
        let info = upload(&uploads, community, misbehaving()).await.expect("there is room");
        assert!(matches!(info.standing, Standing::Ready(_)), "in the trial it behaves: {info:?}");
        activate(&uploads, community, Some(1)).await.expect("it is ready");
    }
    let was = world.counted("atrarium_mixes_switched_off_total", &[]).await;
    // Whoever reads gets the default mix's page, each time.
    for minute in 0..40 {
        world.clock.set(world.clock.now_ms() + 20_000);
        assert_eq!(world.feed(&community).await, posts, "{minute}");
        assert_eq!(world.feed(&innocent).await, std::slice::from_ref(&its_post));
    }
    // Switching off is written by a task.
    let switched = |world: &World| world.app().uploads.active(&community).is_some_and(|active| active.number.is_none());
    for _ in 0..40 {
        if switched(&world) {
            break;
        }
        world.clock.set(world.clock.now_ms() + 300_000);
        assert_eq!(world.page(&community, 50, None).await.status, 200);
    }
    world.until("it is switched off", switched).await;
    assert!(world.counted("atrarium_mixes_switched_off_total", &[]).await > was, "operators are told as well");
    assert!(uploads.active(&innocent).is_some_and(|active| active.number == Some(1)), "the same component in another community goes on");
    let journal = uploads.journal(&community);
    let failed: u64 = journal.iter().filter(|line| line.kind == Kind::Failed).map(|line| line.times).sum();
    assert!(failed > 5, "{journal:?}");
    assert!(journal.iter().any(|line| line.kind == Kind::Failed && line.text.contains("told to trap")), "{journal:?}");
    assert!(journal.iter().any(|line| line.kind == Kind::SwitchedOff && line.number == 1), "{journal:?}");
    drop(uploads);
    world.stop().await;
    world.start_again().await;
    assert_eq!(world.app().uploads.active(&community).and_then(|active| active.number), None);
    assert!(world.app().uploads.journal(&community).iter().any(|line| line.kind == Kind::SwitchedOff), "what the owner is told outlives the program");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_that_was_damaged_or_lost_is_made_again_and_the_feed_goes_on_meanwhile() {
    let mut world = World::new().await;
    let (community, posts) = with_posts(&mut world, "main", 3).await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &community, backwards()).await.expect("there is room");
    activate(&uploads, &community, Some(1)).await.expect("it is ready");
    drop(uploads);
    let compiled = world.directory.join("compiled");
    let only_file = || {
        let mut files: Vec<_> = std::fs::read_dir(&compiled).expect("the folder").flatten().map(|entry| entry.path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    };
    for damage in ["changed", "lost"] {
        world.stop().await;
        let file = only_file();
        let mut bytes = std::fs::read(&file).expect("compiled code");
        match damage {
            "changed" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(&file, bytes).expect("the test's folder");
            }
            _ => std::fs::remove_file(&file).expect("the test's folder"),
        }
        world.start_again().await;
        // Three readers come in vain before it is made again, and get the default mix's page.
        for limit in 10..13 {
            assert_eq!(posts_of(&world.page(&community, limit, None).await.json()), posts, "{damage}");
        }
        let mut limit = 20;
        loop {
            world.clock.set(world.clock.now_ms() + 2_000);
            limit += 1;
            if posts_of(&world.page(&community, limit.min(100), None).await.json()) == backwards_of(&posts) {
                break;
            }
            assert!(limit < 10_000, "{damage}: the feed is never the owner's again");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_kept_and_compiled_once_and_forgotten_with_their_last_community() {
    let mut world = World::new().await;
    let (owner, other) = (did("owner"), did("other"));
    let one = world.open(&owner, "one", TAG);
    let two = world.open(&other, "two", OTHER_TAG);
    world.settled().await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &one, backwards()).await.expect("there is room");
    let size = uploads.usage(&one).total_bytes;
    upload(&uploads, &two, backwards()).await.expect("there is room");
    let again = upload(&uploads, &two, backwards()).await.expect("there is room");
    assert_eq!((again.number, uploads.usage(&two).versions, uploads.usage(&two).total_bytes), (1, 1, size));
    let admitted = world.counted("atrarium_mix_admissions_total", &[("outcome", "admitted")]).await;
    let files = || std::fs::read_dir(world.directory.join("compiled")).map_or(0, Iterator::count);
    assert_eq!(files(), 1, "{admitted}");
    activate(&uploads, &one, Some(1)).await.expect("it is ready");
    let remove = |uri: &str| {
        let (to, uri) = (uploads.clone(), uri.to_owned());
        tokio::task::spawn_blocking(move || to.remove(&uri, 1, "did:plc:owner"))
    };
    assert!(matches!(remove(&one).await.expect("no panic"), Err(UploadError::Refused(Refused::IsActive(1)))));
    remove(&two).await.expect("no panic").expect("it isn't active there");
    assert_eq!((uploads.usage(&two).total_bytes, files()), (size, 1), "the other community has it");
    activate(&uploads, &one, None).await.expect("the default mix");
    remove(&one).await.expect("no panic").expect("it isn't active any more");
    assert_eq!((uploads.usage(&one).total_bytes, files()), (0, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_come_in_is_refused_in_a_sentence_and_quotas_hold() {
    let mut world = World::with_flags(&["--mix-versions", "2", "--mix-size-mib", "1"]).await;
    let community = world.open(&did("owner"), "main", TAG);
    world.settled().await;
    let uploads = world.app().uploads.clone();
    let refused = async |bytes: Vec<u8>| match upload(&uploads, &community, bytes).await.expect("it is looked at").standing {
        Standing::Refused(sentence) => sentence,
        other => panic!("{other:?}"),
    };
    assert!(refused(b"\0asm\x01\0\0\0".to_vec()).await.starts_with("This is a core module"), "a core module");
    assert!(refused(b"#!/bin/sh".to_vec()).await.starts_with("This is no WebAssembly"), "a script");
    // Refused versions give their place to new ones.
    let info = upload(&uploads, &community, backwards()).await.expect("a place of a refused one");
    assert!(matches!(info.standing, Standing::Ready(_)), "{info:?}");
    upload(&uploads, &community, misbehaving()).await.expect("the other place");
    let mut another = backwards();
    // A custom section of nothing makes other bytes of the same component.
    another.extend_from_slice(&[0, 2, 1, b'x']);
    let outcome = upload(&uploads, &community, another).await;
    assert!(matches!(outcome, Err(UploadError::Refused(Refused::Versions(2)))), "{outcome:?}");
    let outcome = upload(&uploads, &community, vec![0; (1 << 20) + 1]).await;
    assert!(matches!(outcome, Err(UploadError::Refused(Refused::Large(1)))), "{outcome:?}");
    assert_eq!(std::fs::read_dir(world.directory.join("compiled")).map_or(0, Iterator::count), 2, "nothing half done stays");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_uploads_are_off_nothing_is_taken_and_nothing_that_was_is_asked() {
    let mut world = World::new().await;
    let (community, posts) = with_posts(&mut world, "main", 2).await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &community, backwards()).await.expect("there is room");
    activate(&uploads, &community, Some(1)).await.expect("it is ready");
    assert_eq!(world.feed(&community).await, backwards_of(&posts));
    drop(uploads);
    let owner = did("owner");
    for (flags, refusal) in [(vec!["--no-mix-uploads"], Refused::Off), (vec!["--mix-uploaders", "did:plc:ezyi5vr2kuq7l5nnv53nb56m"], Refused::NotListed)] {
        world.stop().await;
        world.set_flags(&flags);
        world.start_again().await;
        assert_eq!(world.feed(&community).await, posts, "{flags:?}");
        let outcome = upload(&world.app().uploads, &community, backwards()).await;
        assert!(matches!(&outcome, Err(UploadError::Refused(refused)) if *refused == refusal), "{outcome:?}");
    }
    world.stop().await;
    world.set_flags(&["--mix-uploaders", &owner]);
    world.start_again().await;
    assert_eq!(world.feed(&community).await, backwards_of(&posts));
    world.stop().await;
}

/// It was quick in its trial, so readers call it where that is believed, for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_turns_slow_is_called_again_where_it_has_time() {
    let mut world = World::with_flags(&["--mix-fuel-millions", "1000", "--mix-time-ms", "4000"]).await;
    let (community, posts) = with_posts(&mut world, "slow", 3).await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &community, component(env!("OUT_DIR"), "told")).await.expect("there is room");
    activate(&uploads, &community, Some(1)).await.expect("it is ready");
    assert_eq!(world.feed(&community).await, posts);
    assert_eq!(world.page(&community, 2, None).await.status, 200);
    let journal = uploads.journal(&community);
    let said: u64 = journal.iter().filter(|line| line.kind == Kind::Said && line.text == "slow, and done").map(|line| line.times).sum();
    assert_eq!(said, 2, "each page is its own: {journal:?}");
    assert!(!journal.iter().any(|line| matches!(line.kind, Kind::Failed | Kind::Busy | Kind::Paused)), "{journal:?}");
    drop(uploads);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_for_ever_or_all_memory_to_be_compiled_ends_its_process_and_nothing_else() {
    let mut world = World::with_flags(&["--mix-compile-secs", "5", "--mix-compile-mib", "256"]).await;
    let (community, posts) = with_posts(&mut world, "main", 3).await;
    let uploads = world.app().uploads.clone();
    let uploading = tokio::spawn({
        let (uploads, community) = (uploads.clone(), community.clone());
        async move { upload(&uploads, &community, atrarium_tests::bombs::instances()).await }
    });
    while !uploading.is_finished() {
        assert_eq!(world.feed(&community).await, posts, "feeds go on");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let info = uploading.await.expect("no panic").expect("there is room");
    let Standing::Refused(sentence) = &info.standing else { panic!("{info:?}") };
    assert!(sentence.contains("256 MiB") || sentence.contains("5 seconds"), "{sentence}");
    // The next one is looked at as if nothing had been.
    let info = upload(&uploads, &community, backwards()).await.expect("there is room");
    assert!(matches!(info.standing, Standing::Ready(_)), "{info:?}");
    world.stop().await;
}
