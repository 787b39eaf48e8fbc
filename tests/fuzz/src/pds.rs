//! What is looked at before an answer of a user's server is parsed.

#[path = "../../../host/src/pds/flat.rs"]
mod flat;

/// Whether JSON is flat enough for the libraries that read it.
pub(crate) fn is_flat(json: &[u8]) -> bool {
    flat::check(json).is_ok()
}
