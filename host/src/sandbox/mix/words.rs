//! What a mix is asked and what it answers.
//!
//! The generated types meet the host's own here and nowhere else. A [`Request`] is made once and may be asked of several mixes: the
//! one that an owner has uploaded, and the default where that one fails.

use crate::sandbox::object::Role;
use crate::sandbox::printed::Printed;

pub(in crate::sandbox) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/feed-mix",
        world: "atrarium:feed-mix/feed-mix",
        require_store_data_send: true,
    });
}

use bindings::atrarium::feed_mix::{log, types as wit, viewer};

/// The longest note on a pick, in bytes: the lexicon's bound (`app.bsky.feed.defs#skeletonFeedPost`).
const LONGEST_CONTEXT: usize = 2_000;

/// All notes of one answer together, in bytes.
const CONTEXTS: usize = 64 << 10;

/// In the order in which ties are settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    Own,
    Parent,
    Global,
}

/// Whoever wrote a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub did: String,
    /// `None`: no member.
    pub role: Option<Role>,
    /// The author's posts of the last seven days with this community's hashtag.
    pub posts: u32,
}

/// A post that a mix may pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub uri: String,
    /// Which of the request's authors.
    pub author: u32,
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
    pub has_more: bool,
}

/// What a mix is asked for.
#[derive(Debug, Clone)]
pub struct Block {
    /// The AT-URI of the community's config.
    pub community: String,
    pub sources: Vec<Source>,
    pub authors: Vec<Author>,
    /// Posts that the reader's app has asked for.
    pub limit: u32,
    /// Posts that the walk has shown already.
    pub position: u32,
    pub now: i64,
}

/// A [`Block`] in the words of the contract.
#[derive(Debug)]
pub struct Request {
    pub(in crate::sandbox) wit: wit::Request,
    sizes: Vec<usize>,
}

/// A mix's answer, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Each candidate once, in the order in which they are shown.
    pub picks: Vec<Pick>,
    /// For each source how many of its first candidates are done with; never fewer than were picked up to there.
    pub consumed: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    pub source: usize,
    pub candidate: usize,
    pub pinned: bool,
    pub context: Option<String>,
}

impl Request {
    pub fn new(block: Block) -> Self {
        let sizes = block.sources.iter().map(|source| source.candidates.len()).collect();
        let wit = wit::Request {
            community: block.community,
            sources: block.sources.into_iter().map(source).collect(),
            authors: block.authors.into_iter().map(author).collect(),
            limit: block.limit,
            position: block.position,
            now: block.now,
            more: Vec::new(),
        };
        Self { wit, sizes }
    }

    /// How many posts were asked for.
    pub fn limit(&self) -> usize {
        self.wit.limit as usize
    }

    /// How many candidates each source has.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Leaves out picks that repeat or name nothing, and notes that are too long; what was picked counts as consumed. Where
    /// nothing is picked and nothing consumed, everything is: no walk stands still.
    pub(in crate::sandbox) fn check(&self, page: wit::Page) -> Answer {
        let mut seen: Vec<Vec<bool>> = self.sizes.iter().map(|size| vec![false; *size]).collect();
        let all: usize = self.sizes.iter().sum();
        let mut picks = Vec::with_capacity(all.min(page.picks.len()));
        let mut contexts = 0;
        for pick in page.picks {
            let (source, candidate) = (pick.source as usize, pick.candidate as usize);
            if let Some(unseen @ false) = seen.get_mut(source).and_then(|seen| seen.get_mut(candidate)) {
                *unseen = true;
                let context = pick.feed_context.filter(|text| text.len() <= LONGEST_CONTEXT && contexts + text.len() <= CONTEXTS);
                contexts += context.as_ref().map_or(0, String::len);
                picks.push(Pick { source, candidate, pinned: pick.pinned, context });
            }
        }
        let consumed = self.sizes.iter().enumerate().map(|(source, size)| {
            let said = page.consumed.as_ref().map_or(*size, |said| said.get(source).map_or(0, |said| *said as usize)).min(*size);
            let picked = picks.iter().filter(|pick| pick.source == source).map(|pick| pick.candidate + 1).max().unwrap_or(0);
            said.max(picked)
        });
        let consumed: Vec<usize> = consumed.collect();
        match consumed.iter().all(|consumed| *consumed == 0) {
            true => Answer { picks, consumed: self.sizes.clone() },
            false => Answer { picks, consumed },
        }
    }
}

