//! Nobody becomes somebody without the word of their own server: the tokens that open nothing, and how long the others do (2.4: S1 to S4, S16).

use std::os::unix::fs::PermissionsExt;

use atrarium_tests::World;
use atrarium_tests::api::Caller;
use atrarium_tests::network::did;
use atrarium_tests::plc::{PASSWORD, Plc};
use atrarium_tests::records::with;
use atrarium_tests::signer::Signer;
use atrarium_tests::world::NOW;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{SERVICE, VICTIM};

fn jwt(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

async fn is_nobody(address: std::net::SocketAddr, token: &str) {
    for (method, path) in [("GET", "/api/auth/me"), ("GET", "/api/communities"), ("POST", "/api/communities")] {
        let answer = Caller::bearer(address, token).call(method, path, &Value::Null).await;
        assert_eq!((answer.status, answer.error().as_str()), (401, "AuthenticationRequired"), "{method} {path} with {token}: {answer:?}");
    }
}

/// S1, S16: a garbage token of a PDS, and a secret that stood in the repository, opened every account.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_becomes_somebody_by_saying_so() {
    let mut world = World::new().await;
    let seconds = NOW / 1_000;
    let claims = json!({ "iss": SERVICE, "aud": SERVICE, "sub": VICTIM, "type": "access", "jti": "1", "sid": "1", "iat": seconds, "exp": seconds + 900 });
    let header = json!({ "typ": "JWT", "alg": "HS256" });
    for secret in ["", "secret", "dev-secret", "development", "your-secret-key", "atrarium"] {
        is_nobody(world.address, &jwt(&header, &claims, secret.as_bytes())).await;
    }
    is_nobody(world.address, &jwt(&json!({ "typ": "JWT", "alg": "none" }), &claims, b"x")).await;
    let unsigned = jwt(&json!({ "typ": "JWT", "alg": "none" }), &claims, b"x");
    is_nobody(world.address, unsigned.rsplit_once('.').map_or("", |(signed, _)| signed)).await;
    is_nobody(world.address, &format!("{}.", unsigned.rsplit_once('.').map_or("", |(signed, _)| signed))).await;
    for garbage in ["garbage", "a.b.c", VICTIM, "null", "undefined", "Bearer", ".."] {
        is_nobody(world.address, garbage).await;
    }
    // Nor does anything in the request say who asks, but for the token.
    let claim = [("x-user-did", VICTIM), ("x-forwarded-user", VICTIM), ("cookie", "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz; atrarium_access=x")];
    let answer = Caller::nobody(world.address).call_with("GET", &format!("/api/auth/me?did={VICTIM}"), &claim, &Value::Null).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    world.stop().await;
}

/// S2: every handle got tokens. Here the account's own server must agree, and where there is none nobody can.
#[tokio::test(flavor = "multi_thread")]
async fn no_handle_and_no_did_gets_tokens_without_its_server() {
    let plc = Plc::start().await;
    let resolver = ["--handle-resolver".to_owned(), format!("http://{}", plc.address)];
    let flags = [plc.flags().as_slice(), &resolver].concat();
    let mut world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let key = Signer::k256(7).public();
    plc.register(VICTIM, (key.0, &key.1));
    plc.open_account(&did("ann"), "ann.test", (key.0, &key.1));
    let check = async |body: Value, status: u16, error: &str| {
        let answer = Caller::nobody(world.address).post("/api/auth/login", &body).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{body}: {answer:?}");
        assert!(answer.headers("set-cookie").is_empty() && answer.json()["accessToken"].is_null(), "{body}: {answer:?}");
    };
    let by_password = |identifier: &str, password: &str| json!({ "identifier": identifier, "password": password });
    // Their server is asked, and nobody else: one that is gone, and one that knows better.
    check(by_password(VICTIM, "x"), 502, "UpstreamFailure").await;
    check(by_password("ann.test", "x"), 401, "AuthenticationRequired").await;
    check(by_password(&did("ann"), ""), 401, "AuthenticationRequired").await;
    for nobody in ["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "alice.test", "a", "", "https://127.0.0.1/", "did:web:"] {
        check(by_password(nobody, "x"), 404, "AccountNotFound").await;
    }
    check(by_password("did:web:localhost%3A1", "x"), 502, "UpstreamFailure").await;
    check(json!({ "handle": "ann.test" }), 422, "Unprocessable").await;
    check(json!({ "identifier": VICTIM, "did": VICTIM, "accessJwt": "garbage" }), 422, "Unprocessable").await;
    let signed = Caller::nobody(world.address).post("/api/auth/login", &by_password("@ann.test", PASSWORD)).await;
    assert_eq!((signed.status, &signed.json()["did"]), (200, &json!(did("ann"))), "{signed:?}");
    world.stop().await;
}

