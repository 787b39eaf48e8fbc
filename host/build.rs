//! Builds the components that the program carries in itself, and lays them where `include_bytes!` finds them; and tells the program of which
//! commit it is.
//!
//! How they are built, and how that fails, stands in `build/guests.rs`; what a commit is called in `build/commit.rs`.

#![expect(clippy::print_stderr, reason = "cargo shows a failed build script's standard error")]

#[path = "build/commit.rs"]
mod commit;
#[path = "build/guests.rs"]
mod guests;

use std::{fs, process::ExitCode};

use guests::{build_guests, path_from_env};

/// The components, by the name of their folder; their crates are called `atrarium-<name>`.
const GUESTS: [&str; 4] = ["filter", "community-feed", "moderation", "feed-mix"];

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
    let workspace = package.parent().ok_or("the host's folder has no parent")?;
    for file in ["Cargo.toml", "Cargo.lock", "wit"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    for name in GUESTS.into_iter().chain(["sdk"]) {
        for part in ["Cargo.toml", "src"] {
            let path = workspace.join("components").join(name).join(part);
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    println!("cargo::rustc-env=ATRARIUM_COMMIT={}", commit::commit(workspace));
    // The dashboard's files are read by `include_dir!`; the folder is there even if nothing was built.
    println!("cargo::rerun-if-changed={}", package.join("dashboard/dist").display());
    let built = build_guests(workspace, &GUESTS.map(|name| format!("atrarium-{name}")))?;
    let out = path_from_env("OUT_DIR")?;
    for name in GUESTS {
        let from = built.join(format!("atrarium_{}.wasm", name.replace('-', "_")));
        fs::copy(&from, out.join(name).with_extension("wasm")).map_err(|error| format!("can't copy {}: {error}", from.display()))?;
    }
    Ok(())
}
