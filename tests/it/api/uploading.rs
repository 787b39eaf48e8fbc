//! How a mix comes in, and what doesn't: what is no component, too much, cut off, or from too many at once.

use std::time::Duration;

use atrarium::uploads::Standing;
use atrarium_tests::World;
use atrarium_tests::api::Caller;
use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::process;
use atrarium_tests::scene::THIRD_TAG;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Town;
use super::mixes::{WASM, another, backwards, files, upload};

const VERSIONS: &str = "/api/communities/main/feed-mix/versions";

/// An upload of which so much has come that a file has begun, and the rest of it.
struct Half {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Half {
    async fn of(town: &Town, caller: &Caller, path: &str, bytes: &[u8]) -> Self {
        let (before, length) = (incoming(town).len(), bytes.len().to_string());
        let mut stream = TcpStream::connect(town.world.address).await.expect("the program listens");
        let (half, rest) = bytes.split_at(bytes.len() / 2);
        stream.write_all(caller.head("POST", path, &[WASM, ("content-length", &length)]).as_bytes()).await.expect("the program reads");
        stream.write_all(half).await.expect("the program reads");
        town.world.until("the upload is coming in", |_| incoming(town).len() > before).await;
        Self { stream, rest: rest.to_vec() }
    }

    async fn finish(mut self) -> String {
        self.stream.write_all(&self.rest).await.expect("the program reads");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("the program answers");
        answer
    }
}

fn incoming(town: &Town) -> Vec<String> {
    files(town).into_iter().filter(|name| name.starts_with("incoming")).collect()
}

fn message(answer: &Answer) -> String {
    answer.json()["message"].as_str().unwrap_or_default().to_owned()
}

/// What is told: status, name, and the beginning of the sentence.
fn check(answer: &Answer, status: u16, name: &str, words: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (status, name), "{answer:?}");
    assert!(message(answer).starts_with(words), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_make_a_feed_is_refused_in_a_sentence_and_stays_listed() {
    let town = Town::new().await;
    let mut olga = town.signed_in("olga");
    let module = b"\0asm\x01\0\0\0";
    for _ in 0..2 {
        check(&olga.send(VERSIONS, &[WASM], module).await, 422, "MixRefused", "version 1 was refused: This is a core module");
    }
    check(&olga.send(VERSIONS, &[WASM], b"#!/bin/sh").await, 422, "MixRefused", "version 2 was refused: This is no WebAssembly");
    let listed = olga.reads(VERSIONS).await;
    let one = listed["versions"][1].clone();
    assert_eq!((&one["number"], &one["state"], &one["size"], &one["profile"]), (&json!(1), &json!("refused"), &json!(8), &Value::Null), "{listed}");
    assert!(one["refusal"].as_str().is_some_and(|sentence| sentence.starts_with("This is a core module")), "{listed}");
    assert_eq!(olga.reads(&format!("{VERSIONS}/1")).await, one);
    for deed in ["activate", "preview"] {
        check(&olga.post(&format!("{VERSIONS}/1/{deed}"), &Value::Null).await, 409, "VersionRefused", "version 1 was refused, so it can't be used: This is");
    }
    let left = olga.done("DELETE", &format!("{VERSIONS}/1"), &Value::Null, 200).await;
    assert_eq!((&left["versions"][0]["number"], left["versions"].as_array().map(Vec::len)), (&json!(2), Some(1)), "{left}");
    assert_eq!(files(&town), Vec::<String>::new());
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_upload_is_told_so_and_leaves_nothing() {
    let town = Town::with_flags(&["--mix-size-mib", "1"]).await;
    let mut olga = town.signed_in("olga");
    check(&olga.send(VERSIONS, &[WASM], b"").await, 400, "InvalidRequest", "the body is empty");
    for kind in ["application/json", "application/x-www-form-urlencoded", "", "application/wasmer"] {
        check(&olga.send(VERSIONS, &[("content-type", kind)], &backwards()).await, 400, "InvalidRequest", "the content-type must be application/wasm");
    }
    let long = format!("{VERSIONS}?name={}", "x".repeat(101));
    check(&olga.send(&long, &[WASM], &backwards()).await, 400, "InvalidRequest", "the parameters: name may have 100 letters");
    for path in ["0", "-1", "x", "1.0", "4294967296", "%ff"] {
        let answer = olga.get(&format!("{VERSIONS}/{path}")).await;
        check(&answer, 400, "InvalidRequest", "the path");
        assert!(!message(&answer).contains("u32") && !message(&answer).contains('`'), "{answer:?}");
    }
    let answer = olga.post(&format!("{VERSIONS}/1/preview?limit=101"), &Value::Null).await;
    check(&answer, 400, "InvalidRequest", "limit is 101, and must be between 1 and 100");

    // Too large: as announced, to who asks first, and as it turns out.
    let sentence = "the file is larger than 1 MiB, which is all that a mix may have here";
    let (large, size) = (vec![0; (1 << 20) + 1], ((1 << 20) + 1).to_string());
    check(&olga.send(VERSIONS, &[WASM], &large).await, 413, "TooLarge", sentence);
    let head = olga.head("POST", VERSIONS, &[WASM, ("content-length", &size), ("expect", "100-continue")]);
    let answer = http::send(town.world.address, head.as_bytes()).await.expect("an answer");
    check(&answer, 413, "TooLarge", sentence);
    let mut chunked = olga.head("POST", VERSIONS, &[WASM, ("transfer-encoding", "chunked")]).into_bytes();
    for piece in large.chunks(100_000) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    check(&http::send(town.world.address, &chunked).await.expect("an answer"), 413, "TooLarge", sentence);
    // What browsers send by themselves is not enough.
    let cookie = format!("atrarium_access={}", olga.token().unwrap_or_default());
    let answer = town.nobody().send(VERSIONS, &[WASM, ("cookie", &cookie)], &backwards()).await;
    check(&answer, 403, "Forbidden", "what is changed with cookies needs the header x-csrf-token");
    assert_eq!((&olga.reads(VERSIONS).await["versions"], files(&town)), (&json!([]), Vec::new()));
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let town = Town::new().await;
    let mut olga = town.signed_in("olga");
    let half = Half::of(&town, &olga, VERSIONS, &backwards()).await;
    drop(half);
    town.world.until("nothing is left of it", |_| files(&town).is_empty()).await;
    assert_eq!(olga.reads(VERSIONS).await["versions"], json!([]));
    // Nor does the owner's place stay taken.
    assert_eq!(upload(&mut olga, "main", "whole", &backwards(), 201).await["number"], json!(1));
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_one_upload_at_a_time_and_a_few_may_come_in_together() {
    let mut town = Town::new().await;
    let names = ["otto", "anna", "bert", "carl"];
    for name in &names[1..] {
        town.world.open(&did(name), name, THIRD_TAG);
    }
    town.world.settled().await;
    let path = |name: &str| format!("/api/communities/{}/feed-mix/versions", if name == "otto" { "other" } else { name });
    let mut olga = town.signed_in("olga");
    let half = Half::of(&town, &olga, VERSIONS, &backwards()).await;
    check(&olga.send(VERSIONS, &[WASM], &another(1)).await, 429, "RateLimitExceeded", "another upload of yours is coming in");
    let mut others = Vec::new();
    for (name, number) in names.into_iter().zip(2_usize..).take(3) {
        others.push(Half::of(&town, &town.signed_in(name), &path(name), &another(number)).await);
    }
    let refused = town.signed_in("carl").send(&path("carl"), &[WASM], &another(9)).await;
    check(&refused, 503, "ServiceUnavailable", "others are uploading");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let answer = half.finish().await;
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.contains("\"number\":1"), "{answer}");
    upload(&mut town.signed_in("carl"), "carl", "", &another(9), 201).await;
    for other in others {
        let answer = other.finish().await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }
    assert_eq!(olga.reads(VERSIONS).await["versions"].as_array().map(Vec::len), Some(1), "what was refused came to nothing");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_told_with_what_to_do() {
    // 600 KB each, of the one MiB that all may have, and 240 MiB an owner.
    let large = |number: usize| another(600_000 + number);
    let town = Town::with_flags(&["--mix-versions", "1", "--mix-total-mib", "1"]).await;
    let (mut olga, mut otto) = (town.signed_in("olga"), town.signed_in("otto"));
    upload(&mut olga, "main", "first", &large(1), 201).await;
    check(&olga.send(VERSIONS, &[WASM], &backwards()).await, 409, "QuotaReached", "the community has 1 versions");
    let answer = otto.send("/api/communities/other/feed-mix/versions", &[WASM], &large(2)).await;
    check(&answer, 507, "HostFull", "the host has no room for more mixes");
    upload(&mut otto, "other", "the same", &large(1), 201).await;
    town.end().await;
    let town = Town::with_flags(&["--mix-owner-mib", "1"]).await;
    let mut olga = town.signed_in("olga");
    upload(&mut olga, "main", "first", &large(1), 201).await;
    check(&olga.send(VERSIONS, &[WASM], &large(2)).await, 409, "QuotaReached", "your communities' mixes have 0 MiB, this one has 1, and 1 are allowed");
    let usage = olga.reads("/api/communities/main/feed-mix").await;
    assert_eq!(usage["usage"], json!({ "versions": 1, "ownerBytes": large(1).len(), "checking": 0 }), "{usage}");
    town.end().await;
}

/// What takes longer than an answer may wait is looked at further, and asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_looked_at_for_long_is_answered_before() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (slow, go) = (folder.path().join("slow"), folder.path().join("go"));
    let text = format!("#!/bin/sh\nwhile [ ! -e {} ]; do /bin/sleep 0.05; done\nexec {} \"$@\"\n", go.display(), process::binary().display());
    std::fs::write(&slow, text).expect("the test's folder");
    std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o700)).expect("the test's folder");
    let town = Town::with(&[], Some(slow)).await;
    let mut olga = town.signed_in("olga");
    let began = std::time::Instant::now();
    let version = upload(&mut olga, "main", "slow", &backwards(), 202).await;
    assert!((Duration::from_secs(10)..Duration::from_secs(20)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!((&version["number"], &version["state"], &version["profile"]), (&json!(1), &json!("checking"), &Value::Null), "{version}");
    for deed in ["activate", "preview"] {
        check(&olga.post(&format!("{VERSIONS}/1/{deed}"), &Value::Null).await, 409, "VersionNotReady", "version 1 is still being looked at");
    }
    assert_eq!(olga.reads("/api/communities/main/feed-mix").await["usage"]["checking"], json!(1));
    std::fs::write(go, "").expect("the test's folder");
    let main = &town.community;
    let settled = |world: &World| world.app().uploads.version(main, 1).is_ok_and(|info| info.standing != Standing::Checking);
    town.world.until("it is looked at", settled).await;
    let version = olga.reads(&format!("{VERSIONS}/1")).await;
    assert_eq!(version["state"], json!("ready"), "{version}");
    town.end().await;
}
