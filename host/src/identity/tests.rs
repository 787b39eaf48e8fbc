//! The resolver and the verdicts on tokens, with a directory on loopback that can be slow, down, or lie.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use secp256k1::{Message, Secp256k1, SecretKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::token::TokenError;
use super::*;
use crate::clock::Clock;
use crate::outbound::{Client, Policy};

const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const NOW_MS: i64 = 1_795_176_000_000;
const HOUR: i64 = 3_600_000;
const US: &str = "did:web:feeds.example.org";
const METHOD: &str = "app.bsky.feed.getFeedSkeleton";

/// A directory that gives one answer, whatever it is asked; each answer needs a permit.
struct Directory {
    address: SocketAddr,
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
    asked: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

impl Directory {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let directory = Self { address, answer: Arc::default(), asked: Arc::default(), permits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)) };
        let (answer, asked, permits) = (directory.answer.clone(), directory.asked.clone(), directory.permits.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, asked, permits) = (answer.clone(), asked.clone(), permits.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while let Ok(byte) = stream.read_u8().await {
                        head.push(byte);
                        if !head.ends_with(b"\r\n\r\n") {
                            continue;
                        }
                        head.clear();
                        asked.fetch_add(1, Ordering::SeqCst);
                        let permit = permits.acquire().await.expect("nobody closes it");
                        let (status, body) = answer.lock().expect("no test panics with it").clone();
                        drop(permit);
                        let head = format!("HTTP/1.1 {status} x\r\nlocation: /\r\ncontent-length: {}\r\n\r\n", body.len());
                        drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
                    }
                });
            }
        });
        directory.says(200, document(7).to_string());
        directory
    }

    fn says(&self, status: u16, body: impl Into<Vec<u8>>) {
        *self.answer.lock().expect("no test panics with it") = (status, body.into());
    }

    /// From now on nobody gets an answer until `speak`.
    fn fall_silent(&self) {
        self.permits.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn speak(&self) {
        self.permits.add_permits(1_000);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn resolver(&self, clock: &Clock) -> Resolver {
        let url = |path: &str| format!("http://{}{path}", self.address).parse().expect("a URL");
        Resolver::new(Client::new(Policy::new(true)), Settings { plc: url(""), handle_resolver: Some(url("/handles")) }, clock.clone())
    }
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_byte_array([seed; 32]).expect("a secret key")
}

/// Alice's document, with the key of this seed.
fn document(seed: u8) -> Value {
    let point = secret(seed).public_key(&Secp256k1::new()).serialize();
    let key = multibase::encode(multibase::Base::Base58Btc, [&[0xe7, 0x01], point.as_slice()].concat());
    json!({ "id": ALICE, "alsoKnownAs": ["at://alice.test"], "verificationMethod": [{ "id": format!("{ALICE}#atproto"), "type": "Multikey", "publicKeyMultibase": key }] })
}

/// An Authorization header of Alice's, signed with the key of this seed.
fn header(seed: u8) -> String {
    header_of(ALICE, seed)
}

/// The same in another's name.
fn header_of(issuer: &str, seed: u8) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": issuer, "aud": US, "exp": NOW_MS / 1_000 + 86_400 * 2, "lxm": METHOD });
    let signed = format!("{}.{}", part(&json!({ "alg": "ES256K" })), part(&claims));
    let hash: [u8; 32] = ring::digest::digest(&ring::digest::SHA256, signed.as_bytes()).as_ref().try_into().expect("32 bytes");
    let signature = Secp256k1::new().sign_ecdsa(Message::from_digest(hash), &secret(seed)).serialize_compact();
    format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_document_is_asked_for_once_an_hour_and_never_older_than_a_day() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let resolver = directory.resolver(&clock);
    let first = resolver.resolve(ALICE).await.expect("it is there");
    assert_eq!(first.handle.as_deref(), Some("alice.test"));
    clock.set(NOW_MS + HOUR - 1);
    assert_eq!(resolver.resolve(ALICE).await.as_ref(), Ok(&first));
    assert_eq!(directory.asked(), 1);

    directory.says(200, document(8).to_string());
    clock.set(NOW_MS + HOUR);
    assert_eq!(resolver.resolve(ALICE).await.as_ref(), Ok(&first), "a stale one is used");
    let anew = loop {
        tokio::task::yield_now().await;
        match resolver.resolve(ALICE).await {
            Ok(anew) if anew != first => break anew,
            _ => {}
        }
    };
    assert_eq!((anew.key == first.key, directory.asked()), (false, 2), "and asked for anew, once");

    directory.says(503, "");
    clock.set(NOW_MS + HOUR + 24 * HOUR);
    assert!(matches!(resolver.resolve(ALICE).await, Err(ResolveError::Outbound { .. })), "a day is a day");
    assert_eq!((resolver.resolve(ALICE).await.is_err(), directory.asked()), (true, 3), "a failure is remembered");
}

