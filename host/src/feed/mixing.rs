//! Asking a mix, and what to do when it fails.
//!
//! ```text
//! the owner's upload ──no answer──▶ the default mix ──no answer──▶ the simplest order
//! ```
//!
//! The default mix is the operator's, who may put another in its place at any moment: an instance for each thread that reads. The
//! simplest order is the host's own code, so no broken mix can take the feeds down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sandbox::Current;
use crate::sandbox::mix::{Answer, Mix, Mixes, Pick, Request};
use crate::uploads::{Asked, Running, Uploads};

/// All that can mix.
#[derive(Debug)]
pub(super) struct Mixing {
    pub(super) default: Default,
    pub(super) uploads: Option<Uploads>,
}

/// Which mix a community's page is made with, whatever takes its place meanwhile.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) uploaded: Option<Arc<Running>>,
    pub(super) default: Arc<Mixes>,
}

impl Choice {
    pub(super) fn is_uploaded(&self) -> bool {
        self.uploaded.is_some()
    }

    /// Whether it matters to the mix who reads.
    pub(super) fn minds_viewer(&self) -> bool {
        self.uploaded.as_ref().map_or(!self.default.embedded, |running| running.minds_viewer())
    }

    /// Whether the mix looks at nothing but how many posts there are.
    pub(super) fn counts_only(&self) -> bool {
        self.uploaded.is_none() && self.default.embedded
    }
}

impl Mixing {
    pub(super) fn new(default: Default, uploads: Option<Uploads>) -> Self {
        Self { default, uploads }
    }

    pub(super) fn choose(&self, community: &str) -> Choice {
        let uploaded = self.uploads.as_ref().and_then(|uploads| uploads.running(community));
        Choice { uploaded, default: Arc::clone(&self.default.components.now().mix) }
    }

    /// An answer, whatever happens.
    pub(super) fn ask(&self, choice: &Choice, request: &Request, community: &str, viewer: Option<&str>) -> Asked {
        if let (Some(running), Some(uploads)) = (&choice.uploaded, &self.uploads)
            && let Some(asked) = uploads.ask(running, request, viewer)
        {
            return asked;
        }
        // A mix of the operator's may have asked who reads; of the embedded one it is known that it doesn't.
        Asked { answer: self.default.mix(&choice.default, request, community, viewer), for_reader: !choice.default.embedded }
    }

    /// Grows whenever a community may have another mix than before.
    pub(super) fn generation(&self) -> u64 {
        // Both only grow, so their sum grows when either does.
        self.uploads.as_ref().map_or(0, Uploads::generation) + self.default.components.now().number
    }
}

/// The default mix.
#[derive(Debug)]
pub(super) struct Default {
    components: Current,
    /// Instances that are not in use, with what they are of.
    idle: Mutex<Vec<(Arc<Mixes>, Mix)>>,
}

impl Default {
    pub(super) fn new(components: Current) -> Self {
        Self { components, idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn mix(&self, mixes: &Arc<Mixes>, request: &Request, community: &str, viewer: Option<&str>) -> Answer {
        let idle = self.take(mixes);
        let mixed = idle.map_or_else(|| mixes.instantiate(), Ok).and_then(|mut mix| {
            let answer = mix.mix(request, viewer)?;
            self.idle().push((Arc::clone(mixes), mix));
            Ok(answer)
        });
        mixed.unwrap_or_else(|fault| {
            metrics::counter!("atrarium_traps_total", "component" => "feed-mix").increment(1);
            tracing::error!(%fault, community, "the mix failed: the page is in the simplest order");
            simplest(request)
        })
    }

    /// An instance that is not in use. Those of another component are let go, so that there are never more than pages in work.
    fn take(&self, mixes: &Arc<Mixes>) -> Option<Mix> {
        let mut idle = self.idle();
        idle.retain(|(of, _)| Arc::ptr_eq(of, mixes));
        idle.pop().map(|(_, mix)| mix)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Arc<Mixes>, Mix)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One source after the other.
fn simplest(request: &Request) -> Answer {
    let all = request.sizes().iter().enumerate().flat_map(|(source, size)| (0..*size).map(move |candidate| (source, candidate)));
    let picks: Vec<Pick> = all.take(request.limit()).map(|(source, candidate)| Pick { source, candidate, pinned: false, context: None }).collect();
    let consumed = (0..request.sizes().len()).map(|source| picks.iter().filter(|pick| pick.source == source).count()).collect();
    Answer { picks, consumed }
}
