//! From an empty index to a full feed, out of repos alone.

use std::time::Instant;

use atrarium::clock::Clock;
use atrarium::event::Rev;
use atrarium::store::{Span, Table as Rows};
use atrarium_tests::Network;
use atrarium_tests::hosting::Hosting;
use atrarium_tests::network::{CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records;

use crate::program::Program;
use crate::table::Table;

const REPOS: usize = 200;
const POSTS: usize = 60;
/// Of these so many carry the hashtag.
const TAGGED: usize = 20;

/// A community of 200 whose posts are in their repos only, on one server.
pub(crate) async fn repos(table: &mut Table) {
    const TAG: &str = "#atrarium_0badcafe";
    let hosting = Hosting::start().await;
    hosting.list_at_once(100);
    let now = Clock::system().now_ms();
    let mut network = Network::starting_at(now - 600_000);
    let person = |n: usize| did(&format!("member{}{}{}", letter(n / 676), letter(n / 26), letter(n)));
    let community = uri(&person(0), CONFIG, "main");
    hosting.take(&network.create(&person(0), CONFIG, "main", records::config("Benchmark", TAG, now)));
    for n in 0..REPOS {
        hosting.take(&network.create(&person(n), MEMBERSHIP, "m", records::membership(&community, true, now)));
        for post in 0..POSTS {
            let at = now - 60_000 - (post * REPOS + n) as i64;
            let text = if post < TAGGED { format!("hello {TAG}") } else { "hello".to_owned() };
            hosting.take(&network.create(&person(n), POST, Rev::last_of(at as u64 * 1_000).as_str(), records::post(&text, at)));
        }
    }
    let url = hosting.url();
    let flags = ["--plc-url", &url, "--allow-private-network", "--backfill-pds", &url];
    let began = Instant::now();
    let program = Program::start("ws://127.0.0.1:9/subscribe", &flags).await;
    program.until(|app| rows(app, Rows::Visible) == REPOS * TAGGED).await;
    table.cost("repos of 200 people, on one server, read from nothing", began.elapsed().as_secs_f64(), "s", None, None);
    table.cost("  requests for each", hosting.asked(&[]).len() as f64 / REPOS as f64, "", None, None);
    program.end().await;
}

fn letter(n: usize) -> char {
    char::from(b'a' + (n % 26) as u8)
}

fn rows(app: &atrarium::app::App, table: Rows) -> usize {
    let mut rows = 0;
    let counted = app.store.snapshot().and_then(|snapshot| {
        snapshot.scan(table, &Span::all(), false, |_, _| {
            rows += 1;
            true
        })
    });
    counted.map_or(0, |()| rows)
}
