//! Who writes little is heard before who writes much.
//!
//! Of each author a block shows the newest posts first, [`IN_A_TURN`] of them; only when everybody has had that turn, the next.
//! Within a turn the newest come first, but with every post that its author has written in seven days a post counts as
//! [`HANDICAP_MS`] older. The community's own posts, its parent's and the others' are sorted each for themselves, and follow each
//! other as the owner's shares say.

use std::cmp::Reverse;

use atrarium_sdk::{Page, Post, Request, Source};

// ---- What you may want to change ----

/// How many posts of an author come before everybody else has had as many.
const IN_A_TURN: usize = 2;

/// How much older a post counts for each post that its author has written in the last seven days, in milliseconds.
const HANDICAP_MS: i64 = 60 * 60 * 1_000;

// -------------------------------------

/// The page for a request.
pub(crate) fn order(request: &Request) -> Page {
    let posts: Vec<Post<'_>> = request.posts().collect();
    let consumed = portions(&request.sources);
    let orders = request.sources.iter().zip(&consumed).map(|(source, portion)| {
        let block = source.first as usize..(source.first + portion) as usize;
        quiet_first(request, posts.get(block).unwrap_or_default())
    });
    Page { consumed: Some(consumed.clone()), ..Page::of(spread(orders)) }
}

/// How many posts of each source a block takes: what the owner's shares give them, so that all that have more behind them run out
/// together. The rest come again with the next block.
fn portions(sources: &[Source]) -> Vec<u32> {
    let going = sources.iter().filter(|source| source.has_more && source.count > 0 && source.share > 0);
    let first_to_run_out = going.min_by(|one, other| (one.count * other.share).cmp(&(other.count * one.share)));
    let portion = |source: &Source| match first_to_run_out {
        Some(first) => source.count.min((first.count * source.share).div_ceil(first.share)),
        None => source.count,
    };
    sources.iter().map(portion).collect()
}

