//! Why there is no answer.

use std::time::Duration;

/// Why a request has no answer that can be used. Each says who was asked; none says with what query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL isn't one that is asked. For good, unless the configuration changes.
    #[error("{host} is not asked: {reason}")]
    Refused { host: String, reason: &'static str },
    /// Each of the host's addresses is one that is not connected to. For good, as far as we are concerned.
    #[error("{host} is not connected to: it has no public address, but {addresses}")]
    Address { host: String, addresses: String },
    /// Too many requests wait already. Worth trying later.
    #[error("{host} was not asked: too many requests are waiting")]
    Busy { host: String },
    /// Worth trying later, like all that follow.
    #[error("{host} did not answer within {deadline:?}")]
    Timeout { host: String, deadline: Duration },
    #[error("the name {host} was not found: {cause}")]
    Lookup { host: String, cause: String },
    #[error("{host} could not be connected to: {cause}")]
    Connect { host: String, cause: String },
    #[error("{host} could not prove who it is: {cause}")]
    Tls { host: String, cause: String },
    #[error("the certificate of {host} is over: {cause}")]
    Expired { host: String, cause: String },
    #[error("{host} did not speak HTTP to the end: {cause}")]
    Broken { host: String, cause: String },
    /// The body, or what was announced of it.
    #[error("{host} answered with more than {limit} bytes")]
    TooLarge { host: String, limit: usize },
    /// An answer came, but not the one that was asked for.
    #[error("{host} answered with status {status}")]
    Status { host: String, status: u16 },
    #[error("{host} answered with JSON that doesn't fit: {cause}")]
    Json { host: String, cause: String },
}

impl OutboundError {
    /// One word for it, as a label of a number.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Address { .. } => "address",
            Self::Busy { .. } => "busy",
            Self::Timeout { .. } => "timeout",
            Self::Lookup { .. } => "lookup",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } | Self::Expired { .. } => "tls",
            Self::Broken { .. } => "broken",
            Self::TooLarge { .. } => "too_large",
            Self::Status { .. } => "status",
            Self::Json { .. } => "json",
        }
    }
}
