//! An operator's commands: `atrarium dead-letters`, `communities`, `backup`, `restore`, `db`, `log-level`.
//!
//! * [`files`]: backups, and looking after the databases' files.
//! * [`print`]: what comes back, as text for a terminal.
//!
//! While a server runs it is asked through its socket; while none does the data are opened here, under the same lock, so that no
//! server starts meanwhile. Each command answers a text for standard output, or why there is none, in a sentence.

mod files;
mod print;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::app::{StartError, lock, whole};
use crate::cli::operate::{Operate, Task};
use crate::config::Config;
use crate::dashboard::writes::{Apply, NotApplied};
use crate::http::control::{self, Unreachable};
use crate::jetstream::Cursor;
use crate::store::{Options, Queue, State, Store};
use crate::upkeep::{self, Answer, Ask, Doing, Upkeep};

/// What a command says on standard output.
#[derive(Debug)]
pub struct Said {
    pub text: String,
    json: String,
    /// `false`: what it found is bad, so that scripts notice.
    pub well: bool,
}

impl Said {
    /// The same for people and, as JSON, for machines.
    fn of(text: String, machines: &impl Serialize) -> Result<Self, String> {
        let json = serde_json::to_string_pretty(machines).map_err(|cause| cause.to_string())?;
        Ok(Self { text, json, well: true })
    }
}

/// Does what is asked for.
pub async fn run(Operate { config, task, json }: Operate) -> Result<Said, String> {
    let mut said = match task {
        Task::Ask(ask) => {
            let answer = ask_somebody(&config, ask).await?;
            Said::of(print::answer(&answer), &answer)?
        }
        Task::Backup(file) => files::backup(&config, &file).await?,
        Task::Restore(file) => files::restore(&config, &file)?,
        Task::Check => files::check(&config)?,
        Task::Compact => files::compact(&config)?,
    };
    if json {
        said.text = std::mem::take(&mut said.json);
    }
    Ok(said)
}

async fn ask_somebody(config: &Config, ask: Ask) -> Result<Answer, String> {
    match control::ask(&config.data_dir, &ask).await {
        Ok(outcome) => outcome.map_err(|refusal| refusal.to_string()),
        Err(Unreachable::Nobody) => {
            // The data are closed before the lock is given up.
            let (_lock, upkeep) = directly(config)?;
            upkeep.take(ask).await.map_err(|refusal| refusal.to_string())
        }
        Err(broken) => Err(broken.to_string()),
    }
}

/// The data themselves, for as long as the lock is held.
fn directly(config: &Config) -> Result<(std::fs::File, Upkeep), String> {
    let lock = alone(&config.data_dir)?;
    let index = config.data_dir.join("index.redb");
    if !index.is_file() {
        return Err(format!("there is no {}: no server has run on these data yet", index.display()));
    }
    let (store, queue) = whole(&index, || {
        let store = Store::open(Options { path: index.clone(), cache: config.cache_bytes, backend: None })?;
        Ok((store.clone(), Queue::open(store, config.queue_limit)?))
    })
    .map_err(|cause| cause.to_string())?;
    let state = config.data_dir.join("state.redb");
    let state = state.is_file().then(|| State::open(&state)).transpose().map_err(|cause| cause.to_string())?;
    let later: Apply = Arc::new(move |events| {
        let queue = queue.clone();
        Box::pin(async move {
            let appended = tokio::task::spawn_blocking(move || queue.append(&events, None::<&Cursor>)).await;
            match appended {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(cause)) => {
                    tracing::error!(%cause, "the queue can't be written");
                    Err(NotApplied)
                }
                Err(_) => Err(NotApplied),
            }
        })
    });
    let parts = upkeep::Parts { store, state, loads: None, doing: Doing::Later(later), data_dir: config.data_dir.clone() };
    Ok((lock, Upkeep::new(parts)))
}

/// Takes the data for this command. They must be there: nothing is made.
fn alone(data_dir: &Path) -> Result<std::fs::File, String> {
    if !data_dir.is_dir() {
        return Err(format!("there is no directory {}: name the server's with --data-dir, --config or ATRARIUM_DATA_DIR", data_dir.display()));
    }
    lock(data_dir).map_err(|cause| match cause {
        StartError::InUse(path) => format!("a server is running on {}: stop it first", path.display()),
        other => other.to_string(),
    })
}
