//! What an operator decides about uploads.

use super::child::Bounds;
use crate::sandbox::strangers::Allowance;

/// How much there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Versions of one community.
    pub versions: usize,
    /// Bytes of one owner, the same component counted once.
    pub owner_bytes: u64,
    /// Bytes of all.
    pub total_bytes: u64,
    /// Components of one owner that are being looked at.
    pub checking: usize,
    /// Components of one owner that are compiled in an hour.
    pub per_hour: usize,
}

/// Who may upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    Nobody,
    Everybody,
    /// These DIDs.
    Only(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub admitted: Admitted,
    /// Bytes of one component.
    pub largest: u64,
    pub quotas: Quotas,
    /// What one call may take.
    pub allowance: Allowance,
    /// What looking at one component may take.
    pub bounds: Bounds,
}

impl Admitted {
    pub fn lets(&self, did: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::Only(dids) => dids.iter().any(|admitted| admitted == did),
        }
    }
}
