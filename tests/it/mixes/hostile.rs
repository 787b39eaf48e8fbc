//! What each hostile mix gets: its call ends, with a sentence that says why, and nobody else's does.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use atrarium::sandbox::strangers::{Allowance, Aside, Failure, Guest, Run};
use atrarium_tests::mixes::{When, admitted, component, names, refusal, request, with_code};
use atrarium_tests::numbers::sum;

/// What is said of each when it is right in the trial and hostile later. In the trial the same is its refusal.
const GET: &[(&str, &str, &str)] = &[
    ("loop", "fuel", FUEL),
    ("loop-after-answer", "fuel", FUEL),
    ("log-for-ever", "time", TIME),
    ("recursion", "stack", "nested its calls too deeply"),
    ("grow-and-break", "memory", MEMORY),
    ("tables", "tables", TABLES),
    ("hundred-megabytes", "answer", ANSWER),
    ("million-picks", "answer", ANSWER),
    ("million-notes", "answer", ANSWER),
    ("long-error", "memory", MEMORY),
    ("log-two-megabytes", "answer", ANSWER),
    ("log-what-is-no-text", "trap", NO_TEXT),
    ("note-that-is-no-text", "trap", NO_TEXT),
    ("error-that-is-no-text", "trap", NO_TEXT),
    ("error-with-escapes", "refused", "gave up by itself: red [31m  and next"),
    ("answer-out-of-memory", "trap", "broke off: pointer out of bounds of memory"),
    ("picks-out-of-memory", "trap", "broke off: list pointer/length out of bounds of memory"),
    ("crooked-answer", "trap", "broke off: invalid expected discriminant"),
    ("wasi-ten-million-polled", "answer", ANSWER),
    ("wasi-poll-for-ever", "time", TIME),
    ("wasi-handles", "trap", "store handle limit exceeded"),
    ("wasi-much-chance", "trap", "broke off: requested len 1000000000000 exceeds limit 4096"),
];

/// What is said of those that can't wait until the trial is over.
const AT_ONCE: &[(&str, &str)] = &[
    ("loop-in-start", FUEL),
    ("no-place-for-the-request", "broke off: wasm trap: wasm `unreachable` instruction executed"),
    ("crooked-place-for-the-request", "broke off: realloc return: beyond end of memory"),
    ("loop-for-place", FUEL),
    ("one-place-for-all", "broke off: invalid expected discriminant"),
];

/// Those whose answer is taken.
const TAKEN: &[&str] = &["grow", "crooked-picks", "remember", "wasi-chance"];

const FUEL: &str = "computed too much: a call may take 50000000 units of fuel, and it had not come to its end with them";
const TIME: &str = "took too long: a call may last 250 ms";
const MEMORY: &str = "needed too much memory: a call may have 64 MiB in all";
const TABLES: &str = "needed too large tables: all of a call's may have 100000 elements together";
const PARTS: &str = "has too many parts: a mix may have 64 core instances, and as many memories and tables";
const NO_TEXT: &str = "broke off: invalid utf-8 sequence";
const ANSWER: &str = "handed over too much at once: neither an answer nor anything else may have more than 1024 KiB";

fn run(guest: &Guest, key: &str) -> Run {
    bounded(guest.run(&request(key), None, &Allowance::default()))
}

/// Whatever comes of a call, it stays within what it may take.
fn bounded(run: Run) -> Run {
    let allowance = Allowance::default();
    assert!(run.fuel <= allowance.fuel, "{run:?}");
    assert!(run.memory <= allowance.memory, "{run:?}");
    assert!(run.printed.len() < 5_000, "{} bytes", run.printed.len());
    // Its time, and what a busy machine takes beside it.
    assert!(run.took < allowance.time + Duration::from_secs(5), "{run:?}");
    run
}

#[test]
fn every_hostile_mix_is_tried() {
    let mut tried: Vec<&str> = GET.iter().map(|(name, ..)| *name).chain(AT_ONCE.iter().map(|(name, _)| *name)).chain(TAKEN.iter().copied()).collect();
    tried.sort_unstable();
    assert_eq!(tried, names());
}

#[test]
fn a_mix_that_is_right_in_the_trial_and_hostile_later_ends_its_own_call_alone() {
    for (name, kind, sentence) in GET {
        let (profile, guest) = admitted(&component(name, When::Later));
        assert!(profile.fuel < 200_000, "{name}: {profile:?}");
        // A busy machine may not let it compute for long enough to be found out.
        let mut ends = (0..20).map(|_| run(&guest, "main").outcome.expect_err(name));
        let failure = ends.find(|failure| *failure != Failure::Starved).expect("it comes to compute");
        assert_eq!(failure.kind(), *kind, "{name}: {failure}");
        assert!(failure.to_string().contains(sentence), "{name}: {failure}");
        // Its very next call is a new one.
        assert!(bounded(guest.run(&request("trial"), None, &Allowance::default())).outcome.is_ok(), "{name}");
    }
}

#[test]
fn a_mix_that_is_hostile_from_the_start_is_refused_with_the_words_for_it() {
    let sentences = GET.iter().map(|(name, _, sentence)| (*name, *sentence)).chain(AT_ONCE.iter().copied());
    for (name, sentence) in sentences {
        let refusal = refusal(&component(name, When::Always));
        assert!(refusal.starts_with("In a trial with 600 made-up posts the mix "), "{name}: {refusal}");
        // In the trial a call may last longer: fuel is the judge of most.
        let sentence = if sentence == TIME { "took too long: a call may last 10000 ms" } else { sentence };
        assert!(refusal.contains(sentence), "{name}: {refusal}");
        assert!(refusal.len() < 1_000 && !refusal.contains(char::is_control) && !refusal.contains("backtrace"), "{name}: {refusal}");
    }
}

