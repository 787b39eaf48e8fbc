//! For authors of feed mixes: what decides the order of a community's feed, as a component in Rust.
//!
//! Implement [`Mix`], name your type in [`export_mix!`], and build the crate as a component. The host runs it in a store of
//! its own, where it can do nothing but answer: no network, no files, a clock that stands still ([`Request::now`]).
//! If it traps or runs out of fuel, the page is made by the default mix, and the community's owner sees why.
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! atrarium-sdk = { path = "…" }
//! ```
//!
//! A mix that shows the community's own posts, except replies:
//!
//! ```
//! use atrarium_sdk::{Mix, Page, Pick, Request, SourceKind};
//!
//! struct NoReplies;
//!
//! impl Mix for NoReplies {
//!     fn mix(request: Request) -> Page {
//!         let mut page = Page::empty(&request);
//!         for (source, own) in (0..).zip(&request.sources) {
//!             if own.kind != SourceKind::Own {
//!                 continue;
//!             }
//!             for (candidate, post) in (0..).zip(&own.candidates) {
//!                 if page.picks.len() as u32 == request.limit {
//!                     break;
//!                 }
//!                 page.consumed[source as usize] = candidate + 1; // picked or dropped: done with
//!                 if !post.reply {
//!                     page.picks.push(Pick { source, candidate });
//!                 }
//!             }
//!         }
//!         page
//!     }
//! }
//!
//! atrarium_sdk::export_mix!(NoReplies);
//! ```
//!
//! ```text
//! cargo build --release --target wasm32-wasip2
//! ```

#[doc(hidden)]
pub mod bindings;

pub use bindings::exports::atrarium::feed_mix::mix::{Candidate, Page, Pick, Request, Source, SourceKind};

/// The order of a feed's posts.
pub trait Mix {
    /// Makes one page. The same request must have the same answer: pages are cached, and checked against each other.
    ///
    /// The host drops picks that repeat, aren't candidates, or go beyond the limit. What counts as consumed doesn't come
    /// again in the reader's walk through the feed; the rest does.
    fn mix(request: Request) -> Page;
}

impl Page {
    /// A page without picks, on which nothing is consumed.
    pub fn empty(request: &Request) -> Self {
        Self { picks: Vec::new(), consumed: vec![0; request.sources.len()] }
    }
}

/// Makes this type, which is a [`Mix`], the component's answer to the host. Once in a crate, beside the type.
#[macro_export]
macro_rules! export_mix {
    ($mix:ident) => {
        impl $crate::bindings::exports::atrarium::feed_mix::mix::Guest for $mix {
            fn mix(request: $crate::Request) -> $crate::Page {
                <$mix as $crate::Mix>::mix(request)
            }
        }

        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "the component's entry points are exported by name")]
        mod export_mix {
            $crate::bindings::export!($mix with_types_in $crate::bindings);
            use super::$mix;
        }
    };
}
