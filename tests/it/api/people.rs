//! What nobody can take or give themself in a community: roles, a say, a name, another's list (2.4: S5 to S9, S11, S14, S17).

use atrarium_tests::http;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did};
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use serde_json::json;

use super::Town;

/// S5, S6, S8: a role was what one's own record said, and what one's own request said of the community.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_themself_a_role() {
    let mut town = Town::new().await;
    let (community, eve) = (town.community.clone(), did("eve"));
    town.world.create(&eve, MEMBERSHIP, "m", with(records::membership(&community, true, NOW - 40_000), json!({ "role": "owner" })));
    town.world.create(&eve, CONFIG, "child", with(records::config("Child", OTHER_TAG, NOW), json!({ "parentCommunity": community, "moderators": [eve] })));
    town.world.settled().await;
    let mut caller = town.signed_in("eve");
    let members = caller.reads("/api/communities/main/members").await;
    let role = |did: &str| members["members"].as_array().into_iter().flatten().find(|member| member["did"] == did).map(|member| member["role"].clone());
    assert_eq!(role(&eve), Some(json!("member")), "{members}");
    assert_eq!(role(&did("mia")), Some(json!("moderator")));
    assert_eq!(caller.reads("/api/communities/main").await["role"], json!("member"));
    let act = json!({ "community": "main", "action": "hide_post", "target": town.post });
    for (method, path, body) in [
        ("PUT", "/api/communities/main", json!({ "name": "Mine" })),
        ("PUT", &format!("/api/communities/main/members/{eve}"), json!({ "role": "moderator" })),
        ("POST", "/api/moderation/actions", act.clone()),
    ] {
        assert_eq!(caller.call(method, path, &body).await.status, 403, "{method} {path}");
    }
    // A request says what shall be done, never who may do it, or for whom.
    for (path, body) in [
        ("/api/moderation/actions", with(act, json!({ "parentGroupConfig": { "moderators": [eve] } }))),
        ("/api/communities/main/members", json!({ "did": did("ben"), "role": "moderator" })),
        ("/api/communities/main/members", json!({ "accessType": "open", "status": "active" })),
    ] {
        let answer = caller.post(path, &body).await;
        assert_eq!(answer.status, 422, "{path} {body}: {answer:?}");
    }
    // The parent's moderators have no say in the child, nor the child's in the parent.
    let child = json!({ "community": "child", "action": "block_user", "target": did("ann") });
    assert_eq!(town.signed_in("mia").post("/api/moderation/actions", &child).await.status, 403);
    // Who was a moderator is none, from the very record on that says so.
    town.world.update(&did("olga"), CONFIG, "main", records::config("Night moths", TAG, NOW - 50_000));
    town.world.settled().await;
    let act = json!({ "community": "main", "action": "hide_post", "target": town.post });
    assert_eq!(town.signed_in("mia").post("/api/moderation/actions", &act).await.status, 403);
    assert_eq!(town.signed_in("mia").get("/api/communities/main/posts?hidden=true").await.status, 403);
    town.end().await;
}

/// S7: an action took no actor.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_without_a_say_is_shown_as_one_and_decides_nothing() {
    let mut town = Town::new().await;
    let community = town.community.clone();
    town.world.act(&did("eve"), "e1", "hide_post", &town.post.clone(), &community);
    town.world.act(&did("ann"), "e2", "unhide_post", &town.hidden.clone(), &community);
    town.world.settled().await;
    let actions = town.signed_in("eve").list("/api/moderation/actions?community=main", "actions", 1).await;
    let of = |name: &str| {
        actions.iter().find(|action| action["author"] == json!(did(name))).map(|action| (action["authorHasSay"].clone(), action["decides"].clone()))
    };
    assert_eq!((of("eve"), of("ann"), of("mia")), (Some((json!(false), json!(false))), Some((json!(false), json!(false))), Some((json!(true), json!(true)))));
    let shown = town.feed().await;
    assert!(shown.contains(&town.post) && !shown.contains(&town.hidden), "{shown:?}");
    town.end().await;
}

/// S9: a block had no effect.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_is_nowhere_and_cannot_come_back_by_joining() {
    let mut town = Town::new().await;
    let (community, ann) = (town.community.clone(), did("ann"));
    town.world.act(&did("olga"), "b1", "block_user", &ann, &community);
    town.world.delete(&ann, MEMBERSHIP, "in-main");
    town.world.settled().await;
    assert!(!town.feed().await.contains(&town.post));
    let joining = town.signed_in("ann").post("/api/communities/main/members", &json!({})).await;
    assert_eq!((joining.status, joining.error().as_str()), (403, "Forbidden"), "{joining:?}");
    assert_eq!(town.signed_in("ann").reads("/api/communities/main").await["blocked"], json!(true));
    // Whoever writes the record by hand wins nothing by it.
    town.world.create(&ann, MEMBERSHIP, "again", records::membership(&community, true, NOW));
    town.world.create(&ann, POST, "p9", records::post(&format!("again {TAG}"), NOW - 1_000));
    town.world.settled().await;
    let posts = town.signed_in("eve").list("/api/communities/main/posts", "posts", 100).await;
    assert!(!town.feed().await.iter().any(|post| post.contains(&ann)) && !posts.iter().any(|post| post["author"] == json!(ann)), "{posts:?}");
    let explained = town.signed_in("ann").reads(&format!("/api/communities/main/explain?post={}", http::encode(&town.post))).await;
    assert_eq!(explained["visible"], json!(false), "{explained}");
    town.end().await;
}

