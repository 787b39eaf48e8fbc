//! The writer: what the receiver brings goes into the queue, together with the cursor that follows it.
//!
//! Whatever waits is written in one transaction. A full queue makes the writer wait, and the receiver behind it: back-pressure,
//! never loss. When the store fails, the same batch is tried until it is durable or the program ends; nothing that was not
//! written has moved the cursor, so it comes again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use crate::jetstream::Intake;
use crate::store::Queue;

/// Events in one transaction at most.
const EVENTS_AT_ONCE: usize = 4_096;

/// The pauses between attempts.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Tells `identities` at once of each DID whose identity has changed; that is kept nowhere, so it may come again and never waits.
///
/// Runs until the receiver is gone and all that it sent is durable, or `stop` is set while the store fails or is full.
pub fn write(mut incoming: Receiver<Intake>, queue: &Queue, identities: impl Fn(&str), stop: &AtomicBool) {
    while let Some(first) = incoming.blocking_recv() {
        first.identities.iter().for_each(|did| identities(did));
        let mut intake = first;
        while intake.events.len() < EVENTS_AT_ONCE
            && let Ok(next) = incoming.try_recv()
        {
            next.identities.iter().for_each(|did| identities(did));
            intake.append(next);
        }
        if !append(&intake, queue, stop) {
            return;
        }
    }
}

fn append(intake: &Intake, queue: &Queue, stop: &AtomicBool) -> bool {
    let mut told = false;
    while !queue.has_room() {
        if stop.load(Ordering::Acquire) {
            return false;
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
        let Err(cause) = queue.append(&intake.events, &intake.cursor) else { return true };
        if !std::mem::replace(&mut told, true) {
            tracing::error!(%cause, events = intake.events.len(), "the queue can't be written: trying again until it can");
        }
        if stop.load(Ordering::Acquire) {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
        if let Err(cause) = queue.heal(generation) {
            tracing::debug!(%cause, "the database is not open yet");
        }
    }
}
