//! A server that loses answers, refuses, or keeps silent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atrarium_tests::detour::{Hook, Trick};
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP};
use serde_json::{Value, json};

use super::{CREATE, DELETE, GENERATOR, PUT, User, remains, said, text};

/// Every call that reads or writes records.
const XRPC: &str = "/xrpc/com.atproto.repo";

/// What somebody looks at a record with.
const LOOKS: [&str; 2] = ["com.atproto.repo.getRecord", "com.atproto.sync.getLatestCommit"];

/// What was done counts as done, though nobody said so.
pub(super) async fn answers_are_lost(mut olga: User, mut ann: User) {
    olga.next(CREATE, CONFIG, Trick::LosesAnswer);
    olga.next(CREATE, GENERATOR, Trick::LosesAnswer);
    let (path, created) = olga.found("Night moths").await;
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (1, 1));
    olga.is_honest();

    olga.next(PUT, CONFIG, Trick::LosesAnswer);
    olga.next(PUT, GENERATOR, Trick::LosesAnswer);
    let renamed = olga.api.done("PUT", &path, &json!({ "name": "Day moths" }), 200).await;
    assert_eq!((&renamed["name"], &olga.only(GENERATOR).await["displayName"]), (&json!("Day moths"), &json!("Day moths")));
    olga.is_honest();

    ann.next(CREATE, MEMBERSHIP, Trick::LosesAnswer);
    ann.api.done("POST", &format!("{path}/members"), &json!({}), 201).await;
    assert_eq!(ann.count(MEMBERSHIP).await, 1);
    ann.is_honest();

    olga.next(CREATE, ACTION, Trick::LosesAnswer);
    let block = json!({ "community": created["id"], "action": "block_user", "target": ann.did() });
    let action = olga.api.done("POST", "/api/moderation/actions", &block, 201).await;
    assert_eq!((&action["decides"], olga.count(ACTION).await), (&json!(true), 1));
    olga.next(DELETE, ACTION, Trick::LosesAnswer);
    let undone = olga.api.done("DELETE", &format!("/api/moderation/actions/{}", text(&action, "rkey")), &Value::Null, 200).await;
    assert_eq!((&undone["undone"], olga.count(ACTION).await), (&json!(true), 0));
    olga.is_honest();

    ann.next(PUT, MEMBERSHIP, Trick::LosesAnswer);
    let left = ann.api.done("DELETE", &format!("{path}/members/{}", ann.did()), &Value::Null, 200).await;
    assert_eq!((&left["left"], &ann.only(MEMBERSHIP).await["active"]), (&json!(true), &json!(false)));
    assert_eq!(ann.api.reads(&path).await["role"], Value::Null);
    ann.is_honest();

    olga.next(DELETE, CONFIG, Trick::LosesAnswer);
    olga.next(DELETE, GENERATOR, Trick::LosesAnswer);
    assert_eq!(olga.api.done("DELETE", &path, &Value::Null, 200).await["closed"], json!(true));
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (0, 0));
    olga.is_honest();
}

