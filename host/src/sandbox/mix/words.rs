//! What a mix is asked and what it answers.
//!
//! The generated types meet the host's own here and nowhere else. A [`Request`] is made once and may be asked of several mixes: the
//! one that an owner has uploaded, and the default where that one fails.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourceKind {
    Own,
    Parent,
    Global,
}

/// Whoever wrote a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    pub did: String,
    /// `None`: no member.
    #[serde(default)]
    pub role: Option<Role>,
    /// The author's posts of the last seven days with this community's hashtag.
    pub posts: u32,
}

/// A post that a mix may pick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub uri: String,
    /// Which of the block's authors.
    pub author: u32,
    pub sort_time: i64,
    pub reply: bool,
    #[serde(default)]
    pub languages: Vec<String>,
    #[serde(default)]
    pub labels: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    pub kind: SourceKind,
    /// Percent.
    pub share: u32,
    /// Posts of this source that the walk has picked already.
    pub taken: u32,
    /// Newest first; no post is in two sources.
    pub candidates: Vec<Candidate>,
    /// Whether there is more behind the candidates.
    pub has_more: bool,
}

/// What a mix is asked for. It has a form in JSON, so that authors can try their mixes with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// The AT-URI of the community's config.
    pub community: String,
    pub sources: Vec<Source>,
    pub authors: Vec<Author>,
    /// Posts that the reader's app has asked for.
    pub limit: u32,
    /// Posts that the walk has picked already.
    pub position: u32,
    pub now: i64,
}

/// A [`Block`] in the words of the contract.
#[derive(Debug, Clone)]
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
        let sizes: Vec<usize> = block.sources.iter().map(|source| source.candidates.len()).collect();
        let all = sizes.iter().sum();
        let mut posts = columns(all);
        let (mut languages, mut labels) = (Sets::new(), Sets::new());
        let mut sources = Vec::with_capacity(block.sources.len());
        for (number, source) in (0..).zip(block.sources) {
            // Hundreds at most.
            let (first, count) = (posts.uri.len() as u32, source.candidates.len() as u32);
            sources.push(wit::Source { kind: kind(source.kind), share: source.share, taken: source.taken, first, count, has_more: source.has_more });
            for candidate in source.candidates {
                posts.uri.push(candidate.uri);
                posts.source.push(number);
                posts.author.push(candidate.author);
                posts.sort_time.push(candidate.sort_time);
                posts.reply.push(candidate.reply);
                posts.languages.push(languages.number(candidate.languages));
                posts.labels.push(labels.number(candidate.labels));
            }
        }
        let wit = wit::Request {
            community: block.community,
            sources,
            posts,
            authors: block.authors.into_iter().map(author).collect(),
            languages: languages.sets,
            labels: labels.sets,
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

    /// The candidates' AT-URIs, one source after the other.
    pub fn uris(&self) -> &[String] {
        &self.wit.posts.uri
    }

    /// Leaves out picks that repeat or name nothing, and notes that are too long; what was picked counts as consumed. Where
    /// nothing is picked and nothing consumed, everything is: no walk stands still.
    pub(in crate::sandbox) fn check(&self, page: wit::Page) -> Answer {
        let all = self.wit.posts.uri.len();
        let mut seen = vec![false; all];
        let mut pinned = vec![false; all];
        for post in page.pinned.into_iter().flatten() {
            if let Some(pinned) = pinned.get_mut(post as usize) {
                *pinned = true;
            }
        }
        let mut contexts: Vec<Option<String>> = vec![None; all];
        let mut room = CONTEXTS;
        for note in page.notes.into_iter().flatten() {
            if let Some(context) = contexts.get_mut(note.post as usize)
                && note.text.len() <= LONGEST_CONTEXT.min(room)
                && context.is_none()
            {
                room -= note.text.len();
                *context = Some(note.text);
            }
        }
        let mut consumed: Vec<usize> = match &page.consumed {
            None => self.sizes.clone(),
            Some(said) => self.sizes.iter().enumerate().map(|(source, size)| said.get(source).map_or(0, |said| *said as usize).min(*size)).collect(),
        };
        let mut picks = Vec::with_capacity(all.min(page.picks.len()));
        for post in page.picks {
            let post = post as usize;
            let Some(unseen @ false) = seen.get_mut(post) else { continue };
            *unseen = true;
            let source = self.wit.posts.source[post] as usize;
            let candidate = post - self.wit.sources[source].first as usize;
            consumed[source] = consumed[source].max(candidate + 1);
            picks.push(Pick { source, candidate, pinned: pinned[post], context: contexts[post].take() });
        }
        match consumed.iter().all(|consumed| *consumed == 0) {
            true => Answer { picks, consumed: self.sizes.clone() },
            false => Answer { picks, consumed },
        }
    }
}

fn columns(capacity: usize) -> wit::Posts {
    wit::Posts {
        uri: Vec::with_capacity(capacity),
        source: Vec::with_capacity(capacity),
        author: Vec::with_capacity(capacity),
        sort_time: Vec::with_capacity(capacity),
        reply: Vec::with_capacity(capacity),
        languages: Vec::with_capacity(capacity),
        labels: Vec::with_capacity(capacity),
    }
}

/// Sets of words, each once; the first is empty.
struct Sets {
    sets: Vec<Vec<String>>,
    numbers: HashMap<Vec<String>, u32>,
}

impl Sets {
    fn new() -> Self {
        Self { sets: vec![Vec::new()], numbers: HashMap::new() }
    }

