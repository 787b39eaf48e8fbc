//! What a real PDS does that a scripted firehose doesn't, and what the program makes of it.

use atrarium::clock::Clock;
use atrarium_tests::network::{CONFIG, MEMBERSHIP, POST};
use atrarium_tests::peers::Peers;
use atrarium_tests::records;
use atrarium_tests::repo::tid;
use serde_json::{Value, json};

use super::{House, TAG, found};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pds_says_of_records_and_accounts_is_understood() {
    let peers = Peers::without_appview().await;
    let house = House::before(&peers).await;
    let (owner, ann, ben, cat) = (peers.person("olga").await, peers.person("ann").await, peers.person("ben").await, peers.person("cat").await);
    let now = Clock::system().now_ms();
    let community = found(&owner, &[], &[&ann], now).await;
    let post = |n: i64| records::post(&format!("moth {n} {TAG}"), now - 600_000 + n * 1_000);

    // One commit, several records: all have the same rev.
    let write = |collection: &str, rkey: &str, value: Value| json!({ "$type": "com.atproto.repo.applyWrites#create", "collection": collection, "rkey": rkey, "value": value });
    let writes = [write(POST, &tid(1), post(1)), write(MEMBERSHIP, "moths", records::membership(&community, true, now)), write(POST, &tid(2), post(2))];
    ben.does("com.atproto.repo.applyWrites", &json!({ "repo": ben.did, "writes": writes })).await;
    let (b1, b2) = (ben.uri(POST, &tid(1)), ben.uri(POST, &tid(2)));
    house.shows("several records in one commit", &community, &[b2.clone(), b1.clone()]).await;

    // The same once more is no commit, and nobody hears of it.
    let again = ben.does("com.atproto.repo.putRecord", &ben.writing(POST, &tid(1), &post(1))).await;
    assert_eq!(again["commit"], Value::Null, "{again}");
    let again = ben.does("com.atproto.repo.deleteRecord", &ben.naming(POST, &tid(99))).await;
    assert_eq!(again["commit"], Value::Null, "{again}");
    let a1 = ann.put(POST, &tid(3), post(3)).await;
    house.shows("what was written again", &community, &[a1.clone(), b2.clone(), b1.clone()]).await;

    // A shared world has no fractions; so percent are what a config must have.
    let fractions = records::with(records::config("Night moths", TAG, now), json!({ "feedMix": { "own": 0.8, "parent": 0, "global": 0.2 } }));
    let refused = owner.call("com.atproto.repo.putRecord", &owner.writing(CONFIG, "other", &fractions)).await.expect("the PDS answers");
    assert_eq!(refused.status, 400, "a PDS that takes fractions: {refused:?}");

    // A new handle is an identity event, and no matter of ours.
    ben.does("com.atproto.identity.updateHandle", &json!({ "handle": "benjamin.test" })).await;
    let a2 = ann.put(POST, &tid(4), post(4)).await;
    house.shows("a new handle", &community, &[a2.clone(), a1.clone(), b2.clone(), b1.clone()]).await;

    let takedown = |applied: bool| json!({ "subject": { "$type": "com.atproto.admin.defs#repoRef", "did": ben.did }, "takedown": { "applied": applied } });
    peers.administer("com.atproto.admin.updateSubjectStatus", &takedown(true)).await;
    house.shows("an account is taken down", &community, &[a2.clone(), a1.clone()]).await;
    peers.administer("com.atproto.admin.updateSubjectStatus", &takedown(false)).await;
    house.shows("and restored", &community, &[a2.clone(), a1.clone(), b2.clone(), b1.clone()]).await;

    // What is written while deactivated is refused; what was written before waits.
    ann.deactivate().await;
    house.shows("an account is deactivated", &community, &[b2.clone(), b1.clone()]).await;
    let refused = ann.call("com.atproto.repo.putRecord", &ann.writing(POST, &tid(5), &post(5))).await.expect("the PDS answers");
    assert_ne!(refused.status, 200, "{refused:?}");
    ann.activate().await;
    house.shows("and activated", &community, &[a2.clone(), a1.clone(), b2, b1]).await;

    // An account that is deleted is gone, whatever it had written; and who wrote only before anybody here knew them is heard too.
    peers.administer("com.atproto.admin.deleteAccount", &json!({ "did": ben.did })).await;
    cat.put(POST, &tid(6), post(6)).await;
    cat.put(MEMBERSHIP, "moths", records::membership(&community, true, now)).await;
    house.shows("an account is deleted", &community, &[cat.uri(POST, &tid(6)), a2, a1]).await;
}
