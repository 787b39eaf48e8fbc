//! A reader who goes through a feed page by page, while the test does something in between.

use std::collections::BTreeSet;

use crate::world::{World, posts_of};

/// A reader in the middle of a feed.
pub struct Walk<'a> {
    community: &'a str,
    pub seen: Vec<String>,
    cursor: Option<String>,
    pub ended: bool,
}

impl<'a> Walk<'a> {
    pub fn of(community: &'a str) -> Self {
        Self { community, seen: Vec::new(), cursor: None, ended: false }
    }

    pub async fn next(&mut self, world: &World, limit: usize) {
        assert!(!self.ended, "the walk has come to its end");
        let answer = world.page(self.community, limit, self.cursor.as_deref()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        let posts = posts_of(&page);
        assert!(posts.len() <= limit);
        self.seen.extend(posts);
        self.cursor = page["cursor"].as_str().map(str::to_owned);
        self.ended = self.cursor.is_none();
    }

    pub async fn rest(mut self, world: &World, limit: usize) -> Vec<String> {
        while !self.ended {
            self.next(world, limit).await;
        }
        self.seen
    }
}

pub fn assert_no_repeats(seen: &[String]) {
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "a post came twice: {seen:?}");
}
