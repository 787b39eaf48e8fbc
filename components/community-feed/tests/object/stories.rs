//! What owners, moderators, members and operators would notice, told one story each.

use atrarium_community_feed::{
    bindings::{
        atrarium::{
            community::index::Role,
            events::types::ActionKind::{BlockUser, HidePost, UnblockUser, UnhidePost},
        },
        exports::atrarium::community::object::Event,
    },
    object,
};

use crate::host::{
    COMMUNITY, DAY, HOUR, MINUTE, NOW, OWNER, World, account_event, action, action_event, action_uri, config_event, membership_event, post, post_event,
    post_uri,
};

const ANN: &str = "did:plc:ann";
const BEN: &str = "did:plc:ben";
const MIA: &str = "did:plc:mia";

#[test]
fn nothing_follows_before_the_config_is_known() {
    let mut world = World::new();
    world.tell([
        membership_event(ANN, "m", true),
        post_event(ANN, "p", post(NOW)),
        action_event(OWNER, "a", action(BlockUser, BEN, NOW)),
        account_event(BEN, false),
    ]);
    assert!(world.storage.admitted.is_empty() && world.storage.denied.is_empty());
    check(&world, &[]);

    world.tell([config_event(&[MIA])]);
    let roles = [(ANN, Role::Member), (MIA, Role::Moderator), (OWNER, Role::Owner)];
    assert_eq!(world.storage.admitted, roles.map(|(did, role)| (did.to_owned(), role)).into());
    assert!(world.storage.denied.contains(BEN));
    check(&world, &[(ANN, "p", NOW)]);
}

#[test]
fn a_member_who_leaves_takes_their_posts_along_and_brings_them_back() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW)), post_event(BEN, "p", post(NOW))]);
    check(&world, &[(ANN, "p", NOW)]);
    world.tell([membership_event(ANN, "second", true), membership_event(ANN, "m", false)]);
    check(&world, &[(ANN, "p", NOW)]);
    world.tell([membership_event(ANN, "second", false)]);
    check(&world, &[]);
    assert_eq!((world.count("post:"), world.count("author:"), world.count("admitted:")), (0, 0, 1));
    world.tell([membership_event(ANN, "m", true)]);
    check(&world, &[(ANN, "p", NOW)]);
}

#[test]
fn a_membership_that_ends_and_begins_in_one_batch_changes_nothing() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    world.tell([membership_event(ANN, "m", false), membership_event(ANN, "m", true)]);
    check(&world, &[(ANN, "p", NOW)]);
}

#[test]
fn posts_are_judged_by_what_is_so_at_the_end_of_their_batch() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW)), membership_event(ANN, "m", false)]);
    check(&world, &[]);
    assert_eq!(world.count("post:"), 0);
}

#[test]
fn a_block_in_the_batch_of_a_post_counts_for_it() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    world.tell([
        post_event(ANN, "q", post(NOW)),
        action_event(OWNER, "a", action(HidePost, &post_uri(ANN, "p"), NOW)),
        action_event(OWNER, "b", action(BlockUser, ANN, NOW)),
    ]);
    check(&world, &[]);
}

#[test]
fn an_update_replaces_a_post_and_a_deletion_removes_it() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW)), post_event(ANN, "q", post(NOW - HOUR))]);
    world.tell([post_event(ANN, "p", post(NOW - DAY))]);
    check(&world, &[(ANN, "p", NOW - DAY), (ANN, "q", NOW - HOUR)]);
    let mut without_tag = post(NOW);
    without_tag.iter_mut().for_each(|post| post.hashtags.clear());
    world.tell([post_event(ANN, "p", without_tag), post_event(ANN, "q", None)]);
    check(&world, &[]);
    assert_eq!((world.count("post:"), world.count("author:")), (0, 0));
}

#[test]
fn an_updated_post_of_the_same_instant_shows_what_is_new() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    let mut reply = post(NOW);
    reply.iter_mut().for_each(|post| post.reply = true);
    world.tell([post_event(ANN, "p", reply)]);
    assert!(world.storage.shown.values().all(|entry| entry.reply));
    check(&world, &[(ANN, "p", NOW)]);
}

#[test]
fn two_members_may_choose_the_same_rkey_and_instant() {
    let mut world = with_member(ANN);
    world.tell([membership_event(BEN, "m", true)]);
    world.tell([post_event(ANN, "p", post(NOW)), post_event(BEN, "p", post(NOW))]);
    world.tell([post_event(ANN, "p", None)]);
    check(&world, &[(BEN, "p", NOW)]);
}

