//! The `feed-mix` world: the order of a page's posts.
//!
//! The default mix is the operator's own component, so an instance is kept until it traps, one for each thread that reads
//! feeds. What a mix returns is text from the network all the same: picks that repeat or name no candidate are dropped.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::engine::{Limits, Sandbox, ticks};
use super::wasi::{self, Nothing};
use super::{Fault, SandboxError, one_line};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/feed-mix",
        world: "atrarium:feed-mix/feed-mix",
        require_store_data_send: true,
    });
}

use bindings::FeedMixPre;
use bindings::exports::atrarium::feed_mix::mix as wit;

const NAME: &str = "feed-mix";

/// A page takes some tens of microseconds. The AppView waits five seconds; a mix must not come near.
const DEADLINE: Duration = Duration::from_millis(100);

/// In the order in which ties are settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    Own,
    Parent,
    Global,
}

/// A post that a mix may pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub uri: String,
    pub author: String,
    pub sort_time: i64,
    pub reply: bool,
    pub languages: Vec<String>,
    pub labels: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Source {
    pub kind: SourceKind,
    /// Percent.
    pub share: u32,
    /// Posts of this source that the walk has shown already.
    pub taken: u32,
    /// Newest first; no post is in two sources.
    pub candidates: Vec<Candidate>,
    /// Whether there is more behind the candidates.
    pub more: bool,
}

/// A mix's answer, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Source and candidate, each pair once, at most as many as were asked for.
    pub picks: Vec<(usize, usize)>,
    /// For each source how many of its first candidates are done with; never fewer than were picked up to there.
    pub consumed: Vec<usize>,
}

struct State {
    limits: Limits,
    wasi: Nothing,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

/// The default mix, linked and ready to be instantiated. One for the program.
pub struct Mixes {
    pre: FeedMixPre<State>,
}

impl std::fmt::Debug for Mixes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mixes")
    }
}

/// A mix with its instance.
pub struct Mix {
    store: Store<State>,
    guest: bindings::FeedMix,
}

impl std::fmt::Debug for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mix")
    }
}

impl Mixes {
    pub fn new(sandbox: &Sandbox, bytes: &[u8]) -> Result<Self, SandboxError> {
        let unusable = |cause: wasmtime::Error| SandboxError::Unusable { name: NAME, cause: one_line(&format!("{cause:#}")) };
        let component = Component::from_binary(&sandbox.engine, bytes).map_err(unusable)?;
        let mut linker = Linker::new(&sandbox.engine);
        wasi::link(&mut linker).map_err(unusable)?;
        let pre = linker.instantiate_pre(&component).and_then(FeedMixPre::new).map_err(unusable)?;
        Ok(Self { pre })
    }

    pub fn instantiate(&self) -> Result<Mix, Fault> {
        let mut store = Store::new(self.pre.engine(), State { limits: Limits::default(), wasi: Nothing::new() });
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(ticks(DEADLINE));
        let guest = self.pre.instantiate(&mut store).map_err(|cause| fault(&store, &cause))?;
        Ok(Mix { store, guest })
    }
}

impl Mix {
    /// Orders a page of at most `limit` posts. After an error the instance must be dropped.
    pub fn mix(&mut self, sources: &[Source], limit: u32, now: i64, viewer: Option<&str>) -> Result<Page, Fault> {
        let request = wit::Request { sources: sources.iter().map(source).collect(), limit, now, viewer: viewer.map(str::to_owned) };
        self.store.set_epoch_deadline(ticks(DEADLINE));
        let page = self.guest.atrarium_feed_mix_mix().call_mix(&mut self.store, &request).map_err(|cause| fault(&self.store, &cause))?;
        let sizes: Vec<usize> = sources.iter().map(|source| source.candidates.len()).collect();
        Ok(check(&page, &sizes, limit as usize))
    }
}

fn fault(store: &Store<State>, cause: &wasmtime::Error) -> Fault {
    Fault::Trap { component: NAME, doing: "mix", cause: store.data().wasi.last_words().unwrap_or_else(|| one_line(&format!("{cause:#}"))) }
}

fn source(source: &Source) -> wit::Source {
    wit::Source {
        kind: match source.kind {
            SourceKind::Own => wit::SourceKind::Own,
            SourceKind::Parent => wit::SourceKind::Parent,
            SourceKind::Global => wit::SourceKind::Global,
        },
        share: source.share,
        taken: source.taken,
        candidates: source
            .candidates
            .iter()
            .map(|candidate| wit::Candidate {
                uri: candidate.uri.clone(),
                author: candidate.author.clone(),
                sort_time: candidate.sort_time,
                reply: candidate.reply,
                languages: candidate.languages.clone(),
                labels: candidate.labels.clone(),
            })
            .collect(),
        more: source.more,
    }
}

/// Drops picks that repeat, name nothing, or are too many; what was picked counts as consumed.
fn check(page: &wit::Page, sizes: &[usize], limit: usize) -> Page {
    let mut seen: Vec<Vec<bool>> = sizes.iter().map(|size| vec![false; *size]).collect();
    let mut picks = Vec::with_capacity(limit.min(page.picks.len()));
    for pick in &page.picks {
        if picks.len() == limit {
            break;
        }
        let (source, candidate) = (pick.source as usize, pick.candidate as usize);
        if let Some(unseen @ false) = seen.get_mut(source).and_then(|seen| seen.get_mut(candidate)) {
            *unseen = true;
            picks.push((source, candidate));
        }
    }
    let consumed = sizes
        .iter()
        .enumerate()
        .map(|(source, size)| {
            let said = page.consumed.get(source).map_or(0, |said| *said as usize).min(*size);
            let picked = picks.iter().filter(|(from, _)| *from == source).map(|(_, candidate)| candidate + 1).max().unwrap_or(0);
            said.max(picked)
        })
        .collect();
    Page { picks, consumed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mix_returns_is_checked() {
        let pick = |source, candidate| wit::Pick { source, candidate };
        let check = |picks: &[wit::Pick], consumed: &[u32], expected: &[(usize, usize)], done: &[usize]| {
            let page = super::check(&wit::Page { picks: picks.to_vec(), consumed: consumed.to_vec() }, &[3, 1], 2);
            assert_eq!(page, Page { picks: expected.to_vec(), consumed: done.to_vec() }, "{picks:?} {consumed:?}");
        };
        check(&[pick(0, 0), pick(1, 0)], &[1, 1], &[(0, 0), (1, 0)], &[1, 1]);
        check(&[pick(0, 0), pick(0, 0), pick(0, 1)], &[2, 0], &[(0, 0), (0, 1)], &[2, 0]);
        check(&[pick(9, 0), pick(0, 3), pick(1, 0)], &[], &[(1, 0)], &[0, 1]);
        // More than asked for: the rest does not count, so it isn't consumed either unless the mix says so.
        check(&[pick(0, 0), pick(0, 1), pick(0, 2)], &[0, 0], &[(0, 0), (0, 1)], &[2, 0]);
        check(&[], &[7, 7], &[], &[3, 1]);
    }
}
