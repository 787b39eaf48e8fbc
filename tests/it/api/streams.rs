//! Who listens to a community: for whom there is room, and for how long a stream is good (2.4: S13).

use atrarium_tests::api::Caller;
use atrarium_tests::events::Events;
use atrarium_tests::network::did;
use atrarium_tests::plc::Plc;
use atrarium_tests::records::with;
use atrarium_tests::scene::TAG;
use atrarium_tests::signer::Signer;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

use super::{BEHIND_A_PROXY, SERVICE, Town};

const A_MINUTE: i64 = 60_000;

/// Streams of one caller, and what strangers may take in a community and from one address.
const OF_ONE: usize = 10;
const OF_STRANGERS: usize = 50;
const FROM_ONE_ADDRESS: usize = 25;

/// Somebody whom nobody knows, at this address.
fn stranger(town: &Town, number: usize, address: usize) -> Caller {
    let name = format!("stranger{}{}", char::from(b'a' + (number / 26) as u8), char::from(b'a' + (number % 26) as u8));
    town.signed_in(&name).from(&format!("203.0.113.{address}"))
}

/// As many streams as are let in, up to what one may have.
async fn greedy(mut caller: Caller) -> Vec<Events> {
    let mut open = Vec::new();
    while open.len() < OF_ONE {
        match caller.events("main", None).await {
            Ok(stream) => open.push(stream),
            Err(refused) => {
                assert_eq!((refused.status, refused.error().as_str()), (429, "RateLimitExceeded"), "{refused:?}");
                break;
            }
        }
    }
    open
}

/// How many of them hear of the next post; the others, which have ended, are let go.
async fn hearing(open: &mut Vec<Events>) -> usize {
    let mut hearing = Vec::new();
    for mut stream in open.drain(..) {
        if let Some(event) = stream.next().await {
            assert_eq!(event.name, "post", "{event:?}");
            hearing.push(stream);
        }
    }
    *open = hearing;
    open.len()
}

