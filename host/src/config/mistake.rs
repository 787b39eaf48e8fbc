//! What is wrong with a configuration, in sentences that name the place and what would be right there.
//!
//! Never stops at the first: whoever starts the program mends everything at once.

use std::fmt;
use std::path::PathBuf;

/// The longest given text that is shown; a certificate pasted into the wrong key needn't fill the screen.
const SHOWN: usize = 120;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Flag,
    Environment,
    /// A line of the file, if a line can be told.
    File {
        path: PathBuf,
        line: Option<usize>,
    },
    /// Nowhere: the default clashes with something that was given.
    Default,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The option's name, `a-b`; empty if the mistake is in no option, as a file that can't be read.
    pub key: String,
    pub source: Source,
    /// What was given, if it can be shown.
    pub given: Option<String>,
    /// What is wrong, or what would be right.
    pub wanted: String,
}

/// Everything that is wrong; never empty where it is returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    pub(crate) fn add(&mut self, key: &str, source: Source, given: Option<&str>, wanted: impl Into<String>) {
        self.0.push(Mistake { key: key.to_owned(), source, given: given.map(str::to_owned), wanted: wanted.into() });
    }

    /// `value` if nothing is wrong.
    pub(crate) fn unless_any<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// The environment variable of an option.
pub(crate) fn variable(key: &str) -> String {
    format!("ATRARIUM_{}", key.replace('-', "_").to_ascii_uppercase())
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Flag if self.key.is_empty() => write!(f, "command line")?,
            Source::Flag => write!(f, "--{}", self.key)?,
            Source::Environment => write!(f, "{}", variable(&self.key))?,
            Source::Default => write!(f, "{} (by default)", self.key)?,
            Source::File { path, line } => {
                write!(f, "{}", path.display())?;
                if let Some(line) = line {
                    write!(f, ":{line}")?;
                }
                if !self.key.is_empty() {
                    write!(f, ": {}", self.key)?;
                }
            }
        }
        match &self.given {
            Some(given) if given.chars().count() > SHOWN => {
                write!(f, ": got {:?}… but needs {}", given.chars().take(SHOWN).collect::<String>(), self.wanted)
            }
            Some(given) => write!(f, ": got {given:?} but needs {}", self.wanted),
            None => write!(f, ": {}", self.wanted),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [mistake] => write!(f, "{mistake}"),
            mistakes => {
                write!(f, "{} mistakes in the configuration:", mistakes.len())?;
                mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
            }
        }
    }
}
