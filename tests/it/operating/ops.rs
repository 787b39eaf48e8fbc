//! The files under `host/ops`, as far as a test can hold them: they name what there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use atrarium::cli::{self, Command};
use atrarium::telemetry::names::{ALL, Kind};
use atrarium_tests::process::ENVIRONMENT;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

/// The numbers that a text names.
fn numbers(text: &str) -> BTreeSet<String> {
    let names = text.match_indices("atrarium_").map(|(at, _)| text[at..].chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect());
    names.collect()
}

#[test]
fn the_dashboard_and_the_alerts_use_numbers_that_there_are() {
    for file in ["host/ops/grafana.json", "host/ops/alerts.yml"] {
        let names = numbers(&read(file));
        assert!(names.len() > 10, "{file}: {names:?}");
        for name in names {
            let known = ALL.iter().any(|metric| match metric.kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(metric.name)),
                _ => name == metric.name,
            });
            assert!(known, "{file} uses {name}, which nobody counts");
        }
    }
    let dashboard: serde_json::Value = serde_json::from_str(&read("host/ops/grafana.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    assert!(panels.len() > 25 && panels.iter().all(|panel| panel["title"].as_str().is_some_and(|title| !title.is_empty())));
    // What operators ask for and other hosts don't show.
    for wanted in
        ["atrarium_skeleton_late_total", "atrarium_jetstream_lag_seconds", "atrarium_queue_age_seconds", "atrarium_dead_letters", "atrarium_community_load"]
    {
        assert!(read("host/ops/grafana.json").contains(wanted), "{wanted}");
    }
}

/// Where there is a nought before the first that is counted, so that an alert sees it grow.
#[test]
fn what_alerts_see_growing_is_told_from_the_start() {
    let alerts = read("host/ops/alerts.yml");
    let mut seen = 0;
    for (at, _) in alerts.match_indices("increase(") {
        let series = alerts[at + "increase(".len()..].split('[').next().unwrap_or_default();
        let (name, selector) = series.split_once('{').unwrap_or((series, ""));
        let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
        assert!(!metric.from_nought.is_empty(), "{name}");
        if let Some((label, value)) = selector.trim_end_matches('}').split_once("=\"") {
            let (negated, label) = (label.ends_with('!'), label.trim_end_matches('!'));
            let told = metric.from_nought.contains(&Some((label, value.trim_end_matches('"'))));
            assert!(told || negated && metric.from_nought.len() > 2, "{series}");
        }
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}

/// A number that is counted by labels isn't told without them, and the other way round.
#[test]
fn numbers_have_the_labels_that_they_are_said_to_have() {
    let mut folders = vec![root().join("host/src")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it is there").flatten().map(|entry| entry.path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let source = std::fs::read_to_string(&entry).expect("it is text");
            for (at, _) in source.match_indices("counter!(") {
                let rest = source[at + "counter!(".len()..].trim_start();
                let Some((name, rest)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) else { continue };
                let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} in {}", entry.display()));
                assert_eq!(metric.from_nought.contains(&None), rest.trim_start().starts_with(')'), "{name} in {}", entry.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn each_alert_has_its_remedy_in_the_readme() {
    let (alerts, readme) = (read("host/ops/alerts.yml"), read("README.md"));
    let remedies =
        readme.split_once("### When an alert rings").and_then(|(_, rest)| rest.split_once("\n###")).map(|(remedies, _)| remedies).expect("the chapter");
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in &names {
        let rows: Vec<&str> =
            remedies.lines().filter(|line| line.split('|').nth(1).is_some_and(|cell| cell.split(',').any(|one| one.trim() == *name))).collect();
        assert_eq!(rows.len(), 1, "{name} has one remedy");
        assert!(alerts.contains(&format!("When an alert rings, {name}\"")), "{name} says where its remedy is");
    }
    for row in remedies.lines().filter(|line| line.starts_with("| Atrarium")) {
        for name in row.split('|').nth(1).unwrap_or_default().split(',') {
            assert!(names.contains(&name.trim()), "{name} is no alert");
        }
    }
}

#[test]
fn the_example_configuration_is_one_and_the_unit_lets_the_program_do_its_work() {
    let file = root().join("host/ops/atrarium.toml").to_string_lossy().into_owned();
    match cli::parse(["atrarium", "serve", "--config", &file].map(Into::into), []) {
        Ok(Command::Serve(config)) => assert_eq!(config.public_url.service_did(), "did:web:feeds.example.org"),
        other => panic!("{other:?}"),
    }
    let unit = read("host/ops/atrarium.service");
    let set = |line: &str| unit.lines().any(|found| found == line);
    for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "KillMode=mixed", "StateDirectory=atrarium"] {
        assert!(set(line), "{line}");
    }
    // The tests, and `make soak`, start the program with the same.
    let (name, value) = ENVIRONMENT;
    assert!(set(&format!("Environment={name}={value}")), "{name}");
    assert!(read("host/ops/Dockerfile").lines().any(|line| line.starts_with("ENV ") && line.ends_with(&format!(" {name}={value}"))), "{name}");
    assert!(!unit.lines().any(|line| line.starts_with("MemoryDenyWriteExecute=") || line.starts_with("LimitAS=")), "compiled code could not run");
    let caddy = read("host/ops/Caddyfile");
    assert!(caddy.contains("reverse_proxy 127.0.0.1:3000") && !caddy.lines().any(|line| !line.trim().starts_with('#') && line.contains("3001")));
}
