//! From a request to a skeleton: the page of a feed, in one snapshot.
//!
//! The community's config says which sources there are and with what shares; [`super::block`] reads their next posts; the mix
//! picks from them; what the page doesn't take waits for the next ([`super::orders`]); the cursor notes how far the walk has come.
//! While the database is away, a page that was served before is served again, and counted.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;

use super::block::{CANDIDATES, Plan};
use super::cache::{Asked, Pages, Reader, Version};
use super::cursor::{Rest, Walk};
use super::home::{Origins, home};
use super::mixing::{self, Choice, Mixing};
use super::orders::{Orders, Picked};
use super::sources::{self, uri};
use crate::clock::Clock;
use crate::community::Community;
use crate::community::load::{Loads, Work};
use crate::community::showing::edition_of;
use crate::config::{Live, Party};
use crate::event::Collection;
use crate::record::{RecordKey, Stage};
use crate::sandbox::Current;
use crate::sandbox::mix::{Answer, SourceKind};
use crate::store::view::decode;
use crate::store::{CommunityId, Snapshot, Span, Store, StoreError, Table};
use crate::uploads::Uploads;

/// A request for a page of a feed. The caller has checked its syntax and the limit.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The DID in the feed's URI.
    pub owner: &'a str,
    pub rkey: &'a str,
    /// 1 to 100.
    pub limit: u32,
    pub cursor: Option<&'a str>,
    /// The DID that reads, if it is verified.
    pub viewer: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("there is no such feed here")]
    UnknownFeed,
    /// With the reason, for the caller.
    #[error("{0}")]
    BadCursor(String),
    /// The database is away, and the page isn't in memory.
    #[error("the feed can't be read right now: {0}")]
    Unavailable(String),
}

/// All feeds of this host. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Feeds(pub(super) Arc<Inner>);

/// Whom the operator keeps out of *global*, and which communities that concerns of those that were looked at.
type Exclusions = (Arc<Vec<Party>>, HashMap<CommunityId, bool>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) mixing: Mixing,
    pages: Pages,
    orders: Orders,
    loads: Loads,
    /// Whom the operator keeps out of *global*.
    excluded: Live<Vec<Party>>,
    /// Which communities that concerns: a number is never used twice.
    exclusions: RwLock<Exclusions>,
}

#[derive(Serialize)]
struct Skeleton<'a> {
    feed: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct Item<'a> {
    post: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(rename = "feedContext", skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "$type")]
enum Reason {
    #[serde(rename = "app.bsky.feed.defs#skeletonReasonPin")]
    Pin,
}

/// Blocks that a page is made of at most: more than one only where a mix picks less than the page takes, or moderation hides
/// thousands of posts in a row.
pub(super) const ROUNDS: usize = 4;

impl Feeds {
    /// `cache` is what the database may remember, in bytes: pages and orders of walks take parts of it besides.
    pub fn new(store: Store, clock: Clock, components: Current, uploads: Option<Uploads>, excluded: Live<Vec<Party>>, loads: Loads, cache: usize) -> Self {
        let mixing = Mixing::new(mixing::Default::new(components), uploads);
        let exclusions = RwLock::new((excluded.now(), HashMap::new()));
        Self(Arc::new(Inner { store, clock, mixing, pages: Pages::new(cache), orders: Orders::new(cache), loads, excluded, exclusions }))
    }

    /// What communities cost: their pages are counted here, and their objects by whoever else has it.
    pub fn loads(&self) -> &Loads {
        &self.0.loads
    }

    /// Whether it matters to a page of this feed who reads it.
    pub fn minds_viewer(&self, owner: &str, rkey: &str) -> bool {
        self.0.mixing.choose(&config_uri(owner, rkey)).minds_viewer()
    }

    /// Whether a page of this feed may have to wait for a mix that a stranger has written.
    pub fn may_wait(&self, owner: &str, rkey: &str) -> bool {
        self.0.mixing.choose(&config_uri(owner, rkey)).is_uploaded()
    }

