//! What authors of mixes do at home: `atrarium mix new`, `check`, `run` and `bench`.
//!
//! * [`new`]: a mix to begin with, in one of three languages.
//! * [`check`]: the very admission that a server does, in a process with its limits.
//! * [`run`]: the page that a mix makes of some posts, beside the default mix's.
//! * [`bench`]: what a call takes.
//! * [`posts`]: the posts that a mix is tried with.
//!
//! Nothing here needs a running server, or a configuration: the bounds are the options' defaults. Each answers a text for the terminal, or why
//! there is none, in a sentence.

pub mod bench;
pub mod check;
pub mod new;
pub mod posts;
pub mod run;

use std::path::Path;

/// A component's bytes.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|cause| format!("{} can't be read: {cause}", file.display()))
}

/// Thousands are told apart, since fuel has many.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(super::grouped(number), text);
        }
    }
}
