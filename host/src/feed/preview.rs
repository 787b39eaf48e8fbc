//! What a version of a community's mix would show, beside what the feed shows now; and what any mix would be asked, to try one at home.
//!
//! Both pages are first pages for a reader who isn't known, made from one snapshot and so from the same posts, in as many blocks as a page of the
//! feed may take. The version is asked by [`crate::uploads::Uploads::try_out`], and so is the active one where an upload is active. Nothing comes of it
//! but the answer: no page and no order is kept, and no breaker hears of a failure.

use std::time::Duration;

use super::block::{CANDIDATES, Plan};
use super::cursor::Walk;
use super::skeleton::{Feeds, ROUNDS, community, number};
use super::sources::{Reader, uri};
use crate::community::showing::edition_of;
use crate::sandbox::mix::{Answer, Block, Request, SourceKind};
use crate::sandbox::strangers::{Failure, Run};
use crate::store::StoreError;
use crate::uploads::{Refused, UploadError};

/// Two first pages.
#[derive(Debug)]
pub struct Preview {
    /// What the version would show; as far as it came, if it failed.
    pub posts: Vec<Shown>,
    pub calls: Calls,
    /// What the feed shows now.
    pub now: Vec<Shown>,
    /// The version that makes the feed now; `None` for the default mix.
    pub now_by: Option<u32>,
}

/// A post on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub uri: String,
    /// A DID.
    pub author: String,
    pub source: SourceKind,
    pub pinned: bool,
    pub note: Option<String>,
}

/// What a version took and did, in the calls that a page needed.
#[derive(Debug, Default)]
pub struct Calls {
    pub count: u32,
    /// Of the dearest call.
    pub fuel: u64,
    pub memory: usize,
    /// Processor time of the dearest.
    pub computed: Duration,
    /// Whether it asked who reads.
    pub asked: bool,
    /// What it said in all of them.
    pub said: String,
    /// Why the last one gave no answer.
    pub failure: Option<Failure>,
}

#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error("there is no such feed here")]
    UnknownFeed,
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error("the feed can't be read right now: {0}")]
    Unavailable(#[from] StoreError),
}

impl Calls {
    /// Takes note of a call; its answer, if there is one.
    fn take(&mut self, run: Run) -> Option<Answer> {
        self.count += 1;
        self.fuel = self.fuel.max(run.fuel);
        self.memory = self.memory.max(run.memory);
        self.computed = self.computed.max(run.computed);
        self.asked |= run.asked;
        if !self.said.is_empty() && !run.printed.is_empty() {
            self.said.push('\n');
        }
        self.said.push_str(&run.printed);
        run.outcome.map_err(|failure| self.failure = Some(failure)).ok()
    }
}

impl Feeds {
    /// What a version of the community with this config would show first, beside what is shown now, where an app asks for so many posts.
    /// Blocks for the version's turns and calls.
    pub fn preview(&self, config: &str, version: u32, limit: u32) -> Result<Preview, PreviewError> {
        let inner = &*self.0;
        let uploads = inner.mixing.uploads.as_ref().ok_or(UploadError::Refused(Refused::Off))?;
        // Where there are no posts it won't be asked.
        uploads.can_be_tried(config, version)?;
        let choice = inner.mixing.choose(config);
        let snapshot = inner.store.snapshot()?;
        let id = number(&snapshot, config)?.ok_or(PreviewError::UnknownFeed)?;
        let community = community(&snapshot, id)?.ok_or(PreviewError::UnknownFeed)?;
        let plan = inner.plan(&snapshot, id, &community)?;
        let reader = Reader { snapshot: &snapshot, origins: &plan.origins, begun: edition_of(&snapshot)?, now: inner.clock.now_ms() };
        let page = FirstPage { plan: &plan, reader: &reader, limit: limit as usize };

        let mut calls = Calls::default();
        let posts = page.made(false, |request| Ok(calls.take(uploads.try_out(config, version, request)?)))?;
        let now_by = choice.uploaded.as_ref().map(|running| running.number);
        let now = page.made(choice.counts_only(), |request| {
            let answered = match now_by {
                Some(active) => uploads.try_out(config, active, request)?.outcome.ok(),
                None => None,
            };
            Ok(Some(answered.unwrap_or_else(|| inner.mixing.default.mix(&choice.default, request, config, None))))
        })?;
        Ok(Preview { posts, calls, now, now_by })
    }

    /// What a mix is asked for the first page of the community with this config, where an app asks for so many posts. `None` if there is no
    /// such feed.
    pub fn candidates(&self, config: &str, limit: u32) -> Result<Option<Block>, StoreError> {
        let inner = &*self.0;
        let snapshot = inner.store.snapshot()?;
        let Some(id) = number(&snapshot, config)? else { return Ok(None) };
        let Some(community) = community(&snapshot, id)? else { return Ok(None) };
        let plan = inner.plan(&snapshot, id, &community)?;
        let walk = Walk { begun: edition_of(&snapshot)?, ..Walk::default() };
        let reader = Reader { snapshot: &snapshot, origins: &plan.origins, begun: walk.begun, now: inner.clock.now_ms() };
        let (block, _) = plan.offered(&reader, &walk, CANDIDATES, limit as usize, false)?;
        Ok(Some(block))
    }
}

/// The first page of a walk that begins now.
struct FirstPage<'a> {
    plan: &'a Plan<'a>,
    reader: &'a Reader<'a>,
    limit: usize,
}

impl FirstPage<'_> {
    /// Makes it of the answers to its blocks, up to the first that isn't answered. It is the page that [`Feeds::skeleton`] makes.
    fn made(&self, counts_only: bool, mut ask: impl FnMut(&Request) -> Result<Option<Answer>, UploadError>) -> Result<Vec<Shown>, PreviewError> {
        let (mut walk, mut page) = (Walk { begun: self.reader.begun, ..Walk::default() }, Vec::new());
        for _ in 0..ROUNDS {
            let room = self.limit - page.len();
            let block = self.plan.read(self.reader, &walk, if counts_only { room } else { CANDIDATES }, room, counts_only)?;
            let answer = if block.is_empty() {
                Answer { picks: Vec::new(), consumed: block.request.sizes().to_vec() }
            } else {
                let Some(answer) = ask(&block.request)? else { break };
                answer
            };
            let is_last = block.is_last(&answer.consumed);
            let sources: Vec<SourceKind> = answer.picks.iter().filter_map(|pick| self.plan.shares.get(pick.source)).map(|(kind, _)| *kind).collect();
            let picked = block.advance(self.plan, &mut walk, answer);
            page.extend(sources.into_iter().zip(picked).take(room).map(|(source, picked)| Shown {
                uri: uri(&picked.position.did, &picked.position.rkey),
                author: picked.position.did,
                source,
                pinned: picked.pinned,
                note: picked.context,
            }));
            if is_last || page.len() == self.limit {
                break;
            }
        }
        Ok(page)
    }
}
