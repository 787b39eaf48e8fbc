//! `atrarium backup`, `restore` and `db`: the files that an operator looks after, and where they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use atrarium_tests::World;
use atrarium_tests::network::did;
use atrarium_tests::process::{Launch, operate};
use atrarium_tests::scene::{TAG, refusal_on};
use atrarium_tests::uploads::{component, upload};
use atrarium_tests::world::NOW;

fn versions(world: &World) -> usize {
    world.app().uploads.totals().versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_while_the_server_runs_and_brings_back_what_was_so() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "moths", TAG);
    world.post(&did("owner"), "p", TAG, NOW - 1_000);
    world.settled().await;
    let uploads = world.app().uploads.clone();
    upload(&uploads, &community, component(env!("OUT_DIR"), "backwards")).await.expect("there is room");
    let file = world.directory.with_file_name("backup.redb");
    let said = operate(&world.directory, &format!("backup {}", file.display())).await.expect("there is room");
    assert!(said.contains("backup.redb") && said.contains("secret"), "{said}");
    assert_eq!(file.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    let refusal = operate(&world.directory, &format!("backup {}", file.display())).await.expect_err("it is there already");
    assert!(refusal.contains("is there already"), "{refusal}");
    let refusal = operate(&world.directory, &format!("restore {}", file.display())).await.expect_err("a server runs");
    assert!(refusal.contains("stop it first"), "{refusal}");

    // A copy that would fill the disk isn't begun: the file says that it is as large as no disk is, and is put right again.
    let state = fs::File::options().write(true).open(world.directory.join("state.redb")).expect("it is there");
    let size = state.metadata().expect("it is there").len();
    state.set_len(8 << 40).expect("it takes no room");
    let refusal = operate(&world.directory, &format!("backup {}", world.directory.with_file_name("large.redb").display())).await.expect_err("there is no room");
    state.set_len(size).expect("it is as before");
    assert!(refusal.contains("make room") && refusal.contains(" are free"), "{refusal}");

    upload(&uploads, &community, component(env!("OUT_DIR"), "feed-mix")).await.expect("there is room");
    assert_eq!(versions(&world), 2);
    drop(uploads);
    world.stop().await;
    // One of the data at rest has both, though the index was thrown away.
    fs::remove_file(world.directory.join("index.redb")).expect("the server has ended");
    let later = world.directory.with_file_name("later.redb");
    operate(&world.directory, &format!("backup {}", later.display())).await.expect("there is room");
    let rubbish = world.directory.with_file_name("rubbish");
    fs::write(&rubbish, b"this was a database once").expect("the test's own file");
    let refusal = operate(&world.directory, &format!("restore {}", rubbish.display())).await.expect_err("it is no database");
    assert!(refusal.contains("no backup that this program can use"), "{refusal}");
    let refusal = operate(&world.directory, &format!("restore {}", world.directory.join("nowhere").display())).await.expect_err("there is none");
    assert!(refusal.contains("can't be read"), "{refusal}");

    // A download that failed leaves an empty file, which redb would take for a new database.
    fs::write(&rubbish, b"").expect("the test's own file");
    let refusal = operate(&world.directory, &format!("restore {}", rubbish.display())).await.expect_err("it is empty");
    assert!(refusal.contains("no backup that this program can use"), "{refusal}");
    assert!(!world.directory.join("state.redb.before-restore").exists(), "nothing was put in its place");

    let at_first = fs::read(world.directory.join("state.redb")).expect("it is there");
    for (backup, expected, before) in [(&file, 1, "state.redb.before-restore"), (&later, 2, "state.redb.before-restore-2")] {
        let said = operate(&world.directory, &format!("restore {} --json", backup.display())).await.expect("it is whole");
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(said["before"], world.directory.join(before).display().to_string(), "{said}");
        assert!(fs::read(world.directory.join("state.redb.before-restore")).expect("it is there") == at_first, "what was there at first is kept");
        world.start_again().await;
        assert_eq!(versions(&world), expected, "{}", backup.display());
        world.stop().await;
    }
    let left: Vec<String> =
        fs::read_dir(&world.directory).expect("it is there").flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.contains("copy") || name.contains("restored") || name.contains("unfinished")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_takes_long_does_not_keep_the_server_from_ending() {
    let mut world = World::new().await;
    world.stop().await;
    let plan = || Launch {
        directory: &world.directory,
        jetstream: "ws://127.0.0.1:9/subscribe",
        port: None,
        failpoints: Some("state-copying=sleep(60000)"),
        flags: &[],
    };
    let mut process = plan().start();
    assert!(process.ready().await, "{}", process.log());
    let (directory, file) = (world.directory.clone(), world.directory.with_file_name("backup.redb"));
    fs::write(directory.join("state.copy"), b"what one that was killed has left").expect("the test's own folder");
    let command = format!("backup {}", file.display());
    let backup = tokio::spawn(async move { operate(&directory, &command).await });
    // It begins by removing what is in its way.
    let began = Instant::now();
    while world.directory.join("state.copy").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "the backup doesn't begin: {}", process.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    process.terminate();
    let status = process.ended().await;
    assert!(status.success() && began.elapsed() < Duration::from_secs(10), "{status} after {:?}: {}", began.elapsed(), process.log());
    backup.await.expect("it ends").expect_err("the server has ended");
    assert!(!file.exists(), "half of a backup is none");

    fs::write(world.directory.join("state.copy"), b"what one that was killed has left").expect("the test's own folder");
    let mut process = plan().start();
    assert!(process.ready().await, "{}", process.log());
    assert!(!world.directory.join("state.copy").exists());
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_are_checked_made_smaller_and_told_about() {
    let mut world = World::new().await;
    let community = world.open(&did("owner"), "moths", TAG);
    for n in 0..500 {
        world.post(&did("owner"), &format!("p{n}"), TAG, NOW - 100_000 + n);
    }
    world.settled().await;
    for command in ["db check", "db compact"] {
        let refusal = operate(&world.directory, command).await.expect_err("a server runs");
        assert!(refusal.contains("a server is running") && refusal.contains("stop it first"), "{refusal}");
    }
    let running = operate(&world.directory, "db stats").await.expect("it runs");
    assert!(running.contains("index.redb") && running.contains("state.redb"), "{running}");
    let row =
        |text: &str, table: &str| text.lines().find(|line| line.starts_with(table)).map(|line| line.split_whitespace().nth(1).unwrap_or_default().to_owned());
    assert_eq!(row(&running, "visible").as_deref(), Some("500"), "{running}");
    world.stop().await;

    assert_eq!(row(&operate(&world.directory, "db stats").await.expect("it can be read"), "visible").as_deref(), Some("500"));
    assert_eq!(operate(&world.directory, "db check").await.as_deref(), Ok("index.redb: whole\nstate.redb: whole"));
    let checked = operate(&world.directory, "db check --json").await.expect("it can be read");
    let checked: serde_json::Value = serde_json::from_str(&checked).expect("JSON");
    assert_eq!(checked, serde_json::json!([{ "file": "index.redb", "health": "whole" }, { "file": "state.redb", "health": "whole" }]));
    let size = || world.directory.join("index.redb").metadata().map_or(0, |found| found.len());
    let before = size();
    let said = operate(&world.directory, "db compact").await.expect("it can be written");
    assert!(said.contains("index.redb: ") && size() < before, "{said}: {before} and then {}", size());
    world.start_again().await;
    world.settled().await;
    assert_eq!(world.feed(&community).await.len(), 500);
    world.stop().await;

    let path = world.directory.join("index.redb");
    let mut bytes = fs::read(&path).expect("it is a file");
    let end = bytes.len().min(400 << 10);
    bytes[8 << 10..end].fill(0xa5);
    fs::write(&path, bytes).expect("the test's own file");
    let refusal = operate(&world.directory, "db check").await.expect_err("it is damaged");
    assert!(refusal.contains("index.redb") && refusal.contains("move it away"), "{refusal}");
    let checked = operate(&world.directory, "db check --json").await.expect_err("scripts notice by its exit code too");
    assert!(checked.contains(r#""health": "broken""#) && checked.contains(r#""health": "whole""#), "{checked}");
    for command in ["db stats", "communities list"] {
        let refusal = operate(&world.directory, command).await.expect_err("it is damaged");
        assert!(refusal.contains("index.redb") && !refusal.contains("RUST_BACKTRACE"), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_that_cannot_be_had_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().expect("tests need a temporary directory");
    let (file, taken) = (folder.path().join("file"), folder.path().join("taken"));
    fs::write(&file, "not a folder").expect("a file of ours");
    let sentence = refusal_on(&file.join("data"), &[], None).await;
    assert!(sentence.starts_with("cannot make the data directory") && sentence.contains("--data-dir"), "{sentence}");
    // Root may open any file, but no folder as one.
    fs::create_dir_all(taken.join("lock")).expect("a folder of ours");
    let sentence = refusal_on(&taken, &[], None).await;
    assert!(sentence.contains(&taken.join("lock").display().to_string()) && !sentence.contains("cannot make"), "{sentence}");
    // A path that is too long for a socket is no reason not to look at the data.
    let long = folder.path().join("x".repeat(120));
    fs::create_dir(&long).expect("a folder of ours");
    let sentence = operate(&long, "communities list").await.expect_err("it is empty");
    assert!(sentence.contains("no server has run on these data"), "{sentence}");
}
