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
    let found = list(snapshot, Table::DeadLetters, &span, false, page.limit, |key, value| Ok(Some((key.to_vec(), value.to_vec()))))?;
    let dead_letters = found.items.iter().map(|(key, value)| letter(snapshot, key, value)).collect::<Result<_, _>>()?;
    Ok(views::DeadLetters { dead_letters, cursor: found.next.map(|key| cursor(List::DeadLetters, &key)) })
}

/// The letter in a row.
pub fn letter(snapshot: &Snapshot, key: &[u8], value: &[u8]) -> Result<views::DeadLetter, Problem> {
    let (number, subject) = pair_of(Table::DeadLetters, key)?;
    let letter: DeadLetter = decode(Table::DeadLetters, key, value)?;
    let community = find::community(snapshot, number)?.map(|community| community.uri).unwrap_or_default();
    Ok(views::DeadLetter { id: id_of(key), community, subject: subject.to_string(), since: datetime(letter.since), cause: letter.cause })
}