/// What it does harms nobody: what it may not take isn't given, and what is crooked in its answer is left out.
#[test]
fn a_mix_whose_answer_has_a_right_part_is_taken_at_that() {
    for name in TAKEN {
        let (_, guest) = admitted(&component(name, When::Always));
        let answers: Vec<_> = ["did:plc:first", "did:plc:second"]
            .map(|viewer| bounded(guest.run(&request("main"), Some(viewer), &Allowance::default())).outcome.unwrap_or_else(|why| panic!("{name} {why}")))
            .into();
        assert_eq!(answers[0], answers[1], "{name} tells one reader from another");
        let picks: Vec<_> = answers[0].picks.iter().map(|pick| (pick.source, pick.candidate, pick.pinned, pick.context.as_deref())).collect();
        assert_eq!(answers[0].consumed, [200; 3], "{name}");
        match *name {
            "crooked-picks" => assert_eq!(picks, [(0, 1, false, None), (0, 0, true, None)]),
            "wasi-chance" => assert_eq!(picks.len(), 1),
            _ => assert_eq!(picks, [], "{name}"),
        }
    }
}

#[test]
fn where_fuel_is_without_end_the_clock_ends_a_loop_wherever_it_is() {
    let patient = Allowance { fuel: u64::MAX, time: Duration::from_millis(100), ..Allowance::default() };
    for name in ["loop", "loop-after-answer"] {
        let (_, guest) = admitted(&component(name, When::Later));
        let run = guest.run(&request("main"), None, &patient);
        // On a machine that is busy elsewhere the call is said to have been starved.
        let ended = matches!(run.outcome, Err(Failure::Time { allowed_ms: 100 } | Failure::Starved));
        assert!(ended && run.took < Duration::from_secs(5), "{name}: {run:?}");
    }
}

#[test]
fn where_a_call_holds_its_thread_the_next_one_is_made_on_another() {
    let aside = Aside::start("lane").expect("threads");
    let guest = |name| Arc::new(admitted(&component(name, When::Later)).1);
    let (endless, honest) = (guest("loop"), guest("crooked-picks"));
    let patient = Allowance { fuel: u64::MAX, time: Duration::from_secs(2), ..Allowance::default() };
    thread::scope(|scope| {
        let held = scope.spawn(|| aside.run(&endless, &request("main"), None, &patient).expect("it doesn't break off in the host"));
        thread::sleep(Duration::from_millis(100));
        // It may wait for as long as a busy machine lets it.
        let wide = Allowance { time: Duration::from_secs(30), ..patient };
        let run = aside.run(&honest, &request("main"), None, &wide).expect("it doesn't break off in the host");
        assert!(run.outcome.is_ok(), "{run:?}");
        let held = held.join().expect("it ends");
        assert!(matches!(held.outcome, Err(Failure::Time { .. } | Failure::Starved)) && held.took < Duration::from_secs(5), "{held:?}");
    });
}

#[test]
fn a_call_whose_thread_is_not_let_compute_is_made_again_on_the_other_and_counted() {
    const HELD: Duration = Duration::from_secs(10);
    let numbers = atrarium::telemetry::install();
    let moved = || sum(&numbers.render(), "atrarium_mix_calls_moved_total");
    let hold = || {
        thread::sleep(HELD);
        Ok(())
    };
    let aside = Aside::placed("held", hold, || Ok(())).expect("threads");
    let honest = Arc::new(admitted(&component("crooked-picks", When::Later)).1);
    let before = moved();
    let began = Instant::now();
    let wide = Allowance { time: Duration::from_secs(30), ..Allowance::default() };
    let run = aside.run(&honest, &request("main"), None, &wide).expect("it doesn't break off in the host");
    assert!(run.outcome.is_ok() && began.elapsed() < HELD, "{run:?}");
    assert!(moved() > before);
}

#[test]
fn all_the_memory_that_a_mix_may_have_it_gets_and_no_more() {
    let (_, guest) = admitted(&component("grow", When::Later));
    let run = run(&guest, "main");
    assert!(run.outcome.is_ok() && run.memory <= 64 << 20 && run.memory > 63 << 20, "{run:?}");
}

#[test]
fn many_small_parts_count_together() {
    let answer = "(func $misdeed (type $mix) (call $nothing))\n";
    let check = |parts: &str, count: usize, sentence: &str| {
        let refusal = refusal(&with_code(&format!("{answer}{}", parts.repeat(count)), false, "", When::Later));
        assert!(refusal.contains(sentence), "{count} times {parts}: {refusal}");
    };
    check("(memory 1)\n", 90, PARTS);
    check("(table 1 funcref)\n", 90, PARTS);
    check("(memory 20)\n", 60, MEMORY);
    check("(table 60000 funcref)\n", 2, TABLES);
}

#[test]
fn a_recursion_without_end_leaves_a_thread_of_the_usual_size_whole() {
    let (_, guest) = admitted(&component("recursion", When::Later));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, || run(&guest, "main").outcome);
        assert_eq!(thread.expect("a thread").join().expect("no panic"), Err(Failure::Stack));
    });
    assert!(run(&guest, "trial").outcome.is_ok());
}
