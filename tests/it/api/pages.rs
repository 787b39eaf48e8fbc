//! What the dashboard's pages are made of: what they begin with, the files they come in, and the document that their types come from.

use atrarium_tests::api::Caller;
use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

use super::Town;

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// The document as the dashboard was built by it.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/dashboard/openapi.json");

#[tokio::test(flavor = "multi_thread")]
async fn a_page_learns_who_looks_at_it_and_nobody_is_an_answer_too() {
    let town = Town::with_flags(&["--appview-url", "https://appview.example.org/", "--no-app-passwords"]).await;
    let host = json!({ "version": env!("CARGO_PKG_VERSION"), "appPasswords": false, "appview": "https://appview.example.org", "visits": false });
    assert_eq!(town.nobody().reads("/api/auth/start").await, json!({ "renewable": false, "host": host }));

    let mut page = Caller::browser(town.world.address, "127.0.0.1");
    let tokens = town.world.tokens(&did("oscar"));
    page.post("/api/auth/refresh", &json!({ "refreshToken": tokens.refresh })).await;
    let start = page.reads("/api/auth/start").await;
    assert_eq!((&start["caller"]["did"], &start["caller"]["operator"], &start["renewable"]), (&json!(did("oscar")), &json!(true), &json!(true)), "{start}");
    assert_eq!(start["caller"], page.reads("/api/auth/me").await);
    assert_eq!(start["expiresAt"], json!(atrarium::clock::datetime((NOW + 900_000) / 1_000 * 1_000)), "{start}");

    // The access token runs out, and its cookie may still be shown: a page is told to renew it, and not that it did wrong.
    town.world.clock.set(NOW + 3_600_000);
    let start = page.reads("/api/auth/start").await;
    assert_eq!(start, json!({ "renewable": true, "host": host }));
    page.post("/api/auth/refresh", &Value::Null).await;
    assert_eq!(page.reads("/api/auth/start").await["caller"]["did"], json!(did("oscar")));
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_pages_and_everything_else_what_it_got_before() {
    let town = Town::new().await;
    let get = async |path: &str, headers: &[(&str, &str)]| -> Answer { http::get_with(town.world.address, path, headers).await.expect("an answer") };
    for path in ["/", "/communities/main/members"] {
        let page = get(path, &[BROWSER]).await;
        assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{path}: {page:?}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
            assert_eq!(page.header(name), Some(value), "{path}: {page:?}");
        }
    }
    let text = get("/", &[("accept", "*/*")]).await;
    assert!(text.status == 200 && text.body.starts_with("Atrarium ") && text.header("vary") == Some("accept"), "{text:?}");
    // What programs ask for is never a page, whatever they say that they take.
    for (path, status) in [("/api/nothing", 404), ("/xrpc/nothing", 501), ("/xrpc/app.bsky.feed.describeFeedGenerator", 200), ("/.well-known/did.json", 200)] {
        let answer = get(path, &[BROWSER]).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/json")), "{path}: {answer:?}");
    }
    for (path, accept) in
        [("/communities/main/members", "application/json"), ("/assets/nothing.js", "*/*"), ("/../Cargo.toml", "*/*"), ("/app/index.html", "*/*")]
    {
        let answer = get(path, &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.error().as_str()), (404, "NotFound"), "{path}: {answer:?}");
    }
    let posted = http::call(town.world.address, "POST", "/", &[BROWSER], &json!({})).await.expect("an answer");
    assert_eq!(posted.status, 405, "{posted:?}");
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboards_types_are_made_of_this_programs_document() {
    let town = Town::new().await;
    let document = town.nobody().reads("/api/openapi.json").await;
    let built_by: Value = serde_json::from_str(&std::fs::read_to_string(DOCUMENT).unwrap_or_default()).unwrap_or_default();
    if document != built_by {
        let now = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/openapi.json");
        let text = serde_json::to_string_pretty(&document).expect("JSON");
        std::fs::write(now, text + "\n").expect("the target folder can be written");
        panic!("the API has changed: copy target/openapi.json to host/dashboard/openapi.json, and look with `make dashboard` whether its pages agree");
    }
    // Else two operations of one name would have one type.
    let operations = document["paths"].as_object().expect("paths").values().flat_map(|item| item.as_object().into_iter().flatten());
    let mut names: Vec<&str> = operations.filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(all > 40 && names.len() == all, "{all} operations have {} names", names.len());
    town.end().await;
}
