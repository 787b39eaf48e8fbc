//! Whether a stranger's mix may come in: all that is looked at, compiled and tried.
//!
//! [`admit`] takes as long and as much memory as the upload makes it take, so the server never calls it: it runs in a process of
//! its own with limits, which may be killed. `atrarium mix check` is the same call.
//!
//! Compiling is followed by a trial, each request twice: the same answer and the same fuel, or the mix isn't what a feed can be
//! made with. A refusal is one sentence for the community's owner.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::engine::Strangers;
use super::guest::{Allowance, Guest, Run};
use super::inspect::{self, Language};
use super::trial;
use crate::sandbox::one_line;

/// How long a call of the trial may last.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of a mix that was admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub language: Option<Language>,
    /// Whether it can ask who reads.
    pub can_ask_viewer: bool,
    /// Whether it did in the trial.
    pub asked_viewer: bool,
    /// Fuel for a block of 600 candidates.
    pub fuel: u64,
    /// Bytes of memory for it.
    pub memory: u64,
    /// Microseconds that it computed, on the machine that tried it.
    pub micros: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Admitted(Profile),
    /// One sentence.
    Refused(String),
}

/// Looks at a component, compiles it and tries it. If it is admitted, its compiled code comes with the verdict.
pub fn admit(strangers: &Strangers, bytes: &[u8], allowance: &Allowance) -> (Verdict, Option<Vec<u8>>) {
    match try_admit(strangers, bytes, allowance) {
        Ok((profile, compiled)) => (Verdict::Admitted(profile), Some(compiled)),
        Err(sentence) => (Verdict::Refused(sentence), None),
    }
}

fn try_admit(strangers: &Strangers, bytes: &[u8], allowance: &Allowance) -> Result<(Profile, Vec<u8>), String> {
    let seen = inspect::inspect(bytes).map_err(|refusal| refusal.to_string())?;
    let component = strangers.compile(bytes).map_err(|cause| format!("The component can't be compiled: {cause}."))?;
    let guest = strangers.link(&component).map_err(|cause| format!("The component doesn't fit the contract of a feed mix: {cause}."))?;
    // Fuel is the judge here: on a busy machine the nicest of all processes waits for longer than it computes.
    let allowance = &Allowance { time: allowance.time.max(PATIENCE), ..*allowance };
    let (mut asked_viewer, mut largest) = (false, None);
    for (what, request) in trial::requests() {
        let failed = |run: &Run| {
            let why = run.outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
            let said = if run.printed.is_empty() { String::new() } else { format!(" It said: {}", one_line(&run.printed)) };
            format!("In a trial with {what} the mix {why}.{said}")
        };
        let first = guest.run(&request, None, allowance);
        if first.outcome.is_err() {
            return Err(failed(&first));
        }
        let second = guest.run(&request, None, allowance);
        if second.outcome.is_err() {
            return Err(failed(&second));
        }
        if first.outcome != second.outcome {
            return Err(format!("In a trial with {what} the mix gave two answers to the same question: a mix must not depend on chance."));
        }
        if first.fuel != second.fuel {
            return Err(format!(
                "In a trial with {what} the mix computed differently when asked the same again ({} and {} units of fuel).",
                first.fuel, second.fuel
            ));
        }
        asked_viewer |= first.asked || viewer_is_asked(&guest, &request, allowance);
        largest.get_or_insert(second);
    }
    let largest = largest.ok_or("There is no trial.")?;
    let profile = Profile {
        language: seen.language,
        can_ask_viewer: seen.asks_viewer,
        asked_viewer,
        fuel: largest.fuel,
        memory: largest.memory as u64,
        micros: u64::try_from(largest.computed.as_micros()).unwrap_or(u64::MAX),
    };
    let compiled = component.serialize().map_err(|cause| format!("The compiled component can't be kept: {cause:#}."))?;
    Ok((profile, compiled))
}

/// Whether the mix asks who reads where there is somebody.
fn viewer_is_asked(guest: &Guest, request: &crate::sandbox::mix::Request, allowance: &Allowance) -> bool {
    guest.run(request, Some(trial::READER), allowance).asked
}
