//! A community's life on a real PDS, seen as people see it: hydrated by Bluesky's AppView, page by page.

use atrarium::clock::Clock;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST};
use atrarium_tests::peers::Peers;
use atrarium_tests::records;
use serde_json::json;

use super::stage::{Stage, sign_up};
use super::{House, TAG, found};

#[tokio::test(flavor = "multi_thread")]
async fn a_community_lives_on_a_real_pds_and_is_read_through_a_real_appview() {
    let peers = Peers::start().await;
    let house = House::before(&peers).await;
    let [owner, mia, ann, ben, cat, dan, eve, viewer] = sign_up(&peers, ["olga", "mia", "ann", "ben", "cat", "dan", "eve", "viewer"]).await;
    let now = Clock::system().now_ms();
    let mut stage = Stage::new(house, peers, viewer, &owner.uri(CONFIG, "moths"), now);

    // The feed is announced before there is a community.
    let generator = json!({ "$type": "app.bsky.feed.generator", "did": stage.house.did(), "displayName": "Night moths", "createdAt": records::datetime(now) });
    owner.put("app.bsky.feed.generator", "moths", generator).await;
    stage.is_announced().await;
    stage.is_unknown("before the config is written").await;

    let community = found(&owner, &[&mia], &[&ann, &ben, &cat], now).await;
    stage.shows("the community opens", &[]).await;

    // The hashtag in each of its three places. Eve is a stranger, and Dan isn't a member yet.
    let word = TAG.trim_start_matches('#');
    let eves = stage.post(&eve, &format!("a stranger's moth {TAG}"), json!({})).await;
    let dans = stage.post(&dan, &format!("before I join {TAG}"), json!({})).await;
    let ann1 = stage.post(&ann, &format!("a hawk moth {TAG}"), json!({})).await;
    let facet = json!({ "index": { "byteStart": 0, "byteEnd": 4 }, "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": word }] });
    let ann2 = stage.post(&ann, "moth, as a facet", json!({ "facets": [facet] })).await;
    let ben1 = stage.post(&ben, "a tag outside the text", json!({ "tags": [word] })).await;
    let ben2 = stage.post(&ben, &format!("buy my lamps {TAG}"), json!({})).await;
    let cat1 = stage.post(&cat, &format!("mistaken for a butterfly {TAG}"), json!({})).await;
    stage.post(&cat, "nothing to do with it", json!({})).await;
    let mia1 = stage.post(&mia, &format!("夜の蛾 🦋 {TAG}"), json!({})).await;
    let owner1 = stage.post(&owner, &format!("welcome {TAG}"), json!({})).await;
    stage.shows("members' posts, newest first", &[&owner1, &mia1, &cat1, &ben2, &ben1, &ann2, &ann1]).await;

    dan.put(MEMBERSHIP, "moths", records::membership(&community, true, now)).await;
    stage.shows("who joins brings their posts along", &[&owner1, &mia1, &cat1, &ben2, &ben1, &ann2, &ann1, &dans]).await;

    eve.put(ACTION, "a1", records::action("hide_post", &owner1.uri, &community, now)).await;
    ann.put(ACTION, "a1", records::action("hide_post", &cat1.uri, &community, now)).await;
    mia.put(ACTION, "a1", records::action("hide_post", &ben2.uri, &community, now)).await;
    stage.shows("a moderator hides a post; others can't", &[&owner1, &mia1, &cat1, &ben1, &ann2, &ann1, &dans]).await;

    cat.delete(POST, atrarium_tests::network::rkey(&cat1.uri)).await;
    stage.shows("a deleted post leaves", &[&owner1, &mia1, &ben1, &ann2, &ann1, &dans]).await;

    let ann1_at = stage.began + 3_000;
    let rkey = atrarium_tests::network::rkey(&ann1.uri);
    ann.put(POST, rkey, records::post("a hawk moth", ann1_at)).await;
    stage.shows("a post whose tag is edited away leaves", &[&owner1, &mia1, &ben1, &ann2, &dans]).await;

    dan.put(MEMBERSHIP, "moths", records::membership(&community, false, now)).await;
    stage.shows("who leaves takes their posts along", &[&owner1, &mia1, &ben1, &ann2]).await;

    ben.deactivate().await;
    stage.shows("a deactivated account's posts leave", &[&owner1, &mia1, &ann2]).await;

    // And back again.
    ben.activate().await;
    stage.shows("they come back with the account, but for the hidden one", &[&owner1, &mia1, &ben1, &ann2]).await;
    ann.put(POST, rkey, records::post(&ann1.text, ann1_at)).await;
    dan.delete(MEMBERSHIP, "moths").await;
    dan.put(MEMBERSHIP, "again", records::membership(&community, true, now)).await;
    stage.shows("the tag comes back, and so does a member", &[&owner1, &mia1, &ben1, &ann2, &ann1, &dans]).await;
    mia.delete(ACTION, "a1").await;
    stage.shows("an action that is deleted is undone", &[&owner1, &mia1, &ben2, &ben1, &ann2, &ann1, &dans]).await;

    stage.house.kill().await;
    stage.house.start().await;
    stage.shows("a killed program goes on where it was", &[&owner1, &mia1, &ben2, &ben1, &ann2, &ann1, &dans]).await;

    owner.delete(CONFIG, "moths").await;
    stage.is_unknown("the community is closed").await;
    let eve_joins = records::membership(&community, true, now);
    eve.put(MEMBERSHIP, "moths", eve_joins).await;
    found(&owner, &[&mia], &[], now).await;
    stage.shows("it opens again with all that was written meanwhile", &[&owner1, &mia1, &ben2, &ben1, &ann2, &ann1, &dans, &eves]).await;
}
