//! Why a call can fail. Each ends the call with nothing done; the host retries it, then sets its events aside.

use std::fmt;

use crate::bindings::atrarium::community::storage;

#[derive(Debug)]
pub enum Failure {
    /// The host calls for something that is no community's config record.
    NotACommunity(String),
    /// The host refuses to store a value.
    Refused { key: String, error: storage::Error },
    /// What is stored under this key isn't what this version of the object writes. A rebuild of the index helps.
    Unreadable(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACommunity(uri) => write!(f, "{uri} is not the URI of a community"),
            Self::Refused { key, error } => {
                let reason = match error {
                    storage::Error::Quota => "the community's storage is full",
                    storage::Error::Key => "the key is too long",
                    storage::Error::Value => "the value is too long",
                };
                write!(f, "can't store {key}: {reason}")
            }
            Self::Unreadable(key) => write!(f, "the value of {key} can't be read"),
        }
    }
}

impl std::error::Error for Failure {}
