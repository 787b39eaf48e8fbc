//! A file system that takes no writes any more, as one becomes whose disk has failed: what can be read is served, ingest waits, operators
//! are told, and all goes on by itself when it takes writes again.

use std::slice::from_ref;

use atrarium::store::db::Backend;
use atrarium_tests::network::did;
use atrarium_tests::scene::{TAG, refusal, refusal_on};
use atrarium_tests::world::NOW;
use atrarium_tests::{World, WorldOptions, http};

use crate::disk::{Call, Disk, Fault, Faulty, fault};

/// `std` knows it as `ReadOnlyFilesystem`.
const EROFS: i32 = 30;

static RUNNING: Disk = Disk::new();
static STARTING: Disk = Disk::new();

fn running() -> Backend {
    Box::new(|path| Ok(Box::new(Faulty::open(path, &RUNNING)?)))
}

fn starting() -> Backend {
    Box::new(|path| Ok(Box::new(Faulty::open(path, &STARTING)?)))
}

/// All that it refuses. What is read comes.
const FAULTS: [Fault; 4] = [fault(Call::Open, EROFS), fault(Call::Write, EROFS), fault(Call::Sync, EROFS), fault(Call::Grow, EROFS)];

#[tokio::test(flavor = "multi_thread")]
async fn on_a_file_system_that_became_read_only_feeds_are_served_and_ingest_waits_until_it_is_writable() {
    let mut world = World::with(WorldOptions { backend: Some(running), ..WorldOptions::default() }).await;
    let community = world.open(&did("owner"), "main", TAG);
    let first = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&first));
    let counters = ["atrarium_store_failures_total", "atrarium_pages_from_memory_total"];
    let before = [world.counted(counters[0], &[]).await, world.counted(counters[1], &[]).await];

    RUNNING.fail(&FAULTS);
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.until("it is tried again and again", |world| world.app().store.is_failing() && RUNNING.failures() >= 4).await;
    assert_eq!(world.feed(&community).await, from_ref(&first));
    // A page is used again for a tenth of a second: what comes now comes from memory.
    world.clock.set(NOW + 200);
    assert_eq!(world.feed(&community).await, from_ref(&first));
    let ready = loop {
        let ready = http::get(world.admin, "/ready").await.expect("the admin listener answers");
        if ready.status == 503 {
            break ready;
        }
    };
    assert!(ready.body.contains("the database fails: ingest is paused"), "{ready:?}");
    assert_eq!(http::get(world.admin, "/live").await.expect("the admin listener answers").status, 200);
    for (name, before) in counters.into_iter().zip(before) {
        assert!(world.counted(name, &[]).await > before, "{name}");
    }

    // An alert waits for it, for as long as it is so.
    while world.counted("atrarium_store_failing", &[]).await != 1 {}
    RUNNING.mend();
    world.until("it goes on by itself", |world| !world.app().store.is_failing()).await;
    while world.counted("atrarium_store_failing", &[]).await != 0 {}
    world.settled().await;
    assert_eq!(world.feed(&community).await, [second, first]);
    assert_eq!((world.dead_letters(), world.failures()), (vec![], vec![]), "it is nobody's fault");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_read_only_file_system_is_refused_in_a_sentence_that_names_it() {
    let says = |sentence: &str| {
        let right = sentence.contains("index.redb") && sentence.contains("Read-only file system") && !sentence.contains('\n');
        assert!(right, "{sentence}");
    };
    STARTING.fail(&FAULTS);
    says(&refusal(&[], Some(starting())).await);
    STARTING.mend();

    // With an index that is whole.
    let mut world = World::with(WorldOptions { backend: Some(starting), ..WorldOptions::default() }).await;
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    world.stop().await;
    STARTING.fail(&FAULTS);
    says(&refusal_on(&world.directory, &[], Some(starting())).await);
    STARTING.mend();
    world.start_again().await;
    assert_eq!(world.feed(&community).await, [post]);
    world.stop().await;
}
