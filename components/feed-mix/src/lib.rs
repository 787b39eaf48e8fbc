//! The feed-mix component that every community has unless its owner uploads another: posts by the community's shares.
//!
//! [`fill`](fill::fill) is the whole of it. It never looks at who reads, at the clock or at what a post is like, so every
//! reader of a feed sees the same sequence. It never fails: a request without candidates has an empty page.

pub mod fill;

use atrarium_sdk::{Mix, Page, Request};

/// The default mix.
pub struct ByShares;

impl Mix for ByShares {
    fn mix(request: Request) -> Result<Page, String> {
        Ok(fill::fill(&request))
    }
}

atrarium_sdk::export_mix!(ByShares);
