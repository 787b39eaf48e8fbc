//! What the program asks of others: the directory of DIDs, the Jetstream servers, and whether its clock is theirs.

use std::time::Duration;

use chrono::DateTime;

use super::{Finding, LIMITS};
use crate::clock::Clock;
use crate::config::Config;
use crate::jetstream::{self, Endpoint};
use crate::outbound::Client;

/// For a subscription, and for the first event after it.
const PATIENCE: Duration = Duration::from_secs(8);

/// Tokens are good for a minute, so a clock that is off by more knows none.
const SKEW: i64 = 2_000;
const TOO_MUCH_SKEW: i64 = 30_000;

/// An event that is older when it comes: the server itself is behind.
const BEHIND_US: u64 = 60_000_000;

pub(super) async fn examine(config: &Config, client: &Client) -> Vec<Finding> {
    let jetstreams = futures_util::future::join_all(config.jetstream.iter().map(|url| jetstream(url, config.allow_private_network)));
    let (mut findings, jetstreams) = tokio::join!(directory(config, client), jetstreams);
    let works = jetstreams.iter().any(|(_, works)| *works);
    findings.extend(jetstreams.into_iter().map(|(finding, _)| finding));
    if !works {
        let remedy = "let the machine reach at least one of them (outgoing, port 443), or name others with --jetstream";
        findings.push(Finding::bad("firehose", "no Jetstream server can be followed: no feed would get a post", remedy));
    }
    findings
}

/// The directory, and by its answer the clock.
async fn directory(config: &Config, client: &Client) -> Vec<Finding> {
    const CHECK: &str = "directory of DIDs";
    let mut url = config.plc_url.clone();
    url.set_path("/_health");
    let answer = match client.get(&url, LIMITS).await {
        Ok(answer) => answer,
        Err(cause) => {
            return vec![Finding::bad(
                CHECK,
                cause.to_string(),
                "let the machine reach it (outgoing, port 443): without it nobody can sign in, and no token of a reader is believed",
            )];
        }
    };
    let mut findings = vec![match answer.status() {
        200..=299 => Finding::good(CHECK, format!("{} answers", config.plc_url)),
        status => {
            Finding::doubtful(CHECK, format!("{url} answers {status}"), "look whether --plc-url is right; if it is, wait for the directory to be well again")
        }
    }];
    let now_ms = Clock::system().now_ms();
    if let Some(theirs) = answer.header("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
        // Their date has whole seconds.
        findings.push(clock(now_ms - (theirs.timestamp_millis() + 500)));
    }
    findings
}

/// Whether a clock will do that is so many milliseconds ahead of theirs; one that is behind has fewer than none.
fn clock(skew_ms: i64) -> Finding {
    const CHECK: &str = "clock";
    let seen = format!("this machine's clock is {:.1} seconds {} the directory's", skew_ms.abs() as f64 / 1e3, if skew_ms < 0 { "behind" } else { "ahead of" });
    let remedy = "let it be set by NTP (timedatectl set-ntp true): by a wrong clock readers' tokens are refused and posts come at the wrong time";
    match skew_ms.abs() {
        ..SKEW => Finding::good(CHECK, seen),
        SKEW..TOO_MUCH_SKEW => Finding::doubtful(CHECK, seen, remedy),
        _ => Finding::bad(CHECK, seen, remedy),
    }
}

/// What a server does, and whether it can be followed. `may_be_silent`: it may follow a network of one's own, where nothing happens for
/// hours; the public one has hundreds of events a second.
async fn jetstream(url: &str, may_be_silent: bool) -> (Finding, bool) {
    const CHECK: &str = "firehose";
    let endpoint: Endpoint = match url.parse() {
        Ok(endpoint) => endpoint,
        Err(cause) => return (Finding::bad(CHECK, format!("{cause}"), "correct --jetstream"), false),
    };
    let now_us = Clock::system().now_us();
    match jetstream::probe(&endpoint, now_us, PATIENCE).await {
        Ok(probe) => {
            let opened = probe.opened.as_millis();
            let behind = probe.time_us.map(|time_us| Clock::system().now_us().saturating_sub(time_us));
            match behind {
                Some(behind) if behind > BEHIND_US => {
                    let seen = format!("{endpoint} is {} seconds behind the network", behind / 1_000_000);
                    (Finding::doubtful(CHECK, seen, "put another server before it in --jetstream"), true)
                }
                Some(behind) => {
                    (Finding::good(CHECK, format!("{endpoint} took the subscription in {opened} ms, its first event is {} ms old", behind / 1_000)), true)
                }
                None if may_be_silent => {
                    (Finding::good(CHECK, format!("{endpoint} took the subscription in {opened} ms; nothing has happened there since")), true)
                }
                None => {
                    let seen = format!("{endpoint} took the subscription in {opened} ms, and sent nothing for {} seconds after it", PATIENCE.as_secs());
                    let remedy = "the public network is never silent for so long, so this server is stuck: put another before it in --jetstream";
                    (Finding::doubtful(CHECK, seen, remedy), false)
                }
            }
        }
        Err(cause) => (
            Finding::doubtful(
                CHECK,
                format!("{endpoint}: {cause}"),
                "it is tried again and again while others are followed; leave it out of --jetstream if it is gone for good",
            ),
            false,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{self, Bad, Doubtful, Good};

    #[test]
    fn a_clock_that_is_off_is_told_by_how_much_and_which_way() {
        let check = |skew_ms: i64, verdict: Verdict, way: &str| {
            let found = clock(skew_ms);
            assert_eq!((found.check, found.verdict, found.seen), ("clock", verdict, format!("this machine's clock is {way} the directory's")), "{skew_ms}");
            assert_eq!(found.remedy.is_some_and(|remedy| remedy.contains("NTP")), verdict != Good, "{skew_ms}");
        };
        check(0, Good, "0.0 seconds ahead of");
        check(1_900, Good, "1.9 seconds ahead of");
        check(-1_900, Good, "1.9 seconds behind");
        check(1_999, Good, "2.0 seconds ahead of");
        check(-1_999, Good, "2.0 seconds behind");
        check(2_000, Doubtful, "2.0 seconds ahead of");
        check(-2_000, Doubtful, "2.0 seconds behind");
        check(29_999, Doubtful, "30.0 seconds ahead of");
        check(-29_999, Doubtful, "30.0 seconds behind");
        check(30_000, Bad, "30.0 seconds ahead of");
        check(-30_000, Bad, "30.0 seconds behind");
        check(86_400_000, Bad, "86400.0 seconds ahead of");
        check(-86_400_000, Bad, "86400.0 seconds behind");
    }
}
