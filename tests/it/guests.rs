//! Guests that trap, loop for ever, eat memory or break their contract: one community is delayed and nobody else, and what can't be
//! told ends in that community's dead letters. The guests are those of `tests/guests`: the real ones, until a name tells them
//! otherwise.

use std::path::Path;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use atrarium::dashboard::access::Caller;
use atrarium::dashboard::{Page, Problem};
use atrarium::store::Table;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG, refusal};
use atrarium_tests::world::{NOW, posts_of};
use atrarium_tests::{World, WorldOptions};
use serde_json::json;

/// What a community object can be told to do, and what its dead letters say of it.
const MISDEEDS: [(&str, &str); 4] = [("trap", "told to trap"), ("loop", "interrupt"), ("eat", "memory"), ("refuse", "told to refuse")];

/// The pauses before the retries.
const PAUSES_MS: [i64; 3] = [1_000, 5_000, 25_000];

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(crate) fn hostile(name: &str) -> Vec<u8> {
    let path = Path::new(env!("OUT_DIR")).join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// A world in which these components are hostile. Their folder has to live as long.
pub(crate) async fn world_with(names: &[&str]) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("tests need a temporary directory");
    for name in names {
        std::fs::write(folder.path().join(name).with_extension("wasm"), hostile(name)).expect("the folder is ours");
    }
    let flags = vec!["--components".to_owned(), folder.path().to_string_lossy().into_owned()];
    (World::with(WorldOptions { flags, ..WorldOptions::default() }).await, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_guest_cant_take_ends_in_its_communitys_dead_letters_and_delays_no_other() {
    let (mut world, _folder) = world_with(&["community-feed"]).await;
    let owner = did("owner");
    let innocent = world.open(&owner, "innocent", TAG);
    let communities: Vec<(String, String)> =
        (0..MISDEEDS.len()).map(|n| format!("#atrarium_{n:08x}")).enumerate().map(|(n, tag)| (world.open(&owner, &format!("c{n}"), &tag), tag)).collect();
    let mut innocents: Vec<String> = Vec::new();
    let mut theirs: Vec<Vec<String>> = vec![Vec::new(); MISDEEDS.len()];
    let mut bad: Vec<String> = Vec::new();
    for (n, (misdeed, _)) in MISDEEDS.iter().enumerate() {
        let (community, tag) = &communities[n];
        theirs[n].insert(0, world.post(&owner, &format!("good-{n}-before"), tag, NOW - 30_000));
        bad.push(world.post(&owner, &format!("{misdeed}-{n}"), tag, NOW - 29_000));
        theirs[n].insert(0, world.post(&owner, &format!("good-{n}-after"), tag, NOW - 28_000));
        assert!(community.contains("/c"));
    }
    innocents.insert(0, world.post(&owner, "innocent-0", TAG, NOW - 30_000));

    let mut passed_ms = 0;
    for (attempt, pause) in (1..).zip(PAUSES_MS) {
        world.until("each has failed by itself", |world| world.failures() == [attempt; MISDEEDS.len()]).await;
        world.settled().await;
        assert_eq!(world.feed(&innocent).await, innocents, "before retry {attempt}");
        for (n, (community, _)) in communities.iter().enumerate() {
            assert_eq!(world.feed(community).await, theirs[n], "{} before retry {attempt}", MISDEEDS[n].0);
        }
        assert_eq!(world.dead_letters(), [], "before retry {attempt}");
        innocents.insert(0, world.post(&owner, &format!("innocent-{attempt}"), TAG, NOW - 20_000 + i64::from(attempt)));
        for (n, (_, tag)) in communities.iter().enumerate() {
            theirs[n].insert(0, world.post(&owner, &format!("good-{n}-{attempt}"), tag, NOW - 20_000 + i64::from(attempt)));
        }
        passed_ms += pause;
        world.clock.set(NOW + passed_ms - 1);
        world.settled().await;
        assert_eq!(world.failures(), [attempt; MISDEEDS.len()], "a millisecond before retry {attempt}");
        world.clock.set(NOW + passed_ms);
    }
    world.until("all is given up", |world| world.failures().is_empty()).await;
    let mut letters = world.dead_letters();
    letters.sort_by_key(|(subject, _)| bad.iter().position(|bad| bad == subject));
    assert_eq!(letters.iter().map(|(subject, _)| subject).collect::<Vec<_>>(), bad.iter().collect::<Vec<_>>());
    for ((_, letter), (misdeed, says)) in letters.iter().zip(MISDEEDS) {
        assert!(letter.cause.contains(says) || misdeed == "eat", "{misdeed}: {letter:?}");
        assert_eq!(letter.since, NOW + passed_ms, "{misdeed}");
    }
    world.settled().await;
    assert_eq!(world.feed(&innocent).await, innocents);
    for (n, (community, _)) in communities.iter().enumerate() {
        assert_eq!(world.feed(community).await, theirs[n]);
    }
    // A restart neither tries again what was given up nor forgets it.
    world.stop().await;
    world.start_again().await;
    world.settled().await;
    assert_eq!((world.dead_letters().len(), world.failures()), (MISDEEDS.len(), Vec::new()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_tried_again_or_dropped_by_the_owner_or_an_operator_alone() {
    let (mut world, folder) = world_with(&["community-feed"]).await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let other = world.open(&did("another owner"), "other", OTHER_TAG);
    let (good, bad) = (world.post(&owner, "trap-1", TAG, NOW - 30_000), world.post(&owner, "trap-2", TAG, NOW - 29_000));
    let mut passed_ms = 0;
    for (attempt, pause) in (1..).zip(PAUSES_MS) {
        world.until("each has failed by itself", |world| world.failures() == [attempt; 2]).await;
        passed_ms += pause;
        world.clock.set(NOW + passed_ms);
    }
    world.until("both are given up", |world| world.dead_letters().len() == 2).await;

    // The operator has found a better component.
    world.stop().await;
    std::fs::remove_file(folder.path().join("community-feed.wasm")).expect("it was put there");
    world.start_again().await;
    world.settled().await;
    assert_eq!((world.feed(&community).await, world.dead_letters().len()), (vec![], 2), "nothing is tried again by itself");

    let dashboard = world.app().dashboard.clone();
    let page = || Page::new(None, None).expect("the usual limit");
    let letters = dashboard.dead_letters("main", &page()).expect("it is open").dead_letters;
    let id = |subject: &str| letters.iter().find(|letter| letter.subject == subject).map(|letter| letter.id.clone()).expect("it is there");
    let caller = |did: &str, operator| Caller { did: did.to_owned(), operator, may_write: true };
    let (owner, stranger, operator) = (caller(&owner, false), caller(&did("stranger"), false), caller(&did("operator"), true));
    assert!(matches!(dashboard.retry_letter(&stranger, "main", &id(&good)).await, Err(Problem::Forbidden(_))));
    assert!(matches!(dashboard.drop_any_letter(&owner, &id(&good)).await, Err(Problem::Forbidden(_))));
    assert!(matches!(dashboard.retry_letter(&caller(&did("another owner"), false), "other", &id(&good)).await, Err(Problem::NotFound { .. })));
    assert_eq!(world.dead_letters().len(), 2);

    assert_eq!(dashboard.retry_letter(&owner, "main", &id(&good)).await, Ok(()));
    world.until("it was tried again", |world| world.dead_letters().len() == 1 && world.failures().is_empty()).await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [good]);
    assert_eq!(dashboard.drop_any_letter(&operator, &id(&bad)).await, Ok(()));
    assert!(matches!(dashboard.drop_any_letter(&operator, &id(&bad)).await, Err(Problem::NotFound { .. })));
    world.settled().await;
    assert_eq!((world.dead_letters(), world.feed(&community).await.len(), world.feed(&other).await), (vec![], 1, vec![]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_a_guest_cant_take_leaves_the_community_waiting_for_a_better_one() {
    let (mut world, _folder) = world_with(&["community-feed"]).await;
    let (owner, member) = (did("owner"), did("member"));
    let config = |name: &str| records::config(name, TAG, NOW - 50_000);
    let community = world.create(&owner, CONFIG, "main", config("trap-me"));
    world.join(&community, &[&member]);
    let theirs = world.post(&member, "p1", TAG, NOW - 30_000);
    let mut passed_ms = 0;
    for pause in PAUSES_MS {
        world.until("the config is to be tried again", |world| world.failures().len() == 1).await;
        passed_ms += pause;
        let before = world.failures();
        world.clock.set(NOW + passed_ms);
        world.until("it was tried again", |world| world.failures() != before).await;
    }
    assert_eq!(world.dead_letters().iter().map(|(subject, _)| subject.as_str()).collect::<Vec<_>>(), ["config"]);
    assert_eq!(world.feed(&community).await, Vec::<String>::new(), "the feed exists and is empty");
    world.update(&owner, CONFIG, "main", config("Better"));
    world.settled().await;
    assert_eq!(world.feed(&community).await, [theirs]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_a_guest_cant_take_is_never_given_up() {
    let (mut world, _folder) = world_with(&["community-feed"]).await;
    let owner = did("owner");
    let broken = world.create(&owner, CONFIG, "trap-when-woken", records::config("Sleeper", TAG, NOW - 50_000));
    let innocent = world.open(&owner, "innocent", OTHER_TAG);
    world.post(&owner, "p1", TAG, NOW - 30_000);
    world.post(&owner, "p2", OTHER_TAG, NOW - 30_000);
    world.settled().await;
    let objects = world.rows(Table::Objects);
    let kept = NOW + 8 * DAY_MS + 60_000;
    world.clock.set(kept);
    world.until("the innocent's alarm has freed its space", |world| world.rows(Table::Objects) < objects).await;
    world.until("the other's alarm has failed", |world| world.failures() == [1]).await;
    let mut passed_ms = 0;
    for pause in PAUSES_MS {
        let before = world.failures();
        passed_ms += pause;
        world.clock.set(kept + passed_ms);
        world.until("it was tried again", |world| world.failures() != before).await;
    }
    assert_eq!((world.failures(), world.dead_letters()), (vec![0], vec![]), "it is tried anew, an hour later");
    assert_eq!(world.feed(&broken).await, Vec::<String>::new(), "the window is judged without the alarm");
    world.clock.set(kept + passed_ms + DAY_MS);
    world.until("it was tried an hour later", |world| world.failures() == [1]).await;
    assert_eq!(world.feed(&innocent).await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_fails_on_an_action_loses_that_action_alone() {
    let (mut world, _folder) = world_with(&["moderation"]).await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let other = world.open(&owner, "other", OTHER_TAG);
    world.join(&community, &[&did("member")]);
    world.join(&other, &[&did("member")]);
    let posts: Vec<String> = (0..4).map(|n| world.post(&did("member"), &format!("p{n}"), TAG, NOW - 30_000 + n)).collect();
    let elsewhere = world.post(&did("member"), "q", OTHER_TAG, NOW - 30_000);
    world.act(&owner, "a1", "hide_post", &posts[0], &community);
    world.act(&owner, "trap-1", "hide_post", &posts[1], &community);
    world.act(&owner, "loop-1", "hide_post", &posts[2], &community);
    world.act(&owner, "eat-1", "block_user", &did("member"), &community);
    world.act(&owner, "a2", "hide_post", &elsewhere, &other);
    world.settled().await;
    let mut passed_ms = 0;
    for (attempt, pause) in (1..).zip(PAUSES_MS) {
        world.until("the three have failed by themselves", |world| world.failures() == [attempt; 3]).await;
        passed_ms += pause;
        world.clock.set(NOW + passed_ms);
    }
    world.until("they are given up", |world| world.failures().is_empty()).await;
    let mut letters: Vec<String> = world.dead_letters().into_iter().map(|(subject, _)| subject).collect();
    letters.sort();
    assert_eq!(letters, ["eat-1", "loop-1", "trap-1"].map(|rkey| uri(&owner, ACTION, rkey)));
    assert_eq!(world.feed(&community).await, [posts[3].clone(), posts[2].clone(), posts[1].clone()]);
    assert_eq!(world.feed(&other).await, Vec::<String>::new());
    // The policy goes on to decide about all else.
    world.act(&owner, "a3", "hide_post", &posts[1], &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [posts[3].clone(), posts[2].clone()]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_fails_on_a_record_loses_that_record_alone() {
    let (mut world, _folder) = world_with(&["filter"]).await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let faults = [("collection", POST), ("reason", "filter-fault")];
    let was = world.counted("atrarium_malformed_total", &faults).await;
    let mut good = Vec::new();
    for (n, bad) in ["trap-1", "eat-1", "refuse-1", "loop-1", "trap-2"].into_iter().enumerate() {
        good.insert(0, world.post(&member, &format!("good{n}"), TAG, NOW - 30_000 + n as i64));
        world.post(&member, bad, TAG, NOW - 20_000);
    }
    good.insert(0, world.post(&member, "good9", TAG, NOW - 10_000));
    world.settled().await;
    assert_eq!(world.feed(&community).await, good);
    assert!(world.counted("atrarium_malformed_total", &faults).await >= was + 5);
    // A record that it had accepted and can't judge any more is gone, like any malformed one.
    world.delete(&member, MEMBERSHIP, "in-main");
    world.create(&member, MEMBERSHIP, "trap-3", records::membership(&community, true, NOW - 5_000));
    world.settled().await;
    assert_eq!(world.feed(&community).await, Vec::<String>::new());
    assert_eq!(world.dead_letters(), []);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_fails_is_replaced_by_the_simplest_order_within_a_second() {
    let (mut world, _folder) = world_with(&["feed-mix"]).await;
    let owner = did("owner");
    let parent = world.open(&owner, "parent", OTHER_TAG);
    let from_parent: Vec<String> = (0..3).rev().map(|n| world.post(&owner, &format!("q{n}"), OTHER_TAG, NOW - 30_000 + n)).collect();
    let mut feeds = Vec::new();
    for (n, misdeed) in ["trap", "loop", "eat", "none"].into_iter().enumerate() {
        let tag = format!("#atrarium_{n:08x}");
        let mix = json!({ "parentCommunity": parent, "feedMix": { "own": 50, "parent": 50, "global": 0 } });
        let community = world.create(&owner, CONFIG, misdeed, with(records::config(misdeed, &tag, NOW - 50_000), mix));
        let posts: Vec<String> = (0..3).map(|n| world.post(&owner, &format!("{misdeed}-{n}"), &tag, NOW - 30_000 + n)).rev().collect();
        feeds.push((misdeed, community, posts));
    }
    world.settled().await;
    let traps = [("component", "feed-mix")];
    let was = world.counted("atrarium_traps_total", &traps).await;
    for (misdeed, community, posts) in &feeds {
        let began = Instant::now();
        let answer = world.page(community, 100, None).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{misdeed}: {:?}", began.elapsed());
        assert_eq!(answer.status, 200, "{misdeed}: {answer:?}");
        let interleaved = || posts.iter().zip(&from_parent).flat_map(|(own, parent)| [own.clone(), parent.clone()]).collect::<Vec<_>>();
        let expected = if *misdeed == "none" { interleaved() } else { [posts.clone(), from_parent.clone()].concat() };
        assert_eq!(posts_of(&answer.json()), expected, "{misdeed}");
        // A walk in pages of two comes to its end all the same, and has each post once.
        let mut walked = world.walk(community, 2).await;
        walked.sort();
        let mut all = [posts.clone(), from_parent.clone()].concat();
        all.sort();
        assert_eq!(walked, all, "{misdeed}");
    }
    assert!(world.counted("atrarium_traps_total", &traps).await >= was + 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_loops_holds_up_no_other_feed() {
    let (mut world, _folder) = world_with(&["feed-mix"]).await;
    let looping = world.open(&did("owner"), "looping", TAG);
    let innocent = world.open(&did("owner"), "innocent", OTHER_TAG);
    world.post(&did("owner"), "loop-1", TAG, NOW - 30_000);
    let post = world.post(&did("owner"), "p1", OTHER_TAG, NOW - 30_000);
    world.settled().await;
    // From the first slow page on, pages are made beside the threads that serve connections.
    assert_eq!(world.page(&looping, 10, None).await.status, 200);
    let began = Instant::now();
    let world = &world;
    let slow = async |limit: usize| assert_eq!(world.page(&looping, limit, None).await.status, 200);
    let quick = async {
        for limit in 1..=20 {
            assert_eq!(posts_of(&world.page(&innocent, limit, None).await.json()), from_ref(&post));
        }
        began.elapsed()
    };
    let (took, ..) = tokio::join!(quick, slow(11), slow(12), slow(13), slow(14), slow(15), slow(16));
    assert!(took < Duration::from_secs(1), "{took:?} for twenty pages of another feed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_answers_nonsense_can_neither_repeat_nor_invent_a_post() {
    let (mut world, _folder) = world_with(&["feed-mix"]).await;
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let posts: Vec<String> = (0..3).map(|n| world.post(&owner, &format!("refuse-{n}"), TAG, NOW - 30_000 + n)).rev().collect();
    world.settled().await;
    assert_eq!(world.walk(&community, 3).await, posts, "one a page, and the walk ends");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_cant_do_its_work_is_refused_at_the_start_in_one_sentence() {
    let check = async |name: &str, bytes: &[u8]| {
        let folder = tempfile::tempdir().expect("tests need a temporary directory");
        std::fs::write(folder.path().join(name).with_extension("wasm"), bytes).expect("the folder is ours");
        let sentence = refusal(&["--components", &folder.path().to_string_lossy()], None).await;
        assert!(sentence.contains(name), "{name}: {sentence}");
        assert!(sentence.starts_with("the component ") && !sentence.contains('\n') && sentence.len() < 600, "{name}: {sentence}");
    };
    let core_module = b"\0asm\x01\0\0\0";
    let empty_component = b"\0asm\x0d\0\x01\0";
    for name in ["filter", "community-feed", "moderation", "feed-mix"] {
        for bytes in [b"junk".as_slice(), b"", core_module, empty_component] {
            check(name, bytes).await;
        }
    }
    check("filter", &hostile("feed-mix")).await;
    check("feed-mix", &hostile("moderation")).await;
    check("moderation", &hostile("filter")).await;
    check("community-feed", &hostile("filter")).await;
    let half = hostile("filter");
    check("filter", &half[..half.len() / 2]).await;

    let folder = tempfile::tempdir().expect("tests need a temporary directory");
    std::fs::create_dir(folder.path().join("filter.wasm")).expect("the folder is ours");
    let sentence = refusal(&["--components", &folder.path().to_string_lossy()], None).await;
    assert!(sentence.starts_with("cannot read the component ") && sentence.contains("filter.wasm"), "{sentence}");
}
