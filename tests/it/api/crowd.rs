//! A community of ten thousand in a real browser: what one page has to bear.

use std::time::Duration;

use atrarium_tests::api::Caller;
use atrarium_tests::browser::walk;
use atrarium_tests::network::{MEMBERSHIP, did};
use atrarium_tests::records;
use atrarium_tests::world::NOW;

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

    let told = [
        ("ATRARIUM", format!("http://{}", town.world.address)),
        ("REFRESH", town.world.tokens(&did("olga")).refresh),
        ("NOW", NOW.to_string()),
        ("TOTAL", MEMBERS.to_string()),
        ("LAST", names.last().expect("a crowd").clone()),
    ];
    let (well, said) = walk("crowd.mjs", WALK, &told).await;
    assert!(well, "{said}");
    println!("{said}");
    town.end().await;
}
