//! Every rule of a session's tokens, its bounds, and what lies on the disk.

use super::*;

#[test]
fn a_session_lasts_as_long_as_it_is_gone_on_with() {
    let house = House::new();
    let mut tokens = house.begin(ANN);
    let session = house.sessions.check(&tokens.access).expect("it was opened");
    assert_eq!(session, Session { id: tokens.session.clone(), did: ANN.to_owned(), handle: Some("ann.example.org".to_owned()), method: Method::Password });
    assert_eq!((tokens.access_expires_ms, tokens.refresh_expires_ms), (NOW + 15 * MINUTE, NOW + 60 * DAY));
    house.later(16 * MINUTE);
    assert_eq!(house.check(&tokens), "expired");
    for _ in 0..5 {
        tokens = house.refresh(&tokens);
        assert_eq!(house.check(&tokens), "good");
        house.later(59 * DAY);
    }
    house.later(DAY);
    assert_eq!(house.refused(&tokens), "ended", "sixty days without use");
    assert!(house.sessions.list(ANN).expect("a healthy disk").is_empty());
}

#[test]
fn going_on_leaves_the_session_what_it_was() {
    let house = House::new();
    let first = house.begin(ANN);
    house.later(10 * MINUTE);
    let second = house.refresh(&first);
    assert_eq!((house.check(&first), house.check(&second)), ("good", "good"), "an access token is good until it expires");
    assert_eq!((&first.session, &first.did, &first.csrf, &first.handle), (&second.session, &second.did, &second.csrf, &second.handle));
    assert!(first.refresh != second.refresh && first.access != second.access);
    let list = house.sessions.list(ANN).expect("a healthy disk");
    let client = Some("Mozilla/5.0".to_owned());
    let expected = SessionInfo { id: first.session, method: Method::Password, created_ms: NOW, last_used_ms: NOW + 10 * MINUTE, client };
    assert_eq!(list, [expected]);
}

#[test]
fn a_refresh_token_that_comes_again_ends_its_session_and_no_other() {
    let house = House::new();
    let (stolen, other) = (house.begin(ANN), house.begin(ANN));
    let newest = house.refresh(&stolen);
    house.later(10_001);
    assert_eq!(house.refused(&stolen), "reused");
    assert_eq!((house.check(&newest), house.refused(&newest), house.refused(&stolen)), ("ended", "ended", "ended"));
    assert_eq!((house.check(&other), named(house.sessions.refresh(&other.refresh))), ("good", "good"));
}

#[test]
fn however_old_a_used_token_is_it_is_known() {
    let house = House::new();
    let stolen = house.begin(ANN);
    let mut newest = stolen.clone();
    for _ in 0..50 {
        house.later(1);
        newest = house.refresh(&newest);
    }
    assert_eq!(house.refused(&stolen), "reused");
    assert_eq!(house.check(&newest), "ended");
}

#[test]
fn two_tabs_that_race_get_the_same_successor() {
    let house = House::new();
    let first = house.begin(ANN);
    let one = house.refresh(&first);
    house.later(10_000);
    let other = house.refresh(&first);
    assert_eq!((&one.refresh, &one.access), (&other.refresh, &other.access));
    let next = house.refresh(&one);
    assert_eq!(house.check(&next), "good");
    // The first is now two steps old: no race any more.
    assert_eq!(house.refused(&first), "reused");

    let first = house.begin(ANN);
    let second = house.refresh(&first);
    let house = house.reopened("a");
    assert_eq!(house.refused(&first), "superseded", "its successor was in memory");
    assert_eq!((house.check(&second), named(house.sessions.refresh(&second.refresh))), ("good", "good"));
}

#[test]
fn of_two_who_use_a_token_at_once_both_go_on_with_one_successor() {
    let house = House::new();
    let first = house.begin(ANN);
    let refresh = || house.sessions.refresh(&first.refresh).expect("it is a race").refresh;
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(refresh)).collect();
        threads.into_iter().map(|thread| thread.join().expect("nobody panics")).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}

#[test]
fn whoever_knows_a_sessions_name_can_do_nothing_with_it() {
    let house = House::new();
    let tokens = house.begin(ANN);
    let (_, rest) = tokens.refresh.split_once('.').expect("it has parts");
    for forged in
        [String::new(), tokens.session.clone(), format!("{}.{}.{}", tokens.session, "a".repeat(43), "b".repeat(43)), format!("x.{rest}"), tokens.access.clone()]
    {
        assert_eq!(named(house.sessions.refresh(&forged)), "foreign", "{forged}");
    }
    assert_eq!(named(house.sessions.check(&tokens.refresh)), "foreign");
    assert_eq!((house.check(&tokens), named(house.sessions.refresh(&tokens.refresh))), ("good", "good"));
}

