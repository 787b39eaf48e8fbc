//! `atrarium doctor`: before a real directory and a real PDS, and before a world that is set up wrongly in each of the usual ways.

use std::collections::BTreeMap;
use std::time::Duration;

use atrarium::demo::server::Server;
use atrarium_tests::network::CONFIG;
use atrarium_tests::peers::Peers;
use atrarium_tests::process::{Launch, doctor};
use atrarium_tests::records;
use atrarium_tests::scene::TAG;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const GENERATOR: &str = "app.bsky.feed.generator";

/// What a unit gives the server, and the terminal doesn't have.
const SECRET: &str = "a secret of the server's, as long as one has to be";

/// All that is said of a check, with its verdict.
fn of<'a>(findings: &'a [Value], check: &str) -> Vec<(&'a str, &'a str)> {
    let text = |finding: &'a Value, field: &str| finding[field].as_str().unwrap_or_default();
    findings.iter().filter(|finding| finding["check"] == check).map(|finding| (text(finding, "verdict"), text(finding, "seen"))).collect()
}

fn assert_says(findings: &[Value], check: &str, verdict: &str, words: &str) {
    let found = of(findings, check);
    assert!(found.iter().any(|(is, seen)| *is == verdict && seen.contains(words)), "{check} is not {verdict} with {words:?}: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_well_is_found_well_and_a_wrong_record_is_found_out() {
    let peers = Peers::without_appview().await;
    let olga = peers.person("olga").await;
    let temporary = tempfile::tempdir().expect("tests need a temporary directory");
    let directory = temporary.path().join("data");
    let (plc, pds, jetstream) = (peers.plc_url(), format!("http://{}", peers.pds()), peers.jetstream());
    let flags = ["--allow-private-network", "--plc-url", &plc, "--backfill-pds", &pds, "--secret", SECRET];
    let mut process = Launch { directory: &directory, jetstream: &jetstream, failpoints: None, flags: &flags, port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    // A unit gives the server a limit that the terminal doesn't have.
    process.may_open(12_345);
    let listen = process.address.to_string();
    let service = format!("did:web:localhost%3A{}", process.address.port());
    let examine = async || doctor(&directory, &[&flags[..3], &["--jetstream", &jetstream, "--listen", &listen]].concat()).await;

    let (well, findings) = examine().await;
    assert!(well, "{findings:?}");
    assert_says(&findings, "feeds", "doubtful", "no community yet");
    let community = olga.put(CONFIG, "moths", records::config("Moths", TAG, atrarium::clock::Clock::system().now_ms() - 60_000)).await;
    let record = |did: &str| json!({ "$type": GENERATOR, "did": did, "displayName": "Moths", "createdAt": "2026-11-20T12:00:00.000Z" });
    olga.put(GENERATOR, "moths", record(&service)).await;
    let feed = atrarium_tests::world::feed_of(&community);
    let findings = loop {
        let (well, findings) = examine().await;
        assert!(well, "{findings:?}");
        if of(&findings, "feeds").iter().any(|(verdict, _)| *verdict == "good") {
            break findings;
        }
    };
    assert_says(&findings, "data directory", "good", "can be written");
    assert!(directory.join("state.redb").exists() && !directory.join("secret").exists(), "the secret isn't kept where it was given");
    assert!(of(&findings, "secret").is_empty(), "a server that runs has its secret: {findings:?}");
    assert!(of(&findings, "disk").iter().any(|(_, seen)| seen.contains("free")), "{findings:?}");
    assert_says(&findings, "memory maps", "good", "vm.max_map_count");
    assert_says(&findings, "open files", "good", "the server may have 12345 files");
    assert_says(&findings, "directory of DIDs", "good", "answers");
    // A busy machine may take a second or two to look at what the directory says.
    let clock = of(&findings, "clock");
    assert!(matches!(clock[..], [(is, seen)] if is != "bad" && seen.contains("the directory's")), "{clock:?}");
    assert_says(&findings, "firehose", "good", "took the subscription");
    assert_says(&findings, "DID document", "good", "names this service");
    assert_says(&findings, "admin listener", "good", "on loopback alone");
    assert_says(&findings, "a page", "good", "of the 5000 that the AppView waits");
    assert_says(&findings, "feed records", "good", "1 feeds are published");
    assert_says(&findings, "configuration", "doubtful", "only this machine can reach");

    olga.put(GENERATOR, "moths", record("did:web:elsewhere.example")).await;
    process.may_open(4_321);
    let (well, findings) = examine().await;
    assert!(!well);
    assert_says(&findings, "open files", "doubtful", "the server may have 4321 files");
    assert_says(&findings, "feed records", "bad", "did:web:elsewhere.example");
    olga.delete(GENERATOR, "moths").await;
    let (well, findings) = examine().await;
    assert!(well, "{findings:?}");
    assert_says(&findings, "feed records", "doubtful", &format!("{feed} has no record"));

    process.terminate();
    process.ended().await;
    let (well, findings) = examine().await;
    assert!(!well);
    assert_says(&findings, "DID document", "bad", "can't be read");
    assert_says(&findings, "secret", "doubtful", "has a state.redb and no secret");
    assert!(matches!(of(&findings, "open files")[..], [(_, seen)] if seen.starts_with("what is started from here")), "{findings:?}");
    assert!(of(&findings, "feeds").is_empty(), "what can't be reached has nothing else to show: {findings:?}");
    assert!(findings.iter().all(|finding| (finding["verdict"] == "good") == finding["remedy"].is_null()), "whatever isn't good says what to do: {findings:?}");
}

/// What is answered at each path: status, body, and after how many milliseconds.
type Answers = BTreeMap<&'static str, (u16, String, u64)>;

async fn serve(listener: TcpListener, answers: Answers) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answers = answers.clone();
        tokio::spawn(async move {
            let mut request = vec![0; 16 << 10];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
            let (status, body, ms) = answers.get(path).cloned().unwrap_or((404, String::new(), 0));
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        });
    }
}

