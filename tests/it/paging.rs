//! Pages: their size, their order and what is in them, by the default mix, while nothing happens.

use std::collections::BTreeSet;
use std::slice::from_ref;

use atrarium::store::Table;
use atrarium_tests::network::{CONFIG, POST, did, rkey, uri};
use atrarium_tests::records::{self, mixed};
use atrarium_tests::scene::{OTHER_TAG, TAG, THIRD_TAG};
use atrarium_tests::walk::{Walk, assert_no_repeats};
use atrarium_tests::world::{NOW, feed_of, posts_of};
use atrarium_tests::{World, WorldOptions};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_the_same_millisecond_are_on_one_page_each() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let members = ["ann", "bob", "cem"].map(did);
    world.join(&community, &members.each_ref().map(String::as_str));
    // Three authors, four keys at each of two instants; one key is the beginning of another.
    let mut order: Vec<(i64, &str, &String)> = Vec::new();
    for author in &members {
        for (instant, keys) in [(NOW - 30_000, ["a", "a-", "aa", "b"]), (NOW - 29_000, ["1", "1-", "11", "2"])] {
            for key in keys {
                world.post(author, key, TAG, instant);
                order.push((instant, key, author));
            }
        }
    }
    world.settled().await;
    // Newest first; then the greater key, then the greater DID.
    order.sort_unstable();
    order.reverse();
    let expected: Vec<String> = order.iter().map(|(_, key, author)| uri(author, POST, key)).collect();
    for limit in [1, 2, 3, 4, 5, 7, 23, 24, 25, 100] {
        assert_eq!(world.walk(&community, limit).await, expected, "in pages of {limit}");
    }
    world.stop().await;
}

