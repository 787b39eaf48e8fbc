//! Communities and members: found by what they are called, and listed while they change.

use std::slice::from_ref;

use atrarium::dashboard::views::{Role, Stage};
use atrarium::dashboard::{CommunitiesQuery, MembersQuery, Problem, RoleFilter, Standing, long_id};
use atrarium_tests::World;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, did, uri};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG, THIRD_TAG};
use atrarium_tests::world::NOW;
use serde_json::json;

use super::{STRANGER, dashboard, everything, page, walk};

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_called_by_its_key_alone_while_no_other_has_it_and_always_by_its_long_id() {
    let mut world = World::new().await;
    let (ann, ben) = (did("ann"), did("ben"));
    let first = world.open(&ann, "main", TAG);
    world.settled().await;
    let find = |world: &World, id: &str| dashboard(world).find(id).map(|(_, community)| community.uri);
    let (_, community) = dashboard(&world).find("main").expect("it is open");
    let long = long_id(&community);
    assert!(long.starts_with("main~") && long.len() == "main~".len() + 8, "{long}");
    for id in ["main", &long, &first] {
        assert_eq!(find(&world, id), Ok(first.clone()), "{id}");
    }
    assert_eq!(dashboard(&world).community(STRANGER, &long).map(|view| view.id), Ok("main".to_owned()));

    let second = world.open(&ben, "main", OTHER_TAG);
    world.settled().await;
    let Err(Problem::Conflict { name: "Ambiguous", message }) = find(&world, "main") else { panic!("there are two") };
    let ids: Vec<String> = [&first, &second].iter().map(|uri| dashboard(&world).community(STRANGER, uri).expect("it is open").id).collect();
    assert_eq!(ids[0], long);
    assert!(ids.iter().all(|id| message.contains(id.as_str())), "{message}");
    assert_eq!((find(&world, &ids[0]), find(&world, &ids[1])), (Ok(first.clone()), Ok(second.clone())));

    // One whose key is another's long id is called by its own long id, and takes nobody's.
    let third = world.open(&ben, &long, THIRD_TAG);
    world.settled().await;
    assert_eq!(find(&world, &long), Ok(first.clone()));
    let id = dashboard(&world).community(STRANGER, &third).expect("it is open").id;
    assert_eq!(find(&world, &id), Ok(third));

    world.delete(&ben, CONFIG, "main");
    world.settled().await;
    assert_eq!(find(&world, "main"), Ok(first.clone()), "there is one again");
    let elsewhere = uri(&ann, MEMBERSHIP, "main");
    for id in ["", "nothing", "mai", "main~00000000", "main\0", "main main", &second, &elsewhere, &"x".repeat(2_000)] {
        assert!(matches!(find(&world, id), Err(Problem::NotFound { name: "CommunityNotFound", .. })), "{id:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_communities_goes_on_at_its_place_while_others_come_go_and_change() {
    let mut world = World::with_flags(&["--communities-per-owner", "100"]).await;
    let ann = did("ann");
    let tag = |n: usize| format!("#atrarium_{n:08x}");
    let uris: Vec<String> = (0..12).map(|n| world.open(&ann, &format!("c{n}"), &tag(n))).collect();
    world.settled().await;
    let everyone = CommunitiesQuery::default();
    let list = |world: &World, query: &CommunitiesQuery, limit, cursor| {
        let found = dashboard(world).communities(STRANGER, query, &page(limit, cursor)).expect("the list can be read");
        (found.communities.into_iter().map(|community| community.uri).collect::<Vec<_>>(), found.cursor)
    };
    for limit in [1, 5, 12, 100] {
        let all = walk(limit, |page| dashboard(&world).communities(STRANGER, &everyone, page).map(|found| (found.communities, found.cursor)));
        assert_eq!(all.into_iter().map(|community| community.uri).collect::<Vec<_>>(), uris, "{limit}");
    }
    let (first, cursor) = list(&world, &everyone, 5, None);
    assert_eq!(first, uris[..5]);
    world.delete(&ann, CONFIG, "c4");
    world.delete(&ann, CONFIG, "c0");
    world.delete(&ann, CONFIG, "c7");
    world.update(&ann, CONFIG, "c2", records::config("renamed", &tag(2), NOW));
    let late = world.open(&ann, "late", &tag(99));
    world.settled().await;
    let (rest, end) = list(&world, &everyone, 100, cursor);
    let expected: Vec<String> = uris[5..].iter().filter(|uri| **uri != uris[7]).cloned().chain([late]).collect();
    assert_eq!((rest, end), (expected, None));

    // A cursor of another list leads nowhere.
    let (_, cursor) = list(&world, &everyone, 1, None);
    assert!(matches!(dashboard(&world).children(STRANGER, "c1", &page(1, cursor)), Err(Problem::Invalid(_))));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn communities_are_found_by_name_role_stage_and_parent() {
    let mut world = World::new().await;
    let (ann, ben, cat) = (did("ann"), did("ben"), did("cat"));
    let open = |world: &mut World, owner: &str, rkey: &str, tag: &str, name: &str, more: serde_json::Value| {
        world.create(owner, CONFIG, rkey, with(records::config(name, tag, NOW - 50_000), more))
    };
    let root = open(&mut world, &ann, "root", TAG, "Zürich GÄRTEN", json!({ "stage": "community" }));
    let one = open(&mut world, &ann, "one", OTHER_TAG, "Gärten im Osten", json!({ "parentCommunity": root, "moderators": [ben] }));
    let two = open(&mut world, &ben, "two", THIRD_TAG, "Katzen", json!({ "parentCommunity": root }));
    world.join(&root, &[&ben, &cat]);
    world.settled().await;
    let found = |world: &World, caller: &str, name: Option<&str>, role, stage| {
        let query = CommunitiesQuery { name: name.map(str::to_owned), role, stage };
        let found = walk(1, |page| dashboard(world).communities(caller, &query, page).map(|found| (found.communities, found.cursor)));
        found.into_iter().map(|community| community.uri).collect::<Vec<_>>()
    };
    assert_eq!(found(&world, STRANGER, Some("gärten"), None, None), [root.clone(), one.clone()]);
    assert_eq!(found(&world, STRANGER, Some("ZÜRICH"), None, Some(Stage::Community)), from_ref(&root));
    assert_eq!(found(&world, STRANGER, Some("nobody"), None, None), Vec::<String>::new());
    assert_eq!(found(&world, STRANGER, None, None, Some(Stage::Theme)), [one.clone(), two.clone()]);
    assert_eq!(found(&world, &ben, None, Some(RoleFilter::Mine), None), [root.clone(), one.clone(), two.clone()]);
    assert_eq!(found(&world, &ben, None, Some(RoleFilter::Member), None), from_ref(&root));
    assert_eq!(found(&world, &ben, None, Some(RoleFilter::Moderator), None), from_ref(&one));
    assert_eq!(found(&world, &ben, None, Some(RoleFilter::Owner), None), from_ref(&two));
    assert_eq!(found(&world, &ben, Some("gärten"), Some(RoleFilter::Mine), Some(Stage::Theme)), from_ref(&one));
    assert_eq!(found(&world, STRANGER, None, Some(RoleFilter::Mine), None), Vec::<String>::new());
    let children = |world: &World| {
        let children = walk(1, |page| dashboard(world).children(STRANGER, "root", page).map(|found| (found.communities, found.cursor)));
        children.into_iter().map(|community| community.uri).collect::<Vec<_>>()
    };
    assert_eq!(children(&world), [one.clone(), two.clone()]);

    // What changes is found as it is now, at once.
    world.update(&ben, CONFIG, "two", records::config("Gärten im Westen", THIRD_TAG, NOW));
    world.delete(&ann, CONFIG, "root");
    world.settled().await;
    assert_eq!(found(&world, STRANGER, Some("gärten"), None, None), [one.clone(), two.clone()]);
    assert_eq!(found(&world, &ben, None, Some(RoleFilter::Mine), None), [one.clone(), two]);
    assert!(matches!(dashboard(&world).children(STRANGER, "root", &everything()), Err(Problem::NotFound { .. })));
    let root = open(&mut world, &ann, "root", TAG, "Back", json!({}));
    world.settled().await;
    assert_eq!((children(&world), found(&world, STRANGER, Some("back"), None, None)), (vec![one], vec![root]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_sees_what_they_are_in_a_community() {
    let mut world = World::new().await;
    let (owner, moderator, member, blocked) = (did("owner"), did("moderator"), did("member"), did("blocked"));
    let mut config = with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": [moderator], "description": "words" }));
    let community = world.create(&owner, CONFIG, "main", config.clone());
    world.join(&community, &[&member, &blocked]);
    world.act(&owner, "a1", "block_user", &blocked, &community);
    world.settled().await;
    let standing = |world: &World, who: &str| dashboard(world).standing("main", who).expect("it is open");
    assert_eq!(standing(&world, &owner), (Standing::Owner, false));
    assert_eq!(standing(&world, &moderator), (Standing::Moderator, false));
    assert_eq!(standing(&world, &member), (Standing::Member, false));
    assert_eq!(standing(&world, &blocked), (Standing::Member, true));
    assert_eq!(standing(&world, STRANGER), (Standing::None, false));
    assert!(Standing::Owner > Standing::Moderator && Standing::Moderator > Standing::Member && Standing::Member > Standing::None);
    let view = |world: &World, who: &str| dashboard(world).community(who, "main").expect("it is open");
    assert_eq!((view(&world, &blocked).role, view(&world, &blocked).blocked), (Some(Role::Member), true));
    assert_eq!((view(&world, STRANGER).role, view(&world, STRANGER).blocked), (None, false));
    let shown = view(&world, &owner);
    assert_eq!((shown.feed.as_str(), shown.owner.as_str()), (uri(&owner, "app.bsky.feed.generator", "main").as_str(), owner.as_str()));
    assert_eq!((shown.hashtag.as_str(), shown.name.as_str(), shown.description.as_deref()), (TAG, "Test", Some("words")));
    assert_eq!((shown.feed_mix.own, shown.feed_mix.parent, shown.created_at.as_str()), (1.0, 0.0, "2026-11-20T11:59:10.000Z"));
    assert!(!shown.shared_hashtag);

    world.open(&member, "copy", TAG);
    config["moderators"] = json!([]);
    world.update(&owner, CONFIG, "main", config);
    world.leave(&community, &[&member]);
    world.delete(&owner, ACTION, "a1");
    world.settled().await;
    assert!(view(&world, &owner).shared_hashtag);
    assert_eq!(standing(&world, &moderator), (Standing::None, false));
    assert_eq!(standing(&world, &member), (Standing::None, false));
    assert_eq!(standing(&world, &blocked), (Standing::Member, false));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_by_did_while_others_join_and_leave() {
    let mut world = World::new().await;
    let (owner, moderator) = (did("owner"), did("moderator"));
    let config = with(records::config("Test", TAG, NOW - 50_000), json!({ "moderators": [moderator] }));
    let community = world.create(&owner, CONFIG, "main", config);
    let mut members: Vec<String> = ["ann", "ben", "cat", "dan", "eve"].map(did).to_vec();
    world.join(&community, &members.iter().map(String::as_str).collect::<Vec<_>>());
    world.act(&owner, "a1", "block_user", &did("ben"), &community);
    world.account(&did("cat"), Some("deactivated"));
    world.settled().await;
    let list = |world: &World, query: &MembersQuery, limit| {
        walk(limit, |page| dashboard(world).members("main", query, page).map(|found| (found.members, found.cursor)))
    };
    let mut everyone = [members.clone(), vec![owner.clone(), moderator.clone()]].concat();
    everyone.sort();
    for limit in [1, 3, 7, 100] {
        assert_eq!(list(&world, &MembersQuery::default(), limit).into_iter().map(|member| member.did).collect::<Vec<_>>(), everyone, "{limit}");
    }
    let of = |role| MembersQuery { role: Some(role), did: None };
    members.sort();
    assert_eq!(list(&world, &of(Role::Member), 2).into_iter().map(|member| member.did).collect::<Vec<_>>(), members);
    let total = |world: &World, query: &MembersQuery| dashboard(world).members("main", query, &everything()).expect("it is open").total;
    assert_eq!((total(&world, &of(Role::Member)), total(&world, &of(Role::Owner)), total(&world, &MembersQuery::default())), (5, 1, 7));
    let named = MembersQuery { role: None, did: Some(did("dan")[8..14].to_owned()) };
    assert_eq!(list(&world, &named, 100).into_iter().map(|member| member.did).collect::<Vec<_>>(), [did("dan")]);
    for member in list(&world, &MembersQuery::default(), 100) {
        let expected = (
            if member.did == owner {
                Role::Owner
            } else if member.did == moderator {
                Role::Moderator
            } else {
                Role::Member
            },
            member.did == did("ben"),
            member.did != did("cat"),
        );
        assert_eq!((member.role, member.blocked, member.active), expected, "{}", member.did);
        let since = match member.role {
            Role::Owner => Some("2026-11-20T11:59:10.000Z"),
            Role::Moderator => None,
            Role::Member => Some("2026-11-20T11:59:20.000Z"),
        };
        assert_eq!(member.since.as_deref(), since, "{}", member.did);
    }

    // One page, then another after changes before and behind it.
    let first = dashboard(&world).members("main", &MembersQuery::default(), &page(3, None)).expect("it is open");
    world.leave(&community, &[&everyone[0], &everyone[2], &everyone[5]].map(String::as_str));
    world.settled().await;
    let left = dashboard(&world).members("main", &MembersQuery::default(), &page(100, first.cursor)).expect("it is open");
    let remaining: Vec<String> = everyone[3..].iter().filter(|did| **did != everyone[5] || **did == owner || **did == moderator).cloned().collect();
    assert_eq!(left.members.into_iter().map(|member| member.did).collect::<Vec<_>>(), remaining);
    world.stop().await;
}