/// S13: a hundred strangers, who had to say nothing of themselves, shut everybody out of a community's events.
#[tokio::test(flavor = "multi_thread")]
async fn who_listens_too_often_shuts_out_nobody_else() {
    let mut town = Town::with_flags(&BEHIND_A_PROXY).await;
    let refused = town.nobody().events("main", None).await.map(drop).expect_err("nobody listens");
    assert_eq!((refused.status, refused.error().as_str()), (401, "AuthenticationRequired"), "{refused:?}");
    // Many DIDs at one address, then many addresses. Who finds no more room takes their own place again, and again.
    let mut open = Vec::new();
    for number in 0..6 {
        open.extend(greedy(stranger(&town, number, 1)).await);
    }
    town.world.post(&did("ann"), "p6", TAG, NOW - 6_000);
    assert_eq!(hearing(&mut open).await, FROM_ONE_ADDRESS);
    for number in 6..20 {
        open.extend(greedy(stranger(&town, number, number)).await);
    }
    town.world.post(&did("ann"), "p7", TAG, NOW - 5_000);
    assert_eq!(hearing(&mut open).await, OF_STRANGERS);
    // Those who belong here are heard, also where strangers have taken an address's share.
    let mut belong = Vec::new();
    for name in ["ann", "mia", "olga"] {
        belong.push(town.signed_in(name).from("203.0.113.1").events("main", None).await.expect("there is room for who belongs here"));
    }
    town.world.post(&did("ann"), "p8", TAG, NOW - 4_000);
    assert_eq!((hearing(&mut belong).await, hearing(&mut open).await), (3, OF_STRANGERS));
    // Whose stream broke without our knowing comes back to their own place.
    let mut first = stranger(&town, 0, 1);
    assert!(first.events("main", None).await.is_ok());
    assert_eq!(open[0].next().await, None, "the oldest has given way");
    let next = stranger(&town, 30, 30).events("main", None).await.map(drop).expect_err("there is no more room for strangers");
    assert_eq!((next.status, next.error().as_str(), next.header("retry-after").is_some()), (429, "RateLimitExceeded", true), "{next:?}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_stream_of_a_caller_gives_way_to_the_newest() {
    let mut town = Town::new().await;
    let mut ann = town.signed_in("ann");
    let mut open = Vec::new();
    for _ in 0..OF_ONE + 2 {
        open.push(ann.events("main", None).await.expect("a caller is never refused for what they have themself"));
    }
    town.world.post(&did("ann"), "p7", TAG, NOW - 5_000);
    let mut heard = Vec::new();
    for stream in &mut open {
        heard.push(stream.next().await.map(|event| event.name));
    }
    assert_eq!(heard[..2], [None, None]);
    assert!(heard[2..].iter().all(|name| name.as_deref() == Some("post")), "{heard:?}");
    town.end().await;
}

/// Somebody signs out, at which everybody's streams are looked at.
async fn somebody_signs_out(town: &Town) {
    town.signed_in("zoe").done("POST", "/api/auth/logout", &Value::Null, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_session_that_opened_it_and_no_other_does() {
    let mut town = Town::new().await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let tokens = town.world.tokens(&did("ann"));
        let stream = Caller::bearer(town.world.address, &tokens.access).events("main", None).await.expect("there is room");
        sessions.push((tokens, stream));
    }
    // Signed out; ended from another session; a refresh token that was used twice.
    Caller::bearer(town.world.address, &sessions[0].0.access).done("POST", "/api/auth/logout", &Value::Null, 200).await;
    assert_eq!(sessions[0].1.next().await, None);
    let other = format!("/api/auth/sessions/{}", sessions[1].0.session);
    Caller::bearer(town.world.address, &sessions[3].0.access).done("DELETE", &other, &Value::Null, 200).await;
    assert_eq!(sessions[1].1.next().await, None);
    let refresh = json!({ "refreshToken": sessions[2].0.refresh });
    town.nobody().done("POST", "/api/auth/refresh", &refresh, 200).await;
    town.world.clock.set(NOW + A_MINUTE);
    town.nobody().done("POST", "/api/auth/refresh", &refresh, 401).await;
    assert_eq!(sessions[2].1.next().await, None);
    // An access token that runs out ends nothing: the session goes on.
    town.world.clock.set(NOW + 20 * A_MINUTE);
    somebody_signs_out(&town).await;
    town.world.post(&did("ann"), "p7", TAG, NOW - 5_000);
    assert_eq!(sessions[3].1.until("post").await.name, "post");
    // A session that nobody has used for two months is over.
    town.world.clock.set(NOW + 62 * 24 * 60 * A_MINUTE);
    somebody_signs_out(&town).await;
    while let Some(event) = sessions[3].1.next().await {
        assert_ne!(event.name, "member", "a week later only posts have gone: {event:?}");
    }
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebodys_server_is_good_for_a_stream_of_minutes() {
    let plc = Plc::start().await;
    let mut town = Town::with_flags(&plc.flags().iter().map(String::as_str).collect::<Vec<_>>()).await;
    let key = Signer::k256(7);
    let (method_type, public) = key.public();
    plc.register(&did("ann"), (method_type, &public));
    let claims = with(Signer::claims(&did("ann"), SERVICE, NOW), json!({ "lxm": "net.atrarium.dashboard.read" }));
    let mut stream = Caller::bearer(town.world.address, &key.token(&claims)).events("main", None).await.expect("there is room");
    town.world.clock.set(NOW + 4 * A_MINUTE);
    somebody_signs_out(&town).await;
    town.world.post(&did("ann"), "p7", TAG, NOW - 5_000);
    assert_eq!(stream.until("post").await.name, "post");
    town.world.clock.set(NOW + 5 * A_MINUTE);
    somebody_signs_out(&town).await;
    assert_eq!(stream.next().await, None);
    town.end().await;
}
