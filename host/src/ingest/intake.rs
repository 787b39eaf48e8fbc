//! The writer: what the receiver brings goes into the queue, together with the cursor that follows it, and so does what was read
//! from repos, without one.
//!
//! Whatever waits is written in one transaction. A full queue makes the writer wait, and the receiver behind it: back-pressure,
//! never loss. When the store fails, the same batch is tried until it is durable or the program ends; nothing that was not
//! written has moved the cursor, so it comes again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;
use tracing::Span;

use crate::event::{Body, Event};
use crate::jetstream::{Cursor, Intake};
use crate::store::Queue;

/// What has so many events is one transaction; what came last may make it more.
const EVENTS_AT_ONCE: usize = 4_096;

/// The pauses between attempts.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What is to be queued.
#[derive(Debug)]
pub enum Incoming {
    Live(Intake),
    /// From a repo; the sender is told once they are durable, and which row of the queue follows them.
    Read(Vec<Event>, oneshot::Sender<u64>),
}

/// One transaction.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Event>,
    cursor: Option<Cursor>,
    traces: Vec<Span>,
    waiting: Vec<oneshot::Sender<u64>>,
}

impl Batch {
    fn add(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Live(intake) => {
                self.events.extend(intake.events);
                self.events.extend(intake.resync.into_iter().map(|did| Event { did, body: Body::Want }));
                self.events.extend(intake.gap.map(|_| Event { did: String::new(), body: Body::Gap }));
                self.cursor = Some(intake.cursor);
                self.traces.push(intake.trace.0);
            }
            Incoming::Read(events, sender) => {
                self.events.extend(events);
                self.waiting.push(sender);
            }
        }
    }
}

/// Hands on what the receiver brings, until it ends, and tells `identities` of each DID whose identity has changed; that is kept
/// nowhere, so it may come again and never waits.
pub async fn hand_on(mut live: Receiver<Intake>, writer: Sender<Incoming>, identities: impl Fn(&str)) {
    while let Some(intake) = live.recv().await {
        intake.identities.iter().for_each(|did| identities(did));
        if writer.send(Incoming::Live(intake)).await.is_err() {
            return;
        }
    }
}

/// Runs until nobody can bring anything any more and all is durable, or `stop` is set while the store fails or is full.
pub fn write(mut incoming: Receiver<Incoming>, queue: &Queue, stop: &AtomicBool) {
    while let Some(first) = incoming.blocking_recv() {
        let mut batch = Batch::default();
        batch.add(first);
        while batch.events.len() < EVENTS_AT_ONCE
            && let Ok(next) = incoming.try_recv()
        {
            batch.add(next);
        }
        let Some(next) = append(&batch, queue, stop) else { return };
        queue.follow(next, batch.traces);
        for waiting in batch.waiting {
            // Who has gone meanwhile reads the repo again.
            let _ = waiting.send(next);
        }
    }
}

/// Answers which row follows; `None` if it gave up.
fn append(batch: &Batch, queue: &Queue, stop: &AtomicBool) -> Option<u64> {
    let mut told = false;
    while !queue.has_room() {
        if stop.load(Ordering::Acquire) {
            return None;
        }
        if !std::mem::replace(&mut told, true) {
            metrics::counter!("atrarium_queue_full_total").increment(1);
            tracing::warn!(depth = queue.depth(), "the queue is full: reading from the firehose stops until there is room");
        }
        std::thread::sleep(PAUSE);
    }
    let (mut told, mut pause) = (false, PAUSE);
    loop {
        let generation = queue.generation();
        let cause = match queue.append(&batch.events, batch.cursor.as_ref()) {
            Ok(next) => return Some(next),
            Err(cause) => cause,
        };
        if !std::mem::replace(&mut told, true) {
            metrics::counter!("atrarium_store_failures_total").increment(1);
            tracing::error!(%cause, events = batch.events.len(), "the queue can't be written: trying again until it can");
        }
        if stop.load(Ordering::Acquire) {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
        if let Err(cause) = queue.heal(generation) {
            tracing::debug!(%cause, "the database is not open yet");
        }
    }
}
