//! `atrarium doctor`: what would keep a feed from being seen, found before a reader does.
//!
//! * [`machine`]: the data directory, its secret, room on the disk, open files, memory maps.
//! * [`network`]: the directory of DIDs, the Jetstream servers, the clock.
//! * [`outside`]: what the world sees at the public URL: the DID document, the feeds, a page in time, each feed's record, and nothing of the
//!   admin listener.
//!
//! It leaves everything as it was (whether the data directory can be written it tries with a file that it removes), and works whether the server runs or not. Each check ends in a [`Finding`]; one that isn't good says what to
//! do. A check that can't be made because another has failed is left out.

mod machine;
mod network;
mod outside;

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::http::control;
use crate::outbound::{Client, Limits, Policy};

/// For one request.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(10), body: 1 << 20 };

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    /// It works, and may not for long or not for everybody.
    Doubtful,
    Bad,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do, if anything is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    fn good(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, seen: seen.into(), remedy: None }
    }

    fn doubtful(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Doubtful, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    fn bad(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Bad, seen: seen.into(), remedy: Some(remedy.into()) }
    }
}

/// Makes all checks; they don't wait for each other where they needn't.
pub async fn examine(config: &Config) -> Vec<Finding> {
    // What lies on this very machine is tried out here, and nobody else can reach it.
    let private = config.allow_private_network || config.public_url.loopback_port().is_some();
    let client = Client::new(Policy::new(private));
    let mut findings = configuration(config);
    findings.extend(machine::examine(config, control::process(&config.data_dir).await));
    let (network, outside) = tokio::join!(network::examine(config, &client), outside::examine(config, &client));
    findings.extend(network);
    findings.extend(outside);
    findings
}

fn configuration(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let url = config.public_url.endpoint();
    let mut findings = Vec::new();
    if config.public_url.loopback_port().is_some() {
        findings.push(Finding::doubtful(
            CHECK,
            format!("the public URL is {url}, which only this machine can reach"),
            "set --public-url to the https address of your proxy",
        ));
    } else if let Some(trouble) = config.public_url.trouble() {
        findings.push(Finding::bad(CHECK, format!("the public URL is {url}"), trouble));
    } else {
        findings.push(Finding::good(CHECK, format!("the service is {}", config.public_url.service_did())));
    }
    if config.operators.is_empty() {
        findings.push(Finding::doubtful(CHECK, "nobody is an operator in the dashboard", "name your own DID with --operators"));
    }
    if config.public_url.loopback_port().is_none() && config.client_address_header.is_none() {
        let remedy = "if a proxy stands before the program, name the header in which it tells who asks with --client-address-header; else all callers of the API share one limit";
        findings.push(Finding::doubtful(CHECK, "callers are counted by the address that connects", remedy));
    }
    findings
}

/// The findings as text for a terminal, and whether all is well enough.
pub fn report(findings: &[Finding]) -> (String, bool) {
    let mut text = String::new();
    for Finding { check, verdict, seen, remedy } in findings {
        let mark = match verdict {
            Verdict::Good => "ok   ",
            Verdict::Doubtful => "maybe",
            Verdict::Bad => "BAD  ",
        };
        let clean: String = seen.chars().filter(|letter| !letter.is_control()).collect();
        // Writing to a string can't fail.
        let _ = writeln!(text, "{mark}  {check}: {clean}");
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "         → {remedy}");
        }
    }
    let of = |wanted: Verdict| findings.iter().filter(|finding| finding.verdict == wanted).count();
    let _ = write!(text, "\n{} good, {} to think about, {} bad", of(Verdict::Good), of(Verdict::Doubtful), of(Verdict::Bad));
    (text, of(Verdict::Bad) == 0)
}
