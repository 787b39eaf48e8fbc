//! The operator's own mix: the embedded one, or what `--components` has in its place.
//!
//! It is trusted not to be malicious, so an instance is kept until it traps, one for each thread that reads feeds. It is not
//! trusted to be right: a call has a deadline, and its answer is checked like anybody's.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::words::bindings::{FeedMix, FeedMixPre, atrarium};
use super::words::{Answer, Ears, Request};
use crate::sandbox::engine::{Limits, Sandbox, ticks};
use crate::sandbox::wasi::{self, Nothing};
use crate::sandbox::{Fault, SandboxError, one_line};

const NAME: &str = "feed-mix";

/// A page takes some tens of microseconds. The AppView waits five seconds; a mix must not come near.
const DEADLINE: Duration = Duration::from_millis(100);

struct State {
    limits: Limits,
    wasi: Nothing,
    ears: Ears,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

/// The default mix, linked and ready to be instantiated.
pub struct Mixes {
    pre: FeedMixPre<State>,
    /// Whether it is the embedded one, which minds neither who reads nor what a post is like.
    pub embedded: bool,
}

impl std::fmt::Debug for Mixes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mixes")
    }
}

/// A mix with its instance.
pub struct Mix {
    store: Store<State>,
    guest: FeedMix,
}

impl std::fmt::Debug for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mix")
    }
}

impl Mixes {
    pub fn new(sandbox: &Sandbox, bytes: &[u8], embedded: bool) -> Result<Self, SandboxError> {
        let unusable = |cause: wasmtime::Error| SandboxError::Unusable { name: NAME.to_owned(), cause: one_line(&format!("{cause:#}")) };
        let component = Component::from_binary(&sandbox.engine, bytes).map_err(unusable)?;
        let mut linker = Linker::new(&sandbox.engine);
        wasi::link(&mut linker).map_err(unusable)?;
        atrarium::feed_mix::log::add_to_linker::<State, HasSelf<Ears>>(&mut linker, |state| &mut state.ears).map_err(unusable)?;
        atrarium::feed_mix::viewer::add_to_linker::<State, HasSelf<Ears>>(&mut linker, |state| &mut state.ears).map_err(unusable)?;
        let pre = linker.instantiate_pre(&component).and_then(FeedMixPre::new).map_err(unusable)?;
        Ok(Self { pre, embedded })
    }

    pub fn instantiate(&self) -> Result<Mix, Fault> {
        let mut store = Store::new(self.pre.engine(), State { limits: Limits::default(), wasi: Nothing::new(), ears: Ears::default() });
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(ticks(DEADLINE));
        let guest = self.pre.instantiate(&mut store).map_err(|cause| fault(&store, &cause))?;
        Ok(Mix { store, guest })
    }
}

impl Mix {
    /// Orders a block of candidates for this reader. After an error the instance must be dropped.
    pub fn mix(&mut self, request: &Request, viewer: Option<&str>) -> Result<Answer, Fault> {
        self.store.data_mut().ears.viewer = viewer.map(str::to_owned);
        self.store.set_epoch_deadline(ticks(DEADLINE));
        let answer = self.guest.atrarium_feed_mix_mix().call_mix(&mut self.store, &request.wit).map_err(|cause| fault(&self.store, &cause))?;
        let printed = self.store.data_mut().ears.printed.take();
        if !printed.is_empty() {
            tracing::debug!(printed = %printed, "the mix says");
        }
        answer.map(|page| request.check(page)).map_err(|cause| Fault::Refused { component: NAME, doing: "mix", cause: one_line(&cause) })
    }
}

fn fault(store: &Store<State>, cause: &wasmtime::Error) -> Fault {
    Fault::Trap { component: NAME, doing: "mix", cause: store.data().wasi.last_words().unwrap_or_else(|| one_line(&format!("{cause:#}"))) }
}
