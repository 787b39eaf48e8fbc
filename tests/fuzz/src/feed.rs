//! The feed's cursor, and what stands in for the feed where `http/skeleton.rs` hands over what was asked.

#[path = "../../../host/src/feed/cursor.rs"]
pub mod cursor;

/// Stands in for the type of `feed/skeleton.rs`, which reads the index.
pub struct Request<'a> {
    pub owner: &'a str,
    pub rkey: &'a str,
    pub limit: u32,
    pub cursor: Option<&'a str>,
    pub viewer: Option<&'a str>,
}

/// Stands in for the same file's.
pub enum FeedError {
    UnknownFeed,
    BadCursor(String),
    Unavailable(String),
}
