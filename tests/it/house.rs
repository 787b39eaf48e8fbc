//! The house: who may use whom, and where each foreign library lives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The floors of `host/src`, from the ground.
const FLOORS: &[(u8, &[&str])] = &[
    (
        1,
        &[
            "jetstream",
            "store",
            "config",
            "logging",
            "telemetry",
            "clock",
            "event",
            "record",
            "vital",
            "priority",
            "machine",
            "version",
            "outbound",
            "identity",
        ],
    ),
    (2, &["sandbox", "pds", "session"]),
    (3, &["community", "feed", "dashboard", "uploads", "upkeep", "cli"]),
    (4, &["ingest", "http", "backfill"]),
    (5, &["app", "demo", "authoring", "operating", "doctor"]),
    (6, &["main", "lib"]),
];

/// Where a library may be named.
const HOMES: &[(&str, &[&str])] = &[
    ("tokio_tungstenite", &["jetstream", "demo"]),
    ("zstd", &["jetstream", "demo"]),
    ("redb", &["store"]),
    ("wasmtime", &["sandbox"]),
    ("wasmtime_wasi", &["sandbox"]),
    ("wac_graph", &["sandbox"]),
    ("wasmparser", &["sandbox"]),
    ("rustix", &["sandbox", "machine", "priority"]),
    ("metrics_exporter_prometheus", &["telemetry"]),
    ("metrics_process", &["telemetry"]),
    ("opentelemetry", &["logging"]),
    ("opentelemetry_otlp", &["logging"]),
    ("opentelemetry_http", &["logging"]),
    ("opentelemetry_sdk", &["logging"]),
    ("tracing_opentelemetry", &["logging"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("uapi", &["priority"]),
    ("rayon", &["sandbox"]),
    ("hyper", &["http", "outbound"]),
    ("hyper_util", &["http", "outbound"]),
    ("tokio_rustls", &["outbound"]),
    ("tower_service", &["outbound"]),
    ("webpki_roots", &["outbound"]),
    ("clap", &["cli"]),
    ("moka", &["feed", "identity", "dashboard", "session", "http", "uploads"]),
    ("secp256k1", &["identity"]),
    ("ring", &["identity", "session", "community", "feed", "sandbox", "uploads"]),
    ("oauth2", &["session"]),
    ("jsonwebtoken", &["session"]),
    ("axum", &["http"]),
    ("axum_extra", &["http"]),
    ("tower", &["http"]),
    ("tower_http", &["http"]),
    ("governor", &["http"]),
    ("include_dir", &["http"]),
    ("utoipa", &["http", "dashboard"]),
    ("utoipa_axum", &["http"]),
    ("utoipa_swagger_ui", &["http"]),
    ("atrium_xrpc", &["pds"]),
    ("p256", &["identity"]),
    ("multibase", &["identity"]),
    ("hickory_resolver", &["identity"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

/// Every Rust file of the host with the module that it belongs to, and its code without comments.
fn files() -> Vec<(String, PathBuf, String)> {
    let (mut files, mut folders) = (Vec::new(), vec![source()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the host's sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(source()).expect("it was found there");
                let module = inside.components().next().expect("a file has a name").as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
                let text = std::fs::read_to_string(&path).expect("a source file");
                // Tests may use whatever stands in for the world.
                if inside.ends_with("tests.rs") {
                    continue;
                }
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
                files.push((module, path, code));
            }
        }
    }
    files
}

#[test]
fn a_module_uses_only_its_own_floor_and_those_below() {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().flat_map(|(floor, modules)| modules.iter().map(move |module| (*module, *floor))).collect();
    let mut seen = 0;
    for (module, path, code) in files() {
        let floor = *floors.get(module.as_str()).unwrap_or_else(|| panic!("{module} has no floor: give it one here and in ARCHITECTURE.md"));
        for used in code.split("crate::").skip(1).filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()) {
            if let Some(other) = floors.get(used) {
                seen += 1;
                assert!(*other <= floor, "{} (floor {floor}) uses {used} (floor {other})", path.display());
            }
        }
    }
    assert!(seen > 50, "the paths are no longer written as this test expects: it saw {seen}");
}

#[test]
fn the_write_path_and_the_read_path_meet_in_the_database_only() {
    for (module, path, code) in files() {
        let strangers: &[&str] = match module.as_str() {
            "http" | "feed" => &["crate::ingest", ".commit(", "Layer::", "View::new"],
            "ingest" => &["crate::http", "crate::feed"],
            "community" | "sandbox" => &[".commit(&"],
            _ => &[],
        };
        for stranger in strangers {
            assert!(!code.contains(stranger), "{} must not have {stranger}", path.display());
        }
    }
}

#[test]
fn each_foreign_library_has_one_home() {
    for (module, path, code) in files() {
        for (library, homes) in HOMES {
            let named = [format!("use {library}::"), format!("{library}::")].iter().any(|name| {
                code.match_indices(name.as_str())
                    .any(|(at, _)| !code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':'))
            });
            assert!(!named || homes.contains(&module.as_str()), "{} names {library}, whose home is {homes:?}", path.display());
        }
    }
}

#[test]
fn guests_are_given_nothing_but_what_their_contracts_say() {
    let file = std::fs::read_to_string(source().join("sandbox/wasi.rs")).expect("the file that links WASI");
    let code: String = file.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    for never in ["sockets", "inherit_", "preopened", "wasi_http", ".env(", ".arg("] {
        assert!(!code.contains(never), "no guest may get {never}");
    }
    let (_, link) = code.split_once("fn link<").expect("what is linked to the operator's components");
    let (link, _) = link.split_once("\n}\n").expect("its end");
    for never in ["filesystem", "clocks", "random"] {
        assert!(!link.contains(never), "the operator's components must not get {never}");
    }
}

/// The names of numbers in the macros that count.
fn counted(code: &str) -> impl Iterator<Item = &str> {
    code.split("\"atrarium_")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

#[test]
fn every_number_is_described_and_none_is_described_that_nobody_counts() {
    let mut seen = std::collections::BTreeSet::new();
    for (module, path, code) in files() {
        if path.ends_with("telemetry/names.rs") || path.strip_prefix(source()).is_ok_and(|inside| inside.components().any(|part| part.as_os_str() == "tests")) {
            continue;
        }
        for macro_call in ["counter!(", "gauge!(", "histogram!(", "gauge("] {
            for call in code.split(macro_call).skip(1) {
                let Some(name) = call.trim_start().strip_prefix("\"atrarium_").and_then(|rest| rest.split('"').next()) else { continue };
                seen.insert(format!("atrarium_{name}"));
            }
        }
        // The reader counts in integers, and gives their names to one function.
        if module == "jetstream" {
            seen.extend(counted(&code).filter(|name| name.starts_with("jetstream_")).map(|name| format!("atrarium_{name}")));
        }
    }
    let described: std::collections::BTreeSet<String> = atrarium::telemetry::names::ALL.iter().map(|metric| metric.name.to_owned()).collect();
    let (missing, idle): (Vec<_>, Vec<_>) = (seen.difference(&described).collect(), described.difference(&seen).collect());
    assert!(missing.is_empty() && idle.is_empty(), "not described: {missing:?}; described and never counted: {idle:?}");
}
