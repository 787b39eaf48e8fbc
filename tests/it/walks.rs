//! Walks through feeds: no page repeats a post and none skips one, whatever happens meanwhile and however the walk is cut.

use std::collections::BTreeSet;

use atrarium::store::Table;
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, POST, did, rkey};
use atrarium_tests::records::{self, mixed};
use atrarium_tests::scene::{OTHER_TAG, TAG, THIRD_TAG};
use atrarium_tests::walk::{Walk, assert_no_repeats};
use atrarium_tests::world::NOW;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_or_goes_during_a_walk_neither_repeats_nor_skips_a_post() {
    let mut world = World::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&member]);
    let posts: Vec<String> = (0..10).rev().map(|n| world.post(&member, &format!("p{n}"), TAG, NOW - 30_000 + n * 100)).collect();
    world.settled().await;
    let mut walk = Walk::of(&community);
    walk.next(&world, 3).await;
    assert_eq!(walk.seen, posts[..3]);
    // Newer than all; between two that were shown; between two that are still to come; at the very place of the last that was shown.
    world.post(&member, "new", TAG, NOW - 10_000);
    world.post(&member, "shown", TAG, NOW - 30_000 + 850);
    let to_come = world.post(&member, "ahead", TAG, NOW - 30_000 + 550);
    world.post(&member, "p7z", TAG, NOW - 30_000 + 700);
    let same_instant = world.post(&member, "p", TAG, NOW - 30_000 + 700);
    // One that was shown is deleted, as is the one at which the walk stands; of those to come, one is deleted and one hidden.
    world.delete(&member, POST, "p9");
    world.delete(&member, POST, "p7");
    world.delete(&member, POST, "p4");
    world.act(&owner, "a1", "hide_post", &posts[6], &community);
    world.settled().await;
    walk.next(&world, 3).await;
    assert_eq!(walk.seen[3..], [same_instant, posts[3].clone(), to_come]);
    // What was hidden comes back, ahead of the walk and behind it; a post moves to another place by an update.
    world.act(&owner, "a2", "hide_post", &posts[1], &community);
    world.delete(&owner, "net.atrarium.moderation.action", "a1");
    world.settled().await;
    walk.next(&world, 1).await;
    assert_eq!(walk.seen[6..], [posts[4].clone()]);
    world.delete(&owner, "net.atrarium.moderation.action", "a2");
    world.settled().await;
    let seen = walk.rest(&world, 2).await;
    assert_eq!(seen[7..], [&posts[6..7], &posts[7..]].concat());
    assert_no_repeats(&seen);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_during_it_a_walk_shows_what_was_there_throughout() {
    let mut world = World::new().await;
    let mut random = StdRng::seed_from_u64(20_261_120);
    let owner = did("owner");
    let parent = world.create(&owner, CONFIG, "parent", mixed("Parent", OTHER_TAG, [100, 0, 0], json!({})));
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [50, 30, 20], json!({ "parentCommunity": parent })));
    world.create(&owner, CONFIG, "third", mixed("Third", THIRD_TAG, [100, 0, 0], json!({})));
    let mut number = 0;
    let mut post = |world: &mut World, random: &mut StdRng| {
        number += 1;
        // Few instants, so that there are many ties; some posts carry several hashtags.
        let tags = [TAG, OTHER_TAG, THIRD_TAG];
        let text: Vec<&str> = tags.into_iter().filter(|_| random.random_bool(0.5)).collect();
        let text = if text.is_empty() { TAG.to_owned() } else { text.join(" ") };
        let created = NOW - 60_000 + random.random_range(0..40) * 1_000;
        world.create(&owner, POST, &format!("p{number:04}"), records::post(&text, created))
    };
    let mut alive: BTreeSet<String> = (0..60).map(|_| post(&mut world, &mut random)).collect();
    world.settled().await;
    for round in 0..12 {
        let mut walk = Walk::of(&community);
        let throughout = alive.clone();
        let mut ever = alive.clone();
        let mut gone = BTreeSet::new();
        while !walk.ended {
            walk.next(&world, random.random_range(1..=12)).await;
            for _ in 0..random.random_range(0..3) {
                let new = post(&mut world, &mut random);
                ever.insert(new.clone());
                alive.insert(new);
            }
            for _ in 0..random.random_range(0..3) {
                let index = random.random_range(0..alive.len());
                let victim = alive.iter().nth(index).expect("it is within").clone();
                alive.remove(&victim);
                world.delete(&owner, POST, rkey(&victim));
                gone.insert(victim);
            }
            world.settled().await;
        }
        assert_no_repeats(&walk.seen);
        let seen: BTreeSet<String> = walk.seen.iter().cloned().collect();
        assert!(seen.is_subset(&ever), "round {round}: a post from nowhere");
        let missed: Vec<&String> = throughout.difference(&gone).filter(|post| !seen.contains(*post)).collect();
        assert!(missed.is_empty(), "round {round}: skipped {missed:?}");
        while alive.len() < 60 {
            alive.insert(post(&mut world, &mut random));
        }
        world.settled().await;
    }
    world.stop().await;
}

