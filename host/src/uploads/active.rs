//! The mixes that feeds ask.
//!
//! What a feed needs is in memory: which mix a community has, whether it may be asked now, and its compiled code, which is loaded at the
//! first call and shared by all communities that have the same component. Every way in which asking fails ends in "no answer", and
//! the feed takes the default mix.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

use super::admissions::Job;
use super::breaker::{After, Breaker};
use super::catalogue::{Catalogue, owner_of};
use super::journal::Kind;
use super::pace::{Pace, SPRINT};
use super::rows::{Active, Compiled, Digest};
use super::turnstile::{Lane, WAIT};
use super::{Inner, Uploads};
use crate::sandbox::mix::{Answer, Request};
use crate::sandbox::strangers::{Allowance, Failure, Guest, Profile, Run, Verdict};

/// Bytes of compiled code that stay loaded. It is read from files, so the system may take the memory back.
const LOADED_BYTES: u64 = 1 << 30;

/// What nobody has asked for so long is let go of, with its file: a mix that is active again is loaded in two milliseconds.
const LOADED_FOR: Duration = Duration::from_secs(10 * 60);

/// The mix that a community has.
#[derive(Debug)]
pub struct Running {
    pub uri: String,
    pub number: u32,
    digest: Digest,
    compiled: Compiled,
    /// Whether it can ask who reads at all, and whether it ever has.
    can_ask: bool,
    asks: AtomicBool,
    /// It was switched off.
    off: AtomicBool,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    breaker: Breaker,
    pace: Pace,
}