#[tokio::test]
async fn many_who_ask_at_once_ask_once() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let resolver = directory.resolver(&clock);
    let all = futures_util::future::join_all((0..50).map(|_| resolver.resolve(ALICE))).await;
    assert!(all.iter().all(|outcome| *outcome == all[0] && outcome.is_ok()));
    assert_eq!(directory.asked(), 1);
}

#[tokio::test]
async fn a_purge_counts_for_what_is_under_way_too() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let resolver = directory.resolver(&clock);
    resolver.resolve(ALICE).await.expect("it is there");
    resolver.purge(ALICE);
    assert!(resolver.cached(ALICE).is_none());

    directory.fall_silent();
    let mut old = Box::pin(resolver.resolve(ALICE));
    while directory.asked() < 2 {
        assert!(old.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    resolver.purge(ALICE);
    directory.says(200, document(8).to_string());
    directory.speak();
    old.await.expect("whoever waited gets what came");
    assert!(resolver.cached(ALICE).is_none(), "and nobody else does");
    resolver.resolve(ALICE).await.expect("it is there");
    assert_eq!(directory.asked(), 3);
}

#[tokio::test]
async fn a_directory_that_lies_is_not_believed() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let check = async |status: u16, body: Vec<u8>, expected: &str| {
        directory.says(status, body);
        let failure = directory.resolver(&clock).resolve(ALICE).await.expect_err(expected);
        let kind = match &failure {
            ResolveError::NotFound { .. } => "not found",
            ResolveError::Document { .. } => "document",
            ResolveError::Outbound { cause, .. } => cause.kind(),
            ResolveError::Unusable { .. } | ResolveError::Busy => "other",
        };
        assert_eq!(kind, expected, "{failure}");
    };
    let mut another = document(7);
    another["id"] = json!("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
    check(200, another.to_string().into(), "document").await;
    check(200, b"<!doctype html>".to_vec(), "document").await;
    check(200, vec![b' '; 70_000], "too_large").await;
    for status in [404, 410] {
        check(status, document(7).to_string().into(), "not found").await;
    }
    for status in [201, 301, 302, 307, 308, 429, 500, 503] {
        check(status, document(7).to_string().into(), "status").await;
    }
}

#[tokio::test]
async fn private_addresses_are_for_private_networks() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let plc = format!("https://{}", directory.address).parse().expect("a URL");
    let resolver = Resolver::new(Client::new(Policy::new(false)), Settings { plc, handle_resolver: None }, clock);
    for did in [ALICE, "did:web:localhost%3A3000", "did:web:127.0.0.1", &format!("did:web:localhost%3A{}", directory.address.port())] {
        assert!(resolver.resolve(did).await.is_err(), "{did}");
    }
    assert_eq!(directory.asked(), 0);
}

#[tokio::test]
async fn a_did_of_a_host_is_asked_for_at_that_host() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let did = format!("did:web:localhost%3A{}", directory.address.port());
    let mut own = document(7);
    own["id"] = json!(did);
    own["verificationMethod"][0]["id"] = json!(format!("{did}#atproto"));
    directory.says(200, own.to_string());
    assert!(directory.resolver(&clock).resolve(&did).await.is_ok_and(|document| document.key.is_some()));
}

#[tokio::test]
async fn a_handle_counts_only_both_ways() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    // One answer for both questions: what the resolver says, and the document.
    let mut both = document(7);
    both["did"] = json!(ALICE);
    directory.says(200, both.to_string());
    let resolver = directory.resolver(&clock);
    assert_eq!(resolver.resolve_handle("Alice.test").await, Ok(ALICE.to_owned()));
    assert!(matches!(resolver.resolve_handle("mallory.test").await, Err(HandleError::Unconfirmed { .. })), "a name that its document doesn't claim");
    assert!(matches!(resolver.resolve_handle("alice").await, Err(HandleError::Malformed(_))));
    directory.says(400, r#"{"error":"HandleNotFound"}"#);
    assert!(matches!(resolver.resolve_handle("alice.test").await, Err(HandleError::Unknown { .. })));
    directory.says(200, r#"{"did":"nobody"}"#);
    assert!(matches!(resolver.resolve_handle("alice.test").await, Err(HandleError::Unknown { .. })));
}

#[tokio::test]
async fn a_reader_is_whoever_signed() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let resolver = directory.resolver(&clock);
    let auth = ServiceAuth::new(resolver.clone(), clock.clone(), US.to_owned());
    let alice = Ok(Some(ALICE.to_owned()));
    assert_eq!(auth.reader(&header(7), METHOD, true).await, alice);
    assert_eq!(auth.reader(&header(7).replace("Bearer", "bEARER"), METHOD, false).await, alice);
    assert_eq!(directory.asked(), 1);
    // A stranger's signature: asked anew, once, and then not for a while.
    for _ in 0..3 {
        assert_eq!(auth.reader(&header(8), METHOD, true).await, Err(TokenError::BadJwtSignature));
    }
    assert_eq!(directory.asked(), 2);
    // A key that was changed.
    clock.set(NOW_MS + 10_000);
    directory.says(200, document(8).to_string());
    assert_eq!(auth.reader(&header(8), METHOD, false).await, alice);
    assert_eq!(auth.reader(&header(7), METHOD, false).await, Err(TokenError::BadJwtSignature), "the old key is worth nothing");
    for header in ["", "Bearer", "Bearer ", "Basic YTpi", "DPoP x.y.z", "Bearer a.b.c"] {
        assert!(matches!(auth.reader(header, METHOD, true).await, Err(TokenError::BadJwt(_))), "{header}");
    }
}

