//! The durable queue between the socket and the communities.
//!
//! One end appends what passed the prefilter together with the cursor that follows it, in one transaction; the other takes
//! rows in order and deletes them in the transaction that holds their effects. So the cursor is never ahead of what is
//! durable, and an event is neither lost nor done twice. A full queue makes [`Queue::has_room`] false, upon which the writer
//! stops reading. The queue never looks into an event.
//!
//! ```text
//! row = sequence u64 → [Event]     at most ROW_EVENTS events, so that a batch of the consumer has a bound
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::db::{Snapshot, Store, StoreError};
use super::layer::Layer;
use super::schema::Table;
use super::span::Span;
use super::view::{View, decode, encode};
use crate::event::Event;

/// Events in one row at most.
const ROW_EVENTS: usize = 256;

/// How finely the age of the queue is known, and how finely once so many of these steps wait: a quarter of an hour's.
const AGE_STEP: Duration = Duration::from_millis(100);
const AGE_STEP_LATER: Duration = Duration::from_secs(60);
const AGE_STEPS: usize = 10_000;

/// Intakes that are traced at once.
const FOLLOWED: usize = 1_000;

const CURSOR: &[u8] = b"cursor";

/// The number of the next row, written with every append.
const NEXT: &[u8] = b"next-row";

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    limit: u64,
    next: AtomicU64,
    /// Events that are appended and not yet done with; also those of which it isn't sure.
    depth: AtomicU64,
    /// The last append failed, and may be durable all the same.
    unsure: Mutex<bool>,
    /// The number of rows ever appended, for who waits.
    appended: Mutex<u64>,
    grew: Condvar,
    /// The first row whose effects are not known to be durable.
    unsettled: watch::Sender<u64>,
    /// When rows were appended that are not done with: each of these and those up to the next one, the first of them at least so long ago.
    ages: Mutex<VecDeque<(u64, Instant)>>,
    /// What is traced until these rows are done with, each with the row that follows its last.
    followed: Mutex<VecDeque<(u64, tracing::Span)>>,
}

/// Where the stream was left, as the receiver understands it.
pub trait Position: Serialize + for<'a> Deserialize<'a> {}
impl<T: Serialize + for<'a> Deserialize<'a>> Position for T {}

/// Rows that were taken and are still in the table.
#[derive(Debug, Default)]
pub struct Taken {
    pub rows: Vec<u64>,
    pub events: Vec<Event>,
}

impl Queue {
    /// Picks up what an earlier run left. `limit` is the number of events above which the queue is full.
    pub fn open(store: Store, limit: u64) -> Result<Self, StoreError> {
        let snapshot = store.snapshot()?;
        let (mut next, mut depth, mut unreadable) = (0, 0, None);
        snapshot.scan(Table::Queue, &Span::all(), false, |key, value| match decode_row(key, value) {
            Ok((sequence, events)) => {
                next = sequence + 1;
                depth += events.len() as u64;
                true
            }
            Err(cause) => {
                unreadable = Some(cause);
                false
            }
        })?;
        let next = next_of(&snapshot)?.map_or(next, |stored| stored.max(next));
        drop(snapshot);
        // Of what an earlier run left it isn't known how long it has waited: since now at least.
        let ages = if depth > 0 { VecDeque::from([(0, Instant::now())]) } else { VecDeque::new() };
        match unreadable {
            Some(cause) => Err(cause),
            None => Ok(Self(Arc::new(Inner {
                store,
                limit,
                next: AtomicU64::new(next),
                depth: AtomicU64::new(depth),
                unsure: Mutex::new(false),
                appended: Mutex::new(0),
                grew: Condvar::new(),
                unsettled: watch::Sender::new(0),
                ages: Mutex::new(ages),
                followed: Mutex::default(),
            }))),
        }
    }

    /// Whether more may be appended.
    pub fn has_room(&self) -> bool {
        self.depth() < self.0.limit
    }

    /// Events waiting or in work.
    pub fn depth(&self) -> u64 {
        self.0.depth.load(Ordering::Acquire)
    }

