//! What is answered to who asks wrongly, and what every answer says; and that none of it tells what is inside (2.4: S19).

use atrarium::clock::Clock;
use atrarium_tests::World;
use atrarium_tests::api::Caller;
use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::plc::{Mood, PASSWORD, Plc};
use atrarium_tests::process::Launch;
use serde_json::{Value, json};

use super::{Town, VICTIM};

/// S19: an error told what went wrong inside.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_nothing_of_the_inside() {
    let town = Town::new().await;
    let mut owner = town.signed_in("olga");
    let secrets = [town.world.directory.to_string_lossy().into_owned(), "ATRARIUM_".to_owned(), ".rs".to_owned(), "panicked".to_owned(), "redb".to_owned()];
    let long = "x".repeat(100_000);
    for (method, path, body, status, name) in [
        ("GET", "/api/communities/%00", Value::Null, 404, "CommunityNotFound"),
        ("GET", "/api/communities/%ff", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities/..%2f..%2fetc%2fpasswd", Value::Null, 404, "CommunityNotFound"),
        ("GET", "/api/communities?limit=abc", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities?limit=0", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities?cursor=forged", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities?role=king", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities/main/members?cursor=AAAA", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities/main/explain", Value::Null, 400, "InvalidRequest"),
        ("GET", "/api/communities/main/explain?post=nonsense", Value::Null, 422, "Unprocessable"),
        ("GET", "/api/moderation/actions", Value::Null, 400, "InvalidRequest"),
        ("POST", "/api/communities", json!({ "name": "" }), 422, "Unprocessable"),
        ("POST", "/api/communities", json!({ "name": 7 }), 422, "Unprocessable"),
        ("POST", "/api/communities", json!([]), 422, "Unprocessable"),
        ("POST", "/api/communities", json!({ "name": long }), 413, "TooLarge"),
        ("POST", "/api/communities", json!({ "name": "Moths" }), 502, "UpstreamFailure"),
        ("PUT", "/api/communities/main", json!({ "feedMix": { "own": 0.5, "parent": 0, "global": 0 } }), 422, "Unprocessable"),
        ("PUT", "/api/communities/main", json!({ "parent": "main" }), 422, "Unprocessable"),
        ("PUT", "/api/communities/nothing", json!({ "name": "x" }), 404, "CommunityNotFound"),
        ("PUT", "/api/communities/main/members/nobody", json!({ "role": "moderator" }), 422, "Unprocessable"),
        ("PUT", "/api/communities/main/members/did:plc:nobody", json!({ "role": "moderator" }), 404, "MemberNotFound"),
        ("PUT", "/api/communities/main/members/nobody", json!({ "role": "owner" }), 422, "Unprocessable"),
        ("POST", "/api/moderation/actions", json!({ "community": "main", "action": "hide_post", "target": "nonsense" }), 422, "Unprocessable"),
        ("DELETE", "/api/moderation/actions/%20", Value::Null, 400, "InvalidRequest"),
        ("DELETE", "/api/communities/main", Value::Null, 502, "UpstreamFailure"),
        ("PATCH", "/api/communities/main", json!({}), 405, "MethodNotAllowed"),
        ("GET", "/api/nothing", Value::Null, 404, "NotFound"),
    ] {
        let answer = owner.call(method, path, &body).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, name), "{method} {path}: {answer:?}");
        let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(!message.is_empty() && message.len() < 300, "{method} {path}: {answer:?}");
        for library in ["deserialize", "missing field", "unknown field", "invalid type", "invalid length", "variant", "struct", "line 1", "column", "u32", "`"]
        {
            assert!(!message.contains(library), "{method} {path} speaks of {library:?}: {message}");
        }
        for secret in &secrets {
            assert!(!answer.body.contains(secret.as_str()) && !answer.head.contains(secret.as_str()), "{method} {path} tells {secret}: {answer:?}");
        }
    }
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_none_is_told_in_words() {
    let town = Town::new().await;
    let owner = town.signed_in("olga");
    let token = format!("Bearer {}", owner.token().unwrap_or_default());
    let check = async |headers: &[(&str, &str)], body: &str, status: u16, words: &str| {
        let length = body.len().to_string();
        let all = [&[("authorization", token.as_str()), ("content-length", &length)], headers].concat();
        let answer = http::send(town.world.address, http::request("POST", "/api/communities", &all, body).as_bytes()).await.expect("an answer");
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.json()["message"].as_str().is_some_and(|message| message.contains(words)), "{body}: {answer:?}");
    };
    let json = [("content-type", "application/json")];
    check(&json, "{\"name\":", 400, "not JSON").await;
    check(&json, "name=Moths", 400, "not JSON: look at line 1, column 2").await;
    check(&json, "{\"name\": 7}", 422, "\"name\" must be a text").await;
    check(&json, "", 422, "\"name\" is missing").await;
    check(&json, "{\"name\":\"Moths\",\"color\":\"red\"}", 422, "there is no \"color\" here").await;
    check(&[("content-type", "application/x-www-form-urlencoded")], "{\"name\":\"Moths\"}", 400, "application/json").await;
    check(&[], "{\"name\":\"Moths\"}", 400, "application/json").await;
    town.end().await;
}