/// The numbers of these posts, which come from the newest to the oldest.
fn quiet_first(request: &Request, posts: &[Post<'_>]) -> Vec<u32> {
    let mut seen = vec![0; request.authors.len()]; // how many posts each author has had already
    let mut order: Vec<_> = posts
        .iter()
        .map(|post| {
            let before = &mut seen[request.posts.author[post.number as usize] as usize];
            let turn = *before / IN_A_TURN;
            *before += 1;
            (turn, Reverse(post.sort_time - i64::from(post.author.posts) * HANDICAP_MS), post.number)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, number)| number).collect()
}

/// All of these, with each list spread evenly over the whole.
fn spread(orders: impl Iterator<Item = Vec<u32>>) -> Vec<u32> {
    let mut places: Vec<_> = orders
        .enumerate()
        .flat_map(|(source, order)| {
            let length = order.len() as u64;
            // The middles of as many equal parts as the list is long, from 0 to 2^32.
            (0..).zip(order).map(move |(place, number): (u64, u32)| ((((2 * place + 1) << 31) / length), source, number))
        })
        .collect();
    places.sort_unstable_by_key(|(middle, source, _)| (*middle, *source));
    places.into_iter().map(|(_, _, number)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use atrarium_sdk::{Author, Posts, SourceKind};

    const NOW: i64 = 1_790_000_000_000;

    #[test]
    fn who_has_written_less_this_week_comes_first() {
        check(&[("ann", 9, 1), ("ben", 1, 2), ("cat", 4, 2)], "ben2 cat2 ann1");
    }

    #[test]
    fn each_post_of_the_week_weighs_an_hour() {
        check(&[("ann", 10, 0), ("ben", 1, 8)], "ben8 ann0");
        check(&[("ann", 10, 0), ("ben", 1, 10)], "ann0 ben10");
    }

    #[test]
    fn among_equals_the_newest_comes_first() {
        check(&[("ann", 3, 1), ("ben", 3, 2), ("cat", 3, 2), ("dan", 3, 5)], "ann1 ben2 cat2 dan5");
    }

    #[test]
    fn two_posts_of_an_author_then_everybody_elses() {
        check(&[("ann", 5, 1), ("ann", 5, 2), ("ann", 5, 3), ("ann", 5, 4), ("ann", 5, 5), ("ben", 1, 90)], "ann1 ann2 ben90 ann3 ann4 ann5");
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        check(&[], "");
        assert_eq!(order(&Request { sources: Vec::new(), ..request(&[], &[]) }).consumed, Some(Vec::new()));
    }

    #[test]
    fn of_each_source_a_block_takes_its_share() {
        let page = order(&many([(80, 200, true), (15, 200, true), (5, 200, true)]));
        assert_eq!(page.consumed, Some(vec![200, 38, 13]));
        let mut picks = page.picks.clone();
        picks.sort_unstable();
        assert_eq!(picks, (0..200).chain(200..238).chain(400..413).collect::<Vec<u32>>());
        let of_the_parent = |picks: &[u32]| picks.iter().filter(|number| (200..400).contains(*number)).count();
        assert_eq!((of_the_parent(&page.picks[..100]), of_the_parent(&page.picks[100..200])), (15, 15));
    }

    #[test]
    fn a_source_with_nothing_behind_it_is_shown_to_its_end() {
        for (own, parent, expected) in [(false, false, [1, 9]), (true, true, [1, 1]), (false, true, [1, 9]), (true, false, [1, 1])] {
            assert_eq!(order(&many([(50, 1, own), (50, 9, parent)])).consumed, Some(expected.to_vec()), "{own} {parent}");
        }
    }

    #[test]
    fn an_empty_source_stops_nobody() {
        assert_eq!(order(&many([(80, 0, true), (20, 3, true)])).picks, [0, 1, 2]);
    }

    /// The order of a community's posts by these authors, who have written so much this week, from so many hours ago.
    fn check(posts: &[(&str, u32, i64)], expected: &str) {
        let count = u32::try_from(posts.len()).expect("a few");
        let source = Source { kind: SourceKind::Own, share: 100, taken: 0, first: 0, count, has_more: false };
        let request = request(&[source], posts);
        let shown = order(&request).picks.into_iter().map(|number| request.posts.uri[number as usize].clone());
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected);
    }

    /// A request with so many posts of sources with these shares, and perhaps more behind them; every post by somebody else.
    fn many<const N: usize>(sources: [(u32, u32, bool); N]) -> Request {
        let mut first = 0;
        let kinds = [SourceKind::Own, SourceKind::Parent, SourceKind::Global];
        let sources = kinds.into_iter().zip(sources).map(|(kind, (share, count, has_more))| {
            first += count;
            Source { kind, share, taken: 0, first: first - count, count, has_more }
        });
        let sources: Vec<Source> = sources.collect();
        let names: Vec<String> = (0..first).map(|number| format!("author{number}")).collect();
        let posts: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 1)).collect();
        request(&sources, &posts)
    }

    fn request(sources: &[Source], posts: &[(&str, u32, i64)]) -> Request {
        let mut authors: Vec<Author> = Vec::new();
        let mut author_of = |(name, written, _): &(&str, u32, i64)| {
            let at = authors.iter().position(|author| author.did == *name).unwrap_or_else(|| {
                authors.push(Author { did: (*name).to_owned(), role: None, posts: *written });
                authors.len() - 1
            });
            u32::try_from(at).expect("a few")
        };
        let author = posts.iter().map(&mut author_of).collect();
        let source_of = |number: u32| sources.iter().position(|source| (source.first..source.first + source.count).contains(&number));
        let source = (0..).zip(posts).map(|(number, _)| source_of(number).expect("each post has a source") as u32);
        Request {
            community: String::new(),
            posts: Posts {
                uri: posts.iter().map(|(name, _, hours)| format!("{name}{hours}")).collect(),
                source: source.collect(),
                author,
                sort_time: posts.iter().map(|(_, _, hours)| NOW - hours * 60 * 60 * 1_000).collect(),
                reply: vec![false; posts.len()],
                languages: vec![0; posts.len()],
                labels: vec![0; posts.len()],
            },
            sources: sources.to_vec(),
            authors,
            languages: vec![Vec::new()],
            labels: vec![Vec::new()],
            limit: 50,
            position: 0,
            now: NOW,
            more: Vec::new(),
        }
    }
}
