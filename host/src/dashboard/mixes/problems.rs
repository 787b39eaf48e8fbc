//! Why something isn't done with a mix, as a problem of the API.

use super::super::Problem;
use crate::feed::PreviewError;
use crate::uploads::{Refused, UploadError};

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Off | Refused::NotListed => Self::Forbidden(message),
            Refused::Large(_) => Self::TooLarge(message),
            Refused::Versions(_) | Refused::OwnerBytes { .. } => Self::conflict("QuotaReached", message),
            Refused::TotalBytes => Self::HostFull(message),
            Refused::Checking(_) => Self::TooMany { message, again_in: None },
            Refused::Often(_, again_in) => Self::TooMany { message, again_in: Some(again_in) },
            Refused::NoVersion(_) => Self::not_found("VersionNotFound", message),
            Refused::WasRefused(..) => Self::conflict("VersionRefused", message),
            Refused::NotYet(_) => Self::conflict("VersionNotReady", message),
            Refused::IsActive(_) => Self::conflict("VersionActive", message),
            Refused::NothingBefore => Self::conflict("NothingBefore", message),
            Refused::Busy => Self::Unavailable(message),
        }
    }
}

/// The cause is for the operator; the caller can only come again.
impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Refused(refused) => refused.into(),
            UploadError::State(_) | UploadError::Io(_) => {
                tracing::warn!(cause = %error, "uploaded mixes can't be read or written");
                Self::Unavailable("uploaded mixes can't be read or written at the moment: try again".to_owned())
            }
        }
    }
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::UnknownFeed => just_closed(),
            PreviewError::Upload(error) => error.into(),
            PreviewError::Unavailable(cause) => cause.into(),
        }
    }
}

/// It was there a moment ago.
pub(super) fn just_closed() -> Problem {
    Problem::not_found("CommunityNotFound", "the community has just been closed")
}
