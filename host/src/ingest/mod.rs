//! The write path: from the durable queue to one commit. Start reading at [`Ingest::step`].
//!
//! ```text
//! intake.rs     what the receiver brings → queue, with its cursor
//! mod.rs        the loop: a batch, whole or not at all
//! judge.rs       events → the records that the filter accepts
//! facts.rs      events → the newest of every record and account
//! agenda.rs     whom that concerns
//! deliver.rs    telling the communities' objects
//! committer.rs  writing one batch while the next is being made
//! retry.rs      what could not be told, and what owners and operators want with it
//! sweep.rs      what nobody needs any more
//! wants.rs      which repos shall be read
//! rules.rs      which communities the operator allows
//! ```
//!
//! One thread makes the batches, so objects are single-threaded and batches are in order. Nothing is observable before its commit,
//! and the rows of the queue leave it in the transaction that holds their effects. When the store fails, the batch is dropped,
//! the database is opened again, and the batch comes again: ingest pauses, nothing is lost, nothing becomes a dead letter.

pub mod agenda;
mod committer;
pub mod deliver;
pub mod facts;
pub mod intake;
mod judge;
pub mod retry;
pub mod rules;
pub mod sweep;
pub mod wants;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use agenda::{Agenda, Matters};
use committer::Committer;
use deliver::Delivery;
use facts::{Facts, Outcome};
use rules::Rules;
use sweep::Sweep;

use crate::clock::Clock;
use crate::community::letters::Subject;
use crate::community::{Bounds, Changes, Registry, showing};
use crate::config::Live;
use crate::event::Body;
use crate::sandbox::Current;
use crate::sandbox::filter::Filter;
use crate::store::schema::time_of;
use crate::store::{CommunityId, Queue, Span, Store, StoreError, Table, View};

/// How the loop takes its batches.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A batch starts when so many events wait.
    pub batch_events: usize,
    /// Or when this has passed since the last batch.
    pub batch_wait: Duration,
}

/// A batch takes what waits, up to here: more events share a commit when there is a backlog.
const BACKLOG_EVENTS: usize = 2_000;
const BACKLOG_BYTES: usize = 4 << 20;

/// The longest wait without looking at alarms, retries and the stop flag.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// Pairs that are retried in one batch, and the time that this may take: a looping guest must not hold up the others.
const RETRIES_AT_ONCE: usize = 16;
const RETRY_TIME: Duration = Duration::from_millis(500);

/// Alarms that ring in one batch.
const ALARMS_AT_ONCE: usize = 256;

/// The pauses between attempts to open a failed database.
const HEAL_PAUSE: Duration = Duration::from_millis(200);
const HEAL_PAUSE_MAX: Duration = Duration::from_secs(10);

/// Why the write path does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// The thread that commits panicked. Fatal: what it was about to commit comes again with the next start.
#[derive(Debug, thiserror::Error)]
#[error("the thread that commits has died")]
pub struct CommitterDied;

/// The write path's owner.
#[derive(Debug)]
pub struct Ingest {
    store: Store,
    queue: Queue,
    components: Current,
    filter: Filter,
    registry: Registry,
    bounds: Bounds,
    rules: Live<Rules>,
    /// Those by which communities are judged.
    kept: Arc<Rules>,
    /// Whether the open communities may not be in line with them: what would have brought them there has failed.
    out_of_line: bool,
    clock: Clock,
    settings: Settings,
    sweep: Sweep,
    committer: Committer,
    /// When the next retry is due; what it was at the start is read from the table.
    next_retry: Option<i64>,
    last_batch: Instant,
}

/// What the loop is made of.
#[derive(Debug)]
pub struct Parts {
    pub store: Store,
    pub queue: Queue,
    pub components: Current,
    pub registry: Registry,
    pub bounds: Bounds,
    pub rules: Live<Rules>,
    pub clock: Clock,
    pub settings: Settings,
    /// Who is told of every commit.
    pub changes: Changes,
}

