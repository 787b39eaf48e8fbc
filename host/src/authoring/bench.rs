//! `atrarium mix bench FILE`: what a call takes, its fresh instance with it.

use std::path::Path;
use std::time::Duration;

use super::{grouped, posts, read};
use crate::sandbox::mix::Request;
use crate::sandbox::strangers::{Allowance, Strangers};

/// Calls that are measured, after some that aren't.
const CALLS: usize = 200;
const WARM: usize = 20;

/// The numbers, for the terminal.
pub async fn bench(file: &Path, against: Option<&str>) -> Result<String, String> {
    let block = match against {
        Some(place) => posts::from(place).await?,
        None => posts::made_up(),
    };
    let guest = Strangers::new().map_err(|cause| cause.to_string())?.build(&read(file)?)?;
    let (request, allowance) = (Request::new(block), Allowance::default());
    let mut times = Vec::with_capacity(CALLS);
    let (mut fuel, mut memory) = (0, 0);
    for call in 0..WARM + CALLS {
        let run = guest.run(&request, None, &allowance);
        run.outcome.map_err(|failure| format!("the mix {failure}"))?;
        (fuel, memory) = (run.fuel, run.memory);
        if call >= WARM {
            times.push(run.took);
        }
    }
    times.sort();
    let at = |percent: usize| micros(times[(times.len() - 1) * percent / 100]);
    Ok(format!(
        "{} posts, {CALLS} calls, each in a fresh instance\n\
         p50 {} µs, p99 {} µs; {} units of fuel of {}; {} KiB of memory of {}",
        request.uris().len(),
        at(50),
        at(99),
        grouped(fuel),
        grouped(allowance.fuel),
        grouped(memory as u64 >> 10),
        grouped(allowance.memory as u64 >> 10),
    ))
}

fn micros(time: Duration) -> String {
    grouped(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}
