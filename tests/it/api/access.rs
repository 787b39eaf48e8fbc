//! Every endpoint, and everybody: what is allowed stands here once more, as people would expect it, and not as the program has it.

use std::collections::BTreeSet;

use atrarium_tests::api::Caller;
use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::plc::Plc;
use atrarium_tests::records;
use atrarium_tests::signer::Signer;
use atrarium_tests::world::NOW;
use serde_json::{Value, json};

use super::{SERVICE, Town};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    May,
    /// 401.
    Sign,
    /// 403.
    No,
}

use Fate::{May, No, Sign};

/// Who calls, in the order of the table's columns.
const CALLERS: [Option<&str>; 7] = [None, Some("eve"), Some("ann"), Some("mia"), Some("olga"), Some("otto"), Some("oscar")];

/// Anybody who is signed in.
const SIGNED_IN: [Fate; 7] = [Sign, May, May, May, May, May, May];
const EVERYBODY: [Fate; 7] = [May; 7];
//                             nobody stranger member moderator owner other operator
const MODERATORS: [Fate; 7] = [Sign, No, No, May, May, No, No];
const OWNER: [Fate; 7] = [Sign, No, No, No, May, No, No];
const KEEPERS: [Fate; 7] = [Sign, No, No, No, May, No, May];
const OPERATORS: [Fate; 7] = [Sign, No, No, No, No, No, May];

/// A way to call an endpoint. Nobody's server answers here, so what would write ends in a 502 for who may.
struct Row {
    method: &'static str,
    /// As in the document.
    path: &'static str,
    /// What is put for `{did}`; by default the caller's own.
    other: Option<&'static str>,
    query: String,
    body: Value,
    /// What is answered to who may.
    done: &'static [u16],
    fates: [Fate; 7],
}

fn row(method: &'static str, path: &'static str, fates: [Fate; 7], done: &'static [u16]) -> Row {
    Row { method, path, other: None, query: String::new(), body: Value::Null, done, fates }
}

impl Row {
    fn asking(self, query: impl Into<String>) -> Self {
        Self { query: query.into(), ..self }
    }

