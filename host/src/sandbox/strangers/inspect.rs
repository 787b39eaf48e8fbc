//! What can be said of an upload before anything of it is compiled.
//!
//! All bytes are read once and checked against WebAssembly's own rules, so that nothing behind here meets a damaged component; its
//! parts are counted, since compiling takes time for each; and what it asks for and offers is compared with the contract. Every
//! refusal is one sentence, for somebody who has built a component for the first time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wasmparser::{Encoding, Parser, Payload, ProducersSectionReader, Validator, WasmFeatures};

/// Core modules in one component. A Python component has 30.
const MODULES: usize = 64;

/// Functions of all modules together. A Python component has 21,000, the larger JavaScript ones 30,000.
const FUNCTIONS: usize = 100_000;

/// Bytes of one function's body. An interpreter's main loop has some 100,000.
const BODY: usize = 1 << 20;

/// Components within components.
const COMPONENTS: usize = 64;

/// Tools by which a component says that it was made.
const MAKERS: usize = 100;

/// Letters of a name that are repeated to its author.
const LETTERS: usize = 200;

/// What a component was written in, by what it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    Rust,
    JavaScript,
    Python,
    Go,
    C,
}

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
        }
    }
}

/// What an upload says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub language: Option<Language>,
    /// Whether it can ask who reads.
    pub asks_viewer: bool,
}

/// Why an upload is no feed mix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The file is empty.")]
    Empty,
    #[error("This is machine code that some program has compiled before, and only code compiled here is run: upload the .wasm component itself.")]
    Compiled,
    #[error("This is no WebAssembly: a component begins with the bytes 00 61 73 6d, and this file doesn't. Upload the .wasm file that your build has made.")]
    Foreign,
    #[error(
        "This is a core module, not a component: build for the target wasm32-wasip2, or turn it into a component with your language's tool (componentize, or `wasm-tools component new`)."
    )]
    Module,
    #[error("The component is damaged, or uses what isn't allowed here: {0}. Build it again, and upload the whole file.")]
    Invalid(String),
    #[error("The component has too many parts to be compiled here: {found} {what}, and {most} are allowed.")]
    Parts { found: usize, what: &'static str, most: usize },
    #[error("One of the component's functions has {0} bytes, and {BODY} are allowed: split what your build has put into one.")]
    Body(usize),
    #[error("The component asks for the network ({0}), which no mix gets. In Python build with --stub-wasi, in JavaScript without fetch and http.")]
    Network(String),
    #[error("The component asks for {0}, which belongs to another part of the host: a mix gets nothing but its request.")]
    NotForMixes(String),
    #[error(
        "The component asks for {0}, which isn't there: a mix may import atrarium:feed-mix/log, atrarium:feed-mix/viewer, and of WASI 0.2 io, cli, clocks, random and filesystem."
    )]
    Unknown(String),
    #[error("The component is written for {0}, and this host knows the contract's version 1.0: build it with the feed-mix.wit of this host.")]
    Version(String),
    #[error("The component doesn't export atrarium:feed-mix/mix@1.0.0, so it is no feed mix. It exports: {0}.")]
    NoMix(String),
}

/// Interfaces of WASI 0.2 behind which there is nothing, or time and chance that stand still.
const WASI: &[&str] = &[
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
];

const OURS: &[&str] = &["atrarium:feed-mix/types", "atrarium:feed-mix/log", "atrarium:feed-mix/viewer"];

const VIEWER: &str = "atrarium:feed-mix/viewer";

const MIX: &str = "atrarium:feed-mix/mix";

