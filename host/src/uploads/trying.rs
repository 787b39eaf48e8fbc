//! Asking a version beside the feeds, to see what it would do.
//!
//! Such a call takes its turn among the slow mixes', whose processor no quick feed needs, and under a name of its own: what an owner tries
//! uses up nothing of their feed's share. Whatever comes of it is told to who asked, and to nobody else: the breaker, the pace and the journal
//! of the version don't hear of it.

use std::time::{Duration, Instant};

use super::catalogue::owner_of;
use super::turnstile::{Busy, Lane};
use super::{Refused, UploadError, Uploads};
use crate::sandbox::mix::Request;
use crate::sandbox::strangers::{Failure, Run};

/// For a turn, and for a processor: longer than the slowest call of another, short enough for who looks at a page.
const PATIENCE: Duration = Duration::from_secs(2);

impl Uploads {
    /// Whether the version is there and can be asked.
    pub fn can_be_tried(&self, uri: &str, number: u32) -> Result<(), UploadError> {
        self.may_upload(owner_of(uri))?;
        self.guest(uri, number).map(drop)
    }

    /// Asks a version, for a reader who isn't known. Blocks for its turn and its call.
    pub fn try_out(&self, uri: &str, number: u32, request: &Request) -> Result<Run, UploadError> {
        self.may_upload(owner_of(uri))?;
        let guest = self.guest(uri, number)?;
        let (name, until) = (format!("{uri} tried out"), Instant::now() + PATIENCE);
        loop {
            let turn = self.0.turnstile.enter(&name, Lane::Slow, until.saturating_duration_since(Instant::now())).map_err(|Busy| Refused::Busy)?;
            let run = self.0.call(Lane::Slow, &guest, request, None, &self.0.settings.allowance).ok_or(Refused::Busy)?;
            drop(turn);
            // A feed has the default mix then; here there is time to try once more.
            if run.outcome != Err(Failure::Starved) || Instant::now() >= until {
                return Ok(run);
            }
        }
    }
}