/// S11: who took another's hashtag or record key took the community.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_communities_have_is_nobodys_alone() {
    let mut town = Town::new().await;
    let eve = did("eve");
    town.world.create(&eve, CONFIG, "main", records::config("Night moths", TAG, NOW - 40_000));
    town.world.settled().await;
    let mut caller = town.signed_in("ann");
    let bare = caller.get("/api/communities/main").await;
    assert_eq!((bare.status, bare.error().as_str()), (409, "Ambiguous"), "{bare:?}");
    let both = caller.list("/api/communities?q=moths", "communities", 1).await;
    assert_eq!(both.len(), 2, "{both:?}");
    for community in &both {
        let id = community["id"].as_str().unwrap_or_default();
        assert!(id.starts_with("main~") && bare.json()["message"].as_str().is_some_and(|message| message.contains(id)), "{id} {bare:?}");
        assert_eq!((&caller.reads(&format!("/api/communities/{id}")).await["uri"], &community["sharedHashtag"]), (&community["uri"], &json!(true)));
        let mine = community["owner"] == json!(eve);
        let closing = town.signed_in("eve").delete(&format!("/api/communities/{id}")).await;
        assert_eq!(closing.status, if mine { 502 } else { 403 }, "{closing:?}");
    }
    assert_eq!(town.feed().await.len(), 3, "each has its own members' posts");
    town.end().await;
}

/// S14: nobody could see what was hidden, moderators neither; and it is theirs alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_seen_by_who_moderates_and_by_nobody_else() {
    let town = Town::new().await;
    for name in ["mia", "olga"] {
        let posts = town.signed_in(name).list("/api/communities/main/posts?hidden=true", "posts", 1).await;
        let hidden = posts.iter().find(|post| post["uri"] == json!(town.hidden)).expect("the hidden post");
        assert_eq!((&hidden["shown"], &hidden["hiddenBecause"]), (&json!(false), &json!(["hidden"])));
        assert_eq!(posts.len(), 4);
    }
    for name in ["ann", "ben", "eve", "otto", "oscar"] {
        assert_eq!(town.signed_in(name).get("/api/communities/main/posts?hidden=true").await.status, 403, "{name}");
        let posts = town.signed_in(name).list("/api/communities/main/posts", "posts", 1).await;
        assert!(posts.len() == 3 && !posts.iter().any(|post| post["uri"] == json!(town.hidden)), "{name}: {posts:?}");
    }
    town.end().await;
}

/// S17: one malformed record made a user's lists fail, and only the first hundred were read.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_records_spoil_no_list_and_a_list_goes_on_to_its_end() {
    let mut town = Town::new().await;
    let (community, ann) = (town.community.clone(), did("ann"));
    for (rkey, broken) in
        [("x1", json!({ "community": community })), ("x2", json!([])), ("x3", with(records::membership(&community, true, NOW), json!({ "joinedAt": "then" })))]
    {
        town.world.create(&ann, MEMBERSHIP, rkey, broken);
    }
    town.world.create(&did("mia"), ACTION, "x1", json!({ "community": community, "action": "explode" }));
    let crowd: Vec<String> = (0..150).map(|n| did(&format!("crowd{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26)))).collect();
    town.world.join(&community, &crowd.iter().map(String::as_str).collect::<Vec<_>>());
    town.world.settled().await;
    let mut caller = town.signed_in("ann");
    // Owner, two moderators, Ann and Ben.
    assert_eq!(caller.reads("/api/communities/main/members?limit=1").await["total"], json!(155));
    for limit in [7, 100] {
        let mut dids: Vec<String> = caller
            .list("/api/communities/main/members", "members", limit)
            .await
            .iter()
            .map(|member| member["did"].as_str().unwrap_or_default().to_owned())
            .collect();
        dids.sort();
        let all = dids.len();
        dids.dedup();
        assert_eq!((dids.len(), all), (155, 155), "each once, in pages of {limit}");
    }
    assert_eq!(caller.list("/api/communities?role=member", "communities", 1).await.len(), 1);
    assert_eq!(caller.list("/api/moderation/actions?community=main", "actions", 1).await.len(), 1);
    town.end().await;
}
