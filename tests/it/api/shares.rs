//! How often somebody may ask, and try to sign in; and that nobody uses up another's share (2.4: S15).

use std::time::Instant;

use atrarium_tests::World;
use atrarium_tests::api::{Caller, Site};
use atrarium_tests::http;
use atrarium_tests::network::did;
use atrarium_tests::plc::{PASSWORD, Plc};
use atrarium_tests::records::with;
use atrarium_tests::signer::Signer;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

use super::{BEHIND_A_PROXY, SERVICE, Town, VICTIM};

/// How many requests were beyond a share of this kind, by anyone's doing.
async fn limited(world: &World, limit: &str) -> u64 {
    world.counted("atrarium_limited_total", &[("limit", limit)]).await
}

/// S15: limits were written down and never asked.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_more_often_than_the_limit_and_nobody_uses_up_anothers() {
    let town = Town::with_flags(&["--api-requests-per-hour", "3"]).await;
    let (mut ann, mut anns_script) = (town.signed_in("ann"), town.signed_in("ann"));
    let was = limited(&town.world, "api").await;
    for remaining in ["2", "1", "0"] {
        let answer = ann.get("/api/auth/me").await;
        assert_eq!((answer.status, answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), (200, Some("3"), Some(remaining)), "{answer:?}");
    }
    let refused = anns_script.get("/api/communities").await;
    assert_eq!((refused.status, refused.error().as_str()), (429, "RateLimitExceeded"), "sessions share what a DID has: {refused:?}");
    let seconds = refused.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=1_200).contains(&seconds)), "{refused:?}");
    assert_eq!(town.signed_in("ben").get("/api/auth/me").await.status, 200, "another's is another's");
    // Without a DID it is the address, whatever a header says of it.
    for attempt in 0..5 {
        let claimed = format!("203.0.113.{attempt}");
        let answer = town.nobody().call_with("GET", "/api/communities", &[("x-forwarded-for", &claimed)], &Value::Null).await;
        assert_eq!(answer.status, if attempt < 3 { 401 } else { 429 }, "{answer:?}");
    }
    assert!(limited(&town.world, "api").await >= was + 3, "one of hers, and two of nobody's");
    assert_eq!(town.feed().await.len(), 3, "feeds for readers without a name have no such limit");
    town.end().await;
}

/// The proxy that is named tells where a request comes from, by what it wrote itself.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_each_address_has_its_own_share() {
    let town = Town::with_flags(&[BEHIND_A_PROXY.as_slice(), &["--api-requests-per-hour", "2"]].concat()).await;
    let status = async |from: &str| town.nobody().from(from).get("/api/communities").await.status;
    for (from, expected) in [
        ("203.0.113.1", 401),
        ("198.51.100.9, 203.0.113.1", 401),
        ("203.0.113.1", 429),
        ("203.0.113.1, 198.51.100.9", 401),
        ("2001:db8:1:2::1", 401),
        ("2001:db8:1:2::ffff", 401),
        ("2001:db8:1:2:3::", 429),
        ("2001:db8:1:3::1", 401),
    ] {
        assert_eq!(status(from).await, expected, "{from}");
    }
    // A site's 65,536 households have sixteen households' shares among them.
    let mut let_in = 0;
    for household in 0x100..0x140 {
        let_in += usize::from(status(&format!("2001:db8:1:{household:x}::1")).await == 401);
    }
    assert_eq!(let_in, 2 * 16 - 3);
    town.end().await;
}

/// Who made up an issuer for each token had each of them looked up, however often.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_asked_too_often_has_nobody_looked_up() {
    let plc = Plc::start().await;
    let flags = plc.flags();
    let flags = flags.iter().map(String::as_str).chain(BEHIND_A_PROXY).chain(["--api-requests-per-hour", "1"]).collect::<Vec<_>>();
    let mut world = World::with_flags(&flags).await;
    let key = Signer::k256(7);
    let token = |issuer: &str| key.token(&with(Signer::claims(issuer, SERVICE, NOW), json!({ "lxm": "net.atrarium.dashboard.read" })));
    let was = limited(&world, "api").await;
    let issuers: Vec<String> = (0..15).map(|number| did(&format!("madeup{}", char::from(b'a' + number)))).collect();
    for (number, issuer) in issuers.iter().enumerate() {
        let answer = Caller::bearer(world.address, &token(issuer)).from("203.0.113.1").get("/api/auth/me").await;
        let expected = if number < 10 { (401, 1) } else { (429, 0) };
        assert_eq!((answer.status, plc.asked(issuer)), expected, "{number}: {answer:?}");
    }
    assert!(limited(&world, "api").await >= was + 5);
    // Somebody else's token is another's, and so is their share.
    let (method_type, public) = key.public();
    plc.register(&did("ann"), (method_type, &public));
    let mut ann = Caller::bearer(world.address, &token(&did("ann"))).from("203.0.113.2");
    assert_eq!((ann.get("/api/auth/me").await.status, ann.get("/api/auth/me").await.status), (200, 429));
    world.stop().await;
}

