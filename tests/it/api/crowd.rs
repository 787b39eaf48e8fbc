//! A community of ten thousand in a real browser: what one page has to bear.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use atrarium_tests::api::Caller;
use atrarium_tests::network::{MEMBERSHIP, did};
use atrarium_tests::records;
use atrarium_tests::world::NOW;
use tokio::process::Command;

use super::Town;

/// Everybody in the community, who made it and those who are there already included.
const MEMBERS: u64 = 10_000;

/// Longer than any walk: a browser that hangs is ended.
const WALK: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_members_are_a_table_like_any_other() {
    let mut town = Town::new().await;
    let mut olga = town.signed_in("olga");
    let count = async |caller: &mut Caller| caller.reads("/api/communities/main").await["memberCount"].as_u64().expect("a number");
    let names: Vec<String> = (count(&mut olga).await..MEMBERS).map(|number| did(&format!("crowd{number:05}"))).collect();
    for (name, hours) in names.iter().zip(1_i64..) {
        // Whoever is later in the list has been here for longer.
        let record = records::membership(&town.community, true, NOW - hours * 3_600_000);
        town.world.create(name, MEMBERSHIP, "in", record);
    }
    town.world.settled().await;
    assert_eq!(count(&mut olga).await, MEMBERS);

    let pictures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/browser");
    std::fs::create_dir_all(&pictures).expect("the target folder can be written");
    let mut walk = Command::new("node");
    walk.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("browser/crowd.mjs")).stdin(Stdio::null()).kill_on_drop(true);
    walk.env("ATRARIUM", format!("http://{}", town.world.address)).env("REFRESH", town.world.tokens(&did("olga")).refresh);
    walk.env("NOW", NOW.to_string()).env("TOTAL", MEMBERS.to_string()).env("LAST", names.last().expect("a crowd")).env("PICTURES", &pictures);
    let output = tokio::time::timeout(WALK, walk.output()).await.expect("a walk comes to its end").expect("the dashboard's tests need node");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    town.end().await;
}
