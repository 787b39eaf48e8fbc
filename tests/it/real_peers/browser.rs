//! The dashboard in a real browser: what people do there, by hand and by keyboard, with the real program, PDS and AppView behind it.
//!
//! The steps are `tests/browser/walk.mjs`'s; this lays the stage: accounts at the PDS, and what can't be done in a browser. It needs Chromium
//! (`make chromium`).

use std::path::PathBuf;

use atrarium::clock::Clock;
use atrarium_tests::browser::{pictures, walk};
use atrarium_tests::network::{CONFIG, MEMBERSHIP};
use atrarium_tests::peers::Peers;
use atrarium_tests::repo::PASSWORD;
use atrarium_tests::uploads::component;
use atrarium_tests::{http, records};
use serde_json::json;

use super::House;
use super::stage::sign_up;

/// Longer than any walk: a browser that hangs is ended.
const WALK: std::time::Duration = std::time::Duration::from_secs(900);

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_does_in_a_browser_what_people_want_of_it() {
    let peers = Peers::start().await;
    let [olga, mia, ann, oscar, trent] = sign_up(&peers, ["olga", "mia", "ann", "oscar", "trent"]).await;
    // A community component that traps where a config's name tells it to: so there are dead letters.
    let components = tempfile::tempdir().expect("tests need a temporary directory");
    std::fs::copy(PathBuf::from(env!("OUT_DIR")).join("community-feed.wasm"), components.path().join("community-feed.wasm")).expect("the build has made it");
    let appview = format!("http://{}", peers.appview());
    let components = components.path().to_string_lossy();
    let house = House::with(&peers, &["--operators", &oscar.did, "--appview-url", &appview, "--components", &components]).await;

    let now = Clock::system().now_ms();
    let config = records::with(records::config("trap-here", "#atrarium_0badc0de", now - 60_000), json!({ "stage": "theme" }));
    let trap = trent.put(CONFIG, "3jzfcijpj2z2a", config).await;
    trent.put(MEMBERSHIP, "3jzfcijpj2z2b", records::membership(&trap, true, now - 50_000)).await;

    let mix = pictures().join("backwards.wasm");
    std::fs::write(&mix, component(env!("OUT_DIR"), "backwards")).expect("the target folder can be written");
    let mut told = vec![
        ("ATRARIUM", format!("http://{}", house.address())),
        ("PDS", format!("http://{}", peers.pds())),
        ("PASSWORD", PASSWORD.to_owned()),
        ("MIX", mix.to_string_lossy().into_owned()),
    ];
    for (name, person) in [("OLGA", &olga), ("MIA", &mia), ("ANN", &ann), ("OSCAR", &oscar)] {
        told.push((name, json!({ "did": person.did, "handle": person.handle, "token": person.token }).to_string()));
    }
    let (well, said) = walk("walk.mjs", WALK, &told).await;
    assert!(well, "{said}\n{}", house.program().log());

    // Whatever was done in the browser, the program is well.
    let health = http::get(house.address(), "/xrpc/_health").await.expect("the program answers");
    assert_eq!(health.status, 200);
}
