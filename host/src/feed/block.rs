//! A block of a walk: which sources a feed has, what they offer next, and how far a mix's answer brings the walk.

use std::collections::HashMap;

use super::cursor::{Position, Walk};
use super::home::Origins;
use super::orders::Picked;
use super::sources::{Next, Reader, Window, uri};
use crate::community::Community;
use crate::record::Hashtag;
use crate::sandbox::mix::{self, Answer, Author, Candidate, Source, SourceKind};
use crate::sandbox::object::Role;
use crate::store::schema::{self, count};
use crate::store::{Key, Snapshot, Span, StoreError, Table};

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
            authors: authors.described(reader, self)?,
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

    fn described(self, reader: &Reader<'_>, plan: &Plan<'_>) -> Result<Vec<Author>, StoreError> {
        let (snapshot, window) = (reader.snapshot, Window::at(reader.now));
        let hashtag = plan.community.config.hashtag;
        let describe = |did: String| {
            let role = snapshot.read::<Role>(Table::Members, Key::community(plan.origins.community).rest(&did).as_ref())?;
            let posts = posts_within(snapshot, window, hashtag, &did)?;
            Ok(Author { did, role, posts: u32::try_from(posts).unwrap_or(u32::MAX) })
        };
        self.dids.into_iter().map(describe).collect()
    }
}

/// An author's posts with a hashtag that are dated within the window. Those outside are counted, since they are the fewer: what was over
/// within the last day, and what has yet to come.
fn posts_within(snapshot: &Snapshot, window: Window, hashtag: Hashtag, did: &str) -> Result<u64, StoreError> {
    let kept = snapshot.count(count::posts(hashtag, did).as_ref())?;
    if kept == 0 {
        return Ok(0);
    }
    let own = schema::posts_by(hashtag, did);
    let over = Span::prefix(&own).before(own.clone().time(window.oldest));
    let waiting = Span::prefix(&own).after(own.clone().time(window.newest + 1));
    let mut outside = 0;
    for span in [over, waiting] {
        snapshot.scan(Table::Routes, &span, false, |_, _| {
            outside += 1;
            true
        })?;
    }
    Ok(kept.saturating_sub(outside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::community::held;
    use crate::record::{AHEAD_MS, KEPT_MS, RETENTION_MS};
    use crate::store::{Options, Store, View};

    const NOW: i64 = 1_795_176_000_000;

    #[test]
    fn an_authors_posts_are_those_of_the_last_seven_days() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new database");
        let (hashtag, other) = (Hashtag::parse("#atrarium_0123abcd").expect("a hashtag"), Hashtag::parse("#atrarium_0123abce").expect("another"));
        let mut view = View::new(store.snapshot().expect("it can be read"), None);
        // Half a day past its week a post is still kept.
        let over = [NOW - KEPT_MS + 1, NOW - RETENTION_MS - 12 * 60 * 60 * 1_000, NOW - RETENTION_MS];
        let shown = [NOW - RETENTION_MS + 1, NOW - 1, NOW, NOW + AHEAD_MS];
        let waiting = [NOW + AHEAD_MS + 1, NOW + RETENTION_MS];
        for (n, at) in over.into_iter().chain(shown).chain(waiting).enumerate() {
            held::enter(&mut view, hashtag, "did:plc:ann", at, &format!("p{n}"), true).expect("it can be written");
        }
        held::enter(&mut view, hashtag, "did:plc:annette", NOW, "p", true).expect("it can be written");
        held::enter(&mut view, other, "did:plc:ann", NOW - RETENTION_MS, "p", true).expect("it can be written");
        store.commit(&view.into_layer()).expect("it can be written");
        let snapshot = store.snapshot().expect("it can be read");
        let check = |now: i64, hashtag: Hashtag, did: &str, expected: u64| {
            let posts = posts_within(&snapshot, Window::at(now), hashtag, did).expect("it can be read");
            assert_eq!(posts, expected, "{did} at {now}");
        };
        check(NOW, hashtag, "did:plc:ann", 4);
        check(NOW + 1, hashtag, "did:plc:ann", 4); // one goes and one comes
        check(NOW - 1, hashtag, "did:plc:ann", 4);
        check(NOW + RETENTION_MS, hashtag, "did:plc:ann", 3);
        check(NOW, hashtag, "did:plc:annette", 1);
        check(NOW, hashtag, "did:plc:an", 0);
        check(NOW, other, "did:plc:ann", 0);
        check(NOW - 1, other, "did:plc:ann", 1);
    }
}
