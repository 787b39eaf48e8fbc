//! Components that harm whoever compiles them: each takes a process of its own for as long, and as much memory, as that may have.

use std::time::{Duration, Instant};

use atrarium::sandbox::strangers::{Allowance, Verdict};
use atrarium::uploads::{Bounds, child};
use atrarium_tests::bombs;
use atrarium_tests::process::binary;
use atrarium_tests::uploads::component;

/// Much less than servers allow by themselves.
const BOUNDS: Bounds = Bounds { compute: Duration::from_secs(4), memory: 256 << 20 };

/// The verdict, in words if it is no.
async fn verdict(name: &str, bytes: Vec<u8>) -> Option<String> {
    let folder = tempfile::tempdir().expect("tests need a temporary directory");
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::write(&input, &bytes).expect("the folder is ours");
    let verdict = child::admit(binary(), &input, &output, &Allowance::default(), BOUNDS).await.unwrap_or_else(|cause| panic!("{name}: {cause}"));
    match verdict {
        Verdict::Admitted(_) => None,
        Verdict::Refused(sentence) => Some(sentence),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_compiling_would_take_its_process_takes_no_more_than_it_may() {
    const KILLED: &str = "which is all that an upload may take here";
    let all = [
        ("instances", bombs::instances(), KILLED),
        ("values", bombs::values(4, 100_000), KILLED),
        ("variables", bombs::variables(4, 1_000, 30_000), KILLED),
        ("loops", bombs::loops(4, 500, 100), KILLED),
        ("types", bombs::types(100_000), KILLED),
        ("functions", bombs::functions(100_000), "too many parts to be compiled here: 100007 functions, and 100000 are allowed"),
        ("branches", bombs::branches(4, 1_000, 200_000), "can't be compiled"),
        ("adapters", bombs::adapters(200, 100), "effective type size exceeds the limit"),
        // These are a lot, and no harm: an admission may take them.
        ("many functions", bombs::functions(99_900), ""),
        ("long tables", bombs::branches(8, 1_000, 60_000), ""),
        ("long types", bombs::adapters(100, 30), ""),
        ("nested", bombs::nested(60), ""),
    ];
    for (name, bytes, words) in all {
        let began = Instant::now();
        let refusal = verdict(name, bytes).await;
        assert!(began.elapsed() < BOUNDS.compute * 5, "{name}");
        assert!(words.is_empty() || refusal.as_ref().is_some_and(|sentence| sentence.contains(words)), "{name}: {refusal:?}");
    }
    // The next one finds everything as it was.
    assert_eq!(verdict("honest", component(env!("OUT_DIR"), "backwards")).await, None);
}
