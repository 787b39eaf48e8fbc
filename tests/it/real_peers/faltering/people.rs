//! People who come, go, and are dismissed, by repos that say more than one would think.

use atrarium::clock::Clock;
use atrarium_tests::detour::Trick;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, uri};
use atrarium_tests::repo::tid;
use atrarium_tests::{http, records};
use serde_json::{Value, json};

use super::{PUT, User, remains, said, text, until};

/// Several writes in one commit.
const MANY: &str = "com.atproto.repo.applyWrites";

/// A dismissal copies what decides and nothing else; one that breaks off says what it has copied, and goes on where it was.
pub(super) async fn a_dismissal_breaks_off(mut olga: User, mut mia: User, ann: User) {
    let (path, created) = olga.found("Night moths").await;
    mia.api.done("POST", &format!("{path}/members"), &json!({}), 201).await;
    let role = format!("{path}/members/{}", mia.did());
    olga.api.done("PUT", &role, &json!({ "role": "moderator" }), 200).await;
    let community = text(&created, "id");
    let post = |n: u64| uri(ann.did(), POST, &tid(n));
    let act = |action: &str, target: &str| json!({ "community": community, "action": action, "target": target });
    for (action, target) in [("hide_post", post(1)), ("hide_post", post(2)), ("unhide_post", post(2)), ("block_user", ann.did().to_owned())] {
        mia.api.done("POST", "/api/moderation/actions", &act(action, &target), 201).await;
    }
    // The owner has the last word on this one.
    olga.api.done("POST", "/api/moderation/actions", &act("unblock_user", ann.did()), 201).await;

    olga.next(PUT, CONFIG, Trick::Answers(502));
    let broken = olga.api.put(&role, &json!({ "role": "member" })).await;
    olga.is_honest();
    let copies: Vec<(String, Value)> = olga.person.records(ACTION).await.into_iter().filter(|(_, record)| record.get("via").is_some()).collect();
    let mut copied: Vec<_> = copies.iter().map(|(_, copy)| (text(copy, "action"), text(copy, "target"))).collect();
    copied.sort();
    assert_eq!(copied, [("hide_post".to_owned(), post(1)), ("unhide_post".to_owned(), post(2))], "what decides, and nothing else");
    let (mut named, mut uris) = (remains(&broken), copies.iter().map(|(rkey, _)| olga.person.uri(ACTION, rkey)).collect::<Vec<_>>());
    named.sort();
    uris.sort();
    assert_eq!((said(&broken), named), ((502, "PartlyDone".to_owned()), uris), "{broken:?}");
    assert_eq!(olga.api.reads(&path).await["moderators"], json!([mia.did()]));

    let before = olga.person.records(ACTION).await;
    let dismissed = olga.api.done("PUT", &role, &json!({ "role": "member" }), 200).await;
    assert_eq!(dismissed["role"], json!("member"));
    assert_eq!(olga.person.records(ACTION).await, before, "no copy is made twice");

    // Once more, with the answer to the copies lost: they are there all the same.
    olga.api.done("PUT", &role, &json!({ "role": "moderator" }), 200).await;
    mia.api.done("POST", "/api/moderation/actions", &act("hide_post", &post(3)), 201).await;
    olga.next(MANY, ACTION, Trick::LosesAnswer);
    olga.api.done("PUT", &role, &json!({ "role": "member" }), 200).await;
    olga.is_honest();
    assert_eq!(olga.count(ACTION).await, before.len() + 1);
    let hidden = olga.api.reads(&format!("/api/moderation/actions?community={community}&target={}", http::encode(&post(3)))).await;
    let decides: Vec<_> = hidden["actions"].as_array().into_iter().flatten().filter(|action| action["decides"] == json!(true)).collect();
    assert_eq!(decides.iter().map(|action| text(action, "author")).collect::<Vec<_>>(), [olga.did()], "{hidden}");
}

/// Who comes back gets the old record back; who leaves is gone, however many records say otherwise.
pub(super) async fn coming_and_going(mut olga: User, mut ann: User, mut ben: User) {
    let (path, created) = olga.found("Moths of the north").await;
    let (join, leave) = (format!("{path}/members"), format!("{path}/members/{}", ann.did()));
    ann.api.done("POST", &join, &json!({}), 201).await;
    let (key, record) = ann.person.records(MEMBERSHIP).await.remove(0);
    ann.person.put(MEMBERSHIP, &key, records::with(record, json!({ "note": "mine" }))).await;
    ann.api.done("DELETE", &leave, &Value::Null, 200).await;
    let gone = ann.only(MEMBERSHIP).await;
    assert_eq!((&gone["active"], &gone["note"]), (&json!(false), &json!("mine")), "{gone}");
    let again = ann.api.delete(&leave).await;
    assert_eq!(said(&again), (404, "MemberNotFound".to_owned()));
    let member = ann.api.done("POST", &join, &json!({}), 201).await;
    let back = ann.only(MEMBERSHIP).await;
    assert_eq!((&member["role"], &back["active"], &back["note"]), (&json!("member"), &json!(true), &json!("mine")), "{back}");

    // By scripts and other programs there may be any number.
    let now = Clock::system().now_ms();
    let community = text(&created, "uri");
    let many: Vec<Value> = (0..45)
        .map(|n| json!({ "$type": "com.atproto.repo.applyWrites#create", "collection": MEMBERSHIP, "rkey": tid(n), "value": records::membership(&community, true, now) }))
        .collect();
    ann.person.does(MANY, &json!({ "repo": ann.did(), "writes": many })).await;
    ben.person.put(MEMBERSHIP, &tid(1), records::membership(&community, true, now)).await;
    until("the last of them is here", || async {
        let mut api = ben.api.clone();
        api.reads(&path).await["role"] == json!("member")
    })
    .await;
    assert_eq!(ann.api.done("DELETE", &leave, &Value::Null, 200).await, json!({ "left": true }));
    assert_eq!(ann.api.reads(&path).await["role"], Value::Null);
    let active = ann.person.records(MEMBERSHIP).await.into_iter().filter(|(_, record)| record["active"] == json!(true)).count();
    assert_eq!((active, ann.count(MEMBERSHIP).await), (0, 46));
    ben.api.done("DELETE", &format!("{path}/members/{}", ben.did()), &Value::Null, 200).await;
}