#[test]
fn a_hide_hides_before_and_after_the_post_and_its_deletion_undoes_it() {
    let mut world = with_member(ANN);
    let hide = || action_event(OWNER, "hide", action(HidePost, &post_uri(ANN, "p"), NOW));
    world.tell([hide()]);
    world.tell([post_event(ANN, "p", post(NOW)), post_event(ANN, "q", post(NOW))]);
    check(&world, &[(ANN, "q", NOW)]);
    assert!(world.storage.denied.contains(&post_uri(ANN, "p")));
    world.tell([action_event(OWNER, "hide", None)]);
    check(&world, &[(ANN, "p", NOW), (ANN, "q", NOW)]);
    assert!(world.storage.denied.is_empty());
    world.tell([hide()]);
    check(&world, &[(ANN, "q", NOW)]);
    world.tell([action_event(OWNER, "unhide", action(UnhidePost, &post_uri(ANN, "p"), NOW + 1))]);
    check(&world, &[(ANN, "p", NOW), (ANN, "q", NOW)]);
}

#[test]
fn an_action_that_is_edited_lets_go_of_its_old_target() {
    let mut world = with_member(ANN);
    world.tell([membership_event(BEN, "m", true)]);
    world.tell([post_event(ANN, "p", post(NOW)), post_event(BEN, "p", post(NOW))]);
    world.tell([action_event(OWNER, "a", action(BlockUser, ANN, NOW))]);
    world.tell([action_event(OWNER, "a", action(BlockUser, BEN, NOW))]);
    check(&world, &[(ANN, "p", NOW)]);
    let mut elsewhere = action(BlockUser, BEN, NOW);
    elsewhere.iter_mut().for_each(|action| action.community += "x");
    world.tell([action_event(OWNER, "a", elsewhere)]);
    check(&world, &[(ANN, "p", NOW), (BEN, "p", NOW)]);
    assert_eq!((world.count("moderation:"), world.count("target:")), (0, 0));
}

#[test]
fn a_block_and_an_inactive_account_hide_posts_and_forget_none() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    world.tell([action_event(OWNER, "a", action(BlockUser, ANN, NOW)), account_event(ANN, false)]);
    world.tell([post_event(ANN, "q", post(NOW - 1))]);
    check(&world, &[]);
    world.tell([account_event(ANN, true)]);
    check(&world, &[]);
    world.tell([action_event(OWNER, "b", action(UnblockUser, ANN, NOW + 1))]);
    check(&world, &[(ANN, "p", NOW), (ANN, "q", NOW - 1)]);
    world.tell([account_event(ANN, false)]);
    check(&world, &[]);
}

#[test]
fn moderators_act_for_as_long_as_the_config_names_them() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    world.tell([action_event(MIA, "a", action(HidePost, &post_uri(ANN, "p"), NOW))]);
    check(&world, &[(ANN, "p", NOW)]);
    world.tell([config_event(&[MIA])]);
    check(&world, &[]);
    assert_eq!(world.storage.admitted.get(MIA), Some(&Role::Moderator));
    world.tell([config_event(&[MIA, ANN])]);
    check(&world, &[(ANN, "p", NOW)]); // moderators can't act on each other
    assert_eq!(world.storage.admitted.get(ANN), Some(&Role::Moderator));
    world.tell([config_event(&[])]);
    assert_eq!(world.storage.admitted.get(ANN), Some(&Role::Member));
    assert_eq!(world.storage.admitted.get(MIA), None);
    check(&world, &[(ANN, "p", NOW)]);
}

#[test]
fn an_action_dated_ahead_counts_when_its_time_has_come() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    world.tell([action_event(OWNER, "a", action(HidePost, &post_uri(ANN, "p"), NOW + HOUR))]);
    world.pass(HOUR - 2 * MINUTE - 1);
    check(&world, &[(ANN, "p", NOW)]);
    world.pass(1);
    check(&world, &[]);
    assert_eq!(world.count("waiting:"), 0);
}

