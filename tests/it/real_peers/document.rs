//! The API's document against the API: schemathesis reads `/api/openapi.json`, makes requests of every form that it allows and some
//! that it doesn't, and fails at the first answer that isn't what the document says. What it tries is in `tests/schemathesis`.
//!
//! The caller owns a community at a real PDS and is an operator, so that what changes something succeeds and its answer is seen too.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use atrarium::clock::Clock;
use atrarium_tests::api::Caller;
use atrarium_tests::http;
use atrarium_tests::network::POST;
use atrarium_tests::peers::Peers;
use atrarium_tests::records;
use atrarium_tests::repo::{PASSWORD, tid};
use atrarium_tests::uploads::component;
use serde_json::{Value, json};
use tokio::process::Command;

use super::House;

/// It takes about a minute on an idle machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Communities that may be closed.
const SPARE: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_what_the_document_says() {
    let peers = Peers::without_appview().await;
    let (olga, ann) = (peers.person("olga").await, peers.person("ann").await);
    let house = House::with(&peers, &["--operators", &olga.did, "--api-requests-per-hour", "10000000", "--communities-per-owner", "1000"]).await;
    let mut owner = Caller::sign_in_with_password(house.address(), &olga.handle, PASSWORD).await;
    let mut communities = Vec::new();
    for number in 0..=SPARE {
        let community = owner.done("POST", "/api/communities", &json!({ "name": format!("Night moths {number}") }), 201).await;
        communities.push(community);
    }
    let text = |community: &Value, field: &str| community[field].as_str().unwrap_or_default().to_owned();
    let (id, tag) = (text(&communities[0], "id"), text(&communities[0], "hashtag"));
    let mut member = Caller::sign_in_with_password(house.address(), &ann.handle, PASSWORD).await;
    member.done("POST", &format!("/api/communities/{id}/members"), &json!({}), 201).await;
    let post = ann.put(POST, &tid(1), records::post(&format!("a hawk moth {tag}"), Clock::system().now_ms() - 60_000)).await;
    house.shows("a post to be explained and hidden", &text(&communities[0], "uri"), std::slice::from_ref(&post)).await;
    let mix = component(env!("OUT_DIR"), "backwards");
    let uploaded = owner.send(&format!("/api/communities/{id}/feed-mix/versions"), &[("content-type", "application/wasm")], &mix).await;
    assert_eq!(uploaded.status, 201, "{uploaded:?}");

    let token = owner.token().expect("who signs in with a password gets a token");
    let spare: Vec<String> = communities[1..].iter().map(|community| format!("\"{}\"", text(community, "id"))).collect();
    let facts = [("token", token), ("community", &id), ("spare", &spare.join(", ")), ("owner", &olga.did), ("member", &ann.did), ("post", &post)];
    let directory = tempfile::tempdir().expect("tests need a temporary directory");
    let document = format!("http://127.0.0.1:{}/api/openapi.json", house.address().port());
    let said = schemathesis(directory.path(), &facts, &document).await;
    assert!(said.is_ok(), "{}\n{}", said.unwrap_err(), house.program().log());

    // Those that end the session, with one each.
    for (method, path) in [("POST", "/api/auth/logout"), ("DELETE", "/api/auth/sessions")] {
        let mut other = Caller::sign_in_with_password(house.address(), &ann.handle, PASSWORD).await;
        let ended = other.done(method, path, &Value::Null, 200).await;
        assert!(ended["ended"].as_u64().is_some_and(|ended| ended > 0), "{ended}");
    }
    let answer = http::get(house.address(), "/xrpc/_health").await.expect("the program answers");
    assert_eq!(answer.status, 200, "after all that");
}

/// What it says if it finds anything.
async fn schemathesis(directory: &Path, facts: &[(&str, &str)], document: &str) -> Result<(), String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests have a folder in the workspace");
    let program: PathBuf = workspace.join("target/schemathesis/bin/schemathesis");
    assert!(program.exists(), "schemathesis is not installed: run `make schemathesis`");
    let mut config = std::fs::read_to_string(workspace.join("tests/schemathesis/schemathesis.toml")).expect("what is to be tried");
    for (name, value) in facts {
        config = config.replace(&format!("{{{{{name}}}}}"), value);
    }
    let file = directory.join("schemathesis.toml");
    std::fs::write(&file, config).expect("the test's own directory");
    let mut command = Command::new(program);
    command.arg("--config-file").arg(&file).args(["run", document, "--no-color"]).current_dir(directory);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it can be run");
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))),
    }
}
