//! The mixes of owners through the API: from an upload to the feed and back, what becomes of one that fails, and who sees what of it.

use atrarium_tests::api::Caller;
use atrarium_tests::http;
use atrarium_tests::network::did;
use atrarium_tests::process;
use atrarium_tests::scene::TAG;
use atrarium_tests::uploads::component;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

use super::Town;

pub(super) const WASM: (&str, &str) = ("content-type", "application/wasm");
const MIX: &str = "/api/communities/main/feed-mix";
const NOON: &str = "2026-11-20T12:00:00.000Z";

/// A mix whose order nobody takes for the default one.
pub(super) fn backwards() -> Vec<u8> {
    component(env!("OUT_DIR"), "backwards")
}

/// The same with so many bytes more, in a section of nothing.
pub(super) fn another(more: usize) -> Vec<u8> {
    let mut bytes = backwards();
    let mut size = more + 2;
    bytes.push(0);
    loop {
        let last = size < 0x80;
        bytes.push(size as u8 & 0x7f | if last { 0 } else { 0x80 });
        size >>= 7;
        if last {
            break;
        }
    }
    bytes.extend_from_slice(b"\x01x");
    bytes.resize(bytes.len() + more, b'.');
    bytes
}

/// A mix that does what a candidate's record key says.
fn misbehaving() -> Vec<u8> {
    component(env!("OUT_DIR"), "feed-mix")
}

