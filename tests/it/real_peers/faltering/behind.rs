//! An index that can't keep up.

use atrarium_tests::network::{CONFIG, MEMBERSHIP};
use serde_json::{Value, json};

use super::{House, User, text, until};

/// While batches take longer than anybody waits, what is written is said to be on its way, and never to be otherwise than it is.
pub(super) async fn the_index_falls_behind(house: &mut House, [mut olga, mut ann, mut ben, mut cat, mut dan]: [User; 5]) {
    house.start().await;
    for user in [&mut olga, &mut ann, &mut ben, &mut cat, &mut dan] {
        user.detour.honest(user.did());
        for (rkey, _) in user.person.records(CONFIG).await {
            user.api.call("DELETE", &format!("/api/communities/{rkey}"), &Value::Null).await;
        }
    }
    let (path, created) = olga.found("Night moths").await;
    let (old, _) = olga.found("Old moths").await;
    for user in [&mut ann, &mut ben] {
        user.api.done("POST", &format!("{path}/members"), &json!({}), 201).await;
    }
    let block = |did: &str| json!({ "community": created["id"], "action": "block_user", "target": did });
    let action = olga.api.done("POST", "/api/moderation/actions", &block(dan.did()), 201).await;
    let action = format!("/api/moderation/actions/{}", text(&action, "rkey"));
    house.kill().await;
    house.start_with(Some("ingest-before-commit=sleep(6000)")).await;

    let own = format!("{path}/members/{}", ann.did());
    let role = format!("{path}/members/{}", ben.did());
    let mut calls = Vec::new();
    for (user, method, path, body) in [
        (&olga, "PUT", path.clone(), json!({ "name": "Day moths" })),
        (&olga, "PUT", role, json!({ "role": "moderator" })),
        (&olga, "POST", "/api/moderation/actions".to_owned(), block(ann.did())),
        (&olga, "DELETE", action, Value::Null),
        (&olga, "DELETE", old.clone(), Value::Null),
        (&ann, "DELETE", own, Value::Null),
        (&cat, "POST", format!("{path}/members"), json!({})),
        (&cat, "POST", "/api/communities".to_owned(), json!({ "name": "New moths" })),
    ] {
        let mut api = user.api.clone();
        let did = user.did().to_owned();
        calls.push(tokio::spawn(async move {
            let answer = api.call(method, &path, &body).await;
            let records = answer.json()["records"].as_array().cloned().unwrap_or_default();
            assert_eq!(answer.status, 202, "{method} {path}: {answer:?}");
            assert!(answer.header("retry-after").is_none(), "nothing need be repeated: {answer:?}");
            assert!(!records.is_empty() && records.iter().all(|uri| uri.as_str().is_some_and(|uri| uri.starts_with(&format!("at://{did}/")))), "{answer:?}");
        }));
    }
    for call in calls {
        call.await.expect("it is answered so");
    }
    let until_reads = |what: &'static str, user: &User, path: String, so: fn(&Value) -> bool| {
        let api = user.api.clone();
        async move {
            until(what, || {
                let (mut api, path) = (api.clone(), path.clone());
                async move { so(&api.get(&path).await.json()) }
            })
            .await;
        }
    };
    until_reads("the new name", &olga, path.clone(), |community| community["name"] == "Day moths").await;
    until_reads("a moderator", &ben, path.clone(), |community| community["role"] == "moderator").await;
    until_reads("who left", &ann, path.clone(), |community| community["role"].is_null() && community["blocked"] == true).await;
    until_reads("who came", &cat, path.clone(), |community| community["role"] == "member").await;
    until_reads("who is blocked no more", &dan, path.clone(), |community| community["blocked"] == false).await;
    until_reads("what was closed", &olga, old, |answer| answer["error"] == "CommunityNotFound").await;
    until_reads("what was created", &cat, "/api/communities?role=owner".to_owned(), |list| list["communities"].as_array().is_some_and(|list| list.len() == 1))
        .await;
    assert_eq!(cat.count(MEMBERSHIP).await, 1);
}
