//! What the dashboard's API costs: readers beside ingest, and people who are signed in.

use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium::demo::server::Server;
use atrarium::session::Credentials;
use atrarium_tests::http::encode;
use atrarium_tests::network::{ACTION, POST, did, uri};
use atrarium_tests::plc::NOBODY;
use atrarium_tests::records;
use tokio::net::{TcpListener, TcpStream};

use crate::children::{Process, read_answer, read_any, write_request};
use crate::program::{Place, Program, author, owner, quantile, resident_bytes};
use crate::table::{Table, say};

const COMMUNITIES: usize = 20;
const MEMBERS: usize = 50;
const POSTS: usize = 300;
const ACTIONS: usize = 100;

/// So that no limit is measured.
const FLAGS: [&str; 2] = ["--api-requests-per-hour", "10000000"];

const READS_A_SECOND: usize = 500;
const SECONDS: usize = 10;
const SESSIONS: usize = 1_000;

/// The program, with communities in it and somebody who is signed in.
async fn place(server: &Server) -> (Program, Place, String) {
    let mut place = Place::new(COMMUNITIES, MEMBERS);
    let program = Program::start(&server.endpoint(), &FLAGS).await;
    for event in place.founding().into_iter().chain(place.posts(COMMUNITIES * POSTS)) {
        server.publish(event);
    }
    let now = Clock::system().now_ms();
    for community in 0..COMMUNITIES {
        for action in 0..ACTIONS {
            let target = uri(&author(community, action % MEMBERS), POST, &format!("p{}", action * COMMUNITIES + community));
            let kind = if action % 2 == 0 { "hide_post" } else { "unhide_post" };
            let record = records::action(kind, &target, &Place::community(community), now - 60_000);
            let event = place.network.create(&owner(community), ACTION, &format!("a{action}"), record);
            server.publish(event);
        }
    }
    let marker = place.network.marker();
    let time_us = place.network.time_us();
    server.publish(marker);
    program
        .until(|app| {
            let cursor: Option<atrarium::jetstream::Cursor> = app.queue.cursor().ok().flatten();
            app.queue.depth() == 0 && cursor.is_some_and(|cursor| cursor.time_us >= time_us)
        })
        .await;
    let token = session(&program, &owner(0));
    (program, place, token)
}

/// A session of the person with this number.
fn session_of(program: &Program, person: usize) -> String {
    session(program, &did(&format!("p{}", crate::program::letters(person))))
}

fn session(program: &Program, did: &str) -> String {
    // As long as a PDS makes them.
    let credentials = Credentials::Password { pds: NOBODY.to_owned(), access: "a".repeat(350), refresh: "r".repeat(350) };
    program
        .app
        .sessions
        .begin(did, Some("person.example.com"), &credentials, Some("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"))
        .expect("a session")
        .access
}

/// Read endpoints, each as often as the others, beside a thousand posts a second.
pub(crate) async fn reads(table: &mut Table) {
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let (program, mut place, token) = place(&server).await;
    let id = |community: usize| {
        let listed = format!("main~{}", hash(&Place::community(community)));
        encode(&listed)
    };
    let id_of_own = id(0);
    let mut paths = Vec::new();
    for community in 0..COMMUNITIES {
        let id = id(community);
        let post = encode(&uri(&author(community, 3), POST, &format!("p{}", 3 * COMMUNITIES + community)));
        paths.extend([
            "/api/communities".to_owned(),
            format!("/api/communities/{id}"),
            format!("/api/communities/{id}/posts"),
            format!("/api/communities/{id}/members"),
            format!("/api/moderation/actions?community={id}"),
            format!("/api/communities/{id}/explain?post={post}"),
            format!("/api/communities/{id}/stats"),
            format!("/api/communities/{id}/children"),
            "/api/communities?q=community".to_owned(),
        ]);
        // What is for its owner, of the one that the reader owns; as often as the others.
        let own = id_of_own.as_str();
        paths.extend([format!("/api/communities/{own}/posts?hidden=true"), format!("/api/communities/{own}/held")]);
    }
    let head = ["calls".to_owned(), program.address.to_string(), "16".to_owned(), SECONDS.to_string(), READS_A_SECOND.to_string(), token];
    let arguments = [head.as_slice(), &paths].concat();
    let load = tokio::task::spawn_blocking(move || Process::start(&arguments).line());
    let ingest = async {
        let began = Instant::now();
        for number in 0..(SECONDS as u32 + 1) * 1_000 {
            tokio::time::sleep_until((began + Duration::from_millis(1) * number).into()).await;
            let event = place.post(Clock::system().now_ms());
            server.publish(event);
        }
    };
    let (line, ()) = tokio::join!(load, ingest);
    let numbers: Vec<f64> = line.expect("the load ran").split(' ').map(|number| number.parse().expect("a number")).collect();
    assert_eq!(numbers[3], 0.0, "somebody was refused at 500 requests a second");
    table.rate("reads of the API at 500/s beside ingest of 1,000 posts/s", numbers[0], "requests/s", None, None);
    table.cost("  p50", numbers[1] / 1e3, "ms", None, None);
    table.cost("  p95", numbers[2] / 1e3, "ms", Some(20.0), None);
    program.end().await;
}