/// What lies where compiled code is kept.
pub(super) fn files(town: &Town) -> Vec<String> {
    let names = std::fs::read_dir(town.world.directory.join("compiled")).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Uploads what must be answered with this status.
pub(super) async fn upload(caller: &mut Caller, community: &str, name: &str, bytes: &[u8], status: u16) -> Value {
    let answer = caller.send(&format!("/api/communities/{community}/feed-mix/versions?name={}", http::encode(name)), &[WASM], bytes).await;
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    answer.json()
}

async fn does(caller: &mut Caller, deed: &str) -> Value {
    caller.done("POST", &format!("{MIX}/{deed}"), &Value::Null, 200).await
}

fn uris(posts: &Value) -> Vec<&str> {
    posts.as_array().into_iter().flatten().filter_map(|post| post["uri"].as_str()).collect()
}

fn hex_sha256(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_uploads_looks_tries_activates_and_goes_back() {
    let town = Town::new().await;
    let mut olga = town.signed_in("olga");
    let usual = [&town.welcome, &town.notice, &town.post].map(String::as_str);
    let backward = [&town.post, &town.notice, &town.welcome].map(String::as_str);
    let quotas = json!({
        "versions": 20, "ownerBytes": 240 << 20, "largestBytes": 24 << 20, "checking": 3, "perHour": 30, "fuel": 50_000_000, "milliseconds": 250, "memoryKib": 65_536
    });
    let nothing = json!({
        "active": null, "madeBy": "default", "versions": [], "mayUpload": true, "usage": { "versions": 0, "ownerBytes": 0, "checking": 0 }, "quotas": quotas
    });
    assert_eq!(olga.reads(MIX).await, nothing);
    let refused = olga.post(&format!("{MIX}/rollback"), &Value::Null).await;
    assert_eq!((refused.status, refused.error().as_str()), (409, "NothingBefore"), "{refused:?}");

    let first = upload(&mut olga, "main", "first, and “best”", &backwards(), 201).await;
    let expected = json!({
        "number": 1, "name": "first, and “best”", "sha256": hex_sha256(&backwards()), "size": backwards().len(), "language": "Rust", "uploader": did("olga"),
        "uploadedAt": NOON, "state": "ready", "profile": first["profile"], "active": false
    });
    assert_eq!(first, expected);
    let profile = &first["profile"];
    assert!(["fuel", "memoryKib", "microseconds"].iter().all(|field| profile[*field].as_u64().is_some_and(|n| n > 0)), "{profile}");
    assert_eq!((&profile["canAskWhoReads"], &profile["asksWhoReads"]), (&json!(true), &json!(false)), "{profile}");
    assert_eq!(upload(&mut olga, "main", "again", &backwards(), 200).await, first, "the same bytes are the same version");
    assert_eq!(olga.reads(&format!("{MIX}/versions")).await, json!({ "versions": [first] }));
    assert_eq!(olga.reads(&format!("{MIX}/versions/1")).await, first);
    assert_eq!(olga.get(&format!("{MIX}/versions/2")).await.error(), "VersionNotFound");
    assert_eq!(town.feed().await, usual, "nothing is active yet");

    let preview = olga.done("POST", &format!("{MIX}/versions/1/preview?limit=2"), &Value::Null, 200).await;
    assert_eq!((uris(&preview["posts"]), uris(&preview["now"]["posts"])), (backward[..2].to_vec(), usual[..2].to_vec()), "{preview}");
    let top = json!({ "uri": town.post, "author": did("ann"), "source": "own", "pinned": true, "note": "0" });
    assert_eq!((&preview["posts"][0], &preview["now"]["version"], &preview["failure"]), (&top, &Value::Null, &Value::Null), "{preview}");
    assert_eq!((&preview["said"], &preview["calls"], &preview["version"]), (&json!("3 posts behind 0"), &json!(1), &json!(1)));
    assert!(preview["fuel"].as_u64() > Some(1_000) && preview["memoryKib"].as_u64() > Some(0) && preview["microseconds"].is_u64(), "{preview}");

    let active = does(&mut olga, "versions/1/activate").await;
    let in_short = json!([{ "number": 1, "name": "first, and “best”", "state": "ready", "active": true }]);
    assert_eq!((&active["active"], &active["madeBy"], &active["since"], &active["versions"]), (&json!(1), &json!("version"), &json!(NOON), &in_short));
    assert_eq!(active["before"], json!({ "version": null }), "a rollback leads to the default mix");
    assert_eq!(town.feed().await, backward);
    let preview = does(&mut olga, "versions/1/preview").await;
    assert_eq!((&preview["now"]["version"], &preview["now"]["posts"]), (&json!(1), &preview["posts"]), "what is active is what is shown");
    let refused = olga.delete(&format!("{MIX}/versions/1")).await;
    assert_eq!((refused.status, refused.error().as_str()), (409, "VersionActive"), "{refused:?}");

    town.world.clock.set(NOW + 1_000);
    assert_eq!(upload(&mut olga, "main", "", &another(1), 201).await["name"], json!("version 2"));
    let active = does(&mut olga, "versions/2/activate").await;
    let (number, before, since) = (&active["active"], &active["before"], &active["since"]);
    assert_eq!((number, before, since), (&json!(2), &json!({ "version": 1 }), &json!("2026-11-20T12:00:01.000Z")), "{active}");
    let active = does(&mut olga, "rollback").await;
    assert_eq!((&active["active"], &active["before"]), (&json!(1), &json!({ "version": 2 })), "{active}");
    let active = does(&mut olga, "deactivate").await;
    assert_eq!((&active["active"], &active["madeBy"], &active["before"]), (&Value::Null, &json!("default"), &json!({ "version": 1 })), "{active}");
    assert_eq!(town.feed().await, usual);
    assert_eq!(does(&mut olga, "deactivate").await, active, "twice is once");
    let left = olga.done("DELETE", &format!("{MIX}/versions/2"), &Value::Null, 200).await;
    assert_eq!((left["versions"].as_array().map(Vec::len), &left["usage"]["ownerBytes"]), (Some(1), &json!(backwards().len())), "{left}");
    assert_eq!(upload(&mut olga, "main", "", &another(1), 201).await["number"], json!(3), "no number comes again");

    let log = olga.reads(&format!("{MIX}/log")).await;
    let kinds = |number: u32| -> Vec<&str> {
        let lines = log["lines"].as_array().into_iter().flatten().filter(|line| line["version"] == json!(number));
        lines.filter_map(|line| line["kind"].as_str()).collect()
    };
    for (number, expected) in [(1, ["uploaded", "admitted", "activated", "said"].as_slice()), (2, &["uploaded", "admitted", "activated", "removed"])] {
        assert!(expected.iter().all(|kind| kinds(number).contains(kind)), "{number}: {log}");
    }
    let deactivated = &log["lines"].as_array().into_iter().flatten().find(|line| line["kind"] == json!("deactivated"));
    let text = format!("by {}: the default mix makes the feed", did("olga"));
    let at = "2026-11-20T12:00:01.000Z";
    assert_eq!(*deactivated, Some(&json!({ "kind": "deactivated", "text": text, "firstAt": at, "lastAt": at, "times": 1 })), "{log}");
    town.end().await;
}

/// Authors try their mixes at home with what a server would ask them, and need no account there.
#[tokio::test(flavor = "multi_thread")]
async fn anybody_tries_a_mix_at_home_with_the_posts_of_a_feed() {
    let town = Town::new().await;
    let path = format!("{MIX}/candidates?limit=2");
    let told = town.nobody().reads(&path).await;
    let own = &told["sources"][0];
    let usual = [&town.welcome, &town.notice, &town.post].map(String::as_str);
    assert_eq!((&told["community"], &told["limit"], &told["position"], &told["now"]), (&json!(town.community), &json!(2), &json!(0), &json!(NOW)), "{told}");
    assert_eq!((&own["kind"], &own["taken"], &own["hasMore"], uris(&own["candidates"])), (&json!("own"), &json!(0), &json!(false), usual.to_vec()), "{told}");
    let author = |candidate: &Value| &told["authors"][candidate["author"].as_u64().map_or(usize::MAX, |number| number as usize)];
    assert_eq!(*author(&own["candidates"][2]), json!({ "did": did("ann"), "role": "member", "posts": 1 }), "{told}");
    // What a moderator has hidden isn't offered to any mix.
    assert!(!told.to_string().contains(&town.hidden), "{told}");

    let file = town.world.directory.join("backwards.wasm");
    std::fs::write(&file, backwards()).expect("the test's folder");
    let url = format!("http://{}{path}", town.world.address);
    let output = tokio::process::Command::new(process::binary()).args(["mix", "run"]).arg(&file).args(["--against", &url, "--limit", "3"]).output().await;
    let output = output.expect("the program starts");
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{page}{}", String::from_utf8_lossy(&output.stderr));
    let first = page.lines().find(|line| line.starts_with("   1  ")).unwrap_or_default();
    let end = |uri: &str| uri[uri.len() - 6..].to_owned();
    let (mine, default) = (first.find(&end(&town.post)), first.find(&end(&town.welcome)));
    assert!(mine.is_some() && mine < default, "theirs begins with the oldest, the default mix with the newest:\n{page}");
    assert!(page.contains("3 picks of 3 posts"), "{page}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_a_mix_that_fails_says_why_and_changes_nothing() {
    let mut town = Town::new().await;
    let trap = town.world.post(&did("ann"), "trap-1", TAG, NOW - 20_000);
    town.world.settled().await;
    let mut olga = town.signed_in("olga");
    let usual = [trap, town.welcome.clone(), town.notice.clone(), town.post.clone()];
    upload(&mut olga, "main", "", &misbehaving(), 201).await;
    let failing = async |olga: &mut Caller, now: Value| {
        let generation = town.world.app().uploads.generation();
        for _ in 0..20 {
            let preview = does(olga, "versions/1/preview").await;
            assert!(preview["failure"].as_str().is_some_and(|why| why.starts_with("version 1 broke off: ") && why.contains("told to trap")), "{preview}");
            assert_eq!(
                (&preview["posts"], uris(&preview["now"]["posts"]), &preview["now"]["version"]),
                (&json!([]), usual.iter().map(String::as_str).collect(), &now)
            );
        }
        assert_eq!(town.world.app().uploads.generation(), generation, "pages that were made are as good as before");
    };
    let failures = async |olga: &mut Caller| {
        let log = olga.reads(&format!("{MIX}/log")).await;
        log["lines"].as_array().into_iter().flatten().filter(|line| line["kind"] == json!("failed")).filter_map(|line| line["times"].as_u64()).sum::<u64>()
    };
    failing(&mut olga, Value::Null).await;
    does(&mut olga, "versions/1/activate").await;
    failing(&mut olga, json!(1)).await;
    assert_eq!((failures(&mut olga).await, &olga.reads(MIX).await["madeBy"]), (0, &json!("version")), "no reader has seen it fail");
    // Three readers in a row do.
    for limit in 1..=3 {
        assert_eq!(town.world.page(&town.community, limit, None).await.status, 200);
        assert_eq!(failures(&mut olga).await, limit as u64);
    }
    let paused = olga.reads(MIX).await;
    let (by, until) = (&paused["madeBy"], &paused["pausedUntil"]);
    assert_eq!((&paused["active"], by, until), (&json!(1), &json!("paused"), &json!("2026-11-20T12:00:01.000Z")), "{paused}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_that_the_mix_is_another_and_the_owner_why() {
    let mut town = Town::new().await;
    town.world.post(&did("ann"), "trap-1", TAG, NOW - 20_000);
    town.world.settled().await;
    let mut listener = town.signed_in("eve").events("main", None).await.expect("there is room");
    upload(&mut town.signed_in("olga"), "main", "", &misbehaving(), 201).await;
    let mut olga = town.signed_in("olga");
    does(&mut olga, "versions/1/activate").await;
    assert_eq!(listener.until("mix").await.data, json!({ "uploaded": true, "switchedOff": false }));
    does(&mut olga, "deactivate").await;
    assert_eq!(listener.until("mix").await.data, json!({ "uploaded": false, "switchedOff": false }));
    does(&mut olga, "rollback").await;
    let last = listener.until("mix").await;
    // It fails each reader that it is asked for, until it isn't any more.
    let mut step = 0;
    while town.world.app().uploads.active(&town.community).is_some_and(|active| active.number.is_some()) {
        step += 1;
        assert!(step < 200, "it is never switched off");
        town.world.clock.set(NOW + step * 20_000);
        assert_eq!(town.world.page(&town.community, 50, None).await.status, 200);
    }
    let mut again = town.signed_in("eve").events("main", Some(&last.id)).await.expect("there is room");
    assert_eq!(again.until("mix").await.data, json!({ "uploaded": false, "switchedOff": true }), "who was interrupted hears of it too");
    let off = town.signed_in("olga").reads(MIX).await;
    let why = off["switchedOff"].as_str().unwrap_or_default();
    assert!(
        why.starts_with("version 1 failed again and again, so the default mix makes the feed; the last time it broke off: ") && why.contains("told to trap"),
        "{off}"
    );
    assert_eq!((&off["active"], &off["before"]), (&Value::Null, &json!({ "version": 1 })), "{off}");
    let totals = town.signed_in("oscar").reads("/api/operator/status").await["mixes"].clone();
    let size = misbehaving().len();
    assert_eq!(totals, json!({ "components": 1, "bytes": size, "versions": 1, "active": 0, "switchedOff": 1, "checking": 0 }));
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_communitys_is_reached() {
    let town = Town::new().await;
    let (mut olga, mut otto) = (town.signed_in("olga"), town.signed_in("otto"));
    let ottos = upload(&mut otto, "other", "otto's", &backwards(), 201).await;
    let theirs = "/api/communities/other/feed-mix";
    let all = [
        ("GET", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
        ("GET", "/log"),
        ("POST", "/versions/1/preview"),
        ("POST", "/versions/1/activate"),
        ("POST", "/deactivate"),
        ("POST", "/rollback"),
        ("DELETE", "/versions/1"),
    ];
    for (method, path) in all {
        assert_eq!(olga.call(method, &format!("{theirs}{path}"), &Value::Null).await.status, 403, "{method} {path}");
    }
    assert_eq!(olga.send(&format!("{theirs}/versions"), &[WASM], &another(1)).await.status, 403);
    // One's own community has none of it, whatever it is called.
    for (method, path) in all.into_iter().filter(|(_, path)| path.contains("/1")) {
        let answer = olga.call(method, &format!("{MIX}{path}"), &Value::Null).await;
        assert_eq!((answer.status, answer.error().as_str()), (404, "VersionNotFound"), "{method} {path}: {answer:?}");
    }
    // The same bytes are kept once, and each has their own version of them.
    upload(&mut olga, "main", "olga's", &backwards(), 201).await;
    does(&mut olga, "versions/1/activate").await;
    let status = otto.reads(theirs).await;
    assert_eq!((&status["active"], &otto.reads(&format!("{theirs}/versions/1")).await), (&Value::Null, &ottos), "{status}");
    otto.done("DELETE", &format!("{theirs}/versions/1"), &Value::Null, 200).await;
    assert_eq!(town.feed().await, [&town.post, &town.notice, &town.welcome].map(String::clone), "the other's goes on");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_looks_and_stops_and_does_nothing_else() {
    let town = Town::new().await;
    let (mut olga, mut oscar) = (town.signed_in("olga"), town.signed_in("oscar"));
    upload(&mut olga, "main", "", &backwards(), 201).await;
    let active = does(&mut olga, "versions/1/activate").await;
    assert_eq!(oscar.reads(MIX).await, active);
    for (method, path) in [("POST", "versions/1/preview"), ("POST", "versions/1/activate"), ("POST", "rollback"), ("DELETE", "versions/1")] {
        assert_eq!(oscar.call(method, &format!("{MIX}/{path}"), &Value::Null).await.status, 403, "{method} {path}");
    }
    assert_eq!(does(&mut oscar, "deactivate").await["active"], Value::Null);
    assert_eq!(town.feed().await, [&town.welcome, &town.notice, &town.post].map(String::clone));
    let log = olga.reads(&format!("{MIX}/log")).await;
    assert!(log.to_string().contains(&format!("by {}: the default mix", did("oscar"))), "the owner sees who: {log}");
    let limits = oscar.reads("/api/operator/limits").await;
    assert_eq!(
        (&limits["mixUploads"], &limits["mixesTotalBytes"], &limits["mixes"]),
        (&json!("everybody"), &json!(4_096_u64 << 20), &active["quotas"]),
        "{limits}"
    );
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_uploads_are_off_nothing_is_taken_and_what_is_there_is_shown() {
    let mut town = Town::new().await;
    let mut olga = town.signed_in("olga");
    upload(&mut olga, "main", "", &backwards(), 201).await;
    does(&mut olga, "versions/1/activate").await;
    let usual = [&town.welcome, &town.notice, &town.post].map(String::clone);
    let others = did("otto");
    for (flags, why) in [
        (["--no-mix-uploads"].as_slice(), "this host takes no uploads of mixes"),
        (&["--mix-uploaders", &others], "this host takes mixes of certain owners only: ask its operator"),
    ] {
        town.world.stop().await;
        town.world.set_flags(flags);
        town.world.start_again().await;
        let mut olga = town.signed_in("olga");
        let status = olga.reads(MIX).await;
        assert_eq!(
            (&status["mayUpload"], &status["mayNotBecause"], &status["madeBy"], &status["active"]),
            (&json!(false), &json!(why), &json!("barred"), &json!(1))
        );
        assert_eq!(town.feed().await, usual);
        let refused = olga.send(&format!("{MIX}/versions"), &[WASM], &another(1)).await;
        assert_eq!((refused.status, refused.json()["message"].as_str()), (403, Some(why)), "{refused:?}");
        for deed in ["versions/1/activate", "versions/1/preview"] {
            let refused = olga.post(&format!("{MIX}/{deed}"), &Value::Null).await;
            assert_eq!((refused.status, refused.json()["message"].as_str()), (403, Some(why)), "{deed}: {refused:?}");
        }
    }
    // What is there can be put away.
    let mut olga = town.signed_in("olga");
    does(&mut olga, "deactivate").await;
    let left = olga.done("DELETE", &format!("{MIX}/versions/1"), &Value::Null, 200).await;
    assert_eq!((&left["versions"], files(&town)), (&json!([]), Vec::new()), "{left}");
    town.end().await;
}