    fn number(&mut self, set: Vec<String>) -> u32 {
        if set.is_empty() {
            return 0;
        }
        if let Some(number) = self.numbers.get(&set) {
            return *number;
        }
        let number = self.sets.len() as u32;
        self.numbers.insert(set.clone(), number);
        self.sets.push(set);
        number
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

fn kind(kind: SourceKind) -> wit::SourceKind {
    match kind {
        SourceKind::Own => wit::SourceKind::Own,
        SourceKind::Parent => wit::SourceKind::Parent,
        SourceKind::Global => wit::SourceKind::Global,
    }
}

fn author(author: Author) -> wit::Author {
    let role = author.role.map(|role| match role {
        Role::Owner => wit::Role::Owner,
        Role::Moderator => wit::Role::Moderator,
        Role::Member => wit::Role::Member,
    });
    wit::Author { did: author.did, role, posts: author.posts }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request whose sources have three candidates and one: the posts 0 to 2, and 3.
    fn request() -> Request {
        let candidate = || Candidate { uri: String::new(), author: 0, sort_time: 0, reply: false, languages: Vec::new(), labels: Vec::new() };
        let source = |kind, size| Source { kind, share: 50, taken: 0, candidates: vec![candidate(); size], has_more: false };
        let sources = vec![source(SourceKind::Own, 3), source(SourceKind::Parent, 1)];
        Request::new(Block { community: String::new(), sources, authors: Vec::new(), limit: 2, position: 0, now: 0 })
    }

    fn page(picks: &[u32]) -> wit::Page {
        wit::Page { picks: picks.to_vec(), pinned: None, notes: None, consumed: None, more: None }
    }

    #[test]
    fn what_a_mix_answers_is_checked() {
        let check = |picks: &[u32], consumed: Option<&[u32]>, expected: &[(usize, usize)], done: &[usize]| {
            let answer = request().check(wit::Page { consumed: consumed.map(<[u32]>::to_vec), ..page(picks) });
            let picked: Vec<_> = answer.picks.iter().map(|pick| (pick.source, pick.candidate)).collect();
            assert_eq!((picked.as_slice(), answer.consumed.as_slice()), (expected, done), "{picks:?} {consumed:?}");
        };
        check(&[0, 3], Some(&[1, 1]), &[(0, 0), (1, 0)], &[1, 1]);
        check(&[2, 2, 1], Some(&[2, 0]), &[(0, 2), (0, 1)], &[3, 0]);
        check(&[4, u32::MAX, 3], Some(&[]), &[(1, 0)], &[0, 1]);
        // More than the page takes is kept for the next.
        check(&[0, 1, 2], Some(&[0, 0]), &[(0, 0), (0, 1), (0, 2)], &[3, 0]);
        check(&[0], None, &[(0, 0)], &[3, 1]);
        check(&[], Some(&[7, 7]), &[], &[3, 1]);
        check(&[], Some(&[2, 0, 5]), &[], &[2, 0]);
        // Nothing at all would be a walk that stands still.
        check(&[], Some(&[0, 0]), &[], &[3, 1]);
    }

    #[test]
    fn pins_and_notes_are_for_posts_that_are_picked() {
        let notes = [(1, "one"), (1, "again"), (9, "nobody's"), (3, "not picked")].map(|(post, text)| wit::Note { post, text: text.to_owned() });
        let answer = request().check(wit::Page { pinned: Some(vec![1, 3, 9]), notes: Some(notes.to_vec()), ..page(&[2, 1]) });
        let picked: Vec<_> = answer.picks.iter().map(|pick| (pick.candidate, pick.pinned, pick.context.as_deref())).collect();
        assert_eq!(picked, [(2, false, None), (1, true, Some("one"))]);
    }

    #[test]
    fn notes_are_bounded_and_the_pick_stays() {
        let kept = |length: usize| {
            let note = wit::Note { post: 0, text: "x".repeat(length) };
            let answer = request().check(wit::Page { notes: Some(vec![note]), ..page(&[0]) });
            answer.picks.first().map(|pick| pick.context.as_ref().map(String::len))
        };
        assert_eq!((kept(2_000), kept(2_001)), (Some(Some(2_000)), Some(None)));
    }

    #[test]
    fn the_columns_say_what_the_sources_had() {
        let candidate = |n: i64, languages: &[&str]| Candidate {
            uri: format!("at://{n}"),
            author: 1,
            sort_time: n,
            reply: n == 2,
            languages: languages.iter().map(|&language| language.to_owned()).collect(),
            labels: Vec::new(),
        };
        let source = |kind, candidates| Source { kind, share: 50, taken: 4, candidates, has_more: true };
        let sources = vec![
            source(SourceKind::Own, vec![candidate(1, &["en"]), candidate(2, &[])]),
            source(SourceKind::Global, vec![candidate(3, &["de", "en"]), candidate(4, &["en"])]),
        ];
        let request = Request::new(Block { community: String::new(), sources, authors: Vec::new(), limit: 2, position: 0, now: 0 }).wit;
        assert_eq!(request.posts.sort_time, [1, 2, 3, 4]);
        assert_eq!(request.posts.source, [0, 0, 1, 1]);
        assert_eq!(request.posts.reply, [false, true, false, false]);
        let languages: Vec<_> = request.posts.languages.iter().map(|number| request.languages[*number as usize].join("+")).collect();
        assert_eq!(languages, ["en", "", "de+en", "en"]);
        assert_eq!(request.languages.len(), 3, "each set once");
        let ranges: Vec<_> = request.sources.iter().map(|source| (source.first, source.count)).collect();
        assert_eq!(ranges, [(0, 2), (2, 2)]);
    }
}