/// What a mix may ask for while it runs. Whoever keeps an instance has one in its store.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Ears {
    /// The DID that reads, if it is verified.
    pub(in crate::sandbox) viewer: Option<String>,
    /// Whether the mix has asked who reads.
    pub(in crate::sandbox) asked: bool,
    pub(in crate::sandbox) printed: Printed,
}

impl wit::Host for Ears {}

impl viewer::Host for Ears {
    fn did(&mut self) -> Option<String> {
        self.asked = true;
        self.viewer.clone()
    }
}

impl log::Host for Ears {
    fn log(&mut self, message: String) {
        self.printed.line(&message);
    }
}

fn source(source: Source) -> wit::Source {
    wit::Source {
        kind: match source.kind {
            SourceKind::Own => wit::SourceKind::Own,
            SourceKind::Parent => wit::SourceKind::Parent,
            SourceKind::Global => wit::SourceKind::Global,
        },
        share: source.share,
        taken: source.taken,
        candidates: source.candidates.into_iter().map(candidate).collect(),
        has_more: source.has_more,
        more: Vec::new(),
    }
}

fn candidate(candidate: Candidate) -> wit::Candidate {
    let Candidate { uri, author, sort_time, reply, languages, labels } = candidate;
    wit::Candidate { uri, author, sort_time, reply, languages, labels, more: Vec::new() }
}

fn author(author: Author) -> wit::Author {
    let role = author.role.map(|role| match role {
        Role::Owner => wit::Role::Owner,
        Role::Moderator => wit::Role::Moderator,
        Role::Member => wit::Role::Member,
    });
    wit::Author { did: author.did, role, posts: author.posts, more: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(source: u32, candidate: u32) -> wit::Pick {
        wit::Pick { source, candidate, pinned: false, feed_context: None }
    }

    /// A request whose sources have three candidates and one.
    fn request() -> Request {
        let candidate = || Candidate { uri: String::new(), author: 0, sort_time: 0, reply: false, languages: Vec::new(), labels: Vec::new() };
        let source = |kind, size| Source { kind, share: 50, taken: 0, candidates: vec![candidate(); size], has_more: false };
        let sources = vec![source(SourceKind::Own, 3), source(SourceKind::Parent, 1)];
        Request::new(Block { community: String::new(), sources, authors: Vec::new(), limit: 2, position: 0, now: 0 })
    }

    #[test]
    fn what_a_mix_answers_is_checked() {
        let check = |picks: &[wit::Pick], consumed: Option<&[u32]>, expected: &[(usize, usize)], done: &[usize]| {
            let answer = request().check(wit::Page { picks: picks.to_vec(), consumed: consumed.map(<[u32]>::to_vec), more: Vec::new() });
            let picked: Vec<_> = answer.picks.iter().map(|pick| (pick.source, pick.candidate)).collect();
            assert_eq!((picked.as_slice(), answer.consumed.as_slice()), (expected, done), "{picks:?} {consumed:?}");
        };
        check(&[pick(0, 0), pick(1, 0)], Some(&[1, 1]), &[(0, 0), (1, 0)], &[1, 1]);
        check(&[pick(0, 2), pick(0, 2), pick(0, 1)], Some(&[2, 0]), &[(0, 2), (0, 1)], &[3, 0]);
        check(&[pick(9, 0), pick(0, 3), pick(1, 0)], Some(&[]), &[(1, 0)], &[0, 1]);
        // More than the page takes is kept for the next.
        check(&[pick(0, 0), pick(0, 1), pick(0, 2)], Some(&[0, 0]), &[(0, 0), (0, 1), (0, 2)], &[3, 0]);
        check(&[pick(0, 0)], None, &[(0, 0)], &[3, 1]);
        check(&[], Some(&[7, 7]), &[], &[3, 1]);
        check(&[], Some(&[2, 0, 5]), &[], &[2, 0]);
        // Nothing at all would be a walk that stands still.
        check(&[], Some(&[0, 0]), &[], &[3, 1]);
    }

    #[test]
    fn notes_are_bounded_and_the_pick_stays() {
        let note = |length: usize| wit::Pick { feed_context: Some("x".repeat(length)), ..pick(0, 0) };
        let kept = |picks: Vec<wit::Pick>| -> Vec<Option<usize>> {
            let answer = request().check(wit::Page { picks, consumed: None, more: Vec::new() });
            answer.picks.iter().map(|pick| pick.context.as_ref().map(String::len)).collect()
        };
        assert_eq!(kept(vec![note(2_000)]), [Some(2_000)]);
        assert_eq!(kept(vec![note(2_001)]), [None]);
    }
}
