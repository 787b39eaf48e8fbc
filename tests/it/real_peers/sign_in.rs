//! People sign in at a real PDS, with an app password and by OAuth, and write in their own repos until they sign out.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use atrarium::clock::Clock;
use atrarium::config::{PublicUrl, SecretText};
use atrarium::identity::{Resolver, Settings};
use atrarium::outbound::{Client, Policy};
use atrarium::pds::{Repo, RepoError, Swap};
use atrarium::session::{CallbackQuery, Method, Parts, Session, Sessions, SignInError, Tokens};
use atrarium::store::State;
use atrarium_tests::browser::{self, Consent};
use atrarium_tests::network::CONFIG;
use atrarium_tests::part::Part;
use atrarium_tests::peers::Peers;
use atrarium_tests::ports::free_port;
use atrarium_tests::repo::{PASSWORD, Person};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;
use url::Url;

/// The service, as far as it signs people in.
struct House {
    sessions: Sessions,
    clock: Clock,
    directory: TempDir,
}

/// On this machine, as far as the PDS knows.
const LOCAL: &str = "http://localhost:3000";

fn open(peers: &Peers, directory: &Path, clock: &Clock, app_passwords: bool) -> Sessions {
    open_as(LOCAL, peers, directory, clock, app_passwords)
}

fn open_as(public_url: &str, peers: &Peers, directory: &Path, clock: &Clock, app_passwords: bool) -> Sessions {
    let client = Client::new(Policy::new(true));
    let url = |text: &str| Url::parse(text).expect("a URL");
    let settings = Settings { plc: url(&peers.plc_url()), handle_resolver: Some(url(&format!("http://{}", peers.pds()))) };
    let parts = Parts {
        state: State::open(&directory.join("state.redb")).expect("a healthy disk"),
        secret: SecretText::parse("the test's own secret, which is long enough").expect("long enough"),
        public_url: PublicUrl::parse(public_url).expect("a public URL"),
        resolver: Resolver::new(client, settings, clock.clone()),
        clock: clock.clone(),
        allow_private_network: true,
        app_passwords,
    };
    Sessions::open(parts).expect("a healthy disk")
}

impl House {
    fn beside(peers: &Peers) -> Self {
        let (directory, clock) = (tempfile::tempdir().expect("tests need a temporary directory"), Clock::system());
        Self { sessions: open(peers, directory.path(), &clock, true), clock, directory }
    }

    /// The same after a restart.
    fn reopened(self, peers: &Peers) -> Self {
        let Self { sessions, clock, directory } = self;
        drop(sessions);
        Self { sessions: open(peers, directory.path(), &clock, true), clock, directory }
    }

    /// A copy of all that it has, in other hands.
    fn copied(&self, peers: &Peers) -> Self {
        let (directory, clock) = (tempfile::tempdir().expect("tests need a temporary directory"), Clock::system());
        std::fs::copy(self.directory.path().join("state.redb"), directory.path().join("state.redb")).expect("nobody writes to it");
        Self { sessions: open(peers, directory.path(), &clock, true), clock, directory }
    }

    fn session(&self, tokens: &Tokens) -> Session {
        self.sessions.check(&tokens.access).expect("the session goes on")
    }

    fn repo(&self, tokens: &Tokens) -> Repo {
        self.sessions.repo(&self.session(tokens)).expect("the session goes on")
    }

    async fn by_oauth(&self, person: &Person) -> Tokens {
        self.by_oauth_at("http://127.0.0.1:3000", person).await
    }

    async fn by_oauth_at(&self, origin: &str, person: &Person) -> Tokens {
        let begun = self.sessions.begin_oauth(&person.handle, "/communities/moths").await.expect("the PDS knows OAuth");
        let back = browser::sign_in(begun.authorize.as_str(), &person.handle, PASSWORD, Consent::Allow).await;
        let (tokens, return_to) = self.sessions.finish_oauth(query_at(origin, &back), &begun.binding, Some("a browser")).await.expect("all is well");
        assert_eq!(return_to, "/communities/moths");
        tokens
    }
}

fn query(back: &str) -> CallbackQuery {
    query_at("http://127.0.0.1:3000", back)
}

fn query_at(origin: &str, back: &str) -> CallbackQuery {
    let back = Url::parse(back).expect("a browser is sent to a URL");
    assert_eq!((back.origin().ascii_serialization().as_str(), back.path()), (origin, "/oauth/callback"));
    let find = |name: &str| back.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
    CallbackQuery { state: find("state"), code: find("code"), iss: find("iss"), error: find("error"), error_description: find("error_description") }
}

