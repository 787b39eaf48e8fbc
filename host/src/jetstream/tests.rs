//! The receiver against a server of our own, which misbehaves in every way that servers have been seen to.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    demo::{
        script::{Action, Script, compressor, prebuild_frames},
        server::Server,
    },
    event::{Body, Operation},
};

/// 2026-07-04T14:38:08Z, some seconds after which all events here are dated.
const NOW_US: u64 = 1_783_175_888_000_000;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn server(scripts: impl IntoIterator<Item = Script>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    Server::start_scripted(listener, scripts).expect("the listener is bound")
}

fn settings(servers: &[&Server]) -> Settings {
    Settings {
        backoff: Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(4), ..Backoff::default() },
        now_us: Arc::new(|| NOW_US + 60_000_000),
        ..Settings::new(servers.iter().map(|server| server.endpoint().parse().expect("a server's own address")).collect())
    }
}

/// A receiver at work, and its consumer.
struct Rig {
    intakes: mpsc::Receiver<Intake>,
    health: Arc<Health>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Rig {
    fn start(settings: Settings) -> Self {
        Self::resume(settings, Some(cursor(NOW_US)))
    }

    fn resume(settings: Settings, cursor: Option<Cursor>) -> Self {
        let (out, intakes) = mpsc::channel(1);
        let health = Arc::new(Health::default());
        let stop = CancellationToken::new();
        let known = KnownDids::default();
        let task = tokio::spawn(receive(settings, cursor, known, out, Arc::clone(&health), stop.clone()));
        Self { intakes, health, stop, task }
    }

    async fn intake(&mut self) -> Intake {
        let intake = timeout(PATIENCE, self.intakes.recv()).await.expect("an intake comes");
        intake.expect("the receiver runs on")
    }

    /// The record keys of the next events, and the cursor after them. It checks that the cursor never moves backwards.
    async fn events(&mut self, count: usize) -> (Vec<String>, Cursor) {
        let mut keys = Vec::new();
        let mut last = cursor(0);
        while keys.len() < count {
            let intake = self.intake().await;
            assert!(intake.cursor.time_us >= last.time_us, "{} after {}", intake.cursor.time_us, last.time_us);
            last = intake.cursor;
            keys.extend(intake.events.into_iter().map(|event| match event.body {
                Body::Commit(commit) if commit.operation == Operation::Delete => format!("-{}", commit.rkey),
                Body::Commit(commit) => commit.rkey,
                _ => event.did,
            }));
        }
        (keys, last)
    }

    async fn ends(self) {
        timeout(PATIENCE, self.task).await.expect("it ends").expect("it doesn't panic");
    }
}

fn cursor(time_us: u64) -> Cursor {
    Cursor { endpoint: "wss://example.com/subscribe".to_owned(), time_us, mark: None }
}

/// A post of ours, so many microseconds after `NOW_US`.
fn post(rkey: &str, after_us: u64) -> String {
    event("create", rkey, after_us, r##","record":{"text":"#atrarium_a1b2c3d4"}"##)
}

fn event(operation: &str, rkey: &str, after_us: u64, more: &str) -> String {
    format!(
        r#"{{"did":"did:plc:member","time_us":{},"kind":"commit","commit":{{"rev":"3mptbypluud2a","operation":"{operation}","collection":"app.bsky.feed.post","rkey":"{rkey}"{more}}}}}"#,
        NOW_US + after_us
    )
}

fn zstd(json: &str) -> Vec<u8> {
    compressor().and_then(|mut compressor| compressor.compress(json.as_bytes())).expect("zstd takes any bytes")
}

fn asks_from(request: &str, time_us: u64) -> bool {
    request.ends_with(&format!("&cursor={time_us}"))
}

#[tokio::test]
async fn a_frame_is_read_whichever_way_it_comes() {
    let server = server([vec![
        Action::Send(post("zstd", 1)),
        Action::SendText(post("text", 2)),
        Action::Send(event("delete", "zstd", 3, "")),
        Action::Send(event("delete", "never-seen", 4, "")),
        Action::Send(r#"{"did":"did:plc:member","time_us":1,"kind":"account","account":{"active":false,"time":"2026-07-04T14:38:07Z"}}"#.into()),
    ]])
    .await;
    let mut rig = Rig::start(settings(&[&server]));
    let (keys, cursor) = rig.events(5).await;
    assert_eq!(keys, ["zstd", "text", "-zstd", "-never-seen", "did:plc:member"]);
    assert_eq!(cursor, Cursor { endpoint: server.endpoint(), time_us: NOW_US + 4, mark: None });
    assert!(rig.health.connected.load(Relaxed));
}

#[tokio::test]
async fn it_asks_for_what_follows_its_cursor() {
    let check = async |resume: Option<u64>, expected_us: u64| {
        let server = server([]).await;
        let _rig = Rig::resume(settings(&[&server]), resume.map(cursor));
        let requests = server.wait_for_requests(1).await;
        assert!(asks_from(&requests[0], expected_us), "{requests:?} from {resume:?}");
        assert!(requests[0].starts_with("/subscribe?wantedCollections=app.bsky.feed.post&wantedCollections=net.atrarium."));
        assert!(requests[0].contains("&compress=true"));
    };
    check(Some(NOW_US), NOW_US - 60_000_000).await;
    check(None, NOW_US - 7 * 24 * 3_600 * 1_000_000).await;
    check(Some(u64::MAX), NOW_US).await;
    // A server's clock may be ahead of ours; to ask for the future would be to ask for nothing of the past.
    check(Some(NOW_US + 90_000_000), NOW_US).await;
}

#[tokio::test]
async fn however_a_connection_ends_the_next_goes_on_from_the_cursor() {
    let check = async |end: Action| {
        let server = server([vec![Action::Send(post("a", 7_000_000)), end.clone()], vec![Action::Send(post("b", 8_000_000))]]).await;
        let idle_timeout = Duration::from_millis(200);
        let mut rig = Rig::start(Settings { idle_timeout, ..settings(&[&server]) });
        assert_eq!(rig.events(2).await.0, ["a", "b"], "{end:?}");
        let requests = server.requests();
        assert!(asks_from(&requests[0], NOW_US - 60_000_000), "{end:?}: {requests:?}");
        assert!(asks_from(&requests[1], NOW_US + 2_000_000), "{end:?}: {requests:?}");
        assert!(rig.health.failures.load(Relaxed) >= 1);
    };
    check(Action::CloseMidFrame).await;
    check(Action::CloseCleanly).await;
    check(Action::Silence).await;
    // Text that isn't UTF-8, a reserved opcode, a reserved bit: all of these end a WebSocket.
    check(Action::Blast(Arc::from(b"\x81\x02\xff\xff".as_slice()), 1)).await;
    check(Action::Blast(Arc::from(b"\x83\x00".as_slice()), 1)).await;
    check(Action::Blast(Arc::from(b"\xc1\x00".as_slice()), 1)).await;
    // A message of 16 MiB is announced.
    check(Action::Blast(Arc::from(b"\x82\x7f\x00\x00\x00\x00\x01\x00\x00\x00".as_slice()), 1)).await;
}

#[tokio::test]
async fn the_next_endpoint_is_tried_when_one_fails() {
    let check = async |scripts: Vec<Script>| {
        let first = server(scripts.clone()).await;
        let second = server([vec![Action::Send(post("b", 1))]]).await;
        let idle_timeout = Duration::from_millis(200);
        let mut rig = Rig::start(Settings { idle_timeout, ..settings(&[&first, &second]) });
        let (keys, cursor) = rig.events(1).await;
        assert_eq!((keys, cursor.endpoint), (vec!["b".to_owned()], second.endpoint()), "{scripts:?}");
        assert_eq!(rig.health.endpoint.load(Relaxed), 1);
    };
    check(vec![vec![Action::Refuse(503)]]).await;
    check(vec![vec![Action::Refuse(301)]]).await;
    check(vec![vec![Action::Stall]]).await;
    check(vec![vec![Action::CloseCleanly]]).await;
    check(vec![vec![Action::Silence]]).await;
}

#[tokio::test]
async fn what_a_server_that_was_behind_never_sent_is_had_from_the_next() {
    let first = server([vec![Action::Send(post("read", 50_000_000)), Action::CloseCleanly]]).await;
    let second = server([]).await;
    // It saw all of this before the first had any of it.
    for (rkey, after_us) in [("long-before", 0), ("never-sent", 5_000_000), ("read", 9_000_000)] {
        second.publish(post(rkey, after_us));
    }
    let mut rig = Rig::start(settings(&[&first, &second]));
    assert_eq!(rig.events(4).await.0, ["read", "long-before", "never-sent", "read"]);
}

#[tokio::test]
async fn the_first_endpoint_is_tried_again_after_the_last() {
    let first = server([vec![Action::Refuse(503)], vec![Action::Send(post("a", 1))]]).await;
    let gone = server([]).await.endpoint();
    let mut settings = settings(&[&first]);
    settings.endpoints.push(gone.parse().expect("a server's own address"));
    let mut rig = Rig::start(settings);
    assert_eq!(rig.events(1).await.0, ["a"]);
    assert_eq!(rig.health.failures.load(Relaxed), 2);
}

#[tokio::test]
async fn a_server_without_tls_is_left_for_the_next() {
    let (plain, next) = (server([]).await, server([vec![Action::Send(post("a", 1))]]).await);
    let mut settings = settings(&[&next]);
    settings.endpoints.insert(0, plain.endpoint().replace("ws://", "wss://").parse().expect("a server's own address"));
    let mut rig = Rig::start(settings);
    assert_eq!(rig.events(1).await.0, ["a"]);
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn what_cant_be_read_is_skipped_and_counted() {
    let bomb = format!(r#"{{"did":"{}"}}"#, "a".repeat(5 << 20));
    let server = server([vec![
        Action::SendRaw(zstd(&bomb)),
        Action::SendText(bomb),
        Action::SendRaw(b"junk".to_vec()),
        Action::SendRaw(Vec::new()),
        Action::SendJunkText,
        Action::SendRaw(zstd("{\"did\":\"did:plc:a\",")),
        Action::Send(event("create", "net.atrarium./", 1, "")),
        Action::Send(r#"{"did":"did:plc:a","time_us":1,"kind":"commit","commit":{"collection":"net.atrarium.x"}}"#.into()),
        Action::Send(r#"{"did":"did:plc:a","time_us":1,"kind":"something"}"#.into()),
        Action::Send(post("a", 1)),
    ]])
    .await;
    let mut rig = Rig::start(settings(&[&server]));
    assert_eq!(rig.events(1).await.0, ["a"]);
    let health = &rig.health;
    let check = |reason, expected| assert_eq!(health.refused(reason), expected, "{reason}");
    check(Refusal::TooLarge, 2);
    // An empty payload is an empty message to zstd, so to us it's no JSON.
    check(Refusal::NotZstd, 1);
    check(Refusal::NotJson, 3);
    check(Refusal::BadRkey, 1);
    let counts = [&health.frames, &health.passed, &health.dropped, &health.failures].map(|count| count.load(Relaxed));
    assert_eq!(counts, [10, 1, 2, 0]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_sent_again_comes_again_and_the_cursor_stays() {
    let server = server([
        vec![Action::Send(post("a", 9)), Action::Send(post("b", 9)), Action::Send(post("c", 2)), Action::CloseMidFrame],
        vec![Action::RepeatLastHour(2), Action::Send(post("d", 3))],
    ])
    .await;
    let mut rig = Rig::start(settings(&[&server]));
    let (keys, cursor) = rig.events(6).await;
    assert_eq!(keys, ["a", "b", "c", "b", "c", "d"]);
    assert_eq!(cursor.time_us, NOW_US + 9);
}

#[tokio::test]
async fn a_quiet_server_that_answers_is_alive() {
    let server = server([vec![
        Action::Ping,
        Action::Sleep(Duration::from_millis(120)),
        Action::Ping,
        Action::Sleep(Duration::from_millis(120)),
        Action::Ping,
        Action::Sleep(Duration::from_millis(120)),
        Action::Ping,
    ]])
    .await;
    let idle_timeout = Duration::from_millis(200);
    let mut rig = Rig::start(Settings { idle_timeout, ..settings(&[&server]) });
    server.wait_for_requests(1).await;
    // From here on the server only answers our pings. Nothing but time shows that silence is not taken for death.
    tokio::time::sleep(idle_timeout * 5).await;
    server.publish(post("a", 1));
    assert_eq!(rig.events(1).await.0, ["a"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_cursor_is_told_though_nothing_passes() {
    let server = server([vec![
        Action::Send(event("create", "a", 5, "")),
        Action::Send(r#"{"did":"did:plc:someone","time_us":1,"kind":"identity","identity":{}}"#.into()),
    ]])
    .await;
    let mut rig = Rig::start(settings(&[&server]));
    let intake = rig.intake().await;
    assert_eq!((intake.events, intake.cursor.time_us), (Vec::new(), NOW_US + 5));
    assert_eq!(intake.identities, ["did:plc:someone"]);
    assert!(timeout(Duration::from_millis(1_500), rig.intakes.recv()).await.is_err(), "there's no news");
}

#[tokio::test]
async fn a_busy_consumer_stops_the_reading_and_loses_nothing() {
    const EVENTS: usize = 40_000;
    let text = format!(r##","record":{{"text":"#atrarium_a1b2c3d4 {}"}}"##, "x".repeat(1_000));
    let events: Vec<_> = (0..EVENTS).map(|n| event("create", &n.to_string(), n as u64, &text)).collect();
    let frames = prebuild_frames(&events, false).expect("zstd takes any bytes");
    let server = server([vec![Action::Blast(frames.into(), 1)]]).await;
    let idle_timeout = Duration::from_millis(300);
    let mut rig = Rig::start(Settings { idle_timeout, ..settings(&[&server]) });
    server.wait_for_requests(1).await;
    tokio::time::sleep(idle_timeout * 2).await;
    // One intake waits in the channel and one at its door.
    assert!(rig.health.frames.load(Relaxed) < 4_096, "it read on");
    let (keys, _) = rig.events(EVENTS).await;
    assert!(keys.iter().enumerate().all(|(n, key)| *key == n.to_string()));
    assert_eq!(server.requests().len(), 1, "our silence was taken for the server's");
}

#[tokio::test]
async fn it_ends_when_told_to_whatever_it_is_doing() {
    let check = async |scripts: Vec<Script>| {
        let server = server(scripts).await;
        let rig = Rig::start(Settings { backoff: Backoff::default(), ..settings(&[&server]) });
        tokio::time::sleep(Duration::from_millis(50)).await;
        rig.stop.cancel();
        rig.ends().await;
    };
    check(vec![]).await;
    check(vec![vec![Action::Stall]]).await;
    check(vec![vec![Action::Refuse(503)]]).await;
    check(vec![vec![Action::Silence]]).await;
    check(vec![(0..5_000).map(|n| Action::Send(post("a", n))).collect()]).await;
}

#[tokio::test]
async fn it_ends_when_nobody_listens() {
    let server = server([vec![Action::Send(post("a", 1))]]).await;
    let mut rig = Rig::start(settings(&[&server]));
    rig.intakes.close();
    rig.ends().await;
}

#[tokio::test]
async fn the_server_replays_from_the_cursor_and_goes_on() {
    let server = server([]).await;
    server.publish(post("old", 1));
    server.publish(post("at", 5_000_000));
    server.publish(event("create", "like", 5_000_001, "").replace("feed.post", "feed.like"));
    server.publish(post("new", 5_000_001));
    let settings = settings(&[&server]);
    let here = Cursor { endpoint: settings.endpoints[0].to_string(), ..cursor(NOW_US + 10_000_000) };
    let mut rig = Rig::resume(settings, Some(here));
    assert_eq!(rig.events(2).await.0, ["at", "new"]);
    server.publish(post("live", 2));
    assert_eq!(rig.events(1).await.0, ["live"]);
    assert_eq!(rig.health.frames.load(Relaxed), 3);
    server.disconnect_all();
    server.wait_for_requests(2).await;
    assert_eq!(rig.events(2).await.0, ["at", "new"]);
}
