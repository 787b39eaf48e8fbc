//! How much of everything there is in a soak.

use std::ops::Range;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// From the last community's founding to the last harm.
    pub(crate) length: Duration,
    /// Events a second, those of strangers included.
    pub(crate) rate: u64,
    /// Of ten communities each.
    pub(crate) families: usize,
    /// One in so many events is of our communities, once these are founded.
    pub(crate) one_in: u64,
    /// Pages of feeds a second.
    pub(crate) reads: u32,
    pub(crate) upload_every: Duration,
    /// Between the end of one harm and the next.
    pub(crate) harm_every: Duration,
    /// Chance is the same with the same seed; the clock isn't.
    pub(crate) seed: u64,
    /// Events of ours that the firehose never sends, counted from the end of the founding: to see that a loss is noticed.
    pub(crate) withheld: Range<usize>,
}
