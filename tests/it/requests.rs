//! Bad requests to the running program: the right error, quickly, and nothing else suffers. The exhaustive table stands beside the
//! routes themselves, in `host/src/http/tests`.

use std::time::{Duration, Instant};

use atrarium::feed::cursor::{Position, Progress, Walk};
use atrarium_tests::World;
use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::scene::TAG;
use atrarium_tests::world::{NOW, feed_of, posts_of};

const SKELETON: &str = "/xrpc/app.bsky.feed.getFeedSkeleton";

/// A tenth of the AppView's patience.
const QUICKLY: Duration = Duration::from_millis(500);

async fn community_with_posts(world: &mut World) -> (String, Vec<String>) {
    let owner = did("owner");
    let community = world.open(&owner, "main", TAG);
    let mut posts: Vec<String> = (0..7).map(|n| world.post(&owner, &format!("p{n}"), TAG, NOW - 30_000 + n)).collect();
    posts.reverse();
    world.settled().await;
    (community, posts)
}

async fn quickly(world: &World, request: &[u8]) -> Answer {
    let began = Instant::now();
    let answer = http::send(world.address, request).await.expect("an answer");
    assert!(began.elapsed() < QUICKLY, "{:?} for {}", began.elapsed(), String::from_utf8_lossy(&request[..request.len().min(200)]));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_gets_the_right_error_at_once() {
    let mut world = World::new().await;
    let (community, posts) = community_with_posts(&mut world).await;
    let feed = feed_of(&community);
    let check = async |request: &str, status: u16, error: &str| {
        let answer = quickly(&world, request.as_bytes()).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{request}: {answer:?}");
        assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()), "{request}: {answer:?}");
    };
    let get = |query: &str| format!("GET {SKELETON}?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    check(&get("feed=at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.generator/main"), 400, "UnknownFeed").await;
    check(&get(&format!("feed={feed}x")), 400, "UnknownFeed").await;
    check(&get("feed=nonsense"), 400, "InvalidRequest").await;
    check(&get(&format!("feed={community}")), 400, "InvalidRequest").await;
    check(&get("feed=at://owner.example/app.bsky.feed.generator/main"), 400, "InvalidRequest").await;
    check(&get(""), 400, "InvalidRequest").await;
    for limit in ["0", "101", "abc", "-1", "1.5", ""] {
        check(&get(&format!("feed={feed}&limit={limit}")), 400, "InvalidRequest").await;
    }
    for cursor in ["forged", "1783175888085434", "2026-07-04T14:38:07Z::bafyreiguce4jh7kcbmof3pmcvasifqtw", "AAAA", "%ff", &"A".repeat(5_000)] {
        check(&get(&format!("feed={feed}&cursor={cursor}")), 400, "InvalidRequest").await;
    }
    check(&format!("GET {SKELETON}?feed={feed} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"), 400, "InvalidRequest").await;
    check("GET /xrpc/app.bsky.feed.getTimeline HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 501, "MethodNotImplemented").await;
    check(&format!("POST {SKELETON}?feed={feed} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), 405, "InvalidRequest").await;
    check("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 404, "NotFound").await;

    let endless = [format!("GET {SKELETON}?feed={feed} HTTP/1.1\r\nx: ").into_bytes(), vec![b'a'; 100_000]].concat();
    assert_eq!(quickly(&world, &endless).await.status, 431);
    let no_http = quickly(&world, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    assert_eq!(no_http.status, 400, "{no_http:?}");

    assert_eq!(world.walk(&community, 3).await, posts, "after all that the feed is what it was");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cursor_only_chooses_where_to_start() {
    let mut world = World::new().await;
    let (community, posts) = community_with_posts(&mut world).await;
    let check = async |sort_time: i64, rkey: &str, did: &str, taken: u32, expected: &[String]| {
        let position = Some(Position { sort_time, rkey: rkey.to_owned(), did: did.to_owned() });
        let progress = Progress { taken, position };
        let cursor = Walk { begun: 1, progress: [progress.clone(), progress.clone(), progress], rest: None }.to_text();
        let answer = world.page(&community, 100, Some(&cursor)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(posts_of(&answer.json()), expected, "{sort_time} {rkey:?} {did:?}");
    };
    check(i64::MAX, "p1", &did("owner"), u32::MAX, &posts).await;
    check(i64::MIN, "p1", &did("owner"), u32::MAX, &[]).await;
    check(NOW - 30_000 + 4, "p4", &did("owner"), 3, &posts[3..]).await;
    check(NOW - 30_000 + 4, "p4", "did:plc:z", 0, &posts[2..]).await;
    check(NOW - 30_000 + 4, "", "", 0, &posts[3..]).await;
    check(NOW - 30_000 + 4, "\u{0}\u{7f}/../é", "at://x y", 0, &posts[3..]).await;
    check(NOW - 30_000 + 4, "~", "~", 0, &posts[2..]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_feed_or_of_last_month_is_no_error() {
    let mut world = World::new().await;
    let (community, posts) = community_with_posts(&mut world).await;
    let quiet = world.open(&did("other"), "quiet", "#atrarium_00000000");
    world.settled().await;
    let page = world.page(&community, 2, None).await.json();
    let cursor = page["cursor"].as_str().expect("there is more").to_owned();
    let elsewhere = world.page(&quiet, 2, Some(&cursor)).await;
    assert_eq!((elsewhere.status, elsewhere.json()["feed"].as_array().map(Vec::len)), (200, Some(0)), "{elsewhere:?}");
    assert!(elsewhere.json()["cursor"].is_null(), "an empty feed has ended");
    assert_eq!(posts_of(&world.page(&community, 100, Some(&cursor)).await.json()), posts[2..]);

    world.clock.set(NOW + 30 * 24 * 60 * 60 * 1_000);
    let late = world.page(&community, 2, Some(&cursor)).await;
    assert_eq!((late.status, late.json()["feed"].as_array().map(Vec::len)), (200, Some(0)), "{late:?}");
    world.stop().await;
}
