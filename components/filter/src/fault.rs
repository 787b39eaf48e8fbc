//! What can be wrong with a record, as the fixed set of codes that the host counts and shows to operators.
//!
//! A code says which kind of rule is broken, not where: records are strangers' text, and a counter's label must not be.

use std::fmt;

/// The first rule that a record breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The text is not JSON, or holds what no Unicode string can, such as half a surrogate pair.
    NotJson,
    /// The record or a field is of another type than its lexicon says. `null` is such a type.
    WrongTypeField,
    MissingField,
    /// More bytes or graphemes than the field may have.
    TooLong,
    /// Fewer graphemes than the field must have.
    TooShort,
    /// More entries than the list may have.
    TooMany,
    BadDatetime,
    /// Not an AT-URI of a record in the collection that the field must name, by DID.
    BadUri,
    /// The record's own AT-URI is longer than those that other records may name.
    LongUri,
    BadDid,
    BadHashtag,
    /// The parts of a mix don't make a whole.
    BadShares,
    /// None of the values that the field may have.
    UnknownValue,
}

impl Fault {
    /// The code in the verdict.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::WrongTypeField => "wrong-type-field",
            Self::MissingField => "missing-field",
            Self::TooLong => "too-long",
            Self::TooShort => "too-short",
            Self::TooMany => "too-many",
            Self::BadDatetime => "bad-datetime",
            Self::BadUri => "bad-uri",
            Self::LongUri => "long-uri",
            Self::BadDid => "bad-did",
            Self::BadHashtag => "bad-hashtag",
            Self::BadShares => "bad-shares",
            Self::UnknownValue => "unknown-value",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Fault {}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        if error.is_data() { Self::WrongTypeField } else { Self::NotJson }
    }
}