impl Running {
    /// Whether it matters to it who reads.
    pub fn minds_viewer(&self) -> bool {
        self.asks.load(Ordering::Relaxed)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who makes a community's feed, and why it isn't what is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeBy {
    Default,
    Version,
    /// The default mix: the version failed, and isn't asked until then; or ever, which is being written.
    Paused(Option<i64>),
    /// The default mix, until the version's code is compiled again.
    Compiling,
    /// The default mix: the operator doesn't let this owner's mixes run any more.
    Barred,
}

/// An answer.
#[derive(Debug)]
pub struct Asked {
    pub answer: Answer,
    /// Whether it is this reader's alone.
    pub for_reader: bool,
}

/// Compiled code that is loaded.
#[derive(Debug)]
pub(super) struct Guests(Cache<Digest, Arc<Guest>>);

impl Guests {
    pub(super) fn new() -> Self {
        let size = |_: &Digest, guest: &Arc<Guest>| u32::try_from(guest.size()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(LOADED_BYTES).weigher(size).time_to_idle(LOADED_FOR).build())
    }
}

impl Uploads {
    /// The mix that this community's feed is to be made with; `None` for the default one.
    pub fn running(&self, uri: &str) -> Option<Arc<Running>> {
        let running = self.0.running.read().unwrap_or_else(PoisonError::into_inner).get(uri).cloned()?;
        let asked = !running.off.load(Ordering::Relaxed) && running.now().breaker.lets_through(self.0.clock.now_ms());
        asked.then_some(running)
    }

    /// What was made active last, if anything ever was, and who makes the feed now.
    pub fn made_by(&self, uri: &str) -> (Option<Active>, MadeBy) {
        let inner = &*self.0;
        let active = inner.catalogue().active.get(uri).cloned();
        let Some(number) = active.as_ref().and_then(|active| active.number) else { return (active, MadeBy::Default) };
        let running = inner.running.read().unwrap_or_else(PoisonError::into_inner).get(uri).filter(|running| running.number == number).cloned();
        let made_by = match running {
            None if inner.settings.admitted.lets(owner_of(uri)) => MadeBy::Compiling,
            None => MadeBy::Barred,
            Some(running) if running.off.load(Ordering::Relaxed) => MadeBy::Paused(None),
            Some(running) => match running.now().breaker.open_until(inner.clock.now_ms()) {
                Some(until) => MadeBy::Paused(Some(until)),
                None => MadeBy::Version,
            },
        };
        (active, made_by)
    }

    /// Asks it. `None`: it gave no answer, which is written in the community's journal.
    pub fn ask(&self, running: &Running, request: &Request, viewer: Option<&str>) -> Option<Asked> {
        let inner = &*self.0;
        let guest = inner.guest(&running.digest, &running.compiled).inspect_err(|cause| inner.unloadable(running, cause)).ok()?;
        let viewer = viewer.filter(|_| running.can_ask);
        let lane = running.now().pace.lane(Instant::now());
        let allowance = &inner.settings.allowance;
        let sprint = Allowance { time: allowance.time.min(SPRINT), ..*allowance };
        let call = |lane: Lane, allowance: &Allowance| {
            let Ok(_turn) = inner.turnstile.enter(&running.uri, lane, WAIT) else {
                inner.busy(running, "the host was busy with others' mixes, or with more readers of this one than it runs for at a time");
                return None;
            };
            inner.call(lane, &guest, request, viewer, allowance)
        };
        let run = call(lane, if lane == Lane::Slow { allowance } else { &sprint })?;
        let is_sprint = lane != Lane::Slow && sprint.time < allowance.time;
        let run = match run.outcome {
            // It has more time, but not here.
            Err(Failure::Time { .. }) if is_sprint => {
                count("overran");
                running.now().pace.overran(Instant::now());
                call(Lane::Slow, allowance)?
            }
            // The machine is busy; it can't help that.
            Err(Failure::Starved) if is_sprint => call(Lane::Slow, allowance)?,
            _ => run,
        };
        inner.weigh(running, run)
    }
}

impl Inner {
    /// The compiled code; loaded now, if it isn't.
    pub(super) fn guest(&self, digest: &Digest, compiled: &Compiled) -> Result<Arc<Guest>, String> {
        if compiled.key != self.strangers.key() {
            return Err("it was compiled by another version of this program".to_owned());
        }
        let load = || self.strangers.load(&self.compiled_file(digest), compiled.sha256).map(Arc::new);
        self.guests.0.try_get_with(*digest, load).map_err(|cause| cause.to_string())
    }

    /// Calls a mix whose turn it is. `None`: it broke off in the host.
    pub(super) fn call(&self, lane: Lane, guest: &Arc<Guest>, request: &Request, viewer: Option<&str>, allowance: &Allowance) -> Option<Run> {
        let run = match lane {
            Lane::Quick => Some(guest.run(request, viewer, allowance)),
            Lane::Middle => self.middle.run(guest, request, viewer, allowance),
            Lane::Slow => self.slow.run(guest, request, viewer, allowance),
        };
        if run.is_none() {
            count("broke-off");
        }
        run
    }

    fn unloadable(&self, running: &Running, cause: &str) {
        count("unloadable");
        // Whoever comes meanwhile finds the breaker open.
        if let After::Paused(_) = running.now().breaker.failed(self.clock.now_ms()) {
            tracing::warn!(community = running.uri, version = running.number, cause, "a mix can't be loaded: it is compiled again");
            self.note(&running.uri, Kind::Paused, running.number, "its compiled code was lost, and is made again");
            drop(self.jobs.send(Job::Compile(running.digest)));
        }
    }

    /// What a call means for those that follow.
    fn weigh(&self, running: &Running, run: Run) -> Option<Asked> {
        let now_ms = self.clock.now_ms();
        metrics::histogram!("atrarium_mix_seconds").record(run.took.as_secs_f64());
        metrics::counter!("atrarium_mix_fuel_total").increment(run.fuel);
        self.loads.burn(&running.uri, run.fuel);
        if !run.printed.is_empty() {
            self.note(&running.uri, Kind::Said, running.number, &run.printed);
        }
        if run.asked && !running.asks.swap(true, Ordering::Relaxed) {
            self.changed();
        }
        let mut now = running.now();
        if run.outcome != Err(Failure::Starved) {
            now.pace.note(run.computed);
        }
        match run.outcome {
            Ok(answer) => {
                now.breaker.answered(now_ms);
                count("answered");
                Some(Asked { answer, for_reader: run.asked })
            }
            Err(Failure::Starved) => {
                drop(now);
                self.busy(running, "the host's processors were busy with something else");
                None
            }
            Err(failure) => {
                let after = now.breaker.failed(now_ms);
                drop(now);
                self.failed(running, &failure, after);
                None
            }
        }
    }

    fn busy(&self, running: &Running, why: &str) {
        count("busy");
        self.note(&running.uri, Kind::Busy, running.number, why);
    }

    fn failed(&self, running: &Running, failure: &Failure, after: After) {
        count(failure.kind());
        self.note(&running.uri, Kind::Failed, running.number, &failure.to_string());
        match after {
            After::Closed => {}
            After::Paused(pause_ms) => {
                let pause = pause_ms / 1_000;
                self.note(&running.uri, Kind::Paused, running.number, "it failed several times in a row, so the default mix takes its place for a while");
                tracing::info!(community = running.uri, version = running.number, %failure, pause_secs = pause, "an uploaded mix fails: it isn't asked for a while");
            }
            After::Off => {
                running.off.store(true, Ordering::Relaxed);
                self.changed();
                drop(self.jobs.send(Job::SwitchOff { uri: running.uri.clone(), number: running.number, why: failure.to_string() }));
            }
        }
    }

    /// Makes the feeds ask what the catalogue says is active in this community.
    pub(super) fn rewire(&self, catalogue: &Catalogue, uri: &str) {
        let running = self.wired(catalogue, uri);
        let mut all = self.running.write().unwrap_or_else(PoisonError::into_inner);
        match running {
            Some(running) => drop(all.insert(uri.to_owned(), Arc::new(running))),
            None => drop(all.remove(uri)),
        }
        drop(all);
        self.changed();
    }

    fn wired(&self, catalogue: &Catalogue, uri: &str) -> Option<Running> {
        let number = catalogue.active_number(uri).filter(|_| self.settings.admitted.lets(owner_of(uri)))?;
        let (version, upload) = catalogue.version(uri, number)?;
        let Some(Verdict::Admitted(Profile { can_ask_viewer, asked_viewer, micros, .. })) = upload.verdict else { return None };
        let compiled = upload.compiled.clone().filter(|compiled| compiled.key == self.strangers.key())?;
        Some(Running {
            uri: uri.to_owned(),
            number,
            digest: version.digest,
            compiled,
            can_ask: can_ask_viewer,
            asks: AtomicBool::new(asked_viewer),
            off: AtomicBool::new(false),
            now: Mutex::new(Now { breaker: Breaker::default(), pace: Pace::of(Duration::from_micros(micros)) }),
        })
    }

    /// Where a component's compiled code lies.
    pub(super) fn compiled_file(&self, digest: &Digest) -> std::path::PathBuf {
        self.directory.join(format!("{}-{}.cwasm", hex(digest), self.strangers.key()))
    }
}

impl Uploads {
    /// At the start: what feeds ask, and what has to be compiled before they can.
    pub(super) fn begin(&self) {
        let inner = &*self.0;
        let catalogue = inner.catalogue();
        let mut running = HashMap::new();
        for uri in catalogue.active.keys() {
            if let Some(mix) = inner.wired(&catalogue, uri) {
                running.insert(uri.clone(), Arc::new(mix));
            } else if let Some((version, _)) = catalogue.active_number(uri).and_then(|number| catalogue.version(uri, number)) {
                // Another version of the program, or of its engine, made what there is.
                drop(inner.jobs.send(Job::Compile(version.digest)));
            }
        }
        for (digest, upload) in &catalogue.uploads {
            if upload.verdict.is_none() {
                drop(inner.jobs.send(Job::Compile(*digest)));
            }
        }
        *inner.running.write().unwrap_or_else(PoisonError::into_inner) = running;
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("atrarium_mix_calls_total", "outcome" => outcome).increment(1);
}

pub(super) fn hex(digest: &Digest) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