/// The design's words about the default mix, in a form that knows nothing of pages: position by position, the source furthest
/// below its share, ties to own, then parent, then global; a source without posts is none.
fn mix(mut sources: [(u32, Vec<String>); 3]) -> Vec<String> {
    let (mut mixed, mut shown) = (Vec::new(), [0_u32; 3]);
    sources.iter_mut().for_each(|(_, posts)| posts.reverse());
    loop {
        let live: Vec<usize> = (0..3).filter(|n| sources[*n].0 > 0 && !sources[*n].1.is_empty()).collect();
        let shares: u32 = live.iter().map(|n| sources[*n].0).sum();
        let position: u32 = live.iter().map(|n| shown[*n]).sum::<u32>() + 1;
        let below = |n: usize| f64::from(sources[n].0) / f64::from(shares) * f64::from(position) - f64::from(shown[n]);
        let Some(best) = live.iter().copied().reduce(|best, n| if below(n) > below(best) + 1e-9 { n } else { best }) else { return mixed };
        shown[best] += 1;
        mixed.extend(sources[best].1.pop());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_mix_keeps_its_shares_over_pages_of_any_size() {
    let mut world = World::new().await;
    let owner = did("owner");
    let check = async |world: &mut World, name: &str, tag: &str, shares: [u32; 3], counts: [i64; 3]| {
        let parent_tag = format!("{}9", &tag[..17]);
        let parent = world.create(&owner, CONFIG, &format!("{name}-parent"), mixed(name, &parent_tag, [100, 0, 0], json!({})));
        let community = world.create(&owner, CONFIG, name, mixed(name, tag, shares, json!({ "parentCommunity": parent })));
        let mut many = |what: &str, tag: &str, count: i64| -> Vec<String> {
            (0..count).rev().map(|n| world.post(&owner, &format!("{name}-{what}{n:03}"), tag, NOW - 30_000 + n)).collect()
        };
        let own = many("o", tag, counts[0]);
        let from_parent = many("p", &parent_tag, counts[1]);
        // Also carries the community's own hashtag, or the parent's: it is own, or parent, and once.
        let shared = many("s", &format!("{tag} {parent_tag}"), 2);
        world.settled().await;
        let own = [own, shared].concat();
        let mut own_in_order = own.clone();
        own_in_order.sort_by_key(|uri| std::cmp::Reverse(sort_key(uri)));
        // Global is all else on this host: what earlier rows left.
        let everything = world.walk(&community, 100).await;
        let none = Vec::new();
        let with_share = |share: u32, posts| if share > 0 { posts } else { &none };
        let known: BTreeSet<&String> = with_share(shares[0], &own).iter().chain(with_share(shares[1], &from_parent)).collect();
        let global: Vec<String> = everything.iter().filter(|post| !known.contains(post)).cloned().collect();
        let expected = mix([(shares[0], own_in_order), (shares[1], from_parent), (shares[2], global)]);
        for limit in [1, 2, 3, 5, 7, 10, 50, 100] {
            let walked = world.walk(&community, limit).await;
            assert_no_repeats(&walked);
            assert_eq!(walked, expected, "{name} in pages of {limit}");
        }
        assert_eq!(everything, expected, "{name}");
    };
    check(&mut world, "even", "#atrarium_a0000000", [50, 50, 0], [20, 20, 0]).await;
    check(&mut world, "seed", "#atrarium_b0000000", [80, 15, 5], [30, 10, 0]).await;
    check(&mut world, "dry", "#atrarium_c0000000", [34, 33, 33], [3, 0, 0]).await;
    check(&mut world, "none", "#atrarium_d0000000", [0, 0, 100], [0, 2, 0]).await;
    check(&mut world, "poor", "#atrarium_e0000000", [1, 1, 98], [5, 5, 0]).await;
    world.stop().await;
}

/// Posts of these tests have their time in their key's last digits.
fn sort_key(uri: &str) -> (u32, String) {
    let key = rkey(uri);
    (key[key.len() - 3..].parse().unwrap_or_default(), key.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_in_several_sources_is_shown_once() {
    let mut world = World::new().await;
    let owner = did("owner");
    let parent = world.create(&owner, CONFIG, "parent", mixed("Parent", OTHER_TAG, [100, 0, 0], json!({})));
    let third = world.create(&owner, CONFIG, "third", mixed("Third", THIRD_TAG, [100, 0, 0], json!({})));
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [40, 30, 30], json!({ "parentCommunity": parent })));
    let all = [TAG, OTHER_TAG, THIRD_TAG];
    let mut posts = BTreeSet::new();
    for which in 1..8 {
        for n in 0..3 {
            let text: Vec<&str> = all.into_iter().enumerate().filter(|(bit, _)| which >> bit & 1 == 1).map(|(_, tag)| tag).collect();
            posts.insert(world.create(&owner, POST, &format!("p{which}{n}"), records::post(&text.join(" "), NOW - 30_000 + n)));
        }
    }
    world.settled().await;
    for limit in [1, 2, 4, 9, 100] {
        let walked = world.walk(&community, limit).await;
        assert_no_repeats(&walked);
        assert_eq!(walked.iter().cloned().collect::<BTreeSet<_>>(), posts, "in pages of {limit}");
    }
    assert_eq!(world.walk(&third, 2).await.len(), 12, "each community's own feed has its own");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moderation_hides_ends_no_feed_and_leaves_no_empty_page() {
    let mut world = World::new().await;
    let (owner, spammer, victim) = (did("owner"), did("spammer"), did("victim"));
    let parent = world.create(&owner, CONFIG, "parent", mixed("Parent", OTHER_TAG, [100, 0, 0], json!({})));
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [50, 25, 25], json!({ "parentCommunity": parent })));
    let third = world.create(&owner, CONFIG, "third", mixed("Third", THIRD_TAG, [100, 0, 0], json!({})));
    for community in [&community, &parent, &third] {
        world.join(community, &[&spammer, &victim]);
    }
    let old: Vec<String> = [TAG, OTHER_TAG, THIRD_TAG].iter().enumerate().map(|(n, tag)| world.post(&owner, &format!("old{n}"), tag, NOW - 50_000)).collect();
    // More than two pages of newer ones: by who is blocked, and some that are hidden one by one.
    for n in 0..250 {
        world.post(&spammer, &format!("s{n}"), [TAG, OTHER_TAG, THIRD_TAG][n % 3], NOW - 30_000 + n as i64);
    }
    let hidden: Vec<String> = (0..6).map(|n| world.post(&victim, &format!("h{n}"), [TAG, OTHER_TAG, THIRD_TAG][n % 3], NOW - 20_000)).collect();
    world.act(&owner, "a1", "block_user", &spammer, &community);
    for (n, post) in hidden.iter().enumerate() {
        world.act(&owner, &format!("h{n}"), "hide_post", post, &community);
    }
    world.settled().await;
    for limit in [1, 3, 50, 100] {
        let first = world.page(&community, limit, None).await.json();
        assert!(!posts_of(&first).is_empty(), "a page without posts, though there are some");
        let mut walked = world.walk(&community, limit).await;
        walked.sort();
        assert_eq!(walked, old, "in pages of {limit}");
    }
    let elsewhere = world.feed(&parent).await;
    assert!(elsewhere.iter().any(|post| post.contains(&spammer)), "a block changes nothing in another community's feed");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_or_a_hide_also_filters_what_comes_from_parent_and_global() {
    let mut world = World::new().await;
    let (owner, moderator, guest) = (did("owner"), did("moderator"), did("guest"));
    let parent = world.open(&did("other"), "parent", OTHER_TAG);
    let third = world.open(&did("other"), "third", THIRD_TAG);
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [20, 40, 40], json!({ "parentCommunity": parent, "moderators": [moderator] })));
    for community in [&parent, &third] {
        world.join(community, &[&guest, &moderator]);
    }
    let in_parent = world.post(&guest, "p1", OTHER_TAG, NOW - 30_000);
    let in_third = world.post(&guest, "t1", THIRD_TAG, NOW - 29_000);
    let moderators = world.post(&moderator, "m1", THIRD_TAG, NOW - 28_000);
    world.settled().await;
    let all: Vec<String> = vec![in_parent.clone(), moderators.clone(), in_third.clone()];
    assert_eq!(world.feed(&community).await, all);

    world.act(&moderator, "a1", "hide_post", &in_parent, &community);
    // What a moderator may not do has no effect here either.
    world.act(&moderator, "a2", "block_user", &moderator, &community);
    world.act(&guest, "a3", "hide_post", &moderators, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, [moderators.clone(), in_third.clone()]);
    world.act(&owner, "a4", "block_user", &guest, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&moderators));
    assert_eq!(world.feed(&parent).await, from_ref(&in_parent));
    assert_eq!(world.feed(&third).await, [moderators.clone(), in_third.clone()]);
    world.delete(&owner, "net.atrarium.moderation.action", "a4");
    world.delete(&moderator, "net.atrarium.moderation.action", "a1");
    world.settled().await;
    assert_eq!(world.feed(&community).await, all);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_none_gives_its_share_to_the_others() {
    let mut world = World::new().await;
    let owner = did("owner");
    let parent = world.open(&owner, "parent", OTHER_TAG);
    let from_parent: Vec<String> = (0..3).rev().map(|n| world.post(&owner, &format!("p{n}"), OTHER_TAG, NOW - 30_000 + n)).collect();
    let own: Vec<String> = (0..3).rev().map(|n| world.post(&owner, &format!("o{n}"), TAG, NOW - 30_000 + n)).collect();
    world.create(&owner, CONFIG, "main", mixed("Main", TAG, [50, 50, 0], json!({ "parentCommunity": parent })));
    let community = uri(&owner, CONFIG, "main");
    world.settled().await;
    let both: Vec<String> = own.iter().zip(&from_parent).flat_map(|(own, parent)| [own.clone(), parent.clone()]).collect();
    assert_eq!(world.walk(&community, 2).await, both);

    let check = async |world: &mut World, config: serde_json::Value, expected: &[String], what: &str| {
        world.update(&owner, CONFIG, "main", config);
        world.settled().await;
        assert_eq!(world.walk(&community, 2).await, expected, "{what}");
    };
    check(&mut world, mixed("Main", TAG, [50, 50, 0], json!({ "parentCommunity": parent, "stage": "graduated" })), &own, "graduated").await;
    check(&mut world, mixed("Main", TAG, [50, 50, 0], json!({ "parentCommunity": parent, "stage": "community" })), &both, "not yet graduated").await;
    check(&mut world, mixed("Main", TAG, [50, 50, 0], json!({})), &own, "no parent").await;
    check(&mut world, mixed("Main", TAG, [50, 50, 0], json!({ "parentCommunity": community })), &own, "its own parent").await;
    let unknown = uri(&did("nobody"), CONFIG, "main");
    check(&mut world, mixed("Main", TAG, [50, 50, 0], json!({ "parentCommunity": unknown })), &own, "an unknown parent").await;
    check(&mut world, mixed("Main", TAG, [0, 100, 0], json!({ "parentCommunity": parent })), &from_parent, "the parent alone").await;
    check(&mut world, mixed("Main", TAG, [0, 50, 50], json!({ "parentCommunity": parent })), &from_parent, "global is what isn't parent").await;
    world.delete(&owner, CONFIG, "parent");
    check(&mut world, mixed("Main", TAG, [50, 50, 0], json!({ "parentCommunity": parent })), &own, "a closed parent").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_excluded_from_global_is_in_no_other_feed_and_in_their_own() {
    let (owner, shy) = (did("owner"), did("shy"));
    let shy_community = uri(&owner, CONFIG, "shy");
    let flags = vec!["--exclude-from-global".to_owned(), format!("{shy},{shy_community}")];
    let mut world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [0, 0, 100], json!({})));
    let open = world.open(&owner, "open", "#atrarium_00000001");
    world.open(&owner, "shy", "#atrarium_00000002");
    let of_shy = world.open(&shy, "main", "#atrarium_00000003");
    world.join(&open, &[&shy]);
    let shown = world.post(&owner, "p1", "#atrarium_00000001", NOW - 30_000);
    // The community is excluded, not its members: in an open community they count.
    let also_shown = world.post(&shy, "p2", "#atrarium_00000001", NOW - 29_000);
    let kept = world.post(&owner, "p3", "#atrarium_00000002", NOW - 28_000);
    let also_kept = world.post(&shy, "p4", "#atrarium_00000003", NOW - 27_000);
    let in_both = world.create(&owner, POST, "p5", records::post("#atrarium_00000001 #atrarium_00000002", NOW - 26_000));
    world.settled().await;
    assert_eq!(world.walk(&community, 1).await, [in_both.clone(), also_shown, shown]);
    assert_eq!(world.feed(&shy_community).await, [in_both, kept]);
    assert_eq!(world.feed(&of_shy).await, [also_kept]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_one_to_a_hundred_posts_and_fifty_where_nothing_is_said() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let posts: Vec<String> = (0..205).rev().map(|n| world.post(&did("owner"), &format!("p{n:03}"), TAG, NOW - 30_000 + n)).collect();
    world.settled().await;
    for (limit, pages) in [(1, 205), (50, 5), (99, 3), (100, 3)] {
        let mut walk = Walk::of(&community);
        let mut count = 0;
        while !walk.ended {
            walk.next(&world, limit).await;
            count += 1;
        }
        assert_eq!((walk.seen.as_slice(), count), (posts.as_slice(), pages), "in pages of {limit}");
    }
    let feed = feed_of(&community);
    let answer = world.get(&format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}")).await;
    assert_eq!(posts_of(&answer.json()), posts[..50]);
    world.stop().await;
}

