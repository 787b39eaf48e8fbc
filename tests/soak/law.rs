//! Whether every feed is what it must be, by the model of `tests/it/law`.
//!
//! The model computes from all that it has heard whenever it is asked, so each community has one of its own that hears what can
//! matter there and to its parent: a whole family's would take minutes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use atrarium_tests::http::Kept;
use atrarium_tests::world::{feed_of, posts_of};

use super::firehose::now_us;
use super::readers::{Faults, next};
use super::story::{FAMILY, Told, community};
use crate::law::model::Model;

/// What was seen of the law.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) feeds: usize,
    pub(crate) posts: usize,
    /// Feeds that aren't as they must be.
    pub(crate) broken: Faults,
}

/// Walks through all feeds and compares them with what follows from all that was told.
pub(crate) async fn judge(address: SocketAddr, told: Vec<Arc<Told>>, families: usize) -> Judged {
    let mut by_family: Vec<Vec<Arc<Told>>> = vec![Vec::new(); families];
    for told in told {
        by_family[told.family].push(told);
    }
    let mut judged = Judged::default();
    let mut reader = Kept::new(address);
    for (family, told) in by_family.into_iter().enumerate() {
        let expected = tokio::task::spawn_blocking(move || (0..FAMILY).map(|of| expected(&told, family, of)).collect::<Vec<_>>());
        let mut shown = Vec::new();
        for index in 0..FAMILY {
            shown.push(feed(&mut reader, &feed_of(&community(family * FAMILY + index))).await);
        }
        let expected = expected.await.expect("the model doesn't panic");
        for (index, (expected, shown)) in expected.into_iter().zip(shown).enumerate() {
            judged.feeds += 1;
            judged.posts += expected.len();
            match shown {
                Ok(shown) if shown == expected => {}
                Ok(shown) => judged.broken.add(format!("{}: {}", community(family * FAMILY + index), difference(&expected, &shown))),
                Err(cause) => judged.broken.add(format!("{}: {cause}", community(family * FAMILY + index))),
            }
        }
    }
    judged
}

fn expected(told: &[Arc<Told>], family: usize, of: usize) -> Vec<String> {
    let mut model = Model::default();
    let concern = 1 | 1 << of;
    told.iter().filter(|told| told.concerns & concern != 0).for_each(|told| model.hear(&told.frame));
    let now = (now_us() / 1_000) as i64;
    model.feed(&community(family * FAMILY + of), now).expect("no community is ever closed")
}

/// The whole feed, in pages of 100.
async fn feed(reader: &mut Kept, feed: &str) -> Result<Vec<String>, String> {
    let (mut posts, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}&limit=100{cursor}");
        let answer = reader.get(&path).await.map_err(|cause| cause.to_string())?;
        if answer.status != 200 {
            return Err(format!("{answer:?}"));
        }
        posts.extend(posts_of(&answer.json()));
        match next(&answer) {
            Some(next) => cursor = next,
            None => return Ok(posts),
        }
    }
}

fn difference(expected: &[String], shown: &[String]) -> String {
    let set = |posts: &[String]| posts.iter().cloned().collect::<BTreeSet<_>>();
    let (must, is) = (set(expected), set(shown));
    let some = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).take(3).cloned().collect::<Vec<_>>();
    let place = expected.iter().zip(shown).position(|(one, other)| one != other);
    format!(
        "{} expected, {} shown; missing {:?}, too many {:?}, doubled {}, the first difference at {place:?}",
        expected.len(),
        shown.len(),
        some(&must, &is),
        some(&is, &must),
        shown.len() - is.len()
    )
}
