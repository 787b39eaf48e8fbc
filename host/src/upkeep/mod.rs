//! What an operator asks of the program's data, from a terminal: dead letters, communities, the databases.
//!
//! ```text
//! atrarium communities list ─▶ Ask ─▶ the running program, through its socket ─┐
//!                                └──▶ the data themselves, while it doesn't run ┴▶ Upkeep::take ─▶ Answer
//! ```
//!
//! * [`letters`]: what could not be told to communities' objects.
//! * [`communities`]: the communities and what they take up.
//!
//! Everything is read from one snapshot. What is to be changed goes through the queue, like everything else: it is done when the answer
//! comes or, where nobody takes from the queue, with the next start of the server. Who may ask is settled by who can open the socket
//! or the files. What fails is told in a sentence.

pub mod communities;
pub mod letters;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use serde::{Deserialize, Serialize};

use crate::community::Loads;
use crate::dashboard::Problem;
use crate::dashboard::views::DeadLetter;
use crate::dashboard::writes::Apply;
use crate::event::{Event, ObjectWhat, What};
use crate::logging;
use crate::machine;
use crate::store::upkeep::TableStats;
use crate::store::{State, StateError, Store, StoreError};

/// Something that an operator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The dead letters, of one community or of all.
    Letters {
        community: Option<String>,
    },
    /// One dead letter, with the record that it is about.
    Letter {
        id: String,
    },
    /// These dead letters are to be tried again or dropped; all of them if none is named.
    Order {
        letters: Vec<String>,
        what: What,
    },
    Communities,
    Community {
        id: String,
    },
    Object {
        id: String,
        what: ObjectWhat,
    },
    /// What the databases take up.
    Stats,
    /// What passes into the log from now on.
    LogLevel {
        level: String,
    },
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Letters(Vec<DeadLetter>),
    Letter(Box<letters::LetterAndRecord>),
    Communities(Vec<communities::Line>),
    Community(Box<communities::Details>),
    Stats(Vec<FileStats>),
    /// So many things are done, or will be with the next start of the server.
    Done {
        number: usize,
        later: bool,
    },
}

/// What a database takes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileStats {
    pub file: String,
    pub tables: Vec<TableStats>,
}

/// Why there is no answer, in a sentence for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Refusal(pub String);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(failure: StoreError) -> Self {
        Self(failure.to_string())
    }
}

impl From<StateError> for Refusal {
    fn from(failure: StateError) -> Self {
        Self(failure.to_string())
    }
}

/// How what is ordered is done.
#[derive(Clone)]
pub enum Doing {
    /// By the running program; it is done when this comes back.
    Now(Apply),
    /// By whoever opens the queue next; it is durable when this comes back.
    Later(Apply),
}

/// The data, and who does something with them. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Upkeep {
    parts: Arc<Parts>,
    /// Held while a copy is made: there is one at a time.
    copying: Arc<Mutex<()>>,
    /// Held while the databases' pages are counted: the same.
    counting: Arc<Mutex<()>>,
}

/// Where a copy of `state.redb` lies in the data directory while it is made.
const COPY: &str = "state.copy";

/// Bytes that a copy leaves on the disk: who runs out of them can't follow the firehose.
const ROOM: u64 = 64 << 20;

/// What came of looking at a question.
enum Looked {
    Answer(Answer),
    /// It orders these.
    Orders(Vec<Event>),
}

/// What it is made of.
pub struct Parts {
    pub store: Store,
    /// `None` where there is none: there it was never written to.
    pub state: Option<State>,
    /// What communities have cost lately, if the program runs.
    pub loads: Option<Loads>,
    pub doing: Doing,
    /// Where a copy of a database may lie for as long as it is read.
    pub data_dir: PathBuf,
}

impl std::fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upkeep")
    }
}

