//! The made-up posts that a mix is tried with: a full block, a small feed, and none of a kind.
//!
//! They are the same for everybody, so a verdict can be had at home. The first is the largest.

use crate::sandbox::mix::{Author, Block, Candidate, Request, Source, SourceKind};
use crate::sandbox::object::Role;

/// The made-up reader.
pub const READER: &str = "did:plc:readerreaderreaderreader";

/// Then it is in the trial: the second of August 2026, noon.
const NOW: i64 = 1_785_672_000_000;

const OWNER: &str = "did:plc:ownerownerownerownerown2";

/// What to try, with the words for it.
pub fn requests() -> Vec<(&'static str, Request)> {
    let full = [(SourceKind::Own, 70, 200), (SourceKind::Parent, 20, 200), (SourceKind::Global, 10, 200)];
    let small = [(SourceKind::Own, 100, 3)];
    let lone = [(SourceKind::Own, 80, 0), (SourceKind::Global, 20, 1)];
    vec![
        ("600 made-up posts", Request::new(block(&full, 0))),
        ("three made-up posts", Request::new(block(&small, 0))),
        ("one post, and none of the community's own", Request::new(block(&lone, 350))),
    ]
}

/// A block with so many candidates of each kind, which have these shares.
pub fn block(sources: &[(SourceKind, u32, u32)], position: u32) -> Block {
    let authors: Vec<Author> = (0..60).map(author).collect();
    let sources = sources.iter().map(|(kind, share, count)| Source {
        kind: *kind,
        share: *share,
        taken: position / 3,
        candidates: (0..*count).map(|n| candidate(*kind, n, &authors)).collect(),
        has_more: *count == 200,
    });
    let sources = sources.collect();
    Block { community: format!("at://{OWNER}/net.atrarium.community.config/trial"), sources, authors, limit: 50, position, now: NOW }
}

fn author(n: u32) -> Author {
    let (did, role) = match n {
        0 => (OWNER.to_owned(), Some(Role::Owner)),
        1 | 2 => (did(n), Some(Role::Moderator)),
        3..40 => (did(n), Some(Role::Member)),
        _ => (did(n), None),
    };
    // Few write much.
    Author { did, role, posts: if role.is_some() { 120 / (n + 1) + 1 } else { 0 } }
}

fn did(n: u32) -> String {
    format!("did:plc:{:a>24}", format!("author{}", char::from(b'a' + (n % 26) as u8).to_string().repeat(n as usize / 26 + 1)))
}

fn candidate(kind: SourceKind, n: u32, authors: &[Author]) -> Candidate {
    // Spread without chance: a third by the busiest, the rest over all who may write there.
    let author = match (kind, n % 3) {
        (SourceKind::Own, 0) => n % 4,
        (SourceKind::Own, _) => n * 7 % 40,
        (_, _) => 40 + n * 11 % 20,
    };
    let minutes = i64::from(n) * 37 + i64::from(n % 5) * 3;
    let place = match kind {
        SourceKind::Own => 'o',
        SourceKind::Parent => 'p',
        SourceKind::Global => 'g',
    };
    let languages: &[&str] = match n % 7 {
        0 => &["de"],
        1 => &["pt-BR", "en"],
        2 => &["ja"],
        3 => &[],
        _ => &["en"],
    };
    let did = authors.get(author as usize).map(|author| author.did.as_str()).unwrap_or_default();
    Candidate {
        uri: format!("at://{did}/app.bsky.feed.post/3m{place}{n:0>10}"),
        author,
        sort_time: NOW - minutes * 60_000,
        reply: n % 4 == 1,
        languages: languages.iter().map(|&language| language.to_owned()).collect(),
        labels: if n % 50 == 49 { vec!["nudity".to_owned()] } else { Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_a_full_block_in_which_each_post_is_once_and_newest_first() {
        let Block { sources, authors, .. } = block(&[(SourceKind::Own, 50, 200), (SourceKind::Global, 50, 200)], 0);
        let mut uris = std::collections::HashSet::new();
        for source in &sources {
            assert!(source.candidates.is_sorted_by_key(|candidate| -candidate.sort_time), "{:?}", source.kind);
            for candidate in &source.candidates {
                assert!(uris.insert(&candidate.uri), "{}", candidate.uri);
                assert!((candidate.author as usize) < authors.len());
            }
        }
        let dids: std::collections::HashSet<_> = authors.iter().map(|author| &author.did).collect();
        assert_eq!((uris.len(), dids.len()), (400, 60));
        assert_eq!(requests()[0].1.sizes(), [200, 200, 200]);
    }
}
