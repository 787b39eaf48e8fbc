//! A disk that fails: ingest pauses, feeds go on from memory, and when the disk is well again nothing has been lost and nothing given
//! up. The faults lie between redb and its file.

use std::path::Path;
use std::slice::from_ref;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use atrarium::store::Table;
use atrarium::store::db::Backend;
use atrarium_tests::network::{POST, did};
use atrarium_tests::process::Launch;
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{TAG, refusal, refusal_on};
use atrarium_tests::world::NOW;
use atrarium_tests::{World, WorldOptions, http};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redb::StorageBackend;
use redb::backends::FileBackend;
use serde_json::json;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    Read,
    Write,
    Sync,
    /// Making the file longer.
    Grow,
}

/// A call that fails, with the number of the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    call: Call,
    error: i32,
    /// On this thread alone.
    thread: Option<&'static str>,
}

pub(crate) const fn fault(call: Call, error: i32) -> Fault {
    Fault { call, error, thread: None }
}

/// What is wrong with a disk now, and how often that was noticed.
#[derive(Debug)]
pub(crate) struct Disk {
    state: Mutex<(Vec<Fault>, u32)>,
}

impl Disk {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new((Vec::new(), 0)) }
    }

    pub(crate) fn fail(&self, faults: &[Fault]) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (faults.to_vec(), 0);
    }

    pub(crate) fn mend(&self) {
        self.fail(&[]);
    }

    pub(crate) fn failures(&self) -> u32 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn ask(&self, call: Call) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = std::thread::current();
        match state.0.iter().find(|fault| fault.call == call && fault.thread.is_none_or(|name| thread.name() == Some(name))) {
            Some(fault) => {
                let error = fault.error;
                state.1 += 1;
                Err(std::io::Error::from_raw_os_error(error))
            }
            None => Ok(()),
        }
    }
}

/// One for each test that runs, since a backend is made by a plain function.
static DISKS: [Disk; 13] = [const { Disk::new() }; 13];

fn backend<const N: usize>() -> Backend {
    Box::new(|path| Ok(Box::new(Faulty::open(path, &DISKS[N])?)))
}

#[derive(Debug)]
pub(crate) struct Faulty {
    file: FileBackend,
    disk: &'static Disk,
}

impl Faulty {
    pub(crate) fn open(path: &Path, disk: &'static Disk) -> std::io::Result<Self> {
        disk.ask(Call::Open)?;
        let file = std::fs::File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file: FileBackend::new(file).map_err(std::io::Error::other)?, disk })
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.disk.ask(Call::Read)?;
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        if len > self.file.len()? {
            self.disk.ask(Call::Grow)?;
        }
        self.file.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.disk.ask(Call::Sync)?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.disk.ask(Call::Write)?;
        self.file.write(offset, data)
    }
}

/// A world on such a disk, with a community and a post in it, of which a page has been served.
async fn world_on<const N: usize>() -> (World, String, String) {
    let mut world = World::with(WorldOptions { backend: Some(backend::<N>), ..WorldOptions::default() }).await;
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    assert_eq!(world.feed(&community).await, from_ref(&post));
    (world, community, post)
}

/// Whether the program knows that it can't write.
fn failing(world: &World) -> bool {
    world.app().store.is_failing()
}

