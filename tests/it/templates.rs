//! `atrarium mix new`: what it writes is built with one command by somebody who has nothing but that folder, and a server takes it.
//!
//! The tools that the examples have fetched (`make examples`) are lent to each new folder, so these tests need no network.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use atrarium_tests::process::binary;

const LONG_AGO: Duration = Duration::from_secs(1_000_000_000);

/// The bytes with which a component begins, and no core module does.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn a_new_mix_in_rust_is_built_with_one_command_and_admitted() {
    check(("rust", "Rust"), None, "Cargo.lock");
}

#[test]
fn a_new_mix_in_javascript_is_built_with_one_command_and_admitted() {
    check(("js", "JavaScript"), Some(("welcome", "node_modules")), "package-lock.json");
}

#[test]
fn a_new_mix_in_python_is_built_with_one_command_and_admitted() {
    check(("python", "Python"), Some(("tongues", ".venv")), "requirements.txt");
}

/// Writes, builds, tests and checks a mix in this language, which is told by its name; `lent` is a folder of tools of an example, and `lock` must stay as it was.
fn check((language, name): (&str, &str), lent: Option<(&str, &str)>, lock: &str) {
    let home = tempfile::tempdir().expect("tests need a temporary directory");
    let folder = home.path().join("a mix");
    let next = run(home.path(), binary(), &["mix", "new", "--lang", language, "a mix"]);
    assert!(next.contains("make"), "{next}");
    if let Some((example, tools)) = lent {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../components/examples").join(example).join(tools);
        assert!(from.join(".installed").exists(), "{} isn't there: run `make examples` first", from.display());
        symlink(from, folder.join(tools)).expect("the folder is ours");
        // What names the tools was there before they were, as in the example: else they would be fetched anew, into the example's folder.
        for file in std::fs::read_dir(&folder).expect("the folder is ours").flatten().filter(|entry| entry.path().is_file()) {
            let file = File::options().append(true).open(file.path()).expect("the folder is ours");
            file.set_modified(SystemTime::UNIX_EPOCH + LONG_AGO).expect("a file has a time");
        }
    }
    let locked = std::fs::read(folder.join(lock)).expect("the new mix has its lock");
    run(&folder, Path::new("make"), &[]);
    run(&folder, Path::new("make"), &["test"]);
    let built = std::fs::read(folder.join("mix.wasm")).expect("make builds mix.wasm");
    assert!(built.starts_with(COMPONENT), "{language}");
    assert_eq!(std::fs::read(folder.join(lock)).expect("it is still there"), locked, "{lock} has changed: it names other versions than the build needs");
    let verdict = run(&folder, binary(), &["mix", "check", "mix.wasm"]);
    assert!(verdict.contains("admitted") && verdict.contains(&format!("written in {name}")), "{verdict}");
}

/// What a command says that must succeed. It gets nothing of what is set for this build.
fn run(folder: &Path, program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments).env("CARGO_NET_OFFLINE", "true");
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_TARGET_DIR"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap_or_else(|cause| panic!("{} can't be started: {cause}", program.display()));
    let [said, complained] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{} {arguments:?}:\n{said}\n{complained}", program.display());
    said
}
