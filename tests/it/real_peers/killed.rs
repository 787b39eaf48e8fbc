//! A PDS, the bridge and the program are killed again and again while people write; in the end the feed is what the repos say.
//!
//! A PDS tells its firehose of a write first, and commits it to the repo, which is another database, after that. If it dies in between,
//! the firehose has told of something that is not so. So whoever gets no answer tries again, as apps do: then what was told
//! last is so.

use std::cell::Cell;
use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST};
use atrarium_tests::peers::Peers;
use atrarium_tests::repo::{Person, tid};
use atrarium_tests::{Network, http, records};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{House, PATIENCE, TAG, found};
use crate::law::model::Model;

/// How often everything is killed. A longer run can ask for more.
fn rounds() -> u32 {
    std::env::var("PDS_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(4)
}

/// People who never stop writing.
struct Writers {
    /// The owner first, a stranger last.
    people: Vec<Person>,
    community: String,
    random: SmallRng,
    now: i64,
    /// How much was written. The number is in the record: no two are the same.
    written: i64,
}

enum Deed {
    Post { rkey: String, tagged: bool },
    Join { active: bool },
    Act { rkey: String, kind: &'static str, target: String },
    Delete { collection: &'static str, rkey: String },
}

impl Writers {
    /// Does something, and insists until the PDS says that it is done; answers how many attempts had no answer.
    async fn write(&mut self, pds_answers: impl AsyncFn()) -> u32 {
        self.written += 1;
        let (who, deed) = self.choice();
        let person = &self.people[who];
        let (method, input) = match deed {
            Deed::Post { rkey, tagged } => {
                let tag = if tagged { TAG } else { "" };
                ("putRecord", person.writing(POST, &rkey, &records::post(&format!("number {} {tag}", self.written), self.then())))
            }
            Deed::Join { active } => ("putRecord", person.writing(MEMBERSHIP, "moths", &records::membership(&self.community, active, self.then()))),
            Deed::Act { rkey, kind, target } => ("putRecord", person.writing(ACTION, &rkey, &records::action(kind, &target, &self.community, self.then()))),
            Deed::Delete { collection, rkey } => ("deleteRecord", person.naming(collection, &rkey)),
        };
        let mut failures = 0;
        while !person.tries(&format!("com.atproto.repo.{method}"), &input).await {
            failures += 1;
            pds_answers().await;
        }
        failures
    }

    /// When the record of this moment is dated: far from either end of the week.
    fn then(&self) -> i64 {
        self.now - 600_000 + self.written
    }

    fn choice(&mut self) -> (usize, Deed) {
        let random = &mut self.random;
        let stranger = self.people.len() - 1;
        let who = if random.random_bool(0.1) { stranger } else { random.random_range(0..stranger) };
        // So many that most are written once or twice: then hardly any event could be lost unnoticed.
        let rkey = tid(random.random_range(0..60));
        let member = random.random_range(1..stranger);
        match random.random_range(0..100) {
            0..65 => (who, Deed::Post { rkey, tagged: random.random_bool(0.9) }),
            65..75 => (who, Deed::Delete { collection: POST, rkey }),
            75..80 => (member, Deed::Join { active: random.random_bool(0.9) }),
            80..82 => (member, Deed::Delete { collection: MEMBERSHIP, rkey: "moths".to_owned() }),
            82..96 => {
                let kind = ["hide_post", "hide_post", "unhide_post"][random.random_range(0..3)];
                let target = self.people[member].uri(POST, &rkey);
                (0, Deed::Act { rkey: format!("a{}", random.random_range(0..20)), kind, target })
            }
            _ => (0, Deed::Delete { collection: ACTION, rkey: format!("a{}", random.random_range(0..20)) }),
        }
    }

    /// What the feed must be, from nothing but the repos as the PDS has them, by the law's model.
    async fn truth(&self) -> Vec<String> {
        let (mut model, mut network) = (Model::default(), Network::starting_at(self.now));
        for person in &self.people {
            for collection in [CONFIG, MEMBERSHIP, ACTION, POST] {
                for (rkey, record) in person.records(collection).await {
                    model.hear(&network.create(&person.did, collection, &rkey, record));
                }
            }
        }
        model.feed(&self.community, Clock::system().now_ms()).expect("the config is in the owner's repo")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_while_people_write_the_feed_ends_as_the_repos_say() {
    let mut peers = Peers::without_appview().await;
    let mut house = House::before(&peers).await;
    let mut people = Vec::new();
    for name in ["olga", "ann", "ben", "cat", "eve"] {
        people.push(peers.person(name).await);
    }
    let now = Clock::system().now_ms();
    let community = found(&people[0], &[], &people[1..4].iter().collect::<Vec<_>>(), now).await;
    house.shows("the community opens", &community, &[]).await;

    let (pds, stop, written, unanswered) = (peers.pds(), Cell::new(false), Cell::new(0_u32), Cell::new(0_u32));
    let mut writers = Writers { people, community: community.clone(), random: SmallRng::seed_from_u64(7), now, written: 0 };
    let writing = async {
        while !stop.get() {
            let failures = writers
                .write(async || until("the PDS answers", async || http::get(pds, "/xrpc/_health").await.is_ok_and(|answer| answer.status == 200)).await)
                .await;
            unanswered.set(unanswered.get() + failures);
            written.set(written.get() + 1);
        }
    };
    let killing = async {
        let mut moments = SmallRng::seed_from_u64(8);
        for round in 0..rounds() {
            // In the middle of something.
            let moment = written.get() + moments.random_range(30..90);
            until("people go on writing", async || written.get() >= moment).await;
            peers.kill_pds().await;
            if round % 2 == 1 {
                house.kill().await;
                peers.kill_bridge().await;
                tokio::join!(peers.start_pds(), house.start());
                peers.start_bridge().await;
            } else {
                peers.start_pds().await;
                let moment = written.get() + moments.random_range(1..20);
                until("people go on writing", async || written.get() >= moment).await;
                house.kill().await;
                house.start().await;
            }
        }
        let moment = written.get() + 20;
        until("people go on writing", async || written.get() >= moment).await;
        stop.set(true);
    };
    tokio::join!(writing, killing);
    assert!(unanswered.get() > 0, "the PDS was never killed while somebody wrote");

    let truth = writers.truth().await;
    assert!(truth.len() > 20, "too little is left to say anything: {truth:?}");
    house.shows("after all the deaths", &community, &truth).await;
    house.kill().await;
    house.start().await;
    house.shows("after one more", &community, &truth).await;
    // Whoever starts now makes the same of it.
    let other = House::before(&peers).await;
    other.shows("from the beginning", &community, &truth).await;
}

/// Waits for something that must become true.
async fn until(what: &str, check: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !check().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
