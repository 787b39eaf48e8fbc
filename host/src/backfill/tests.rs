//! Who is begun next, and who is given up.

use std::future::pending;

use futures_util::FutureExt;

use super::*;
use crate::outbound::Policy;
use crate::store::{Options, View};

/// Who wants these repos and never learns where they are; where what it reads would arrive; and the folder of its index.
fn who_wants(dids: &[&str]) -> (Backfill, mpsc::Receiver<Incoming>, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("tests need a temporary directory");
    let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
    let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
    dids.iter().for_each(|did| view.write(Table::Wants, *did, &Want { asked: 0 }));
    store.commit(&view.into_layer()).expect("a healthy disk");
    let locate: Locate = Arc::new(|_: String| pending::<Result<Url, String>>().boxed());
    let announce: Announce = Arc::new(|_: &str| ());
    let (send, arrived) = mpsc::channel(1);
    let parts = Parts {
        store,
        clock: Clock::standing_at(0),
        client: Client::new(Policy::new(true)),
        locate,
        announce,
        send,
        relays: Vec::new(),
        servers: Vec::new(),
        progress: Arc::default(),
    };
    (Backfill::new(parts), arrived, directory)
}

/// Begins what there is room for; answers what is in work then.
fn begun(backfill: &mut Backfill) -> String {
    backfill.begin().expect("a healthy disk");
    let mut in_work: Vec<&str> = backfill.in_work.iter().map(String::as_str).collect();
    in_work.sort_unstable();
    in_work.concat()
}

#[tokio::test]
async fn the_next_repo_is_the_next_in_order_however_often_there_was_no_room() {
    let (mut backfill, _arrived, _directory) = who_wants(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]);
    for _ in 0..3 {
        assert_eq!(begun(&mut backfill), "abcdefgh");
    }
    // Each was read, and is wanted again by now.
    for (ended, expected) in [("a", "bcdefghi"), ("b", "cdefghij"), ("i", "cdefghjk")] {
        backfill.in_work.remove(ended);
        assert_eq!(begun(&mut backfill), expected);
        assert_eq!(begun(&mut backfill), expected);
    }
    backfill.in_work.remove("k");
    assert_eq!(begun(&mut backfill), "cdefghj", "there is nothing behind the last");
    assert_eq!(begun(&mut backfill), "acdefghj", "so the first is the next");
}

#[tokio::test]
async fn who_was_put_off_is_begun_when_its_server_has_a_turn_and_keeps_no_place_till_then() {
    let (mut backfill, _arrived, _directory) = who_wants(&["a", "b", "c", "d"]);
    let host = backfill.hosts.at("server");
    let now = Instant::now();
    let (first, second) = (host.turn_now(now), host.turn_now(now));
    assert!(first.is_some() && second.is_some());
    for did in ["a", "b", "c"] {
        backfill.note(did.to_owned(), Want { asked: 0 }, Err(repo::ReadError::NotYet(host.clone()))).await;
    }
    assert_eq!(begun(&mut backfill), "d");
    assert_eq!(begun(&mut backfill), "d");
    assert_eq!(backfill.begin().expect("a healthy disk").soon, 4, "they have not failed");
    drop(first);
    assert_eq!(begun(&mut backfill), "ad");
    drop(second);
    assert_eq!(begun(&mut backfill), "abd");
    assert_eq!(begun(&mut backfill), "abd", "two at a time");
}

#[tokio::test]
async fn neither_a_clock_that_is_behind_nor_a_server_that_has_no_time_loses_a_wish() {
    let (mut backfill, mut arrived, _directory) = who_wants(&["a"]);
    let host = backfill.hosts.at("server");
    let want = Want { asked: 0 };
    for _ in 0..3 * pace::ATTEMPTS {
        let busy = repo::ReadError::Pds(PdsError::Busy(Duration::from_secs(1)));
        for cause in [repo::ReadError::Ahead, busy, repo::ReadError::NotYet(host.clone())] {
            backfill.note("a".to_owned(), want, Err(cause)).await;
        }
    }
    assert_eq!(backfill.parts.progress.given_up.load(Ordering::Relaxed), 0);
    assert!(arrived.try_recv().is_err(), "nobody was told that the wish is fulfilled");
    drop(arrived);
    for attempt in 1..=pace::ATTEMPTS {
        assert_eq!(backfill.parts.progress.given_up.load(Ordering::Relaxed), 0, "attempt {attempt}");
        backfill.note("a".to_owned(), want, Err(repo::ReadError::Slow)).await;
    }
    assert_eq!(backfill.parts.progress.given_up.load(Ordering::Relaxed), 1, "what is the repo's own counts");
}