/// S3: the refresh token was good as an access token for sixty days and the other way round; nothing rotated, nothing could be revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_one_thing_for_a_short_time_and_until_it_is_revoked() {
    let mut world = World::new().await;
    let tokens = world.tokens(&did("ann"));
    is_nobody(world.address, &tokens.refresh).await;
    let refresh = async |world: &World, token: &str| Caller::nobody(world.address).post("/api/auth/refresh", &json!({ "refreshToken": token })).await;
    assert_eq!(refresh(&world, &tokens.access).await.status, 401, "an access token renews nothing");

    // A quarter of an hour, and not a minute longer.
    let me = async |world: &World, token: &str| Caller::bearer(world.address, token).get("/api/auth/me").await.status;
    assert_eq!(me(&world, &tokens.access).await, 200);
    world.clock.set(NOW + 16 * 60_000);
    assert_eq!(me(&world, &tokens.access).await, 401);

    // Each refresh token is good once; the second use, if it isn't the same page in two tabs, ends all that came of it.
    let renewed = refresh(&world, &tokens.refresh).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    let text = |field: &str| renewed.json()[field].as_str().unwrap_or_default().to_owned();
    let (access, next) = (text("accessToken"), text("refreshToken"));
    assert_eq!(me(&world, &access).await, 200);
    assert!(next != tokens.refresh && access != tokens.access, "a new pair");
    let tab = refresh(&world, &tokens.refresh).await;
    assert_eq!((tab.status, &tab.json()["refreshToken"]), (200, &json!(next)), "there is but one successor: {tab:?}");
    world.clock.set(NOW + 17 * 60_000);
    let reused = refresh(&world, &tokens.refresh).await;
    assert_eq!(reused.status, 401, "{reused:?}");
    assert_eq!(me(&world, &access).await, 401, "the thief's, or the owner's, has ended as well");
    assert_eq!(refresh(&world, &next).await.status, 401);

    // Signing out ends a token that would have been good for longer, and nobody else's.
    let (one, other) = (world.tokens(&did("ann")), world.tokens(&did("ann")));
    let strangers = world.tokens(&did("ben"));
    Caller::bearer(world.address, &one.access).done("POST", "/api/auth/logout", &Value::Null, 200).await;
    assert_eq!((me(&world, &one.access).await, refresh(&world, &one.refresh).await.status), (401, 401));
    assert_eq!(me(&world, &other.access).await, 200);
    let foreign = Caller::bearer(world.address, &strangers.access).delete(&format!("/api/auth/sessions/{}", other.session)).await;
    assert_eq!((foreign.status, me(&world, &other.access).await), (404, 200), "{foreign:?}");
    Caller::bearer(world.address, &other.access).done("DELETE", "/api/auth/sessions", &Value::Null, 200).await;
    assert_eq!((me(&world, &other.access).await, me(&world, &strangers.access).await), (401, 200));

    // What was ended stays ended, what wasn't goes on.
    world.stop().await;
    world.start_again().await;
    assert_eq!((me(&world, &other.access).await, me(&world, &strangers.access).await), (401, 200));
    world.stop().await;
}

/// S4: no DID was ever looked up.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebodys_server_counts_only_by_the_key_in_their_document() {
    let plc = Plc::start().await;
    let flags = plc.flags();
    let mut world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (ann, key) = (did("ann"), Signer::k256(7));
    let (method_type, public) = key.public();
    plc.register(&ann, (method_type, &public));
    let claims = |issuer: &str| with(Signer::claims(issuer, SERVICE, NOW), json!({ "lxm": "net.atrarium.dashboard.read" }));
    let me = Caller::bearer(world.address, &key.token(&claims(&ann))).reads("/api/auth/me").await;
    assert_eq!(me["did"], json!(ann));
    is_nobody(world.address, &Signer::k256(9).token(&claims(&ann))).await;
    is_nobody(world.address, &key.token(&claims(&did("unknown")))).await;
    for wrong in [
        json!({ "aud": "did:web:elsewhere.example" }),
        json!({ "lxm": "com.atproto.server.getSession" }),
        json!({ "lxm": null }),
        json!({ "exp": NOW / 1_000 - 60 }),
        json!({ "iss": format!("{ann}#other") }),
    ] {
        is_nobody(world.address, &key.token(&with(claims(&ann), wrong))).await;
    }
    world.stop().await;
}

/// S16: tokens were issued in the name of a developer's machine, signed with a secret that everybody knew.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_hosts_take_each_others_tokens() {
    let (mut one, mut other) = (World::new().await, World::new().await);
    let tokens = one.tokens(&did("ann"));
    is_nobody(other.address, &tokens.access).await;
    let claims = tokens.access.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).expect("a JWT has claims");
    assert_eq!((&claims["iss"], &claims["aud"], &claims["sub"], &claims["type"]), (&json!(SERVICE), &json!(SERVICE), &json!(did("ann")), &json!("access")));
    let secret = std::fs::metadata(one.directory.join("secret")).expect("the secret is made where there is none");
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    let [mine, yours] = [&one, &other].map(|world| std::fs::read(world.directory.join("secret")).expect("the test's own"));
    assert!(mine != yours && mine.len() > 32, "each its own");
    one.stop().await;
    other.stop().await;
}