/// What was refused at any step is as if it had never been asked for.
pub(super) async fn nothing_is_done(mut olga: User) {
    let new = json!({ "name": "Night moths" });
    for (collection, status, expected) in
        [(CONFIG, 502, (502, "UpstreamFailure")), (GENERATOR, 500, (502, "UpstreamFailure")), (GENERATOR, 429, (429, "RateLimitExceeded"))]
    {
        olga.next(CREATE, collection, Trick::Answers(status));
        let refused = olga.api.post("/api/communities", &new).await;
        assert_eq!(said(&refused), (expected.0, expected.1.to_owned()), "{refused:?}");
        assert_eq!((remains(&refused).len(), olga.count(CONFIG).await, olga.count(GENERATOR).await), (0, 0, 0), "{refused:?}");
        olga.is_honest();
    }
    let mixed = json!({ "name": "Night moths", "feedMix": { "own": 0.8, "parent": 0.2, "global": 0.0 } });
    let refused = olga.api.post("/api/communities", &mixed).await;
    assert_eq!((refused.status, olga.count(CONFIG).await), (422, 0), "a share for a parent that isn't there: {refused:?}");

    let (path, _) = olga.found("Night moths").await;
    // Done, unanswered, and then the announcement is refused: the community is put back as it was.
    olga.next(PUT, CONFIG, Trick::LosesAnswer);
    olga.next(PUT, GENERATOR, Trick::Answers(502));
    let refused = olga.api.put(&path, &json!({ "name": "Day moths" })).await;
    assert_eq!((said(&refused), remains(&refused)), ((502, "UpstreamFailure".to_owned()), Vec::new()), "{refused:?}");
    olga.is_honest();
    assert_eq!((&olga.only(CONFIG).await["name"], &olga.only(GENERATOR).await["displayName"]), (&json!("Night moths"), &json!("Night moths")));
    assert_eq!(olga.api.reads(&path).await["name"], json!("Night moths"));

    // A letter of four people has 25 bytes, and a feed's name at most 240.
    let families = "👨‍👩‍👧‍👦".repeat(24);
    let renamed = olga.api.done("PUT", &path, &json!({ "name": families }), 200).await;
    assert_eq!((&renamed["name"], &olga.only(GENERATOR).await["displayName"]), (&json!(families), &json!(format!("{}…", "👨‍👩‍👧‍👦".repeat(9)))));

    // A closing that breaks off, at either step, can be repeated.
    olga.next(DELETE, GENERATOR, Trick::Answers(502));
    let refused = olga.api.delete(&path).await;
    assert_eq!((said(&refused), remains(&refused)), ((502, "UpstreamFailure".to_owned()), Vec::new()), "{refused:?}");
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (1, 1));
    olga.next(DELETE, CONFIG, Trick::Answers(502));
    let half = olga.api.delete(&path).await;
    let config = olga.person.records(CONFIG).await.remove(0).0;
    assert_eq!((said(&half), remains(&half)), ((502, "PartlyDone".to_owned()), vec![olga.person.uri(CONFIG, &config)]), "{half:?}");
    assert_eq!((olga.count(GENERATOR).await, olga.api.reads(&path).await["role"].clone()), (0, json!("owner")), "open still");
    olga.is_honest();
    olga.api.done("DELETE", &path, &Value::Null, 200).await;
    assert_eq!((olga.count(CONFIG).await, olga.api.get(&path).await.status), (0, 404));
}

/// A trick at the next such call: it is done, the answer is lost, and from then on these calls fail.
fn blinding(user: &User, method: &str, collection: &str, failing: &'static [&'static str]) {
    let hook: Hook = {
        let user = user.clone();
        Arc::new(move || {
            failing.iter().for_each(|method| user.detour.always(&[method, user.did()], Trick::Answers(502)));
            Box::pin(async {})
        })
    };
    user.next(method, collection, Trick::After(hook));
    user.next(method, collection, Trick::LosesAnswer);
}

