//! Writing one batch while the next is being made.
//!
//! The batch that is on its way to the disk stays visible to the next one as a layer over the snapshot, so the order of commits is
//! the order of batches and nothing waits for the disk twice. If a commit fails, whatever was made upon it is worthless: the
//! caller learns of the failure when it hands over the next batch, or asks, and begins again from what is durable.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::community::Changes;
use crate::priority;
use crate::store::{Layer, Queue, Store, StoreError};

/// A batch to be made durable.
struct Batch {
    layer: Arc<Layer>,
    /// How many events of the queue it is done with.
    events: usize,
    last_row: Option<u64>,
}

/// The thread that commits, seen from the thread that makes batches.
#[derive(Debug)]
pub(super) struct Committer {
    queue: Queue,
    changes: Changes,
    batches: SyncSender<Batch>,
    outcomes: Receiver<Result<(), StoreError>>,
    thread: JoinHandle<()>,
    in_flight: Option<InFlight>,
    /// A batch whose commit failed, and of which nobody knows whether it is durable.
    doubtful: Option<InFlight>,
}

#[derive(Debug)]
struct InFlight {
    layer: Arc<Layer>,
    /// The last row of the queue that it acknowledges, if it does.
    last_row: Option<u64>,
    events: usize,
}

impl Committer {
    pub(super) fn start(store: Store, queue: Queue, changes: Changes) -> std::io::Result<Self> {
        let (batches, incoming) = sync_channel::<Batch>(1);
        let (outcome, outcomes) = sync_channel(1);
        let (told, noticed) = (queue.clone(), changes.clone());
        let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(move || {
            priority::follow_readers();
            for batch in incoming {
                metrics::histogram!("atrarium_batch_events").record(batch.events as f64);
                let result = commit(&store, &batch.layer);
                if result.is_ok() {
                    // First of all: whoever waits until the batch is settled reads what was derived from these rows.
                    noticed.note(&batch.layer);
                    told.done(batch.events, batch.last_row);
                }
                if outcome.send(result).is_err() {
                    return;
                }
                told.wake();
            }
        })?;
        Ok(Self { queue, changes, batches, outcomes, thread, in_flight: None, doubtful: None })
    }

    /// What is on its way, and the last row of the queue that it takes.
    pub(super) fn pending(&self) -> (Option<Arc<Layer>>, Option<u64>) {
        self.in_flight.as_ref().map_or((None, None), |batch| (Some(Arc::clone(&batch.layer)), batch.last_row))
    }

    pub(super) fn events_in_flight(&self) -> usize {
        self.in_flight.as_ref().map_or(0, |batch| batch.events)
    }

    /// Hands a batch over, once the one before it is durable.
    pub(super) fn commit(&mut self, layer: Layer, events: usize, last_row: Option<u64>) -> Result<(), StoreError> {
        self.settle()?;
        let layer = Arc::new(layer);
        self.batches.send(Batch { layer: Arc::clone(&layer), events, last_row }).map_err(|_| StoreError::Closed)?;
        self.in_flight = Some(InFlight { layer, last_row, events });
        Ok(())
    }

    /// Whether the thread ended although nobody told it to: it has panicked.
    pub(super) fn has_died(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until nothing is on its way.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        match self.in_flight.take() {
            Some(batch) => {
                let outcome = self.outcomes.recv().unwrap_or(Err(StoreError::Closed));
                self.note(batch, outcome)
            }
            None => Ok(()),
        }
    }

    /// Waits until nothing is on its way, and until the thread has let go of the database: the next start must find it free.
    pub(super) fn end(mut self) {
        if let Err(failure) = self.settle() {
            tracing::error!(cause = %failure, "the last batch is not durable: it comes again with the next start");
        }
        drop(self.batches);
        if self.thread.join().is_err() {
            tracing::error!("the committer had panicked");
        }
    }

    /// Takes note of a batch that has become durable, or failed, meanwhile.
    pub(super) fn poll(&mut self) -> Result<(), StoreError> {
        match (self.outcomes.try_recv(), self.in_flight.take()) {
            (Ok(outcome), Some(batch)) => self.note(batch, outcome),
            (Ok(outcome), None) => outcome,
            (Err(TryRecvError::Empty), in_flight) => {
                self.in_flight = in_flight;
                Ok(())
            }
            (Err(TryRecvError::Disconnected), _) => Err(StoreError::Closed),
        }
    }

    fn note(&mut self, batch: InFlight, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        if outcome.is_err() {
            self.doubtful = Some(batch);
        }
        outcome
    }

    /// After a failure, once the database can be read again: a batch that became durable although its commit failed is done with.
    pub(super) fn recover(&mut self) -> Result<(), StoreError> {
        if self.doubtful.is_some() {
            self.changes.lost();
        }
        if let Some(InFlight { last_row: Some(row), events, .. }) = &self.doubtful
            && !self.queue.holds(*row)?
        {
            self.queue.done(*events, Some(*row));
        }
        self.doubtful = None;
        Ok(())
    }
}

fn commit(store: &Store, layer: &Layer) -> Result<(), StoreError> {
    metrics::histogram!("atrarium_commit_changes").record(layer.len() as f64);
    fail::fail_point!("ingest-before-commit", |_| std::process::abort());
    let began = Instant::now();
    store.commit(layer)?;
    metrics::histogram!("atrarium_commit_seconds").record(began.elapsed().as_secs_f64());
    fail::fail_point!("ingest-after-commit", |_| std::process::abort());
    Ok(())
}
