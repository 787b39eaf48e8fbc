//! Components that were cut short, or in which bits were turned.

use atrarium::sandbox::strangers::Verdict;
use atrarium::sandbox::strangers::inspect::inspect;
use atrarium_tests::mixes::verdict;
use atrarium_tests::uploads::component;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

#[test]
fn a_component_that_was_cut_short_is_refused_wherever_that_was() {
    let whole = component(env!("OUT_DIR"), "backwards");
    // What comes last says who made it, and may be missing.
    for length in (0..whole.len() - 2_000).step_by(97) {
        let outcome = inspect(&whole[..length]);
        assert!(outcome.is_err(), "{length} of {} bytes: {outcome:?}", whole.len());
    }
}

#[test]
fn a_turned_bit_is_refused_or_does_no_harm() {
    let whole = component(env!("OUT_DIR"), "backwards");
    let mut random = StdRng::seed_from_u64(20_261_126);
    let mut refused = 0;
    for _ in 0..3_000 {
        let mut damaged = whole.clone();
        damaged[random.random_range(0..whole.len())] ^= 1 << random.random_range(0..8);
        refused += usize::from(inspect(&damaged).is_err());
    }
    assert!(refused > 500, "{refused}");
    // What passes is compiled and tried; whatever comes of it is a verdict.
    let mut verdicts = 0;
    while verdicts < 25 {
        let mut damaged = whole.clone();
        damaged[random.random_range(0..whole.len())] ^= 1 << random.random_range(0..8);
        if inspect(&damaged).is_ok() {
            if let Verdict::Refused(sentence) = verdict(&damaged) {
                assert!(sentence.len() < 6_000, "{sentence}");
            }
            verdicts += 1;
        }
    }
}
