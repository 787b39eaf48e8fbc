//! A disk without room, under the real program: what its log says of it.

use atrarium_tests::World;
use atrarium_tests::network::did;
use atrarium_tests::scene::TAG;
use atrarium_tests::world::feed_of;

use super::hangup::host;

/// More than a log, and less than any commit takes: where files may have no more, it is as on a full disk.
const FULL: u64 = 64 << 10;

/// A batch that ingest itself has begun is what fails, since no events come meanwhile. So it is ingest that notices.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_is_full_the_log_says_that_ingest_waits_and_then_that_it_goes_on_with_what_it_was_told() {
    let mut world = World::new().await;
    let components = tempfile::tempdir().expect("tests need a temporary directory");
    let mut host = host(&world.directory.with_file_name("alone"), &world.server.endpoint(), components.path()).await;
    let anns = feed_of(&world.open(&did("ann"), "anns", TAG));
    host.until_served(&anns, true).await;

    host.process.may_write(Some(FULL));
    host.reads(&format!("deny-owner = [\"{}\"]\n", did("ann")), "changed=\"deny-owner\"").await;
    host.process.says(&["ERROR", "ingest pauses: the database failed"], 1).await;
    host.process.says(&["ERROR", "the database still fails"], 2).await;
    let log = host.process.log();
    assert!(log.contains("File too large") && !log.contains("ingest goes on"), "{log}");

    host.process.may_write(None);
    host.process.says(&["INFO", "ingest goes on: the database takes writes again"], 1).await;
    host.until_served(&anns, false).await;
    host.process.kill().await;
    world.stop().await;
}
