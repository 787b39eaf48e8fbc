//! `atrarium mix new --lang LANGUAGE DIR`: a mix to begin with.
//!
//! What is written are the examples of `components/examples` as they lie there, so each has been built and tested with this very
//! program. Rust's differs in its manifest: the example belongs to a workspace, and what is written is a workspace of its own,
//! with the contract and the SDK in it.
//!
//! Never writes into a folder in which there is something. What has been written when a disk fails stays, and the sentence names
//! the file at which it failed.

use std::io::ErrorKind;
use std::path::Path;

use crate::cli::mix::Template;

/// Files of one folder of this repository, and where they go.
struct Part {
    #[cfg(test)]
    from: &'static str,
    /// Empty, or with a slash at the end.
    to: &'static str,
    /// By their paths in the folder.
    files: &'static [(&'static str, &'static str)],
}

macro_rules! part {
    ($from:literal => $to:literal: $($file:literal),+) => {
        Part { #[cfg(test)] from: $from, to: $to, files: &[$(($file, include_str!(concat!("../../../", $from, "/", $file)))),+] }
    };
}

const RUST: &[Part] = &[
    part!("components/examples/quiet-voices" => "": ".gitignore", "Makefile", "README.md", "src/lib.rs", "src/order.rs"),
    part!("components/examples/quiet-voices/standalone" => "": "Cargo.lock", "Cargo.toml"),
    part!("components/sdk" => "vendor/atrarium-sdk/": "Cargo.toml", "src/bindings.rs", "src/lib.rs"),
    part!("wit/feed-mix" => "wit/feed-mix/": "feed-mix.wit"),
];

const JAVASCRIPT: &[Part] = &[part!(
    "components/examples/welcome" => "":
    ".gitignore", ".npmrc", "Makefile", "README.md", "package-lock.json", "package.json", "src/mix.js", "src/order.js", "test/order.test.js", "wit/feed-mix.wit"
)];

const PYTHON: &[Part] = &[part!(
    "components/examples/tongues" => "":
    ".gitignore", "Makefile", "README.md", "requirements.txt", "src/app.py", "src/tongues.py", "tests/test_tongues.py", "wit/feed-mix.wit"
)];

fn parts(template: Template) -> &'static [Part] {
    match template {
        Template::Rust => RUST,
        Template::JavaScript => JAVASCRIPT,
        Template::Python => PYTHON,
    }
}

/// Writes the template's files. Answers what to do next.
pub fn new(template: Template, folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(false) => {}
        Ok(true) => return Err(format!("{shown} has something in it, and a mix begins in an empty folder: name another")),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {}
        Err(cause) => return Err(format!("{shown} can't be looked into: {cause}")),
    }
    for part in parts(template) {
        for (file, content) in part.files {
            let path = folder.join(format!("{}{file}", part.to));
            let write = || std::fs::create_dir_all(path.parent().unwrap_or(folder)).and_then(|()| std::fs::write(&path, content));
            write().map_err(|cause| format!("{} can't be written: {cause}", path.display()))?;
        }
    }
    let build = format!("cd {} && make", quoted(&shown.to_string()));
    let width = build.len().max("atrarium mix check mix.wasm".len());
    Ok(format!(
        "{build:width$}  builds mix.wasm; `make test` tests it, and README.md says what it does and how to change it\n\
         {:width$}  says whether a server would take it\n\
         {:width$}  shows the page that it makes, beside the default mix's",
        "atrarium mix check mix.wasm", "atrarium mix run mix.wasm"
    ))
}

/// As a shell takes it for one word.
fn quoted(path: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    /// What building leaves in a folder, and what is written otherwise.
    const NOT_WRITTEN: &[&str] = &["mix.wasm", "target", "node_modules", ".venv", "__pycache__", "quiet-voices/Cargo.toml", "quiet-voices/standalone"];

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn nothing_of_an_example_is_left_out() {
        for part in [RUST, JAVASCRIPT, PYTHON].into_iter().flatten() {
            let written: BTreeSet<String> = part.files.iter().map(|(file, _)| (*file).to_owned()).collect();
            assert_eq!(written, files(&repository().join(part.from)), "{}", part.from);
        }
    }

    #[test]
    fn every_example_carries_the_contract_as_it_is() {
        let contract = std::fs::read_to_string(repository().join("wit/feed-mix/feed-mix.wit")).expect("the contract");
        for template in [RUST, JAVASCRIPT, PYTHON] {
            let carried = template.iter().flat_map(|part| part.files).filter(|(file, _)| file.ends_with("feed-mix.wit"));
            assert_eq!(carried.map(|(_, content)| *content).collect::<Vec<_>>(), [contract.as_str()]);
        }
    }

    #[test]
    fn a_mix_begins_in_a_folder_that_is_empty_or_isnt_there() {
        let folder = tempfile::tempdir().expect("tests need a temporary directory");
        let (empty, missing, used) = (folder.path().join("empty"), folder.path().join("a/b"), folder.path().join("used"));
        std::fs::create_dir(&empty).expect("the folder is ours");
        std::fs::create_dir(&used).expect("the folder is ours");
        std::fs::write(used.join("notes"), "mine").expect("the folder is ours");
        for folder in [&empty, &missing] {
            let next = new(Template::JavaScript, folder).expect("nothing is in the way");
            assert!(next.contains(&format!("cd {} && make", folder.display())), "{next}");
            assert_eq!(files(folder), JAVASCRIPT[0].files.iter().map(|(file, _)| (*file).to_owned()).collect());
            assert!(new(Template::JavaScript, folder).is_err(), "what is there now is somebody's work");
        }
        let refusal = new(Template::Rust, &used).expect_err("there is something in it");
        assert!(refusal.contains("has something in it"), "{refusal}");
        assert_eq!(files(&used), BTreeSet::from(["notes".to_owned()]));
        let refusal = new(Template::Rust, &used.join("notes")).expect_err("it is a file");
        assert!(refusal.contains("can't be looked into"), "{refusal}");
    }

    #[test]
    fn what_to_type_next_can_be_typed() {
        for (path, expected) in [("my-mix", "my-mix"), ("../a/b.c", "../a/b.c"), ("a mix", "'a mix'"), ("it's", r"'it'\''s'"), ("$HOME", "'$HOME'")] {
            assert_eq!(quoted(path), expected);
        }
    }

    /// All files below a folder, by their paths in it, without what building leaves there.
    fn files(folder: &Path) -> BTreeSet<String> {
        let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next).expect("a folder").flatten() {
                let path = entry.path();
                if NOT_WRITTEN.iter().any(|name| path.ends_with(name)) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let inside = path.strip_prefix(folder).expect("it was found there");
                    found.insert(inside.to_string_lossy().into_owned());
                }
            }
        }
        found
    }
}
