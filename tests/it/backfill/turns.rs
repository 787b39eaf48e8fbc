//! Many repos are wanted of one server, which has no time for them. Those of other servers don't wait for that.

use std::slice::from_ref;
use std::sync::atomic::Ordering::Relaxed;

use atrarium::store::Table;
use atrarium_tests::hosting::{Hosting, Mood};
use atrarium_tests::network::{CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records;
use atrarium_tests::scene::TAG;
use atrarium_tests::world::NOW;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Hosted;

/// More than are in work at a time.
const MEMBERS: u8 = 12;

/// Tells of everybody whose name begins with "busy" that they live at one server, and of all others that they live at another.
async fn directory(busy: String, others: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let address = listener.local_addr().expect("a bound listener");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(tell(stream, busy.clone(), others.clone()));
        }
    });
    format!("http://{address}")
}

/// Answers until the connection is at its end.
async fn tell(mut stream: TcpStream, busy: String, others: String) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let did = head.split(' ').nth(1)?.trim_start_matches('/');
        let home = if did.starts_with("did:plc:busy") { &busy } else { &others };
        let service = json!({ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": home });
        let document = json!({ "id": did, "alsoKnownAs": [], "verificationMethod": [], "service": [service] }).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", document.len());
        stream.write_all(format!("{head}{document}").as_bytes()).await.ok()?;
    }
}

/// A community whose members live at a busy server. Their posts are untold.
struct Town {
    hosted: Hosted,
    busy: Hosting,
    community: String,
    members: Vec<String>,
    /// Of the members, the newest first.
    posts: Vec<String>,
}

impl Town {
    /// The server treats requests about each of them in this way.
    async fn new(mood: Mood) -> Self {
        let (busy, repos) = (Hosting::start().await, Hosting::start().await);
        let plc = directory(busy.url(), repos.url()).await;
        let mut hosted = Hosted::located_by(&plc, repos, "--relay").await;
        let community = hosted.write(true, &did("owner"), CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
        hosted.read().await;
        let members: Vec<String> = (0..MEMBERS).map(|n| did(&format!("busy{}", char::from(b'a' + n)))).collect();
        let mut posts = Vec::new();
        for (member, n) in members.iter().zip(0..) {
            busy.mood(member, Some(mood));
            let post = hosted.world.network.create(member, POST, "p1", records::post(&format!("hello {TAG}"), NOW - 30_000 + n));
            busy.take(&post);
            posts.insert(0, uri(member, POST, "p1"));
            let joined = hosted.world.network.create(member, MEMBERSHIP, "in", records::membership(&community, true, NOW - 40_000));
            busy.take(&joined);
            hosted.world.publish(joined);
        }
        hosted.world.settled().await;
        Self { hosted, busy, community, members, posts }
    }

    /// Somebody joins whose server has time, and who is the last in the order in which repos are read; answers their post once it is
    /// shown and nothing more is wanted of their repo.
    async fn somebody_joins(&mut self) -> String {
        let last = did("zoe");
        let post = self.hosted.post(false, &last, "p1", NOW - 20_000);
        self.hosted.join(true, &last, &self.community);
        self.hosted.world.settled().await;
        let others = usize::from(MEMBERS);
        self.hosted.world.until("the repo elsewhere was read", |world| world.rows(Table::Wants) == others && world.shown() == 1).await;
        assert_eq!(self.hosted.world.feed(&self.community).await, from_ref(&post));
        post
    }

    /// Everything is read in the end.
    async fn ends_with(&mut self, post: String) {
        self.hosted.read().await;
        let mut expected = vec![post];
        expected.append(&mut self.posts);
        assert_eq!(self.hosted.world.feed(&self.community).await, expected);
        assert_eq!(self.hosted.world.app().progress.given_up.load(Relaxed), 0);
        self.hosted.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_long_pause_keeps_no_repo_of_another_waiting_and_none_is_given_up() {
    let mut town = Town::new(Mood::Busy { seconds: 3_600, times: 1_000 }).await;
    let asked = |town: &Town| town.busy.asked(&["/xrpc/"]).len();
    town.hosted.world.until("the server has asked for its pause", |_| asked(&town) > 0).await;
    let post = town.somebody_joins().await;
    assert!(asked(&town) <= 2, "who was on the way when it asked for its pause, and nobody since");
    assert_eq!(town.hosted.world.app().progress.given_up.load(Relaxed), 0);
    // A new start begins with good faith.
    town.hosted.world.stop().await;
    town.members.iter().for_each(|member| town.busy.mood(member, None));
    town.hosted.world.start_again().await;
    town.ends_with(post).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_its_time_keeps_no_repo_of_another_waiting_and_is_asked_for_two_at_a_time() {
    let mut town = Town::new(Mood::Hold).await;
    let listed = |town: &Town| town.busy.asked(&["listRecords"]).len();
    town.hosted.world.until("two repos are being read there", |_| listed(&town) == 2).await;
    let post = town.somebody_joins().await;
    assert_eq!(listed(&town), 2, "the others wait for their turn");
    town.busy.release();
    town.ends_with(post).await;
}