impl Ingest {
    /// Brings the open communities in line with the operator's rules; then the loop can run.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { store, queue, components, registry, bounds, rules, clock, settings, changes } = parts;
        let filter = Filter::new(Arc::clone(&components.now().filter));
        let sweep = Sweep::starting_at(clock.now_ms());
        let committer = Committer::start(store.clone(), queue.clone(), changes).map_err(StartError::Thread)?;
        let (next_retry, last_batch, kept) = (Some(i64::MIN), Instant::now(), rules.now());
        let mut ingest = Self {
            store,
            queue,
            components,
            filter,
            registry,
            bounds,
            rules,
            kept,
            out_of_line: false,
            clock,
            settings,
            sweep,
            committer,
            next_retry,
            last_batch,
        };
        ingest.reconcile()?;
        Ok(ingest)
    }

    fn reconcile(&mut self) -> Result<(), StoreError> {
        let mut view = Box::new(View::new(self.store.snapshot()?, None));
        showing::begin_edition(&mut view)?;
        let mut agenda = Agenda::default();
        let now = self.clock.now_ms();
        facts::reconcile(&mut Facts { view: &mut view, agenda: &mut agenda, bounds: &self.bounds, rules: &self.kept, now })?;
        self.finish(view, agenda, Vec::new(), &[], 0, now)?;
        self.committer.settle()
    }

    /// Runs until `stop` is set. A batch that has begun is finished.
    pub fn run(mut self, stop: &AtomicBool) -> Result<(), CommitterDied> {
        while !stop.load(Ordering::Acquire) {
            if self.committer.has_died() {
                return Err(CommitterDied);
            }
            let generation = self.store.generation();
            let outcome = self.wait(stop).and_then(|()| self.step().map(drop));
            if let Err(failure) = outcome {
                self.heal(&failure, generation, stop);
            }
        }
        self.registry.forget_all();
        self.committer.end();
        Ok(())
    }

    /// Waits for something to do: a full batch, the end of the pause between batches, an alarm, a retry.
    fn wait(&mut self, stop: &AtomicBool) -> Result<(), StoreError> {
        loop {
            self.committer.poll()?;
            let seen = self.queue.appended();
            let depth = self.waiting();
            let since = self.last_batch.elapsed();
            if stop.load(Ordering::Acquire) || depth >= self.settings.batch_events as u64 || depth > 0 && since >= self.settings.batch_wait {
                return Ok(());
            }
            if self.has_other_rules() {
                return Ok(());
            }
            let now = self.clock.now_ms();
            if self.next_retry.is_some_and(|next| retry::is_due(next, now)) || self.sweep.is_due(now) || self.next_alarm()?.is_some_and(|next| next <= now) {
                return Ok(());
            }
            self.registry.rest();
            self.queue.wait(seen, if depth > 0 { self.settings.batch_wait.saturating_sub(since) } else { LOOK_AROUND });
        }
    }

    fn has_other_rules(&self) -> bool {
        self.out_of_line || !Arc::ptr_eq(&self.kept, &self.rules.now())
    }

    /// Events in the queue that no batch has taken yet.
    fn waiting(&self) -> u64 {
        self.queue.depth().saturating_sub(self.committer.events_in_flight() as u64)
    }

    fn next_alarm(&self) -> Result<Option<i64>, StoreError> {
        let mut next = None;
        self.store.snapshot()?.scan(Table::Alarms, &Span::all(), false, |key, _| {
            next = alarm_of(key).map(|(at, _)| at);
            false
        })?;
        Ok(next)
    }

    /// One batch, from the queue to the commit. Answers how many events it took.
    pub fn step(&mut self) -> Result<usize, StoreError> {
        let now = self.clock.now_ms();
        self.committer.poll()?;
        let (pending, taken_up_to) = self.committer.pending();
        let snapshot = self.store.snapshot()?;
        let taken = Queue::take(&snapshot, taken_up_to, BACKLOG_EVENTS, BACKLOG_BYTES)?;
        self.follow();
        let other_rules = self.has_other_rules();
        if other_rules {
            self.kept = self.rules.now();
            self.out_of_line = false;
        }
        let mut view = Box::new(View::new(snapshot, pending));
        showing::begin_edition(&mut view)?;
        let unchanged = view.bytes();
        let mut agenda = Agenda::default();

        let records = judge::records(&mut self.filter, &taken.events);
        let mut facts = Facts { view: &mut view, agenda: &mut agenda, bounds: &self.bounds, rules: &self.kept, now };
        if other_rules {
            tracing::info!("communities are brought in line with the operator's rules");
            facts::reconcile(&mut facts)?;
        }
        let mut outcomes = [[0; Outcome::LABELS.len()]; Body::KINDS.len()];
        for (event, record) in taken.events.iter().zip(records) {
            let outcome = match &event.body {
                Body::Commit(commit) => facts.commit(&event.did, commit, record)?,
                Body::Account(account) => facts.account(&event.did, account)?,
                Body::Status(status) => facts.status(&event.did, status)?,
                Body::Listed(listed) => facts.listed(&event.did, listed)?,
                Body::Want => wants::want(facts.view, &event.did)?,
                Body::Read(read) => wants::fulfilled(facts.view, &event.did, read)?,
                Body::Found(found) => wants::found(facts.view, found)?,
                Body::Gap => wants::gap(facts.view)?,
                Body::Order(order) => {
                    self.next_retry = earlier(self.next_retry, Some(now));
                    retry::order(facts.view, order, now)?
                }
                Body::Object(order) => facts.object(order)?,
            };
            outcomes[event.body.kind()][outcome as usize] += 1;
        }
        note_outcomes(&outcomes);
        self.sweep.step(&mut facts)?;
        let alarms = ring(&mut view, &mut agenda, now)?;
        let due = self.due_retries(&mut view, now)?;

        let nothing = taken.rows.is_empty() && alarms == 0 && due.is_empty();
        self.last_batch = Instant::now();
        if nothing && agenda.is_empty() && view.bytes() == unchanged {
            return Ok(0);
        }
        self.finish(view, agenda, due, &taken.rows, taken.events.len(), now)?;
        Ok(taken.events.len())
    }

    /// A batch is made with one set of components. It is asked for after the events were taken, so that whatever arrives once a reload
    /// is done is judged by the new ones.
    fn follow(&mut self) {
        let now = self.components.now();
        self.filter.follow(&now.filter);
        self.registry.follow(&now.objects);
    }

    /// Tells the objects, takes out what is above the bounds, retries what is due, acknowledges the rows, and commits.
    fn finish(&mut self, view: Box<View>, mut agenda: Agenda, due: Vec<retry::Due>, rows: &[u64], events: usize, now: i64) -> Result<(), StoreError> {
        let crowded = agenda.take_crowded();
        let mut view = self.tell(view, agenda, now)?;
        if !crowded.is_empty() {
            let mut agenda = Agenda::default();
            Facts { view: &mut view, agenda: &mut agenda, bounds: &self.bounds, rules: &self.kept, now }.bound(crowded)?;
            view = self.tell(view, agenda, now)?;
        }
        let mut view = self.retry(view, due, now)?;
        Queue::acknowledge(&mut view, rows);

        self.committer.commit(view.into_layer(), events, rows.last().copied())
    }

    fn tell(&mut self, view: Box<View>, agenda: Agenda, now: i64) -> Result<Box<View>, StoreError> {
        let mut delivery = Delivery::new(view, &mut self.registry, now);
        delivery.tell_all(agenda)?;
        let (mut view, failures) = delivery.finish()?;
        for failure in &failures {
            self.next_retry = earlier(self.next_retry, retry::note(&mut view, failure, now)?);
        }
        Ok(view)
    }

    fn due_retries(&mut self, view: &mut View, now: i64) -> Result<Vec<retry::Due>, StoreError> {
        if self.next_retry.is_none_or(|next| !retry::is_due(next, now)) {
            return Ok(Vec::new());
        }
        let (due, next) = retry::due(view, now, RETRIES_AT_ONCE)?;
        self.next_retry = next;
        Ok(due)
    }

    /// Tries pairs alone, for as long as there is time; the rest stays due.
    fn retry(&mut self, mut view: Box<View>, due: Vec<retry::Due>, now: i64) -> Result<Box<View>, StoreError> {
        let began = Instant::now();
        for pair in due {
            if began.elapsed() > RETRY_TIME {
                self.next_retry = Some(now);
                break;
            }
            let matters = Matters { everything: false, subjects: [pair.subject.clone()].into() };
            let mut delivery = Delivery::new(view, &mut self.registry, now);
            delivery.tell(pair.community, matters)?;
            let failures;
            (view, failures) = delivery.finish()?;
            if !failures.iter().any(|failure| failure.subject == pair.subject) {
                retry::settle(&mut view, &pair);
            }
            for failure in &failures {
                self.next_retry = earlier(self.next_retry, retry::note(&mut view, failure, now)?);
            }
        }
        Ok(view)
    }

    /// Waits until the database can be opened again. Feeds go on meanwhile, from what is in memory.
    fn heal(&mut self, failure: &StoreError, generation: u64, stop: &AtomicBool) {
        tracing::error!(cause = %failure, "ingest pauses: the database failed");
        metrics::counter!("atrarium_store_failures_total").increment(1);
        self.store.note_failure();
        drop(self.committer.settle());
        self.registry.forget_all();
        // The batch that was lost may have been the one.
        self.out_of_line = true;
        let mut pause = HEAL_PAUSE;
        loop {
            // The end of the program wakes who waits, and so does a write that succeeds.
            let seen = self.queue.appended();
            if stop.load(Ordering::Acquire) {
                break;
            }
            self.queue.wait(seen, pause);
            match self.store.heal(generation).and_then(|()| self.committer.recover()).and_then(|()| self.probe()) {
                Ok(()) => {
                    tracing::info!("ingest goes on: the database takes writes again");
                    break;
                }
                Err(cause) => {
                    self.store.note_failure();
                    tracing::error!(%cause, "the database still fails");
                }
            }
            pause = (pause * 2).min(HEAL_PAUSE_MAX);
        }
        self.next_retry = Some(i64::MIN);
    }

    /// Whether the database takes a write; if not, it is opened again so that it can be read at least.
    fn probe(&self) -> Result<(), StoreError> {
        let generation = self.store.generation();
        let mut layer = crate::store::Layer::default();
        layer.set(Table::Meta, b"probe".to_vec(), Some(vec![0; 64 << 10]));
        self.store.commit(&layer).inspect_err(|_| {
            if let Err(cause) = self.store.heal(generation) {
                tracing::debug!(%cause, "opening the database again failed");
            }
        })
    }
}

