//! What the API can read: lists that go on at their place, numbers that are right at once, explanations that agree with the feed, and
//! changes as they happen.

mod chance; // random histories, against the feed and the model of the law
mod changes; // as they happen
mod cursors; // of actions, held posts and dead letters
mod explain; // each clause of the law, in words
mod handles; // shown when they are verified, and taken where people are meant
mod lists; // communities and members
mod measured;
mod moderation; // hidden posts, and whose action decides
mod numbers; // counted at once

use atrarium::dashboard::{Dashboard, Page, Problem};
use atrarium_tests::World;

/// A caller whom nobody knows.
const STRANGER: &str = "did:plc:stranger";

fn dashboard(world: &World) -> &Dashboard {
    &world.app().dashboard
}

fn page(limit: u32, cursor: Option<String>) -> Page {
    Page::new(Some(limit), cursor).expect("a limit that may be")
}

fn everything() -> Page {
    page(100, None)
}

/// All of a list, in pages of this size.
fn walk<T>(limit: u32, mut read: impl FnMut(&Page) -> Result<(Vec<T>, Option<String>), Problem>) -> Vec<T> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let (items, next) = read(&page(limit, cursor)).expect("the list can be read");
        assert!(items.len() <= limit as usize);
        assert!(items.len() == limit as usize || next.is_none(), "a short page before the last");
        all.extend(items);
        match next {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
}
