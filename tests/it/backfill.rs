//! What the firehose didn't tell: repos are read from where they live, and every feed is what it would be had it told.

mod turns;

use std::slice::from_ref;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use atrarium::store::Table;
use atrarium_tests::hosting::{Hosting, Mood};
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records::{self, mixed, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::world::NOW;
use atrarium_tests::{Network, World, WorldOptions};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

const NO_POSTS: [String; 0] = [];
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A world whose repos live somewhere. What happens in them is told by the firehose, or isn't.
struct Hosted {
    world: World,
    repos: Hosting,
}

impl Hosted {
    /// Which repos there are is asked by collection.
    async fn new() -> Self {
        Self::with("--relay").await
    }

    async fn whose_repos_are_all_read() -> Self {
        Self::with("--backfill-pds").await
    }

    async fn with(source: &str) -> Self {
        let repos = Hosting::start().await;
        let plc = repos.url();
        Self::located_by(&plc, repos, source).await
    }

    /// Where a repo lives is told at this address.
    async fn located_by(plc: &str, repos: Hosting, source: &str) -> Self {
        let url = repos.url();
        let flags = vec!["--plc-url", plc, "--allow-private-network", source, &url];
        let flags = flags.into_iter().map(str::to_owned).collect();
        let world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
        Self { world, repos }
    }

    /// Happens in the repo; the firehose tells of it if it is `told`.
    fn write(&mut self, told: bool, did: &str, collection: &str, rkey: &str, record: Option<Value>) -> String {
        let event = match record {
            Some(record) => self.world.network.create(did, collection, rkey, record),
            None => self.world.network.delete(did, collection, rkey),
        };
        self.hear(told, event);
        uri(did, collection, rkey)
    }

    fn hear(&mut self, told: bool, event: String) {
        self.repos.take(&event);
        if told {
            self.world.publish(event);
        }
    }

    fn post(&mut self, told: bool, author: &str, rkey: &str, created_ms: i64) -> String {
        self.write(told, author, POST, rkey, Some(records::post(&format!("hello {TAG}"), created_ms)))
    }

    fn join(&mut self, told: bool, member: &str, community: &str) {
        self.write(told, member, MEMBERSHIP, "in", Some(records::membership(community, true, NOW - 40_000)));
    }

    /// Waits until nothing is left to be read, and the index has it.
    async fn read(&mut self) {
        self.world.settled().await;
        self.world.until("every repo that is wanted was read", |world| world.rows(Table::Wants) == 0 && world.app().queue.depth() == 0).await;
    }

    /// An empty index, and a firehose without a past.
    async fn start_from_nothing(&mut self) {
        self.world.stop().await;
        std::fs::remove_file(self.world.directory.join("index.redb")).expect("there was an index");
        self.world.server.forget();
        self.world.start_again().await;
    }
}

/// A TID of this time, as record keys of posts are.
fn tid(ms: i64) -> String {
    atrarium::event::Rev::last_of(ms as u64 * 1_000).as_str().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_index_every_feed_becomes_what_it_was() {
    let mut hosted = Hosted::new().await;
    let mut random = StdRng::seed_from_u64(20_261_124);
    let people: Vec<String> = ["owner", "moderator", "ann", "ben", "cat", "dan", "eve", "fay"].map(did).into();
    let (owner, moderator) = (people[0].clone(), people[1].clone());
    let parent = hosted.write(true, &owner, CONFIG, "parent", Some(mixed("Parent", OTHER_TAG, [80, 0, 20], json!({}))));
    let config = mixed("Main", TAG, [50, 30, 20], json!({ "parentCommunity": parent, "moderators": [moderator] }));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(config));
    for n in 0..600 {
        let who = people[random.random_range(0..people.len())].clone();
        let at = [&community, &parent][random.random_range(0..2)].clone();
        match random.random_range(0..100) {
            0..60 => {
                let text = [TAG, OTHER_TAG, "neither", &format!("{TAG} {OTHER_TAG}")][random.random_range(0..4)].to_owned();
                let post = records::post(&text, NOW - random.random_range(30_000..3 * DAY_MS));
                let record = random.random_bool(0.8).then_some(post);
                hosted.write(true, &who, POST, &format!("p{}", random.random_range(0..40)), record);
            }
            60..75 => {
                let active = random.random_bool(0.8);
                let record = random.random_bool(0.8).then(|| records::membership(&at, active, NOW - 40_000));
                hosted.write(true, &who, MEMBERSHIP, &format!("in-{}", at.len()), record);
            }
            75..92 => {
                let target = uri(&people[random.random_range(0..people.len())], POST, &format!("p{}", random.random_range(0..40)));
                let by = [&owner, &moderator][random.random_range(0..2)].clone();
                let record = random.random_bool(0.7).then(|| records::action("hide_post", &target, &at, NOW - 10_000 - n));
                hosted.write(true, &by, ACTION, &format!("a{}", random.random_range(0..10)), record);
            }
            _ => {
                let status = random.random_bool(0.3).then_some("deactivated");
                let event = hosted.world.network.account(&who, status);
                hosted.hear(true, event);
            }
        }
    }
    hosted.read().await;
    let before = [hosted.world.page(&community, 100, None).await.body, hosted.world.page(&parent, 100, None).await.body];
    let walked = [hosted.world.walk(&community, 7).await, hosted.world.walk(&parent, 7).await];
    assert!(walked[0].len() > 20 && walked[1].len() > 10, "{walked:?}");

    hosted.start_from_nothing().await;
    hosted.world.until("the communities are open again", |world| world.rows(Table::Communities) == 2).await;
    hosted.read().await;
    let after = [hosted.world.page(&community, 100, None).await.body, hosted.world.page(&parent, 100, None).await.body];
    let without_cursor = |body: &String| body.split(r#","cursor""#).next().map(str::to_owned);
    assert_eq!(after.each_ref().map(without_cursor), before.each_ref().map(without_cursor), "byte for byte");
    assert_eq!([hosted.world.walk(&community, 7).await, hosted.world.walk(&parent, 7).await], walked);
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_a_member_brings_the_posts_of_the_week() {
    let mut hosted = Hosted::new().await;
    let (owner, member, moderator) = (did("owner"), did("member"), did("moderator"));
    // Before anyone listened: a year of posts, of which eight days are read and seven shown.
    for day in (0..300).rev() {
        hosted.post(false, &member, &tid(NOW - day * DAY_MS - 60_000), NOW - day * DAY_MS - 60_000);
    }
    let moderators = hosted.post(false, &moderator, "m1", NOW - 50_000);
    let community = hosted.write(true, &owner, CONFIG, "main", Some(with(records::config("Main", TAG, NOW - 50_000), json!({ "moderators": [moderator] }))));
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, from_ref(&moderators), "a moderator's repo is read, a stranger's isn't");
    assert!(hosted.repos.asked(&["listRecords", &member]).is_empty());
    hosted.join(true, &member, &community);
    hosted.read().await;
    let feed = hosted.world.feed(&community).await;
    assert_eq!(feed.len(), 1 + 7, "{feed:?}");
    // Of 300 posts two pages: the first ends after eight days and is not all old, the second is.
    assert_eq!(hosted.repos.asked(&["listRecords", &member, POST]).len(), 2);
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_an_account_was_away_is_read_when_it_is_back() {
    let mut hosted = Hosted::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    hosted.join(true, &member, &community);
    let kept = hosted.post(true, &member, "kept", NOW - 30_000);
    hosted.post(true, &member, "deleted", NOW - 29_000);
    hosted.post(true, &member, "edited", NOW - 28_000);
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await.len(), 3);
    let away = hosted.world.network.account(&member, Some("deactivated"));
    hosted.hear(true, away);
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, NO_POSTS);
    hosted.write(false, &member, POST, "deleted", None);
    hosted.write(false, &member, POST, "edited", Some(records::post("no hashtag any more", NOW - 28_000)));
    let new = hosted.post(false, &member, "new", NOW - 20_000);
    let back = hosted.world.network.account(&member, None);
    hosted.hear(true, back);
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, [new, kept]);
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_active_where_it_lives_shows_nothing() {
    let mut hosted = Hosted::new().await;
    let (owner, gone) = (did("owner"), did("gone"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    let post = hosted.post(true, &owner, "p1", NOW - 30_000);
    let away = hosted.world.network.account(&gone, Some("takendown"));
    hosted.hear(false, away);
    hosted.post(true, &gone, "p2", NOW - 29_000);
    hosted.world.settled().await;
    hosted.join(true, &gone, &community);
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, [post]);
    hosted.world.stop().await;
}

/// The listing was taken together before the deletion, and arrives after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_brings_nothing_back_and_takes_nothing_away() {
    let mut hosted = Hosted::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    let kept = hosted.post(true, &member, "kept", NOW - 30_000);
    hosted.post(true, &member, "deleted", NOW - 29_000);
    hosted.read().await;
    hosted.repos.mood(&member, Some(Mood::Hold));
    hosted.join(true, &member, &community);
    let listed = [POST, "listRecords", &member];
    while hosted.repos.asked(&listed).is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    hosted.write(true, &member, POST, "deleted", None);
    let new = hosted.post(true, &member, "new", NOW - 20_000);
    hosted.world.settled().await;
    hosted.repos.release();
    hosted.read().await;
    assert_eq!(hosted.repos.asked(&listed).len(), 2, "the held one, and the one that found nothing more");
    assert_eq!(hosted.world.feed(&community).await, [new, kept]);
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let mut hosted = Hosted::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    let post = hosted.post(false, &member, "p1", NOW - 30_000);
    hosted.read().await;
    hosted.repos.mood(&member, Some(Mood::Busy { seconds: 2, times: 1 }));
    hosted.join(true, &member, &community);
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, [post]);
    let asked = hosted.repos.asked(&["/xrpc/", &member]);
    let longest = asked.windows(2).map(|pair| pair[1].at - pair[0].at).max().expect("it was asked again");
    assert!(longest >= Duration::from_millis(1_990), "{longest:?}");
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_lie_or_fail_harm_nobody_else_and_nothing_that_is_known() {
    let mut hosted = Hosted::new().await;
    let owner = did("owner");
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    let moods = [Mood::Endless, Mood::Huge, Mood::Foreign, Mood::Future, Mood::Broken, Mood::Circular, Mood::Impostor, Mood::Silent];
    let mut expected = Vec::new();
    for (n, mood) in moods.into_iter().enumerate() {
        let liar = did(&format!("liar{}", ["a", "b", "c", "d", "e", "f", "g", "h"][n]));
        // What the firehose tells of them counts, whatever their servers do.
        expected.insert(0, hosted.post(true, &liar, "p1", NOW - 30_000 + n as i64));
        hosted.repos.mood(&liar, Some(mood));
        hosted.join(true, &liar, &community);
    }
    let honest = did("honest");
    let post = hosted.post(false, &honest, "p1", NOW - 20_000);
    hosted.join(true, &honest, &community);
    hosted.world.settled().await;
    let endless = did("liara");
    hosted
        .world
        .until("the honest one's repo was read, and the endless one was left", |world| {
            let wanted = world.app().store.snapshot().expect("it can be read");
            let wants = |did: &str| wanted.contains(Table::Wants, did.as_bytes()).expect("it can be read");
            !wants(&honest) && !wants(&endless) && world.app().queue.depth() == 0
        })
        .await;
    expected.insert(0, post);
    assert_eq!(hosted.world.feed(&community).await, expected);
    assert!(hosted.repos.asked(&["listRecords", &endless]).len() <= 4 * 400);
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_repos_goes_on_where_it_was_and_is_made_once() {
    let mut hosted = Hosted::whose_repos_are_all_read().await;
    hosted.world.stop().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(false, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    hosted.join(false, &member, &community);
    let post = hosted.post(false, &member, "p1", NOW - 30_000);
    for n in 0..20 {
        let stranger = did(&format!("stranger{}", char::from(b'a' + n)));
        hosted.write(false, &stranger, POST, "x", Some(records::post("hello", NOW - 30_000)));
    }
    hosted.start_from_nothing().await;
    hosted.world.until("the community is open", |world| world.rows(Table::Communities) == 1).await;
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, from_ref(&post));
    let pages = hosted.repos.asked(&["listRepos"]).len();
    assert!(pages >= 8, "22 repos in pages of three: {pages}");
    hosted.world.stop().await;
    hosted.world.start_again().await;
    hosted.read().await;
    assert_eq!(hosted.repos.asked(&["listRepos"]).len(), pages, "what was found need not be looked for again");
    assert_eq!(hosted.world.feed(&community).await, [post]);
    hosted.world.stop().await;
}

/// By such a clock every repo that was written to since is of the future.
#[tokio::test(flavor = "multi_thread")]
async fn a_repo_that_a_clock_an_hour_behind_does_not_understand_is_read_when_the_clock_is_right() {
    let mut hosted = Hosted::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    hosted.read().await;
    let post = hosted.post(false, &member, "p1", NOW - 30_000);
    hosted.repos.mood(&member, Some(Mood::Broken));
    hosted.join(true, &member, &community);
    hosted.world.settled().await;
    hosted.world.stop().await;
    hosted.repos.mood(&member, None);
    let revision = ["getLatestCommit", &member];
    let before = hosted.repos.asked(&revision).len();
    hosted.world.clock.set(NOW - 60 * 60_000);
    hosted.world.start_again().await;
    hosted.world.until("the revision was asked for", |_| hosted.repos.asked(&revision).len() > before).await;
    hosted.world.stop().await;
    assert!(hosted.repos.asked(&["listRecords", &member]).is_empty(), "nothing is read under a revision of the future");
    hosted.world.clock.set(NOW);
    hosted.world.start_again().await;
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, [post]);
    hosted.world.stop().await;
}

/// The receiver passes deletes of repos that it knows; one that was only ever read must be among them.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_can_be_deleted_through_the_firehose() {
    let mut hosted = Hosted::new().await;
    hosted.world.stop().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(false, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    hosted.join(false, &member, &community);
    let kept = hosted.post(false, &member, "p1", NOW - 30_000);
    hosted.post(false, &member, "p2", NOW - 29_000);
    hosted.start_from_nothing().await;
    hosted.world.until("the community is open", |world| world.rows(Table::Communities) == 1).await;
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await.len(), 2);
    hosted.write(true, &member, POST, "p2", None);
    hosted.world.settled().await;
    assert_eq!(hosted.world.feed(&community).await, [kept]);
    hosted.world.stop().await;
}

