//! The contract stays what it was when strangers began to write for it.

use std::path::{Path, PathBuf};

use atrarium::sandbox::strangers::Allowance;
use atrarium_tests::mixes::{admitted, request};
use atrarium_tests::uploads::component;

fn from_the_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The words of a contract, without what is said about them.
fn words(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(from_the_root(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"));
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn version_one_is_what_it_was_frozen_as() {
    let (frozen, now) = (words("tests/guests/mixes/older/feed-mix-1.0.0.wit"), words("wit/feed-mix/feed-mix.wit"));
    assert_eq!(frozen.first().map(String::as_str), Some("package"));
    if now.get(1).is_some_and(|package| package == "atrarium:feed-mix@1.0.0;") {
        assert_eq!(now, frozen, "what may grow, and how, stands in wit/README.md");
    } else {
        let missing: Vec<_> = frozen.iter().skip(2).filter(|word| !now.contains(word)).collect();
        assert!(missing.is_empty(), "a later version of 1 has all that 1.0.0 had: {missing:?}");
    }
}

#[test]
fn the_examples_and_templates_have_the_very_contract() {
    let ours = std::fs::read_to_string(from_the_root("wit/feed-mix/feed-mix.wit")).expect("the contract");
    for example in ["welcome", "tongues"] {
        let path = format!("components/examples/{example}/wit/feed-mix.wit");
        let theirs = std::fs::read_to_string(from_the_root(&path)).unwrap_or_else(|cause| panic!("{path}: {cause}"));
        assert_eq!(theirs, ours, "{path}");
    }
}

#[test]
fn a_mix_that_was_written_on_that_day_still_runs() {
    let (profile, guest) = admitted(&component(env!("OUT_DIR"), "older-mix"));
    assert!(profile.can_ask_viewer && profile.asked_viewer, "{profile:?}");
    let run = guest.run(&request("main"), Some("did:plc:reader"), &Allowance::default());
    let answer = run.outcome.unwrap_or_else(|failure| panic!("it {failure}: {}", run.printed));
    assert_eq!(answer.picks.len(), 600);
    assert!(answer.picks[0].pinned && answer.picks.iter().any(|pick| pick.context.is_some()), "{:?}", answer.picks[0]);
    assert!(run.asked && run.printed.contains("did:plc:reader"), "{}", run.printed);
}
