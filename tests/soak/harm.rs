//! What is killed, and for how long one feels it.
//!
//! In the first quarter of the time the program itself dies again and again, beside its parts and its surroundings; then comes a long
//! stretch in which one process lives and only the others are harmed, so that its memory can be watched; in the last 5 % it dies
//! again. Each kind comes in its turn, in an order of chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio::time::{Instant, sleep};

use super::firehose::Firehose;
use super::house::{House, signal};
use super::plan::Plan;

/// Where the long stretch begins and ends, in parts of the whole.
pub(crate) const STRETCH: std::ops::Range<f64> = 0.25..0.95;

/// The program gives a silent server up after so many seconds: the least that it takes.
pub(crate) const IDLE_SECS: u64 = 5;

/// A silence that no patience outlasts.
const SILENCE: Duration = Duration::from_secs(IDLE_SECS + 3);

/// How long an upload is waited for whose examination can be killed.
const NO_UPLOAD: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    Killed,
    ToldToEnd,
    DiesAt(&'static str),
    Dropped,
    Silence,
    HalfOpen,
    ExaminerKilled,
    Reload,
}

/// Harms of the whole program.
const WHOLE: [Harm; 7] = [
    Harm::Killed,
    Harm::Killed,
    Harm::ToldToEnd,
    Harm::DiesAt("queue-before-commit"),
    Harm::DiesAt("queue-after-commit"),
    Harm::DiesAt("ingest-before-commit"),
    Harm::DiesAt("ingest-after-commit"),
];

const PARTS: [Harm; 5] = [Harm::Dropped, Harm::Silence, Harm::HalfOpen, Harm::ExaminerKilled, Harm::Reload];

/// A harm, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Recovery {
    pub(crate) harm: Harm,
    /// Since the beginning of all.
    pub(crate) at: Duration,
    /// Until it answered again, if it was gone.
    pub(crate) answers: Option<Duration>,
    /// From the harm's end until nothing was left of it.
    pub(crate) caught_up: Duration,
}

/// Does harm until the time is over.
pub(crate) async fn do_harm(
    plan: &Plan,
    began: Instant,
    house: &mut House,
    firehose: &Firehose,
    examiners: &Arc<AtomicUsize>,
    say: impl Fn(&str),
) -> Vec<Recovery> {
    let mut random = SmallRng::seed_from_u64(plan.seed);
    let (mut all, mut parts, mut whole) = (Bag::of([&WHOLE[..], &PARTS].concat()), Bag::of(PARTS.to_vec()), Bag::of(WHOLE.to_vec()));
    let mut recoveries = Vec::new();
    loop {
        // Chance decides in which moment of its work the program is struck.
        sleep(plan.harm_every.mul_f64(random.random_range(0.5..1.5))).await;
        let part = began.elapsed().as_secs_f64() / plan.length.as_secs_f64();
        if part >= 1.0 {
            return recoveries;
        }
        let harm = match part {
            part if part < STRETCH.start => all.draw(&mut random),
            part if part < STRETCH.end => parts.draw(&mut random),
            _ => whole.draw(&mut random),
        };
        let at = began.elapsed();
        let answers = strike(harm, house, firehose, examiners, &mut random).await;
        let caught_up = house.catches_up().await;
        say(&format!("{:5} s: {harm:?}: answers after {answers:.2?}, caught up after {caught_up:.2?}", at.as_secs()));
        recoveries.push(Recovery { harm, at, answers, caught_up });
    }
}

async fn strike(harm: Harm, house: &mut House, firehose: &Firehose, examiners: &Arc<AtomicUsize>, random: &mut SmallRng) -> Option<Duration> {
    match harm {
        Harm::Killed => return Some(house.killed().await),
        Harm::ToldToEnd => return Some(house.told_to_end().await),
        Harm::DiesAt(point) => {
            let spared = random.random_range(0..40);
            let failpoints = if spared == 0 { format!("{point}=return") } else { format!("{point}={spared}*off->return") };
            return Some(house.dies_at(&failpoints).await);
        }
        Harm::Dropped => firehose.drop_clients(),
        Harm::HalfOpen => {
            firehose.hang();
            // It takes the program as long to see that nobody is there.
            sleep(SILENCE).await;
        }
        Harm::Silence => {
            let until = Instant::now() + SILENCE;
            firehose.fall_silent(until);
            tokio::time::sleep_until(until).await;
        }
        Harm::ExaminerKilled => kill_examiner(house, examiners).await,
        Harm::Reload => house.told_to_reload().await,
    }
    None
}

/// Kills the next process that looks at an upload.
async fn kill_examiner(house: &House, examiners: &Arc<AtomicUsize>) {
    let began = Instant::now();
    let program = house.door().life().process;
    while began.elapsed() < NO_UPLOAD {
        if let Some(child) = child_of(program) {
            // Before, so that its upload's end finds it counted.
            examiners.fetch_add(1, Ordering::AcqRel);
            return signal("-KILL", child);
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Some child of the process.
fn child_of(process: u32) -> Option<u32> {
    let numbers = std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(|number: &u32| {
        // Behind its name, which may hold anything, come its state and its parent.
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        parent == Some(process)
    })
}

/// Of which each comes out once before any comes again.
struct Bag {
    kinds: Vec<Harm>,
    left: Vec<Harm>,
}

impl Bag {
    fn of(kinds: Vec<Harm>) -> Self {
        Self { kinds, left: Vec::new() }
    }

    fn draw(&mut self, random: &mut SmallRng) -> Harm {
        if self.left.is_empty() {
            self.left = self.kinds.clone();
            self.left.shuffle(random);
        }
        self.left.pop().expect("there are kinds of harm")
    }
}
