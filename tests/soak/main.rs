//! `make soak`: the table and the verdicts on standard output, everything in `target/soak.json`, and an exit code that says whether all
//! promises were kept. `TIME`, `RATE`, `SEED` and `FAMILIES` (of ten communities) are in the environment; with `LOSE` the firehose keeps so
//! many events to itself, which must be noticed. The [soak] itself tells the rest.

#[path = "../it/law/model.rs"]
#[expect(dead_code, reason = "the tests of the law ask it more")]
mod model;
#[path = "mod.rs"]
mod soak;

/// Where the model is in the tests as well.
mod law {
    pub(crate) use crate::model;
}

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use soak::{Outcome, Plan, Verdict};

fn main() -> ExitCode {
    let plan = plan();
    say(&format!("a soak of {:?} at {} events a second, seed {}", plan.length, plan.rate, plan.seed));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime for the soak");
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = soak::run(&plan, say) => Some(outcome),
            // What is running is dropped: its processes are killed, its folder is removed.
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let Some(outcome) = outcome else { return ExitCode::FAILURE };
    print(&outcome);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/soak.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&outcome.json()).expect("numbers and strings are JSON")).expect("target/ can be written to");
    if outcome.broken().next().is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Ten times the network of 2026, which has 500 events a second at its busiest hour. Of them 3 % are ours, which is far more than would be.
fn plan() -> Plan {
    let length = Duration::from_secs(variable("TIME", 1_800));
    // In a shorter one as much happens as in half an hour without what only waits.
    let every = (length / 60).min(Duration::from_secs(20));
    Plan {
        length,
        rate: variable("RATE", 5_000),
        families: variable("FAMILIES", 100),
        one_in: 33,
        reads: 400,
        upload_every: every,
        harm_every: every,
        seed: variable("SEED", u64::from(std::process::id())),
        withheld: 0..variable("LOSE", 0),
    }
}

/// A number from the environment. What is no number is a mistake, not the default.
fn variable<T: FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name} is {text}, which is no number")),
        _ => default,
    }
}

fn print(outcome: &Outcome) {
    say("");
    for (what, value) in &outcome.figures {
        say(&format!("{what:<66} {value}"));
    }
    say("");
    for verdict in &outcome.verdicts {
        say(&format!("{:<56} {:<8} {}", verdict.promise, kept(verdict), verdict.seen));
    }
}

fn kept(verdict: &Verdict) -> &'static str {
    match verdict.kept {
        Some(true) => "kept",
        Some(false) => "BROKEN",
        None => "untold",
    }
}

#[expect(clippy::print_stdout, reason = "a soak's answer is what it prints")]
fn say(line: &str) {
    println!("{line}");
}
