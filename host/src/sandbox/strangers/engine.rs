//! The engine of strangers' code, and the compiled code that is kept on disk.
//!
//! Its settings differ from those of the operator's components: fuel is counted, and computing is the same on every machine.
//! Instances are allocated for each call; how many there are at a time is bounded by whoever calls.
//!
//! Code is compiled in a process of its own ([`super::admission`]) and kept as a file. A file is good for the very engine that made
//! it: [`Strangers::key`] names the version of wasmtime, the processor and all settings, so after an upgrade it is compiled again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use ring::digest::{SHA256, digest};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine};

use super::guest::{Guest, State};
use super::inspect::inspect;
use super::ticker::Ticker;
use crate::sandbox::engine::config;
use crate::sandbox::mix::words::Ears;
use crate::sandbox::mix::words::bindings::atrarium;
use crate::sandbox::{SandboxError, one_line, wasi};

/// Bytes of stack: an interpreter in the sandbox nests deeper than a program does.
const STACK: usize = 512 << 10;

/// The engine and what is linked to strangers' code. One for the program.
pub struct Strangers {
    pub(super) engine: Engine,
    linker: Linker<State>,
    ticker: Ticker,
    key: String,
}

impl std::fmt::Debug for Strangers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Strangers({})", self.key)
    }
}

/// Why compiled code can't be had from its file. Compiling it again helps.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the compiled mix can't be read: {0}")]
    Read(#[from] io::Error),
    #[error("the compiled mix on disk is not what was written")]
    Changed,
    #[error("the compiled mix can't be used: {0}")]
    Unusable(String),
}

impl Strangers {
    pub fn new() -> Result<Self, SandboxError> {
        let failed = |cause: wasmtime::Error| SandboxError::Engine(format!("{cause:#}"));
        let engine = Engine::new(&settings()).map_err(failed)?;
        let ticker = Ticker::start(&engine)?;
        let mut linker = Linker::new(&engine);
        wasi::link_for_strangers(&mut linker).map_err(failed)?;
        atrarium::feed_mix::types::add_to_linker::<State, HasSelf<Ears>>(&mut linker, State::ears).map_err(failed)?;
        atrarium::feed_mix::log::add_to_linker::<State, HasSelf<Ears>>(&mut linker, State::ears).map_err(failed)?;
        atrarium::feed_mix::viewer::add_to_linker::<State, HasSelf<Ears>>(&mut linker, State::ears).map_err(failed)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { engine, linker, ticker, key: format!("{:016x}", hasher.finish()) })
    }

    /// Names what compiled code must have been made by to be run by this engine.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A mix from its bytes, for its own author, who may wait for it; the error is a sentence.
    pub fn build(&self, bytes: &[u8]) -> Result<Guest, String> {
        inspect(bytes).map_err(|refusal| refusal.to_string())?;
        self.link(&self.compile(bytes)?)
    }

    /// Compiles. It may take minutes and gigabytes: only for a process that may be killed.
    pub(super) fn compile(&self, bytes: &[u8]) -> Result<Component, String> {
        Component::from_binary(&self.engine, bytes).map_err(|cause| one_line(&format!("{cause:#}")))
    }

    /// Links what was compiled; the error names what doesn't fit the contract.
    pub(super) fn link(&self, component: &Component) -> Result<Guest, String> {
        Guest::new(&self.linker, component, self.ticker.clone()).map_err(|cause| one_line(&format!("{cause:#}")))
    }

    /// The compiled code in this file, if it is what its maker has written.
    pub fn load(&self, path: &Path, sha256: [u8; 32]) -> Result<Guest, LoadError> {
        let bytes = std::fs::read(path)?;
        if digest(&SHA256, &bytes).as_ref() != sha256 {
            return Err(LoadError::Changed);
        }
        #[expect(unsafe_code, reason = "compiled code is loaded in this one place")]
        // SAFETY: wasmtime demands that the file is what `Component::serialize` of this very version has written, and stays so while it
        // is mapped. No upload ever comes here: the file was written by our own process of admission, in a directory that is
        // this user's alone (0700), under a name that has the version of the engine, its settings and the processor
        // (`key`; wasmtime looks again); it was renamed there when it was whole and is never written again, only
        // removed, which a mapping outlives. Its digest was kept in `state.redb` beside the upload, and was compared.
        let component = unsafe { Component::deserialize_file(&self.engine, path) };
        let component = component.map_err(|cause| LoadError::Unusable(one_line(&format!("{cause:#}"))))?;
        Ok(self.link(&component).map_err(LoadError::Unusable)?.of_size(bytes.len()))
    }
}

fn settings() -> Config {
    let mut settings = config();
    settings.consume_fuel(true).cranelift_nan_canonicalization(true).max_wasm_stack(STACK);
    settings
}
