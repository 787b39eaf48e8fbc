//! Position by position, the post of the source that is furthest below its share.
//!
//! Only sources that still have posts take part. Of the positions that these have filled in this walk, with the one to be
//! filled, each is due its share in proportion to the others'; the one for which most is missing comes next. A source that
//! has run dry leaves with all that it gave, so its share falls to the others from there on and nothing is made up for.
//!
//! What comes next follows from the sources' counts alone, which the walk carries from page to page: so the sequence is
//! the same however it is cut into pages. Where the next post is one that the host hasn't sent, the page ends early.

use atrarium_sdk::{Page, Request, Source};

/// One page by the sources' shares.
pub fn fill(request: &Request) -> Page {
    let mut picks = Vec::new();
    let mut consumed = vec![0; request.sources.len()];
    while picks.len() < request.limit as usize {
        let Some(source) = next(&request.sources, &consumed) else {
            break;
        };
        let Source { first, count, .. } = request.sources[source];
        if consumed[source] == count {
            break; // there is more of it, but not here
        }
        picks.push(first + consumed[source]);
        consumed[source] += 1;
    }
    Page { consumed: Some(consumed), ..Page::of(picks) }
}

/// The source whose turn it is, if any has posts left. Ties go to the community's own, then the parent.
fn next(sources: &[Source], consumed: &[u32]) -> Option<usize> {
    let with_posts =
        || sources.iter().zip(consumed).enumerate().filter(|(_, (source, consumed))| source.share > 0 && (source.has_more || source.count > **consumed));
    let shown = |source: &Source, consumed: u32| i128::from(source.taken) + i128::from(consumed);
    let (mut shares, mut positions) = (0, 1);
    for (_, (source, consumed)) in with_posts() {
        shares += i128::from(source.share);
        positions += shown(source, *consumed);
    }
    // What is missing is positions × share / shares − shown; times `shares`, it is a whole number.
    let missing = |source: &Source, consumed: u32| i128::from(source.share) * positions - shown(source, consumed) * shares;
    with_posts().min_by_key(|(_, (source, consumed))| (-missing(source, **consumed), source.kind)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use atrarium_sdk::{Posts, SourceKind};
    use proptest::prelude::*;

    /// A source's share and posts, of which there are `length`.
    #[derive(Debug, Clone, Copy)]
    struct Supply {
        share: u32,
        length: u32,
    }

    const KINDS: [SourceKind; 3] = [SourceKind::Own, SourceKind::Parent, SourceKind::Global];

    #[test]
    fn the_source_furthest_below_its_share_comes_next() {
        check([(100, 3), (0, 3), (0, 3)], "ooo");
        check([(50, 3), (50, 3), (0, 3)], "opopop");
        check([(34, 3), (33, 3), (33, 3)], "opgopgopg");
        check([(80, 16), (15, 3), (5, 1)], "oopooooogopooooopooo");
        check([(0, 2), (0, 2), (100, 2)], "gg");
        check([(0, 2), (0, 2), (0, 2)], "");
    }

    #[test]
    fn a_dry_source_gives_its_share_to_the_others() {
        check([(80, 0), (15, 4), (5, 2)], "ppgppg");
        check([(50, 1), (25, 4), (25, 4)], "opgpgpgpg");
        check([(50, 2), (50, 9), (0, 9)], "opopppppppp");
        check([(80, 4), (15, 0), (5, 0)], "oooo");
    }

    #[test]
    fn the_page_ends_before_a_post_that_is_not_here() {
        let supplies = [(50, 1), (50, 5), (0, 0)].map(|(share, length)| Supply { share, length });
        let mut request = request(supplies, [0; 3], 5, 10);
        request.sources[0].has_more = true;
        let page = fill(&request);
        assert_eq!((letters(&request, &page).as_str(), page.consumed), ("op", Some(vec![1, 1, 0])));
    }

    #[test]
    fn ties_go_by_kind_whatever_the_order_of_the_sources() {
        let supplies = [(50, 2), (50, 2), (0, 0)].map(|(share, length)| Supply { share, length });
        let mut request = request(supplies, [0; 3], 5, 10);
        request.sources.reverse();
        assert_eq!(letters(&request, &fill(&request)), "opop");
    }

    proptest! {
        #[test]
        fn the_sequence_does_not_depend_on_the_page_size(
            shares in prop::array::uniform3(0_u32..=100),
            lengths in prop::array::uniform3(0_u32..40),
            sizes in prop::collection::vec((1_u32..20, 1_usize..20), 1..8),
        ) {
            let supplies = [0, 1, 2].map(|i| Supply { share: shares[i], length: lengths[i] });
            let whole = walk(supplies, &[(1_000, 1_000)]);
            prop_assert_eq!(&walk(supplies, &sizes), &whole);
            let expected: u32 = supplies.iter().filter(|s| s.share > 0).map(|s| s.length).sum();
            prop_assert_eq!(whole.len(), expected as usize);
        }

        #[test]
        fn no_source_strays_from_its_share_by_a_whole_turn(shares in prop::array::uniform3(1_u32..=100)) {
            let sequence = walk(shares.map(|share| Supply { share, length: 300 }), &[(200, 300)]);
            let total: u32 = shares.iter().sum();
            for length in 1..=200 {
                for (kind, share) in ["o", "p", "g"].into_iter().zip(shares) {
                    let due = f64::from(share) / f64::from(total) * length as f64;
                    let shown = sequence[..length].matches(kind).count() as f64;
                    prop_assert!((shown - due).abs() < 2.0, "{kind} {shown} of {due} in {length}");
                }
            }
        }
    }

    fn check(supplies: [(u32, u32); 3], expected: &str) {
        let supplies = supplies.map(|(share, length)| Supply { share, length });
        assert_eq!(walk(supplies, &[(100, 100)]), expected, "{supplies:?}");
    }

    /// The letters of a walk to the end, in pages of these limits and blocks of these many candidates a source, in turn.
    fn walk(supplies: [Supply; 3], pages: &[(u32, usize)]) -> String {
        let (mut taken, mut sequence) = ([0; 3], String::new());
        for (limit, block) in pages.iter().cycle() {
            let request = request(supplies, taken, *block, *limit);
            let page = fill(&request);
            if page.picks.is_empty() {
                break;
            }
            sequence += &letters(&request, &page);
            for (taken, consumed) in taken.iter_mut().zip(page.consumed.iter().flatten()) {
                *taken += consumed;
            }
        }
        sequence
    }

    fn request(supplies: [Supply; 3], taken: [u32; 3], block: usize, limit: u32) -> Request {
        let mut first = 0;
        let sources = KINDS.into_iter().zip(supplies).zip(taken).map(|((kind, supply), taken)| {
            let left = supply.length - taken;
            let count = left.min(block as u32);
            first += count;
            Source { kind, share: supply.share, taken, first: first - count, count, has_more: left > count }
        });
        let sources = sources.collect();
        let [languages, labels] = [Vec::new(), Vec::new()];
        Request { community: String::new(), sources, posts: no_columns(), authors: Vec::new(), languages, labels, limit, position: 0, now: 0, more: Vec::new() }
    }

    /// It looks at none.
    fn no_columns() -> Posts {
        Posts { uri: Vec::new(), source: Vec::new(), author: Vec::new(), sort_time: Vec::new(), reply: Vec::new(), languages: Vec::new(), labels: Vec::new() }
    }

    fn letters(request: &Request, page: &Page) -> String {
        let kind_of = |pick: &u32| request.sources.iter().find(|source| (source.first..source.first + source.count).contains(pick)).map(|source| source.kind);
        page.picks
            .iter()
            .map(|pick| match kind_of(pick) {
                Some(SourceKind::Own) => 'o',
                Some(SourceKind::Parent) => 'p',
                Some(SourceKind::Global) => 'g',
                None => '?',
            })
            .collect()
    }
}
