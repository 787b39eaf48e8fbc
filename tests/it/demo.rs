//! `atrarium demo`, as who has just built the program runs it: feeds that live, and pages to look around in.

use std::process::Stdio;
use std::time::{Duration, Instant};

use atrarium_tests::World;
use atrarium_tests::api::{Caller, Site};
use atrarium_tests::http;
use atrarium_tests::process::binary;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_has_feeds_and_lets_whoever_comes_look_around() {
    let mut command = Command::new(binary());
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port on loopback");
    command.args(["demo", "--listen", &free.to_string(), "--admin-listen", "127.0.0.1:0", "--log-level", "warn"]).env_clear();
    let mut demo = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("the binary can be started");
    let mut lines = BufReader::new(demo.stdout.take().expect("it is piped")).lines();
    let mut said = Vec::new();
    // What it says ends with the third feed.
    while said.iter().filter(|line: &&String| line.contains("getFeedSkeleton")).count() < 3 {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it says where everything is").expect("text");
        said.push(line.expect("it goes on"));
    }
    let door = said.iter().find_map(|line| line.split_whitespace().find(|word| word.ends_with("/api/auth/visit"))).expect("the way in is told");
    let feed = said.iter().find_map(|line| line.split_whitespace().find(|word| word.starts_with("at://"))).expect("feeds are told");

    let began = Instant::now();
    let has_posts = async || {
        let answer = http::get(free, &format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}&limit=5", http::encode(feed))).await;
        answer.is_ok_and(|answer| answer.status == 200 && answer.json()["feed"].as_array().is_some_and(|posts| !posts.is_empty()))
    };
    while !has_posts().await {
        assert!(began.elapsed() < PATIENCE, "the feed stays empty: {said:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let mut browser = Caller::browser(free, "127.0.0.1");
    assert_eq!(browser.reads("/api/auth/start").await["host"]["visits"], json!(true));
    assert_eq!(browser.get("/api/communities").await.status, 401);
    let entered = browser.visit(door, Site::None).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")), "{entered:?}");
    let listed = browser.reads("/api/communities").await;
    let roles: Vec<_> = listed["communities"].as_array().expect("a list").iter().map(|community| &community["role"]).collect();
    assert_eq!(roles, [&json!(null), &json!("owner"), &json!(null)], "{listed}");
    let moths = listed["communities"][1]["id"].as_str().expect("an id");
    for page in ["posts", "members", "stats", "feed-mix"] {
        let read = browser.get(&format!("/api/communities/{moths}/{page}")).await;
        assert_eq!(read.status, 200, "{page}: {read:?}");
    }
    assert_eq!(browser.get("/api/operator/status").await.status, 200);
    // There is nobody's server to write to, and that is said.
    let written = browser.put(&format!("/api/communities/{moths}"), &json!({ "name": "Mine" })).await;
    assert!((500..600).contains(&written.status), "{written:?}");
    assert_eq!(browser.reads(&format!("/api/communities/{moths}")).await["name"], listed["communities"][1]["name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_no_such_door() {
    let mut world = World::new().await;
    let mut browser = Caller::browser(world.address, "127.0.0.1");
    let answer = browser.get("/api/auth/visit").await;
    assert_eq!((answer.status, answer.headers("set-cookie").len()), (404, 0), "{answer:?}");
    assert_eq!(browser.reads("/api/auth/start").await["host"]["visits"], json!(false));
    world.stop().await;
}