/// Anybody could lock an account out of signing in, and whoever did had four names for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_at_an_account_shuts_out_themself_and_not_its_owner() {
    let plc = Plc::start().await;
    let resolver = ["--handle-resolver".to_owned(), format!("http://{}", plc.address)];
    let flags = [plc.flags().as_slice(), &resolver].concat();
    let flags = flags.iter().map(String::as_str).chain(BEHIND_A_PROXY).collect::<Vec<_>>();
    let mut world = World::with_flags(&flags).await;
    let (ann, key) = (did("ann"), Signer::k256(7).public());
    plc.open_account(&ann, "ann.test", (key.0, &key.1));
    let sign_in = async |from: &str, identifier: &str, password: &str| {
        let body = json!({ "identifier": identifier, "password": password });
        Caller::nobody(world.address).from(from).post("/api/auth/login", &body).await
    };
    assert_eq!(sign_in("203.0.113.1", "ann.test", PASSWORD).await.status, 200);
    // However it is spelled, it is one account.
    let names = ["ann.test", "@ann.test", "at://ann.test", &ann, "ANN.test", &format!("at://{ann}"), " ann.test ", &format!("@{ann}"), "@Ann.Test", &ann];
    for name in names {
        let wrong = sign_in("203.0.113.2", name, "wrong").await;
        assert_eq!((wrong.status, wrong.error().as_str()), (401, "AuthenticationRequired"), "{name}: {wrong:?}");
    }
    let was = limited(&world, "sign-in").await;
    for name in names {
        let refused = sign_in("203.0.113.2", name, PASSWORD).await;
        assert_eq!((refused.status, refused.error().as_str()), (429, "RateLimitExceeded"), "{name}: {refused:?}");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
    }
    assert!(limited(&world, "sign-in").await >= was + names.len() as u64);
    // Nor does it help to come from everywhere; and the owner is let in from where they have been before.
    let (began, mut guesses) = (Instant::now(), names.len());
    for address in 10..40 {
        for _ in 0..10 {
            guesses += usize::from(sign_in(&format!("203.0.113.{address}"), "ann.test", "wrong").await.status == 401);
        }
    }
    // A hundred from everywhere, of which the owner's first was one; and one more every three seconds.
    let most = 99 + began.elapsed().as_secs() as usize / 3 + 1;
    assert!((99..=most).contains(&guesses), "{guesses} guesses");
    let owner = sign_in("203.0.113.1", "ann.test", PASSWORD).await;
    assert_eq!(owner.status, 200, "{owner:?}");
    // By OAuth an account isn't counted at all: its own server asks for the password.
    let oauth = Caller::browser(world.address, "127.0.0.1").from("203.0.113.99").visit(&login_page(&world, "ann.test"), Site::None).await;
    assert_ne!(oauth.status, 429, "{oauth:?}");
    world.stop().await;
}

fn login_page(world: &World, handle: &str) -> String {
    format!("http://127.0.0.1:{}/oauth/login?handle={}", world.address.port(), http::encode(handle))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_begins_thirty_sign_ins_in_five_minutes_whoever_is_meant() {
    let nowhere = ["--allow-private-network", "--handle-resolver", "http://127.0.0.1:9", "--plc-url", "http://127.0.0.1:9"];
    let mut world = World::with_flags(&[BEHIND_A_PROXY.as_slice(), &nowhere].concat()).await;
    let was = limited(&world, "sign-in").await;
    let (began, mut begun) = (Instant::now(), 0);
    loop {
        let mut browser = Caller::browser(world.address, "127.0.0.1").from("203.0.113.1");
        let handle = format!("nobody{begun}.example.com");
        let answer = match begun % 2 {
            0 => browser.visit(&login_page(&world, &handle), Site::None).await,
            _ => browser.post("/api/auth/login", &json!({ "identifier": handle, "password": "x" })).await,
        };
        if answer.status == 429 {
            assert!(answer.headers("set-cookie").is_empty(), "{answer:?}");
            break;
        }
        assert_eq!(answer.status, 404, "{answer:?}");
        begun += 1;
    }
    // One more every ten seconds.
    let most = 30 + began.elapsed().as_secs() / 10 + 1;
    assert!((30..=most).contains(&begun), "{begun} sign-ins");
    assert!(limited(&world, "sign-in").await > was);
    let other = Caller::browser(world.address, "127.0.0.1").from("203.0.113.2").visit(&login_page(&world, VICTIM), Site::None).await;
    assert_ne!(other.status, 429, "{other:?}");
    world.stop().await;
}
