//! A soak of half a minute, which shows that the long one (`make soak`) works: it keeps its promises, and would notice if it didn't.

#[path = "../soak/mod.rs"]
mod stages;

use std::time::Duration;

use stages::{Outcome, Plan, Verdict};

/// Enough to see that all of it works, on a machine that has other things to do.
fn short(length: Duration) -> Plan {
    Plan {
        length,
        rate: 500,
        families: 2,
        one_in: 5,
        reads: 40,
        upload_every: Duration::from_secs(4),
        harm_every: Duration::from_secs(1),
        seed: 1,
        withheld: 0..0,
    }
}

/// What was broken of all that doesn't hang on how busy the machine is.
fn broken(outcome: &Outcome) -> Vec<Verdict> {
    outcome.broken().filter(|verdict| !verdict.is_timed).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_soak_keeps_what_the_long_one_promises() {
    let outcome = stages::run(&short(Duration::from_secs(20)), |_| {}).await;
    assert!(broken(&outcome).is_empty(), "{:#?}\n{:#}", broken(&outcome), outcome.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_whose_firehose_loses_events_is_broken() {
    let plan = Plan { withheld: 0..40, ..short(Duration::from_secs(3)) };
    let outcome = stages::run(&plan, |_| {}).await;
    let promises: Vec<&str> = broken(&outcome).iter().map(|verdict| verdict.promise).collect();
    assert_eq!(promises, ["every feed is what the law says"], "{:#}", outcome.json());
}
