//! What the filter component makes of a batch.
//!
//! Deletes and account events carry no record, so they never reach it. What it refuses is counted by collection and reason, and
//! told in one line a batch; to the facts a refused record is one that isn't there.

use std::collections::BTreeMap;

use crate::event::{Body, Event, Operation};
use crate::record::Record;
use crate::sandbox::filter::{Filter, RawRecord, Verdict};

/// The record that the filter accepts, for each event that has one.
pub(super) fn records(filter: &mut Filter, events: &[Event]) -> Vec<Option<Record>> {
    let raw: Vec<Option<RawRecord<'_>>> = events.iter().map(raw_record).collect();
    let carried: Vec<RawRecord<'_>> = raw.iter().flatten().cloned().collect();
    let mut verdicts = if carried.is_empty() { Vec::new() } else { filter.judge(&carried) }.into_iter();
    let mut malformed = Malformed::default();
    for event in events {
        malformed.count_missing(event);
    }
    let accepted = raw
        .iter()
        .map(|raw| match raw.as_ref().and_then(|raw| Some((raw, verdicts.next()?)))? {
            (_, Verdict::Accepted(record)) => Some(record),
            (raw, Verdict::Malformed(code)) => {
                malformed.count(raw, code);
                None
            }
            (_, Verdict::Irrelevant) => None,
        })
        .collect();
    malformed.log();
    accepted
}

fn raw_record(event: &Event) -> Option<RawRecord<'_>> {
    match &event.body {
        Body::Commit(commit) => Some(RawRecord { did: &event.did, collection: commit.collection.nsid(), rkey: &commit.rkey, json: commit.record.as_deref()? }),
        Body::Account(_) | Body::Status(_) | Body::Listed(_) | Body::Want | Body::Read(_) | Body::Found(_) | Body::Gap | Body::Order(_) | Body::Object(_) => {
            None
        }
    }
}

/// What the filter refused in a batch: counted by reason, and told in one line.
#[derive(Debug, Default)]
struct Malformed {
    reasons: BTreeMap<String, u64>,
    first: Option<String>,
}

impl Malformed {
    fn count(&mut self, raw: &RawRecord<'_>, code: String) {
        self.note(raw.did, raw.collection, raw.rkey, code);
    }

    /// An event that should carry a record and doesn't, or one too large to be looked at.
    fn count_missing(&mut self, event: &Event) {
        if let Body::Commit(commit) = &event.body
            && commit.record.is_none()
            && commit.operation != Operation::Delete
        {
            self.note(&event.did, commit.collection.nsid(), &commit.rkey, "no-record".to_owned());
        }
    }

    fn note(&mut self, did: &str, collection: &str, rkey: &str, code: String) {
        self.first.get_or_insert_with(|| format!("at://{did}/{collection}/{rkey}"));
        metrics::counter!("atrarium_malformed_total", "collection" => collection.to_owned(), "reason" => code.clone()).increment(1);
        *self.reasons.entry(code).or_default() += 1;
    }

    fn log(&self) {
        if let Some(first) = &self.first {
            tracing::warn!(reasons = ?self.reasons, first, "malformed records");
        }
    }
}
