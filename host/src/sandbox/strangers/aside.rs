//! Threads behind all others for calls that may take long, one at a time. Whose turn it is, somebody else decides.
//!
//! ```text
//! a call ─▶ the leftovers' thread ── an answer ──────────────────────▶ who waits
//!                 └── no sign of life for 25 ms ─▶ the other thread ──▶ who waits; or nobody is let wait any longer
//! ```
//!
//! A call begins on a thread that computes only where nobody else wants the processor, and gives it back the moment somebody does. On a machine
//! that is busy to its last processor such a thread gets nothing: then the call begins anew on one of low priority that always gets on, and so
//! do those that follow, until the first has come to its end. Who waits for it waits on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::{Duration, Instant};

use super::guest::{Allowance, Guest, Run};
use crate::priority;
use crate::sandbox::SandboxError;
use crate::sandbox::mix::Request;

/// How long a call may give no sign of life; while it computes it gives one every millisecond.
const STILL: Duration = Duration::from_millis(25);

/// How much later than it should a call may end, before who reads has the default mix instead.
const LATE: Duration = Duration::from_millis(50);

/// How a thread takes its place among the others.
pub type Place = fn() -> std::io::Result<()>;

/// Both threads. They end when this is dropped.
#[derive(Debug)]
pub struct Aside {
    leftovers: Worker,
    sure: Worker,
}

#[derive(Debug)]
struct Worker {
    calls: Sender<Call>,
    /// Calls that were given to it and haven't come to their end.
    open: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Call {
    guest: Arc<Guest>,
    request: Request,
    viewer: Option<String>,
    allowance: Allowance,
    sign: Arc<Sign>,
    done: SyncSender<Run>,
}

/// How a call and who waits for it know of each other.
#[derive(Debug, Default)]
struct Sign {
    beats: AtomicU32,
    given_up: AtomicBool,
}

impl Sign {
    /// Whether anybody still waits.
    fn beat(&self) -> bool {
        self.beats.fetch_add(1, Ordering::Relaxed);
        !self.given_up.load(Ordering::Relaxed)
    }
}

/// What waiting has brought.
#[derive(Debug)]
enum Waited<T> {
    Answer(T),
    /// It broke off in the host.
    Broken,
    GivenUp,
}

/// Waits until there is an answer, no sign of life any more, or no time left.
fn wait<T>(answer: &Receiver<T>, sign: &Sign, still: Option<Duration>, until: Instant) -> Waited<T> {
    let mut seen = 0;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match answer.recv_timeout(still.map_or(left, |still| still.min(left))) {
            Ok(answer) => return Waited::Answer(answer),
            Err(RecvTimeoutError::Disconnected) => return Waited::Broken,
            Err(RecvTimeoutError::Timeout) => {
                let beats = sign.beats.load(Ordering::Relaxed);
                if beats == seen || Instant::now() >= until {
                    sign.given_up.store(true, Ordering::Relaxed);
                    return Waited::GivenUp;
                }
                seen = beats;
            }
        }
    }
}

impl Worker {
    fn start(name: &str, place: Place) -> Result<Self, SandboxError> {
        let (send, calls) = mpsc::channel::<Call>();
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        let work = move || {
            // Without it long calls have the priority of all others.
            if let Err(cause) = place() {
                tracing::warn!(%cause, "long calls of mixes can't be given a low priority");
            }
            while let Ok(Call { guest, request, viewer, allowance, sign, done }) = calls.recv() {
                if sign.beat() {
                    // Who waits hears of a panic by the channel's end, and the next call shall find somebody.
                    let run = catch_unwind(AssertUnwindSafe(|| guest.run_while(&request, viewer.as_deref(), &allowance, move || sign.beat())));
                    if let Ok(run) = run {
                        drop(done.send(run));
                    }
                }
                counted.fetch_sub(1, Ordering::Release);
            }
        };
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        started.map(|_| Self { calls: send, open }).map_err(|cause| SandboxError::Engine(cause.to_string()))
    }

