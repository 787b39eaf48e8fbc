//! For authors of feed mixes: what decides the order of a community's feed, as a component in Rust.
//!
//! Implement [`Mix`], name your type in [`export_mix!`], and build the crate as a component. The host runs it in a fresh store
//! for every call, where it can do nothing but answer: no network, no files, a clock that stands still ([`Request::now`]).
//! If it traps, runs out of fuel or returns an error, the page is made by the default mix, and the community's owner sees why.
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
//! use atrarium_sdk::{Mix, Page, Request, SourceKind};
//!
//! struct NoReplies;
//!
//! impl Mix for NoReplies {
//!     fn mix(request: Request) -> Result<Page, String> {
//!         let own = request.posts().filter(|post| post.source.kind == SourceKind::Own);
//!         Ok(Page::of(own.filter(|post| !post.candidate.reply).map(|post| post.pick())))
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

pub use bindings::atrarium::feed_mix::types::{Author, Candidate, Named, Page, Pick, Request, Role, Source, SourceKind, Value};

/// The order of a feed's posts.
pub trait Mix {
    /// Picks from a block of candidates. The same request must have the same answer: pages are cached, and checked against each
    /// other.
    ///
    /// The host leaves out picks that repeat or aren't candidates. What counts as [consumed](Page::consumed) doesn't come again
    /// in the reader's walk through the feed; the rest does.
    fn mix(request: Request) -> Result<Page, String>;
}

/// A candidate with what is known around it.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    pub candidate: &'a Candidate,
    pub author: &'a Author,
    pub source: &'a Source,
    place: (u32, u32),
}

impl Post<'_> {
    /// This post, as it is.
    pub fn pick(&self) -> Pick {
        let (source, candidate) = self.place;
        Pick { source, candidate, pinned: false, feed_context: None }
    }

    /// How long ago the post is dated, in milliseconds; 0 if its date lies ahead.
    pub fn age(&self, now: i64) -> i64 {
        (now - self.candidate.sort_time).max(0)
    }
}

impl Request {
    /// All candidates: own, then the parent's, then the others', each from newest to oldest.
    pub fn posts(&self) -> impl Iterator<Item = Post<'_>> {
        let sources = (0..).zip(&self.sources);
        sources.flat_map(move |(place, source)| {
            let candidates = (0..).zip(&source.candidates);
            candidates.filter_map(move |(index, candidate)| {
                let author = self.authors.get(candidate.author as usize)?;
                Some(Post { candidate, author, source, place: (place, index) })
            })
        })
    }
}

impl Page {
    /// These picks; all other candidates are done with and don't come again in this walk.
    pub fn of(picks: impl IntoIterator<Item = Pick>) -> Self {
        Self { picks: picks.into_iter().collect(), consumed: None, more: Vec::new() }
    }
}

/// Tells the community's owner something.
pub fn log(message: &str) {
    #[cfg(target_arch = "wasm32")]
    bindings::atrarium::feed_mix::log::log(message);
    // In a native test there is nobody to be told.
    #[cfg(not(target_arch = "wasm32"))]
    let _ = message;
}

/// The DID that reads, if it is verified. A mix that never asks is run once for all readers. In native tests nobody reads.
pub fn viewer() -> Option<String> {
    #[cfg(target_arch = "wasm32")]
    return bindings::atrarium::feed_mix::viewer::did();
    #[cfg(not(target_arch = "wasm32"))]
    None
}

/// Makes this type, which is a [`Mix`], the component's answer to the host. Once in a crate, beside the type.
#[macro_export]
macro_rules! export_mix {
    ($mix:ident) => {
        impl $crate::bindings::exports::atrarium::feed_mix::mix::Guest for $mix {
            fn mix(request: $crate::Request) -> Result<$crate::Page, String> {
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
