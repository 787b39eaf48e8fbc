//! A thread of low priority for calls that may take long, one at a time. Whose turn it is, somebody else decides.
//!
//! Who waits for it waits on a thread of their own; what is computed here gives way to everything else that the program does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender, SyncSender};

use rustix::process::nice;

use super::guest::{Allowance, Guest, Run};
use crate::sandbox::SandboxError;
use crate::sandbox::mix::Request;

/// As the system counts it, up to 19: where an ordinary thread wants the same processor, a tenth of it is left. Of 250 ms that is enough for
/// a mix in Python.
const NICENESS: i32 = 10;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Aside(Sender<Call>);

#[derive(Debug)]
struct Call {
    guest: Arc<Guest>,
    request: Request,
    viewer: Option<String>,
    allowance: Allowance,
    done: SyncSender<Run>,
}

impl Aside {
    pub fn start(name: &str) -> Result<Self, SandboxError> {
        let (send, calls) = mpsc::channel::<Call>();
        let work = move || {
            // On Linux a thread's own. Without it long calls have the priority of all others.
            if let Err(cause) = nice(NICENESS) {
                tracing::warn!(%cause, "long calls of mixes can't be given a low priority");
            }
            while let Ok(Call { guest, request, viewer, allowance, done }) = calls.recv() {
                // Who waits hears of a panic by the channel's end, and the next call shall find somebody.
                let run = catch_unwind(AssertUnwindSafe(|| guest.run(&request, viewer.as_deref(), &allowance)));
                if let Ok(run) = run {
                    drop(done.send(run));
                }
            }
        };
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        started.map(|_| Self(send)).map_err(|cause| SandboxError::Engine(cause.to_string()))
    }

    /// [`Guest::run`], over there. `None`: it broke off in the host.
    pub fn run(&self, guest: &Arc<Guest>, request: &Request, viewer: Option<&str>, allowance: &Allowance) -> Option<Run> {
        let (done, answer) = mpsc::sync_channel(1);
        let call = Call { guest: guest.clone(), request: request.clone(), viewer: viewer.map(str::to_owned), allowance: *allowance, done };
        self.0.send(call).ok()?;
        answer.recv().ok()
    }
}
