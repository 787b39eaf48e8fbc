//! How long a call to the operator's components may take.
//!
//! It may compute for so long. What it waits for is nobody's failure: a slow disk behind the host's functions, or a machine on which
//! others come first. An object that were ended for that would lose what it was told, and a record would count as malformed. So the clock
//! ends only what waits for many times as long. Whoever reads a feed doesn't wait like that: `mix/trusted.rs` goes by the clock alone.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Store, UpdateDeadline};

use super::engine::ticks;

/// A call is ended at so many times its deadline by the clock, whatever it has computed.
const PATIENCE: u32 = 10;

/// The call that comes next in this store, on this thread, may compute for so long.
pub(super) fn allow<T: 'static>(store: &mut Store<T>, deadline: Duration) {
    let (began, before) = (Instant::now(), processor_time());
    store.epoch_deadline_callback(move |_| {
        let left = deadline.saturating_sub(processor_time().saturating_sub(before));
        Ok(if left.is_zero() || began.elapsed() >= deadline * PATIENCE { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(ticks(left)) })
    });
    store.set_epoch_deadline(ticks(deadline));
}

/// What this thread has computed so far.
pub(super) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use wasmtime::{Linker, Module, Trap};

    use super::*;
    use crate::sandbox::Sandbox;

    const DEADLINE: Duration = Duration::from_millis(30);

    /// Calls `h.w` for ever.
    const LOOP: &[u8] = b"\0asm\x01\0\0\0\
        \x01\x04\x01\x60\0\0\
        \x02\x07\x01\x01h\x01w\0\0\
        \x03\x02\x01\0\
        \x07\x05\x01\x01r\0\x01\
        \x0a\x0b\x01\x09\0\x03\x40\x10\0\x0c\0\x0b\x0b";

    /// What ends a loop of these, and what it took: by the clock, and of the processor.
    fn run(host: impl Fn() -> wasmtime::Result<()> + Send + Sync + 'static) -> (wasmtime::Error, Duration, Duration) {
        let sandbox = Sandbox::new(1).expect("the engine starts");
        let mut linker = Linker::new(&sandbox.engine);
        linker.func_wrap("h", "w", host).expect("the name is free");
        let mut store = Store::new(&sandbox.engine, ());
        store.set_epoch_deadline(u64::MAX / 2);
        let module = Module::new(&sandbox.engine, LOOP).expect("a module");
        let instance = linker.instantiate(&mut store, &module).expect("it has its import");
        let call = instance.get_typed_func::<(), ()>(&mut store, "r").expect("it is exported");
        let (began, before) = (Instant::now(), processor_time());
        allow(&mut store, DEADLINE);
        let end = call.call(&mut store, ()).expect_err("it never returns");
        (end, began.elapsed(), processor_time() - before)
    }

    fn is_interrupt(end: &wasmtime::Error) -> bool {
        end.downcast_ref::<Trap>() == Some(&Trap::Interrupt)
    }

    #[test]
    fn what_computes_is_ended() {
        let (end, _, computed) = run(|| Ok(()));
        assert!(is_interrupt(&end) && computed >= DEADLINE, "{end:?} after {computed:?}");
        assert!(computed < DEADLINE * PATIENCE, "{computed:?}");
    }

    #[test]
    fn what_waits_is_let_come_to_its_end() {
        let began = Instant::now();
        let (end, took, _) = run(move || {
            std::thread::sleep(Duration::from_millis(10));
            if began.elapsed() < 4 * DEADLINE { Ok(()) } else { Err(wasmtime::Error::msg("it has come to its end")) }
        });
        assert!(!is_interrupt(&end) && took >= 3 * DEADLINE, "{end:?} after {took:?}");
    }

    #[test]
    fn what_waits_for_ever_is_ended_by_the_clock() {
        let (end, took, computed) = run(|| {
            std::thread::sleep(Duration::from_millis(10));
            Ok(())
        });
        assert!(is_interrupt(&end) && took >= DEADLINE * PATIENCE && computed < DEADLINE, "{end:?} after {took:?}, {computed:?} of them computed");
    }
}