/// Readers of feeds, alone and beside more callers of the API than can be answered.
pub(crate) async fn overload(table: &mut Table) {
    const CALLERS: usize = 2_000;
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let (program, _place, token) = place(&server).await;
    let child = |arguments: Vec<String>| async {
        let line = tokio::task::spawn_blocking(move || Process::start(&arguments).line()).await.expect("the load ran");
        line.split(' ').map(|number| number.parse::<f64>().expect("a number")).collect::<Vec<_>>()
    };
    let address = program.address.to_string();
    let readers = || {
        let numbers = [16, SECONDS / 2, 500, COMMUNITIES, 0].map(|number| number.to_string());
        child([&["load".to_owned(), address.clone()], numbers.as_slice()].concat())
    };
    let alone = readers().await;
    let numbers = [CALLERS, SECONDS, 10_000_000].map(|number| number.to_string());
    let flood = [&["calls".to_owned(), address.clone()], numbers.as_slice(), &[token, "/api/communities".to_owned()]].concat();
    let beside = async {
        // By then all of them have come.
        tokio::time::sleep(Duration::from_secs(3)).await;
        readers().await
    };
    let (flood, beside) = tokio::join!(child(flood), beside);
    program.end().await;
    table.cost("getFeedSkeleton at 500/s alone, p99", alone[2] / 1e3, "ms", None, None);
    table.cost(format!("  beside {CALLERS} who ask the API all at once, p50"), beside[1] / 1e3, "ms", None, None);
    table.cost("  p99", beside[2] / 1e3, "ms", Some(5.0), None);
    table.rate("  answers that those get", flood[0], "requests/s", None, None);
    table.cost("  p50 of an answer", flood[1] / 1e3, "ms", None, None);
    table.rate("  refusals that those get", flood[3], "requests/s", None, None);
}

/// The eight digits of a community's long id.
fn hash(uri: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, uri.as_bytes());
    digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Asks these paths in turn on many connections. Tells answers a second, p50 and p95 of the time that one takes, in microseconds,
/// and refusals a second, because the program has no time.
pub(crate) async fn calls(address: std::net::SocketAddr, connections: usize, seconds: usize, rate: usize, token: &str, paths: &[String]) {
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let pause = Duration::from_secs_f64(connections as f64 / rate as f64);
    let mut tasks = Vec::new();
    for connection in 0..connections {
        let paths = paths.to_vec();
        let header = format!("authorization: Bearer {token}\r\n");
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the program listens");
            stream.set_nodelay(true).expect("a socket option");
            let (mut times, mut refused, mut buffer) = (Vec::new(), 0, Vec::with_capacity(64 << 10));
            let mut due = Instant::now() + pause.mul_f64(connection as f64 / connections as f64);
            for number in connection * 7.. {
                if Instant::now() >= until {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                due += pause;
                let began = Instant::now();
                write_request(&mut stream, &paths[number % paths.len()], &header).await;
                match read_any(&mut stream, &mut buffer).await {
                    (_, true) => refused += 1,
                    (_, false) => times.push(began.elapsed().as_secs_f64() * 1e6),
                }
            }
            (times, refused)
        }));
    }
    let (mut times, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let (some, without) = task.await.expect("a connection that works");
        times.extend(some);
        refused += without;
    }
    let a_second = |count: usize| count as f64 / seconds as f64;
    say(&format!("{} {} {} {}", a_second(times.len()), quantile(&mut times, 0.5), quantile(&mut times, 0.95), a_second(refused)));
}

pub(crate) fn memory(table: &mut Table) {
    let bytes: f64 = Process::start(&["sessions".to_owned()]).line().parse().expect("a number");
    table.cost("memory of 1,000 people who are signed in and have each asked once", bytes / f64::from(1 << 20), "MiB", Some(50.0), None);
}

/// The program by how much it grows when so many people sign in and ask. Tells it in bytes.
pub(crate) async fn sessions() {
    // Without communities: what ingest has let go of would be taken again, and hide what sessions need.
    let program = Program::start("ws://127.0.0.1:9/subscribe", &FLAGS).await;
    let first = session_of(&program, 0);
    let mut stream = TcpStream::connect(program.address).await.expect("the program listens");
    let mut buffer = Vec::new();
    // What the first requests make is nobody's session's.
    for _ in 0..200 {
        write_request(&mut stream, "/api/communities", &format!("authorization: Bearer {first}\r\n")).await;
        read_answer(&mut stream, &mut buffer).await;
    }
    let before = resident_bytes();
    let tokens: Vec<String> = (1..=SESSIONS).map(|person| session_of(&program, person)).collect();
    for token in &tokens {
        for path in ["/api/auth/me", "/api/communities"] {
            write_request(&mut stream, path, &format!("authorization: Bearer {token}\r\n")).await;
            read_answer(&mut stream, &mut buffer).await;
        }
    }
    say(&(resident_bytes() - before).max(0.0).to_string());
}