/// A feed of three sources, and the moments at which one of its posts can change from one to another.
struct Crossing {
    world: World,
    owner: String,
    author: String,
    community: String,
    parent: String,
    third: String,
}

impl Crossing {
    /// Twelve posts by one author with the hashtags of all three communities, of which the author is in these.
    async fn new(inside: impl Fn(&Self) -> Vec<String>) -> (Self, Vec<String>) {
        let mut world = World::new().await;
        let owner = did("owner");
        let parent = world.open(&owner, "parent", OTHER_TAG);
        let third = world.open(&owner, "third", THIRD_TAG);
        let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [40, 30, 30], json!({ "parentCommunity": parent })));
        let mut crossing = Self { world, owner, author: did("author"), community, parent, third };
        for community in inside(&crossing) {
            crossing.world.join(&community, &[&crossing.author]);
        }
        let text = [TAG, OTHER_TAG, THIRD_TAG].join(" ");
        let posts = (0..12).rev().map(|n| crossing.world.create(&crossing.author, POST, &format!("p{n:02}"), records::post(&text, NOW - 30_000 + n))).collect();
        // Each source also has posts of its own.
        for (which, tag) in [TAG, OTHER_TAG, THIRD_TAG].into_iter().enumerate() {
            for n in 0..6 {
                crossing.world.post(&crossing.owner, &format!("o{which}{n}"), tag, NOW - 30_000 + 2 * n);
            }
        }
        crossing.world.settled().await;
        (crossing, posts)
    }
}

