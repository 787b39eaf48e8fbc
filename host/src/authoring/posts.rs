//! The posts that a mix is tried with: made up, from a file, or those of a community on a running server.
//!
//! A file and a server's answer have the same form, the JSON of a [`Block`]: `GET /api/communities/:id/feed-mix/candidates` gives that of a
//! community's feed as it is now.

use std::time::Duration;

use url::Url;

use crate::outbound::{Client, Limits, Policy};
use crate::sandbox::mix::{Block, SourceKind};
use crate::sandbox::strangers::trial;

/// 600 posts with everything that is said of them.
const LARGEST: usize = 2 << 20;

/// The made-up posts of every admission: a full block.
pub fn made_up() -> Block {
    trial::block(&[(SourceKind::Own, 70, 200), (SourceKind::Parent, 20, 200), (SourceKind::Global, 10, 200)], 0)
}

/// The posts in this file or at this URL.
pub async fn from(place: &str) -> Result<Block, String> {
    let bytes = match Url::parse(place) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => fetch(&url).await?,
        _ => std::fs::read(place).map_err(|cause| format!("{place} can't be read: {cause}"))?,
    };
    let block: Block = serde_json::from_slice(&bytes).map_err(|cause| format!("{place} holds no posts to be mixed: {cause}"))?;
    let authors = block.authors.len();
    if block.sources.iter().flat_map(|source| &source.candidates).any(|candidate| candidate.author as usize >= authors) {
        return Err(format!("{place} has a post whose author is none of its {authors} authors"));
    }
    Ok(block)
}

async fn fetch(url: &Url) -> Result<Vec<u8>, String> {
    // Whoever types the URL means it, be it their own machine's.
    let client = Client::new(Policy::new(true));
    let limits = Limits { deadline: Duration::from_secs(20), body: LARGEST };
    let answer = client.get(url, limits).await.and_then(|answer| answer.ok()).map_err(|cause| format!("{url} can't be had: {cause}"))?;
    Ok(answer.body.to_vec())
}
