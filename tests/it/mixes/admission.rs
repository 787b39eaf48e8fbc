//! What is refused before it has run, and in which words.

use atrarium_tests::mixes::refusal;
use atrarium_tests::uploads::component;

/// A component that imports or exports an empty interface of this name.
fn with(what: &str, name: &str) -> Vec<u8> {
    let text = match what {
        "import" => format!("(component (import \"{name}\" (instance)))"),
        _ => format!("(component (instance $i) (export \"{name}\" (instance $i)))"),
    };
    wat::parse_str(&text).unwrap_or_else(|cause| panic!("{text}: {cause}"))
}

#[test]
fn every_refusal_says_what_it_is_and_what_to_do() {
    let check = |what: &str, bytes: &[u8], words: &str| {
        let refusal = refusal(bytes);
        assert!(refusal.contains(words), "{what}: {refusal}");
        assert!(refusal.ends_with('.') && refusal.len() < 400, "{what}: {refusal}");
    };
    check("nothing", b"", "The file is empty");
    check("a script", b"#!/usr/bin/env node", "This is no WebAssembly");
    check("a core module", &wat::parse_str("(module)").expect("a module"), "This is a core module, not a component: build for the target wasm32-wasip2");
    check("machine code", &machine_code(), "only code compiled here is run: upload the .wasm component itself");
    check("a network", &with("import", "wasi:sockets/tcp@0.2.6"), "asks for the network (wasi:sockets/tcp@0.2.6), which no mix gets");
    check("requests", &with("import", "wasi:http/outgoing-handler@0.2.6"), "asks for the network");
    check("another's storage", &with("import", "atrarium:community/storage@2.0.0"), "belongs to another part of the host");
    check("an unknown interface", &with("import", "evil:corp/keys@1.0.0"), "asks for evil:corp/keys@1.0.0, which isn't there");
    check("another WASI", &with("import", "wasi:cli/environment@0.3.0"), "which isn't there");
    check("a later contract", &with("export", "atrarium:feed-mix/mix@1.1.0"), "this host knows the contract's version 1.0");
    check("another contract", &with("export", "atrarium:feed-mix/mix@2.0.0"), "is written for atrarium:feed-mix/mix@2.0.0");
    check("no mix", &with("export", "my:own/thing@1.0.0"), "so it is no feed mix. It exports: my:own/thing@1.0.0");
    check("a mix that isn't one", &with("export", "atrarium:feed-mix/mix@1.0.0"), "doesn't fit the contract of a feed mix");
    let long = format!("evil:corp/{}@1.0.0", "long".repeat(10_000));
    check("a name without end", &with("import", &long), "asks for evil:corp/longlong");
    check("the filter", &component(env!("OUT_DIR"), "filter"), "asks for atrarium:events/types@2.0.0, which belongs to another part of the host");
}

/// Code that wasmtime has compiled before: an ELF file.
fn machine_code() -> Vec<u8> {
    let strangers = &*atrarium_tests::mixes::STRANGERS;
    let (_, compiled) = atrarium::sandbox::strangers::admit(strangers, &component(env!("OUT_DIR"), "backwards"), &Default::default());
    compiled.expect("it is admitted")
}