/// What must hold while the disk fails: the page that was served before is served still, others are refused at once, and
/// the operator is told.
async fn assert_that_feeds_go_on(world: &World, community: &str, served: &[String], faults: &[Fault]) {
    let began = Instant::now();
    assert_eq!(world.feed(community).await, served, "{faults:?}");
    let never_served = world.page(community, 17, None).await;
    assert!(matches!((never_served.status, never_served.error().as_str()), (200, _) | (503, "ServiceUnavailable")), "{faults:?}: {never_served:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "{faults:?}: {:?}", began.elapsed());
    assert_eq!(http::get(world.admin, "/live").await.expect("the admin listener answers").status, 200);
}

/// `/ready` tells operators why it isn't.
async fn assert_that_operators_are_told(world: &World) {
    loop {
        // Between two attempts the program may think for a moment that all is well.
        let ready = http::get(world.admin, "/ready").await.expect("the admin listener answers");
        if ready.status == 503 {
            return assert!(ready.body.contains("the database fails: ingest is paused"), "{ready:?}");
        }
    }
}

/// While the disk fails like this, nothing is lost, and afterwards all is as if it had not.
async fn check<const N: usize>(faults: Vec<Fault>) {
    let (mut world, community, first) = world_on::<N>().await;
    DISKS[N].fail(&faults);
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.until("the failure is noticed", failing).await;
    assert_that_feeds_go_on(&world, &community, from_ref(&first), &faults).await;
    // What comes meanwhile waits, and a deletion among it.
    let third = world.post(&did("owner"), "p3", TAG, NOW - 10_000);
    world.delete(&did("owner"), POST, "p1");
    world.until("the disk was tried again", |_| DISKS[N].failures() >= 3).await;
    assert_that_operators_are_told(&world).await;
    assert_that_feeds_go_on(&world, &community, from_ref(&first), &faults).await;

    DISKS[N].mend();
    world.until("ingest goes on", |world| !failing(world)).await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [third, second], "{faults:?}");
    assert_eq!((world.dead_letters(), world.failures()), (vec![], vec![]), "{faults:?}: a failing disk is nobody's fault");
    let ready = http::get(world.admin, "/ready").await.expect("the admin listener answers");
    assert_eq!(ready.status, 200, "{faults:?}: {ready:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_disk_refuses_ingest_pauses_feeds_go_on_and_nothing_is_lost() {
    tokio::join!(
        check::<0>(vec![fault(Call::Write, ENOSPC)]),
        check::<1>(vec![fault(Call::Sync, EIO)]),
        check::<2>(vec![fault(Call::Read, EIO), fault(Call::Write, EIO), fault(Call::Sync, EIO), fault(Call::Open, EIO)]),
    );
}

/// The two threads that write fail one without the other: whichever it is, it must not be taken for health that the other one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_only_one_writer_meets_is_healed_too() {
    tokio::join!(
        check::<3>(vec![Fault { call: Call::Write, error: EIO, thread: Some("committer") }]),
        check::<4>(vec![Fault { call: Call::Sync, error: EIO, thread: Some("writer") }]),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failed_write_is_healed_without_anyone_noticing() {
    let (mut world, community, first) = world_on::<5>().await;
    DISKS[5].fail(&[fault(Call::Sync, EIO)]);
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    world.until("the disk has failed once", |_| DISKS[5].failures() >= 1).await;
    DISKS[5].mend();
    world.settled().await;
    assert_eq!(world.feed(&community).await, [second, first]);
    assert!(!failing(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_out() {
    let (mut world, community, first) = world_on::<6>().await;
    let labels = json!({ "values": vec![json!({ "val": "l".repeat(128) }); 10] });
    DISKS[6].fail(&[fault(Call::Grow, ENOSPC)]);
    let mut posts = vec![first];
    for n in 0..2_000 {
        let record = with(records::post(&format!("{TAG} {}", "x".repeat(280)), NOW - 20_000 + n), json!({ "labels": labels }));
        posts.insert(0, world.create(&did("owner"), POST, &format!("big{n}"), record));
    }
    world.until("the disk is full", |_| DISKS[6].failures() >= 1).await;
    world.until("the failure is noticed", failing).await;
    assert_eq!(world.page(&community, 100, None).await.status, 200);
    DISKS[6].mend();
    world.settled().await;
    // A member's newest 1,000 count.
    assert_eq!(world.feed(&community).await, posts[..1_000]);
    assert_eq!((world.dead_letters(), world.failures()), (vec![], vec![]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_whose_disk_fails_ends_within_ten_seconds_and_goes_on_where_it_was() {
    let (mut world, community, first) = world_on::<7>().await;
    DISKS[7].fail(&[fault(Call::Write, EIO)]);
    let second = world.post(&did("owner"), "p2", TAG, NOW - 20_000);
    // The pauses between the attempts have grown by then.
    world.until("the disk has been tried for a while", |world| failing(world) && DISKS[7].failures() >= 7).await;
    let began = Instant::now();
    world.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    DISKS[7].mend();
    world.start_again().await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [second, first]);
    world.stop().await;
}

/// The batch that would have closed the community is lost with the disk, and nothing else comes that would.
#[tokio::test(flavor = "multi_thread")]
async fn rules_that_change_while_the_disk_fails_count_when_it_is_well_again() {
    let (mut world, community, first) = world_on::<12>().await;
    DISKS[12].fail(&[fault(Call::Sync, EIO)]);
    let denied = ["--deny-owner".to_owned(), did("owner")];
    world.app().live.apply(&atrarium_tests::world::config(&world.directory, "ws://127.0.0.1:9/subscribe", &denied));
    world.until("the failure is noticed", failing).await;
    DISKS[12].mend();
    world.until("ingest goes on", |world| !failing(world)).await;
    world.until("the community is closed", |world| world.rows(Table::Communities) == 0).await;
    world.app().live.apply(&atrarium_tests::world::config(&world.directory, "ws://127.0.0.1:9/subscribe", &[]));
    world.until("it is open again", |world| world.rows(Table::Communities) == 1).await;
    assert_eq!(world.feed(&community).await, [first]);
    world.stop().await;
}

/// Everything between the socket and the disk is full then, and whoever waits for room must not keep the program from ending.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_before_a_failing_disk_does_not_keep_the_program_from_ending() {
    const EVENTS: u64 = 40_000;
    let (mut world, community, first) = world_on::<11>().await;
    DISKS[11].fail(&[fault(Call::Write, EIO)]);
    for n in 0..EVENTS {
        world.delete(&did("owner"), POST, &format!("never-{}", n % 1_000));
    }
    let (mut passed, mut since) = (0, Instant::now());
    let reading_stopped = |world: &World| {
        let now = world.app().health.passed.load(Relaxed);
        if now != passed {
            (passed, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_millis(500)
    };
    world.until("reading has stopped", reading_stopped).await;
    assert!(world.app().health.passed.load(Relaxed) < EVENTS, "all of it found room: the test needs more events");
    let began = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(20), world.stop()).await;
    assert!(ended.is_ok() && began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    DISKS[11].mend();
    world.start_again().await;
    world.settled().await;
    assert_eq!(world.feed(&community).await, [first]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_at_the_start_is_told_in_one_sentence() {
    async fn check<const N: usize>(faults: &[Fault], says: &str) {
        DISKS[N].fail(faults);
        let sentence = refusal(&[], Some(backend::<N>())).await;
        assert!(sentence.contains("index.redb") && sentence.contains(says) && !sentence.contains('\n'), "{faults:?}: {sentence}");
        DISKS[N].mend();
    }
    check::<8>(&[fault(Call::Open, EIO)], "Input/output error").await;
    check::<8>(&[fault(Call::Write, ENOSPC)], "No space left on device").await;
    check::<8>(&[fault(Call::Sync, EIO)], "Input/output error").await;
    check::<8>(&[fault(Call::Grow, ENOSPC)], "No space left on device").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_at_a_restart_loses_nothing() {
    let (mut world, community, first) = world_on::<9>().await;
    let rows = world.rows(Table::Records);
    world.stop().await;
    for faults in [[fault(Call::Read, EIO)], [fault(Call::Write, EIO)], [fault(Call::Sync, EIO)]] {
        DISKS[9].fail(&faults);
        let sentence = refusal_on(&world.directory, &[], Some(backend::<9>())).await;
        assert!(sentence.contains("Input/output error") && !sentence.contains('\n'), "{faults:?}: {sentence}");
        DISKS[9].mend();
    }
    world.start_again().await;
    world.settled().await;
    assert_eq!((world.rows(Table::Records), world.feed(&community).await), (rows, vec![first]));
    world.stop().await;
}

/// Each of the program's threads holds the database; whoever ends it may start the next one at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_free_when_the_program_has_ended() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    let mut posts = Vec::new();
    for n in 0..12 {
        posts.insert(0, world.post(&did("owner"), &format!("p{n:02}"), TAG, NOW - 30_000 + n));
        world.stop().await;
        world.start_again().await;
    }
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts);
    world.stop().await;
}

/// redb panics where a page isn't what it must be. Whatever is damaged, the program runs, or says in one sentence that it doesn't.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_refused_in_a_sentence_that_says_what_to_do() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "main", TAG);
    for n in 0..400 {
        world.post(&did("owner"), &format!("p{n}"), TAG, NOW - 30_000 + n);
    }
    world.settled().await;
    assert_eq!(world.feed(&community).await.len(), 400);
    world.stop().await;
    let whole = std::fs::read(world.directory.join("index.redb")).expect("the index is a file");
    let mut refused = 0;
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bytes = whole.clone();
        for _ in 0..200 {
            let at = random.random_range(4_096..bytes.len());
            bytes[at] = random.random();
        }
        let directory = world.directory.with_file_name(format!("damaged-{seed}"));
        std::fs::create_dir(&directory).expect("the test may write beside its data");
        std::fs::write(directory.join("index.redb"), bytes).expect("the test may write there");
        let mut process = Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints: None, flags: &[], port: None }.start();
        if process.ready().await {
            process.kill().await;
            continue;
        }
        refused += 1;
        let (status, log) = (process.ended().await, process.log());
        assert_eq!(status.code(), Some(1), "seed {seed}: {log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(last.starts_with("atrarium: ") && last.contains("index.redb") && last.contains("a new one is filled"), "seed {seed}: {log}");
    }
    assert!(refused > 3, "{refused} of 12 were refused");
}