#[tokio::test]
async fn who_cannot_be_told_in_time_is_anonymous() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    directory.fall_silent();
    let resolver = directory.resolver(&clock);
    let auth = ServiceAuth::new(resolver.clone(), clock.clone(), US.to_owned());
    assert_eq!(auth.reader(&header(7), METHOD, false).await, Ok(None), "nobody waits for the key");
    let began = std::time::Instant::now();
    assert_eq!(auth.reader(&header(7), METHOD, true).await, Ok(None));
    assert!((400..1_500).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(directory.asked(), 1, "both wait for one question");
    directory.speak();
    resolver.resolve(ALICE).await.expect("the question went on");
    assert_eq!(auth.reader(&header(7), METHOD, false).await, Ok(Some(ALICE.to_owned())));

    directory.says(404, "");
    resolver.purge(ALICE);
    assert_eq!(auth.reader(&header(7), METHOD, true).await, Ok(None), "a reader who is gone still reads");
    // Without a key nothing can be signed.
    resolver.purge(ALICE);
    directory.says(200, json!({ "id": ALICE }).to_string());
    assert_eq!(auth.reader(&header(7), METHOD, true).await, Err(TokenError::BadJwtSignature));
}

#[tokio::test]
async fn a_known_key_decides_while_the_directory_is_away() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let resolver = directory.resolver(&clock);
    let auth = ServiceAuth::new(resolver.clone(), clock.clone(), US.to_owned());
    resolver.resolve(ALICE).await.expect("it is there");
    directory.says(503, "");
    clock.set(NOW_MS + 23 * HOUR);
    assert_eq!(auth.reader(&header(7), METHOD, true).await, Ok(Some(ALICE.to_owned())));
    assert_eq!(auth.reader(&header(8), METHOD, true).await, Err(TokenError::BadJwtSignature));
    assert_eq!(auth.reader(&header(7), METHOD, true).await, Ok(Some(ALICE.to_owned())));
}

#[tokio::test]
async fn hosts_that_forged_tokens_name_keep_nobody_waiting_but_tokens_of_other_hosts() {
    let (directory, clock) = (Directory::start().await, Clock::standing_at(NOW_MS));
    let resolver = directory.resolver(&clock);
    let auth = ServiceAuth::new(resolver.clone(), clock.clone(), US.to_owned());
    // They take the connection and never say a word; more than there are flights and slots of any kind.
    let mut tarpits = Vec::new();
    for _ in 0..300 {
        tarpits.push(TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port"));
    }
    let dids: Vec<_> = tarpits.iter().map(|tarpit| format!("did:web:localhost%3A{}", tarpit.local_addr().expect("a bound socket").port())).collect();
    for did in &dids {
        assert_eq!(auth.reader(&header_of(did, 9), METHOD, false).await, Ok(None), "a forged token is anonymous");
    }
    // Until those that there is room for hang.
    let mut hanging = Vec::new();
    for tarpit in &tarpits[..16] {
        hanging.push(tarpit.accept().await.expect("somebody comes"));
    }
    let soon = async |what: &str, looking: &mut (dyn Future<Output = bool> + Unpin)| {
        let answer = tokio::time::timeout(std::time::Duration::from_secs(3), looking).await;
        assert_eq!(answer, Ok(true), "{what}");
    };
    soon("somebody signs in", &mut Box::pin(async { resolver.resolve_anew(ALICE).await.is_ok() })).await;
    resolver.purge(ALICE);
    soon("a reader whom the directory knows", &mut Box::pin(async { auth.reader(&header(7), METHOD, true).await == Ok(Some(ALICE.to_owned())) })).await;
    let own = format!("did:web:localhost%3A{}", directory.address.port());
    let mut document = document(7);
    document["id"] = json!(own);
    directory.says(200, document.to_string());
    assert_eq!(auth.reader(&header_of(&own, 7), METHOD, true).await, Ok(None), "this is the harm");
    soon("the same host for who signs in", &mut Box::pin(async { resolver.resolve(&own).await.is_ok() })).await;
}
