//! What happens while a write is under way: callers go away, others write, the last place is taken, the program ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium_tests::detour::{Hook, Trick};
use atrarium_tests::network::{CONFIG, rkey};
use atrarium_tests::records;
use atrarium_tests::repo::Person;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{CREATE, GENERATOR, House, PUT, User, remains, said, text, until};

/// A trick that stops a call at a gate, and tells when one has come.
fn gate() -> (Trick, Arc<Semaphore>, Arc<Semaphore>) {
    let (arrived, open) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let hook: Hook = {
        let (arrived, open) = (Arc::clone(&arrived), Arc::clone(&open));
        Arc::new(move || {
            let (arrived, open) = (Arc::clone(&arrived), Arc::clone(&open));
            Box::pin(async move {
                arrived.add_permits(1);
                drop(open.acquire().await);
            })
        })
    };
    (Trick::After(hook), arrived, open)
}

/// A trick by which this person's record has another field before a call goes on, each time with a greater value, from this on.
fn edited(person: &Person, collection: &'static str, rkey: &str, first: u64) -> Trick {
    let (person, rkey) = (person.clone(), rkey.to_owned());
    let count = Arc::new(AtomicU64::new(first));
    Trick::After(Arc::new(move || {
        let (person, rkey, count) = (person.clone(), rkey.clone(), Arc::clone(&count));
        Box::pin(async move {
            let (_, record) = person.records(collection).await.into_iter().find(|(found, _)| *found == rkey).expect("the record is there");
            let n = count.fetch_add(1, Ordering::Relaxed);
            person.put(collection, &rkey, records::with(record, json!({ "elsewhere": n }))).await;
        })
    }))
}

/// A caller who hangs up in the middle finds all of it done, not half.
pub(super) async fn the_caller_goes_away(olga: User) {
    let (trick, arrived, open) = gate();
    olga.next(CREATE, GENERATOR, trick);
    let asking = tokio::spawn({
        let mut api = olga.api.clone();
        async move { api.post("/api/communities", &json!({ "name": "Night moths" })).await }
    });
    arrived.acquire().await.expect("nobody closes it").forget();
    asking.abort();
    assert!(asking.await.is_err_and(|gone| gone.is_cancelled()), "nobody has answered yet");
    open.add_permits(1);
    until("all of it is done", || async { olga.count(GENERATOR).await == 1 }).await;
    until("it is open", || async {
        let mut api = olga.api.clone();
        api.list("/api/communities?role=owner", "communities", 10).await.len() == 1
    })
    .await;
    assert_eq!(olga.count(CONFIG).await, 1);
    olga.is_honest();
}

/// Whoever edits the record between our reading and our writing keeps what they wrote.
pub(super) async fn somebody_else_edits(mut olga: User) {
    let (path, created) = olga.found("Night moths").await;
    let rkey = rkey(&text(&created, "uri")).to_owned();
    olga.next(PUT, CONFIG, edited(&olga.person, CONFIG, &rkey, 1));
    let renamed = olga.api.done("PUT", &path, &json!({ "name": "Day moths" }), 200).await;
    let config = olga.only(CONFIG).await;
    assert_eq!((&renamed["name"], &config["name"], &config["elsewhere"]), (&json!("Day moths"), &json!("Day moths"), &json!(1)), "{config}");
    olga.is_honest();

    olga.detour.always(&olga.writing(PUT, CONFIG).each_ref().map(String::as_str), edited(&olga.person, CONFIG, &rkey, 10));
    let refused = olga.api.put(&path, &json!({ "name": "Dusk moths" })).await;
    olga.detour.honest(olga.did());
    let config = olga.only(CONFIG).await;
    assert_eq!(said(&refused), (409, "Changed".to_owned()), "{refused:?}");
    assert_eq!((&config["name"], &config["elsewhere"]), (&json!("Day moths"), &json!(13)), "four times, and no more: {config}");
    assert_eq!(olga.only(GENERATOR).await["displayName"], json!("Day moths"), "and its announcement is as it was");
}

/// The last place is taken while a community is being created: it isn't opened, nothing of it stays, and its owner hears why.
pub(super) async fn others_are_quicker(mut olga: User) {
    let (trick, arrived, open) = gate();
    olga.next(CREATE, CONFIG, trick);
    let creating = tokio::spawn({
        let mut api = olga.api.clone();
        async move { api.post("/api/communities", &json!({ "name": "Too late" })).await }
    });
    arrived.acquire().await.expect("nobody closes it").forget();
    let now = Clock::system().now_ms();
    for n in 0..10 {
        olga.person.put(CONFIG, &format!("elsewhere{n}"), records::config("Elsewhere", &format!("#atrarium_e15e000{n:x}"), now)).await;
    }
    until("ten others are open", || async {
        let mut api = olga.api.clone();
        api.list("/api/communities?role=owner", "communities", 20).await.len() == 10
    })
    .await;
    open.add_permits(1);
    let refused = creating.await.expect("it is answered");
    assert_eq!(said(&refused), (409, "NotOpened".to_owned()), "{refused:?}");
    assert!(text(&refused.json(), "message").contains("you have 10 communities here"), "{refused:?}");
    assert_eq!((remains(&refused).len(), olga.count(CONFIG).await, olga.count(GENERATOR).await), (0, 10, 0));
    let refused = olga.api.post("/api/communities", &json!({ "name": "One more" })).await;
    assert_eq!(said(&refused), (409, "TooManyCommunities".to_owned()));
}

/// The program is told to end in the middle of a write: it ends in time, and nothing is left half done.
pub(super) async fn the_program_ends(house: &mut House, olga: User) {
    let (trick, arrived, _never_opened) = gate();
    olga.next(CREATE, GENERATOR, trick);
    let asking = tokio::spawn({
        let mut api = olga.api.clone();
        async move { api.post("/api/communities", &json!({ "name": "Night moths" })).await }
    });
    arrived.acquire().await.expect("nobody closes it").forget();
    assert_eq!(olga.count(CONFIG).await, 1);
    let mut program = house.program.take().expect("the program runs");
    let began = Instant::now();
    program.terminate();
    let status = program.ended().await;
    let took = began.elapsed();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}\n{}", program.log());
    assert_eq!((olga.count(CONFIG).await, olga.count(GENERATOR).await), (0, 0), "taken back");
    let late = asking.await.expect("the caller is told");
    assert_eq!((said(&late), remains(&late)), ((504, "UpstreamTimeout".to_owned()), Vec::new()), "{late:?}");
}
