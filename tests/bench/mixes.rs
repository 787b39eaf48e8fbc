//! Mixes that owners have uploaded: what a call takes, what activating one takes, how long a start with many takes; and what honest
//! feeds feel of hostile ones.

use std::path::Path;
use std::time::{Duration, Instant};

use atrarium::demo::server::Server;
use atrarium::sandbox::mix::{Request, SourceKind};
use atrarium::sandbox::strangers::{Allowance, Strangers, trial};
use atrarium::uploads::Uploads;
use atrarium::uploads::journal::Kind;
use atrarium_tests::mixes::{When, with_code};
use atrarium_tests::network::{CONFIG, POST, did, uri};
use atrarium_tests::uploads::{activate, component, upload};
use atrarium_tests::{http, records};
use tokio::net::TcpListener;

use crate::program::{Place, Program, author, letters, quantile};
use crate::table::Table;

const CALLS: usize = 500;

/// One call with 600 posts, its fresh instance with it.
pub(crate) fn calls(table: &mut Table) {
    let strangers = Strangers::new().expect("the engine starts");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/examples");
    let rust = component(env!("OUT_DIR"), "quiet-voices");
    let mut mixes = vec![("Rust", rust, Some(300.0))];
    for (language, name, must) in [("JavaScript (QuickJS)", "welcome", Some(2_000.0)), ("Python", "tongues", None)] {
        match std::fs::read(examples.join(name).with_extension("wasm")) {
            Ok(bytes) => mixes.push((language, bytes, must)),
            Err(cause) => crate::table::say(&format!("  no mix in {language}: {cause}; `make examples` builds it")),
        }
    }
    let sources = [(SourceKind::Own, 70, 200), (SourceKind::Parent, 20, 200), (SourceKind::Global, 10, 200)];
    let request = Request::new(trial::block(&sources, 0));
    for (language, bytes, must) in mixes {
        let guest = strangers.build(&bytes).expect("an example can be built");
        let mut times = Vec::with_capacity(CALLS);
        for call in 0..CALLS + 50 {
            let run = guest.run(&request, None, &Allowance::default());
            run.outcome.expect("an example answers");
            if call >= 50 {
                times.push(run.took.as_secs_f64() * 1e6);
            }
        }
        table.cost(format!("a call of a mix in {language}, 600 posts, p50"), quantile(&mut times, 0.5), "µs", must, None);
        table.cost("  p99", quantile(&mut times, 0.99), "µs", None, None);
    }
}

/// Communities of either kind.
const EACH: usize = 30;

/// 30 hostile mixes beside 30 honest ones, all of them read.
pub(crate) async fn neighbours(table: &mut Table) {
    let mut place = Place::new(EACH * 2, 2);
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let program = Program::start(&server.endpoint(), &["--communities-total", "1000"]).await;
    for event in place.founding().into_iter().chain(place.posts(EACH * 2 * 60)) {
        server.publish(event);
    }
    // Half of the hostile ones compute for ever, and are switched off some time; the others compute nearly as much as they may, and answer.
    for community in EACH..EACH * 2 {
        let record = records::post(&format!("#atrarium_{community:08x}"), atrarium::clock::Clock::system().now_ms() - 1_000);
        let does = if community % 2 == 0 { "loop-1" } else { "idle-1" };
        server.publish(place.network.create(&author(community, 0), POST, does, record));
    }
    program.until(|app| app.feeds.describe().is_ok_and(|feeds| feeds.len() == EACH * 2) && app.queue.depth() == 0).await;
    let uploads = program.app.uploads.clone();
    for community in 0..EACH * 2 {
        let bytes = component(env!("OUT_DIR"), if community < EACH { "backwards" } else { "feed-mix" });
        let version = upload(&uploads, &Place::community(community), bytes).await.expect("there is room");
        assert_eq!(version.number, 1);
    }
    let mix = async |communities: std::ops::Range<usize>, number| {
        for community in communities {
            activate(&uploads, &Place::community(community), number).await.expect("it is ready");
        }
    };
    // Both kinds are asked for alike all the time; as long as it is quiet, the default mix makes the hostile ones' feeds. What the machine
    // does by itself comes and goes, so it is quiet before and after.
    let both = async |seconds| tokio::join!(pages(program.address, 0, seconds), pages(program.address, EACH, seconds));
    mix(0..EACH, Some(1)).await;
    let (mut quiet, _) = both(10).await;
    mix(EACH..EACH * 2, Some(1)).await;
    let (beside, hostile) = both(20).await;
    // Those that compute as much as they may were asked to the end, or this would measure nothing.
    for community in (EACH..EACH * 2).filter(|community| community % 2 == 1) {
        let lines = uploads.journal(&Place::community(community));
        let switched_off = lines.iter().any(|line| line.kind == Kind::SwitchedOff);
        assert!(!switched_off && !lines.iter().any(|line| line.text.contains("fuel")), "community {community}: {lines:?}");
    }
    mix(EACH..EACH * 2, None).await;
    quiet.extend(both(10).await.0);
    drop(uploads);
    program.end().await;
    let [(quiet_p50, quiet_p99), (p50, p99), (hostile_p50, hostile_p99)] =
        [quiet, beside, hostile].map(|mut times| (quantile(&mut times, 0.5), quantile(&mut times, 0.99)));
    table.cost("honest uploaded feeds, 200/s, beside 200/s of the default mix, p50", quiet_p50, "ms", None, None);
    table.cost("  p99", quiet_p99, "ms", None, None);
    table.cost("  beside 30 hostile mixes instead, p50", p50, "ms", None, None);
    table.cost("  p99", p99, "ms", Some(quiet_p99 * 2.0), None);
    table.cost("  a hostile feed meanwhile, p50", hostile_p50, "ms", None, None);
    table.cost("  p99", hostile_p99, "ms", None, None);
}