/// The server forgot what happened while nobody listened: the time of its first event gives it away.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_gap_the_repos_of_members_are_read_and_others_are_looked_for() {
    let mut hosted = Hosted::new().await;
    let (owner, member, newcomer) = (did("owner"), did("member"), did("newcomer"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    hosted.join(true, &member, &community);
    hosted.post(true, &member, "deleted", NOW - 30_000);
    let kept = hosted.post(true, &member, "kept", NOW - 29_000);
    hosted.read().await;
    hosted.world.stop().await;
    hosted.write(false, &member, POST, "deleted", None);
    let missed = hosted.post(false, &member, "missed", NOW - 20_000);
    let newcomers = hosted.post(false, &newcomer, "first", NOW - 10_000);
    hosted.join(false, &newcomer, &community);
    hosted.world.server.forget();
    // Ten minutes later.
    hosted.world.clock.set(NOW + 600_000);
    hosted.world.network = Network::starting_at(NOW + 590_000);
    hosted.world.start_again().await;
    let after = hosted.post(true, &owner, "after", NOW - 5_000);
    let expected = [after, newcomers, missed, kept];
    hosted.world.until("what was missed is there", |world| world.shown() == 4).await;
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, expected);
    assert!(hosted.world.app().health.gaps.load(Relaxed) > 0);
    hosted.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_new_hashtag_the_members_repos_are_read_anew() {
    let mut hosted = Hosted::new().await;
    let (owner, member) = (did("owner"), did("member"));
    let community = hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", TAG, NOW - 50_000)));
    hosted.join(true, &member, &community);
    let old = hosted.post(true, &member, "old", NOW - 30_000);
    hosted.read().await;
    let new = hosted.write(false, &member, POST, "new", Some(records::post(OTHER_TAG, NOW - 20_000)));
    assert_eq!(hosted.world.feed(&community).await, [old]);
    hosted.write(true, &owner, CONFIG, "main", Some(records::config("Main", OTHER_TAG, NOW - 50_000)));
    hosted.read().await;
    assert_eq!(hosted.world.feed(&community).await, [new]);
    hosted.world.stop().await;
}
