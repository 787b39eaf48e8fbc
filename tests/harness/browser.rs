//! Somebody's browser at the sign-in page of a real PDS, without a screen.

use std::process::Stdio;

use tokio::process::Command;

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
