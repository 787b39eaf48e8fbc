//! What a mix has picked and the walk has yet to show.
//!
//! A mix that orders a block of candidates picks more than a page takes; the rest waits here for the pages that follow. It is kept
//! under a name made of what it is, so the same picks of a thousand readers are kept once, and a feed in which nothing changes
//! needs no more room however often it is opened. It is bounded: what was lost, the walk goes on behind. A post that was
//! hidden, or whose time is over, since it was picked is passed over by whoever reads it from here.

use std::sync::Arc;

use moka::sync::Cache;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::cursor::{Position, Rest};
use crate::store::view::encode;

/// Of what the operator gives the database to remember, orders may take this part besides. A block of 600 picks takes about 20 KB.
const PART: usize = 8;

/// A post that was picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Picked {
    pub position: Position,
    pub pinned: bool,
    /// A note for who hears of readers' wishes.
    pub context: Option<String>,
}

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(super) struct Orders(Cache<[u8; 16], Arc<[u8]>>);

impl Orders {
    /// For a database with so many bytes to remember.
    pub(super) fn new(cache: usize) -> Self {
        let size = |_: &[u8; 16], order: &Arc<[u8]>| u32::try_from(order.len() + 100).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity((cache / PART) as u64).weigher(size).build())
    }

    /// Keeps these; they are to be shown from the first on.
    pub(super) fn keep(&self, picked: &[Picked]) -> Rest {
        let order = encode(&picked);
        let mut name = [0; 16];
        name.copy_from_slice(&digest(&SHA256, &order).as_ref()[..16]);
        self.0.insert(name, order.into());
        Rest { name, next: 0 }
    }

    /// The posts that a walk has yet to show, in order; `None` if they were lost.
    pub(super) fn get(&self, rest: Rest) -> Option<Vec<Picked>> {
        let order = self.0.get(&rest.name)?;
        // What lies here was encoded here.
        let mut picked: Vec<Picked> = postcard::from_bytes(&order).ok()?;
        (usize::from(rest.next) <= picked.len()).then(|| picked.split_off(usize::from(rest.next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(count: i64) -> Vec<Picked> {
        let position = |sort_time| Position { sort_time, rkey: "3mptbyplj5d2a".into(), did: "did:plc:wq4aajammjtxdomz3e23667t".into() };
        (0..count).map(|n| Picked { position: position(n), pinned: n == 0, context: None }).collect()
    }

    #[test]
    fn what_is_left_comes_back_from_where_the_walk_is() {
        let orders = Orders::new(8 << 20);
        let rest = orders.keep(&picked(5));
        assert_eq!(orders.get(rest), Some(picked(5)));
        assert_eq!(orders.get(Rest { next: 3, ..rest }), Some(picked(5)[3..].to_vec()));
        assert_eq!(orders.get(Rest { next: 5, ..rest }), Some(Vec::new()));
        assert_eq!(orders.get(Rest { next: 6, ..rest }), None);
        assert_eq!(orders.get(Rest { name: [0; 16], next: 0 }), None);
    }

    #[test]
    fn the_same_picks_are_kept_once_and_all_of_them_within_an_eighth_of_the_cache() {
        let orders = Orders::new(256 << 20);
        let names: std::collections::HashSet<_> = (0..100).map(|_| orders.keep(&picked(600)).name).collect();
        assert_eq!(names.len(), 1);
        for n in 0..3_000 {
            orders.keep(&picked(600)[n % 599..]);
            orders.keep(&picked(600 + i64::try_from(n).expect("small")));
        }
        orders.0.run_pending_tasks();
        let most = 32 << 20;
        assert!(orders.0.weighted_size() <= most, "{}", orders.0.weighted_size());
        assert!(orders.0.weighted_size() > most / 2, "the test fills it: {}", orders.0.weighted_size());
    }
}
