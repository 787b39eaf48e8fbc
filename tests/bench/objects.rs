//! Communities' objects: waking one, and the memory of many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atrarium::community::{Community, Loads, Registry, desk::Quota, registry::Message};
use atrarium::record::{Config, Hashtag, Shares, Stage};
use atrarium::sandbox::object::Notice;
use atrarium::sandbox::{Components, Linked, Sandbox};
use atrarium::store::{Layer, Options, Store, Table as Rows, View};

use crate::children::Process;
use crate::program::{Program, quantile, resident_bytes};
use crate::table::Table;

/// Objects that are awake at a time.
const AWAKE: usize = 1_000;

/// Wake, tell one thing: the objects and their store alone.
pub(crate) fn wake(table: &mut Table) {
    const OBJECTS: u32 = 5_000;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 64 << 20, backend: None }).expect("a new database");
    let sandbox = Sandbox::new(1_024).expect("the engine starts");
    let components = Components::load(None).expect("the embedded components");
    let linked = Linked::link(&sandbox, &components, None).expect("the embedded components");
    let mut registry = Registry::new(Arc::clone(&linked.objects), AWAKE, Duration::from_secs(600), 1 << 20, Loads::default());
    let config = Config {
        name: "Benchmark".into(),
        description: None,
        hashtag: Hashtag::parse("#atrarium_0123abcd").expect("a hashtag"),
        stage: Stage::Theme,
        parent: None,
        shares: Shares { own: 100, parent: 0, global: 0 },
        moderators: Vec::new(),
        created_at: 0,
    };
    let notices = [Notice::Config(config.clone())];
    let mut view = Box::new(View::new(store.snapshot().expect("a snapshot"), None));
    let (mut cold, mut warm, before) = (Vec::new(), Vec::new(), resident_bytes());
    for id in 1..=OBJECTS {
        let community = Community {
            uri: format!("at://did:plc:owner/net.atrarium.community.config/c{id}"),
            owner: "did:plc:owner".into(),
            rkey: format!("c{id}"),
            config: config.clone(),
        };
        for times in [&mut cold, &mut warm] {
            let began = Instant::now();
            let told = registry.tell(view, id, &community, Message::Notices(&notices, Quota::Whole), 0).expect("the store works");
            times.push(began.elapsed().as_secs_f64() * 1e6);
            told.outcome.expect("the object takes a config");
            view = told.view;
        }
    }
    table.cost("wake of a sleeping community and its first call, p50", quantile(&mut cold, 0.5), "µs", Some(100.0), Some(23.0));
    table.cost("  p99", quantile(&mut cold, 0.99), "µs", None, None);
    table.cost("call of a community that is awake, p50", quantile(&mut warm, 0.5), "µs", None, None);
    // Each is in a place in which others were before it.
    let each = (resident_bytes() - before) / AWAKE as f64 / 1_024.0;
    table.cost(format!("resident memory of each of {AWAKE} that are awake, after {OBJECTS} were"), each, "KiB", Some(100.0), None);
    // What everybody waits for when the operator has replaced the component: all that are awake go to sleep.
    let other = Linked::link(&sandbox, &components, None).expect("the embedded components");
    let began = Instant::now();
    registry.follow(&other.objects);
    table.cost(format!("a new component with {AWAKE} communities awake: their going to sleep"), began.elapsed().as_secs_f64() * 1e3, "ms", None, None);
}

pub(crate) fn memory(table: &mut Table) {
    for (communities, must) in [(1_000, None), (10_000, Some(500.0))] {
        let bytes: f64 = Process::start(&["memory".to_owned(), communities.to_string()]).line().parse().expect("a number");
        table.cost(format!("resident memory, {communities} communities, each woken once"), bytes / f64::from(1 << 20), "MiB", must, None);
    }
}

/// Opening the store after a crash, which makes redb walk through all of it.
pub(crate) fn recover(table: &mut Table) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("index.redb");
    let line = Process::start(&["crash".to_owned(), path.to_string_lossy().into_owned()]).line();
    assert_eq!(line, "written");
    let size = std::fs::metadata(&path).expect("the database").len() as f64;
    let began = Instant::now();
    let store = Store::open(Options { path, cache: 256 << 20, backend: None }).expect("a database that was left by a crash");
    table.cost("opening an index of 1,000,000 rows after a crash", began.elapsed().as_secs_f64(), "s", None, None);
    table.cost("  its size", size / f64::from(1 << 20), "MiB", None, None);
    drop(store);
}

/// The whole program's start on what another has left that was killed: a million posts in the index.
pub(crate) async fn restart(table: &mut Table) {
    const POSTS: usize = 1_000_000;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut killed = Process::start(&["life".to_owned(), directory.path().to_string_lossy().into_owned(), POSTS.to_string()]);
    let endpoint = killed.line();
    let feed = killed.line();
    drop(killed);
    let size = std::fs::metadata(directory.path().join("index.redb")).expect("the database").len() as f64;
    let began = Instant::now();
    let program = Program::on(directory, &endpoint, &[]).await;
    let started = program.started.as_secs_f64();
    let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}&limit=100");
    let page = atrarium_tests::http::get(program.address, &path).await.expect("the program listens");
    let first = began.elapsed().as_secs_f64();
    assert_eq!(page.body.matches("\"post\"").count(), 100, "{page:?}");
    program.end().await;
    table.cost("the program's start after a kill, 1,000,000 posts in the index", started, "s", Some(2.0), None);
    table.cost("  until a feed has been read", first, "s", None, None);
    table.cost("  its index", size / f64::from(1 << 20), "MiB", None, None);
}

/// Writes a million rows as they are in an index, and is then killed.
pub(crate) fn crash(path: &str) {
    let store = Store::open(Options { path: path.into(), cache: 256 << 20, backend: None }).expect("a new database");
    for commit in 0..200_u64 {
        let mut layer = Layer::default();
        for row in 0..5_000 {
            // As if by chance: neighbours in time are none in the table.
            let number = (commit * 5_000 + row).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            layer.set(Rows::Objects, format!("{number:020}at://did:plc:wq4aajammjtxdomz3e23667t/3mptbyplj5d2a").into_bytes(), Some(vec![7; 60]));
        }
        store.commit(&layer).expect("the disk takes it");
    }
    crate::table::say("written");
    loop {
        std::thread::park();
    }
}
