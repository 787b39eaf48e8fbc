//! Which threads get on first where there is less processor than work: those that answer readers, then ingest, then what compiles, then
//! calls of strangers' mixes that take long.
//!
//! A low priority alone isn't enough: whoever has begun keeps the processor for a slice of its time before whoever wakes, whatever their
//! priorities, and the system takes such a processor for a busy one. So there are three places. *After readers* is a third of what an ordinary
//! thread gets: nobody who reads waits for ingest, and ingest never stands still. *Behind* is a tenth, and always something; Linux (since
//! 6.12) lets it ask for longer slices than others have, which makes it give way sooner. *Leftovers* is what nobody else wants: such a
//! thread gives way at once, and gets nothing at all on a machine that is busy to its last processor.
//!
//! A thread can't leave its place again.

use std::io;
#[cfg(target_os = "linux")]
use std::time::Duration;

/// As the system counts it, up to 19: where an ordinary thread wants the same processor, a tenth of it is left. Of 250 ms that is enough for
/// a mix in Python.
const NICENESS: i32 = 10;

/// The same for a third.
const AFTER_READERS: i32 = 5;

/// `SCHED_IDLE` of Linux.
#[cfg(target_os = "linux")]
const IDLE: u32 = 5;

/// The longest that there is.
#[cfg(target_os = "linux")]
const SLICE: Duration = Duration::from_millis(100);

/// Lets the calling thread compute where nobody else wants to.
#[cfg(target_os = "linux")]
pub fn take_leftovers() -> io::Result<()> {
    set(|place| place.sched_policy = IDLE)
}

/// Puts the calling thread behind those that answer readers. That it may not is no reason to do without it.
#[cfg(target_os = "linux")]
pub fn follow_readers() {
    if let Err(cause) = set(|place| place.sched_nice = place.sched_nice.max(AFTER_READERS)) {
        tracing::warn!(%cause, "a thread can't be put behind those that answer readers");
    }
}

/// Elsewhere the whole program has one place.
#[cfg(not(target_os = "linux"))]
pub fn follow_readers() {}

/// Puts the calling thread behind all others.
#[cfg(target_os = "linux")]
pub fn give_way() -> io::Result<()> {
    set(|place| {
        place.sched_nice = place.sched_nice.max(NICENESS);
        place.sched_runtime = u64::try_from(SLICE.as_nanos()).unwrap_or(u64::MAX);
    })
}

#[cfg(target_os = "linux")]
fn set(change: impl FnOnce(&mut uapi::c::sched_attr)) -> io::Result<()> {
    let mut place = uapi::sched_getattr(0, 0).map_err(|cause| io::Error::from_raw_os_error(cause.0))?;
    change(&mut place);
    uapi::sched_setattr(0, &place, 0).map_err(|cause| io::Error::from_raw_os_error(cause.0))
}

/// As below; there is nothing lower.
#[cfg(not(target_os = "linux"))]
pub fn take_leftovers() -> io::Result<()> {
    give_way()
}

/// Puts the calling thread, or elsewhere than on Linux the whole program, behind all others.
#[cfg(not(target_os = "linux"))]
pub fn give_way() -> io::Result<()> {
    rustix::process::nice(NICENESS).map(drop).map_err(io::Error::from)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn place() -> (u32, i32, u64) {
        let place = uapi::sched_getattr(0, 0).expect("a place");
        (place.sched_policy, place.sched_nice, place.sched_runtime)
    }

    #[test]
    fn a_thread_gives_way_and_no_other_with_it() {
        // Whoever runs the tests may be nice itself, and a system before 6.12 tells of no slices.
        let (policy, niceness, slice) = place();
        let behind = std::thread::spawn(|| give_way().map(|()| place())).join().expect("a thread").expect("it may");
        assert_eq!(behind, (policy, NICENESS.max(niceness), if slice == 0 { 0 } else { 100_000_000 }));
        let after = std::thread::spawn(|| {
            follow_readers();
            place()
        });
        assert_eq!(after.join().expect("a thread"), (policy, AFTER_READERS.max(niceness), slice));
        let last = std::thread::spawn(|| take_leftovers().map(|()| place())).join().expect("a thread").expect("it may");
        assert_eq!(last.0, IDLE);
        assert_eq!(place(), (policy, niceness, slice));
    }
}
