//! What runs in the process of an admission: limits first, then everything else.
//!
//! The limits are the operating system's, so nothing that a hostile component makes the compiler do goes past them: an allocation
//! beyond its memory ends the process, and so does too much computing.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::admission::{Verdict, admit};
use super::engine::Strangers;
use super::guest::Allowance;

/// Bytes of the largest file that may be written. Compiled code is three times as large as a component at most.
const LARGEST_FILE: u64 = 256 << 20;

/// What the process is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub input: PathBuf,
    pub output: PathBuf,
    pub allowance: Allowance,
    /// Processor time, in seconds.
    pub compile_secs: u64,
    /// Bytes.
    pub compile_memory: u64,
}

/// Takes the limits upon this process and does the task; what comes back is the verdict as JSON.
pub fn run(task: &Task) -> Result<String, String> {
    confine(task).map_err(|cause| format!("the limits can't be set: {cause}"))?;
    let bytes = std::fs::read(&task.input).map_err(|cause| format!("{} can't be read: {cause}", task.input.display()))?;
    let strangers = Strangers::new().map_err(|cause| cause.to_string())?;
    let (verdict, compiled) = admit(&strangers, &bytes, &task.allowance);
    if let Some(compiled) = compiled {
        write(task, &compiled).map_err(|cause| format!("{} can't be written: {cause}", task.output.display()))?;
    }
    Ok(json(&verdict))
}

fn json(verdict: &Verdict) -> String {
    serde_json::to_string(verdict).expect("texts and numbers have a form in JSON")
}

fn write(task: &Task, compiled: &[u8]) -> io::Result<()> {
    let mut file = File::create(&task.output)?;
    file.write_all(compiled)?;
    file.sync_all()
}

fn confine(task: &Task) -> rustix::io::Result<()> {
    let limit = |resource, soft: u64, hard: u64| setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) });
    // Address space is reserved generously and never touched, so what counts is what may be written to.
    limit(Resource::Data, task.compile_memory, task.compile_memory)?;
    limit(Resource::Cpu, task.compile_secs, task.compile_secs + 1)?;
    limit(Resource::Fsize, LARGEST_FILE, LARGEST_FILE)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Nofile, 64, 64)?;
    // Whoever reads a feed comes first.
    nice(19).map(drop)
}

/// Parts of a [`Task`] as texts give them.
pub fn allowance(fuel: u64, time_ms: u64, memory: u64) -> Allowance {
    Allowance { fuel, time: Duration::from_millis(time_ms), memory: usize::try_from(memory).unwrap_or(usize::MAX) }
}
