//! `/metrics`: the numbers that tell an operator early what readers would feel late. All tests of this process share them, so the tests
//! below look at what only their own communities, or their own listener, can have made.

use std::collections::BTreeMap;

use atrarium::clock::Clock;
use atrarium::telemetry::names::{ALL, Kind};
use atrarium_tests::network::did;
use atrarium_tests::process::Launch;
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::uploads::{activate, component, upload};
use atrarium_tests::world::{NOW, posts_of};
use atrarium_tests::{Network, World, http};

/// The values, by name and labels.
async fn numbers(admin: std::net::SocketAddr) -> BTreeMap<String, f64> {
    let answer = http::get(admin, "/metrics").await.expect("the admin listener answers");
    assert_eq!(answer.status, 200);
    let lines = answer.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.rsplit_once(' ').unwrap_or_else(|| panic!("no number: {line}")))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {name} {value}"))))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_up_is_what_is_so_now() {
    let mut world = World::new().await;
    let (main, other) = (world.open(&did("owner"), "main", TAG), world.open(&did("owner"), "other", OTHER_TAG));
    for n in 0..5 {
        world.post(&did("owner"), &format!("p{n}"), TAG, NOW - 30_000);
    }
    world.settled().await;
    // What a process's registry remembers of other tests is no one community's.
    let uploads = world.app().uploads.clone();
    upload(&uploads, &main, component(env!("OUT_DIR"), "backwards")).await.expect("there is room");
    activate(&uploads, &main, Some(1)).await.expect("it is ready");
    assert_eq!(posts_of(&world.page(&main, 5, None).await.json()).len(), 5);
    let found = numbers(world.admin).await;
    let of = |name: String| found.get(&name).copied();
    for community in [&main, &other] {
        let load = of(format!("atrarium_community_load{{community=\"{community}\",work=\"object\"}}"));
        assert!(load.is_some_and(|load| load > 0.0), "{community}: {found:?}");
    }
    assert!(of(format!("atrarium_community_load{{community=\"{main}\",work=\"pages\"}}")).is_some_and(|load| load > 0.0));
    assert!(of(format!("atrarium_community_fuel{{community=\"{main}\"}}")).is_some_and(|fuel| fuel > 0.0), "{found:?}");
    assert_eq!(of(format!("atrarium_community_fuel{{community=\"{other}\"}}")), None, "it has no mix of its own");
    assert_eq!(of("atrarium_community_fuel{community=\"others\"}".to_owned()), Some(0.0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_tells_its_own_numbers_and_they_move() {
    let mut world = World::new().await;
    let directory = world.directory.with_file_name("alone");
    let mut process = Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints: None, flags: &[], port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    // Its clock is the machine's, by which the network of other tests is far behind or far ahead.
    let now = Clock::system().now_ms();
    world.network = Network::starting_at(now - 10_000);
    let community = world.open(&did("owner"), "main", TAG);
    for n in 0..3 {
        world.post(&did("owner"), &format!("p{n}"), TAG, now - 30_000);
    }
    let feed = atrarium_tests::world::feed_of(&community);
    let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}");
    while http::get(process.address, &path).await.map_or(0, |answer| posts_of(&answer.json()).len()) < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let found = numbers(process.admin).await;
    let of = |name: &str| found.get(name).copied().unwrap_or_else(|| panic!("{name} is missing: {found:?}"));
    assert_eq!((of("atrarium_communities"), of("atrarium_objects_awake"), of("atrarium_objects_asleep")), (1.0, 1.0, 0.0));
    assert_eq!((of("atrarium_queue_depth"), of("atrarium_queue_age_seconds"), of("atrarium_dead_letters")), (0.0, 0.0, 0.0));
    assert!(of("atrarium_wakes_total") >= 1.0);
    assert_eq!((of("atrarium_ready"), of("atrarium_jetstream_connected")), (1.0, 1.0));
    assert!(of("atrarium_jetstream_bytes_total") >= 4.0 * 100.0, "a config and three posts, of some hundred bytes each");
    assert!(of("atrarium_events_total{kind=\"post\",outcome=\"applied\"}") >= 3.0);
    assert_eq!(of("atrarium_events_total{kind=\"community\",outcome=\"applied\"}"), 1.0);
    assert!(of("atrarium_batch_events_count") >= 1.0 && of("atrarium_commit_seconds_count") >= 1.0 && of("atrarium_batch_events_sum") >= 4.0);
    assert!(of("atrarium_http_requests_total{route=\"skeleton\",status=\"200\"}") >= 1.0);
    assert!(of("atrarium_http_requests_total{route=\"health\",status=\"200\"}") >= 1.0);
    assert!(of("atrarium_skeleton_seconds_bucket{le=\"+Inf\"}") >= 1.0);
    assert!(of("process_resident_memory_bytes") > 1e6 && of("process_open_fds") > 5.0 && of("process_max_fds") > 100.0);
    assert!(of("atrarium_disk_free_bytes") > 0.0 && of("atrarium_file_bytes{file=\"index.redb\"}") > 0.0);
    let info = format!("atrarium_info{{version=\"{}\",commit=\"development\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(of(&info), 1.0);

    // An alert waits for what grows, and what begins with 1 hasn't grown.
    for metric in ALL {
        for label in metric.from_nought {
            let series = label.map_or_else(|| metric.name.to_owned(), |(label, value)| format!("{}{{{label}=\"{value}\"}}", metric.name));
            assert!(found.contains_key(&series), "{series} isn't told before it happens");
        }
    }

    // The firehose falls silent: nothing is counted any more, and what tells of it grows all the same.
    let growing = ["atrarium_jetstream_lag_seconds", "atrarium_jetstream_silence_seconds"];
    let before = growing.map(of);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let found = numbers(process.admin).await;
    for (name, before) in growing.into_iter().zip(before) {
        let after = found[name];
        assert!(after >= before + 1.0, "{name}: {before} and then {after}");
    }

    // Whatever a number is, its help says.
    let text = http::get(process.admin, "/metrics").await.expect("the admin listener answers").body;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE atrarium_")) {
        let (name, kind) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        let name = format!("atrarium_{name}");
        let metric = ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is not described"));
        let expected = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert_eq!(kind, expected, "{name}");
        assert!(text.contains(&format!("# HELP {name} {}\n", metric.help)), "{name} has no help");
    }
    process.kill().await;
    world.stop().await;
}
