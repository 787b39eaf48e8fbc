//! The read path: from a request for a feed to a skeleton. Start reading at [`skeleton`].
//!
//! ```text
//! skeleton.rs  a request → a page, in one snapshot
//! block.rs     what the sources offer next, and how far an answer brings the walk
//! sources.rs   candidates from own, parent and global
//! home.rs      which of these a post belongs to
//! mixing.rs    asking a mix, and what to do when it fails
//! orders.rs    what was picked and has yet to be shown
//! cursor.rs    where a walk goes on
//! preview.rs   what a version of a community's mix would show, beside what is shown now
//! cache.rs     pages that need not be made again, and what is served while the database is away
//! ```
//!
//! A feed is read in one snapshot of the database and never enters a community's object. Nothing here writes.

mod block;
mod cache;
pub mod cursor;
mod home;
mod mixing;
mod orders;
mod preview;
pub mod skeleton;
pub mod sources;

pub use preview::{Calls, Preview, PreviewError, Shown};
pub use skeleton::{FeedError, Feeds, Request};
