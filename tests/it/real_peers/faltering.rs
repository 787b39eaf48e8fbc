//! What callers are told when their own server loses answers, keeps silent, refuses, or is written to by somebody else meanwhile, and when
//! our own index can't keep up: never that something is so which isn't, and what remains where something does.
//!
//! Everybody's server is the real PDS, behind a detour that misbehaves on command. Each scene has people of its own, so all are
//! played at once: a silent server costs ten seconds of everybody's patience.

mod behind; // what is written and can't be seen yet
mod meanwhile; // others act, callers go, the program ends
mod people; // dismissed, gone, and back again
mod unanswered; // nobody says what became of it

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use atrarium_tests::api::Caller;
use atrarium_tests::detour::{Detour, Trick};
use atrarium_tests::http::Answer;
use atrarium_tests::peers::Peers;
use atrarium_tests::process::Process;
use atrarium_tests::repo::{PASSWORD, Person};
use atrarium_tests::{http, numbers};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::stage::sign_up;
use super::{House, PATIENCE};

const GENERATOR: &str = "app.bsky.feed.generator";
const CREATE: &str = "com.atproto.repo.createRecord";
const PUT: &str = "com.atproto.repo.putRecord";
const DELETE: &str = "com.atproto.repo.deleteRecord";

/// Somebody who is signed in with a password, and their server's way to us.
#[derive(Clone)]
struct User {
    person: Person,
    api: Caller,
    detour: Detour,
}

impl User {
    fn did(&self) -> &str {
        &self.person.did
    }

    /// A trick at the next call of this method for a record of this collection in this user's repo.
    fn next(&self, method: &str, collection: &str, trick: Trick) {
        self.detour.next(&self.writing(method, collection).each_ref().map(String::as_str), trick);
    }

    /// What stands in such a call.
    fn writing(&self, method: &str, collection: &str) -> [String; 3] {
        [method.to_owned(), format!("\"collection\":\"{collection}\""), format!("\"repo\":\"{}\"", self.did())]
    }

    /// All tricks were played, and there are no more.
    fn is_honest(&self) {
        assert_eq!(self.detour.honest(self.did()), 0, "a trick was not played: the call that it was for never came");
    }

    async fn found(&mut self, name: &str) -> (String, Value) {
        let created = self.api.done("POST", "/api/communities", &json!({ "name": name }), 201).await;
        (format!("/api/communities/{}", text(&created, "id")), created)
    }

    async fn count(&self, collection: &str) -> usize {
        self.person.records(collection).await.len()
    }

    /// The one record of this collection.
    async fn only(&self, collection: &str) -> Value {
        let mut records = self.person.records(collection).await;
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0).1
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field}: {value}")).to_owned()
}

fn remains(answer: &Answer) -> Vec<String> {
    answer.json()["remains"].as_array().into_iter().flatten().filter_map(|uri| uri.as_str().map(str::to_owned)).collect()
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.error())
}

/// Waits for what must become so.
async fn until<F: Future<Output = bool>>(what: &str, check: impl Fn() -> F) {
    let began = Instant::now();
    while !check().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_callers_server_makes_of_a_write_is_what_the_caller_is_told() {
    let peers = Peers::without_appview().await;
    let detour = Detour::before(&peers).await;
    let mut house = House::behind(&peers, &detour).await;
    let people =
        sign_up(&peers, ["ada", "ben", "cat", "dan", "eve", "fay", "gus", "hal", "ivy", "jon", "kim", "lea", "max", "nia", "olga", "pia", "quin"]).await;
    let mut users = Vec::new();
    for person in people {
        let api = Caller::sign_in_with_password(house.address(), &person.handle, PASSWORD).await;
        users.push(User { person, api, detour: detour.clone() });
    }
    let [ada, ben, cat, dan, eve, fay, gus, hal, ivy, jon, kim, lea, max, nia, olga, pia, quin]: [User; 17] =
        users.try_into().unwrap_or_else(|_| panic!("seventeen of them"));

    let scenes = [
        tokio::spawn(unanswered::answers_are_lost(ada.clone(), ben.clone())),
        tokio::spawn(unanswered::nothing_is_done(cat.clone())),
        tokio::spawn(unanswered::nobody_can_tell(dan.clone(), quin)),
        tokio::spawn(unanswered::the_answer_never_comes(eve.clone())),
        tokio::spawn(unanswered::the_request_never_arrives(fay)),
        tokio::spawn(unanswered::the_time_is_over(gus)),
        tokio::spawn(meanwhile::the_caller_goes_away(hal)),
        tokio::spawn(meanwhile::somebody_else_edits(ivy)),
        tokio::spawn(people::a_dismissal_breaks_off(jon.clone(), kim, lea)),
        tokio::spawn(people::coming_and_going(jon, max, nia)),
        tokio::spawn(meanwhile::others_are_quicker(pia)),
    ];
    let mut outcomes: Vec<bool> = futures_util::future::join_all(scenes).await.iter().map(Result::is_ok).collect();
    outcomes.push(AssertUnwindSafe(calls_are_counted(&house)).catch_unwind().await.is_ok());
    // Each is played, whatever became of the others.
    outcomes.push(AssertUnwindSafe(meanwhile::the_program_ends(&mut house, olga)).catch_unwind().await.is_ok());
    outcomes.push(AssertUnwindSafe(behind::the_index_falls_behind(&mut house, [ada, ben, cat, dan, eve])).catch_unwind().await.is_ok());
    assert!(outcomes.iter().all(|well| *well), "scenes that went wrong: {outcomes:?}\n{}", house.program.as_ref().map(Process::log).unwrap_or_default());
}

/// By what they were and what became of them.
async fn calls_are_counted(house: &House) {
    let program = house.program.as_ref().expect("it runs");
    let told = http::get(program.admin, "/metrics").await.expect("the admin listener answers").body;
    for (call, outcome) in [
        ("createRecord", "done"),
        ("putRecord", "done"),
        ("createRecord", "refused"),
        ("createRecord", "late"),
        ("createRecord", "unreachable"),
        ("createSession", "done"),
    ] {
        let series = format!("atrarium_pds_calls_total{{call=\"{call}\",outcome=\"{outcome}\"}}");
        assert!(numbers::sum(&told, &series) > 0.0, "{series} in {told}");
    }
}
