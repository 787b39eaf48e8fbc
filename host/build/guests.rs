//! Building guests: crates of this workspace, but for another target and with a profile of their own.
//!
//! A second cargo builds them, in a target directory of its own, since the first holds the lock of its. It starts with a clean
//! environment: what is set for us (flags, wrappers such as clippy's, coverage, a job server) is not meant for them. It fails with
//! what the second cargo said, or, where Rust lacks the target and rustup can't add it, with one sentence.
//!
//! The build scripts of the host and of the whole-program tests share this file.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const TARGET: &str = "wasm32-wasip2";

/// Builds these packages of the workspace as components. Returns the folder in which they lie.
pub(super) fn build_guests(workspace: &Path, packages: &[String]) -> Result<PathBuf, String> {
    ensure_target()?;
    let target_dir = match env::var_os("CARGO_TARGET_DIR") {
        Some(outer) => workspace.join(outer).join("guests"),
        None => workspace.join("target").join("guests"),
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--profile", "guest", "--target", TARGET]);
    cargo.arg("--manifest-path").arg(workspace.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(&target_dir);
    cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    for (name, _) in env::vars_os() {
        if name.to_str().is_none_or(is_meant_for_us) {
            cargo.env_remove(name);
        }
    }
    let status = cargo.stdout(Stdio::null()).status().map_err(|error| format!("can't start cargo: {error}"))?;
    if !status.success() {
        return Err("the components could not be built; what cargo said is above".to_owned());
    }
    Ok(target_dir.join(TARGET).join("guest"))
}

/// Whether an environment variable steers or describes this build, and not cargo in general.
fn is_meant_for_us(name: &str) -> bool {
    let general = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_"];
    let ours = ["CARGO_", "RUSTFLAGS", "RUSTC", "RUSTDOC", "CLIPPY_", "LLVM_PROFILE_FILE", "MAKEFLAGS", "MFLAGS"];
    let starts_with_any = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    starts_with_any(&ours) && !starts_with_any(&general)
}

/// Adds the target to the toolchain once, if it isn't there.
fn ensure_target() -> Result<(), String> {
    if has_target() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).stdout(Stdio::null()).status();
    if added.is_ok_and(|status| status.success()) && has_target() {
        return Ok(());
    }
    Err(format!(
        "The components need Rust's {TARGET} target, which this toolchain lacks and rustup could not add: \
         run `rustup target add {TARGET}` where there is a network, or install it as your system does."
    ))
}

/// Asks the compiler itself, since not every toolchain comes from rustup.
fn has_target() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout);
        output.status.success() && Path::new(folder.trim()).is_dir()
    })
}

pub(super) fn path_from_env(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo did not set {name}"))
}
