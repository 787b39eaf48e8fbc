//! A promise and whether it was kept, and all promises of a soak with the figures beside them.

use serde_json::{Value, json};

/// One promise.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) promise: &'static str,
    /// `None`: the soak was too short to tell.
    pub(crate) kept: Option<bool>,
    /// Whether it hangs on how fast the machine is.
    pub(crate) is_timed: bool,
    pub(crate) seen: String,
}

impl Verdict {
    pub(crate) fn new(promise: &'static str, kept: bool, seen: String) -> Self {
        Self { promise, kept: Some(kept), is_timed: false, seen }
    }

    pub(crate) fn timed(promise: &'static str, kept: Option<bool>, seen: String) -> Self {
        Self { promise, kept, is_timed: true, seen }
    }
}

/// All that came of a soak.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdicts: Vec<Verdict>,
    /// Lines of the table.
    pub(crate) figures: Vec<(&'static str, String)>,
    /// Everything, for who looks closer.
    pub(crate) details: Value,
}

impl Outcome {
    /// What was not kept.
    pub(crate) fn broken(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.kept == Some(false))
    }

    pub(crate) fn json(&self) -> Value {
        let verdicts: Vec<Value> = self
            .verdicts
            .iter()
            .map(|verdict| json!({ "promise": verdict.promise, "kept": verdict.kept, "timed": verdict.is_timed, "seen": verdict.seen }))
            .collect();
        let figures: Vec<Value> = self.figures.iter().map(|(what, value)| json!({ "what": what, "value": value })).collect();
        json!({ "verdicts": verdicts, "figures": figures, "details": self.details })
    }
}
