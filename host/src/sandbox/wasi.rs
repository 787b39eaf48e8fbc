//! The part of WASI that a guest written in Rust asks for, with nothing behind it.
//!
//! Linked are streams, standard input and output, the environment, exit and the terminal queries: no files, no network, no
//! clock, no randomness. Input is empty, the environment too; what a guest prints to its error stream is kept, up to a bound,
//! because a panic's message goes there.

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, sync};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::streams::AtOnce;

/// A panic's message fits; a guest that prints more traps.
const STDERR: usize = 4 << 10;

/// A guest's view of the world outside.
pub(super) struct Nothing {
    context: WasiCtx,
    table: ResourceTable,
    stderr: MemoryOutputPipe,
}

impl Nothing {
    pub(super) fn new() -> Self {
        let stderr = MemoryOutputPipe::new(STDERR);
        Self { context: WasiCtx::builder().stderr(stderr.clone()).build(), table: ResourceTable::new(), stderr }
    }

    pub(super) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }

    /// What the guest has printed to its error stream, the last line first of all.
    pub(super) fn last_words(&self) -> Option<String> {
        let printed = self.stderr.contents();
        let text = String::from_utf8_lossy(&printed).trim().replace('\n', " / ");
        (!text.is_empty()).then_some(text)
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

struct HasStreams;

impl HasData for HasStreams {
    type Data<'a> = AtOnce<'a>;
}

pub(super) fn link<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    sync::io::error::add_to_linker::<T, HasTable>(linker, |state| state.ctx().table)?;
    sync::io::poll::add_to_linker::<T, HasStreams>(linker, |state| AtOnce(state.ctx().table))?;
    sync::io::streams::add_to_linker::<T, HasStreams>(linker, |state| AtOnce(state.ctx().table))?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::environment::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::stderr::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    Ok(())
}