    fn saying(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn about(self, other: &'static str) -> Self {
        Self { other: Some(other), ..self }
    }

    /// The path with its query, for somebody.
    fn target(&self, caller: Option<&str>) -> String {
        let subject = did(self.other.or(caller).unwrap_or("nobody"));
        let path = self.path.replace("{did}", &subject);
        let path = path.replace("{id}", if self.path.contains("/auth/sessions") { "none" } else { "main" });
        let path = path.replace("{rkey}", "a1").replace("{letter}", "none").replace("{who}", "203.0.113.7").replace("{number}", "1");
        format!("{path}{}", self.query)
    }

    async fn call(&self, caller: &mut Caller, name: Option<&str>) -> Answer {
        let target = self.target(name);
        if !self.path.ends_with("/events") {
            return caller.call(self.method, &target, &self.body).await;
        }
        // This one never ends by itself.
        match caller.events("main", None).await {
            Ok(_) => Answer { status: 200, head: String::new(), body: String::new() },
            Err(answer) => answer,
        }
    }
}

fn table(town: &Town) -> Vec<Row> {
    let act = |action: &str, target: &str| json!({ "community": "main", "action": action, "target": target });
    let [moderators, owner] = [MODERATORS, OWNER];
    vec![
        // Signing in and out. An access token renews nothing, and whoever has none needs none here.
        row("POST", "/api/auth/login", EVERYBODY, &[422]).saying(json!({})),
        row("POST", "/api/auth/refresh", [Sign; 7], &[]).saying(json!({ "refreshToken": "forged" })),
        row("POST", "/api/auth/logout", SIGNED_IN, &[200]),
        row("GET", "/api/auth/me", SIGNED_IN, &[200]),
        row("GET", "/api/auth/start", EVERYBODY, &[200]),
        row("GET", "/api/auth/sessions", SIGNED_IN, &[200]),
        row("DELETE", "/api/auth/sessions", SIGNED_IN, &[200]),
        row("DELETE", "/api/auth/sessions/{id}", SIGNED_IN, &[404]),
        row("GET", "/oauth/login", EVERYBODY, &[400]),
        row("POST", "/oauth/login", EVERYBODY, &[400]),
        // Whoever is signed in by a token has no cookie to show.
        row("GET", "/oauth/done", EVERYBODY, &[401]),
        // It tells a browser that comes from nowhere to sign in.
        row("GET", "/oauth/callback", EVERYBODY, &[401]),
        row("GET", "/oauth/client-metadata.json", EVERYBODY, &[200]),
        row("GET", "/oauth/jwks.json", EVERYBODY, &[200]),
        row("GET", "/api/openapi.json", EVERYBODY, &[200]),
        row("GET", "/api/docs/", EVERYBODY, &[200]),
        // What records and feeds say anyway.
        row("GET", "/api/communities", SIGNED_IN, &[200]),
        row("GET", "/api/communities/{id}", SIGNED_IN, &[200]),
        row("GET", "/api/communities/{id}/children", SIGNED_IN, &[200]),
        row("GET", "/api/communities/{id}/members", SIGNED_IN, &[200]),
        row("GET", "/api/communities/{id}/posts", SIGNED_IN, &[200]),
        row("GET", "/api/communities/{id}/stats", SIGNED_IN, &[200]),
        row("GET", "/api/communities/{id}/explain", SIGNED_IN, &[200]).asking(format!("?post={}", http::encode(&town.post))),
        row("GET", "/api/communities/{id}/events", SIGNED_IN, &[200]),
        row("GET", "/api/moderation/actions", SIGNED_IN, &[200]).asking("?community=main"),
        // What they don't.
        row("GET", "/api/communities/{id}/posts", moderators, &[200]).asking("?hidden=true"),
        row("GET", "/api/communities/{id}/held", KEEPERS, &[200]),
        row("GET", "/api/communities/{id}/dead-letters", KEEPERS, &[200]),
        row("POST", "/api/communities/{id}/dead-letters/{letter}/retry", KEEPERS, &[400, 404]),
        row("DELETE", "/api/communities/{id}/dead-letters/{letter}", KEEPERS, &[400, 404]),
        // What the feed shows, for who tries a mix at home.
        row("GET", "/api/communities/{id}/feed-mix/candidates", EVERYBODY, &[200]),
        // The owner's mixes: an operator looks, and stops what harms.
        row("GET", "/api/communities/{id}/feed-mix", KEEPERS, &[200]),
        row("GET", "/api/communities/{id}/feed-mix/versions", KEEPERS, &[200]),
        row("GET", "/api/communities/{id}/feed-mix/versions/{number}", KEEPERS, &[404]),
        row("GET", "/api/communities/{id}/feed-mix/log", KEEPERS, &[200]),
        row("POST", "/api/communities/{id}/feed-mix/deactivate", KEEPERS, &[200]),
        row("POST", "/api/communities/{id}/feed-mix/versions", owner, &[400]),
        row("POST", "/api/communities/{id}/feed-mix/versions/{number}/preview", owner, &[404]),
        row("POST", "/api/communities/{id}/feed-mix/versions/{number}/activate", owner, &[404]),
        row("POST", "/api/communities/{id}/feed-mix/rollback", owner, &[409]),
        row("DELETE", "/api/communities/{id}/feed-mix/versions/{number}", owner, &[404]),
        // In one's own repo.
        row("POST", "/api/communities", SIGNED_IN, &[502]).saying(json!({ "name": "Day moths" })),
        row("POST", "/api/communities/{id}/members", SIGNED_IN, &[502, 409]).saying(json!({})),
        row("DELETE", "/api/communities/{id}/members/{did}", SIGNED_IN, &[502, 404, 409]),
        row("DELETE", "/api/communities/{id}/members/{did}", [Sign, No, No, No, No, No, No], &[]).about("ben"),
        row("DELETE", "/api/moderation/actions/{rkey}", SIGNED_IN, &[502]),
        // The owner's.
        row("PUT", "/api/communities/{id}", owner, &[502]).saying(json!({ "name": "Moths" })),
        row("DELETE", "/api/communities/{id}", owner, &[502]),
        row("PUT", "/api/communities/{id}/members/{did}", owner, &[502]).saying(json!({ "role": "moderator" })).about("ann"),
        row("PUT", "/api/communities/{id}/members/{did}", owner, &[502]).saying(json!({ "role": "member" })).about("mia"),
        row("PUT", "/api/communities/{id}/members/{did}", owner, &[409]).saying(json!({ "role": "moderator" })),
        // Moderation, and whom it can be aimed at.
        row("POST", "/api/moderation/actions", moderators, &[502]).saying(act("hide_post", &town.hidden)),
        row("POST", "/api/moderation/actions", moderators, &[502]).saying(act("unhide_post", &town.hidden)),
        row("POST", "/api/moderation/actions", moderators, &[502]).saying(act("block_user", &did("ben"))),
        row("POST", "/api/moderation/actions", moderators, &[502]).saying(act("unblock_user", &did("eve"))),
        row("POST", "/api/moderation/actions", owner, &[502]).saying(act("hide_post", &town.notice)),
        row("POST", "/api/moderation/actions", owner, &[502]).saying(act("block_user", &did("max"))),
        row("POST", "/api/moderation/actions", [Sign, No, No, No, No, No, No], &[]).saying(act("hide_post", &town.welcome)),
        row("POST", "/api/moderation/actions", [Sign, No, No, No, No, No, No], &[]).saying(act("block_user", &did("olga"))),
        // The whole host's.
        row("GET", "/api/operator/status", OPERATORS, &[200]),
        row("GET", "/api/operator/limits", OPERATORS, &[200]),
        row("GET", "/api/operator/load", OPERATORS, &[200]),
        row("DELETE", "/api/operator/limits/{who}", OPERATORS, &[200]),
        row("GET", "/api/operator/dead-letters", OPERATORS, &[200]),
        row("POST", "/api/operator/dead-letters/{letter}/retry", OPERATORS, &[400, 404]),
        row("DELETE", "/api/operator/dead-letters/{letter}", OPERATORS, &[400, 404]),
    ]
}

fn check(row: &Row, who: &str, fate: Fate, answer: &Answer) {
    let what = format!("{} {}{} {} by {who}: {answer:?}", row.method, row.path, row.query, row.body);
    match fate {
        May => assert!(row.done.contains(&answer.status), "should be allowed, and end in {:?}: {what}", row.done),
        Sign => assert_eq!((answer.status, answer.error().as_str()), (401, "AuthenticationRequired"), "{what}"),
        No => assert_eq!((answer.status, answer.error().as_str()), (403, "Forbidden"), "{what}"),
    }
    if fate != May {
        assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_do_what_is_theirs_and_nothing_else() {
    let town = Town::new().await;
    let feed = town.feed().await;
    for row in table(&town) {
        for (name, fate) in CALLERS.into_iter().zip(row.fates) {
            // A session of its own for each call, since some end them.
            let mut caller = name.map_or_else(|| town.nobody(), |name| town.signed_in(name));
            let answer = row.call(&mut caller, name).await;
            check(&row, name.unwrap_or("nobody"), fate, &answer);
        }
    }
    assert_eq!(town.feed().await, feed, "nothing that was refused, or that no server took, has changed anything");
    let community = town.signed_in("olga").reads("/api/communities/main").await;
    assert_eq!(community["moderators"], json!([did("max"), did("mia")]));
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_endpoint_is_missing_from_the_table() {
    let town = Town::new().await;
    let document = town.nobody().reads("/api/openapi.json").await;
    let paths = document["paths"].as_object().expect("the document has paths");
    let documented: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().into_iter().flatten().map(move |(method, _)| (path.clone(), method.to_uppercase())))
        .collect();
    let tested: BTreeSet<(String, String)> = table(&town).iter().map(|row| (row.path.to_owned(), row.method.to_owned())).collect();
    let untested: Vec<_> = documented.difference(&tested).collect();
    assert!(untested.is_empty(), "give these a row: {untested:?}");
    // What isn't an API but pages and documents is in the table alone.
    let is_page = |path: &str| path.starts_with("/oauth/") || matches!(path, "/api/openapi.json" | "/api/docs/");
    let undocumented: Vec<_> = tested.difference(&documented).filter(|(path, _)| !is_page(path)).collect();
    assert!(undocumented.is_empty(), "the document lacks {undocumented:?}");
    town.end().await;
}

/// A token that the caller's own server made reads what its DID may read, for the length of a minute, and changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_with_a_token_of_their_own_server_reads_and_changes_nothing() {
    let plc = Plc::start().await;
    let town = Town::with_flags(&plc.flags().iter().map(String::as_str).collect::<Vec<_>>()).await;
    let key = Signer::k256(7);
    let (method_type, public) = key.public();
    plc.register(&did("olga"), (method_type, &public));
    let claims = records::with(Signer::claims(&did("olga"), SERVICE, NOW), json!({ "lxm": "net.atrarium.dashboard.read" }));
    let mut olga = Caller::bearer(town.world.address, &key.token(&claims));
    let me = olga.reads("/api/auth/me").await;
    assert_eq!((&me["did"], &me["method"], &me["canWrite"], &me["csrfToken"]), (&json!(did("olga")), &json!("service"), &json!(false), &Value::Null));
    const COLUMN: usize = 4;
    assert_eq!(CALLERS[COLUMN], Some("olga"));
    for row in table(&town) {
        let needs_session = row.method != "GET" || row.path == "/api/auth/sessions";
        let is_open = row.fates[0] == May || row.path == "/api/auth/refresh";
        let fate = if needs_session && !is_open { No } else { row.fates[COLUMN] };
        let answer = row.call(&mut olga, Some("olga")).await;
        check(&row, "olga's server", fate, &answer);
    }
    let feeds = Signer::claims(&did("olga"), SERVICE, NOW);
    let of_feeds = Caller::bearer(town.world.address, &key.token(&feeds)).get("/api/auth/me").await;
    assert_eq!(of_feeds.status, 401, "a token for reading feeds opens nothing here: {of_feeds:?}");
    town.end().await;
}