#[tokio::test]
async fn who_ends_a_session_ends_it_at_once_and_only_their_own() {
    let house = House::new();
    let (one, two, bens) = (house.begin(ANN), house.begin(ANN), house.begin(BEN));
    let repo = house.sessions.repo(&house.sessions.check(&one.access).expect("it is good")).expect("it is good");
    assert_eq!(house.sessions.end(BEN, &one.session).await.ok(), Some(false));
    assert_eq!(house.sessions.end(ANN, "nothing").await.ok(), Some(false));
    assert_eq!(house.check(&one), "good");
    assert_eq!(house.sessions.end(ANN, &one.session).await.ok(), Some(true));
    assert_eq!((house.check(&one), house.refused(&one), house.check(&two), house.check(&bens)), ("ended", "ended", "good", "good"));
    assert_eq!(house.sessions.end(ANN, &one.session).await.ok(), Some(false));
    let ended = repo.get("net.atrarium.community.config", "a").await;
    assert!(matches!(ended, Err(RepoError::SignedOut(_))), "whoever still holds the repo can't use it: {ended:?}");
    house.begin(ANN);
    assert_eq!(house.sessions.end_all(ANN).await.ok(), Some(2));
    assert_eq!((house.check(&two), house.check(&bens)), ("ended", "good"));
    assert!(house.sessions.list(ANN).expect("a healthy disk").is_empty());
    let session = Session { id: two.session, did: ANN.to_owned(), handle: None, method: Method::Password };
    assert_eq!(named(house.sessions.repo(&session)), "ended");
}

#[test]
fn sessions_are_bounded_and_the_one_that_was_used_least_lately_ends() {
    let house = House::new();
    let mut opened = Vec::new();
    for _ in 0..100 {
        opened.push(house.begin(ANN));
        house.later(1);
    }
    house.refresh(&opened[0]);
    house.later(1);
    house.begin(ANN);
    assert_eq!(house.sessions.list(ANN).expect("a healthy disk").len(), 100);
    assert_eq!((house.check(&opened[0]), house.check(&opened[1]), house.check(&opened[2])), ("good", "ended", "good"));
    // 250 in all, in these tests.
    for n in 0..250 {
        house.later(1);
        house.begin(&format!("did:web:{n}.example.org"));
    }
    assert_eq!(house.sessions.count().expect("a healthy disk"), 250);
    assert!(house.sessions.list(ANN).expect("a healthy disk").is_empty());
    assert_eq!(house.sessions.list("did:web:0.example.org").expect("a healthy disk").len(), 1);
    house.later(61 * DAY);
    for _ in 0..3 {
        house.begin(BEN);
    }
    assert_eq!(house.sessions.count().expect("a healthy disk"), 3, "what has expired is swept away");
}

#[test]
fn sessions_outlive_the_program_and_are_nothing_to_another_secret() {
    let house = House::new();
    let tokens = house.begin(ANN);
    let house = house.reopened("a");
    assert_eq!(house.check(&tokens), "good");
    let tokens = house.refresh(&tokens);
    let house = house.reopened("b");
    assert_eq!((house.check(&tokens), house.refused(&tokens)), ("foreign", "foreign"));
    assert!(house.sessions.list(ANN).expect("a healthy disk").is_empty());
    let session = Session { id: tokens.session.clone(), did: ANN.to_owned(), handle: None, method: Method::Password };
    assert_eq!(named(house.sessions.repo(&session)), "ended");
    let house = house.reopened("a");
    assert_eq!(house.check(&tokens), "good", "the former secret opens it again");
}

#[test]
fn what_lies_on_the_disk_is_sealed_or_hashed() {
    let house = House::new();
    let tokens = house.refresh(&house.begin(ANN));
    let file = std::fs::read(house.directory.path().join("state.redb")).expect("the file");
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(ANN), "the test looks at the right bytes");
    let (_, random) = tokens.refresh.split_once('.').expect("it has parts");
    for secret in ["the access token", "the refresh token", &tokens.access, random, &random[..43], &tokens.csrf, &"a".repeat(32)] {
        assert!(!holds(secret), "{secret}");
    }
    let shown = format!("{tokens:?} {:?} {:?}", credentials(), house.sessions);
    for secret in ["the access token", "the refresh token", &tokens.access, &tokens.refresh, &tokens.csrf] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_browsers_proof_is_for_its_session_alone() {
    let house = House::new();
    let (one, two) = (house.begin(ANN), house.begin(ANN));
    let matches = |session: &Tokens, given: &str| house.sessions.csrf_matches(&session.session, given);
    assert!(matches(&one, &one.csrf) && matches(&two, &two.csrf) && house.sessions.csrf(&one.session) == one.csrf);
    for wrong in ["", &two.csrf, &one.csrf[1..], &format!("{} ", one.csrf), &one.session] {
        assert!(!matches(&one, wrong), "{wrong}");
    }
}

#[test]
fn what_a_client_calls_itself_is_bounded() {
    let house = House::new();
    let names = [(" curl/8\r\n.0 ", Some("curl/8.0".to_owned())), ("\u{7}", None), (&"ä".repeat(999), Some("ä".repeat(200)))];
    for (given, kept) in names {
        let tokens = house.sessions.begin(BEN, None, &credentials(), Some(given)).expect("a healthy disk");
        let list = house.sessions.list(BEN).expect("a healthy disk");
        assert_eq!(list.iter().find(|session| session.id == tokens.session).map(|session| session.client.clone()), Some(kept));
    }
}