/// A page reads 4,000 rows of a source at most; here the last of them is the first of two that one post has.
#[tokio::test(flavor = "multi_thread")]
async fn where_thousands_of_hidden_posts_cut_a_reading_short_nothing_is_skipped() {
    let (owner, friend) = (did("owner"), did("friend"));
    let fourth_tag = "#atrarium_44444444";
    // Of a post in both communities the later one's row is read first, and that one is excluded.
    let flags = ["--exclude-from-global".to_owned(), uri(&owner, CONFIG, "fourth")];
    let mut world = World::with(WorldOptions { flags: flags.to_vec(), ..WorldOptions::default() }).await;
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [50, 0, 50], json!({})));
    let third = world.open(&owner, "third", THIRD_TAG);
    let fourth = world.open(&owner, "fourth", fourth_tag);
    let spammers = ["spam2", "spam3", "spam4"].map(did);
    for community in [&third, &fourth] {
        world.join(community, &[&friend]);
        world.join(community, &spammers.each_ref().map(String::as_str));
    }
    for (n, spammer) in spammers.iter().enumerate() {
        world.act(&owner, &format!("b{n}"), "block_user", spammer, &community);
    }
    let both = format!("{THIRD_TAG} {fourth_tag}");
    world.post(&spammers[0], "first", THIRD_TAG, NOW - 1_000);
    let mut visible = Vec::new();
    for n in 1..=2_600_i64 {
        let author = if n == 2_000 || n == 2_500 { &friend } else { &spammers[n as usize % 3] };
        let post = world.create(author, POST, &format!("p{n:04}"), records::post(&both, NOW - 1_000 - n));
        if author == &friend {
            visible.push(post);
        }
    }
    world.settled().await;
    assert_eq!(world.rows(Table::Global), 1 + 2 * 2_600);
    for limit in [1, 2, 50] {
        let mut walk = Walk::of(&community);
        walk.next(&world, limit).await;
        assert!(!walk.seen.is_empty(), "a page without posts, though there are some");
        while !walk.ended {
            walk.next(&world, limit).await;
        }
        assert_eq!(walk.seen, visible, "in pages of {limit}");
    }
    world.stop().await;
}
