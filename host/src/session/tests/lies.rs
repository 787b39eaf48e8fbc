//! Users' servers that lie. Each of these lies would sign somebody in as another, keep them so, or take the program down, if it were
//! believed.

use serde_json::{Value, json};

use super::server::{CREATE_SESSION, GET_RECORD, METADATA, REFRESH_SESSION, RESOURCE, Server, tokens_of};
use super::*;

async fn by_password(house: &House) -> Result<Tokens, SignInError> {
    house.sessions.sign_in_with_password(ANN, "a password", None, None).await
}

fn mismatch(outcome: &Result<Tokens, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Mismatch(_)))
}

impl House {
    /// Nobody was signed in.
    fn is_empty(&self) -> bool {
        self.sessions.count().expect("a healthy disk") == 0
    }
}

#[tokio::test]
async fn an_answer_for_another_account_signs_nobody_in() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    server.says(CREATE_SESSION, &tokens_of(BEN));
    let outcome = by_password(&house).await;
    assert!(mismatch(&outcome), "{outcome:?}");
    server.says("/token", &server.grant(BEN));
    let outcome = server.by_oauth(&house).await;
    assert!(mismatch(&outcome), "{outcome:?}");
    assert!(house.is_empty());
    // The same without the lies.
    server.says(CREATE_SESSION, &tokens_of(ANN));
    server.says("/token", &server.grant(ANN));
    assert!(by_password(&house).await.is_ok_and(|tokens| tokens.did == ANN));
    assert!(server.by_oauth(&house).await.is_ok_and(|tokens| tokens.did == ANN));
}

#[tokio::test]
async fn an_issuer_that_speaks_for_the_account_no_more_signs_nobody_in() {
    let (server, other) = (Server::of(ANN).await, Server::of(ANN).await);
    let house = House::before(&server.directory());
    let begin = async || house.sessions.begin_oauth(ANN, "/").await.expect("the server is honest");
    // Its server names another issuer by the end.
    let begun = begin().await;
    server.says(RESOURCE, &json!({ "resource": server.url(), "authorization_servers": [other.url()] }));
    let outcome = server.comes_back(&house, &begun).await;
    assert!(mismatch(&outcome), "{outcome:?}");
    server.says(RESOURCE, &json!({ "resource": server.url(), "authorization_servers": [server.url()] }));
    // The account is at another server by the end, though that one has the same issuer.
    let begun = begin().await;
    other.says(RESOURCE, &json!({ "resource": other.url(), "authorization_servers": [server.url()] }));
    server.says(&server.document_path(), &other.document());
    house.resolver.purge(ANN);
    let outcome = server.comes_back(&house, &begun).await;
    assert!(mismatch(&outcome), "{outcome:?}");
    assert!(house.is_empty());
}

#[tokio::test]
async fn a_renewal_for_another_account_ends_the_session() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    let (by_password, by_oauth) = (by_password(&house).await.expect("it is honest"), server.by_oauth(&house).await.expect("it is honest"));
    server.says(REFRESH_SESSION, &tokens_of(BEN));
    server.says("/token", &server.grant(BEN));
    for tokens in [by_password, by_oauth] {
        let repo = house.repo(&tokens);
        assert!(repo.get("net.atrarium.community.config", "a").await.is_ok());
        server.says_each(GET_RECORD, &[(401, json!({ "error": "ExpiredToken" })), (200, server.record(&json!({})))]);
        let answer = repo.get("net.atrarium.community.config", "a").await;
        assert!(matches!(answer, Err(RepoError::SignedOut(_))), "{answer:?}");
        assert_eq!(house.check(&tokens), "ended");
    }
}

#[tokio::test]
async fn all_that_a_password_may_is_asked_for_only_where_the_least_is_unknown() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    assert!(server.by_oauth(&house).await.is_ok());
    let least = server.scopes();
    assert!(matches!(least.as_slice(), [scope] if scope.contains("repo:net.atrarium.community.config") && !scope.contains("transition")), "{least:?}");
    for refusal in ["invalid_request", "access_denied", "invalid_client"] {
        server.refuses("/par", 400, refusal);
        assert!(server.by_oauth(&house).await.is_err());
    }
    assert!(server.scopes()[1..].iter().all(|scope| *scope == least[0]), "{:?}", server.scopes());

    let old = Server::of(BEN).await;
    let house = House::before(&old.directory());
    old.says_each("/par", &[(400, json!({ "error": "invalid_scope" })), (201, json!({ "request_uri": "urn:x:1" }))]);
    assert!(old.by_oauth(&house).await.is_ok_and(|tokens| tokens.did == BEN));
    assert_eq!(old.scopes(), [least[0].as_str(), "atproto transition:generic"]);
}

#[tokio::test]
async fn what_a_server_says_of_itself_is_bounded() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    let long = "x".repeat(3 << 10);
    for endpoint in ["authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint", "revocation_endpoint"] {
        let mut metadata = server.metadata();
        metadata[endpoint] = json!(format!("{}/{long}", server.url()));
        server.says(METADATA, &metadata);
        assert!(matches!(server.by_oauth(&house).await, Err(SignInError::RefusedByServer(_))), "{endpoint}");
    }
    server.says(METADATA, &server.metadata());
    server.says("/par", &json!({ "request_uri": long }));
    assert!(matches!(server.by_oauth(&house).await, Err(SignInError::Unreachable(_))));
    server.says("/par", &json!({ "request_uri": "urn:x:1" }));
    let mut grant = server.grant(ANN);
    grant["scope"] = json!(format!("atproto {long}"));
    server.says("/token", &grant);
    assert!(matches!(server.by_oauth(&house).await, Err(SignInError::Unreachable(_))));
    assert!(house.is_empty());
}

/// JSON that costs a gigabyte if it is taken apart as the library does: many small objects below many levels.
fn bomb(bytes: usize) -> String {
    let leaves = r#"{"":0},"#.repeat(bytes / 7);
    format!("{}[{leaves}0]{}", r#"{"":"#.repeat(100), "}".repeat(100))
}

/// An answer with something in it, as the bytes that the server sends.
fn with(answer: &Value, field: &str, json: &str) -> Value {
    let text = answer.to_string();
    json!(format!("{},\"{field}\":{json}}}", text.strip_suffix('}').expect("an object")))
}

#[tokio::test]
async fn json_that_would_take_all_memory_is_refused_unread() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    let tokens = by_password(&house).await.expect("it is honest");
    let repo = house.repo(&tokens);
    let mut record = server.record(&json!({}));
    record.as_object_mut().expect("an object").remove("value");
    for (bytes, why) in [(60_000, "nested too deep"), (120_000, "nested too deep"), (1 << 20, "more than 131072 bytes")] {
        server.says(GET_RECORD, &with(&record, "value", &format!("{{\"a\":{}}}", bomb(bytes))));
        let answer = repo.get("net.atrarium.community.config", "a").await;
        assert!(matches!(&answer, Err(RepoError::Unreachable(said)) if said.contains(why)), "{why}: {answer:?}");
    }
    for bytes in [40_000, 1 << 20] {
        server.says(CREATE_SESSION, &with(&tokens_of(ANN), "didDoc", &bomb(bytes)));
        let outcome = by_password(&house).await;
        assert!(matches!(outcome, Err(SignInError::Unreachable(_))), "{outcome:?}");
    }
    // It ends nothing: the next answer may be a better one.
    server.says(GET_RECORD, &with(&record, "value", "{\"a\":[[[[{}]]]]}"));
    assert!(repo.get("net.atrarium.community.config", "a").await.is_ok_and(|found| found.is_some()));
}
