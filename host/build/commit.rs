//! Naming the commit of which the program is built.
//!
//! Only in release builds: while the program is worked on, each commit would compile it anew.

use std::{env, path::Path, process::Command};

/// The commit, or why there is none, in one word.
pub(super) fn commit(workspace: &Path) -> String {
    println!("cargo::rerun-if-env-changed=ATRARIUM_COMMIT");
    if let Some(given) = env::var("ATRARIUM_COMMIT").ok().map(|given| given.trim().to_owned()).filter(|given| is_plain(given)) {
        return given;
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return "development".to_owned();
    }
    // The log of the head grows with each commit, whatever it is on.
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(workspace, &["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={}", workspace.join(path).display());
        }
    }
    git(workspace, &["rev-parse", "--short=12", "HEAD"]).filter(|commit| is_plain(commit)).unwrap_or_else(|| "unknown".to_owned())
}

fn git(workspace: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(workspace).args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()?;
    Some(text.trim().to_owned())
}

fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}
