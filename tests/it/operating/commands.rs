//! `atrarium dead-letters` and `communities`, as an operator types them: to a server that runs, and to its data while none does.

use std::os::unix::fs::PermissionsExt;
use std::slice::from_ref;

use atrarium::store::{Layer, Span, Table};
use atrarium_tests::World;
use atrarium_tests::network::did;
use atrarium_tests::process::operate;
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::guests::world_with;

async fn json(world: &World, command: &str) -> Value {
    let text = operate(&world.directory, &format!("{command} --json")).await.unwrap_or_else(|refusal| panic!("{command}: {refusal}"));
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{command}: {text}"))
}

/// A community with two posts, one of which traps its object, and is given up on.
async fn with_a_letter(world: &mut World) -> (String, String) {
    let community = world.open(&did("owner"), "moths", TAG);
    let post = world.post(&did("owner"), "good", TAG, NOW - 30_000);
    world.post(&did("owner"), "trap-1", TAG, NOW - 20_000);
    give_up(world).await;
    assert_eq!(world.feed(&community).await, from_ref(&post));
    (community, post)
}

/// Time passes until nothing is tried again any more.
async fn give_up(world: &mut World) {
    world.settled().await;
    let passes = |world: &World| {
        world.clock.set(world.clock.now_ms() + 1_000);
        world.failures().is_empty()
    };
    world.until("it is given up", passes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_asked_for_its_dead_letters() {
    let (mut world, _folder) = world_with(&["community-feed"]).await;
    let (community, _) = with_a_letter(&mut world).await;
    let letters = json(&world, "dead-letters list").await["letters"].clone();
    let (id, subject) = (letters[0]["id"].as_str().expect("a letter"), letters[0]["subject"].as_str().expect("a letter"));
    assert!(letters.as_array().is_some_and(|letters| letters.len() == 1) && letters[0]["community"] == community && subject.ends_with("/trap-1"), "{letters}");
    let text = operate(&world.directory, "dead-letters list moths").await.expect("there is one");
    assert!(text.starts_with("ID ") && text.lines().count() == 2 && text.contains(id) && text.contains("told to trap"), "{text}");
    let shown = operate(&world.directory, &format!("dead-letters show {id}")).await.expect("it is there");
    assert!(shown.contains(subject) && shown.contains("Post(Post {"), "{shown}");

    // It fails again, and comes back.
    assert_eq!(operate(&world.directory, &format!("dead-letters retry {id}")).await.as_deref(), Ok("Done."));
    assert_eq!(world.dead_letters(), [], "it was done when the answer came");
    give_up(&mut world).await;
    assert_eq!(world.dead_letters().len(), 1);

    assert_eq!(operate(&world.directory, "dead-letters drop --all").await.as_deref(), Ok("Done."));
    assert_eq!(operate(&world.directory, "dead-letters list").await.as_deref(), Ok("There are no dead letters."));
    assert_eq!(operate(&world.directory, "dead-letters drop --all").await.as_deref(), Ok("There was nothing to do."));
    for command in [format!("dead-letters drop {id}"), "dead-letters show nonsense".to_owned()] {
        let refusal = operate(&world.directory, &command).await.expect_err("it is gone");
        assert!(refusal.starts_with("atrarium: there is no dead letter") && refusal.contains("dead-letters list"), "{refusal}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_shown_let_go_and_rebuilt() {
    let mut world = World::new().await;
    let owner = did("owner");
    let community = world.open(&owner, "moths", TAG);
    world.open(&owner, "bees", OTHER_TAG);
    world.join(&community, &[&did("ann"), &did("ben")]);
    let mut posts: Vec<String> = (0..5).map(|n| world.post(&did("ann"), &format!("p{n}"), TAG, NOW - 30_000 - n)).collect();
    let hidden = world.post(&did("ben"), "hidden", TAG, NOW - 30_000);
    world.act(&owner, "h", "hide_post", &hidden, &community);
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts);

    let lines = json(&world, "communities list").await["communities"].clone();
    let moths = lines.as_array().into_iter().flatten().find(|line| line["id"] == "moths").expect("it is there").clone();
    assert_eq!((&moths["uri"], &moths["members"], &moths["posts"], &moths["deadLetters"]), (&community.as_str().into(), &3.into(), &5.into(), &0.into()));
    assert!(moths["load"].as_f64().is_some_and(|load| load > 0.0), "{moths}");
    let details = json(&world, "communities show moths").await["community"].clone();
    assert_eq!((&details["owner"], &details["denied"], &details["heldPosts"], &details["hashtag"]), (&owner.into(), &1.into(), &0.into(), &TAG.into()));
    assert!(details["objectRows"].as_u64().is_some_and(|rows| rows > 8) && details["objectBytes"].as_u64().is_some_and(|bytes| bytes > 100), "{details}");
    let refusal = operate(&world.directory, "communities show wasps").await.expect_err("there is none");
    assert!(refusal.contains("wasps"), "{refusal}");

    // Let go, it is made anew with what it has stored.
    assert_eq!(operate(&world.directory, "communities evict moths").await.as_deref(), Ok("Done."));
    world.until("it sleeps", |world| world.app().awake() == 1).await;
    posts.insert(0, world.post(&did("ann"), "after", TAG, NOW - 1_000));
    world.settled().await;
    assert_eq!(world.feed(&community).await, posts);

    // Whatever has become of what it shows: the records say what it should be.
    let mut layer = Layer::default();
    let snapshot = world.app().store.snapshot().expect("a healthy disk");
    for key in snapshot.keys(Table::Visible, &Span::all(), false, 4).expect("rows") {
        layer.set(Table::Visible, key, None);
    }
    world.app().store.commit(&layer).expect("a healthy disk");
    assert_eq!(world.feed(&community).await.len(), 2, "the test has damaged it");
    // Whoever reads meanwhile sees what was there before, or what is there after it, and nothing between.
    let mut seen = std::collections::BTreeSet::new();
    let directory = world.directory.clone();
    let rebuilding = operate(&directory, "communities rebuild moths");
    tokio::pin!(rebuilding);
    loop {
        tokio::select! {
            outcome = &mut rebuilding => break assert_eq!(outcome.as_deref(), Ok("Done.")),
            shown = world.feed(&community) => seen.insert(shown.len()),
        };
    }
    assert!(seen.iter().all(|shown| [2, 6].contains(shown)), "{seen:?}");
    assert_eq!(world.feed(&community).await, posts);
    let again = json(&world, "communities show moths").await["community"].clone();
    for field in ["members", "posts", "denied", "heldPosts", "objectRows", "objectBytes"] {
        let expected = if field == "posts" { &Value::from(6) } else { &details[field] };
        let more = ["objectRows", "objectBytes"].contains(&field);
        assert!(again[field] == *expected || more && again[field].as_u64() > expected.as_u64(), "{field}: {again} and before {details}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_no_server_runs_its_data_are_asked_and_told() {
    let (mut world, _folder) = world_with(&["community-feed"]).await;
    let nothing = operate(&world.directory.join("nowhere"), "communities list").await.expect_err("nothing is there");
    assert!(nothing.contains("there is no directory") && nothing.contains("--data-dir"), "{nothing}");
    let (community, post) = with_a_letter(&mut world).await;
    world.stop().await;
    let lines = json(&world, "communities list").await["communities"].clone();
    assert_eq!(
        (&lines[0]["uri"], &lines[0]["posts"], &lines[0]["deadLetters"], lines[0].get("load")),
        (&community.as_str().into(), &1.into(), &1.into(), None)
    );
    assert_eq!(operate(&world.directory, "dead-letters drop --all").await.as_deref(), Ok("It will be done when the server starts."));
    assert_eq!(json(&world, "dead-letters list").await["letters"].as_array().map(Vec::len), Some(1), "it is not done yet");
    assert_eq!(operate(&world.directory, "communities rebuild moths").await.as_deref(), Ok("It will be done when the server starts."));
    let refusal = operate(&world.directory, "communities evict moths").await.expect_err("nothing is awake");
    assert!(refusal.contains("no object is in memory"), "{refusal}");
    let refusal = operate(&world.directory, "log-level debug").await.expect_err("nothing runs");
    assert!(refusal.contains("start it with --log-level"), "{refusal}");

    world.start_again().await;
    world.settled().await;
    assert_eq!(world.dead_letters(), []);
    // The post that its object can't take is told again by the rebuilding, and given up on again.
    give_up(&mut world).await;
    assert_eq!((world.feed(&community).await, world.dead_letters().len()), (vec![post], 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_its_owners_alone_and_takes_no_nonsense() {
    let mut world = World::new().await;
    let path = world.directory.join("operator.sock");
    assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    let exchange = async |request: String| {
        let mut stream = UnixStream::connect(&path).await.expect("the program listens");
        // Whoever is refused early may not have read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let post = |body: &str| format!("POST /ask HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    assert!(exchange(post("\"communities\"")).await.contains("{\"communities\":[]}"));
    for (body, says) in [("", "no question"), ("\"everything\"", "no question"), ("{\"letter\":{}}", "no question"), (&"x".repeat(300 << 10), "can't be read")]
    {
        let answer = exchange(post(body)).await;
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains(says), "{answer}");
    }
    assert!(exchange("GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()).await.contains("POST /ask"));
    assert!(exchange("nonsense\r\n\r\n".to_owned()).await.starts_with("HTTP/1.1 400"));
    // Who connects and says nothing keeps nobody waiting, and the program from nothing.
    let silent = UnixStream::connect(&path).await.expect("the program listens");
    assert!(operate(&world.directory, "communities list").await.is_ok());
    let began = std::time::Instant::now();
    world.stop().await;
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    drop(silent);
}
