//! How the program is: whether it should get requests, and the numbers that nobody counts as they change.
//!
//! It reads, and changes nothing. What can't be read is left out: the numbers that tell of that are counted where it fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::community::load::Load;
use crate::community::{Loads, directory};
use crate::dashboard::NotReady;
use crate::http::{Firehose, Gauges, Readiness};
use crate::jetstream::Health;
use crate::machine;
use crate::store::{Queue, Store, StoreError, Table};
use crate::telemetry::Listed;

/// Communities whose costs are told by name: their number is the operator's to bear, in Prometheus's memory.
const NAMED: usize = 20;

/// What the label of a community says for all the others.
const OTHERS: &str = "others";

/// The files of the data directory that grow.
const FILES: [&str; 2] = ["index.redb", "state.redb"];

/// Whom to ask how the program is. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Parts>);

/// What it looks at.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) health: Arc<Health>,
    pub(super) store: Store,
    pub(super) queue: Queue,
    pub(super) loads: Loads,
    /// Objects that are awake.
    pub(super) awake: Arc<AtomicUsize>,
    pub(super) clock: Clock,
    /// When the program started.
    pub(super) began: Instant,
    pub(super) data_dir: PathBuf,
    /// How far behind the network it may read and be ready.
    pub(super) lag: Duration,
}

impl Pulse {
    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What the admin listener asks.
    pub(super) fn gauges(&self) -> Gauges {
        let (readiness, look_up) = (self.clone(), self.clone());
        Gauges { readiness: Box::new(move || readiness.readiness()), look_up: Arc::new(move || look_up.look_up()) }
    }

    pub(super) fn readiness(&self) -> Readiness {
        let Parts { store, queue, lag: most, .. } = &*self.0;
        let firehose = self.firehose();
        let failing = store.is_failing();
        let mut reasons = Vec::new();
        if failing {
            reasons.push(NotReady::database());
        }
        if !firehose.connected {
            reasons.push(NotReady::disconnected());
        }
        let (lag, seconds) = (firehose.lag_seconds.unwrap_or_default(), most.as_secs());
        match self.silence() {
            None => reasons.push(NotReady::nothing_yet()),
            Some(silence) if silence > *most => reasons.push(NotReady::silent(seconds)),
            Some(_) if lag > most.as_secs_f64() && !firehose.catching_up => reasons.push(NotReady::behind(lag, seconds)),
            Some(_) => {}
        }
        let database = if failing { "failing" } else { "open" };
        Readiness { ready: reasons.is_empty(), reasons, database, firehose, queue_depth: queue.depth() }
    }

    fn firehose(&self) -> Firehose {
        let Parts { health, clock, began, .. } = &*self.0;
        let (now_us, read_us) = (clock.now_us(), health.time_us.load(Ordering::Acquire));
        let silence = self.silence();
        Firehose {
            connected: health.connected.load(Ordering::Acquire),
            lag_seconds: (silence.is_some() && read_us > 0).then(|| now_us.saturating_sub(read_us) as f64 / 1e6),
            catching_up: health.is_catching_up(now_us),
            silent_seconds: silence.unwrap_or_else(|| began.elapsed()).as_secs_f64(),
        }
    }

    /// For how long nothing has been read; `None` before the first.
    fn silence(&self) -> Option<Duration> {
        self.0.health.silence(Instant::now(), self.0.clock.now_us())
    }

    /// Sets the gauges that are looked up, and answers those that are listed.
    fn look_up(&self) -> String {
        let Parts { queue, loads, awake, data_dir, .. } = &*self.0;
        let (readiness, awake) = (self.readiness(), awake.load(Ordering::Relaxed));
        metrics::gauge!("atrarium_ready").set(f64::from(u8::from(readiness.ready)));
        metrics::gauge!("atrarium_store_failing").set(f64::from(u8::from(self.0.store.is_failing())));
        metrics::gauge!("atrarium_jetstream_silence_seconds").set(readiness.firehose.silent_seconds);
        if let Some(lag) = readiness.firehose.lag_seconds {
            metrics::gauge!("atrarium_jetstream_lag_seconds").set(lag);
        }
        metrics::gauge!("atrarium_queue_depth").set(queue.depth() as f64);
        metrics::gauge!("atrarium_queue_age_seconds").set(queue.age());
        metrics::gauge!("atrarium_objects_awake").set(awake as f64);
        if let Err(cause) = self.count_rows(awake) {
            tracing::debug!(%cause, "rows can't be counted");
        }
        if let Ok(free) = machine::free_bytes(data_dir) {
            metrics::gauge!("atrarium_disk_free_bytes").set(free as f64);
        }
        for file in FILES {
            if let Ok(found) = data_dir.join(file).metadata() {
                metrics::gauge!("atrarium_file_bytes", "file" => file).set(found.len() as f64);
            }
        }
        listed(loads.all())
    }

    fn count_rows(&self, awake: usize) -> Result<(), StoreError> {
        let snapshot = self.0.store.snapshot()?;
        let open = directory::open_communities(&snapshot)?;
        metrics::gauge!("atrarium_communities").set(open as f64);
        metrics::gauge!("atrarium_objects_asleep").set(open.saturating_sub(awake as u64) as f64);
        metrics::gauge!("atrarium_dead_letters").set(snapshot.len(Table::DeadLetters)? as f64);
        metrics::gauge!("atrarium_retries_waiting").set(snapshot.len(Table::Retries)? as f64);
        metrics::gauge!("atrarium_backfill_wanted").set(snapshot.len(Table::Wants)? as f64);
        Ok(())
    }
}

/// The communities that cost most by name, and all others together.
fn listed(loads: Vec<(String, Load)>) -> String {
    let mut listed = Listed::default();
    let (objects, pages) = (dearest(&loads, |load| load.object_share), dearest(&loads, |load| load.page_share));
    let of = |work: &'static str| move |(community, value): &(String, f64)| (community.clone(), work, *value);
    let values: Vec<_> = objects.iter().map(of("object")).chain(pages.iter().map(of("pages"))).collect();
    listed.gauge("atrarium_community_load", values.iter().map(|(community, work, value)| (vec![("community", community.as_str()), ("work", *work)], *value)));
    let fuel = dearest(&loads, |load| load.fuel);
    listed.gauge("atrarium_community_fuel", fuel.iter().map(|(community, value)| (vec![("community", community.as_str())], *value)));
    listed.into_text()
}

fn dearest(loads: &[(String, Load)], of: impl Fn(&Load) -> f64) -> Vec<(String, f64)> {
    let mut values: Vec<(String, f64)> = loads.iter().map(|(uri, load)| (uri.clone(), of(load))).filter(|(_, value)| *value > 0.0).collect();
    values.sort_by(|(one, value), (other, others)| others.total_cmp(value).then_with(|| one.cmp(other)));
    // Not `sum`, whose nothing is below zero.
    let others = values.iter().skip(NAMED).fold(0.0, |sum, (_, value)| sum + value);
    values.truncate(NAMED);
    values.push((OTHERS.to_owned(), others));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_communities_are_named_and_the_others_are_one() {
        let load = |n: usize| (format!("at://did:plc:a/c/{n:02}"), Load { fuel: n as f64, ..Load::default() });
        let dearest = dearest(&(0..30).map(load).collect::<Vec<_>>(), |load| load.fuel);
        assert_eq!(dearest.len(), NAMED + 1);
        assert_eq!(dearest[0], ("at://did:plc:a/c/29".to_owned(), 29.0));
        assert_eq!(dearest[NAMED], (OTHERS.to_owned(), (1..10).sum::<usize>() as f64));
    }
}
