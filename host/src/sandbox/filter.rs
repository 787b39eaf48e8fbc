//! The `filter` world: raw records in, typed records out.
//!
//! Stateless, so an instance is kept until it traps. After a trap the batch is tried again record by record in a fresh
//! instance, and a record that makes the filter trap alone counts as malformed: one record can't stop the queue.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::engine::{Limits, Sandbox};
use super::wasi::{self, Nothing};
use super::{Fault, SandboxError, deadline, one_line};
use crate::record::{Action, ActionKind, Config, Hashtag, Membership, Post, Record, Shares, Stage};

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/events", "../wit/filter"],
        world: "atrarium:filter/filter",
        require_store_data_send: true,
    });
}

use bindings::FilterPre;
use bindings::atrarium::events::types as wit;
use bindings::exports::atrarium::filter::records::{Raw, Verdict as WitVerdict};

const NAME: &str = "filter";

/// A batch of 2,000 ordinary records takes about 10 ms.
const DEADLINE: Duration = Duration::from_millis(500);

/// What the filter thinks of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Accepted(Record),
    Irrelevant,
    /// With a short code for the reason.
    Malformed(String),
}

/// A record to be judged.
#[derive(Debug, Clone)]
pub struct RawRecord<'a> {
    pub did: &'a str,
    pub collection: &'a str,
    pub rkey: &'a str,
    pub json: &'a str,
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

/// The filter, linked and ready to be instantiated.
pub struct Filters {
    pre: FilterPre<State>,
}

impl std::fmt::Debug for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filters")
    }
}

impl Filters {
    pub fn new(sandbox: &Sandbox, bytes: &[u8]) -> Result<Self, SandboxError> {
        let unusable = |cause: wasmtime::Error| SandboxError::Unusable { name: NAME.to_owned(), cause: one_line(&format!("{cause:#}")) };
        let component = Component::from_binary(&sandbox.engine, bytes).map_err(unusable)?;
        let mut linker = Linker::new(&sandbox.engine);
        wasi::link(&mut linker).map_err(unusable)?;
        let pre = linker.instantiate_pre(&component).and_then(FilterPre::new).map_err(unusable)?;
        Ok(Self { pre })
    }

    fn instantiate(&self) -> Result<(Store<State>, bindings::Filter), Fault> {
        let mut store = Store::new(self.pre.engine(), State { limits: Limits::default(), wasi: Nothing::new() });
        store.limiter(|state| &mut state.limits);
        deadline::allow(&mut store, DEADLINE);
        let filter = self.pre.instantiate(&mut store).map_err(|cause| fault(&store, &cause))?;
        Ok((store, filter))
    }
}

/// The filter, with an instance of it.
pub struct Filter {
    of: Arc<Filters>,
    live: Option<(Store<State>, bindings::Filter)>,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filter")
    }
}

impl Filter {
    pub fn new(of: Arc<Filters>) -> Self {
        Self { of, live: None }
    }

    /// Judges by this component from now on.
    pub fn follow(&mut self, now: &Arc<Filters>) {
        if !Arc::ptr_eq(&self.of, now) {
            *self = Self::new(Arc::clone(now));
        }
    }