    /// A page of a feed, as the JSON of `app.bsky.feed.getFeedSkeleton`.
    pub fn skeleton(&self, request: &Request<'_>) -> Result<Bytes, FeedError> {
        let inner = &*self.0;
        let walk = request.cursor.map(Walk::from_text).transpose().map_err(|cause| FeedError::BadCursor(cause.to_string()))?;
        let community = config_uri(request.owner, request.rkey);
        // Before the mix is chosen, so that no page of the mix before counts as fresh.
        let (version, now) = (Version { index: inner.store.feeds_version(), mixes: inner.mixing.generation() }, inner.clock.now_ms());
        let choice = inner.mixing.choose(&community);
        let asked = |reader| Asked {
            owner: request.owner.to_owned(),
            rkey: request.rkey.to_owned(),
            limit: request.limit,
            cursor: request.cursor.map(str::to_owned),
            reader,
        };
        let everybodys = asked(Reader::Everybody);
        let own = choice.minds_viewer().then(|| asked(request.viewer.map_or(Reader::Unknown, |did| Reader::Known(did.to_owned()))));
        let fresh = |asked: &Asked| inner.pages.fresh(asked, version, now);
        if let Some(body) = fresh(&everybodys).or_else(|| own.as_ref().and_then(fresh)) {
            return Ok(body);
        }
        let began = Instant::now();
        match inner.make(request, &community, &choice, walk, now) {
            Ok(Some(page)) => {
                inner.loads.count(&community, Work::Page, began.elapsed());
                let body = page.body();
                let reader = || asked(request.viewer.map_or(Reader::Unknown, |did| Reader::Known(did.to_owned())));
                inner.pages.keep(if page.for_reader { reader() } else { everybodys }, body.clone(), version, now);
                Ok(body)
            }
            Ok(None) => {
                inner.pages.forget(&everybodys);
                own.iter().for_each(|own| inner.pages.forget(own));
                Err(FeedError::UnknownFeed)
            }
            Err(failure) => {
                metrics::counter!("atrarium_pages_from_memory_total").increment(1);
                let kept = inner.pages.any(&everybodys).or_else(|| own.as_ref().and_then(|own| inner.pages.any(own)));
                kept.ok_or_else(|| FeedError::Unavailable(failure.to_string()))
            }
        }
    }

    /// The AT-URIs of all feeds, in the order in which the communities were opened.
    pub fn describe(&self) -> Result<Vec<String>, FeedError> {
        let read = || {
            let (mut feeds, mut failed) = (Vec::new(), None);
            self.0.store.snapshot()?.scan(Table::Communities, &Span::all(), false, |key, value| {
                match decode::<Community>(Table::Communities, key, value) {
                    Ok(community) => feeds.push(feed_uri(&community.owner, &community.rkey)),
                    Err(cause) => failed = Some(cause),
                }
                failed.is_none()
            })?;
            failed.map_or(Ok(feeds), Err)
        };
        read().map_err(|failure: StoreError| FeedError::Unavailable(failure.to_string()))
    }
}

/// A page that was made.
struct Page {
    posts: Vec<Picked>,
    cursor: Option<String>,
    /// Whether it is this reader's alone.
    for_reader: bool,
}

impl Page {
    fn body(&self) -> Bytes {
        let feed = self.posts.iter().map(|Picked { position, pinned, context }| Item {
            post: uri(&position.did, &position.rkey),
            reason: pinned.then_some(Reason::Pin),
            context: context.as_deref(),
        });
        let skeleton = Skeleton { feed: feed.collect(), cursor: self.cursor.as_deref() };
        serde_json::to_vec(&skeleton).expect("a list of strings has no form that JSON lacks").into()
    }
}

/// Explaining a feed to people.
impl Feeds {
    /// The source by which the community's feed shows the post in this place to whoever begins to read now, if it does. Whether
    /// the post's time has come is the caller's to look at.
    pub fn source_of(&self, snapshot: &Snapshot, id: CommunityId, community: &Community, place: &[u8]) -> Result<Option<SourceKind>, StoreError> {
        let plan = self.0.plan(snapshot, id, community)?;
        home(snapshot, &plan.origins, edition_of(snapshot)?, place)
    }
}

/// The AT-URI under which a community's feed is known.
pub fn feed_uri(owner: &str, rkey: &str) -> String {
    format!("at://{owner}/app.bsky.feed.generator/{rkey}")
}

impl Inner {
    /// A new page; `None` if there is no such feed.
    fn make(&self, request: &Request<'_>, uri: &str, choice: &Choice, walk: Option<Walk>, now: i64) -> Result<Option<Page>, StoreError> {
        let snapshot = self.store.snapshot()?;
        let Some(id) = number(&snapshot, uri)? else { return Ok(None) };
        let Some(community) = community(&snapshot, id)? else { return Ok(None) };
        let plan = self.plan(&snapshot, id, &community)?;
        let mut walk = match walk {
            Some(walk) => walk,
            None => Walk { begun: edition_of(&snapshot)?, ..Walk::default() },
        };
        let reader = sources::Reader { snapshot: &snapshot, origins: &plan.origins, begun: walk.begun, now };
        let limit = request.limit as usize;
        let (mut posts, mut ended, mut for_reader) = (Vec::with_capacity(limit), false, false);
        for _ in 0..ROUNDS {
            if let Some(rest) = walk.rest.take() {
                walk.rest = self.show_rest(&reader, rest, limit, &mut posts)?;
            }
            let room = limit - posts.len();
            if room == 0 || ended {
                break;
            }
            let counts_only = choice.counts_only();
            let block = plan.read(&reader, &walk, if counts_only { room } else { CANDIDATES }, room, counts_only)?;
            let answer = if block.is_empty() {
                Answer { picks: Vec::new(), consumed: block.request.sizes().to_vec() }
            } else {
                let asked = self.mixing.ask(choice, &block.request, uri, request.viewer);
                for_reader |= asked.for_reader;
                asked.answer
            };
            ended = block.is_last(&answer.consumed);
            let mut picked = block.advance(&plan, &mut walk, answer);
            let later = picked.split_off(picked.len().min(room));
            posts.append(&mut picked);
            walk.rest = (!later.is_empty()).then(|| self.orders.keep(&later));
        }
        let cursor = (!ended || walk.rest.is_some()).then(|| walk.to_text());
        Ok(Some(Page { posts, cursor, for_reader }))
    }