    fn is_free(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    /// The answer's way back, and the call's signs of life.
    fn begin(&self, guest: &Arc<Guest>, request: &Request, viewer: Option<&str>, allowance: &Allowance) -> Option<(Receiver<Run>, Arc<Sign>)> {
        let ((done, answer), sign) = (mpsc::sync_channel(1), Arc::new(Sign::default()));
        let (guest, viewer) = (Arc::clone(guest), viewer.map(str::to_owned));
        let call = Call { guest, request: request.clone(), viewer, allowance: *allowance, sign: Arc::clone(&sign), done };
        self.open.fetch_add(1, Ordering::AcqRel);
        self.calls.send(call).ok()?;
        Some((answer, sign))
    }
}

impl Aside {
    /// `name`: of its threads, in at most 13 letters.
    pub fn start(name: &str) -> Result<Self, SandboxError> {
        Self::placed(name, priority::take_leftovers, priority::give_way)
    }

    /// The same, where each thread begins with taking this place.
    pub fn placed(name: &str, leftovers: Place, sure: Place) -> Result<Self, SandboxError> {
        Ok(Self { leftovers: Worker::start(name, leftovers)?, sure: Worker::start(&format!("{name}-2"), sure)? })
    }

    /// [`Guest::run`], over there. `None`: it broke off in the host.
    pub fn run(&self, guest: &Arc<Guest>, request: &Request, viewer: Option<&str>, allowance: &Allowance) -> Option<Run> {
        let began = Instant::now();
        let until = began + STILL + allowance.time + LATE;
        if self.leftovers.is_free() {
            let (answer, sign) = self.leftovers.begin(guest, request, viewer, allowance)?;
            match wait(&answer, &sign, Some(STILL), until) {
                Waited::Answer(run) => return Some(run),
                Waited::Broken => return None,
                Waited::GivenUp => metrics::counter!("atrarium_mix_calls_moved_total").increment(1),
            }
        }
        let (answer, sign) = self.sure.begin(guest, request, viewer, allowance)?;
        match wait(&answer, &sign, None, until) {
            Waited::Answer(run) => Some(run),
            Waited::Broken => None,
            Waited::GivenUp => Some(Run::starved(began.elapsed())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_call_that_gives_no_sign_is_given_up_and_hears_of_it() {
        let (_done, answer) = mpsc::sync_channel::<()>(1);
        let sign = Sign::default();
        assert!(sign.beat());
        // Once it has begun; then nothing.
        assert!(matches!(wait(&answer, &sign, Some(SHORT), soon()), Waited::GivenUp));
        assert!(!sign.beat(), "it may end");
    }

    #[test]
    fn a_call_that_gives_signs_is_waited_for_until_its_time_is_over() {
        let (done, answer) = mpsc::sync_channel(1);
        let sign = Arc::new(Sign::default());
        let beating = Arc::clone(&sign);
        let call = std::thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < SHORT * 20 && beating.beat() {
                std::thread::sleep(Duration::from_millis(1));
            }
            done.send(began.elapsed())
        });
        // On a machine that lets it beat only now and then.
        let still = Some(SHORT * 10);
        assert!(matches!(wait(&answer, &sign, still, soon()), Waited::Answer(took) if took >= SHORT * 20));
        call.join().expect("it ends").expect("somebody waited");

        let (_done, answer) = mpsc::sync_channel::<()>(1);
        let began = Instant::now();
        assert!(matches!(wait(&answer, &Sign::default(), None, began + SHORT), Waited::GivenUp));
        assert!(began.elapsed() >= SHORT);
    }

    #[test]
    fn a_call_that_broke_off_is_waited_for_no_longer() {
        let (done, answer) = mpsc::sync_channel::<()>(1);
        drop(done);
        assert!(matches!(wait(&answer, &Sign::default(), Some(SHORT), soon()), Waited::Broken));
    }
}