/// A walk in pages of two, with a change after every page in turn; each change leaves the posts in the feed.
async fn check_crossing(inside: fn(&Crossing) -> Vec<String>, changes: &[fn(&mut Crossing)], what: &str) {
    for when in 1..8 {
        let (mut crossing, posts) = Crossing::new(inside).await;
        let community = crossing.community.clone();
        let mut walk = Walk::of(&community);
        let mut changes = changes.iter();
        let mut pages = 0;
        while !walk.ended {
            walk.next(&crossing.world, 2).await;
            pages += 1;
            if pages >= when
                && let Some(change) = changes.next()
            {
                change(&mut crossing);
                crossing.world.settled().await;
            }
        }
        assert_eq!(changes.len(), 0, "{what}: the walk ended before all had happened");
        assert_no_repeats(&walk.seen);
        let missed: Vec<_> = posts.iter().filter(|post| !walk.seen.contains(post)).collect();
        assert!(missed.is_empty(), "{what}, after page {when}: skipped {missed:?}");
        assert_eq!(walk.seen.len(), posts.len() + 18, "{what}, after page {when}");
        crossing.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_or_leaves_during_a_walk_is_on_one_of_its_pages_with_each_post() {
    let join: fn(&mut Crossing) = |on| on.world.join(&on.community.clone(), &[&on.author.clone()]);
    let leave: fn(&mut Crossing) = |on| on.world.leave(&on.community.clone(), &[&on.author.clone()]);
    let join_parent: fn(&mut Crossing) = |on| on.world.join(&on.parent.clone(), &[&on.author.clone()]);
    let leave_third: fn(&mut Crossing) = |on| on.world.leave(&on.third.clone(), &[&on.author.clone()]);
    check_crossing(|on| vec![on.third.clone()], &[join], "from global to own").await;
    check_crossing(|on| vec![on.third.clone(), on.community.clone()], &[leave], "from own to global").await;
    check_crossing(|on| vec![on.parent.clone(), on.community.clone()], &[leave, join, leave], "to and fro between own and parent").await;
    check_crossing(|on| vec![on.third.clone()], &[join_parent, join, leave_third, leave], "from hand to hand").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_community_hides_during_a_walk_is_shown_once_if_a_third_has_it() {
    let hide: fn(&mut Crossing) = |on| {
        let (owner, author, parent) = (on.owner.clone(), on.author.clone(), on.parent.clone());
        on.world.act(&owner, "a1", "block_user", &author, &parent);
    };
    let unhide: fn(&mut Crossing) = |on| on.world.delete(&on.owner.clone(), ACTION, "a1");
    let both: fn(&Crossing) -> Vec<String> = |on| vec![on.parent.clone(), on.third.clone()];
    check_crossing(both, &[hide], "from parent to global").await;
    check_crossing(both, &[hide, unhide], "from parent to global and back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_is_right_whoever_comes_and_goes_in_whichever_community() {
    let mut world = World::new().await;
    let mut random = StdRng::seed_from_u64(20_261_124);
    let owner = did("owner");
    let parent = world.open(&owner, "parent", OTHER_TAG);
    let third = world.open(&owner, "third", THIRD_TAG);
    let fourth_tag = "#atrarium_44444444";
    let fourth = world.open(&owner, "fourth", fourth_tag);
    let community = world.create(&owner, CONFIG, "main", mixed("Main", TAG, [40, 30, 30], json!({ "parentCommunity": parent })));
    let communities = [(&community, TAG), (&parent, OTHER_TAG), (&third, THIRD_TAG), (&fourth, fourth_tag)];
    let authors = ["ann", "bob", "cem", "dan"].map(did);
    // Who posted what with whose hashtags; who is where; whose community blocks whom.
    let mut posts: Vec<(String, usize, Vec<usize>)> = Vec::new();
    let mut inside = [[false; 4]; 4];
    let mut blocked = [[false; 4]; 4];
    for n in 0..60 {
        let author = random.random_range(0..4);
        let mut tags: Vec<usize> = (0..4).filter(|_| random.random_bool(0.6)).collect();
        if tags.is_empty() {
            tags.push(0);
        }
        let text: Vec<&str> = tags.iter().map(|tag| communities[*tag].1).collect();
        let created = NOW - 60_000 + random.random_range(0..30) * 1_000;
        posts.push((world.create(&authors[author], POST, &format!("p{n:03}"), records::post(&text.join(" "), created)), author, tags));
    }
    // What the design says is in the feed: what any of its sources shows, and who is blocked in the community itself is not.
    let in_the_feed = |inside: &[[bool; 4]; 4], blocked: &[[bool; 4]; 4]| -> BTreeSet<String> {
        let shows = |author: usize, at: usize| inside[author][at] && !blocked[author][at];
        posts.iter().filter(|(_, author, tags)| !blocked[*author][0] && tags.iter().any(|at| shows(*author, *at))).map(|(post, ..)| post.clone()).collect()
    };
    world.settled().await;
    let (mut moves, mut shown) = (0, 0);
    for round in 0..40 {
        let mut walk = Walk::of(&community);
        let mut throughout = in_the_feed(&inside, &blocked);
        let mut ever = throughout.clone();
        while !walk.ended {
            walk.next(&world, random.random_range(1..=7)).await;
            for _ in 0..random.random_range(0..3) {
                let (author, at) = (random.random_range(0..4), random.random_range(0..4));
                let (who, (where_, _)) = (authors[author].clone(), communities[at]);
                let action = format!("b{author}{at}");
                moves += 1;
                if random.random_bool(0.25) {
                    match blocked[author][at] {
                        true => world.delete(&owner, ACTION, &action),
                        false => world.act(&owner, &action, "block_user", &who, where_),
                    }
                    blocked[author][at] ^= true;
                } else {
                    match inside[author][at] {
                        true => world.leave(where_, &[&who]),
                        false => world.join(where_, &[&who]),
                    }
                    inside[author][at] ^= true;
                }
                world.settled().await;
                let now = in_the_feed(&inside, &blocked);
                throughout.retain(|post| now.contains(post));
                ever.extend(now);
            }
        }
        assert_no_repeats(&walk.seen);
        let seen: BTreeSet<String> = walk.seen.iter().cloned().collect();
        assert!(seen.is_subset(&ever), "round {round}: a post from nowhere");
        let missed: Vec<&String> = throughout.iter().filter(|post| !seen.contains(*post)).collect();
        assert!(missed.is_empty(), "round {round}: skipped {missed:?}");
        shown += seen.len();
    }
    assert!(moves > 100 && shown > 300);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_takes_no_space_after_two_hours() {
    let mut world = World::new().await;
    let (owner, author) = (did("owner"), did("author"));
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&author]);
    let kept = world.post(&owner, "kept", TAG, NOW - 20_000);
    world.post(&owner, "deleted", TAG, NOW - 20_000);
    let back = world.post(&author, "p1", TAG, NOW - 30_000);
    world.settled().await;
    world.delete(&owner, POST, "deleted");
    world.leave(&community, &[&author]);
    world.settled().await;
    let rows = |world: &World| [Table::Visible, Table::Global, Table::Traces].map(|table| world.rows(table));
    assert_eq!(rows(&world), [3, 3, 2], "a trace for what was withdrawn");
    world.join(&community, &[&author]);
    world.settled().await;
    let hour = 60 * 60 * 1_000;
    for passed in 1..=2 {
        world.clock.set(NOW + passed * hour + 1);
        world.settled().await;
    }
    world.until("the sweep has freed the space", |world| rows(world) == [2, 2, 0]).await;
    assert_eq!(world.feed(&community).await, [kept, back]);
    world.stop().await;
}
