//! The cursors of the API's lists.

#[expect(dead_code, reason = "the rest is for the lists")]
#[path = "../../../host/src/dashboard/page.rs"]
pub mod page;

pub mod cursors;

/// Stands in for `dashboard/problem.rs`, which knows what servers and the index answer.
#[derive(Debug)]
pub enum Problem {
    Invalid(String),
}
