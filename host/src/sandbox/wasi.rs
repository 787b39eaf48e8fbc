//! The part of WASI that a guest written in Rust asks for, with nothing behind it.
//!
//! Linked are streams, standard input and output, the environment, exit and the terminal queries: no files, no network, no
//! clock, no randomness. Input is empty, the environment too; the end of what a guest prints to its error stream is kept,
//! because a panic's message goes there.
//!
//! For strangers the interfaces of clocks, randomness and files are linked too, so that whatever a language's runtime asks for
//! is there; but the clocks stand still, chance is the same in every call, and there is no file to be opened.

use std::time::Duration;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sync};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::streams::AtOnce;
use super::tail::Tail;

/// A guest's view of the world outside.
pub(super) struct Nothing {
    context: WasiCtx,
    table: ResourceTable,
    stderr: Tail,
}

impl Nothing {
    pub(super) fn new() -> Self {
        let stderr = Tail::default();
        Self { context: WasiCtx::builder().stderr(stderr.clone()).build(), table: ResourceTable::new(), stderr }
    }

    /// For a guest to which it is always this moment, in milliseconds since the Unix epoch. What it prints to either stream is kept.
    pub(super) fn standing_at(now: i64) -> Self {
        let stderr = Tail::default();
        let clock = Standing(Duration::from_millis(u64::try_from(now).unwrap_or(0)));
        let chance = || Deterministic::new(CHANCE.to_vec());
        let context = WasiCtx::builder()
            .stdout(stderr.clone())
            .stderr(stderr.clone())
            .wall_clock(clock)
            .monotonic_clock(clock)
            .secure_random(chance())
            .insecure_random(chance())
            .insecure_random_seed(0)
            .max_random_size(4 << 10)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Self { context, table: ResourceTable::new(), stderr }
    }

    pub(super) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }

    /// The end of what the guest has printed, in one line.
    pub(super) fn last_words(&self) -> Option<String> {
        let text = self.stderr.text().trim().replace('\n', " / ");
        (!text.is_empty()).then_some(text)
    }
}

/// Bytes that come again and again where a stranger asks for chance.
const CHANCE: &[u8] = &[4, 102, 187, 27, 84, 145, 232, 63];

/// A clock that stands still.
#[derive(Clone, Copy)]
struct Standing(Duration);

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Standing {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
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

/// What [`link`] links, and clocks, chance and files for [`Nothing::standing_at`].
pub(super) fn link_for_strangers<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    link(linker)?;
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(linker, T::clocks)?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(linker, T::clocks)?;
    random::random::add_to_linker::<T, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<T, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    sync::filesystem::types::add_to_linker::<T, WasiFilesystem>(linker, T::filesystem)?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(linker, T::filesystem)?;
    Ok(())
}