async fn app_password(person: &Person) -> String {
    let made = person.does("com.atproto.server.createAppPassword", &json!({ "name": "a script" })).await;
    made["password"].as_str().expect("a password is made").to_owned()
}

fn record(fields: Value) -> Map<String, Value> {
    let Value::Object(fields) = fields else { panic!("a record is an object") };
    fields
}

/// Something for which the PDS wants to know who asks, unlike for a reading, and that leaves everything as it is.
async fn ask(repo: &Repo) -> Result<(), RepoError> {
    assert_eq!(repo.delete(CONFIG, "nothing", Swap::Any).await?, None);
    Ok(())
}

/// All that can be done to a record, each as it should be answered.
async fn a_records_life(repo: &Repo, person: &Person) {
    let config = |name: &str| record(json!({ "$type": CONFIG, "name": name, "unknown": { "nested": [1, null, "ü"] } }));
    assert_eq!(repo.did(), person.did);
    assert_eq!(repo.get(CONFIG, "moths").await, Ok(None));

    let created = repo.create(CONFIG, "moths", config("one")).await.expect("it isn't there yet");
    assert_eq!(created.uri, person.uri(CONFIG, "moths"));
    assert!(matches!(repo.create(CONFIG, "moths", config("two")).await, Err(RepoError::Conflict(_))));
    let found = repo.get(CONFIG, "moths").await.expect("the PDS answers").expect("it is there");
    assert_eq!((&found.cid, &found.value), (&created.cid, &config("one")), "what nobody here knows survives");

    let written = repo.put(CONFIG, "moths", config("two"), Swap::Is(&created.cid)).await.expect("nobody else writes").expect("it is another");
    assert!(written.rev > created.rev && written.cid != created.cid);
    assert!(matches!(repo.put(CONFIG, "moths", config("three"), Swap::Is(&created.cid)).await, Err(RepoError::Conflict(_))));
    assert_eq!(repo.put(CONFIG, "moths", config("two"), Swap::Any).await, Ok(None), "nothing changes");
    assert_eq!(person.records(CONFIG).await, [("moths".to_owned(), Value::Object(config("two")))], "as others see it");

    let other = repo.create(CONFIG, "butterflies", config("other")).await.expect("it isn't there yet");

    for invalid in [json!({ "$type": CONFIG, "share": 0.5 }), json!({ "$type": "app.bsky.feed.post" })] {
        let refused = repo.put(CONFIG, "invalid", record(invalid.clone()), Swap::Any).await;
        assert!(matches!(refused, Err(RepoError::Invalid(_))), "{invalid}: {refused:?}");
    }
    let generator = record(json!({ "$type": "app.bsky.feed.generator", "did": "did:web:a.example", "createdAt": "yesterday" }));
    let refused = repo.put("app.bsky.feed.generator", "moths", generator, Swap::Any).await;
    assert!(matches!(refused, Err(RepoError::Invalid(_))), "{refused:?}");

    assert!(matches!(repo.delete(CONFIG, "moths", Swap::Is(&created.cid)).await, Err(RepoError::Conflict(_))));
    assert!(repo.delete(CONFIG, "moths", Swap::Is(&written.cid)).await.expect("nobody else writes").is_some_and(|rev| rev > other.rev));
    assert_eq!(repo.delete(CONFIG, "moths", Swap::Any).await, Ok(None), "it is gone already");
    assert!(repo.delete(CONFIG, "butterflies", Swap::Any).await.expect("the PDS answers").is_some());
    assert!(person.records(CONFIG).await.is_empty());
}

/// Several calls at once find that the token has expired, also after a restart; the sign-in is renewed once for all of them.
async fn renewals(mut house: House, peers: &Peers, tokens: &Tokens) -> House {
    for _ in 0..2 {
        let repo = house.sessions.spoil(&house.session(tokens)).await.expect("the session goes on").expect("it can be opened");
        let write = |n: usize| repo.put(CONFIG, "renewed", record(json!({ "$type": CONFIG, "n": n })), Swap::Any);
        let many = futures_util::future::join_all((0..8).map(write)).await;
        assert!(many.iter().all(Result::is_ok), "{many:?}");
        assert!(repo.delete(CONFIG, "renewed", Swap::Any).await.is_ok_and(|rev| rev.is_some()));
        drop(repo);
        house = house.reopened(peers);
        assert_eq!(ask(&house.repo(tokens)).await, Ok(()), "what was renewed was stored");
    }
    house
}

