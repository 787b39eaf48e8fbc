//! The default mix's own source, behind a door that misbehaves when the key of a candidate tells it to; `refuse` makes it answer
//! with nonsense. And it minds who reads: one's own posts come first on one's page. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

#[path = "../../misbehave.rs"]
mod misbehave;

#[path = "../../../../components/feed-mix/src/fill.rs"]
pub mod fill;

use atrarium_sdk::{Mix, Page, Pick, Request};

struct Hostile;

impl Mix for Hostile {
    fn mix(request: Request) -> Result<Page, String> {
        let candidates = request.sources.iter().flat_map(|source| &source.candidates);
        for candidate in candidates {
            if misbehave::as_told(&candidate.uri).is_err() {
                return Ok(nonsense());
            }
        }
        let mut page = fill::fill(&request);
        if let Some(viewer) = atrarium_sdk::viewer() {
            let author = |pick: &Pick| request.sources[pick.source as usize].candidates[pick.candidate as usize].author;
            page.picks.sort_by_key(|pick| request.authors[author(pick) as usize].did != viewer);
        }
        Ok(page)
    }
}

/// The first candidate three times, then two that don't exist, and more consumed than there is.
fn nonsense() -> Page {
    let picks = [(0, 0), (0, 0), (0, u32::MAX), (7, 0), (0, 0)];
    let picks = picks.map(|(source, candidate)| Pick { source, candidate, pinned: false, feed_context: None });
    Page { picks: picks.to_vec(), consumed: Some(vec![1; 9]), more: Vec::new() }
}

atrarium_sdk::export_mix!(Hostile);