    /// Makes the events durable, together with the cursor that follows them if one does. After a failure nobody knows whether they are: the same must be appended
    /// again, and will not be there twice. Answers which row is the next, behind all of these.
    pub fn append(&self, events: &[Event], cursor: Option<&impl Position>) -> Result<u64, StoreError> {
        let mut layer = Layer::default();
        let first = self.0.next.load(Ordering::Acquire);
        let mut sequence = first;
        for row in events.chunks(ROW_EVENTS) {
            layer.set(Table::Queue, sequence.to_be_bytes().to_vec(), Some(encode(&row)));
            sequence += 1;
        }
        if let Some(cursor) = cursor {
            layer.set(Table::Meta, CURSOR.to_vec(), Some(encode(cursor)));
        }
        layer.set(Table::Meta, NEXT.to_vec(), Some(sequence.to_be_bytes().to_vec()));
        let mut unsure = self.0.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        if !*unsure {
            // Counted before it can be seen: whoever sees the cursor, or takes the rows, finds them in the depth.
            self.0.depth.fetch_add(events.len() as u64, Ordering::AcqRel);
        }
        let durable_already = *unsure && sequence > first && next_of(&self.0.store.snapshot()?)? == Some(sequence);
        *unsure = true;
        if !durable_already {
            fail::fail_point!("queue-before-commit", |_| std::process::abort());
            self.0.store.commit(&layer)?;
            fail::fail_point!("queue-after-commit", |_| std::process::abort());
        }
        *unsure = false;
        self.0.next.store(sequence, Ordering::Release);
        if sequence > first {
            self.0.begin_ages(first);
        }
        *self.0.appended.lock().unwrap_or_else(PoisonError::into_inner) += sequence - first;
        self.0.grew.notify_all();
        Ok(sequence)
    }

    /// Opens the database again after an append has failed.
    pub fn heal(&self, generation: u64) -> Result<(), StoreError> {
        self.0.store.heal(generation)
    }

    /// To be asked before an append, and told to [`Queue::heal`] if it fails.
    pub fn generation(&self) -> u64 {
        self.0.store.generation()
    }

    /// The cursor of the last append, of this run or an earlier one.
    pub fn cursor<P: Position>(&self) -> Result<Option<P>, StoreError> {
        let found = self.0.store.snapshot()?.get(Table::Meta, CURSOR)?;
        found.map(|bytes| decode(Table::Meta, CURSOR, &bytes)).transpose()
    }

    /// The rows behind `after`, until `events` or `bytes` is reached.
    pub fn take(snapshot: &Snapshot, after: Option<u64>, events: usize, bytes: usize) -> Result<Taken, StoreError> {
        let span = after.map_or_else(Span::all, |row| Span::all().after(row.to_be_bytes()));
        let (mut taken, mut size, mut failed) = (Taken::default(), 0, None);
        snapshot.scan(Table::Queue, &span, false, |key, value| {
            match decode_row(key, value) {
                Ok((sequence, row)) => {
                    taken.rows.push(sequence);
                    taken.events.extend(row);
                }
                Err(cause) => failed = Some(cause),
            }
            size += value.len();
            failed.is_none() && taken.events.len() < events && size < bytes
        })?;
        failed.map_or(Ok(taken), Err)
    }

    /// Deletes rows as part of a batch.
    pub fn acknowledge(view: &mut View, rows: &[u64]) {
        for row in rows {
            view.delete(Table::Queue, row.to_be_bytes());
        }
    }

    /// To be told once a batch with so many events, the last of them in this row, is durable.
    pub fn done(&self, events: usize, last_row: Option<u64>) {
        self.0.depth.fetch_sub(events as u64, Ordering::AcqRel);
        if let Some(row) = last_row {
            self.0.end_ages(row);
            self.0.end_traces(row);
            self.0.unsettled.send_if_modified(|unsettled| std::mem::replace(unsettled, (row + 1).max(*unsettled)) != row + 1);
        }
    }

    /// Lets these spans last until all rows before this one are done with. Of a long queue the newest are let go at once.
    pub fn follow(&self, before: u64, traces: Vec<tracing::Span>) {
        let traces = traces.into_iter().filter(|trace| !trace.is_disabled());
        let mut followed = self.0.followed.lock().unwrap_or_else(PoisonError::into_inner);
        for trace in traces {
            trace.record("row", before);
            tracing::debug!(parent: &trace, "queued");
            if followed.len() < FOLLOWED {
                followed.push_back((before, trace));
            }
        }
        drop(followed);
        // They may be done with already.
        if let Some(last) = self.0.unsettled.borrow().checked_sub(1) {
            self.0.end_traces(last);
        }
    }

