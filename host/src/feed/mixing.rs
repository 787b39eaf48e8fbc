//! Asking a mix, and what to do when it fails.
//!
//! ```text
//! the owner's upload ──no answer──▶ the default mix ──no answer──▶ the simplest order
//! ```
//!
//! The default mix is the operator's: an instance for each thread that reads. The simplest order is the host's own code, so no broken
//! mix can take the feeds down.

use std::sync::{Arc, Mutex, PoisonError};

use crate::sandbox::mix::{Answer, Mix, Mixes, Pick, Request};
use crate::uploads::{Asked, Running, Uploads};

/// All that can mix.
#[derive(Debug)]
pub(super) struct Mixing {
    default: Default,
    uploads: Option<Uploads>,
}

/// Which mix a community's page is made with.
#[derive(Debug)]
pub(super) enum Choice {
    Default,
    Uploaded(Arc<Running>),
}

impl Mixing {
    pub(super) fn new(default: Default, uploads: Option<Uploads>) -> Self {
        Self { default, uploads }
    }

    pub(super) fn choose(&self, community: &str) -> Choice {
        self.uploads.as_ref().and_then(|uploads| uploads.running(community)).map_or(Choice::Default, Choice::Uploaded)
    }

    /// Whether it matters to the mix who reads.
    pub(super) fn minds_viewer(&self, choice: &Choice) -> bool {
        match choice {
            Choice::Default => !self.default.embedded,
            Choice::Uploaded(running) => running.minds_viewer(),
        }
    }

    /// Whether the mix looks at nothing but how many posts there are.
    pub(super) fn counts_only(&self, choice: &Choice) -> bool {
        matches!(choice, Choice::Default) && self.default.embedded
    }

    /// An answer, whatever happens.
    pub(super) fn ask(&self, choice: &Choice, request: &Request, community: &str, viewer: Option<&str>) -> Asked {
        if let (Choice::Uploaded(running), Some(uploads)) = (choice, &self.uploads)
            && let Some(asked) = uploads.ask(running, request, viewer)
        {
            return asked;
        }
        // A mix of the operator's may have asked who reads; of the embedded one it is known that it doesn't.
        Asked { answer: self.default.mix(request, community, viewer), for_reader: !self.default.embedded }
    }

    /// Grows whenever a community may have another mix than before.
    pub(super) fn generation(&self) -> u64 {
        self.uploads.as_ref().map_or(0, Uploads::generation)
    }
}

/// The default mix.
#[derive(Debug)]
pub(super) struct Default {
    mixes: Mixes,
    /// Instances that are not in use.
    idle: Mutex<Vec<Mix>>,
    /// Whether it is the embedded one, which minds neither who reads nor what a post is like.
    pub(super) embedded: bool,
}

impl Default {
    pub(super) fn new(mixes: Mixes, embedded: bool) -> Self {
        Self { mixes, idle: Mutex::new(Vec::new()), embedded }
    }

    pub(super) fn mix(&self, request: &Request, community: &str, viewer: Option<&str>) -> Answer {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mixed = idle.map_or_else(|| self.mixes.instantiate(), Ok).and_then(|mut mix| {
            let answer = mix.mix(request, viewer)?;
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(mix);
            Ok(answer)
        });
        mixed.unwrap_or_else(|fault| {
            metrics::counter!("atrarium_traps_total", "component" => "feed-mix").increment(1);
            tracing::error!(%fault, community, "the mix failed: the page is in the simplest order");
            simplest(request)
        })
    }
}

/// One source after the other.
fn simplest(request: &Request) -> Answer {
    let all = request.sizes().iter().enumerate().flat_map(|(source, size)| (0..*size).map(move |candidate| (source, candidate)));
    let picks: Vec<Pick> = all.take(request.limit()).map(|(source, candidate)| Pick { source, candidate, pinned: false, context: None }).collect();
    let consumed = (0..request.sizes().len()).map(|source| picks.iter().filter(|pick| pick.source == source).count()).collect();
    Answer { picks, consumed }
}
