//! Builds the guests of `guests/` and the example in Rust, and lays them where the tests find them: `$OUT_DIR/<name>.wasm`.

#![expect(clippy::print_stderr, reason = "cargo shows a failed build script's standard error")]

#[path = "../host/build/guests.rs"]
mod guests;

use std::{fs, process::ExitCode};

use guests::{build_guests, path_from_env};

/// Packages, and the names of what is built. Of those that are hostile it is the name of the component whose place they take.
const GUESTS: [(&str, &str); 10] = [
    ("hostile-filter", "filter"),
    ("hostile-community-feed", "community-feed"),
    ("hostile-moderation", "moderation"),
    ("hostile-feed-mix", "feed-mix"),
    ("hostile-backwards", "backwards"),
    ("hostile-broken-filter", "broken-filter"),
    ("hostile-broken-moderation", "broken-moderation"),
    ("hostile-told", "told"),
    ("older-mix", "older-mix"),
    ("atrarium-example-quiet-voices", "quiet-voices"),
];

/// What they are built from. Not all of `components`: beside the examples lies what building them leaves there.
const SOURCES: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "wit",
    "components/filter",
    "components/community-feed",
    "components/moderation",
    "components/feed-mix",
    "components/sdk",
    "components/examples/quiet-voices/src",
    "host/build/guests.rs",
    "tests/build.rs",
    "tests/guests",
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let package = path_from_env("CARGO_MANIFEST_DIR")?;
    let workspace = package.parent().ok_or("the tests' folder has no parent")?;
    for path in SOURCES {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let built = build_guests(workspace, &GUESTS.map(|(package, _)| package.to_owned()))?;
    let out = path_from_env("OUT_DIR")?;
    for (package, name) in GUESTS {
        let from = built.join(format!("{}.wasm", package.replace('-', "_")));
        fs::copy(&from, out.join(name).with_extension("wasm")).map_err(|error| format!("can't copy {}: {error}", from.display()))?;
    }
    Ok(())
}
