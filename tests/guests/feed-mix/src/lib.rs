//! The default mix's own source, behind a door that misbehaves when the key of a candidate tells it to; `refuse` makes it answer
//! with nonsense. And it minds who reads: one's own posts come first on one's page. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

#[path = "../../misbehave.rs"]
mod misbehave;

#[path = "../../../../components/feed-mix/src/fill.rs"]
pub mod fill;

use atrarium_sdk::{Mix, Page, Request};

struct Hostile;

impl Mix for Hostile {
    fn mix(request: Request) -> Result<Page, String> {
        for uri in &request.posts.uri {
            if misbehave::as_told(uri).is_err() {
                return Ok(nonsense());
            }
        }
        let mut page = fill::fill(&request);
        if let Some(viewer) = atrarium_sdk::viewer() {
            let author = |pick: &u32| request.posts.author[*pick as usize] as usize;
            page.picks.sort_by_key(|pick| request.authors[author(pick)].did != viewer);
        }
        Ok(page)
    }
}

/// The first post three times, then two that don't exist, and more consumed than there is.
fn nonsense() -> Page {
    Page { consumed: Some(vec![1; 9]), ..Page::of([0, 0, u32::MAX, 7_000, 0]) }
}

atrarium_sdk::export_mix!(Hostile);