/// Pages of [`EACH`] feeds from this one on, 200 a second for so many seconds: how long each took, in milliseconds.
async fn pages(address: std::net::SocketAddr, first: usize, seconds: usize) -> Vec<f64> {
    let began = Instant::now();
    let mut reading = Vec::new();
    for number in 0..seconds * 200 {
        tokio::time::sleep_until((began + Duration::from_millis(5) * u32::try_from(number).unwrap_or(u32::MAX)).into()).await;
        reading.push(tokio::spawn(async move {
            let asked = Instant::now();
            page(address, first + number % EACH, number / EACH % 100 + 1).await;
            asked.elapsed().as_secs_f64() * 1e3
        }));
    }
    let mut times = Vec::with_capacity(reading.len());
    for read in reading {
        times.push(read.await.expect("a reader"));
    }
    times
}

async fn page(address: std::net::SocketAddr, community: usize, limit: usize) {
    let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}&limit={limit}", Place::feed(community));
    let answer = http::get(address, &path).await.expect("the program answers");
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Versions that there are when the program starts.
const VERSIONS: usize = 1_000;

/// Starting with many versions, and activating one of them.
pub(crate) async fn start(table: &mut Table) {
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let program = Program::start(&server.endpoint(), &[]).await;
    let uploads = program.app.uploads.clone();
    // Each is a component of its own, with its own compiled code.
    for number in 0..VERSIONS {
        let community = uri(&did(&format!("owner{}", letters(number / 10))), CONFIG, &format!("c{}", number % 10));
        let code = format!("(func $misdeed (type $mix) (call $nothing)) (func (result i32) (i32.const {number}))");
        let version = upload(&uploads, &community, with_code(&code, false, "", When::Always)).await.expect("there is room");
        activate(&uploads, &community, Some(version.number)).await.expect("it is ready");
    }
    drop(uploads);
    let program = program.restarted(&server.endpoint()).await;
    table.cost(format!("a start with {VERSIONS} active versions"), program.started.as_secs_f64() * 1e3, "ms", Some(3_000.0), None);
    let uploads = program.app.uploads.clone();
    table.cost("activating a version that is compiled, first", activation(&uploads, 0).await, "ms", Some(50.0), None);
    let mut times = Vec::new();
    for number in 1..50 {
        times.push(activation(&uploads, number).await);
    }
    table.cost("  p50 of the next", quantile(&mut times, 0.5), "ms", None, None);
    program.end().await;
}

async fn activation(uploads: &Uploads, number: usize) -> f64 {
    let community = uri(&did(&format!("owner{}", letters(number / 10))), CONFIG, &format!("c{}", number % 10));
    let began = Instant::now();
    activate(uploads, &community, Some(1)).await.expect("it is ready");
    began.elapsed().as_secs_f64() * 1e3
}
