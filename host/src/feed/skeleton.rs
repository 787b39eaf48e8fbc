//! From a request to a skeleton: the page of a feed, in one snapshot.
//!
//! The community's config says which sources there are and with what shares; [`super::sources`] reads their next posts; the
//! mix orders them; the cursor notes how far each source has come. While the database is away, a page that was served before
//! is served again, and counted. A mix that fails is replaced for that page by the simplest order there is.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use serde::Serialize;

use super::cache::{Asked, Pages};
use super::cursor::Walk;
use super::home::{Origins, home};
use super::sources::{Next, Reader, Window};
use crate::clock::Clock;
use crate::community::Community;
use crate::community::showing::edition_of;
use crate::config::Party;
use crate::event::Collection;
use crate::record::{RecordKey, Stage};
use crate::sandbox::mix::{Mix, Mixes, Page, Source, SourceKind};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, Store, StoreError, Table};

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
pub struct Feeds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    mixes: Mixes,
    /// Instances of the mix that are not in use.
    idle: Mutex<Vec<Mix>>,
    pages: Pages,
    /// Whether the mix may order a page by who reads it.
    minds_viewer: bool,
    /// Whom the operator keeps out of *global*.
    excluded: Vec<Party>,
    /// Which communities that concerns: a number is never used twice.
    exclusions: RwLock<HashMap<CommunityId, bool>>,
}

#[derive(Serialize)]
struct Skeleton<'a> {
    feed: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    post: &'a str,
}

/// Rounds of reading until a page has a post: more than one only where moderation hides thousands of posts in a row.
const ROUNDS: usize = 4;

impl Feeds {
    /// `minds_viewer` says whether the mix may order a page by who reads it; if not, it isn't told.
    pub fn new(store: Store, clock: Clock, mixes: Mixes, minds_viewer: bool, excluded: Vec<Party>) -> Self {
        let exclusions = RwLock::new(HashMap::new());
        Self(Arc::new(Inner { store, clock, mixes, idle: Mutex::new(Vec::new()), pages: Pages::new(), minds_viewer, excluded, exclusions }))
    }

    /// Whether it matters to a page of this feed who reads it.
    pub fn minds_viewer(&self, _owner: &str, _rkey: &str) -> bool {
        self.0.minds_viewer
    }

