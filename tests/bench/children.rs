//! What runs in processes of its own: the firehose, the load, and the program whose memory is measured.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use atrarium::demo::script::{Action, prebuild_frames};
use atrarium::demo::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::program::{Place, Program, quantile, resident_bytes};
use crate::table::say;

pub(crate) const CAPTURED: &str = include_str!("../../host/data/captured-events.jsonl");

/// A process of ours that tells its address, or its results, line by line.
pub(crate) struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Process {
    pub(crate) fn start(arguments: &[String]) -> Self {
        let program = std::env::current_exe().expect("this very program");
        let mut child = Command::new(program).arg("child").args(arguments).stdout(Stdio::piped()).spawn().expect("a process of our own");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines }
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("the process tells more").expect("its lines are text")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn run(runtime: &tokio::runtime::Runtime, arguments: &[String]) {
    let number = |index: usize| arguments.get(index).and_then(|argument| argument.parse::<usize>().ok()).unwrap_or(0);
    match arguments.first().map(String::as_str) {
        Some("traffic") => runtime.block_on(traffic(number(1))),
        Some("posts") => runtime.block_on(posts(number(1), number(2), number(3))),
        Some("load") => {
            let address = arguments[1].parse().expect("an address");
            alone().block_on(load_feeds(address, number(2), number(3), number(4), number(5), number(6) == 1));
        }
        Some("calls") => {
            let address = arguments[1].parse().expect("an address");
            alone().block_on(crate::api::calls(address, number(2), number(3), number(4), &arguments[5], &arguments[6..]));
        }
        Some("memory") => runtime.block_on(memory(number(1))),
        Some("sessions") => runtime.block_on(crate::api::sessions()),
        Some("life") => runtime.block_on(life(&arguments[1], number(2))),
        Some("crash") => crate::objects::crash(&arguments[1]),
        other => panic!("no such child: {other:?}"),
    }
}

/// A load has one thread, so that the program has the others.
fn alone() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The captured events, so many rounds of them, as fast as they are taken.
async fn traffic(rounds: usize) {
    let lines: Vec<&str> = CAPTURED.lines().collect();
    let frames = prebuild_frames(&lines, true).expect("frames of captured events");
    serve(vec![Action::Blast(frames.into(), rounds)]).await;
}

/// A founding, then posts as fast as they are taken.
async fn posts(communities: usize, members: usize, count: usize) {
    let mut place = Place::new(communities, members);
    let mut script: Vec<Action> = place.founding().into_iter().map(Action::Send).collect();
    let frames = prebuild_frames(&place.posts(count), true).expect("frames of posts");
    script.push(Action::Sleep(Duration::from_secs(2)));
    script.push(Action::Blast(frames.into(), 1));
    serve(script).await;
}

/// The program with so many posts of the last days in its index; tells its firehose and one of its feeds, and waits to be killed.
async fn life(directory: &str, count: usize) {
    const COMMUNITIES: usize = 100;
    const DAYS_MS: i64 = 5 * 24 * 60 * 60 * 1_000;
    let mut place = Place::new(COMMUNITIES, 100);
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let program = Program::in_folder(directory.into(), &server.endpoint(), &[]).await;
    for event in place.founding() {
        server.publish(event);
    }
    program.until(|app| app.feeds.describe().is_ok_and(|feeds| feeds.len() == COMMUNITIES) && app.queue.depth() == 0).await;
    let (now, each) = (atrarium::clock::Clock::system().now_ms(), DAYS_MS / count as i64);
    for number in 0..count {
        let event = place.post(now - DAYS_MS - 60_000 + number as i64 * each);
        server.publish(event);
        // The server keeps what hasn't been read; this keeps it small.
        if number % 10_000 == 9_999 {
            program.until(|app| app.queue.depth() < 10_000 && app.health.passed.load(std::sync::atomic::Ordering::Relaxed) as usize > number).await;
        }
    }
    program.until(|app| app.queue.depth() == 0).await;
    say(&server.endpoint());
    say(&Place::feed(0));
    std::future::pending::<()>().await;
}

async fn serve(mut script: Vec<Action>) {
    script.push(Action::Silence);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::start_scripted(listener, [script]).expect("a server");
    say(&server.endpoint());
    std::future::pending::<()>().await;
}

/// Walks through feeds on many connections: the first page, then the next, then another feed. Tells requests a second and the
/// quantiles of the time that one takes, in microseconds. If `signed`, each connection is a reader with a token.
async fn load_feeds(address: SocketAddr, connections: usize, seconds: usize, rate: usize, feeds: usize, signed: bool) {
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let mut tasks = Vec::new();
    for connection in 0..connections {
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the program listens");
            stream.set_nodelay(true).expect("a socket option");
            let (mut times, mut buffer, mut cursor) = (Vec::new(), Vec::with_capacity(64 << 10), String::new());
            let (mut feed, mut page) = (connection, 0);
            let who = if signed { format!("authorization: Bearer {}\r\n", crate::tokens::token(connection as u8)) } else { String::new() };
            let pause = (rate > 0).then(|| Duration::from_secs_f64(connections as f64 / rate as f64));
            let mut due = Instant::now() + pause.unwrap_or_default().mul_f64(connection as f64 / connections as f64);
            while Instant::now() < until {
                if let Some(pause) = pause {
                    tokio::time::sleep_until(due.into()).await;
                    due += pause;
                }
                let next = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
                let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}&limit=50{next}", Place::feed(feed % feeds));
                let began = Instant::now();
                write_request(&mut stream, &path, &who).await;
                let body = read_answer(&mut stream, &mut buffer).await;
                times.push(began.elapsed().as_secs_f64() * 1e6);
                page += 1;
                cursor = body.split("\"cursor\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
                if cursor.is_empty() || page == 4 {
                    (feed, page) = (feed + 1, 0);
                    cursor.clear();
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a connection that works"));
    }
    let count = times.len() as f64 / seconds as f64;
    say(&format!("{count} {} {}", quantile(&mut times, 0.5), quantile(&mut times, 0.99)));
}

/// GETs a path on a connection that stays.
pub(crate) async fn write_request(stream: &mut TcpStream, path: &str, headers: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").as_bytes()).await.expect("the program reads");
}

/// The body of a good answer.
pub(crate) async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> String {
    let (text, is_refused) = read_any(stream, buffer).await;
    assert!(!is_refused, "this host is busy");
    text
}

/// An answer, and whether it says that the program has no time.
pub(crate) async fn read_any(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (String, bool) {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.expect("the program answers");
        assert!(read > 0, "the program closed the connection");
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let is_refused = text.starts_with("http/1.1 503");
        assert!(is_refused || text.starts_with("http/1.1 200"), "{text}");
        let length: usize =
            text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if buffer.len() >= head + 4 + length {
            return (String::from_utf8_lossy(&buffer[head + 4..]).into_owned(), is_refused);
        }
    }
}

/// The program with so many communities, each woken once. Tells its resident memory in bytes.
async fn memory(communities: usize) {
    let mut place = Place::new(communities, 0);
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.expect("a free port")).expect("a server");
    let program = Program::start(&server.endpoint(), &["--communities-total", "20000"]).await;
    for event in place.founding() {
        server.publish(event);
    }
    let feeds = || program.app.feeds.describe().map_or(0, |feeds| feeds.len());
    while feeds() < communities || program.app.queue.depth() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What the firehose of this process keeps is not the program's.
    drop(server);
    say(&resident_bytes().to_string());
}

/// What the program's own process of admission does.
pub(crate) fn admit() {
    let parsed = atrarium::cli::parse(std::env::args_os(), []);
    let Ok(atrarium::cli::Command::Admit(task)) = parsed else { panic!("no admission: {parsed:?}") };
    say(&atrarium::sandbox::strangers::confined::run(&task).expect("a verdict"));
}