fn note_outcomes(outcomes: &[[u64; Outcome::LABELS.len()]; Body::KINDS.len()]) {
    for (kind, counts) in Body::KINDS.into_iter().zip(outcomes) {
        for (outcome, count) in Outcome::LABELS.into_iter().zip(counts).filter(|(_, count)| **count > 0) {
            metrics::counter!("atrarium_events_total", "kind" => kind, "outcome" => outcome).increment(*count);
        }
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn alarm_of(key: &[u8]) -> Option<(i64, CommunityId)> {
    let (time, id) = key.split_first_chunk::<8>()?;
    Some((time_of(*time), CommunityId::from_be_bytes(id.try_into().ok()?)))
}

/// Takes the alarms that have come from the table and puts them on the agenda.
fn ring(view: &mut View, agenda: &mut Agenda, now: i64) -> Result<usize, StoreError> {
    let mut ringing = Vec::new();
    for (key, _) in view.range(Table::Alarms, &Span::all(), false, ALARMS_AT_ONCE)? {
        match alarm_of(&key) {
            Some((at, community)) if at <= now => ringing.push(community),
            _ => break,
        }
    }
    for community in &ringing {
        crate::community::directory::set_alarm(view, *community, None)?;
        agenda.add(*community, Subject::Alarm);
    }
    Ok(ringing.len())
}
