//! Builds the hostile guests of `guests/`, and lays them where the tests find them: `$OUT_DIR/<name>.wasm`.

#![expect(clippy::print_stderr, reason = "cargo shows a failed build script's standard error")]

#[path = "../host/build/guests.rs"]
mod guests;

use std::{fs, process::ExitCode};

use guests::{build_guests, path_from_env};

/// By the name of their folder, which is that of the component whose place they take, with what is wrong with it before that; their
/// crates are called `hostile-<name>`.
const HOSTILE: [&str; 7] = ["filter", "community-feed", "moderation", "feed-mix", "backwards", "broken-filter", "broken-moderation"];

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
    for path in ["Cargo.toml", "Cargo.lock", "wit", "components", "host/build/guests.rs", "tests/build.rs", "tests/guests"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let built = build_guests(workspace, &HOSTILE.map(|name| format!("hostile-{name}")))?;
    let out = path_from_env("OUT_DIR")?;
    for name in HOSTILE {
        let from = built.join(format!("hostile_{}.wasm", name.replace('-', "_")));
        fs::copy(&from, out.join(name).with_extension("wasm")).map_err(|error| format!("can't copy {}: {error}", from.display()))?;
    }
    Ok(())
}