    /// A page of a feed, as the JSON of `app.bsky.feed.getFeedSkeleton`.
    pub fn skeleton(&self, request: &Request<'_>) -> Result<Bytes, FeedError> {
        let inner = &*self.0;
        let walk = request.cursor.map(Walk::from_text).transpose().map_err(|cause| FeedError::BadCursor(cause.to_string()))?;
        let request = &Request { viewer: request.viewer.filter(|_| self.minds_viewer(request.owner, request.rkey)), ..*request };
        let asked = Asked {
            owner: request.owner.to_owned(),
            rkey: request.rkey.to_owned(),
            limit: request.limit,
            cursor: request.cursor.map(str::to_owned),
            viewer: request.viewer.map(str::to_owned),
        };
        let (version, now) = (inner.store.feeds_version(), inner.clock.now_ms());
        if let Some(body) = inner.pages.fresh(&asked, version, now) {
            return Ok(body);
        }
        match inner.make(request, walk, now) {
            Ok(Some(body)) => {
                inner.pages.keep(asked, body.clone(), version, now);
                Ok(body)
            }
            Ok(None) => {
                inner.pages.forget(&asked);
                Err(FeedError::UnknownFeed)
            }
            Err(failure) => {
                metrics::counter!("atrarium_pages_from_memory_total").increment(1);
                inner.pages.any(&asked).ok_or_else(|| FeedError::Unavailable(failure.to_string()))
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
    fn make(&self, request: &Request<'_>, walk: Option<Walk>, now: i64) -> Result<Option<Bytes>, StoreError> {
        let snapshot = self.store.snapshot()?;
        let config = RecordKey { did: request.owner.to_owned(), collection: Collection::Config, rkey: request.rkey.to_owned() };
        let Some(id) = number(&snapshot, &config.uri())? else { return Ok(None) };
        let Some(community) = community(&snapshot, id)? else { return Ok(None) };
        let plan = self.plan(&snapshot, id, &community)?;
        let mut walk = match walk {
            Some(walk) => walk,
            None => Walk { begun: edition_of(&snapshot)?, ..Walk::default() },
        };
        let reader = Reader { snapshot: &snapshot, origins: &plan.origins, begun: walk.begun, window: Window::at(now) };

        for round in 1..=ROUNDS {
            let (sources, nexts) = plan.read(&reader, &walk, request.limit as usize)?;
            let page = self.mix(&sources, request, now);
            let ended = plan.advance(&mut walk, &nexts, &page);
            if page.picks.is_empty() && !ended && round < ROUNDS {
                continue;
            }
            let feed = page.picks.iter().map(|(source, candidate)| Item { post: &sources[*source].candidates[*candidate].uri }).collect();
            let skeleton = Skeleton { feed, cursor: (!ended).then(|| walk.to_text()) };
            let body = serde_json::to_vec(&skeleton).expect("a list of strings has no form that JSON lacks");
            return Ok(Some(body.into()));
        }
        Ok(None)
    }

    fn plan(&self, snapshot: &Snapshot, id: CommunityId, community: &Community) -> Result<Plan, StoreError> {
        let shares = community.config.shares;
        let graduated = community.config.stage == Stage::Graduated;
        let parent = match community.config.parent.as_deref().filter(|uri| shares.parent > 0 && !graduated && *uri != community.uri) {
            Some(uri) => number(snapshot, uri)?,
            None => None,
        };
        let except = if shares.global > 0 && !self.excluded.is_empty() { self.exclusions(snapshot)? } else { HashSet::new() };
        let origins = Origins { community: id, own: shares.own > 0, parent, global: shares.global > 0, except };
        let sources = [
            origins.own.then_some((SourceKind::Own, shares.own)),
            parent.map(|_| (SourceKind::Parent, shares.parent)),
            origins.global.then_some((SourceKind::Global, shares.global)),
        ];
        Ok(Plan { origins, shares: sources.into_iter().flatten().collect() })
    }

    /// The communities that the operator keeps out of *global*.
    fn exclusions(&self, snapshot: &Snapshot) -> Result<HashSet<CommunityId>, StoreError> {
        let mut unseen = Vec::new();
        {
            let known = self.exclusions.read().unwrap_or_else(PoisonError::into_inner);
            snapshot.scan(Table::Communities, &Span::all(), true, |key, value| {
                // Numbers only grow: behind the first that is known, all are.
                let new = key.try_into().map(CommunityId::from_be_bytes).is_ok_and(|id| !known.contains_key(&id));
                if new {
                    unseen.push((key.to_vec(), value.to_vec()));
                }
                new
            })?;
        }
        let mut known = self.exclusions.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in unseen {
            let community: Community = decode(Table::Communities, &key, &value)?;
            let excluded = self.excluded.iter().any(|party| party.covers(&community.owner, &community.uri));
            known.insert(key.try_into().map_or(0, CommunityId::from_be_bytes), excluded);
        }
        Ok(known.iter().filter(|(_, excluded)| **excluded).map(|(id, _)| *id).collect())
    }

    fn mix(&self, sources: &[Source], request: &Request<'_>, now: i64) -> Page {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mixed = idle.map_or_else(|| self.mixes.instantiate(), Ok).and_then(|mut mix| {
            let page = mix.mix(sources, request.limit, now, request.viewer)?;
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(mix);
            Ok(page)
        });
        mixed.unwrap_or_else(|fault| {
            metrics::counter!("atrarium_traps_total", "component" => "feed-mix").increment(1);
            tracing::error!(%fault, owner = request.owner, rkey = request.rkey, "the mix failed: the page is in the simplest order");
            simplest(sources, request.limit as usize)
        })
    }
}

/// One source after the other.
fn simplest(sources: &[Source], limit: usize) -> Page {
    let all = sources.iter().enumerate().flat_map(|(source, of)| (0..of.candidates.len()).map(move |candidate| (source, candidate)));
    let picks: Vec<_> = all.take(limit).collect();
    let consumed = (0..sources.len()).map(|source| picks.iter().filter(|(from, _)| *from == source).count()).collect();
    Page { picks, consumed }
}

fn number(snapshot: &Snapshot, uri: &str) -> Result<Option<CommunityId>, StoreError> {
    Ok(snapshot.get(Table::CommunityUris, uri.as_bytes())?.and_then(|bytes| bytes.try_into().ok()).map(CommunityId::from_be_bytes))
}

fn community(snapshot: &Snapshot, id: CommunityId) -> Result<Option<Community>, StoreError> {
    let key = Key::community(id);
    snapshot.get(Table::Communities, key.as_ref())?.map(|bytes| decode(Table::Communities, key.as_ref(), &bytes)).transpose()
}

/// Where a feed's posts come from, and in which shares.
#[derive(Debug)]
struct Plan {
    origins: Origins,
    /// The sources that have a share, in percent, in the order in which ties are settled.
    shares: Vec<(SourceKind, u32)>,
}

/// Where a source's progress stands in a walk.
fn place_of(kind: SourceKind) -> usize {
    match kind {
        SourceKind::Own => 0,
        SourceKind::Parent => 1,
        SourceKind::Global => 2,
    }
}

impl Plan {
    /// The next candidates of every source.
    fn read(&self, reader: &Reader<'_>, walk: &Walk, limit: usize) -> Result<(Vec<Source>, Vec<Next>), StoreError> {
        let (mut sources, mut nexts) = (Vec::new(), Vec::new());
        for (kind, share) in &self.shares {
            let progress = &walk.progress[place_of(*kind)];
            let mut next = reader.next(*kind, progress, limit)?;
            let candidates = std::mem::take(&mut next.candidates);
            sources.push(Source { kind: *kind, share: *share, taken: progress.taken, candidates, more: next.more });
            nexts.push(next);
        }
        Ok((sources, nexts))
    }

    /// Notes how far the page has brought the walk; answers whether it has come to its end.
    fn advance(&self, walk: &mut Walk, nexts: &[Next], page: &Page) -> bool {
        let mut ended = true;
        for (source, ((kind, _), next)) in self.shares.iter().zip(nexts).enumerate() {
            let progress = &mut walk.progress[place_of(*kind)];
            let consumed = page.consumed.get(source).copied().unwrap_or(0).min(next.positions.len());
            let picked = page.picks.iter().filter(|(from, _)| *from == source).count();
            progress.taken = progress.taken.saturating_add(u32::try_from(picked).unwrap_or(u32::MAX));
            if let Some(last) = consumed.checked_sub(1).and_then(|last| next.positions.get(last)) {
                progress.position = Some(last.clone());
            }
            let all = consumed == next.positions.len();
            if all && let Some(passed) = &next.passed {
                progress.position = Some(passed.clone());
            }
            ended &= all && !next.more;
        }
        ended
    }
}
