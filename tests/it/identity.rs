//! Who reads a feed: tokens as the AppView passes them on, and a directory of keys that is slow, down, or lies. Whatever the directory
//! does, a public feed comes; whatever a token says, nobody is taken for another.

use std::path::Path;
use std::time::{Duration, Instant};

use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::plc::{Mood, Plc};
use atrarium_tests::scene::TAG;
use atrarium_tests::signer::{METHOD, Signer};
use atrarium_tests::uploads::{activate, component, upload};
use atrarium_tests::world::{NOW, feed_of, posts_of};
use atrarium_tests::{World, WorldOptions};
use serde_json::{Value, json};

/// The default public URL's.
const SERVICE: &str = "did:web:localhost%3A3000";

/// How long an answer may wait for a key, and the rest of its way on a busy machine.
const BOUND: Duration = Duration::from_millis(500);
const ROOM: Duration = Duration::from_millis(1_500);

/// A world with a directory, and a community in which Alice and Bob have posted.
struct Scene {
    world: World,
    plc: Plc,
    community: String,
    /// The newest first: Bob's, then Alice's.
    posts: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// The mix is the default one, or one on whose pages a reader's own posts come first.
    async fn new(minds_viewer: bool) -> Self {
        Self::with_flags(minds_viewer, &[]).await
    }

    async fn with_flags(minds_viewer: bool, more: &[&str]) -> Self {
        let (plc, folder) = (Plc::start().await, tempfile::tempdir().expect("tests need a temporary directory"));
        let mut flags = plc.flags();
        flags.extend(more.iter().map(ToString::to_string));
        if minds_viewer {
            let mix = Path::new(env!("OUT_DIR")).join("feed-mix.wasm");
            std::fs::copy(mix, folder.path().join("feed-mix.wasm")).expect("the folder is ours");
            flags.extend(["--components".to_owned(), folder.path().to_string_lossy().into_owned()]);
        }
        let mut world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
        let (alice, bob) = (did("alice"), did("bob"));
        let community = world.open(&did("owner"), "main", TAG);
        world.join(&community, &[&alice, &bob]);
        let posts = vec![world.post(&bob, "p2", TAG, NOW - 10_000), world.post(&alice, "p1", TAG, NOW - 20_000)];
        world.settled().await;
        Self { world, plc, community, posts, _folder: folder }
    }

