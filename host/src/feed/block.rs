//! A block of a walk: which sources a feed has, what they offer next, and how far a mix's answer brings the walk.

use std::collections::HashMap;

use super::cursor::{Position, Walk};
use super::home::Origins;
use super::orders::Picked;
use super::sources::{Next, Reader, uri};
use crate::community::Community;
use crate::sandbox::mix::{self, Answer, Author, Candidate, Source, SourceKind};
use crate::sandbox::object::Role;
use crate::store::schema::count;
use crate::store::{Key, Snapshot, StoreError, Table};

/// Candidates of one source in one block, for a mix that orders them.
pub(super) const CANDIDATES: usize = 200;

/// Where a feed's posts come from, and in which shares.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub community: &'a Community,
    pub origins: Origins,
    /// The sources that have a share, in percent, in the order in which ties are settled.
    pub shares: Vec<(SourceKind, u32)>,
}

/// What the sources offer next.
#[derive(Debug)]
pub(super) struct Block {
    pub request: mix::Request,
    nexts: Vec<Next>,
}

/// Where a source's progress stands in a walk.
fn place_of(kind: SourceKind) -> usize {
    match kind {
        SourceKind::Own => 0,
        SourceKind::Parent => 1,
        SourceKind::Global => 2,
    }
}

impl Plan<'_> {
    /// The next candidates of every source, at most `candidates` of each. Where the mix only counts them, nothing is said of
    /// what they are like.
    pub(super) fn read(&self, reader: &Reader<'_>, walk: &Walk, candidates: usize, limit: usize, counts_only: bool) -> Result<Block, StoreError> {
        let (block, nexts) = self.offered(reader, walk, candidates, limit, counts_only)?;
        Ok(Block { request: mix::Request::new(block), nexts })
    }

    /// The same, in words that people can read.
    pub(super) fn offered(
        &self,
        reader: &Reader<'_>,
        walk: &Walk,
        candidates: usize,
        limit: usize,
        counts_only: bool,
    ) -> Result<(mix::Block, Vec<Next>), StoreError> {
        let (mut sources, mut nexts, mut authors) = (Vec::new(), Vec::new(), Authors::default());
        for (kind, share) in &self.shares {
            let progress = &walk.progress[place_of(*kind)];
            let mut next = reader.next(*kind, progress, candidates)?;
            let entries = std::mem::take(&mut next.candidates);
            let described = entries.into_iter().zip(&next.positions).map(|(entry, Position { sort_time, rkey, did })| {
                let (uri, author) = if counts_only { (String::new(), 0) } else { (uri(did, rkey), authors.number(did)) };
                Candidate { uri, author, sort_time: *sort_time, reply: entry.reply, languages: entry.languages, labels: entry.labels }
            });
            sources.push(Source { kind: *kind, share: *share, taken: progress.taken, candidates: described.collect(), has_more: next.more });
            nexts.push(next);
        }
        let block = mix::Block {
            community: self.community.uri.clone(),
            sources,
            authors: authors.described(reader.snapshot, self)?,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            position: walk.progress.iter().fold(0, |sum: u32, progress| sum.saturating_add(progress.taken)),
            now: reader.now,
        };
        Ok((block, nexts))
    }
}

impl Block {
    /// Whether there is nothing to be picked from.
    pub(super) fn is_empty(&self) -> bool {
        self.request.sizes().iter().all(|size| *size == 0)
    }

    /// Brings the walk behind the block; answers the posts that were picked.
    pub(super) fn advance(&self, plan: &Plan<'_>, walk: &mut Walk, answer: Answer) -> Vec<Picked> {
        for (source, ((kind, _), next)) in plan.shares.iter().zip(&self.nexts).enumerate() {
            let progress = &mut walk.progress[place_of(*kind)];
            let consumed = answer.consumed.get(source).copied().unwrap_or(0).min(next.positions.len());
            let picked = answer.picks.iter().filter(|pick| pick.source == source).count();
            progress.taken = progress.taken.saturating_add(u32::try_from(picked).unwrap_or(u32::MAX));
            if let Some(last) = consumed.checked_sub(1).and_then(|last| next.positions.get(last)) {
                progress.position = Some(last.clone());
            }
            if consumed == next.positions.len()
                && let Some(passed) = &next.passed
            {
                progress.position = Some(passed.clone());
            }
        }
        let picked = answer.picks.into_iter().filter_map(|pick| {
            let position = self.nexts.get(pick.source)?.positions.get(pick.candidate)?.clone();
            Some(Picked { position, pinned: pick.pinned, context: pick.context })
        });
        picked.collect()
    }

    /// Whether nothing lies behind the block once so much of each source is done with.
    pub(super) fn is_last(&self, consumed: &[usize]) -> bool {
        self.nexts.iter().zip(consumed).all(|(next, consumed)| *consumed >= next.positions.len() && !next.more)
    }
}

/// Whoever wrote the candidates, each once.
#[derive(Default)]
struct Authors {
    numbers: HashMap<String, u32>,
    dids: Vec<String>,
}

impl Authors {
    fn number(&mut self, did: &str) -> u32 {
        if let Some(number) = self.numbers.get(did) {
            return *number;
        }
        // Hundreds at most.
        let number = u32::try_from(self.dids.len()).unwrap_or(u32::MAX);
        self.numbers.insert(did.to_owned(), number);
        self.dids.push(did.to_owned());
        number
    }

    fn described(self, snapshot: &Snapshot, plan: &Plan<'_>) -> Result<Vec<Author>, StoreError> {
        let hashtag = plan.community.config.hashtag;
        let describe = |did: String| {
            let role = snapshot.read::<Role>(Table::Members, Key::community(plan.origins.community).rest(&did).as_ref())?;
            let posts = snapshot.count(count::posts(hashtag, &did).as_ref())?;
            Ok(Author { did, role, posts: u32::try_from(posts).unwrap_or(u32::MAX) })
        };
        self.dids.into_iter().map(describe).collect()
    }
}
