//! Repos of a real PDS, read because no firehose told of them.

use atrarium::clock::Clock;
use atrarium::event::Rev;
use atrarium_tests::network::{ACTION, POST};
use atrarium_tests::peers::Peers;
use atrarium_tests::process::backfill;
use atrarium_tests::records;

use super::{House, TAG, found, network};

/// A server that isn't there.
const NO_FIREHOSE: &str = "ws://127.0.0.1:9/subscribe";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_firehose_a_feed_is_what_the_repos_say() {
    let peers = Peers::without_appview().await;
    let now = Clock::system().now_ms();
    let (owner, ann, ben, stranger) = (peers.person("olga").await, peers.person("ann").await, peers.person("ben").await, peers.person("sid").await);
    let community = found(&owner, &[], &[&ann, &ben], now).await;
    // Keys of the present: posts whose keys are all older than eight days are not read on.
    let tid = |n: u64| Rev::last_of(u64::try_from(now).expect("it is after 1970") * 1_000 + n).as_str().to_owned();
    let post = |n: i64| records::post(&format!("moth {n} {TAG}"), now - 600_000 + n * 1_000);
    let a1 = ann.put(POST, &tid(1), post(1)).await;
    let hidden = ann.put(POST, &tid(2), post(2)).await;
    ben.put(POST, &tid(3), post(3)).await;
    stranger.put(POST, &tid(4), post(4)).await;
    let o1 = owner.put(POST, &tid(5), post(5)).await;
    // More posts than a page has, none of them for the community.
    for n in 0..130 {
        owner.put(POST, &tid(100 + n), records::post("nothing to see here", now - 600_000)).await;
    }
    owner.put(ACTION, &tid(6), records::action("hide_post", &hidden, &community, now)).await;
    ben.deactivate().await;

    // By the program that runs.
    let mut house = House::before(&peers).await;
    house.kill().await;
    std::fs::remove_dir_all(house.directory.path().join("data")).expect("it has begun an index");
    house.jetstream = NO_FIREHOSE.to_owned();
    house.start().await;
    house.shows("read by the server", &community, &[o1.clone(), a1.clone()]).await;
    house.kill().await;

    // By the command, which ends, and leaves to the server what it read.
    let data = house.directory.path().join("data");
    std::fs::remove_dir_all(&data).expect("it has an index");
    let flags = network(&peers);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (status, said) = backfill(&data, &flags).await;
    assert!(status.success() && said.contains("0 repos given up, 0 left"), "{status} {said}");
    house.flags.clear();
    house.start().await;
    house.shows("read by the command", &community, &[o1, a1]).await;
}