    async fn read(&self, token: &str) -> Answer {
        let feed = feed_of(&self.community);
        let request = format!("GET /xrpc/{METHOD}?feed={feed} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
        http::send(self.world.address, request.as_bytes()).await.expect("the program answers")
    }

    /// The posts on the page of this reader, which must come.
    async fn page(&self, token: &str) -> Vec<String> {
        let answer = self.read(token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        posts_of(&answer.json())
    }

    async fn refused(&self, token: &str, error: &str) {
        let answer = self.read(token).await;
        assert_eq!((answer.status, answer.error().as_str()), (401, error), "{answer:?}");
        assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer:?}");
    }

    /// Waits until the key of this DID is known, or that it can't be had.
    async fn known(&self, did: &str) {
        self.world.until("its document was asked for", |world| world.app().resolver.cached(did).is_some()).await;
    }
}

fn register(plc: &Plc, did: &str, signer: &Signer) {
    let (method_type, key) = signer.public();
    plc.register(did, (method_type, &key));
}

fn token(signer: &Signer, issuer: &str) -> String {
    signer.token(&Signer::claims(issuer, SERVICE, NOW))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_anonymous_until_the_key_is_known_and_then_checked() {
    let mut scene = Scene::new(false).await;
    let (alice, key) = (did("alice"), Signer::k256(7));
    register(&scene.plc, &alice, &key);
    assert_eq!(scene.page(&token(&key, &alice)).await, scene.posts, "nobody waits for a key that makes no difference");
    scene.known(&alice).await;
    assert_eq!(scene.page(&token(&key, &alice)).await, scene.posts);
    scene.refused(&token(&Signer::k256(9), &alice), "BadJwtSignature").await;
    let mut forged = token(&key, &alice);
    forged.replace_range(..5, "AAAAA");
    scene.refused(&forged, "BadJwt").await;
    assert_eq!(scene.page(&key.token(&Signer::claims(&alice, &format!("{SERVICE}#bsky_fg"), NOW))).await, scene.posts);

    let (bob, other_curve) = (did("bob"), Signer::p256());
    register(&scene.plc, &bob, &other_curve);
    scene.page(&token(&other_curve, &bob)).await;
    scene.known(&bob).await;
    assert_eq!(scene.page(&token(&other_curve, &bob)).await, scene.posts);
    scene.refused(&token(&key, &bob), "BadJwtSignature").await;
    scene.refused(&token(&Signer::p256(), &bob), "BadJwtSignature").await;
    assert!(scene.world.counted("atrarium_tokens_total", &[("verdict", "verified")]).await >= 3);
    assert!(scene.world.counted("atrarium_tokens_total", &[("verdict", "BadJwtSignature")]).await >= 3);
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_for_this_call_is_refused_before_anybody_is_asked() {
    let mut scene = Scene::new(false).await;
    let (alice, key) = (did("alice"), Signer::k256(7));
    register(&scene.plc, &alice, &key);
    let with = |field: &str, value: Value| {
        let mut claims = Signer::claims(&alice, SERVICE, NOW);
        claims[field] = value;
        key.token(&claims)
    };
    let headed = |header: Value| key.token_with(&header, &Signer::claims(&alice, SERVICE, NOW));
    scene.refused(&with("aud", json!("did:web:feeds.example.org")), "BadJwtAudience").await;
    scene.refused(&with("aud", json!(format!("{SERVICE}#bsky_appview"))), "BadJwtAudience").await;
    scene.refused(&with("lxm", json!("app.bsky.feed.getFeed")), "BadJwtLexiconMethod").await;
    scene.refused(&with("lxm", Value::Null), "BadJwtLexiconMethod").await;
    scene.refused(&with("exp", json!(NOW / 1_000 - 1)), "JwtExpired").await;
    scene.refused(&with("iat", json!(NOW / 1_000 + 3_600)), "BadJwt").await;
    scene.refused(&with("iss", json!("alice.example.com")), "BadJwtIss").await;
    scene.refused(&with("iss", json!(format!("{alice}#atproto"))), "BadJwtIss").await;
    scene.refused(&headed(json!({ "typ": "at+jwt", "alg": "ES256K" })), "BadJwtType").await;
    scene.refused(&headed(json!({ "typ": "JWT", "alg": "none" })), "BadJwt").await;
    scene.refused(&headed(json!({ "typ": "JWT", "alg": "HS256" })), "BadJwt").await;
    scene.refused("", "BadJwt").await;
    scene.refused("x.y.z", "BadJwt").await;
    assert_eq!(scene.plc.connections(), 0, "a token that is wrong by itself costs the directory nothing");

    let right = token(&key, &alice);
    scene.page(&right).await;
    scene.known(&alice).await;
    scene.world.clock.set(NOW + 61_000);
    scene.refused(&right, "JwtExpired").await;
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_found_and_the_old_one_is_worth_nothing() {
    let mut scene = Scene::new(false).await;
    let (alice, old, new) = (did("alice"), Signer::k256(7), Signer::k256(8));
    register(&scene.plc, &alice, &old);
    scene.page(&token(&old, &alice)).await;
    scene.known(&alice).await;
    register(&scene.plc, &alice, &new);
    assert_eq!(scene.page(&token(&old, &alice)).await, scene.posts, "the change hasn't come through");
    assert_eq!(scene.page(&token(&new, &alice)).await, scene.posts, "asked for anew at once");
    assert_eq!(scene.plc.asked(&alice), 2);
    for _ in 0..20 {
        scene.refused(&token(&old, &alice), "BadJwtSignature").await;
        scene.refused(&token(&Signer::k256(9), &alice), "BadJwtSignature").await;
    }
    assert_eq!(scene.plc.asked(&alice), 2, "forged tokens don't become questions to the directory");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_event_makes_the_key_be_asked_for_anew() {
    let mut scene = Scene::new(false).await;
    let (alice, bob, key) = (did("alice"), did("bob"), Signer::k256(7));
    for account in [&alice, &bob] {
        register(&scene.plc, account, &key);
        scene.page(&token(&key, account)).await;
        scene.known(account).await;
    }
    let event = scene.world.network.identity(&alice);
    scene.world.publish(event);
    scene.world.settled().await;
    scene.world.until("it is forgotten", |world| world.app().resolver.cached(&alice).is_none()).await;
    assert!(scene.world.app().resolver.cached(&bob).is_some(), "nobody else is");
    scene.page(&token(&key, &alice)).await;
    scene.known(&alice).await;
    assert_eq!((scene.plc.asked(&alice), scene.plc.asked(&bob)), (2, 1));
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_comes_whatever_the_directory_does() {
    for minds_viewer in [false, true] {
        let mut scene = Scene::new(minds_viewer).await;
        let moods =
            [Mood::Silent, Mood::Down, Mood::Status(500), Mood::Status(429), Mood::Status(404), Mood::Redirecting, Mood::Lying, Mood::Endless, Mood::Garbled];
        for (number, mood) in moods.into_iter().enumerate() {
            let (reader, key) = (did(&format!("reader{}", char::from(b'b' + number as u8))), Signer::k256(7));
            register(&scene.plc, &reader, &key);
            scene.plc.is_now(mood);
            let began = Instant::now();
            assert_eq!(scene.page(&token(&key, &reader)).await, scene.posts, "{mood:?}");
            let took = began.elapsed();
            let bound = if minds_viewer && mood == Mood::Silent { BOUND + ROOM } else { ROOM };
            assert!(took < bound, "{mood:?}: {took:?}");
            if mood != Mood::Silent {
                scene.known(&reader).await;
                let known = scene.world.app().resolver.cached(&reader);
                assert!(known.is_some_and(|outcome| outcome.is_err()), "{mood:?} gives no document");
            }
            assert!(scene.plc.asked(&reader) <= 1, "{mood:?}: asked {} times", scene.plc.asked(&reader));
            // A stranger gets no further with it than anybody.
            assert_eq!(scene.page(&token(&Signer::k256(9), &reader)).await, scene.posts, "{mood:?}");
        }
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_did_is_gone_still_reads() {
    let mut scene = Scene::new(true).await;
    let (alice, key) = (did("alice"), Signer::k256(7));
    assert_eq!(scene.page(&token(&key, &alice)).await, scene.posts);
    for issuer in ["did:web:nowhere.invalid", "did:web:localhost%3A1", "did:web:127.0.0.1", "did:web:example.com:a:path", "did:key:zQ3sh", "did:plc:short"] {
        assert_eq!(scene.page(&token(&key, issuer)).await, scene.posts, "{issuer}");
    }
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_minds_is_told_the_reader_and_nobody_gets_anothers_page() {
    told_the_reader(Scene::new(true).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_mix_that_minds_is_told_the_reader_and_nobody_gets_anothers_page() {
    let scene = Scene::new(false).await;
    let uploads = scene.world.app().uploads.clone();
    let version = upload(&uploads, &scene.community, component(env!("OUT_DIR"), "feed-mix")).await.expect("there is room");
    activate(&uploads, &scene.community, Some(version.number)).await.expect("it is ready");
    drop(uploads);
    told_the_reader(scene).await;
}

/// Where a reader's own posts come first on their page.
async fn told_the_reader(mut scene: Scene) {
    let (alice, bob, key, other) = (did("alice"), did("bob"), Signer::k256(7), Signer::p256());
    register(&scene.plc, &alice, &key);
    register(&scene.plc, &bob, &other);
    let own_first: Vec<String> = scene.posts.iter().rev().cloned().collect();
    for _ in 0..2 {
        assert_eq!(scene.page(&token(&key, &alice)).await, own_first, "the answer waits for the key");
        assert_eq!(scene.page(&token(&other, &bob)).await, scene.posts);
        assert_eq!(scene.world.feed(&scene.community).await, scene.posts, "nobody is nobody");
    }
    scene.refused(&token(&other, &alice), "BadJwtSignature").await;
    scene.refused(&token(&key, &bob), "BadJwtSignature").await;
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_makes_the_program_knock_at_private_doors() {
    let plc = Plc::start().await;
    let port = plc.address.port();
    let flags = vec!["--plc-url".to_owned(), format!("https://127.0.0.1:{port}")];
    let mut world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p", TAG, NOW - 10_000);
    world.settled().await;
    let key = Signer::k256(7);
    for issuer in [did("alice"), format!("did:web:localhost%3A{port}"), format!("did:web:127.0.0.1%3A{port}"), format!("did:web:localtest.localhost%3A{port}")]
    {
        let feed = feed_of(&community);
        let request =
            format!("GET /xrpc/{METHOD}?feed={feed} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n", token(&key, &issuer));
        let answer = http::send(world.address, request.as_bytes()).await.expect("the program answers");
        assert_eq!((answer.status, posts_of(&answer.json())), (200, vec![post.clone()]), "{issuer}: {answer:?}");
        let outcome = world.app().resolver.resolve(&issuer).await;
        assert!(outcome.is_err(), "{issuer}");
    }
    assert_eq!(plc.connections(), 0, "nobody knocked");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_asks_too_often_waits_alone() {
    let mut scene = Scene::with_flags(false, &["--feed-requests-per-hour", "2"]).await;
    let [(alice, hers), (bob, his)] = [(did("alice"), Signer::k256(7)), (did("bob"), Signer::k256(9))];
    for (did, key) in [(&alice, &hers), (&bob, &his)] {
        register(&scene.plc, did, key);
        // Anonymous as yet, and so not counted.
        scene.page(&token(key, did)).await;
        scene.known(did).await;
    }
    for _ in 0..2 {
        assert_eq!(scene.page(&token(&hers, &alice)).await, scene.posts);
    }
    let feed = [("limit", "feed")];
    let was = scene.world.counted("atrarium_limited_total", &feed).await;
    let refused = scene.read(&token(&hers, &alice)).await;
    assert_eq!((refused.status, refused.error().as_str()), (429, "RateLimitExceeded"), "{refused:?}");
    let told = |name: &str| refused.header(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_else(|| panic!("no {name} in {refused:?}"));
    assert_eq!((told("ratelimit-limit"), told("ratelimit-remaining")), (2, 0));
    assert!((1..=1_800).contains(&told("retry-after")), "{refused:?}");
    assert!(scene.world.counted("atrarium_limited_total", &feed).await > was, "operators see it");
    assert_eq!(scene.page(&token(&his, &bob)).await, scene.posts, "another reader");
    for _ in 0..5 {
        assert_eq!(scene.world.page(&scene.community, 50, None).await.status, 200, "readers whom nobody knows come from the AppView's own addresses");
    }
    scene.world.stop().await;
}