/// Looks at all of an upload's bytes.
pub fn inspect(bytes: &[u8]) -> Result<Seen, Refusal> {
    layer(bytes)?;
    // Some of its messages are many lines, and a refusal is one sentence.
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let invalid = |cause: wasmparser::BinaryReaderError| Refusal::Invalid(format!("{} at byte {}", short(&one_line(cause.message())), cause.offset()));
    let mut validator = Validator::new_with_features(features());
    let (mut parts, mut names) = (Parts::default(), Names::default());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        // Counted before they are checked: checking takes time for each as well.
        match &payload {
            Payload::ModuleSection { .. } => {
                depth += 1;
                parts.modules += 1;
            }
            Payload::ComponentSection { .. } => {
                depth += 1;
                parts.components += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, .. } => parts.functions += *count as usize,
            Payload::CodeSectionEntry(body) => parts.body = parts.body.max(body.range().len()),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section.clone() {
                    names.imports.insert(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section.clone() {
                    names.exports.insert(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            // Some tools are known only by what they link together.
            Payload::ExportSection(section) => {
                for export in section.clone() {
                    names.linked(export.map_err(invalid)?.name);
                }
            }
            Payload::CustomSection(section) if section.name() == "producers" => names.producers(section.data(), section.data_offset()),
            _ => {}
        }
        parts.check()?;
        if let wasmparser::ValidPayload::Func(function, body) = validator.payload(&payload).map_err(invalid)? {
            let mut function = function.into_validator(wasmparser::FuncValidatorAllocations::default());
            function.validate(&body).map_err(invalid)?;
        }
    }
    names.check()?;
    Ok(Seen { language: names.language(), asks_viewer: names.imports.iter().any(|import| bare(import) == VIEWER) })
}

/// Whether the first bytes are a component's.
fn layer(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    // What wasmtime compiles is an ELF file.
    if bytes.starts_with(b"\x7fELF") {
        return Err(Refusal::Compiled);
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(Refusal::Foreign);
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => Err(Refusal::Module),
        _ => Err(Refusal::Invalid("it ends within its first bytes".to_owned())),
    }
}

/// What the engine takes as well.
fn features() -> WasmFeatures {
    let off = WasmFeatures::THREADS | WasmFeatures::MEMORY64 | WasmFeatures::TAIL_CALL | WasmFeatures::EXCEPTIONS | WasmFeatures::CM_ASYNC;
    WasmFeatures::default().difference(off)
}

#[derive(Default)]
struct Parts {
    modules: usize,
    components: usize,
    functions: usize,
    body: usize,
}

impl Parts {
    fn check(&self) -> Result<(), Refusal> {
        let counted = [(self.modules, "core modules", MODULES), (self.components, "components", COMPONENTS), (self.functions, "functions", FUNCTIONS)];
        match counted.into_iter().find(|(found, _, most)| found > most) {
            Some((found, what, most)) => Err(Refusal::Parts { found, what, most }),
            None if self.body > BODY => Err(Refusal::Body(self.body)),
            None => Ok(()),
        }
    }
}

/// What the component asks for, offers, and was made by.
#[derive(Default)]
struct Names {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
    makers: BTreeSet<String>,
}

impl Names {
    /// What can't be read of it is nothing to be refused for.
    fn producers(&mut self, data: &[u8], offset: usize) {
        let Ok(fields) = ProducersSectionReader::new(wasmparser::BinaryReader::new(data, offset)) else { return };
        for field in fields.into_iter().flatten() {
            let room = MAKERS.saturating_sub(self.makers.len());
            self.makers.extend(field.values.into_iter().flatten().take(room).map(|value| short(value.name)));
        }
    }

    /// A core module's export, such as `componentize_qjs_runtime.wasm:memory_base`.
    fn linked(&mut self, export: &str) {
        if let Some((module, _)) = export.split_once(".wasm:").or_else(|| export.split_once(".so:"))
            && module.contains("componentize")
            && self.makers.len() < MAKERS
        {
            self.makers.insert(short(&module.replace('_', "-")));
        }
    }

    fn language(&self) -> Option<Language> {
        let made_by = |word: &str| self.makers.iter().any(|maker| maker.to_ascii_lowercase().contains(word));
        // An interpreter is written in something else itself, so those come first.
        let known = [
            (Language::Python, &["python", "componentize-py"][..]),
            (Language::JavaScript, &["javascript", "componentize-js", "componentizejs", "componentize-qjs", "quickjs", "jco"]),
            (Language::Go, &["tinygo"]),
            (Language::Rust, &["rust"]),
            (Language::C, &["clang"]),
        ];
        known.into_iter().find(|(_, words)| words.iter().any(|word| made_by(word))).map(|(language, _)| language)
    }

    fn check(&self) -> Result<(), Refusal> {
        for import in &self.imports {
            let name = bare(import);
            if OURS.contains(&name) {
                compatible(import)?;
            } else if name.starts_with("wasi:sockets/") || name.starts_with("wasi:http/") {
                return Err(Refusal::Network(short(import)));
            } else if name.starts_with("atrarium:") {
                return Err(Refusal::NotForMixes(short(import)));
            } else if !(WASI.contains(&name) && import.contains("@0.2.")) {
                return Err(Refusal::Unknown(short(import)));
            }
        }
        match self.exports.iter().find(|export| bare(export) == MIX) {
            Some(export) => compatible(export),
            None if self.exports.is_empty() => Err(Refusal::NoMix("nothing".to_owned())),
            None => Err(Refusal::NoMix(self.exports.iter().take(5).map(|export| short(export)).collect::<Vec<_>>().join(", "))),
        }
    }
}

/// A name as it stands in a sentence: some have a hundred thousand letters.
fn short(name: &str) -> String {
    match name.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// An interface's name without its version.
fn bare(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Whether an interface of ours is of a version that this host has: 1.0, whatever follows.
fn compatible(name: &str) -> Result<(), Refusal> {
    match name.split_once('@') {
        Some((_, version)) if version.starts_with("1.0.") => Ok(()),
        _ => Err(Refusal::Version(short(name))),
    }
}
