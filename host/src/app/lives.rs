//! The parts of the configuration that may change while the program runs, at SIGHUP.

use crate::config::{Config, Live, Party};
use crate::ingest::rules::Rules;

/// Whose communities may be here, whose posts stay out of others' global share, and who operates the host. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Lives {
    pub(super) rules: Live<Rules>,
    pub(super) excluded: Live<Vec<Party>>,
    pub(super) operators: Live<Vec<String>>,
}

impl Lives {
    pub(super) fn of(config: &Config) -> Self {
        let lives = Self { rules: Live::new(Rules::default()), excluded: Live::new(Vec::new()), operators: Live::new(Vec::new()) };
        lives.apply(config);
        lives
    }

    /// This counts from the next batch, page and call on.
    pub fn apply(&self, config: &Config) {
        self.rules.set(Rules { allowed: config.allow_owner.clone(), denied: config.deny_owner.clone() });
        self.excluded.set(config.exclude_from_global.clone());
        self.operators.set(config.operators.clone());
    }
}
