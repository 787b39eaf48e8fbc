//! What can be had of the world outside: nothing.

use atrarium::sandbox::strangers::{Allowance, Failure, Guest};
use atrarium_tests::mixes::{admitted, request};
use atrarium_tests::uploads::component;

/// A mix that does what the record key of its community says.
fn told() -> Guest {
    admitted(&component(env!("OUT_DIR"), "told")).1
}

/// What it says when it is told this.
fn said(guest: &Guest, key: &str, viewer: Option<&str>) -> String {
    let run = guest.run(&request(key), viewer, &Allowance::default());
    assert!(run.outcome.is_ok(), "{key}: {run:?}");
    run.printed
}

#[test]
fn there_are_no_files_and_there_is_no_environment() {
    let guest = told();
    for key in ["files", "environment"] {
        let said = said(&guest, key, None);
        assert!(!said.is_empty() && !said.contains(": done"), "{key}: {said}");
    }
}

#[test]
fn clocks_stand_still_and_chance_is_the_same_every_time() {
    let guest = told();
    for key in ["clocks", "chance"] {
        let first = said(&guest, key, None);
        assert!(!first.is_empty(), "{key}");
        assert_eq!(said(&guest, key, None), first, "{key}");
    }
}

#[test]
fn nothing_is_remembered_from_one_call_to_the_next() {
    let guest = told();
    let first = said(&guest, "remember", Some("did:plc:first"));
    for _ in 0..3 {
        let second = said(&guest, "remember", Some("did:plc:second"));
        assert!(!second.contains("first"), "{second}");
    }
    assert_eq!(said(&guest, "remember", Some("did:plc:first")), first);
}

#[test]
fn whatever_ends_it_ends_its_call_alone() {
    let guest = told();
    let check = |key: &str, kind: &str, words: &str| {
        let run = guest.run(&request(key), None, &Allowance::default());
        let failure: Failure = run.outcome.expect_err(key);
        assert_eq!(failure.kind(), kind, "{key}: {failure}");
        assert!(failure.to_string().contains(words), "{key}: {failure}");
        assert!(run.printed.len() < 5_000, "{key}: {} bytes", run.printed.len());
        assert!(guest.run(&request("honest"), None, &Allowance::default()).outcome.is_ok(), "after {key}");
    };
    check("panic", "trap", "told to panic");
    check("exit", "trap", "ended itself with code 1");
    check("abort", "trap", "");
    check("give-up", "refused", "told to give up");
    // Filling memory takes fuel as well, and here that ends first.
    check("eat", "fuel", "");
}

#[test]
fn what_it_says_is_bounded() {
    let guest = told();
    let run = guest.run(&request("log"), None, &Allowance::default());
    assert!(run.printed.len() < 5_000 && run.printed.contains("bytes more"), "{} bytes", run.printed.len());
    for key in ["print", "complain"] {
        let run = guest.run(&request(key), None, &Allowance::default());
        assert!(run.printed.len() < 5_000, "{key}: {} bytes", run.printed.len());
    }
}