const DOCUMENT: &str = "/.well-known/did.json";
const DESCRIBE: &str = "/xrpc/app.bsky.feed.describeFeedGenerator";
const PAGE: &str = "/xrpc/app.bsky.feed.getFeedSkeleton";
const FEED: &str = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.generator/moths";

/// Examines a host of which `wrong` has changed one of the right answers; none of the servers that it needs answers.
async fn check(wrong: impl FnOnce(&mut Answers, &str), expected: &[(&str, &str, &str)]) {
    check_with(&[], wrong, expected).await;
}

async fn check_with(flags: &[&str], wrong: impl FnOnce(&mut Answers, &str), expected: &[(&str, &str, &str)]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let port = listener.local_addr().expect("a bound listener").port();
    let (service, public) = (format!("did:web:localhost%3A{port}"), format!("http://localhost:{port}"));
    let document = json!({ "id": service, "service": [{ "id": "#bsky_fg", "type": "BskyFeedGenerator", "serviceEndpoint": public }] });
    let described = json!({ "did": service, "feeds": [{ "uri": FEED }] });
    let page = json!({ "feed": [{ "post": "at://did:plc:a/app.bsky.feed.post/1" }, { "post": "at://did:plc:a/app.bsky.feed.post/2" }] });
    let mut answers: Answers = [(DOCUMENT, document), (DESCRIBE, described), (PAGE, page)].map(|(path, body)| (path, (200, body.to_string(), 0))).into();
    wrong(&mut answers, &service);
    let serving = tokio::spawn(serve(listener, answers));
    let nobody = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port on loopback");
    let (plc, jetstream) = (format!("http://{nobody}"), format!("ws://{nobody}/subscribe"));
    let temporary = tempfile::tempdir().expect("tests need a temporary directory");
    let always = ["--public-url", &public, "--plc-url", &plc, "--allow-private-network", "--jetstream", &jetstream];
    let (well, findings) = doctor(temporary.path(), &[&always[..], flags].concat()).await;
    assert!(!well, "{findings:?}");
    assert_says(&findings, "directory of DIDs", "bad", "");
    assert_says(&findings, "firehose", "bad", "no Jetstream server can be followed");
    for (name, verdict, words) in expected {
        assert_says(&findings, name, verdict, words);
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_usual_mistake_is_named() {
    let told = |path: &'static str, status: u16, body: String| move |answers: &mut Answers, _: &str| drop(answers.insert(path, (status, body, 0)));
    check(|_, _| {}, &[("a page", "good", "2 posts"), ("feeds", "good", "1 are served"), ("feed records", "doubtful", "can't be looked up")]).await;
    check(|answers, _| drop(answers.remove(DOCUMENT)), &[("DID document", "bad", "answers 404")]).await;
    check(told(DOCUMENT, 200, "<html>".to_owned()), &[("DID document", "bad", "is no JSON")]).await;
    let elsewhere = json!({ "id": "did:web:elsewhere.example", "service": [] }).to_string();
    check(told(DOCUMENT, 200, elsewhere), &[("DID document", "bad", "is of \"did:web:elsewhere.example\"")]).await;
    let moved = |answers: &mut Answers, service: &str| {
        let service = json!({ "id": service, "service": [{ "type": "BskyFeedGenerator", "serviceEndpoint": "https://elsewhere.example" }] });
        answers.insert(DOCUMENT, (200, service.to_string(), 0));
    };
    check(moved, &[("DID document", "bad", "names \"https://elsewhere.example\" as the feed generator's address")]).await;
    check(told("/metrics", 200, "atrarium_ready 1".to_owned()), &[("admin listener", "bad", "anybody can read /metrics")]).await;
    let everywhere = ["--admin-listen", "0.0.0.0:3001"];
    check_with(&everywhere, |_, _| {}, &[("admin listener", "doubtful", "it listens on 0.0.0.0:3001")]).await;
    check_with(&everywhere, told("/metrics", 200, "atrarium_ready 1".to_owned()), &[("admin listener", "bad", "anybody can read /metrics")]).await;
    check(told(DESCRIBE, 502, String::new()), &[("feeds", "bad", "describeFeedGenerator can't be read")]).await;
    check(told(DESCRIBE, 200, json!({ "did": "did:web:elsewhere.example", "feeds": [] }).to_string()), &[("feeds", "bad", "did:web:elsewhere.example")]).await;
    check(told(PAGE, 503, String::new()), &[("a page", "bad", "can't be read")]).await;
    let twice = json!({ "feed": [{ "post": "at://did:plc:a/app.bsky.feed.post/1" }, { "post": "at://did:plc:a/app.bsky.feed.post/1" }] }).to_string();
    check(told(PAGE, 200, twice), &[("a page", "bad", "posts twice")]).await;
    let slow = |ms: u64| move |answers: &mut Answers, _: &str| answers.values_mut().last().into_iter().for_each(|(_, _, pause)| *pause = ms);
    check(slow(1_200), &[("a page", "doubtful", "of the 5000 that the AppView waits")]).await;
    check(slow(5_100), &[("a page", "bad", "of the 5000 that the AppView waits")]).await;
}

/// What is found with these flags, which lead to no directory of DIDs.
async fn examine(flags: &[&str]) -> Vec<Value> {
    let temporary = tempfile::tempdir().expect("tests need a temporary directory");
    let (well, findings) = doctor(temporary.path(), &[&["--plc-url", "https://127.0.0.1:9"][..], flags].concat()).await;
    assert!(!well, "{findings:?}");
    assert!(findings.iter().all(|finding| (finding["verdict"] == "good") == finding["remedy"].is_null()), "whatever isn't good says what to do: {findings:?}");
    findings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_an_address_of_this_network_says_nothing_of_what_the_world_sees() {
    let flags = ["--public-url", "https://localhost", "--jetstream", "ws://127.0.0.1:9/subscribe"];
    let findings = examine(&flags).await;
    assert!(matches!(of(&findings, "DID document")[..], [("doubtful", seen)] if seen.contains("it has no public address, but")), "{findings:?}");
    let remedy = findings.iter().find(|finding| finding["check"] == "DID document").and_then(|finding| finding["remedy"].as_str());
    assert!(remedy.is_some_and(|remedy| remedy.contains("/etc/hosts")), "{findings:?}");
    assert!(of(&findings, "feeds").is_empty(), "what isn't reached has nothing else to show: {findings:?}");

    // In a network of one's own the world is there, and must reach it.
    let findings = examine(&[&flags[..], &["--allow-private-network"]].concat()).await;
    assert!(matches!(of(&findings, "DID document")[..], [("bad", _)]), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firehose_on_which_nothing_happens_will_do_in_a_network_of_ones_own_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let silent = Server::start(listener).expect("a listener that was just bound");
    let endpoint = silent.endpoint();
    let flags = ["--public-url", "https://localhost", "--jetstream", &endpoint];
    let private = [&flags[..], &["--allow-private-network"]].concat();
    let (public, private) = tokio::join!(examine(&flags), examine(&private));
    assert_says(&public, "firehose", "doubtful", "sent nothing for 8 seconds");
    assert_says(&public, "firehose", "bad", "no Jetstream server can be followed");
    assert!(matches!(of(&private, "firehose")[..], [("good", seen)] if seen.contains("nothing has happened there since")), "{private:?}");
}
