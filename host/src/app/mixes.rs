//! Owners' mixes, as the configuration wants them.

use std::path::PathBuf;

use super::StartError;
use crate::clock::Clock;
use crate::community::{Changes, Loads};
use crate::config::{self, Config};
use crate::sandbox::strangers::{Allowance, Aside, Strangers};
use crate::store::State;
use crate::uploads::{self, Admissions, Admitted, Bounds, Quotas, Settings, Uploads};

/// An owner compiles no more new components than these at a time, and in an hour: each may take a minute of a processor.
const CHECKING: usize = 3;
const PER_HOUR: usize = 30;

pub(super) fn open(config: &Config, state: State, clock: Clock, changes: Changes, loads: Loads, program: PathBuf) -> Result<(Uploads, Admissions), StartError> {
    let directory = config.data_dir.join("compiled");
    let parts = uploads::Parts {
        state,
        strangers: Strangers::new()?,
        middle: Aside::start("mixes")?,
        slow: Aside::start("slow-mixes")?,
        clock,
        changes,
        loads,
        directory,
        program,
        settings: settings(&config.uploads),
    };
    Ok(Uploads::open(parts)?)
}

fn settings(config: &config::Uploads) -> Settings {
    Settings {
        admitted: match config.uploaders.as_slice() {
            _ if config.off => Admitted::Nobody,
            [] => Admitted::Everybody,
            dids => Admitted::Only(dids.to_vec()),
        },
        largest: config.largest,
        quotas: Quotas { versions: config.versions, owner_bytes: config.owner_bytes, total_bytes: config.total_bytes, checking: CHECKING, per_hour: PER_HOUR },
        allowance: Allowance { fuel: config.fuel, time: config.time, memory: config.memory },
        bounds: Bounds { compute: config.compile, memory: config.compile_memory },
    }
}