/// What can't be looked at is said to be open, with the place where to look.
pub(super) async fn nobody_can_tell(mut olga: User, mut ann: User) {
    let (path, _) = olga.found("Night moths").await;
    blinding(&ann, CREATE, MEMBERSHIP, &LOOKS);
    let open = ann.api.post(&format!("{path}/members"), &json!({})).await;
    ann.is_honest();
    let membership = ann.person.records(MEMBERSHIP).await.into_iter().next_back().expect("it was done");
    assert_eq!((said(&open), remains(&open)), ((504, "OutcomeUnknown".to_owned()), vec![ann.person.uri(MEMBERSHIP, &membership.0)]), "{open:?}");

    // The announcement may be there, and can be taken away all the same.
    blinding(&olga, CREATE, GENERATOR, &LOOKS);
    let refused = olga.api.post("/api/communities", &json!({ "name": "More moths" })).await;
    olga.is_honest();
    assert_eq!((said(&refused), remains(&refused)), ((502, "UpstreamFailure".to_owned()), Vec::new()), "{refused:?}");
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (1, 1), "those of the first");

    // It can't, and both are named.
    blinding(&olga, CREATE, GENERATOR, &[LOOKS[0], LOOKS[1], DELETE]);
    let refused = olga.api.post("/api/communities", &json!({ "name": "More moths" })).await;
    olga.is_honest();
    let last = olga.person.records(CONFIG).await.into_iter().map(|(rkey, _)| rkey).max().expect("it was written");
    let both = vec![olga.person.uri(GENERATOR, &last), olga.person.uri(CONFIG, &last)];
    assert_eq!((said(&refused), remains(&refused)), ((502, "PartlyDone".to_owned()), both), "{refused:?}");
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (2, 2));

    // The new name is announced, and the announcement can't be read any more: only the community is put back.
    blinding(&olga, PUT, GENERATOR, &LOOKS);
    let refused = olga.api.put(&path, &json!({ "name": "Day moths" })).await;
    olga.is_honest();
    let first = path.rsplit('/').next().unwrap_or_default();
    assert_eq!((said(&refused), remains(&refused)), ((502, "PartlyDone".to_owned()), vec![olga.person.uri(GENERATOR, first)]), "{refused:?}");
    let of_first = async |collection| olga.person.records(collection).await.into_iter().find(|(found, _)| found == first).expect("it is there").1;
    assert_eq!((&of_first(CONFIG).await["name"], &of_first(GENERATOR).await["displayName"]), (&json!("Night moths"), &json!("Day moths")));
    // Whoever repeats it has it whole.
    olga.api.done("PUT", &path, &json!({ "name": "Day moths" }), 200).await;
    assert_eq!((&of_first(CONFIG).await["name"], &of_first(GENERATOR).await["displayName"]), (&json!("Day moths"), &json!("Day moths")));
}

/// Done, and for ten seconds there is no word of it: it counts.
pub(super) async fn the_answer_never_comes(mut olga: User) {
    olga.next(CREATE, CONFIG, Trick::ForgetsAnswer);
    let (path, _) = olga.found("Night moths").await;
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (1, 1));
    assert_eq!(olga.api.reads(&path).await["role"], json!("owner"));
    olga.is_honest();
}

/// Not done, and for ten seconds there is no word of it: it is said to be late, and nothing remains.
pub(super) async fn the_request_never_arrives(mut olga: User) {
    olga.next(CREATE, GENERATOR, Trick::Swallows);
    let late = olga.api.post("/api/communities", &json!({ "name": "Night moths" })).await;
    assert_eq!((said(&late), remains(&late)), ((504, "UpstreamTimeout".to_owned()), Vec::new()), "{late:?}");
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (0, 0));
    olga.is_honest();
}

/// Silent for good in the middle of it: the answer comes before anybody stops waiting, and says what is there.
pub(super) async fn the_time_is_over(mut olga: User) {
    let hook: Hook = {
        let olga = olga.clone();
        Arc::new(move || {
            for method in [XRPC, "com.atproto.sync"] {
                olga.detour.always(&[method, olga.did()], Trick::Swallows);
            }
            Box::pin(async {})
        })
    };
    olga.next(CREATE, GENERATOR, Trick::After(hook));
    let began = Instant::now();
    let late = olga.api.post("/api/communities", &json!({ "name": "Night moths" })).await;
    let took = began.elapsed();
    olga.detour.honest(olga.did());
    let (rkey, _) = olga.person.records(CONFIG).await.into_iter().next().expect("it was written before the silence");
    let both = vec![olga.person.uri(GENERATOR, &rkey), olga.person.uri(CONFIG, &rkey)];
    assert_eq!((said(&late), remains(&late)), ((504, "PartlyDone".to_owned()), both), "{late:?}");
    assert!(took < Duration::from_secs(32), "{took:?}");
}
