//! The process in which an upload is looked at, compiled and tried.
//!
//! It is this very program with other arguments (`atrarium admit`), and takes limits upon itself before it reads anything: of
//! memory, of processor time, of what it may write. It is killed when it takes longer than it may on the clock. The server feels
//! none of this; what it learns is one line of JSON, and a file of compiled code that only it and this program have touched.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::sandbox::strangers::{Allowance, Verdict};

/// Bytes that it may answer.
const ANSWER: u64 = 64 << 10;

/// The process may last this many times as long as it may compute: it is the nicest on the machine.
const WAITING: u32 = 4;

/// Signals by which people and systems end a process; no component can bring them about: hang-up, interrupt, quit, termination.
const TOLD: [i32; 4] = [1, 2, 3, 15];

/// What one admission may take, beside what a call may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Processor time.
    pub compute: Duration,
    /// Bytes of memory.
    pub memory: u64,
}

/// Why there is no verdict; nothing is known of the upload. Tried again later.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("{program} can't be started: {cause}", program = .program.display())]
    Start { program: PathBuf, cause: std::io::Error },
    #[error("its answer can't be read: {0}")]
    Answer(String),
    /// The same signal may have come to the whole program, as Ctrl-C does.
    #[error("somebody ended the process that was looking at it")]
    Told,
}

/// Lets a process look at the component in this file; if it is admitted, its compiled code is in `output`.
pub async fn admit(program: &Path, input: &Path, output: &Path, allowance: &Allowance, bounds: Bounds) -> Result<Verdict, ChildError> {
    let mut command = Command::new(program);
    command.arg("admit").arg("--input").arg(input).arg("--output").arg(output);
    command.arg("--fuel").arg(allowance.fuel.to_string());
    command.arg("--time-ms").arg(allowance.time.as_millis().to_string());
    command.arg("--memory").arg(allowance.memory.to_string());
    command.arg("--compile-secs").arg(bounds.compute.as_secs().to_string());
    command.arg("--compile-memory").arg(bounds.memory.to_string());
    // What is in our environment is none of its business.
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|cause| ChildError::Start { program: program.to_owned(), cause })?;
    let answer = child.stdout.take();
    let listening = async {
        let mut text = Vec::new();
        if let Some(answer) = answer {
            answer.take(ANSWER).read_to_end(&mut text).await.map_err(|cause| ChildError::Answer(cause.to_string()))?;
        }
        let status = child.wait().await.map_err(|cause| ChildError::Answer(cause.to_string()))?;
        Ok((text, status))
    };
    match tokio::time::timeout(bounds.compute * WAITING, listening).await {
        Ok(Ok((text, status))) if status.success() => serde_json::from_slice(&text).map_err(|cause| ChildError::Answer(cause.to_string())),
        Ok(Ok((_, status))) if status.signal().is_some_and(|signal| TOLD.contains(&signal)) => Err(ChildError::Told),
        Ok(Ok((_, status))) => Ok(Verdict::Refused(sentence(status, bounds))),
        Ok(Err(cause)) => Err(cause),
        // Dropping the process kills it.
        Err(_) => Ok(Verdict::Refused(too_long(bounds))),
    }
}

fn too_long(bounds: Bounds) -> String {
    format!("The component took more than {} seconds to be compiled and tried, which is all that an upload may take here.", bounds.compute.as_secs())
}

/// What it means that the process came to no verdict.
fn sentence(status: ExitStatus, bounds: Bounds) -> String {
    const ABORTED: i32 = 6;
    const KILLED: i32 = 9;
    const OUT_OF_TIME: i32 = 24;
    match status.signal() {
        Some(OUT_OF_TIME) => too_long(bounds),
        // At the hard limit of its time it is killed as well; else by the kernel, which has run out of memory.
        Some(ABORTED | KILLED) => format!(
            "The component needed more than {} MiB of memory, or more than {} seconds, to be compiled, which is all that an upload may take here.",
            bounds.memory >> 20,
            bounds.compute.as_secs()
        ),
        _ => "The component could not be compiled: the compiler gave up on it. Build it again with a current version of your tools.".to_owned(),
    }
}