#[test]
fn a_post_is_gone_after_its_week_and_one_from_the_future_waits_for_its_time() {
    let mut world = with_member(ANN);
    world.tell([
        post_event(ANN, "old", post(NOW - 8 * DAY - 1)),
        post_event(ANN, "over", post(NOW - 7 * DAY - 1)),
        post_event(ANN, "ancient", post(-1)),
        post_event(ANN, "edge", post(NOW - 7 * DAY)),
        post_event(ANN, "future", post(NOW + DAY)),
        post_event(ANN, "never", post(i64::MAX)),
    ]);
    check(&world, &[(ANN, "edge", NOW - 7 * DAY)]);
    assert_eq!(world.count("post:"), 3, "a day longer than they are shown");
    world.pass(DAY);
    assert_eq!(world.count("post:"), 3);
    world.pass(MINUTE);
    assert_eq!(world.count("post:"), 1);
    check(&world, &[(ANN, "future", NOW + DAY)]);
    world.pass(9 * DAY);
    assert_eq!((world.count("post:"), world.count("author:"), world.storage.alarm), (0, 0, None));
    assert!(world.storage.shown.is_empty());
}

#[test]
fn a_clock_that_was_a_day_ahead_has_taken_no_post_away() {
    let mut world = with_member(ANN);
    let (first, last) = (NOW - 7 * DAY + HOUR, NOW - 6 * DAY - HOUR);
    world.tell([post_event(ANN, "p", post(first)), post_event(ANN, "q", post(last))]);
    world.pass(DAY);
    check(&world, &[]);
    world.tell([post_event(ANN, "r", post(last)), post_event(ANN, "q", None)]);
    world.now -= DAY;
    check(&world, &[(ANN, "p", first), (ANN, "r", last)]);
}

#[test]
fn an_update_to_a_time_past_its_week_removes_a_post() {
    let mut world = with_member(ANN);
    world.tell([post_event(ANN, "p", post(NOW))]);
    world.tell([post_event(ANN, "p", post(NOW - 9 * DAY))]);
    check(&world, &[]);
    assert_eq!((world.count("post:"), world.count("author:")), (0, 0));
}

#[test]
fn thousands_of_posts_and_actions_leave_and_return_together() {
    let mut world = with_member(ANN);
    world.tell((0..2_500).map(|i| post_event(ANN, &format!("{i}"), post(NOW - i))));
    let block = |i| action_event(&format!("did:plc:troll{i}"), "a", action(BlockUser, ANN, NOW));
    world.tell((0..2_500).map(block));
    assert_eq!(world.feed().len(), 2_500);
    world.tell([config_event(&["did:plc:troll2222"])]);
    assert!(world.feed().is_empty());
    world.tell([config_event(&[])]);
    assert_eq!(world.feed().len(), 2_500);
    world.tell([membership_event(ANN, "m", false)]);
    assert_eq!((world.count("post:"), world.count("author:")), (0, 0));
    world.tell([membership_event(ANN, "m", true)]);
    world.pass(9 * DAY);
    assert_eq!((world.count("post:"), world.storage.alarm), (0, None));
}

/// How many rows are listed while this batch is told.
fn listed_for(world: &mut World, event: Event) -> usize {
    world.storage.listed.set(0);
    world.tell([event]);
    world.storage.listed.get()
}

#[test]
fn what_strangers_have_signed_costs_a_ruling_nothing() {
    let mut world = with_member(ANN);
    world.tell([config_event(&[MIA]), post_event(ANN, "p", post(NOW))]);
    let target = post_uri(ANN, "p");
    for stranger in 0..60 {
        let did = format!("did:plc:s{stranger}");
        world.tell((0..50).map(|n| action_event(&did, &format!("{n}"), action(UnhidePost, &target, NOW))));
    }
    let listed = listed_for(&mut world, action_event(MIA, "a", action(HidePost, &target, NOW - 1)));
    check(&world, &[]);
    assert!(listed <= 100, "{listed} rows");
    let listed = listed_for(&mut world, action_event("did:plc:s7", "b", action(UnhidePost, &target, NOW)));
    check(&world, &[]);
    assert!(listed <= 100, "{listed} rows");
    // Who is appointed has what was kept, and who is dismissed has nothing left.
    world.tell([config_event(&[MIA, "did:plc:s7"])]);
    check(&world, &[(ANN, "p", NOW)]);
    world.tell([config_event(&[MIA])]);
    check(&world, &[]);
    assert_eq!(world.count("signer:"), 0);
}

