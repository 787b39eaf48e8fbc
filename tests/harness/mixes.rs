//! Mixes that mean harm, as components, and what they are tried with.
//!
//! Those whose misdeed lies in the component itself are core code by hand, one file each in `tests/guests/mixes/text`, around which
//! [`component`] lays the rest; what needs a standard library is the crate beside them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use atrarium::sandbox::mix::{Request, SourceKind};
use atrarium::sandbox::strangers::{Allowance, Guest, Profile, Strangers, Verdict, admit, trial};
use ring::digest::{SHA256, digest};

/// The engine, one for all tests.
pub static STRANGERS: LazyLock<Strangers> = LazyLock::new(|| Strangers::new().expect("the engine starts"));

/// When a hostile mix does what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// Not in the trial of its admission.
    Later,
}

fn texts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/mixes/text")
}

fn text(name: &str) -> String {
    let path = texts().join(name).with_extension("wat");
    std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// The names of all core code that is there.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(texts()).expect("the folder of hostile code").flatten();
    let names = files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| name != "around" && name != "wasi").collect();
    names.sort();
    names
}

/// The hostile mix of this name.
pub fn component(name: &str, when: When) -> Vec<u8> {
    with_code(&text(name), name.starts_with("wasi-"), "", when)
}

/// A mix with this core code, which may use `wasi.wat`'s functions, and with these parts of a component.
pub fn with_code(code: &str, wasi: bool, parts: &str, when: When) -> Vec<u8> {
    let mut whole = text("around");
    let mut lay = |place: &str, what: &str| {
        assert!(whole.contains(place), "{place} has been laid already");
        whole = whole.replacen(place, what, 1);
    };
    let lent = if wasi { text("wasi") } else { String::new() };
    for place in ["IMPORTS", "LOWERED", "IMPORTED", "HANDED OVER"] {
        let place = format!(";; MORE {place}\n");
        let lent = lent.split_once(&place).map_or("", |(_, behind)| behind.split(";; MORE ").next().unwrap_or_default());
        lay(&place, lent);
    }
    lay(";; CODE\n", code);
    lay(";; PARTS\n", parts);
    lay("$REALLOC", if code.contains("(export \"realloc\")") { "$code" } else { "$ground" });
    lay("POST-RETURN", if code.contains("(export \"post-return\")") { "(post-return (func $code \"post-return\"))" } else { "" });
    lay("PATIENT", if when == When::Later { "1" } else { "0" });
    wat::parse_str(&whole).unwrap_or_else(|cause| panic!("{cause}"))
}

/// What the default allowance says of this component.
pub fn verdict(bytes: &[u8]) -> Verdict {
    admit(&STRANGERS, bytes, &Allowance::default()).0
}

/// Why this component isn't admitted.
pub fn refusal(bytes: &[u8]) -> String {
    match verdict(bytes) {
        Verdict::Refused(sentence) => sentence,
        Verdict::Admitted(profile) => panic!("it was admitted: {profile:?}"),
    }
}

/// Admits a component and loads what was compiled, as the server does.
pub fn admitted(bytes: &[u8]) -> (Profile, Guest) {
    let (profile, compiled) = match admit(&STRANGERS, bytes, &Allowance::default()) {
        (Verdict::Admitted(profile), Some(compiled)) => (profile, compiled),
        (verdict, _) => panic!("{verdict:?}"),
    };
    let file = tempfile::NamedTempFile::new().expect("tests need a temporary directory");
    std::fs::write(file.path(), &compiled).expect("the file is ours");
    let digest = digest(&SHA256, &compiled).as_ref().try_into().expect("SHA-256 has 32 bytes");
    (profile, STRANGERS.load(file.path(), digest).expect("it was just compiled"))
}

/// A full block of 600 posts of the community with this record key.
pub fn request(key: &str) -> Request {
    let mut block = trial::block(&[(SourceKind::Own, 70, 200), (SourceKind::Parent, 20, 200), (SourceKind::Global, 10, 200)], 0);
    block.community = format!("at://did:plc:someowner/net.atrarium.community.config/{key}");
    Request::new(block)
}
