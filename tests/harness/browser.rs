//! Browsers: one without a screen at the sign-in page of a real PDS, and Chromium in the dashboard.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Where walks lay down what they have seen. Made, if it isn't there.
pub fn pictures() -> PathBuf {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/browser");
    std::fs::create_dir_all(&pictures).expect("the target folder can be written");
    pictures
}

/// Walks through the dashboard as a script in `tests/browser` says, told these things; what it said, and whether all of it went well. A browser
/// that hangs is ended after this time.
pub async fn walk(script: &str, within: Duration, told: &[(&str, String)]) -> (bool, String) {
    let mut walk = Command::new("node");
    walk.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script)).stdin(Stdio::null()).kill_on_drop(true);
    walk.env("PICTURES", pictures()).envs(told.iter().map(|(name, value)| (name, value)));
    let output = tokio::time::timeout(within, walk.output()).await.expect("a walk comes to its end").expect("the dashboard's tests need node");
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// What somebody does at the page that asks whether they allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    Allow,
    Refuse,
}

/// Opens the page, signs in and answers it; tells where the page sends the browser then.
pub async fn sign_in(page: &str, handle: &str, password: &str, consent: Consent) -> String {
    let answer = match consent {
        Consent::Allow => "allow",
        Consent::Refuse => "refuse",
    };
    let mut command = Command::new("node");
    command.arg(crate::part::home().join("browser.mjs")).args([page, handle, password, answer]);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("the real peers need node");
    assert!(output.status.success(), "the browser could not sign in: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a URL is text").trim().to_owned()
}