    /// For how long the first event that waits or is in work has done so, to a tenth of a second; nothing if there is none. What an earlier
    /// run left counts since the start of this one.
    pub fn age(&self) -> Duration {
        let first = self.0.ages.lock().unwrap_or_else(PoisonError::into_inner).front().map(|(_, since)| since.elapsed());
        first.filter(|_| self.depth() > 0).unwrap_or_default()
    }

    /// Waits until all before this row has had its effects, and they can be read.
    pub async fn settled(&self, before: u64) {
        // The sender lives as long as the queue.
        let _ = self.0.unsettled.subscribe().wait_for(|unsettled| *unsettled >= before).await;
    }

    /// Whether a row is still there, which a failed commit may have deleted or not.
    pub fn holds(&self, row: u64) -> Result<bool, StoreError> {
        self.0.store.snapshot()?.contains(Table::Queue, &row.to_be_bytes())
    }

    /// The number of rows appended so far in this run.
    pub fn appended(&self) -> u64 {
        *self.0.appended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until more than `seen` rows have been appended, or the time is over.
    pub fn wait(&self, seen: u64, at_most: Duration) {
        let appended = self.0.appended.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.0.grew.wait_timeout_while(appended, at_most, |appended| *appended <= seen);
        drop(outcome);
    }

    /// Ends all waiting, as if something had come.
    pub fn wake(&self) {
        *self.0.appended.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.grew.notify_all();
    }
}

impl Inner {
    /// Rows from this one on have just been appended.
    fn begin_ages(&self, first: u64) {
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        let step = if ages.len() < AGE_STEPS { AGE_STEP } else { AGE_STEP_LATER };
        if ages.back().is_none_or(|(_, since)| since.elapsed() >= step) {
            ages.push_back((first, Instant::now()));
        }
    }

    fn end_traces(&self, last: u64) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        while followed.front().is_some_and(|(before, _)| *before <= last + 1) {
            if let Some((_, trace)) = followed.pop_front() {
                tracing::debug!(parent: &trace, "committed");
            }
        }
    }

    /// Rows up to this one are done with.
    fn end_ages(&self, last: u64) {
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        // An entry stands for all rows before the next one's.
        while ages.get(1).map_or(self.next.load(Ordering::Acquire), |(row, _)| *row) <= last + 1 && ages.pop_front().is_some() {}
    }
}

fn next_of(snapshot: &Snapshot) -> Result<Option<u64>, StoreError> {
    Ok(snapshot.get(Table::Meta, NEXT)?.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes))
}

fn decode_row(key: &[u8], value: &[u8]) -> Result<(u64, Vec<Event>), StoreError> {
    let sequence = key.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Corrupt {
        table: Table::Queue.name(),
        key: format!("{key:?}"),
        cause: "not a sequence".to_owned(),
    })?;
    Ok((sequence, decode(Table::Queue, key, value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Body;
    use crate::jetstream::Cursor;
    use crate::store::Options;

    #[test]
    fn the_queue_is_as_old_as_the_first_event_that_is_not_done_with() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
        let queue = Queue::open(store, 100).expect("a new file");
        let event = || Event { did: "did:plc:a".to_owned(), body: Body::Want };
        let append = |events: usize| queue.append(&vec![event(); events], None::<&Cursor>).expect("a healthy disk");
        assert_eq!(queue.age(), Duration::ZERO, "an empty one has no age");
        let first = append(2);
        std::thread::sleep(AGE_STEP * 2);
        assert!(queue.age() >= AGE_STEP * 2);
        let second = append(1);
        queue.done(2, Some(first - 1));
        assert!(queue.age() < AGE_STEP * 2, "the first two are done with: {:?}", queue.age());
        std::thread::sleep(AGE_STEP);
        assert!(queue.age() >= AGE_STEP, "the third one waits");
        queue.done(1, Some(second - 1));
        assert_eq!((queue.depth(), queue.age()), (0, Duration::ZERO));
    }
}