    /// One verdict for each record.
    pub fn judge(&mut self, batch: &[RawRecord<'_>]) -> Vec<Verdict> {
        match self.try_judge(batch) {
            Ok(verdicts) => verdicts,
            Err(fault) if batch.len() == 1 => {
                tracing::warn!(%fault, did = batch[0].did, collection = batch[0].collection, rkey = batch[0].rkey, "the filter failed on a record: it counts as malformed");
                vec![Verdict::Malformed("filter-fault".to_owned())]
            }
            Err(fault) => {
                metrics::counter!("atrarium_traps_total", "component" => NAME).increment(1);
                tracing::warn!(%fault, records = batch.len(), "the filter failed on a batch: judging its records one by one");
                batch.iter().flat_map(|record| self.judge(std::slice::from_ref(record))).collect()
            }
        }
    }

    pub(super) fn try_judge(&mut self, batch: &[RawRecord<'_>]) -> Result<Vec<Verdict>, Fault> {
        let raw: Vec<Raw> = batch
            .iter()
            .map(|record| Raw {
                did: record.did.to_owned(),
                collection: record.collection.to_owned(),
                rkey: record.rkey.to_owned(),
                json: record.json.to_owned(),
            })
            .collect();
        let (mut store, filter) = match self.live.take() {
            Some(live) => live,
            None => self.of.instantiate()?,
        };
        deadline::allow(&mut store, DEADLINE);
        let outcome = filter.atrarium_filter_records().call_judge(&mut store, &raw);
        let verdicts = outcome.map_err(|cause| fault(&store, &cause))?;
        if verdicts.len() != batch.len() {
            let cause = format!("{} verdicts for {} records", verdicts.len(), batch.len());
            return Err(Fault::Refused { component: NAME, doing: "judge", cause });
        }
        self.live = Some((store, filter));
        Ok(verdicts.into_iter().map(verdict).collect())
    }
}

fn fault(store: &Store<State>, cause: &wasmtime::Error) -> Fault {
    let words = store.data().wasi.last_words().unwrap_or_default();
    Fault::Trap { component: NAME, doing: "judge", cause: one_line(&format!("{cause:#} {words}")) }
}

fn verdict(verdict: WitVerdict) -> Verdict {
    match verdict {
        WitVerdict::Post(post) => typed(self::post(post).map(Record::Post)),
        WitVerdict::Config(config) => typed(self::config(config).map(Record::Config)),
        WitVerdict::Membership(membership) => {
            Verdict::Accepted(Record::Membership(Membership { community: membership.community, active: membership.active, joined_at: membership.joined_at }))
        }
        WitVerdict::Action(action) => Verdict::Accepted(Record::Action(self::action(action))),
        WitVerdict::Irrelevant => Verdict::Irrelevant,
        WitVerdict::Malformed(code) => Verdict::Malformed(code.chars().take(40).collect()),
    }
}

/// What breaks the filter's contract counts as malformed.
fn typed(record: Option<Record>) -> Verdict {
    record.map_or_else(|| Verdict::Malformed("filter-contract".to_owned()), Verdict::Accepted)
}

fn post(post: wit::Post) -> Option<Post> {
    let hashtags: Vec<Hashtag> = post.hashtags.iter().map(|tag| Hashtag::parse(tag)).collect::<Option<_>>()?;
    (!hashtags.is_empty()).then_some(Post { sort_time: post.sort_time, hashtags, reply: post.reply, languages: post.languages, labels: post.labels })
}

fn config(config: wit::Config) -> Option<Config> {
    let shares = Shares { own: config.shares.own, parent: config.shares.parent, global: config.shares.global };
    let total = u64::from(shares.own) + u64::from(shares.parent) + u64::from(shares.global);
    (total == 100).then_some(())?;
    Some(Config {
        name: config.name,
        description: config.description,
        hashtag: Hashtag::parse(&config.hashtag)?,
        stage: match config.stage {
            wit::Stage::Theme => Stage::Theme,
            wit::Stage::Community => Stage::Community,
            wit::Stage::Graduated => Stage::Graduated,
        },
        parent: config.parent,
        shares,
        moderators: config.moderators,
        created_at: config.created_at,
    })
}

fn action(action: wit::Action) -> Action {
    Action {
        kind: match action.kind {
            wit::ActionKind::HidePost => ActionKind::HidePost,
            wit::ActionKind::UnhidePost => ActionKind::UnhidePost,
            wit::ActionKind::BlockUser => ActionKind::BlockUser,
            wit::ActionKind::UnblockUser => ActionKind::UnblockUser,
        },
        target: action.target,
        community: action.community,
        reason: action.reason,
        via: action.via,
        created_at: action.created_at,
    }
}