impl Upkeep {
    /// For who has the data directory's lock: what a copy that was cut off has left there is removed.
    pub fn new(parts: Parts) -> Self {
        let left = parts.data_dir.join(COPY);
        match fs::remove_file(&left) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %left.display(), %cause, "what is left of a backup can't be removed")
            }
            _ => {}
        }
        Self { parts: Arc::new(parts), copying: Arc::default(), counting: Arc::default() }
    }

    /// Answers a question, or does what it orders.
    pub async fn take(&self, ask: Ask) -> Result<Answer, Refusal> {
        let upkeep = self.clone();
        let looked = tokio::task::spawn_blocking(move || upkeep.look(&ask)).await;
        match looked.unwrap_or_else(|_| Err(Refusal("the answer broke off: the log says why".to_owned())))? {
            Looked::Answer(answer) => Ok(answer),
            Looked::Orders(events) => self.order(events).await,
        }
    }

    /// Reading may wait for the disk.
    fn look(&self, ask: &Ask) -> Result<Looked, Refusal> {
        let answer = match ask {
            Ask::Letters { community } => Answer::Letters(self.letters(community.as_deref())?),
            Ask::Letter { id } => Answer::Letter(Box::new(self.letter(id)?)),
            Ask::Order { letters, what } => return self.orders(letters, *what).map(Looked::Orders),
            Ask::Communities => Answer::Communities(self.communities()?),
            Ask::Community { id } => Answer::Community(Box::new(self.community(id)?)),
            Ask::Object { id, what } => return Ok(Looked::Orders(vec![self.object(id, *what)?])),
            Ask::Stats => Answer::Stats(self.stats()?),
            Ask::LogLevel { level } => self.log_level(level)?,
        };
        Ok(Looked::Answer(answer))
    }

    fn log_level(&self, level: &str) -> Result<Answer, Refusal> {
        match (level.parse(), &self.parts.doing) {
            (_, Doing::Later(_)) => Err(Refusal("the server doesn't run: start it with --log-level".to_owned())),
            (Err(wanted), _) => Err(Refusal(format!("{level:?} is no level: it needs {wanted}"))),
            (Ok(level), _) if logging::set(&level) => Ok(Answer::Done { number: 1, later: false }),
            (Ok(_), _) => Err(Refusal("the log is somebody else's, and its level can't be changed".to_owned())),
        }
    }

    async fn order(&self, events: Vec<Event>) -> Result<Answer, Refusal> {
        let number = events.len();
        let (apply, later) = match &self.parts.doing {
            Doing::Now(apply) => (apply, false),
            Doing::Later(apply) => (apply, true),
        };
        match apply(events).await {
            Ok(()) => Ok(Answer::Done { number, later }),
            Err(_) => Err(Refusal("it could not be done: the server ends, or its database fails".to_owned())),
        }
    }

    /// A copy of `state.redb` as it is at this moment, to be read once. It takes as long, and as much room on the disk, as the file is large, and leaves
    /// nothing behind; what is left if the program ends meanwhile goes with the next start.
    pub fn backup(&self) -> Result<File, Refusal> {
        let state =
            self.parts.state.as_ref().ok_or_else(|| Refusal("there is no state.redb: nobody has signed in here, and no mix was uploaded".to_owned()))?;
        let _one = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.parts.data_dir.join(COPY);
        let failed = |cause: io::Error| Refusal(format!("{} can't be made: {cause}", path.display()));
        let wanted = fs::metadata(self.parts.data_dir.join("state.redb")).map_err(failed)?.len() + ROOM;
        let free = machine::free_bytes(&self.parts.data_dir).map_err(failed)?;
        if free < wanted {
            return Err(Refusal(format!(
                "a backup needs {} MiB on the disk of {} while it is made, and {} are free: make room, or stop the server and copy state.redb and secret by hand",
                wanted >> 20,
                self.parts.data_dir.display(),
                free >> 20
            )));
        }
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(cause)),
            _ => {}
        }
        let copied = state.copy_to(&path).map_err(Refusal::from).and_then(|()| File::open(&path).map_err(failed));
        // Whoever has it open reads it to its end.
        let removed = fs::remove_file(&path);
        let file = copied?;
        removed.map_err(failed).map(|()| file)
    }

    fn stats(&self) -> Result<Vec<FileStats>, Refusal> {
        // Whoever asked before and went away may still be waited for.
        let _one = match self.counting.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Refusal("somebody else's `db stats` is under way: ask again when it has ended".to_owned())),
            Err(TryLockError::Poisoned(held)) => held.into_inner(),
            Ok(held) => held,
        };
        let mut files = vec![FileStats { file: "index.redb".to_owned(), tables: self.parts.store.snapshot()?.stats()? }];
        if let Some(state) = &self.parts.state {
            files.push(FileStats { file: "state.redb".to_owned(), tables: state.stats()? });
        }
        Ok(files)
    }
}