/// After the end of the session neither we nor anybody with a copy can do anything with it.
async fn end(house: &House, peers: &Peers, tokens: &Tokens) {
    let (session, repo) = (house.session(tokens), house.repo(tokens));
    let copy = house.copied(peers);
    let stolen = copy.sessions.spoil(&copy.session(tokens)).await.expect("it is a copy").expect("it can be opened");
    assert!(house.sessions.end(&session.did, &session.id).await.expect("a healthy disk"));
    assert!(house.sessions.check(&tokens.access).is_err() && house.sessions.refresh(&tokens.refresh).is_err());
    assert!(matches!(ask(&repo).await, Err(RepoError::SignedOut(_))));
    // The PDS is told behind.
    house.sessions.settle().await;
    let refused = ask(&stolen).await;
    assert!(matches!(refused, Err(RepoError::SignedOut(_))), "the PDS still takes it: {refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_with_an_app_password_writes_in_their_own_repo_until_they_sign_out() {
    let peers = Peers::without_appview().await;
    let (ann, house) = (peers.person("ann").await, House::beside(&peers));
    let password = app_password(&ann).await;
    let sign_in = |name: String, password: String| {
        let sessions = house.sessions.clone();
        async move { sessions.sign_in_with_password(&name, &password, None, Some("curl/8.0")).await }
    };
    for wrong in ["", "wrong", &"x".repeat(5_000), &password[1..]] {
        let refused = sign_in(ann.handle.clone(), wrong.to_owned()).await;
        assert!(matches!(refused, Err(SignInError::WrongPassword)), "{wrong}: {refused:?}");
    }
    for nobody in ["", "nobody.test", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "ann@example.com", "ann"] {
        let refused = sign_in(nobody.to_owned(), password.clone()).await;
        assert!(matches!(refused, Err(SignInError::Unknown(_))), "{nobody}: {refused:?}");
    }
    let other = tempfile::tempdir().expect("tests need a temporary directory");
    let off = open(&peers, other.path(), &house.clock, false).sign_in_with_password(&ann.handle, &password, None, None).await;
    assert!(matches!(off, Err(SignInError::NoAppPasswords)), "{off:?}");

    let tokens = sign_in(format!("@{}", ann.handle.to_uppercase()), password.clone()).await.expect("the password is right");
    assert_eq!((&tokens.did, tokens.handle.as_ref()), (&ann.did, Some(&ann.handle)));
    assert_eq!(house.session(&tokens).method, Method::Password);
    let by_did = sign_in(ann.did.clone(), password).await.expect("the password is right");
    assert_eq!((&by_did.did, by_did.handle.as_ref()), (&ann.did, Some(&ann.handle)));
    a_records_life(&house.repo(&tokens), &ann).await;
    let house = renewals(house, &peers, &tokens).await;
    end(&house, &peers, &tokens).await;
    assert_eq!(ask(&house.repo(&by_did)).await, Ok(()), "the other sign-in goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_by_oauth_writes_what_they_have_allowed_until_they_sign_out() {
    let peers = Peers::without_appview().await;
    let (ann, house) = (peers.person("ann").await, House::beside(&peers));
    let (tokens, other) = (house.by_oauth(&ann).await, house.by_oauth(&ann).await);
    assert_eq!((&tokens.did, tokens.handle.as_ref(), house.session(&tokens).method), (&ann.did, Some(&ann.handle), Method::OAuth));
    a_records_life(&house.repo(&tokens), &ann).await;
    let post = record(json!({ "$type": "app.bsky.feed.post", "text": "not what was allowed", "createdAt": "2026-01-01T00:00:00.000Z" }));
    let refused = house.repo(&tokens).put("app.bsky.feed.post", &atrarium_tests::repo::tid(1), post, Swap::Any).await;
    assert!(matches!(refused, Err(RepoError::Denied(_))), "{refused:?}");
    let house = renewals(house, &peers, &tokens).await;
    end(&house, &peers, &tokens).await;
    assert_eq!(ask(&house.repo(&other)).await, Ok(()), "the other sign-in goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_world_the_pds_knows_us_by_our_key() {
    let peers = Peers::without_appview().await;
    let (ann, port) = (peers.person("ann").await, free_port());
    let (directory, clock) = (tempfile::tempdir().expect("tests need a temporary directory"), Clock::system());
    let url = format!("https://feeds.atrarium-e2e.dev:{port}");
    let reopen = || open_as(&url, &peers, directory.path(), &clock, true);
    let sessions = reopen();
    let documents = json!({ "/oauth/client-metadata.json": sessions.client_metadata(), "/oauth/jwks.json": sessions.jwks() });
    let environment = [("CLIENT_PORT", port.to_string()), ("DOCUMENTS", documents.to_string())];
    let _served = Part::start("client.mjs", &environment, directory.path()).await;
    let mut house = House { sessions, clock: clock.clone(), directory: tempfile::tempdir().expect("tests need a temporary directory") };
    let tokens = house.by_oauth_at(&url, &ann).await;
    a_records_life(&house.repo(&tokens), &ann).await;
    drop(house.sessions);
    house.sessions = reopen();
    let repo = house.sessions.spoil(&house.session(&tokens)).await.expect("the session goes on").expect("it can be opened");
    assert_eq!(ask(&repo).await, Ok(()), "renewed with the same key after a restart");
    assert!(house.sessions.end(&ann.did, &tokens.session).await.expect("a healthy disk"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_answer_to_the_very_sign_in_that_was_begun_signs_anybody_in() {
    let peers = Peers::without_appview().await;
    let (ann, ben, house) = (peers.person("ann").await, peers.person("ben").await, House::beside(&peers));
    let sessions = &house.sessions;
    let begin = || async { sessions.begin_oauth(&ann.handle, "//evil.example").await.expect("the PDS knows OAuth") };

    let refused = begin().await;
    let back = browser::sign_in(refused.authorize.as_str(), &ann.handle, PASSWORD, Consent::Refuse).await;
    let outcome = sessions.finish_oauth(query(&back), &refused.binding, None).await;
    assert!(matches!(outcome, Err(SignInError::RefusedByUser)), "{outcome:?}");
    let outcome = sessions.finish_oauth(query(&back), &refused.binding, None).await;
    assert!(matches!(outcome, Err(SignInError::ExpiredState)), "used once: {outcome:?}");

    let begun = begin().await;
    let back = browser::sign_in(begun.authorize.as_str(), &ann.handle, PASSWORD, Consent::Allow).await;
    let good = query(&back);
    for state in [None, Some("another".to_owned())] {
        let outcome = sessions.finish_oauth(CallbackQuery { state, ..good.clone() }, &begun.binding, None).await;
        assert!(matches!(outcome, Err(SignInError::ExpiredState)), "{outcome:?}");
    }
    let outcome = sessions.finish_oauth(good.clone(), &refused.binding, None).await;
    assert!(matches!(outcome, Err(SignInError::Mismatch(_))), "another browser: {outcome:?}");
    let (tokens, return_to) = sessions.finish_oauth(good.clone(), &begun.binding, None).await.expect("it was nobody else's to spoil");
    assert_eq!((&tokens.did, return_to.as_str()), (&ann.did, "/"), "nobody is sent elsewhere");
    let outcome = sessions.finish_oauth(good.clone(), &begun.binding, None).await;
    assert!(matches!(outcome, Err(SignInError::ExpiredState)), "used once: {outcome:?}");

    // A code that was used, or that belongs to another sign-in, and an answer in another server's name.
    let begun = begin().await;
    let replayed = CallbackQuery { state: Some(begun.state.clone()), ..good.clone() };
    let outcome = sessions.finish_oauth(replayed, &begun.binding, None).await;
    assert!(matches!(outcome, Err(SignInError::RefusedByServer(_))), "{outcome:?}");
    for iss in [None, Some("https://evil.example".to_owned())] {
        let begun = begin().await;
        let answer = CallbackQuery { state: Some(begun.state.clone()), iss, ..good.clone() };
        let outcome = sessions.finish_oauth(answer, &begun.binding, None).await;
        assert!(matches!(outcome, Err(SignInError::Mismatch(_))), "{outcome:?}");
    }

    // Somebody else signs in at the page. Some servers' pages don't let them.
    let begun = begin().await;
    let back = browser::sign_in(begun.authorize.as_str(), &ben.handle, PASSWORD, Consent::Allow).await;
    let outcome = sessions.finish_oauth(query(&back), &begun.binding, None).await;
    assert!(matches!(outcome, Err(SignInError::Mismatch(_) | SignInError::RefusedByServer(_))), "{outcome:?}");
    assert!(sessions.list(&ben.did).expect("a healthy disk").is_empty());

    // Whatever the PDS makes of a code that comes again: no session was opened or ended by all this.
    assert_eq!(sessions.list(&ann.did).expect("a healthy disk").len(), 1);

    let outcome = sessions.begin_oauth("nobody.test", "/").await;
    assert!(matches!(outcome, Err(SignInError::Unknown(_))), "{outcome:?}");
    let outcome = sessions.begin_oauth("did:web:localhost%3A1", "/").await;
    assert!(matches!(outcome, Err(SignInError::Unreachable(_) | SignInError::Unknown(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pds_that_is_gone_is_told_as_such_and_ends_nothing() {
    let mut peers = Peers::without_appview().await;
    let (ann, house) = (peers.person("ann").await, House::beside(&peers));
    let tokens = house.sessions.sign_in_with_password(&ann.handle, PASSWORD, None, None).await.expect("the password is right");
    let repo = house.sessions.spoil(&house.session(&tokens)).await.expect("the session goes on").expect("it can be opened");
    peers.kill_pds().await;
    let answer = ask(&repo).await;
    assert!(matches!(answer, Err(RepoError::Unreachable(_))), "{answer:?}");
    let answer = house.sessions.sign_in_with_password(&ann.did, PASSWORD, None, None).await;
    assert!(matches!(answer, Err(SignInError::Unreachable(_))), "{answer:?}");
    peers.start_pds().await;
    assert_eq!(ask(&repo).await, Ok(()), "renewed as if nothing had been");
    // Ending doesn't wait for a server that is gone.
    peers.kill_pds().await;
    assert!(house.sessions.end(&ann.did, &tokens.session).await.expect("a healthy disk"));
    assert!(house.sessions.check(&tokens.access).is_err());
}

/// What is logged on this thread, of everything.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// On one thread, which is the one that is listened to.
#[tokio::test]
async fn no_secret_of_a_sign_in_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    // With a single listener in the process, a line that another test's thread reaches first is taken for one that nobody wants.
    let _another = tracing_subscriber::fmt().with_writer(io::sink).finish().set_default();
    let _listening = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone()).finish().set_default();

    let mut peers = Peers::without_appview().await;
    let (ann, house) = (peers.person("ann").await, House::beside(&peers));
    let (password, wrong) = (app_password(&ann).await, "a password that is wrong");
    assert!(house.sessions.sign_in_with_password(&ann.handle, wrong, Some("a code"), None).await.is_err());
    let by_password = house.sessions.sign_in_with_password(&ann.handle, &password, None, None).await.expect("the password is right");
    let begun = house.sessions.begin_oauth(&ann.handle, "/").await.expect("the PDS knows OAuth");
    let back = query(&browser::sign_in(begun.authorize.as_str(), &ann.handle, PASSWORD, Consent::Allow).await);
    let (by_oauth, _) = house.sessions.finish_oauth(back.clone(), &begun.binding, None).await.expect("all is well");
    let mut secrets = vec![password, wrong.to_owned(), PASSWORD.to_owned(), begun.binding, begun.state, back.code.expect("there is one")];
    for tokens in [by_password, by_oauth] {
        let repo = house.sessions.spoil(&house.session(&tokens)).await.expect("the session goes on").expect("it can be opened");
        assert_eq!(ask(&repo).await, Ok(()));
        let next = house.sessions.refresh(&tokens.refresh).expect("it is the newest");
        peers.kill_pds().await;
        assert!(ask(&repo).await.is_err());
        assert!(house.sessions.end(&ann.did, &tokens.session).await.expect("a healthy disk"));
        house.sessions.settle().await;
        peers.start_pds().await;
        assert!(house.sessions.refresh(&next.refresh).is_err());
        secrets.extend([tokens.access, tokens.refresh, tokens.csrf, next.access, next.refresh]);
    }
    let log = String::from_utf8_lossy(&log.0.lock().expect("nobody panicked")).into_owned();
    assert!(log.contains("a user's server was not told of the end of a sign-in"), "the test listens to the right thread: {log}");
    // All JWTs begin like this: those of the PDS, ours, and proofs.
    secrets.push("eyJ".to_owned());
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log:\n{log}");
    }
}
