//! Asking a mix, and what to do when it fails.
//!
//! The default mix is the operator's: an instance for each thread that reads. Where it fails, the simplest order there is takes
//! its place for that block, which is the host's own code, so a broken mix can't take the feeds down.

use std::sync::{Mutex, PoisonError};

use crate::sandbox::mix::{Answer, Mix, Mixes, Pick, Request};

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
