//! Why frames are skipped, and how an operator learns of it.
//!
//! Bad input is the network's business, not an incident: each reason is counted, and named in the log at most once in ten
//! seconds, with how often it came. The start of one such frame, which may hold what somebody wrote, is for who debugs.

use std::time::Duration;

use serde_json::error::Category;
use tokio::time::Instant;

/// Between two warnings of one reason.
const QUIET: Duration = Duration::from_secs(10);

/// How much of a refused frame is shown to who debugs, in bytes.
const SAMPLE: usize = 200;

/// Why a frame was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the message isn't zstd with Jetstream's dictionary")]
    NotZstd,
    #[error("the message has more than 4 MiB of JSON")]
    TooLarge,
    #[error("the message isn't UTF-8")]
    NotUtf8,
    #[error("the message isn't JSON")]
    NotJson,
    #[error("a field is of another type than it should be")]
    WrongType,
    #[error("a field is missing")]
    MissingField,
    #[error("`did` isn't a DID, or is too long")]
    BadDid,
    #[error("`rkey` isn't a record key")]
    BadRkey,
    #[error("`rev` isn't a TID")]
    BadRev,
    #[error("`operation` is neither create, update nor delete")]
    UnknownOperation,
    #[error("an account event's `time` isn't a datetime since 1970")]
    BadAccountTime,
    #[error("an event's `time` isn't a datetime since 1970")]
    BadTime,
}

impl Refusal {
    /// In the order of the declaration, so that `reason as usize` is a position.
    pub const ALL: [Self; 12] = [
        Self::NotZstd,
        Self::TooLarge,
        Self::NotUtf8,
        Self::NotJson,
        Self::WrongType,
        Self::MissingField,
        Self::BadDid,
        Self::BadRkey,
        Self::BadRev,
        Self::UnknownOperation,
        Self::BadAccountTime,
        Self::BadTime,
    ];

    /// The reason's name in metrics and on the health page.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotZstd => "not_zstd",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::WrongType => "wrong_type",
            Self::MissingField => "missing_field",
            Self::BadDid => "bad_did",
            Self::BadRkey => "bad_rkey",
            Self::BadRev => "bad_rev",
            Self::UnknownOperation => "unknown_operation",
            Self::BadAccountTime => "bad_account_time",
            Self::BadTime => "bad_time",
        }
    }

    pub(super) fn from_json(error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Data => Self::WrongType,
            Category::Syntax | Category::Eof | Category::Io => Self::NotJson,
        }
    }
}

/// The refusals since they were last reported and since they were last warned of.
#[derive(Debug, Default)]
pub(super) struct Refusals([Tally; Refusal::ALL.len()]);

#[derive(Debug, Default)]
struct Tally {
    unreported: u64,
    unwarned: u64,
    /// The start of the first frame of those that weren't warned of.
    sample: Vec<u8>,
    warned: Option<Instant>,
}

impl Refusals {
    pub(super) fn add(&mut self, reason: Refusal, frame: &[u8]) {
        let tally = &mut self.0[reason as usize];
        if tally.unwarned == 0 {
            tally.sample.clear();
            tally.sample.extend_from_slice(&frame[..frame.len().min(SAMPLE)]);
        }
        tally.unreported += 1;
        tally.unwarned += 1;
    }

    /// What was refused since the last call; and a warning of each reason that is due one.
    pub(super) fn report(&mut self, now: Instant) -> impl Iterator<Item = (Refusal, u64)> {
        Refusal::ALL.into_iter().zip(&mut self.0).filter_map(move |(reason, tally)| {
            let due = tally.warned.is_none_or(|warned| now.duration_since(warned) >= QUIET);
            if tally.unwarned > 0 && due {
                tracing::warn!(%reason, count = tally.unwarned, "skipped frames from Jetstream");
                // Handles and texts may be in it, and the log of every day names DIDs alone.
                let sample = String::from_utf8_lossy(&tally.sample);
                tracing::debug!(%reason, ?sample, "how the first of the skipped frames begins");
                tally.unwarned = 0;
                tally.warned = Some(now);
            }
            match std::mem::take(&mut tally.unreported) {
                0 => None,
                count => Some((reason, count)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_where_their_number_says() {
        for (position, reason) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position, "{reason}");
        }
    }

    #[test]
    fn each_refusal_is_reported_once() {
        let mut refusals = Refusals::default();
        let now = Instant::now();
        let report = |refusals: &mut Refusals, now| refusals.report(now).collect::<Vec<_>>();
        refusals.add(Refusal::BadRev, &[b'x'; 1_000]);
        refusals.add(Refusal::BadRev, b"y");
        refusals.add(Refusal::NotJson, b"z");
        assert_eq!(report(&mut refusals, now), [(Refusal::NotJson, 1), (Refusal::BadRev, 2)]);
        assert_eq!(report(&mut refusals, now), []);
        refusals.add(Refusal::BadRev, b"later");
        assert_eq!(report(&mut refusals, now), [(Refusal::BadRev, 1)]);
        let tally = &refusals.0[Refusal::BadRev as usize];
        assert_eq!((tally.unwarned, tally.sample.as_slice()), (1, b"later".as_slice()));
        assert_eq!(report(&mut refusals, now + QUIET), []);
        assert_eq!(refusals.0[Refusal::BadRev as usize].unwarned, 0);
    }
}
