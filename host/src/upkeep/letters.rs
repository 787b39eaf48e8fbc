//! Dead letters: what could not be told to communities' objects, and was given up on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Upkeep};
use crate::community::letters::{Subject, from_id, row};
use crate::dashboard::find;
use crate::dashboard::letters::letter;
use crate::dashboard::views::DeadLetter;
use crate::event::{Body, Event, Order, What};
use crate::record::Stored;
use crate::store::{Key, Snapshot, Span, Table, schema};

/// A dead letter, and what is known of its subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LetterAndRecord {
    pub letter: DeadLetter,
    /// What the filter made of the record, with its revision; `null` if it isn't there any more, or if the letter is about none.
    pub record: Value,
}

impl Upkeep {
    pub(super) fn letters(&self, community: Option<&str>) -> Result<Vec<DeadLetter>, Refusal> {
        let snapshot = self.parts.store.snapshot()?;
        let span = match community {
            Some(id) => Span::prefix(Key::community(find::find(&snapshot, id)?.0)),
            None => Span::all(),
        };
        let mut keys = Vec::new();
        snapshot.scan(Table::DeadLetters, &span, false, |key, value| {
            keys.push((key.to_vec(), value.to_vec()));
            true
        })?;
        keys.iter().map(|(key, value)| Ok(letter(&snapshot, key, value)?)).collect()
    }

    pub(super) fn letter(&self, id: &str) -> Result<LetterAndRecord, Refusal> {
        let snapshot = self.parts.store.snapshot()?;
        let (key, subject) = existing(&snapshot, id)?;
        let value = snapshot.get(Table::DeadLetters, &key)?.unwrap_or_default();
        let stored: Option<Stored> = match &subject {
            Subject::Record(record) => snapshot.read(Table::Records, schema::record(record).as_ref())?,
            _ => None,
        };
        let record =
            stored.map_or(Value::Null, |stored| serde_json::json!({ "rev": stored.rev.as_str(), "record": stored.record.map(|record| format!("{record:?}")) }));
        Ok(LetterAndRecord { letter: letter(&snapshot, &key, &value)?, record })
    }

    /// The events that order it.
    pub(super) fn orders(&self, letters: &[String], what: What) -> Result<Vec<Event>, Refusal> {
        let snapshot = self.parts.store.snapshot()?;
        let keys: Vec<Vec<u8>> = match letters {
            [] => snapshot.keys(Table::DeadLetters, &Span::all(), false, usize::MAX)?,
            named => named.iter().map(|id| existing(&snapshot, id).map(|(key, _)| key)).collect::<Result<_, _>>()?,
        };
        Ok(keys.into_iter().map(|letter| Event { did: String::new(), body: Body::Order(Order { letter, what }) }).collect())
    }
}

fn existing(snapshot: &Snapshot, id: &str) -> Result<(Vec<u8>, Subject), Refusal> {
    let missing = || Refusal(format!("there is no dead letter {id}: it may have been tried again or dropped; `dead-letters list` shows which there are"));
    let (community, subject) = from_id(id).ok_or_else(missing)?;
    let key = row(community, &subject);
    if snapshot.contains(Table::DeadLetters, &key)? { Ok((key, subject)) } else { Err(missing()) }
}
