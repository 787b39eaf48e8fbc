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
//!         Ok(Page::of(own.filter(|post| !post.reply).map(|post| post.number)))
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

pub use bindings::atrarium::feed_mix::types::{Author, Named, Note, Page, Posts, Request, Role, Source, SourceKind, Value};

/// The order of a feed's posts.
pub trait Mix {
    /// Picks from a block of posts. The same request must have the same answer: pages are cached, and checked against each
    /// other.
    ///
    /// The host leaves out picks that repeat or aren't posts. What counts as [consumed](Page::consumed) doesn't come again in
    /// the reader's walk through the feed; the rest does.
    fn mix(request: Request) -> Result<Page, String>;
}

/// A post that may be picked, with what is known around it.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// What a page's picks, pins and notes call it.
    pub number: u32,
    pub uri: &'a str,
    pub source: &'a Source,
    pub author: &'a Author,
    /// The post's own date: milliseconds since the Unix epoch.
    pub sort_time: i64,
    pub reply: bool,
    pub languages: &'a [String],
    pub labels: &'a [String],
}

impl Post<'_> {
    /// How long ago the post is dated, in milliseconds; 0 if its date lies ahead.
    pub fn age(&self, now: i64) -> i64 {
        (now - self.sort_time).max(0)
    }
}

impl Request {
    /// All posts: own, then the parent's, then the others', each from newest to oldest.
    pub fn posts(&self) -> impl Iterator<Item = Post<'_>> {
        (0..self.posts.uri.len()).filter_map(move |index| {
            let posts = &self.posts;
            Some(Post {
                number: u32::try_from(index).ok()?,
                uri: &posts.uri[index],
                source: self.sources.get(*posts.source.get(index)? as usize)?,
                author: self.authors.get(*posts.author.get(index)? as usize)?,
                sort_time: *posts.sort_time.get(index)?,
                reply: *posts.reply.get(index)?,
                languages: self.languages.get(*posts.languages.get(index)? as usize)?,
                labels: self.labels.get(*posts.labels.get(index)? as usize)?,
            })
        })
    }
}

impl Page {
    /// These picks; all other posts are done with and don't come again in this walk.
    pub fn of(picks: impl IntoIterator<Item = u32>) -> Self {
        Self { picks: picks.into_iter().collect(), pinned: None, notes: None, consumed: None, more: None }
    }

    /// The same, with these of the picks pinned.
    #[must_use]
    pub fn pinned(self, posts: impl IntoIterator<Item = u32>) -> Self {
        Self { pinned: Some(posts.into_iter().collect()), ..self }
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
