//! Places of a thread behind all others.
//!
//! A low priority alone isn't enough: whoever has begun keeps the processor for a slice of its time before whoever wakes, whatever their
//! priorities, and the system takes such a processor for a busy one. So there are two places. *Leftovers* is what nobody else wants: such a
//! thread gives way at once, and gets nothing at all on a machine that is busy to its last processor. *Behind* is a tenth of what an ordinary
//! thread gets, and always something; Linux (since 6.12) lets it ask for longer slices than others have, which makes it give way sooner.
//!
//! A thread can't leave either again.

use std::io;
#[cfg(target_os = "linux")]
use std::time::Duration;

/// As the system counts it, up to 19: where an ordinary thread wants the same processor, a tenth of it is left. Of 250 ms that is enough for
/// a mix in Python.
const NICENESS: i32 = 10;

/// `SCHED_IDLE` of Linux.
#[cfg(target_os = "linux")]
const IDLE: u32 = 5;

/// The longest that there is.
#[cfg(target_os = "linux")]
const SLICE: Duration = Duration::from_millis(100);

/// Lets the calling thread compute where nobody else wants to.
#[cfg(target_os = "linux")]
pub(super) fn take_leftovers() -> io::Result<()> {
    set(|place| place.sched_policy = IDLE)
}

/// Puts the calling thread behind all others.
#[cfg(target_os = "linux")]
pub(super) fn give_way() -> io::Result<()> {
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
pub(super) fn take_leftovers() -> io::Result<()> {
    give_way()
}

/// Puts the calling thread, or elsewhere than on Linux the whole program, behind all others.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_way() -> io::Result<()> {
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
        let last = std::thread::spawn(|| take_leftovers().map(|()| place())).join().expect("a thread").expect("it may");
        assert_eq!(last.0, IDLE);
        assert_eq!(place(), (policy, niceness, slice));
    }
}