fn allowed(answer: &Answer) -> Vec<&str> {
    let mut methods: Vec<&str> = answer.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
    methods.sort_unstable();
    methods
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_browsers_from_doing_harm_with_it() {
    let mut plain = World::new().await;
    let mut tls = World::with_flags(&["--public-url", "https://feeds.example.org"]).await;
    for (world, strict) in [(&plain, None), (&tls, Some("max-age=31536000"))] {
        let ann = world.tokens(&did("ann")).access;
        for (method, path, status) in [
            ("GET", "/api/auth/me", 200),
            ("GET", "/api/openapi.json", 200),
            ("GET", "/api/docs/", 200),
            ("GET", "/api/communities/nothing", 404),
            ("GET", "/api/nothing", 404),
            ("PATCH", "/api/communities", 405),
            ("OPTIONS", "/api/communities", 405),
            ("GET", "/oauth/login", 400),
            ("GET", "/oauth/callback", 401),
            ("GET", "/oauth/jwks.json", 200),
        ] {
            let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "GET"), ("access-control-request-headers", "authorization")];
            let answer = Caller::bearer(world.address, &ann).call_with(method, path, &preflight, &Value::Null).await;
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            let expected = [
                ("x-content-type-options", Some("nosniff")),
                ("referrer-policy", Some("no-referrer")),
                ("cross-origin-resource-policy", Some("same-origin")),
                ("strict-transport-security", strict),
            ];
            for (name, value) in expected {
                assert_eq!(answer.header(name), value, "{method} {path}: {answer:?}");
            }
            let policy = answer.header("content-security-policy").unwrap_or_default();
            let nothing_else = policy.contains("default-src 'none'") || path == "/api/docs/" && policy.contains("default-src 'self'");
            assert!(nothing_else && policy.contains("frame-ancestors 'none'"), "{method} {path}: {answer:?}");
            assert!(!answer.head.to_ascii_lowercase().contains("access-control-"), "no page of another site may read this: {answer:?}");
            if status == 405 {
                assert_eq!((allowed(&answer), answer.error().as_str()), (vec!["GET", "HEAD", "POST"], "MethodNotAllowed"), "{answer:?}");
            }
        }
        let nobody = Caller::nobody(world.address).get("/api/communities").await;
        assert_eq!((nobody.status, nobody.header("www-authenticate"), nobody.header("cache-control")), (401, Some("Bearer"), Some("no-store")), "{nobody:?}");
    }
    plain.stop().await;
    tls.stop().await;
}

/// Somebody else's server that takes too long is that server's fault, and is told as such.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_a_gateway_timeout() {
    let plc = Plc::start().await;
    let flags = plc.flags();
    let mut world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    plc.is_now(Mood::Silent);
    let answer = Caller::nobody(world.address).post("/api/auth/login", &json!({ "identifier": VICTIM, "password": PASSWORD })).await;
    assert_eq!((answer.status, answer.error().as_str()), (504, "UpstreamTimeout"), "{answer:?}");
    plc.is_now(Mood::Honest);
    world.stop().await;
}

/// While it can't be read who is signed in, nobody is told that they aren't: a page would send them to sign in again.
#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_looked_up_is_not_nobody() {
    let mut world = World::new().await;
    world.clock.set(Clock::system().now_ms());
    let tokens = world.tokens(&did("ann"));
    world.stop().await;
    let jetstream = world.server.endpoint();
    let launch = Launch {
        directory: &world.directory,
        jetstream: &jetstream,
        port: None,
        failpoints: Some("state-reading=60*off->return"),
        flags: &["--public-url", "http://localhost:3000"],
    };
    let mut process = launch.start();
    assert!(process.ready().await, "{}", process.log());
    let cookie = format!("atrarium_access={}", tokens.access);
    let mut seen = Vec::new();
    while seen.len() < 200 && seen.last() != Some(&503) {
        let answer = Caller::nobody(process.address).call_with("GET", "/api/auth/me", &[("cookie", &cookie)], &Value::Null).await;
        if answer.status != 200 {
            assert_eq!((answer.status, answer.error().as_str(), answer.header("retry-after").is_some()), (503, "ServiceUnavailable", true), "{answer:?}");
        }
        seen.push(answer.status);
    }
    assert_eq!((seen.first(), seen.last()), (Some(&200), Some(&503)), "{seen:?}");
    let page = Caller::nobody(process.address).call_with("GET", "/oauth/done", &[("cookie", &cookie)], &Value::Null).await;
    assert_eq!(page.status, 503, "{page:?}");
    process.kill().await;
}
