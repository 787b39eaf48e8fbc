//! What an operator decides about the mixes that owners upload.

use std::time::Duration;

/// Bounds, defaults and their reasons stand in `keys.rs`.
#[derive(Debug, Clone)]
pub struct Uploads {
    /// Whether nobody may upload.
    pub off: bool,
    /// If not empty, only these DIDs may.
    pub uploaders: Vec<String>,
    /// Bytes of one component (the option is in MiB).
    pub largest: u64,
    /// Versions of one community.
    pub versions: usize,
    /// Bytes of one owner's components (MiB).
    pub owner_bytes: u64,
    /// Bytes of all components (MiB).
    pub total_bytes: u64,
    /// Fuel of one call (millions).
    pub fuel: u64,
    /// How long one call may last.
    pub time: Duration,
    /// Bytes of memory of one call (MiB).
    pub memory: usize,
    /// Processor time for compiling and trying one component.
    pub compile: Duration,
    /// Bytes of memory for it (MiB).
    pub compile_memory: u64,
}
