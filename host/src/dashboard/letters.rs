//! What communities' components could not take: for the owner of one, or for the operator of all.

use super::page::{List, Page, cursor, list};
use super::{Dashboard, Problem, find, views};
use crate::clock::datetime;
use crate::community::letters::{DeadLetter, id_of, pair_of};
use crate::store::view::decode;
use crate::store::{Key, Snapshot, Span, Table};

impl Dashboard {
    /// The dead letters of a community.
    pub fn dead_letters(&self, id: &str, page: &Page) -> Result<views::DeadLetters, Problem> {
        let reading = self.reading()?;
        let (number, _) = find::find(&reading.snapshot, id)?;
        letters(&reading.snapshot, Span::prefix(Key::community(number)), page)
    }

    /// The dead letters of all communities.
    pub fn all_dead_letters(&self, page: &Page) -> Result<views::DeadLetters, Problem> {
        letters(&self.reading()?.snapshot, Span::all(), page)
    }
}

fn letters(snapshot: &Snapshot, span: Span, page: &Page) -> Result<views::DeadLetters, Problem> {
    let span = match page.after(List::DeadLetters)? {
        Some(after) => span.after(after),
        None => span,
    };
    let found = list(snapshot, Table::DeadLetters, &span, false, page.limit, |key, value| {
        let (community, subject) = pair_of(Table::DeadLetters, key)?;
        let letter: DeadLetter = decode(Table::DeadLetters, key, value)?;
        Ok(Some((id_of(key), community, subject.to_string(), letter)))
    })?;
    let mut dead_letters = Vec::with_capacity(found.items.len());
    for (id, number, subject, letter) in found.items {
        let community = find::community(snapshot, number)?.map(|community| community.uri).unwrap_or_default();
        dead_letters.push(views::DeadLetter { id, community, subject, since: datetime(letter.since), cause: letter.cause });
    }
    Ok(views::DeadLetters { dead_letters, cursor: found.next.map(|key| cursor(List::DeadLetters, &key)) })
}
