//! A component that an owner has uploaded: what is seen of it before anything is compiled.
//!
//! Whatever the bytes are, there is a verdict, the same each time, and soon (libFuzzer's time limit); a refusal is a sentence of bounded
//! length. What passes is read once more here: it is a component, it asks for nothing but what mixes get, and it exports a mix.

use wasmparser::{Encoding, Parser, Payload};

use crate::sandbox::inspect::{Refusal, inspect};

/// The longest refusal: five names of two hundred letters.
const LONGEST: usize = 6_000;

pub fn run(bytes: &[u8]) {
    let seen = inspect(bytes);
    assert_eq!(seen, inspect(bytes), "the same upload is seen otherwise");
    match seen {
        Ok(seen) => {
            let (imports, exports) = names(bytes);
            assert!(imports.iter().all(|import| is_granted(import)), "{imports:?} were let through");
            assert!(exports.iter().any(|export| export.starts_with("atrarium:feed-mix/mix@1.0.")), "{exports:?} is taken for a mix");
            assert_eq!(seen.asks_viewer, imports.iter().any(|import| import.starts_with("atrarium:feed-mix/viewer@")), "{imports:?}");
        }
        Err(refusal) => check_refusal(bytes, &refusal),
    }
}

fn check_refusal(bytes: &[u8], refusal: &Refusal) {
    let sentence = refusal.to_string();
    assert!(sentence.ends_with('.') && (10..LONGEST).contains(&sentence.len()), "{} bytes: {sentence}", sentence.len());
    assert!(!sentence.contains('\n'), "{sentence:?} is more than a line");
    let is_wasm = bytes.starts_with(b"\0asm");
    match refusal {
        Refusal::Empty => assert!(bytes.is_empty()),
        Refusal::Compiled => assert!(bytes.starts_with(b"\x7fELF")),
        Refusal::Foreign => assert!(!is_wasm && !bytes.is_empty()),
        _ => assert!(is_wasm, "{sentence}"),
    }
}

/// What the outermost component imports and exports.
fn names(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.expect("what was seen can be read") {
            Payload::Version { encoding, .. } => {
                depth += 1;
                assert!(depth > 1 || encoding == Encoding::Component, "a core module is taken for a component");
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                imports.extend(section.into_iter().map(|import| import.expect("what was seen can be read").name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                exports.extend(section.into_iter().map(|export| export.expect("what was seen can be read").name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

/// Interfaces of ours of the contract's version, and of WASI those behind which nothing is.
fn is_granted(import: &str) -> bool {
    let ours = ["types", "log", "viewer"].iter().any(|name| import.starts_with(&format!("atrarium:feed-mix/{name}@1.0.")));
    let wasi = ["io", "cli", "clocks", "random", "filesystem"].iter().any(|package| import.starts_with(&format!("wasi:{package}/")));
    ours || wasi && import.contains("@0.2.")
}
