//! What is asked and what is answered, route by route and mistake by mistake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::dashboard::NotReady;

#[tokio::test(start_paused = true)]
async fn every_route_answers() {
    let server = Server::public(Script).await;
    let check = async |target: &str, cache: &str, expected: &str| {
        let answer = server.get(target).await;
        assert_eq!(status(&answer), "200", "{target}: {answer}");
        assert_eq!(body(&answer), expected, "{target}");
        assert_eq!(header(&answer, "cache-control"), Some(cache), "{target}");
        assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"), "{target}");
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{target}");
        let head = server.exchange(format!("HEAD {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
        assert_eq!(body(&head), "", "a HEAD has no body");
        assert_eq!(header(&head, "content-length"), Some(expected.len().to_string().as_str()), "{target}");
        assert_eq!(header(&head, "content-type"), header(&answer, "content-type"), "{target}");
    };
    check("/xrpc/_health", "no-store", r#"{"version":"0.1.0"}"#).await;
    let document = concat!(
        r##"{"@context":["https://www.w3.org/ns/did/v1"],"id":"did:web:feeds.example.org","service":[{"id":"#bsky_fg","##,
        r##""type":"BskyFeedGenerator","serviceEndpoint":"https://feeds.example.org"}]}"##,
    );
    check("/.well-known/did.json", "public, max-age=3600", document).await;
    let description = format!(
        r#"{{"did":"did:web:feeds.example.org","feeds":[{{"uri":"at://{DID}/app.bsky.feed.generator/one"}},{{"uri":"at://{DID}/app.bsky.feed.generator/two"}}]}}"#
    );
    check("/xrpc/app.bsky.feed.describeFeedGenerator", "no-store", &description).await;
    let page = format!(r#"{{"feed":[],"echo":"{DID}|one|50|None|None"}}"#);
    check(&format!("{SKELETON}?feed=at://{DID}/app.bsky.feed.generator/one"), "no-store", &page).await;
    let root = server.get("/").await;
    assert_eq!(header(&root, "content-type"), Some("text/plain; charset=utf-8"));
    assert!(body(&root).contains("Feeds here: 2."), "{root}");
}

#[tokio::test(start_paused = true)]
async fn a_query_reaches_the_feed_decoded() {
    let server = Server::public(Script).await;
    let check = async |query: &str, echo: &str| {
        let answer = server.get(&format!("{SKELETON}?{query}")).await;
        assert!(body(&answer).contains(&format!(r#""echo":"{DID}|{}"#, echo.replace('"', "\\\""))), "{query}: {answer}");
    };
    let plain = format!("feed=at://{DID}/app.bsky.feed.generator/a.b:c~d");
    let encoded = "feed=at%3A%2F%2Fdid%3Aplc%3Aewvi7nxzyoun6zhxrhs64oiz%2Fapp.bsky.feed.generator%2Fone";
    check(&plain, "a.b:c~d|50|None|None").await;
    check(encoded, "one|50|None|None").await;
    check(&format!("{encoded}&limit=1"), "one|1|None|None").await;
    check(&format!("limit=100&{encoded}&cursor=a%2Bb%3D"), "one|100|Some(\"a+b=\")|None").await;
    check(&format!("{encoded}&cursor="), "one|50|None|None").await;
    check(&format!("{encoded}&viewer=did:plc:x&limits=7"), "one|50|None|None").await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_request_is_told_what_is_wrong() {
    let server = Server::public(Script).await;
    let check = async |request: &str, expected: &str, error: &str, message: &str| {
        let answer = server.exchange(request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        let json: serde_json::Value = serde_json::from_str(body(&answer)).expect("errors are JSON");
        assert_eq!(json["error"], error, "{request}");
        assert!(json["message"].as_str().is_some_and(|text| text.contains(message)), "{request}: {json}");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(2), "{request}");
    };
    let get = |query: &str| format!("GET {SKELETON}{query} HTTP/1.1\r\nhost: x\r\n\r\n");
    let feed = format!("?feed=at://{DID}/app.bsky.feed.generator/one");
    for (limit, says) in [
        ("0", "limit"),
        ("101", "limit"),
        ("abc", "limit"),
        ("", "limit"),
        ("-1", "limit"),
        ("%2B5", "limit"),
        ("5.0", "limit"),
        ("99999999999", "limit"),
        ("5&limit=5", "more than once"),
        ("5&limit=6", "more than once"),
    ] {
        check(&get(&format!("{feed}&limit={limit}")), "400", "InvalidRequest", says).await;
    }
    for uri in [
        "",
        "x",
        "one",
        "at://",
        "at:///",
        "https://x/y",
        "at://%20/app.bsky.feed.generator/one",
        &format!("at://{DID}"),
        &format!("at://{DID}/app.bsky.feed.generator"),
        &format!("at://{DID}/app.bsky.feed.generator/"),
        &format!("at://{DID}/app.bsky.feed.generator/one/"),
        &format!("at://{DID}/app.bsky.feed.generator/a%20b"),
        &format!("at://{DID}/app.bsky.feed.generator/one%00"),
        &format!("at://{DID}/app.bsky.feed.generator/one%23x"),
        &format!("at://{DID}/app.bsky.feed.post/one"),
        "at://alice.example.org/app.bsky.feed.generator/one",
        "at://did:plc:/app.bsky.feed.generator/one",
        &format!("at://{DID}/app.bsky.feed.generator/{}", "a".repeat(513)),
    ] {
        check(&get(&format!("?feed={uri}")), "400", "InvalidRequest", "\"feed\"").await;
    }
    check(&get(""), "400", "InvalidRequest", "\"feed\" is missing").await;
    check(&get("?limit=5"), "400", "InvalidRequest", "\"feed\" is missing").await;
    check(&get("?feed=at://alice.example.org/app.bsky.feed.generator/one"), "400", "InvalidRequest", "must be a DID").await;
    check(&get(&format!("?feed=at://{DID}/app.bsky.feed.post/one")), "400", "InvalidRequest", "collection").await;
    check(&get(&format!("{feed}&feed=at://{DID}/app.bsky.feed.generator/two")), "400", "InvalidRequest", "more than once").await;
    check(&get(&format!("{feed}&cursor=a&cursor=a")), "400", "InvalidRequest", "more than once").await;
    check(&get(&format!("{feed}&cursor=forged")), "400", "InvalidRequest", "cursor").await;
    check(&get(&format!("{feed}&cursor=%zz")), "400", "InvalidRequest", "percent-encoded").await;
    check(&get(&format!("{feed}&cursor=%ff")), "400", "InvalidRequest", "UTF-8").await;
    check(&get(&format!("{feed}&other=%")), "400", "InvalidRequest", "percent-encoded").await;
    check(&get(&format!("?feed=at://{DID}/app.bsky.feed.generator/unknown")), "400", "UnknownFeed", "no such feed").await;
    check(&get(&format!("?feed=at://{DID}/app.bsky.feed.generator/broken")), "503", "ServiceUnavailable", "can't be read").await;
    for body in [
        "content-length: 2\r\n\r\n{}",
        "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "content-length: 2\r\n\r\n",
    ] {
        for target in [format!("{SKELETON}{feed}"), "/xrpc/_health".to_owned()] {
            check(&format!("GET {target} HTTP/1.1\r\nhost: x\r\n{body}"), "400", "InvalidRequest", "no body").await;
        }
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        check(&format!("{method} {SKELETON} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"), "405", "InvalidRequest", method).await;
    }
    for method in ["GET", "POST"] {
        check(&format!("{method} /xrpc/app.bsky.feed.getTimeline HTTP/1.1\r\n\r\n"), "501", "MethodNotImplemented", "").await;
    }
    for path in ["/x", "/xrpc", "/xrpc/", "/xrpc/a/b", "//", "/.well-known/did.json/", "/metrics", "/live", "/ready", "*"] {
        check(&format!("GET {path} HTTP/1.1\r\n\r\n"), "404", "NotFound", "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn errors_carry_the_headers_that_callers_need() {
    let server = Server::public(Script).await;
    let unavailable = server.get(&format!("{SKELETON}?feed=at://{DID}/app.bsky.feed.generator/broken")).await;
    assert_eq!(header(&unavailable, "retry-after"), Some("5"));
    assert!(!unavailable.contains("fire"), "the cause is for the operator: {unavailable}");
    let wrong = server.exchange(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(header(&wrong, "allow"), Some("GET, HEAD"));
    assert_eq!(header(&wrong, "access-control-allow-origin"), None);
    let body = server.exchange(b"GET / HTTP/1.1\r\ncontent-length: 1\r\n\r\n").await;
    assert_eq!(header(&body, "connection"), Some("close"));
}

#[tokio::test(start_paused = true)]
async fn the_admin_listener_tells_operators_and_serves_no_feed() {
    let numbers = crate::telemetry::install();
    let blocked = Arc::new(AtomicBool::new(true));
    let seen = blocked.clone();
    let readiness = move || {
        let reasons = if seen.load(Ordering::Relaxed) { vec![NotReady::silent(120)] } else { vec![] };
        let firehose = Firehose { connected: true, lag_seconds: Some(0.25), catching_up: false, silent_seconds: 0.0 };
        Readiness { ready: reasons.is_empty(), reasons, database: "open", firehose, queue_depth: 3 }
    };
    let look_up = || "atrarium_looked_up 1\n".to_owned();
    let gauges = Gauges { readiness: Box::new(readiness), look_up: Arc::new(look_up) };
    let server = Server::start(|listener, stop| serve_admin(listener, numbers, gauges, stop)).await;
    let check = async |target: &str, expected: &str, contains: &str| {
        let answer = server.get(target).await;
        assert_eq!(status(&answer), expected, "{target}: {answer}");
        assert!(body(&answer).contains(contains), "{target}: {answer}");
    };
    check("/live", "200", r#"{"live":true}"#).await;
    check(
        "/ready",
        "503",
        r#"{"ready":false,"reasons":[{"code":"silent","message":"no event from the firehose for more than 120 seconds","limitSeconds":120}],"database":"open""#,
    )
    .await;
    blocked.store(false, Ordering::Relaxed);
    let firehose = r#""firehose":{"connected":true,"lagSeconds":0.25,"catchingUp":false,"silentSeconds":0.0},"queueDepth":3}"#;
    check("/ready", "200", &format!(r#"{{"ready":true,"reasons":[],"database":"open",{firehose}"#)).await;
    metrics::histogram!("atrarium_test_seconds").record(0.003);
    check("/metrics", "200", "atrarium_test_seconds_bucket{le=\"0.005\"} 1").await;
    check("/metrics", "200", "atrarium_looked_up 1").await;
    check("/metrics", "200", "\nprocess_resident_memory_bytes ").await;
    check("/metrics", "200", "# HELP atrarium_skeleton_late_total Pages that came later than the AppView waits").await;
    for target in ["/", "/xrpc/_health", SKELETON, "/.well-known/did.json", "/metrics/"] {
        check(target, "404", "NotFound").await;
    }
    let answer = server.exchange(b"POST /metrics HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(status(&answer), "405");
    server.stop.cancel();
    server.ended.await.expect("serving doesn't panic");
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_no_token_is_refused_where_feeds_are_asked_for() {
    let server = Server::public(Script).await;
    let feed = format!("{SKELETON}?feed=at://{DID}/app.bsky.feed.generator/one");
    let check = async |target: &str, headers: &str, expected: (&str, Option<&str>)| {
        let answer = server.exchange(format!("GET {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await;
        let json: serde_json::Value = serde_json::from_str(body(&answer)).unwrap_or_default();
        assert_eq!((status(&answer), json["error"].as_str()), expected, "{headers}: {answer}");
        assert_eq!(header(&answer, "www-authenticate"), expected.1.map(|_| "Bearer"), "{answer}");
    };
    for headers in ["authorization: Bearer x\r\n", "authorization: \r\n", "authorization: Bearer \u{e9}\r\n", "authorization: Basic YTpi\r\n"] {
        check(&feed, headers, ("401", Some("BadJwt"))).await;
    }
    check(&feed, "authorization: Bearer x\r\nauthorization: Bearer x\r\n", ("401", Some("BadJwt"))).await;
    check(&feed, "", ("200", None)).await;
    check("/xrpc/app.bsky.feed.describeFeedGenerator", "authorization: Bearer x\r\n", ("200", None)).await;
}
