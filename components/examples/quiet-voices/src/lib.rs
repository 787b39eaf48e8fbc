//! A feed in which quiet voices come first.
//!
//! This is what the host calls: it hands over a request and gets a page. What is decided stands in `order.rs`, which knows nothing
//! of components and is tested by itself.

mod order;

use atrarium_sdk::{Mix, Page, Request};

/// Who writes little comes before who writes much.
pub struct QuietVoices;

impl Mix for QuietVoices {
    fn mix(request: Request) -> Result<Page, String> {
        Ok(order::order(&request))
    }
}

atrarium_sdk::export_mix!(QuietVoices);
