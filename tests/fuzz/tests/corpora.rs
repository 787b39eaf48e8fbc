//! What was kept of fuzzing, as an ordinary test: every input of every corpus, without libFuzzer and without a sanitizer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use atrarium_fuzz::{TARGETS, Target};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    entries.map(|entry| entry.expect("a name").file_name().to_string_lossy().into_owned()).collect()
}

/// Runs a target on each of its inputs; answers how many there were, and which make it fail.
fn replay(name: &str, target: Target) -> (usize, Vec<String>) {
    let folder = folder("corpus").join(name);
    let inputs = names(&folder);
    let fails = |input: &String| {
        let bytes = std::fs::read(folder.join(input)).unwrap_or_else(|cause| panic!("{name}/{input}: {cause}"));
        std::panic::catch_unwind(|| target(&bytes)).is_err()
    };
    (inputs.len(), inputs.iter().filter(|input| fails(input)).map(|input| format!("{name}/{input}")).collect())
}

#[test]
fn nothing_in_the_corpora_makes_a_target_fail() {
    let mut failing = Vec::new();
    for (name, target) in TARGETS {
        let (inputs, mut failed) = replay(name, target);
        assert!((10..=300).contains(&inputs), "the corpus of {name} has {inputs} inputs");
        failing.append(&mut failed);
    }
    assert!(failing.is_empty(), "these inputs make their targets fail, for the reasons above: {failing:#?}");
}

#[test]
fn each_target_has_a_binary_and_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let binaries = names(&folder("fuzz_targets")).iter().map(|file| file.trim_end_matches(".rs").to_owned()).collect();
    assert_eq!(targets, binaries);
    assert_eq!(targets, names(&folder("corpus")));
}

#[test]
fn the_corpora_stay_small() {
    let sizes = TARGETS.iter().flat_map(|(name, _)| std::fs::read_dir(folder("corpus").join(name)).expect("a corpus"));
    let bytes: u64 = sizes.map(|entry| entry.expect("an input").metadata().expect("a file").len()).sum();
    assert!(bytes < 2 << 20, "the corpora have {bytes} bytes");
}

/// What is fuzzed is what runs: libraries of the program's own versions.
#[test]
fn libraries_have_the_versions_that_the_program_has() {
    // libFuzzer itself, and what only it brings along.
    const BESIDE: [&str; 3] = ["arbitrary", "atrarium-fuzz", "libfuzzer-sys"];
    let program = locked(&folder("../../Cargo.lock"));
    let other: Vec<_> = locked(&folder("Cargo.lock"))
        .into_iter()
        .filter(|(name, version)| !BESIDE.contains(&name.as_str()) && !program.contains(&(name.clone(), version.clone())))
        .collect();
    assert!(other.is_empty(), "not the program's: {other:?}; copy its Cargo.lock over this one and run cargo again, which drops what isn't needed");
}

/// Names and versions in a lock file.
fn locked(path: &Path) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let field =
        |package: &str, name: &str| package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned));
    text.split("[[package]]").filter_map(|package| Some((field(package, "name")?, field(package, "version")?))).collect()
}
