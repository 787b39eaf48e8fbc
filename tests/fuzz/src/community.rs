//! Stands in for `community`, of which a feed's cursor names one type.

/// Stands in for `community/showing.rs`, which reads the index.
pub mod showing {
    /// The number of a commit.
    pub type Edition = u64;
}