    /// Fills the page with what is left of a block, passing over what isn't in the feed any more; answers what is left then.
    fn show_rest(&self, reader: &sources::Reader<'_>, rest: Rest, limit: usize, page: &mut Vec<Picked>) -> Result<Option<Rest>, StoreError> {
        let Some(left) = self.orders.get(rest) else {
            metrics::counter!("atrarium_orders_lost_total").increment(1);
            return Ok(None);
        };
        for (next, picked) in (rest.next..).zip(left) {
            if page.len() == limit {
                return Ok(Some(Rest { next, ..rest }));
            }
            if reader.shows(&picked.position)? {
                page.push(picked);
            }
        }
        Ok(None)
    }

    pub(super) fn plan<'a>(&self, snapshot: &Snapshot, id: CommunityId, community: &'a Community) -> Result<Plan<'a>, StoreError> {
        let shares = community.config.shares;
        let graduated = community.config.stage == Stage::Graduated;
        let parent = match community.config.parent.as_deref().filter(|uri| shares.parent > 0 && !graduated && *uri != community.uri) {
            Some(uri) => number(snapshot, uri)?,
            None => None,
        };
        let except = if shares.global > 0 && !self.excluded.now().is_empty() { self.exclusions(snapshot)? } else { HashSet::new() };
        let origins = Origins { community: id, own: shares.own > 0, parent, global: shares.global > 0, except };
        let sources = [
            origins.own.then_some((SourceKind::Own, shares.own)),
            parent.map(|_| (SourceKind::Parent, shares.parent)),
            origins.global.then_some((SourceKind::Global, shares.global)),
        ];
        Ok(Plan { community, origins, shares: sources.into_iter().flatten().collect() })
    }

    /// The communities that the operator keeps out of *global*.
    fn exclusions(&self, snapshot: &Snapshot) -> Result<HashSet<CommunityId>, StoreError> {
        let mut unseen = Vec::new();
        let excluded = self.excluded.now();
        {
            let mut known = self.exclusions.write().unwrap_or_else(PoisonError::into_inner);
            if !Arc::ptr_eq(&known.0, &excluded) {
                *known = (Arc::clone(&excluded), HashMap::new());
            }
        }
        {
            let known = self.exclusions.read().unwrap_or_else(PoisonError::into_inner);
            snapshot.scan(Table::Communities, &Span::all(), true, |key, value| {
                // Numbers only grow: behind the first that is known, all are.
                let new = key.try_into().map(CommunityId::from_be_bytes).is_ok_and(|id| !known.1.contains_key(&id));
                if new {
                    unseen.push((key.to_vec(), value.to_vec()));
                }
                new
            })?;
        }
        let mut known = self.exclusions.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in unseen {
            let community: Community = decode(Table::Communities, &key, &value)?;
            let is_excluded = excluded.iter().any(|party| party.covers(&community.owner, &community.uri));
            known.1.insert(key.try_into().map_or(0, CommunityId::from_be_bytes), is_excluded);
        }
        Ok(known.1.iter().filter(|(_, excluded)| **excluded).map(|(id, _)| *id).collect())
    }
}

/// The AT-URI of the config of a feed's community.
fn config_uri(owner: &str, rkey: &str) -> String {
    RecordKey { did: owner.to_owned(), collection: Collection::Config, rkey: rkey.to_owned() }.uri()
}

pub(super) fn number(snapshot: &Snapshot, uri: &str) -> Result<Option<CommunityId>, StoreError> {
    Ok(snapshot.get(Table::CommunityUris, uri.as_bytes())?.and_then(|bytes| bytes.try_into().ok()).map(CommunityId::from_be_bytes))
}

pub(super) fn community(snapshot: &Snapshot, id: CommunityId) -> Result<Option<Community>, StoreError> {
    snapshot.read(Table::Communities, &id.to_be_bytes())
}