#[test]
fn a_moderator_is_dismissed_at_once_however_much_anybody_has_signed() {
    let mut world = with_member(ANN);
    world.tell([config_event(&[MIA]), post_event(ANN, "p", post(NOW))]);
    world.tell((0..3_000).map(|n| action_event("did:plc:troll", &format!("{n}"), action(BlockUser, &format!("did:plc:t{n}"), NOW))));
    world.tell((0..1_000).map(|n| action_event(MIA, &format!("{n:04}"), action(BlockUser, &format!("did:plc:m{n}"), NOW))));
    world.tell([action_event(MIA, "last", action(HidePost, &post_uri(ANN, "p"), NOW))]);
    assert_eq!(world.storage.denied.len(), 1_001);
    let listed = listed_for(&mut world, config_event(&[]));
    assert!(listed < 1_000, "{listed} rows in one call");
    assert_eq!(world.storage.admitted.get(MIA), None);
    assert!(!world.storage.denied.is_empty(), "the rest is for the alarm");
    assert_eq!(world.storage.alarm, Some(NOW));
    // Another change in between, which doesn't know her any more, leaves the rest to be done.
    world.tell([config_event(&[BEN])]);
    world.pass(0);
    assert!(world.storage.denied.is_empty());
    check(&world, &[(ANN, "p", NOW)]);
    assert_eq!(world.count("signer:"), 0);
    assert!(world.storage.alarm.is_some_and(|at| at > NOW));
    // And back.
    world.tell([config_event(&[MIA])]);
    world.pass(0);
    assert_eq!(world.storage.denied.len(), 1_001);
    check(&world, &[]);
}

#[test]
fn actions_that_come_due_together_are_taken_up_a_part_at_a_time() {
    let mut world = with_member(ANN);
    world.tell((0..1_000).map(|n| action_event(OWNER, &format!("{n}"), action(BlockUser, &format!("did:plc:o{n}"), NOW + HOUR))));
    assert_eq!(world.count("waiting:"), 1_000);
    world.pass(HOUR);
    assert_eq!((world.storage.denied.len(), world.count("waiting:")), (1_000, 0));
}

#[test]
fn being_told_again_changes_nothing() {
    let mut world = with_member(ANN);
    let everything = || {
        [
            config_event(&[MIA]),
            membership_event(ANN, "m", true),
            account_event(BEN, false),
            action_event(MIA, "a", action(HidePost, &post_uri(ANN, "q"), NOW + HOUR)),
            post_event(ANN, "p", post(NOW)),
            post_event(ANN, "q", post(NOW)),
        ]
    };
    world.tell(everything());
    let (keys, shown) = (world.storage.keys.clone(), world.storage.shown.clone());
    world.tell(everything());
    assert_eq!((&world.storage.keys, &world.storage.shown), (&keys, &shown));
}

#[test]
fn an_action_whose_key_would_be_too_long_is_ignored_aloud() {
    let mut world = with_member(ANN);
    let (long, target) = ("r".repeat(512), post_uri(ANN, &"p".repeat(450)));
    world.tell([action_event(OWNER, &long, action(HidePost, &target, NOW))]);
    let uri = action_uri(OWNER, &long);
    assert_eq!(world.storage.warnings, [format!("ignored an action whose URI is too long: {uri}")]);
    assert_eq!(world.count("moderation:"), 0);
}

#[test]
fn a_usual_post_costs_two_puts_and_a_publication() {
    let mut world = with_member(ANN);
    world.storage.calls = 0;
    world.tell([post_event(ANN, "p", post(NOW))]);
    assert_eq!(world.storage.calls, 3);
}

#[test]
fn a_full_storage_fails_the_call() {
    let mut world = with_member(ANN);
    world.storage.quota = Some(world.storage.keys.len());
    check_failure(world, COMMUNITY, "can't store member:did:plc:ben m: the community's storage is full");
}

#[test]
fn an_unreadable_value_fails_the_call() {
    let mut world = with_member(ANN);
    world.storage.keys.insert("admitted:did:plc:ben".to_owned(), vec![255]);
    check_failure(world, COMMUNITY, "the value of admitted:did:plc:ben can't be read");
}

#[test]
fn only_the_uri_of_a_config_is_a_community() {
    let uri = "at://did:plc:owner/app.bsky.feed.post/1";
    check_failure(with_member(ANN), uri, &format!("{uri} is not the URI of a community"));
}

fn with_member(did: &str) -> World {
    let mut world = World::new();
    world.tell([config_event(&[]), membership_event(did, "m", true)]);
    world
}

fn check(world: &World, expected: &[(&str, &str, i64)]) {
    let feed = world.feed();
    let feed: Vec<_> = feed.iter().map(|(did, rkey, at)| (did.as_str(), rkey.as_str(), *at)).collect();
    assert_eq!(feed, expected);
}

fn check_failure(mut world: World, community: &str, expected: &str) {
    let batch: Vec<Event> = vec![membership_event(BEN, "m", true)];
    let result = object::handle(&mut world.storage, community, batch, world.now);
    assert_eq!(result.map_err(|failure| failure.to_string()), Err(expected.to_owned()));
}
