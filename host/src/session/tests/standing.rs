//! How long a session stands: as long as the server that its user's DID names takes its credentials, and however slow that server is.

use serde_json::json;

use super::server::{GET_RECORD, REFRESH_SESSION, Server};
use super::*;

const EXPIRED: &str = "ExpiredToken";

/// Something that the user's server is asked.
async fn ask(repo: &Repo) -> Result<(), RepoError> {
    repo.get("net.atrarium.community.config", "a").await.map(drop)
}

async fn signed_in(house: &House) -> Tokens {
    house.sessions.sign_in_with_password(ANN, "a password", None, None).await.expect("the server is honest")
}

impl House {
    /// What becomes of both tokens now.
    async fn state_of(&self, tokens: &Tokens) -> (&'static str, &'static str) {
        (self.check(tokens), named(self.sessions.go_on(&tokens.refresh).await))
    }
}

#[tokio::test]
async fn a_server_that_the_user_has_left_can_do_nothing_as_them_any_more() {
    let (left, new) = (Server::of(ANN).await, Server::of(ANN).await);
    let house = House::before(&left.directory());
    let (writes, reads) = (signed_in(&house).await, signed_in(&house).await);
    let repo = house.repo(&writes);
    assert_eq!(ask(&repo).await, Ok(()));
    // An identity event; and a directory that is down at this very moment, which proves nothing.
    house.resolver.purge(ANN);
    left.refuses(&left.document_path(), 503, "");
    let asked = left.asked(GET_RECORD);
    assert!(matches!(ask(&repo).await, Err(RepoError::Unreachable(_))));
    assert_eq!((left.asked(GET_RECORD), house.check(&writes)), (asked, "good"), "nothing is done, and nobody signed out");
    let reads = house.sessions.go_on(&reads.refresh).await.expect("a directory that is down signs nobody out");

    left.says(&left.document_path(), &new.document());
    house.resolver.purge(ANN);
    assert!(matches!(ask(&repo).await, Err(RepoError::SignedOut(_))));
    assert_eq!(left.asked(GET_RECORD), asked, "it isn't even asked");
    assert_eq!(house.state_of(&writes).await, ("ended", "ended"));
    assert_eq!(named(house.sessions.go_on(&reads.refresh).await), "ended", "for who only reads too");
    assert_eq!(house.check(&reads), "ended");
    assert!(house.sessions.list(ANN).expect("a healthy disk").is_empty());
}

#[tokio::test]
async fn what_was_revoked_at_the_users_server_ends_here_within_a_day_for_who_only_reads() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    let mut tokens = signed_in(&house).await;
    let go_on = async |tokens: Tokens| house.sessions.go_on(&tokens.refresh).await.expect("the session stands");
    house.later(23 * 60 * MINUTE);
    tokens = go_on(tokens).await;
    assert_eq!(server.asked(REFRESH_SESSION), 0, "nobody is asked all the time");
    house.later(60 * MINUTE);
    tokens = go_on(tokens).await;
    tokens = go_on(tokens).await;
    assert_eq!(server.asked(REFRESH_SESSION), 1, "once a day");
    // Whatever else is wrong there ends nothing.
    for (status, name) in [(503, ""), (500, "InternalServerError"), (429, "RateLimitExceeded"), (401, "AccountTakedown"), (200, "")] {
        house.later(24 * 60 * MINUTE);
        server.refuses(REFRESH_SESSION, status, name);
        tokens = go_on(tokens).await;
        assert_eq!(house.check(&tokens), "good", "{status} {name}");
    }
    server.refuses(REFRESH_SESSION, 400, EXPIRED);
    let house = house.reopened("a");
    assert_eq!(named(house.sessions.go_on(&tokens.refresh).await), "ended");
    assert_eq!(house.state_of(&tokens).await, ("ended", "ended"));
}

#[tokio::test]
async fn who_is_told_to_sign_in_again_is_not_sent_in_a_circle() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    // Renewed, and not taken all the same; and not renewed.
    let (renewed, revoked) = (signed_in(&house).await, signed_in(&house).await);
    server.refuses(GET_RECORD, 400, EXPIRED);
    assert!(matches!(ask(&house.repo(&renewed)).await, Err(RepoError::SignedOut(_))));
    assert_eq!((server.asked(REFRESH_SESSION), house.state_of(&renewed).await), (1, ("ended", "ended")));
    server.refuses(REFRESH_SESSION, 401, EXPIRED);
    assert!(matches!(ask(&house.repo(&revoked)).await, Err(RepoError::SignedOut(_))));
    assert_eq!(house.state_of(&revoked).await, ("ended", "ended"));
}

#[tokio::test]
async fn a_server_in_trouble_with_us_signs_nobody_out() {
    let server = Server::of(ANN).await;
    let house = House::before(&server.directory());
    let tokens = server.by_oauth(&house).await.expect("the server is honest");
    let repo = house.repo(&tokens);
    server.refuses(GET_RECORD, 401, EXPIRED);
    server.refuses("/token", 400, "invalid_client");
    assert!(matches!(ask(&repo).await, Err(RepoError::Denied(_))), "it can't read what we say of ourselves");
    server.refuses(GET_RECORD, 401, "use_dpop_nonce");
    assert!(matches!(ask(&repo).await, Err(RepoError::Unreachable(_))));
    server.refuses(GET_RECORD, 401, "AccountDeactivated");
    assert!(matches!(ask(&repo).await, Err(RepoError::Denied(_))));
    assert_eq!(house.check(&tokens), "good");
    server.refuses(GET_RECORD, 401, EXPIRED);
    server.says_each("/token", &[(400, json!({ "error": "invalid_grant" }))]);
    assert!(matches!(ask(&repo).await, Err(RepoError::SignedOut(_))));
    assert_eq!(house.state_of(&tokens).await, ("ended", "ended"), "a grant that was revoked");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_late_and_keeps_nobody_else_waiting() {
    let house = House::new();
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on loopback");
    let pds = format!("http://{}/", silent.local_addr().expect("a bound listener"));
    let slow = Credentials::Password { pds, access: "a".to_owned(), refresh: "b".to_owned() };
    let repo = |did: &str, credentials: &Credentials| {
        house.knows(did, credentials.pds());
        house.repo(&house.sessions.begin(did, None, credentials, None).expect("a healthy disk"))
    };
    let (anns, bens) = (repo(ANN, &slow), repo(BEN, &credentials()));
    let began = tokio::time::Instant::now();
    let calls = futures_util::future::join_all((0..20).map(|_| anns.get("net.atrarium.community.config", "a")));
    let (late, other) = tokio::join!(calls, async { (bens.get("net.atrarium.community.config", "a").await, began.elapsed()) });
    assert!(late.iter().all(|answer| matches!(answer, Err(RepoError::Late(_)))), "{late:?}");
    assert_eq!(began.elapsed().as_secs(), 10, "however many calls wait");
    assert!(matches!(other, (Err(RepoError::Unreachable(_)), waited) if waited.as_secs() < 10), "{other:?}");
    // Ending such a session doesn't wait either.
    let began = tokio::time::Instant::now();
    assert_eq!(house.sessions.end_all(ANN).await.ok(), Some(1));
    assert!(began.elapsed().as_secs() < 1, "{:?}", began.elapsed());
}
