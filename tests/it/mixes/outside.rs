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
    let files = said(&guest, "files", None);
    assert!(files.lines().count() == 13 && files.lines().all(|line| line.contains(": not possible (")), "{files}");
    assert_eq!(said(&guest, "environment", None), "0 variables, 0 arguments, path None");
}

/// What WASI's own host would wait for there panics.
#[tokio::test(flavor = "multi_thread")]
async fn nor_are_there_any_on_a_thread_of_the_runtime() {
    let files = said(&told(), "files", None);
    assert!(files.lines().count() == 13 && !files.contains(": done"), "{files}");
}

#[test]
fn clocks_stand_still_and_chance_is_the_same_every_time() {
    let guest = told();
    for _ in 0..3 {
        assert_eq!(said(&guest, "clocks", None), "the date is not the request's: 0\npassed on the wall: 0ns\npassed: 0ns");
    }
    let chance = said(&guest, "chance", None);
    assert!(!chance.is_empty());
    assert_eq!(said(&guest, "chance", Some("did:plc:reader")), chance);
}

#[test]
fn nothing_is_remembered_from_one_call_to_the_next() {
    let guest = told();
    for reader in ["did:plc:first", "did:plc:second", "did:plc:first"] {
        assert_eq!(said(&guest, "remember", Some(reader)), format!("before: \nnow: {reader}"));
    }
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
    assert!(run.printed.starts_with("line 0\nline 1\n"), "{}", run.printed);
    // Of what it prints the end is kept, and it is no error to print.
    for key in ["print", "complain"] {
        let said = said(&guest, key, None);
        assert!(said.len() < 2_500 && said.starts_with("… xxx") && said.ends_with("xxx"), "{key}: {} bytes", said.len());
    }
    let run = guest.run(&request("print-and-panic"), None, &Allowance::default());
    let failure = run.outcome.expect_err("it panics").to_string();
    assert!(failure.contains("after all that") && failure.len() < 1_500, "{failure}");
}
