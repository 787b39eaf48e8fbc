//! What operators see of the host, and what they can do for who was shut out.

use atrarium::store::Table;
use atrarium_tests::network::did;
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

use super::{BEHIND_A_PROXY, Town};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_the_host_is() {
    let town = Town::new().await;
    let mut oscar = town.signed_in("oscar");
    town.signed_in("ann");
    let status = oscar.reads("/api/operator/status").await;
    let wanted = town.world.rows(Table::Wants);
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"), "ready": true, "reasons": [], "lagSeconds": status["lagSeconds"], "queueDepth": 0, "communities": 2,
        "reposToRead": wanted, "deadLetters": 0, "retries": 0, "sessions": 2,
        "mixes": { "components": 0, "bytes": 0, "versions": 0, "active": 0, "switchedOff": 0, "checking": 0 },
    });
    assert_eq!(status, expected);
    // The network's last word is a minute old, less a millisecond for each event.
    let lag = |status: &Value| status["lagSeconds"].as_f64().unwrap_or_default();
    let behind = lag(&status);
    assert!((59.9..60.0).contains(&behind), "{status}");
    town.world.clock.set(NOW + 30_000);
    let status = oscar.reads("/api/operator/status").await;
    assert!((lag(&status) - behind - 30.0).abs() < 0.001 && status["ready"] == json!(true), "{status}");
    town.world.clock.set(NOW + 200_000);
    let silent = json!({ "code": "silent", "message": "no event from the firehose for more than 120 seconds", "limitSeconds": 120 });
    let status = oscar.reads("/api/operator/status").await;
    assert_eq!((&status["ready"], &status["reasons"]), (&json!(false), &json!([silent])));
    assert!((lag(&status) - behind - 200.0).abs() < 0.001, "{status}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_who_keeps_the_host_busy() {
    let mut town = Town::new().await;
    // Thirty batches for one; a few for the other.
    for n in 0..30 {
        town.world.post(&did("olga"), &format!("busy{n}"), TAG, NOW - 1_000 - n);
        town.world.settled().await;
    }
    let mut oscar = town.signed_in("oscar");
    let loads = oscar.reads("/api/operator/load").await["communities"].clone();
    let of = |loads: &Value, id: &str| {
        loads.as_array().and_then(|all| all.iter().find(|load| load["id"] == json!(id)).cloned()).unwrap_or_else(|| panic!("{id}: {loads}"))
    };
    let (main, other) = (of(&loads, "main"), of(&loads, "other"));
    assert_eq!((&main["name"], &main["owner"], &main["pages"], &main["pageShare"]), (&json!("Night moths"), &json!(did("olga")), &json!(0.0), &json!(0.0)));
    let number = |load: &Value, name: &str| load[name].as_f64().unwrap_or(-1.0);
    assert!(number(&main, "calls") > 3.0 * number(&other, "calls") && number(&other, "calls") > 0.0, "{loads}");
    assert!([&main, &other].into_iter().all(|load| number(load, "objectShare") > 0.0), "{loads}");
    // Shares are times, which a busy machine makes longer for whom it will.
    let costs: Vec<f64> = loads.as_array().into_iter().flatten().map(|load| number(load, "objectShare") + number(load, "pageShare")).collect();
    assert!(costs.len() == 2 && costs[0] >= costs[1], "the dearest first: {loads}");
    for _ in 0..3 {
        town.feed().await;
    }
    let main = of(&oscar.reads("/api/operator/load").await["communities"], "main");
    assert!(number(&main, "pages") > 0.0 && number(&main, "pageShare") > 0.0, "{main}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lifts_what_was_counted_for_one_and_for_nobody_else() {
    let town = Town::with_flags(&[BEHIND_A_PROXY.as_slice(), &["--api-requests-per-hour", "4"]].concat()).await;
    let limits = town.signed_in("oscar").reads("/api/operator/limits").await;
    assert_eq!((&limits["apiRequestsPerHour"], &limits["communitiesTotal"]), (&json!(4), &json!(10_000)), "{limits}");
    let asked = async |name: Option<&str>, from: &str| {
        let caller = name.map_or_else(|| town.nobody(), |name| town.signed_in(name));
        caller.from(from).get("/api/auth/me").await.status
    };
    for _ in 0..4 {
        for name in ["ann", "ben"] {
            assert_eq!(asked(Some(name), "203.0.113.1").await, 200);
        }
        assert_eq!((asked(None, "203.0.113.1").await, asked(None, "2001:db8::1").await), (401, 401));
    }
    let everybody = async || {
        let (ann, ben) = (asked(Some("ann"), "203.0.113.1").await, asked(Some("ben"), "203.0.113.1").await);
        (ann, ben, asked(None, "203.0.113.1").await, asked(None, "2001:db8::1").await)
    };
    assert_eq!(everybody().await, (429, 429, 429, 429));
    let lifted = town.signed_in("oscar").done("DELETE", &format!("/api/operator/limits/{}", did("ann")), &Value::Null, 200).await;
    assert_eq!(lifted, json!({ "lifted": did("ann") }));
    assert_eq!(everybody().await, (200, 429, 429, 429));
    town.signed_in("oscar").done("DELETE", "/api/operator/limits/2001:db8::2", &Value::Null, 200).await;
    assert_eq!(everybody().await, (200, 429, 429, 401));
    let refused = town.signed_in("oscar").delete("/api/operator/limits/ann").await;
    assert_eq!((refused.status, refused.error().as_str()), (400, "InvalidRequest"), "{refused:?}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_operates_the_host_counts_as_the_configuration_is_read_again() {
    let town = Town::new().await;
    let mut oscar = town.signed_in("oscar");
    assert_eq!(oscar.reads("/api/operator/status").await["ready"], json!(true));
    let nobody = atrarium_tests::world::config(&town.world.directory, "ws://127.0.0.1:9/subscribe", &[]);
    town.world.app().live.apply(&nobody);
    assert_eq!(oscar.call("GET", "/api/operator/status", &Value::Null).await.status, 403);
    town.end().await;
}
