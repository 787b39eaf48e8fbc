//! The journey once more, through the dashboard's API alone: only posts are written at the PDS. Some people sign in by OAuth with cookies,
//! as browsers do, others with an app password, as scripts do; both can do the same.
//!
//! Whatever is written through the API is asked for at once, and must be so: nobody waits for the firehose.

use std::collections::BTreeSet;

use atrarium::clock::Clock;
use atrarium_tests::api::Caller;
use atrarium_tests::events::Events;
use atrarium_tests::http;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, rkey};
use atrarium_tests::peers::Peers;
use atrarium_tests::records;
use atrarium_tests::repo::{PASSWORD, Person};
use serde_json::{Value, json};

use super::stage::{Seen, Stage, sign_up};
use super::{House, SKELETON, walk};

const GENERATOR: &str = "app.bsky.feed.generator";

/// Of more than 24 graphemes, one of them of several code points; and as a feed may be called.
const LONG_NAME: &str = "Night moths 🧑‍🔬 and the people who love them";
const SHORT_NAME: &str = "Night moths 🧑‍🔬 and the p…";

/// A person, and how they use the API.
struct User {
    person: Person,
    api: Caller,
}

impl User {
    async fn by_oauth(house: &House, person: Person) -> Self {
        let api = Caller::sign_in_with_oauth(house.address(), &person.handle, PASSWORD).await;
        Self { person, api }
    }

    async fn by_password(house: &House, person: Person) -> Self {
        let made = person.does("com.atproto.server.createAppPassword", &json!({ "name": "atrarium" })).await;
        let password = made["password"].as_str().expect("the PDS makes one");
        let api = Caller::sign_in_with_password(house.address(), &person.handle, password).await;
        Self { person, api }
    }

    fn did(&self) -> &str {
        &self.person.did
    }
}

/// The community, on its stage.
struct Play {
    stage: Stage,
    id: String,
    /// Somebody who only looks.
    reader: Caller,
}

impl Play {
    fn path(&self, rest: &str) -> String {
        format!("/api/communities/{}{rest}", self.id)
    }

    /// At once this is the feed: by our skeleton, and by the API's list.
    async fn is(&mut self, what: &str, expected: &[&Seen]) {
        let expected: Vec<&str> = expected.iter().map(|seen| seen.uri.as_str()).collect();
        assert_eq!(self.stage.skeleton().await.as_deref().unwrap_or_default(), expected, "{what}");
        let listed = self.reader.list(&self.path("/posts"), "posts", 2).await;
        assert_eq!(listed.iter().filter_map(|post| post["uri"].as_str()).collect::<Vec<_>>(), expected, "{what}");
    }

