//! The program as a process, and whether one may count on it now.
//!
//! Whoever is about to harm it says so first, and says when it answers again; a request that failed in between is nobody's fault.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atrarium::sandbox::Components;
use atrarium_tests::http;
use atrarium_tests::ports::free_port;
use atrarium_tests::process::{Launch, Process};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::firehose::now_us;
use super::owners::number;

/// How long the program may take to have read all that it has missed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What counts as having caught up: so many seconds behind the firehose, and so many events in the queue.
const BEHIND: f64 = 2.0;
const QUEUED: u64 = 1_000;

/// SIGABRT, by which a failpoint ends the process.
const ABORTED: i32 = 6;

/// The program from one start to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) number: u32,
    /// It answers, and nothing is about to happen to it.
    pub(crate) is_safe: bool,
    pub(crate) process: u32,
    /// Where it tells how it is.
    pub(crate) admin: SocketAddr,
}

/// Where the program is found. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    life: watch::Receiver<Life>,
}

impl Door {
    pub(crate) fn life(&self) -> Life {
        *self.life.borrow()
    }

    /// The present life, once one may count on it.
    pub(crate) async fn safe(&self) -> Life {
        let mut life = self.life.clone();
        let safe = life.wait_for(|life| life.is_safe).await.map(|life| *life);
        match safe {
            Ok(life) => life,
            // The house is gone, and so is everybody who waits.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether nothing was done to it since then, so that what went wrong is its own fault.
    pub(crate) fn is_to_blame(&self, since: Life) -> bool {
        since.is_safe && self.life() == since
    }
}

#[derive(Debug)]
pub(crate) struct House {
    directory: PathBuf,
    /// Of components that it takes in the place of those that it is built with.
    components: PathBuf,
    reloads: usize,
    endpoint: String,
    port: u16,
    flags: Vec<String>,
    process: Process,
    life: watch::Sender<Life>,
}

impl House {
    /// Starts the program in this directory, and waits until it answers.
    pub(crate) async fn open(home: &Path, endpoint: String, mut flags: Vec<String>) -> Self {
        let (port, directory, components) = (free_port(), home.join("data"), home.join("components"));
        std::fs::create_dir(&components).expect("the soak's own folder");
        flags.extend(["--components".to_owned(), components.to_string_lossy().into_owned()]);
        let process = launch(&directory, &endpoint, port, &flags, None);
        let life = watch::Sender::new(life_of(&process, 0));
        let mut house = Self { directory, components, reloads: 0, endpoint, port, flags, process, life };
        house.answers().await;
        house
    }

    pub(crate) fn door(&self) -> Door {
        Door { address: self.process.address, life: self.life.subscribe() }
    }

    /// From here on nobody counts on it.
    fn warn(&self) {
        self.life.send_modify(|life| life.is_safe = false);
    }

    /// kill -9, and a new start. Answers how long the program was away, as do all harms of it.
    pub(crate) async fn killed(&mut self) -> Duration {
        let began = Instant::now();
        self.dies().await;
        self.start().await;
        began.elapsed()
    }

    async fn dies(&mut self) {
        self.warn();
        signal("-KILL", self.life.borrow().process);
        self.process.ended().await;
    }

    /// SIGTERM, and a new start.
    pub(crate) async fn told_to_end(&mut self) -> Duration {
        let began = Instant::now();
        self.end().await;
        self.start().await;
        began.elapsed()
    }

    /// Ends in an orderly way.
    pub(crate) async fn end(&mut self) {
        self.warn();
        self.process.terminate();
        let status = self.process.ended().await;
        assert!(status.success(), "told to end, it ended with {status}:\n{}", self.log());
    }

    /// It is started anew with these failpoints and dies by one of them, and is started again without.
    pub(crate) async fn dies_at(&mut self, failpoints: &str) -> Duration {
        self.dies().await;
        self.process = launch(&self.directory, &self.endpoint, self.port, &self.flags, Some(failpoints));
        let status = self.process.ended().await;
        assert_eq!(status.signal(), Some(ABORTED), "{failpoints}: {status}:\n{}", self.log());
        let began = Instant::now();
        self.start().await;
        began.elapsed()
    }

    /// SIGHUP, when other components lie there that do the same: all objects are made anew, and the program goes on meanwhile. The mix
    /// isn't another, for only its own is asked for no more than a page needs.
    pub(crate) async fn told_to_reload(&mut self) {
        self.reloads += 1;
        let built_in = Components::load(None).expect("the embedded components");
        for found in [built_in.filter, built_in.community_feed, built_in.moderation] {
            let mut bytes = found.bytes.into_owned();
            number(&mut bytes, self.reloads as u64);
            std::fs::write(self.components.join(found.name).with_extension("wasm"), bytes).expect("the soak's own folder");
        }
        self.process.hang_up();
        self.process.says(&["components reloaded: from the next batch"], self.reloads).await;
    }

    async fn start(&mut self) {
        let number = self.life.borrow().number + 1;
        self.process = launch(&self.directory, &self.endpoint, self.port, &self.flags, None);
        self.life.send_replace(life_of(&self.process, number));
        self.answers().await;
    }

    async fn answers(&mut self) {
        assert!(self.process.ready().await, "the program ended at its start:\n{}", self.log());
        self.life.send_modify(|life| life.is_safe = true);
    }

    /// Waits until it has read and worked off what has happened by now, and isn't far behind; answers how long that took.
    pub(crate) async fn catches_up(&mut self) -> Duration {
        let began = Instant::now();
        loop {
            let since = began.elapsed();
            let (lag, depth) = self.behind().await;
            if lag < since.as_secs_f64().min(BEHIND) && depth < QUEUED {
                return began.elapsed();
            }
            assert!(!self.process.has_ended(), "the program ended by itself:\n{}", self.log());
            assert!(began.elapsed() < PATIENCE, "the program stays {lag} seconds behind, with {depth} events in its queue:\n{}", self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until it has worked off all that happened before this time; answers whether it has. What it has read is in the queue some
    /// milliseconds later, so it must have come further.
    pub(crate) async fn has_read(&self, time_us: u64) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let since = now_us().saturating_sub(time_us) as f64 / 1e6;
            let (lag, depth) = self.behind().await;
            if lag + BEHIND < since && depth == 0 {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Seconds behind the firehose, and events in the queue.
    async fn behind(&self) -> (f64, u64) {
        let answer = http::get(self.process.admin, "/ready").await;
        let said = answer.map_or(Value::Null, |answer| answer.json());
        (said["firehose"]["lagSeconds"].as_f64().unwrap_or(f64::INFINITY), said["queueDepth"].as_u64().unwrap_or(u64::MAX))
    }

    /// The end of what it has written to its standard error.
    pub(crate) fn log(&self) -> String {
        let log = self.process.log();
        let lines: Vec<&str> = log.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

fn launch(directory: &Path, jetstream: &str, port: u16, flags: &[String], failpoints: Option<&str>) -> Process {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Launch { directory, jetstream, port: Some(port), failpoints, flags: &flags }.start()
}

fn life_of(process: &Process, number: u32) -> Life {
    Life { number, is_safe: false, process: process.id().expect("a process that nobody has waited for"), admin: process.admin }
}

/// Who isn't there any more needs no signal.
pub(crate) fn signal(signal: &str, process: u32) {
    drop(std::process::Command::new("kill").args([signal, &process.to_string()]).stderr(std::process::Stdio::null()).status());
}
