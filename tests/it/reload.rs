//! Components are replaced while the program runs: what comes after counts under the new ones, nothing is lost or done twice, and what
//! can't be used replaces nothing. The others are those of `tests/guests`, which do what the real ones do until a name tells them
//! to `refuse`: so a name tells which of them was at work.

use std::path::Path;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use atrarium::dashboard::views::ClauseCode;
use atrarium::sandbox::Components;
use atrarium::sandbox::reload::{ReloadError, Reloaded};
use atrarium_tests::hosting::Hosting;
use atrarium_tests::network::{POST, did, uri};
use atrarium_tests::scene::{OTHER_TAG, TAG, refusal};
use atrarium_tests::world::{NOW, posts_of};
use atrarium_tests::{World, WorldOptions, records};

use crate::guests::hostile;

/// A program whose components lie in a folder.
struct House {
    world: World,
    folder: tempfile::TempDir,
}

impl House {
    /// At the start these components are other ones.
    async fn with(names: &[&str], flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("tests need a temporary directory");
        for name in names {
            put(folder.path(), name, &hostile(name));
        }
        let own = ["--components".to_owned(), folder.path().to_string_lossy().into_owned()];
        let flags = flags.iter().map(ToString::to_string).chain(own).collect();
        Self { world: World::with(WorldOptions { flags, ..WorldOptions::default() }).await, folder }
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        put(self.folder.path(), name, bytes);
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name).with_extension("wasm")).expect("it was put there");
    }

    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.world.app().reload.run().await
    }

    async fn replaces(&self, names: &[&'static str]) {
        let outcome = self.reload().await;
        assert!(matches!(&outcome, Ok(Reloaded::Replaced(replaced)) if replaced == names), "{names:?}: {outcome:?}");
    }

    /// Nothing is replaced, for a reason that is one sentence with these words.
    async fn refuses(&self, words: &[&str]) -> String {
        let sentence = match self.reload().await {
            Err(refused @ ReloadError::Refused(_)) => refused.to_string(),
            other => panic!("{words:?}: {other:?}"),
        };
        assert!(words.iter().all(|word| sentence.contains(word)), "{words:?}: {sentence}");
        assert!(!sentence.contains('\n') && sentence.len() < 800, "{sentence}");
        sentence
    }

    async fn reloads(&self, outcome: &str) -> u64 {
        self.world.counted("atrarium_component_reloads_total", &[("outcome", outcome)]).await
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name).with_extension("wasm"), bytes).expect("the folder is ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_filter_counts_from_the_next_event_on_and_judges_nothing_anew() {
    let repos = Hosting::start().await;
    let mut house = House::with(&[], &["--allow-private-network", "--plc-url", &repos.url()]).await;
    let owner = did("owner");
    let community = house.world.open(&owner, "main", TAG);
    let before = house.world.post(&owner, "refuse-1", TAG, NOW - 30_000);
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, from_ref(&before));

    house.put("filter", &hostile("filter"));
    house.replaces(&["filter"]).await;
    // At its author's server as well, where it is looked up for an explanation.
    let event = house.world.network.create(&owner, POST, "refuse-2", records::post(&format!("hello {TAG}"), NOW - 20_000));
    repos.take(&event);
    house.world.publish(event);
    let refused = uri(&owner, POST, "refuse-2");
    let good = house.world.post(&owner, "good", TAG, NOW - 10_000);
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, [good.clone(), before.clone()]);
    let is_valid = async |house: &House| {
        let explanation = house.world.app().dashboard.explain("did:plc:stranger", "main", &refused).await.expect("it can be explained");
        explanation.clauses.iter().find(|clause| clause.code == ClauseCode::PostValid).and_then(|clause| clause.holds)
    };
    assert_eq!(is_valid(&house).await, Some(false), "explanations go by the new filter");

    // A file that is gone gives its place back.
    house.remove("filter");
    house.replaces(&["filter"]).await;
    assert_eq!(is_valid(&house).await, Some(true), "and by the old one again");
    let after = house.world.post(&owner, "refuse-3", TAG, NOW - 5_000);
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, [after.clone(), good.clone(), before.clone()], "nothing that was refused comes by itself");
    house.world.update(&owner, POST, "refuse-2", records::post(&format!("hello again {TAG}"), NOW - 20_000));
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, [after, good, refused, before], "but when it is told again");
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn communities_awake_and_asleep_take_the_new_code_while_posts_stream_and_none_is_lost_or_repeated() {
    let mut house = House::with(&["community-feed"], &["--posts-per-member", "10000"]).await;
    let (owner, member) = (did("owner"), did("member"));
    let awake = house.world.open(&owner, "awake", TAG);
    let asleep = house.world.open(&owner, "asleep", OTHER_TAG);
    house.world.join(&awake, from_ref(&member.as_str()));
    house.world.join(&asleep, from_ref(&member.as_str()));
    house.world.settled().await;
    house.world.stop().await;
    house.world.start_again().await;
    // Under the old code this one fails, and waits.
    let waits = house.world.post(&member, "refuse-0", TAG, NOW - 50_000);
    house.world.until("the old code has failed at it by itself", |world| world.failures() == [1]).await;

    let mut posts = Vec::new();
    house.remove("community-feed");
    let reload = house.world.app().reload.clone();
    let reloading = tokio::spawn(async move { reload.run().await });
    while !reloading.is_finished() {
        for _ in 0..5 {
            let n = posts.len();
            posts.insert(0, house.world.post(&member, &format!("p{n}"), TAG, NOW - 40_000 + n as i64));
        }
        // The next are told while the last are in work.
        house.world.until("those before are in the index", |world| world.shown() + 5 >= posts.len()).await;
    }
    let during = posts.len();
    for n in during..during + 50 {
        posts.insert(0, house.world.post(&member, &format!("refuse-{n}"), TAG, NOW - 40_000 + n as i64));
    }
    let there = house.world.post(&member, "refuse-there", OTHER_TAG, NOW - 30_000);
    house.world.settled().await;
    let outcome = reloading.await.expect("no panic");
    assert!(matches!(&outcome, Ok(Reloaded::Replaced(names)) if names == &["community-feed"]), "{outcome:?}");
    assert!(during >= 20, "the stream went on meanwhile: {during} posts");
    assert_eq!(house.world.feed(&awake).await, posts);
    assert_eq!(house.world.feed(&asleep).await, [there]);
    assert_eq!((house.world.failures(), house.world.dead_letters()), (vec![1], vec![]), "nothing that came after has failed");

    // What the old code could not take is tried again with the new one.
    house.world.clock.set(NOW + 1_000);
    house.world.until("it was tried again", |world| world.failures().is_empty()).await;
    house.world.settled().await;
    posts.push(waits);
    assert_eq!(house.world.feed(&awake).await, posts);
    assert_eq!((house.world.shown(), house.world.dead_letters()), (posts.len() + 1, vec![]));
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_while_a_batch_is_in_work_leaves_the_batch_to_the_old_code_and_waits_for_nobody() {
    let mut house = House::with(&["community-feed"], &[]).await;
    let owner = did("owner");
    let community = house.world.open(&owner, "main", TAG);
    let other = house.world.open(&owner, "other", OTHER_TAG);
    house.world.settled().await;
    // Each keeps the ingest thread busy for half a second, again and again: longer than the components take to be compiled.
    let mut posts: Vec<String> = (0..10).map(|n| house.world.post(&owner, &format!("loop-{n}"), TAG, NOW - 30_000 + n)).collect();
    posts.reverse();
    let others = house.world.post(&owner, "p", OTHER_TAG, NOW - 30_000);
    house.world.until("a loop has been ended", |world| !world.failures().is_empty()).await;
    house.remove("community-feed");
    house.replaces(&["community-feed"]).await;
    let failed: usize = house.world.failures().iter().filter(|attempts| **attempts > 0).count();
    assert!(failed < posts.len(), "it came in the middle: {failed} had failed by themselves");
    house.world.settled().await;
    house.world.clock.set(NOW + 1_000);
    house.world.until("all were told to the new code", |world| world.failures().is_empty()).await;
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, posts);
    assert_eq!((house.world.feed(&other).await, house.world.dead_letters()), (vec![others], vec![]));
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_counts_for_the_next_action() {
    let mut house = House::with(&[], &[]).await;
    let (owner, member) = (did("owner"), did("member"));
    let community = house.world.open(&owner, "main", TAG);
    house.world.join(&community, from_ref(&member.as_str()));
    let posts: Vec<String> = (0..3).map(|n| house.world.post(&member, &format!("p{n}"), TAG, NOW - 30_000 + n)).collect();
    house.world.act(&owner, "trap-0", "hide_post", &posts[0], &community);
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, [posts[2].clone(), posts[1].clone()]);
    house.put("moderation", &hostile("moderation"));
    house.replaces(&["moderation"]).await;
    house.world.act(&owner, "trap-1", "hide_post", &posts[1], &community);
    house.world.act(&owner, "a2", "hide_post", &posts[2], &community);
    house.world.until("the new policy has failed at one of them", |world| world.failures() == [1]).await;
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, from_ref(&posts[1]));
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_mix_makes_the_next_page_though_nothing_else_has_changed() {
    let mut house = House::with(&[], &[]).await;
    let owner = did("owner");
    let community = house.world.open(&owner, "main", TAG);
    let posts: Vec<String> = (0..6).map(|n| house.world.post(&owner, &format!("refuse-{n}"), TAG, NOW - 30_000 + n)).rev().collect();
    house.world.settled().await;
    let page = async |house: &House| posts_of(&house.world.page(&community, 6, None).await.json());
    let minds = |house: &House| house.world.app().feeds.minds_viewer(&owner, "main");
    assert_eq!((page(&house).await, minds(&house)), (posts.clone(), false));
    house.put("feed-mix", &hostile("feed-mix"));
    house.replaces(&["feed-mix"]).await;
    assert_eq!((page(&house).await, minds(&house)), (posts[..4].to_vec(), true), "the clock stands; it picks one post of a block, of four blocks");
    assert_eq!(house.world.walk(&community, 6).await, posts);
    // It is the bytes that count, not where they come from.
    let own = Components::load(None).expect("the embedded components").feed_mix.bytes;
    house.put("feed-mix", &own);
    house.replaces(&["feed-mix"]).await;
    assert_eq!((page(&house).await, minds(&house)), (posts.clone(), false));
    house.remove("feed-mix");
    assert!(matches!(house.reload().await, Ok(Reloaded::Unchanged)));
    assert_eq!((page(&house).await, minds(&house)), (posts.clone(), false));
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_used_is_refused_in_a_sentence_and_the_old_code_goes_on() {
    let mut house = House::with(&["filter", "feed-mix"], &[]).await;
    let owner = did("owner");
    let community = house.world.open(&owner, "main", TAG);
    house.world.settled().await;
    let was = house.reloads("refused").await;
    let (filter, half) = (hostile("filter"), hostile("filter").len() / 2);
    let mut flipped = filter.clone();
    flipped[half] ^= 0xff;
    let core_module = b"\0asm\x01\0\0\0";
    let mut attempts = 0;
    for (name, bytes, says) in [
        ("filter", b"junk".as_slice(), "can't be used"),
        ("filter", b"", "can't be used"),
        ("filter", core_module, "can't be used"),
        ("filter", &filter[..half], "can't be used"),
        ("filter", &flipped, "can't be used"),
        ("filter", &hostile("feed-mix"), "another version of its contract"),
        ("filter", &hostile("broken-filter"), "was tried and failed: "),
        ("community-feed", &filter, "does not export"),
        ("moderation", &filter, "does not export"),
        ("moderation", &hostile("broken-moderation"), "out of order"),
        ("feed-mix", &filter, "another version of its contract"),
    ] {
        house.put(name, bytes);
        let sentence = house.refuses(&[name, &house.folder.path().join(name).with_extension("wasm").to_string_lossy(), says]).await;
        assert!(sentence.starts_with("the component "), "{sentence}");
        attempts += 1;
        if name == "filter" || name == "feed-mix" { house.put(name, &hostile(name)) } else { house.remove(name) }
    }
    std::fs::create_dir(house.folder.path().join("moderation.wasm")).expect("the folder is ours");
    house.refuses(&["cannot read the component", "moderation.wasm"]).await;
    std::fs::remove_dir(house.folder.path().join("moderation.wasm")).expect("it was just made");
    let link = house.folder.path().join("moderation.wasm");
    std::os::unix::fs::symlink("nowhere", &link).expect("the folder is ours");
    house.refuses(&["cannot read the component", "moderation.wasm"]).await;
    std::fs::remove_file(&link).expect("it was just made");
    let elsewhere = house.folder.path().with_extension("elsewhere");
    std::fs::rename(house.folder.path(), &elsewhere).expect("the folder is ours");
    house.refuses(&["cannot read the directory", &house.folder.path().to_string_lossy()]).await;
    std::fs::rename(&elsewhere, house.folder.path()).expect("it was just put there");
    assert!(house.reloads("refused").await >= was + attempts + 3);

    // Of two files one is bad: neither counts.
    house.put("community-feed", &hostile("community-feed"));
    house.put("feed-mix", b"junk");
    house.refuses(&["feed-mix"]).await;
    let refused = house.world.post(&owner, "refuse-1", TAG, NOW - 30_000);
    let good = house.world.post(&owner, "good", TAG, NOW - 20_000);
    house.world.settled().await;
    assert_eq!(house.world.feed(&community).await, from_ref(&good), "the filter that was there, which refuses");
    assert!(house.world.app().feeds.minds_viewer(&owner, "main"), "the mix that was there");
    house.remove("filter");
    house.put("feed-mix", &hostile("feed-mix"));
    house.replaces(&["filter", "community-feed"]).await;
    house.world.update(&owner, POST, "refuse-1", records::post(&format!("hello {TAG}"), NOW - 30_000));
    house.world.until("the new object has failed at it", |world| world.failures() == [1]).await;
    assert!(!house.world.feed(&community).await.contains(&refused));
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_do_nothing_does_not_start_either() {
    let folder = tempfile::tempdir().expect("tests need a temporary directory");
    put(folder.path(), "moderation", &hostile("broken-moderation"));
    let sentence = refusal(&["--components", &folder.path().to_string_lossy()], None).await;
    assert!(sentence.contains("moderation.wasm") && sentence.contains("out of order"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_reloads_at_once_one_finds_nothing_left_to_do() {
    let mut house = House::with(&[], &[]).await;
    house.put("filter", &hostile("filter"));
    let (one, other) = tokio::join!(house.reload(), house.reload());
    let outcomes = [one.expect("the file is good"), other.expect("the file is good")];
    assert!(outcomes.contains(&Reloaded::Replaced(vec!["filter"])) && outcomes.contains(&Reloaded::Unchanged), "{outcomes:?}");
    // Whoever stops waiting for one stops nothing.
    house.remove("filter");
    let given_up = tokio::time::timeout(Duration::ZERO, house.reload()).await;
    assert!(given_up.is_err(), "it takes longer than nothing: {given_up:?}");
    let owner = did("owner");
    let community = house.world.open(&owner, "main", TAG);
    house.world.settled().await;
    let (mut posts, began) = (0, Instant::now());
    while house.world.feed(&community).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "the embedded filter never counts");
        house.world.post(&owner, &format!("refuse-{posts}"), TAG, NOW - 30_000);
        house.world.settled().await;
        posts += 1;
    }
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_directory_there_is_nothing_to_reload() {
    let mut world = World::new().await;
    let outcome = world.app().reload.run().await;
    assert!(matches!(&outcome, Err(refused @ ReloadError::NoDirectory) if refused.to_string().contains("--components")), "{outcome:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_ingest_go_on_while_components_are_compiled() {
    let mut house = House::with(&[], &[]).await;
    let owner = did("owner");
    let community = house.world.open(&owner, "main", TAG);
    let mut posts = vec![house.world.post(&owner, "p0", TAG, NOW - 30_000)];
    house.world.settled().await;
    for name in ["filter", "community-feed", "moderation", "feed-mix"] {
        house.put(name, &hostile(name));
    }
    let reload = house.world.app().reload.clone();
    let reloading = tokio::spawn(async move { reload.run().await });
    let (mut pages, mut slowest) = (0, Duration::ZERO);
    while !reloading.is_finished() {
        posts.insert(0, house.world.post(&owner, &format!("p{}", posts.len()), TAG, NOW - 30_000 + posts.len() as i64));
        house.world.settled().await;
        let began = Instant::now();
        let page = house.world.page(&community, 100, None).await;
        slowest = slowest.max(began.elapsed());
        assert_eq!((page.status, posts_of(&page.json())), (200, posts.iter().take(100).cloned().collect()));
        pages += 1;
    }
    let outcome = reloading.await.expect("no panic");
    assert!(matches!(&outcome, Ok(Reloaded::Replaced(names)) if names.len() == 4), "{outcome:?}");
    // The last may have been asked for just before the end.
    assert!(pages > 2, "{pages} pages and posts came meanwhile");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    house.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reloads_by_the_dozen_use_up_no_room_for_instances() {
    const COMMUNITIES: usize = 9;
    // Room for four objects, and more communities than that.
    let mut house = House::with(&[], &["--live-instances", "4"]).await;
    let owner = did("owner");
    let tag = |n: usize| format!("#atrarium_{n:08x}");
    let communities: Vec<String> = (0..COMMUNITIES).map(|n| house.world.open(&owner, &format!("c{n}"), &tag(n))).collect();
    house.world.settled().await;
    let steps = ["feed-mix", "community-feed", "filter"].iter().flat_map(|name| [(name, false), (name, true)]);
    for (round, (name, is_there)) in (0_i64..).zip(steps) {
        if is_there {
            house.remove(name)
        } else {
            house.put(name, &hostile(name))
        }
        house.replaces(&[name]).await;
        for n in 0..COMMUNITIES {
            house.world.post(&owner, &format!("p{round}-{n}"), &tag(n), NOW - 30_000 + round);
        }
        house.world.settled().await;
        for (n, community) in communities.iter().enumerate() {
            let page = posts_of(&house.world.page(community, 100, None).await.json());
            let expected: Vec<String> = (0..=round).rev().map(|round| uri(&owner, POST, &format!("p{round}-{n}"))).collect();
            assert_eq!(page, expected, "{name}");
        }
    }
    assert_eq!((house.world.failures(), house.world.dead_letters()), (vec![], vec![]));
    house.world.stop().await;
}