    /// What is explained of each post is what the AppView's readers see, clause by clause. Answers the clauses that don't hold.
    async fn explained(&mut self, what: &str, posts: &[&Seen]) -> Vec<Vec<String>> {
        let seen = self.stage.hydrated(false).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let mut failing = Vec::new();
        for post in posts {
            let path = self.path(&format!("/explain?post={}", http::encode(&post.uri)));
            let explanation = self.reader.reads(&path).await;
            assert_eq!(explanation["post"], json!(post.uri));
            let clauses = explanation["clauses"].as_array().unwrap_or_else(|| panic!("{what}: {explanation}"));
            let broken: Vec<String> =
                clauses.iter().filter(|clause| clause["holds"] == json!(false)).filter_map(|clause| clause["code"].as_str().map(str::to_owned)).collect();
            let visible = seen.iter().any(|shown| shown.uri == post.uri);
            assert_eq!((&explanation["visible"], broken.is_empty()), (&json!(visible), visible), "{what}: {post:?} {explanation:#}");
            assert!(explanation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{what}: {explanation}");
            failing.push(broken);
        }
        failing
    }

    async fn act(&self, who: &mut User, action: &str, target: &str) -> Value {
        let body = json!({ "community": self.id, "action": action, "target": target, "reason": "off topic" });
        who.api.done("POST", "/api/moderation/actions", &body, 201).await
    }

    async fn role(&self, owner: &mut User, of: &str, role: Value) -> Value {
        owner.api.done("PUT", &self.path(&format!("/members/{of}")), &role, 200).await
    }

    /// The members' names and roles, sorted.
    async fn members(&mut self) -> Vec<(String, String)> {
        let members = self.reader.list(&self.path("/members"), "members", 2).await;
        let text = |member: &Value, field: &str| member[field].as_str().unwrap_or_default().to_owned();
        let mut members: Vec<_> = members.iter().map(|member| (text(member, "did"), text(member, "role"))).collect();
        members.sort();
        members
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_founded_run_and_closed_through_the_api_alone() {
    let peers = Peers::start().await;
    let house = House::before(&peers).await;
    let [olga, mia, ann, ben, cat, dan, eve, viewer] = sign_up(&peers, ["olga", "mia", "ann", "ben", "cat", "dan", "eve", "viewer"]).await;
    let mut olga = User::by_oauth(&house, olga).await;
    let mut mia = User::by_password(&house, mia).await;
    let mut ann = User::by_password(&house, ann).await;
    let mut ben = User::by_password(&house, ben).await;
    let mut cat = User::by_oauth(&house, cat).await;
    let mut dan = User::by_password(&house, dan).await;
    let mut eve = User::by_oauth(&house, eve).await;

    let me = olga.api.reads("/api/auth/me").await;
    assert_eq!((&me["did"], &me["handle"], &me["method"], &me["canWrite"]), (&json!(olga.did()), &json!("olga.test"), &json!("oauth"), &json!(true)));
    let me = ann.api.reads("/api/auth/me").await;
    assert_eq!((&me["did"], &me["handle"], &me["method"]), (&json!(ann.did()), &json!("ann.test"), &json!("password")));
    let wrong = Caller::nobody(house.address()).post("/api/auth/login", &json!({ "identifier": "ann.test", "password": "wrong horse" })).await;
    assert_eq!((wrong.status, wrong.error().as_str()), (401, "AuthenticationRequired"), "{wrong:?}");

    // The community, with its feed.
    let founding = json!({ "name": LONG_NAME, "description": "Hawk moths, owlets and tigers" });
    let created = olga.api.done("POST", "/api/communities", &founding, 201).await;
    let text = |field: &str| created[field].as_str().unwrap_or_else(|| panic!("no {field}: {created}")).to_owned();
    let (id, uri, tag) = (text("id"), text("uri"), text("hashtag"));
    assert_eq!(uri, olga.person.uri(CONFIG, &id), "{created}");
    let stage = Stage::new(house, peers, viewer, &uri, Clock::system().now_ms());
    assert_eq!((text("feed"), text("name"), text("role")), (stage.feed.clone(), LONG_NAME.to_owned(), "owner".to_owned()));
    let digits = tag.strip_prefix("#atrarium_").unwrap_or_else(|| panic!("{tag}"));
    assert!(digits.len() == 8 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{tag}");
    let reader = eve.api.clone();
    let mut play = Play { stage, id, reader };
    play.is("the feed is there at once", &[]).await;
    let read = eve.api.reads(&play.path("")).await;
    assert_eq!((&read["uri"], &read["hashtag"], &read["role"], &read["memberCount"]), (&json!(uri), &json!(tag), &Value::Null, &json!(1)));
    assert_eq!(eve.api.list("/api/communities?q=moths", "communities", 1).await.len(), 1);
    let config = &olga.person.records(CONFIG).await[0].1;
    assert_eq!((&config["hashtag"], &config["moderators"], &config["feedMix"]), (&json!(tag), &json!([]), &json!({ "own": 100, "parent": 0, "global": 0 })));
    let announced = &olga.person.records(GENERATOR).await[0].1;
    assert_eq!((&announced["displayName"], &announced["did"]), (&json!(SHORT_NAME), &json!(play.stage.house.did())));
    play.stage.is_announced().await;
    play.stage.shows("the community opens", &[]).await;
    let mut events = ann.api.events(&play.id, None).await.expect("who is signed in may listen");

    // Four join; Dan isn't there yet, and Eve never comes.
    for user in [&mut mia, &mut ann, &mut ben, &mut cat] {
        let member = user.api.done("POST", &play.path("/members"), &json!({}), 201).await;
        assert_eq!((&member["did"], &member["role"], &member["blocked"]), (&json!(user.did()), &json!("member"), &json!(false)));
        assert!(play.members().await.contains(&(user.did().to_owned(), "member".to_owned())), "who has joined is in the next list");
        assert_eq!(user.api.reads(&play.path("")).await["role"], json!("member"));
    }
    let mut heard = events.up_to("member").await;
    let again = ben.api.post(&play.path("/members"), &json!({})).await;
    assert_eq!((again.status, again.error().as_str()), (409, "AlreadyMember"), "{again:?}");
    assert_eq!(ben.person.records(MEMBERSHIP).await.len(), 1);
    assert_eq!(eve.api.reads(&play.path("")).await["memberCount"], json!(5));

    let eves = play.stage.post(&eve.person, &format!("a stranger's moth {tag}"), json!({})).await;
    let dans = play.stage.post(&dan.person, &format!("before I join {tag}"), json!({})).await;
    let ann1 = play.stage.post(&ann.person, &format!("a hawk moth {tag}"), json!({})).await;
    let ben1 = play.stage.post(&ben.person, &format!("buy my lamps {tag}"), json!({})).await;
    let ben2 = play.stage.post(&ben.person, &format!("an emperor moth {tag}"), json!({})).await;
    let cat1 = play.stage.post(&cat.person, &format!("a butterfly {tag}"), json!({})).await;
    let mia1 = play.stage.post(&mia.person, &format!("夜の蛾 🦋 {tag}"), json!({})).await;
    let olga1 = play.stage.post(&olga.person, &format!("welcome {tag}"), json!({})).await;
    let all = [&eves, &dans, &ann1, &ben1, &ben2, &cat1, &mia1, &olga1];
    play.stage.shows("members' posts, newest first", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    play.is("the API shows the same", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    let failing = play.explained("before Dan joins", &all).await;
    assert_eq!(failing[..3], [vec!["author-member", "shown"], vec!["author-member", "shown"], vec![]], "two are strangers, and nothing else is wrong");
    heard.extend(events.up_to("post").await);
    let held = olga.api.list(&play.path("/held"), "authors", 1).await;
    assert_eq!(held.len(), 2, "{held:?}");

    dan.api.done("POST", &play.path("/members"), &json!({}), 201).await;
    play.is("who joins brings their posts along, at once", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1, &dans]).await;
    play.stage.shows("who joins brings their posts along", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1, &dans]).await;
    play.explained("Dan has joined", &all).await;

    // Nobody moderates before the owner says so.
    let hide = json!({ "community": play.id, "action": "hide_post", "target": ben1.uri });
    for user in [&mut eve, &mut ann, &mut mia] {
        assert_eq!(user.api.post("/api/moderation/actions", &hide).await.status, 403, "{}", user.person.handle);
        assert!(user.person.records(ACTION).await.is_empty(), "what is refused is not written either");
    }
    assert_eq!(mia.api.put(&play.path(&format!("/members/{}", mia.did())), &json!({ "role": "moderator" })).await.status, 403);
    let member = play.role(&mut olga, "mia.test", json!({ "role": "moderator" })).await;
    assert_eq!((&member["did"], &member["role"]), (&json!(mia.did()), &json!("moderator")), "who is meant may be called by their handle");
    assert_eq!(mia.api.reads(&play.path("")).await["role"], json!("moderator"));

    // By the address of its page, as the app gives it.
    let page = format!("https://bsky.app/profile/ben.test/post/{}", rkey(&ben1.uri));
    let hidden = play.act(&mut mia, "hide_post", &page).await;
    assert_eq!(hidden["target"], json!(ben1.uri));
    assert_eq!((&hidden["author"], &hidden["decides"], &hidden["authorHasSay"]), (&json!(mia.did()), &json!(true), &json!(true)));
    play.is("a moderator hides a post", &[&olga1, &mia1, &cat1, &ben2, &ann1, &dans]).await;
    // The firehose has brought the joinings long since, as it has the posts: what the API had applied was no news by then.
    heard.extend(events.up_to("moderation").await);
    let told: BTreeSet<String> = heard.iter().map(|event| format!("{} {}", event.name, event.data)).collect();
    assert_eq!(told.len(), heard.len(), "something was told twice: {heard:#?}");
    assert_eq!(told.iter().filter(|told| told.starts_with("member") && told.contains(r#""role":"member""#)).count(), 5, "{told:#?}");
    play.stage.shows("a moderator hides a post", &[&olga1, &mia1, &cat1, &ben2, &ann1, &dans]).await;
    play.explained("hidden", &all).await;
    play.act(&mut mia, "unhide_post", &ben1.uri).await;
    play.is("and shows it again", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1, &dans]).await;
    play.act(&mut mia, "hide_post", &ben1.uri).await;
    play.is("and hides it once more", &[&olga1, &mia1, &cat1, &ben2, &ann1, &dans]).await;
    let log = play.reader.list(&format!("/api/moderation/actions?community={}&target={}", play.id, http::encode(&ben1.uri)), "actions", 1).await;
    let decides: Vec<_> = log.iter().map(|action| (action["action"].as_str(), action["decides"] == json!(true))).collect();
    assert_eq!(decides, [(Some("hide_post"), true), (Some("unhide_post"), false), (Some("hide_post"), false)], "newest first");
    let own = mia.api.list(&play.path("/posts?hidden=true"), "posts", 2).await;
    assert!(own.iter().any(|post| post["uri"] == json!(ben1.uri) && post["hiddenBecause"] == json!(["hidden"])), "{own:?}");

    // Another's action is only its author's to take back; there is none of that key in anybody else's repo.
    let latest = play.act(&mut mia, "hide_post", &ann1.uri).await;
    let mias = rkey(latest["uri"].as_str().unwrap_or_default()).to_owned();
    for user in [&mut eve, &mut olga] {
        assert_eq!(user.api.delete(&format!("/api/moderation/actions/{mias}")).await.status, 404, "{}", user.person.handle);
    }
    play.is("it is hidden still", &[&olga1, &mia1, &cat1, &ben2, &dans]).await;
    mia.api.done("DELETE", &format!("/api/moderation/actions/{mias}"), &Value::Null, 200).await;
    play.is("an action that is taken back is as if it had never been", &[&olga1, &mia1, &cat1, &ben2, &ann1, &dans]).await;

    // Blocked, and forgiven.
    assert_eq!(mia.api.post("/api/moderation/actions", &json!({ "community": play.id, "action": "block_user", "target": olga.did() })).await.status, 403);
    play.act(&mut olga, "block_user", "cat.test").await;
    play.is("who is blocked is gone", &[&olga1, &mia1, &ben2, &ann1, &dans]).await;
    assert_eq!(cat.api.reads(&play.path("")).await["blocked"], json!(true));
    play.stage.shows("who is blocked is gone", &[&olga1, &mia1, &ben2, &ann1, &dans]).await;
    play.explained("blocked", &all).await;
    play.act(&mut olga, "unblock_user", cat.did()).await;
    play.is("and back", &[&olga1, &mia1, &cat1, &ben2, &ann1, &dans]).await;

    // Leaving; nobody can make another leave.
    for user in [&mut olga, &mut mia, &mut eve] {
        assert_eq!(user.api.delete(&play.path(&format!("/members/{}", dan.did()))).await.status, 403);
    }
    assert_eq!(dan.api.done("DELETE", &play.path(&format!("/members/{}", dan.did())), &Value::Null, 200).await, json!({ "left": true }));
    play.is("who leaves takes their posts along", &[&olga1, &mia1, &cat1, &ben2, &ann1]).await;
    play.stage.shows("who leaves takes their posts along", &[&olga1, &mia1, &cat1, &ben2, &ann1]).await;
    play.explained("Dan has left", &all).await;
    assert_eq!(olga.api.delete(&play.path(&format!("/members/{}", olga.did()))).await.status, 409, "the owner can't leave");

    // Dismissed, and what was hidden stays so: it is the owner's decision now.
    play.role(&mut olga, mia.did(), json!({ "role": "member", "keepActions": true })).await;
    play.is("what a dismissed moderator has hidden stays hidden", &[&olga1, &mia1, &cat1, &ben2, &ann1]).await;
    let copies = olga.person.records(ACTION).await;
    let (copy_rkey, copy) = copies.iter().find(|(_, copy)| copy["target"] == json!(ben1.uri)).expect("a copy in the owner's repo");
    let original = mia.person.records(ACTION).await.into_iter().find(|(rkey, _)| mia.person.uri(ACTION, rkey) == copy["via"].as_str().unwrap_or_default());
    assert_eq!(original.map(|(_, record)| record["createdAt"].clone()), Some(copy["createdAt"].clone()), "{copy}");
    assert_eq!(mia.api.post("/api/moderation/actions", &hide).await.status, 403, "and nothing more");
    olga.api.done("DELETE", &format!("/api/moderation/actions/{copy_rkey}"), &Value::Null, 200).await;
    play.is("until the owner takes it back", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;

    // Appointed again, what she had said counts again; dismissed without it, no more.
    play.role(&mut olga, mia.did(), json!({ "role": "moderator" })).await;
    play.is("appointed again", &[&olga1, &mia1, &cat1, &ben2, &ann1]).await;
    play.act(&mut mia, "hide_post", &cat1.uri).await;
    play.is("one more is hidden", &[&olga1, &mia1, &ben2, &ann1]).await;
    play.role(&mut olga, mia.did(), json!({ "role": "member", "keepActions": false })).await;
    play.is("all that she hid is shown", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    play.stage.shows("all that she hid is shown", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    play.explained("dismissed without her actions", &all).await;

    // Posts are changed at the PDS, and accounts as well; what is explained follows.
    let (key, at) = (rkey(&ann1.uri), play.stage.began + 3_000);
    ann.person.put(POST, key, records::post("a hawk moth", at)).await;
    play.stage.shows("a post whose tag is edited away leaves", &[&olga1, &mia1, &cat1, &ben2, &ben1]).await;
    let failing = play.explained("the tag is edited away", &all).await;
    assert!(failing[2].contains(&"hashtag".to_owned()), "{failing:?}");
    ann.person.put(POST, key, records::post(&ann1.text, at)).await;
    ben.person.deactivate().await;
    play.stage.shows("a deactivated account's posts leave, and a tag is back", &[&olga1, &mia1, &cat1, &ann1]).await;
    let failing = play.explained("deactivated", &all).await;
    assert_eq!(failing[3], ["account-active", "shown"], "{failing:?}");
    ben.person.activate().await;
    play.stage.shows("they come back with the account", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    let gone = play.stage.post(&cat.person, &format!("mistaken for a moth {tag}"), json!({})).await;
    play.stage.shows("one more", &[&gone, &olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    cat.person.delete(POST, rkey(&gone.uri)).await;
    play.stage.shows("a deleted post leaves", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    let failing = play.explained("deleted", &[&gone]).await;
    assert!(failing[0].contains(&"post-exists".to_owned()), "{failing:?}");
    dan.api.done("POST", &play.path("/members"), &json!({}), 201).await;
    play.is("who comes back brings them along again", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1, &dans]).await;
    assert_eq!(dan.person.records(MEMBERSHIP).await.len(), 1, "by the record of old");
    dan.api.done("DELETE", &play.path("/members/dan.test"), &Value::Null, 200).await;
    play.is("and leaves once more", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;

    // A new name, for the AppView as well.
    let renamed = olga.api.done("PUT", &play.path(""), &json!({ "name": "Moths", "description": "", "stage": "community" }), 200).await;
    assert_eq!(
        (&renamed["name"], &renamed["stage"], &renamed["hashtag"], &renamed["description"]),
        (&json!("Moths"), &json!("community"), &json!(tag), &Value::Null)
    );
    assert_eq!(eve.api.reads(&play.path("")).await["name"], json!("Moths"));
    play.stage.announcement("its new name", |answer| answer.json()["view"]["displayName"] == json!("Moths")).await;
    olga.api.done("PUT", &play.path(""), &json!({ "name": LONG_NAME }), 200).await;
    play.stage.announcement("its long name", |answer| answer.json()["view"]["displayName"] == json!(SHORT_NAME)).await;
    let refused = olga.api.put(&play.path(""), &json!({ "feedMix": { "own": 0.9, "parent": 0.0, "global": 0.2 } })).await;
    assert_eq!(refused.status, 422, "{refused:?}");

    // A stranger can't do anything that isn't a stranger's.
    for (method, path, body) in [
        ("PUT", play.path(""), json!({ "name": "Mine" })),
        ("DELETE", play.path(""), Value::Null),
        ("PUT", play.path(&format!("/members/{}", eve.did())), json!({ "role": "moderator" })),
        ("GET", play.path("/held"), Value::Null),
        ("GET", play.path("/posts?hidden=true"), Value::Null),
        ("GET", "/api/operator/status".to_owned(), Value::Null),
    ] {
        assert_eq!(eve.api.call(method, &path, &body).await.status, 403, "{method} {path}");
    }

    // Everybody stays signed in when the program is killed, and so does the community.
    play.stage.house.kill().await;
    play.stage.house.start().await;
    play.is("a killed program goes on where it was", &[&olga1, &mia1, &cat1, &ben2, &ben1, &ann1]).await;
    play.act(&mut olga, "hide_post", &ben1.uri).await;
    play.is("so does its API", &[&olga1, &mia1, &cat1, &ben2, &ann1]).await;
    let resumed = followed(&mut ann.api, &play.id, "0-0").await;
    assert_eq!(resumed, "reset", "who comes back after too long reads anew");

    // Closed, withdrawn and forgotten.
    let closed = olga.api.done("DELETE", &play.path(""), &Value::Null, 200).await;
    assert_eq!(closed["closed"], json!(true));
    let gone = walk(play.stage.house.address(), SKELETON, &play.stage.feed, 2, None).await;
    assert_eq!(gone, Err("400 UnknownFeed".to_owned()), "at once");
    assert_eq!(eve.api.get(&play.path("")).await.status, 404);
    assert!(olga.person.records(CONFIG).await.is_empty() && olga.person.records(GENERATOR).await.is_empty());
    play.stage.announcement("the end", |answer| answer.status == 400).await;

    // Signed out, here and at the PDS.
    for user in [&mut olga, &mut ann] {
        user.api.done("POST", "/api/auth/logout", &Value::Null, 200).await;
        assert_eq!(user.api.get("/api/auth/me").await.status, 401);
    }
}

/// The first event for who comes back with this id.
async fn followed(caller: &mut Caller, community: &str, last: &str) -> String {
    let mut events: Events = caller.events(community, Some(last)).await.expect("who is signed in may listen");
    events.next().await.expect("an event comes").name
}
