//! Memory, files, threads and numbers of the program, every five seconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atrarium_tests::http;
use atrarium_tests::numbers::{self, Growth};
use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use super::house::Door;
use super::readers::lock;

pub(crate) const EVERY: Duration = Duration::from_secs(5);

/// What must stay zero: each tells of something that was left out or put aside.
pub(crate) const LOSSES: [&str; 9] = [
    "atrarium_jetstream_refused_total",
    "atrarium_jetstream_unknown_total",
    "atrarium_jetstream_ahead_total",
    "atrarium_jetstream_gaps_total",
    "atrarium_malformed_total",
    "atrarium_bounded_total",
    "atrarium_store_failures_total",
    "atrarium_dead_letters",
    "atrarium_dead_letters_total",
];

/// The same of the program's own components, which the clock may cut off where the machine doesn't let them compute.
pub(crate) const TRAPS: [&str; 2] = ["atrarium_traps_total", "atrarium_retries_total"];

/// Reported beside them: how many pages were late is no loss.
const REPORTED: [&str; 4] =
    ["atrarium_skeleton_late_total", "atrarium_orders_lost_total", "atrarium_pages_from_memory_total", "atrarium_http_accept_failures_total"];

/// The program at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Since the beginning of all.
    pub(crate) seconds: f64,
    pub(crate) life: u32,
    /// Bytes, in all.
    pub(crate) resident: f64,
    /// Of these what is no file's: files' pages the system takes back when it needs them.
    pub(crate) own: f64,
    pub(crate) peak: f64,
    pub(crate) threads: f64,
    pub(crate) files: f64,
    /// Seconds.
    pub(crate) lag: f64,
    pub(crate) queued: f64,
    pub(crate) index: f64,
}

impl Sample {
    pub(crate) fn json(&self) -> Value {
        json!([self.seconds.round(), self.life, self.resident, self.own, self.peak, self.threads, self.files, self.lag, self.queued, self.index])
    }

    /// What the numbers of a row are.
    pub(crate) const NAMES: [&str; 10] =
        ["seconds", "life", "resident bytes", "own bytes", "peak bytes", "threads", "open files", "lag seconds", "queue", "index bytes"];
}

/// All that was seen.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) samples: Vec<Sample>,
    /// The most of each number that any life has told.
    pub(crate) most: BTreeMap<&'static str, f64>,
}

impl Series {
    /// Which of these numbers were ever more than zero.
    pub(crate) fn counted(&self, names: &[&'static str]) -> Vec<String> {
        names.iter().filter_map(|name| self.most.get(name).filter(|most| **most > 0.0).map(|most| format!("{name} {most}"))).collect()
    }

    /// What becomes of memory in this part of the time. With each reload all objects leave it and come back one by one.
    pub(crate) fn growth(&self, stretch: std::ops::Range<f64>) -> Growth {
        let own: Vec<(f64, f64)> = self.samples.iter().map(|sample| (sample.seconds, sample.own)).collect();
        numbers::growth(&own, stretch)
    }
}

/// Looks until it is dropped.
pub(crate) async fn watch(door: Door, began: Instant, series: Arc<Mutex<Series>>) {
    let mut due = interval(EVERY);
    loop {
        due.tick().await;
        look(&door, began, &series).await;
    }
}

/// Looks once. What a program that is just dying doesn't tell is left out.
pub(crate) async fn look(door: &Door, began: Instant, series: &Mutex<Series>) {
    let life = door.life();
    let Ok(answer) = http::get(life.admin, "/metrics").await else { return };
    let Some(mut sample) = sample(life.process) else { return };
    let number = |series: &str| numbers::sum(&answer.body, series);
    sample.seconds = began.elapsed().as_secs_f64();
    sample.life = life.number;
    sample.lag = number("atrarium_jetstream_lag_seconds");
    sample.queued = number("atrarium_queue_depth");
    sample.index = number("atrarium_file_bytes{file=\"index.redb\"}");
    let mut series = lock(series);
    for name in LOSSES.into_iter().chain(TRAPS).chain(REPORTED) {
        let most = series.most.entry(name).or_default();
        *most = most.max(number(name));
    }
    series.samples.push(sample);
}

/// What the system tells of a process.
fn sample(process: u32) -> Option<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok());
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?.count() as f64;
    let bytes = |name: &str| line(name).map(|kibibytes| kibibytes * 1_024.0);
    Some(Sample { resident: bytes("VmRSS:")?, own: bytes("RssAnon:")?, peak: bytes("VmHWM:")?, threads: line("Threads:")?, files, ..Sample::default() })
}
