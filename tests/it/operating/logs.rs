//! What the program says of itself while it runs: its log, whose level an operator changes, and traces for a collector.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atrarium_tests::network::did;
use atrarium_tests::process::{Launch, operate};
use atrarium_tests::scene::TAG;
use atrarium_tests::{World, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn another_level_counts_at_once_and_until_the_program_ends() {
    let mut world = World::new().await;
    let directory = world.directory.with_file_name("alone");
    let mut process =
        Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints: None, flags: &["--log-format", "json"], port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    world.open(&did("owner"), "first", TAG);
    process.says(&["connected to Jetstream"], 1).await;
    let refusal = operate(&directory, "log-level loud").await.expect_err("it is no level");
    assert!(refusal.contains("\"loud\" is no level") && refusal.contains("error, warn, info"), "{refusal}");
    assert!(!process.log().contains("\"DEBUG\""), "{}", process.log());
    assert_eq!(operate(&directory, "log-level warn,atrarium=debug").await.as_deref(), Ok("Done."));
    world.open(&did("owner"), "second", TAG);
    process.says(&["\"DEBUG\"", "committed"], 1).await;
    assert_eq!(operate(&directory, "log-level off").await.as_deref(), Ok("Done."));
    let said = process.log();
    world.open(&did("owner"), "third", TAG);
    while operate(&directory, "communities list").await.is_ok_and(|lines| !lines.contains("third")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(process.log(), said, "nothing passes any more");
    process.kill().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_refused_frame_is_told_to_who_debugs_and_to_nobody_else() {
    let mut world = World::new().await;
    let directory = world.directory.with_file_name("alone");
    let mut process = Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints: None, flags: &[], port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    process.says(&["connected to Jetstream"], 1).await;
    // Of a time that no cursor is past.
    world.server.publish(r#"{"handle":"ann.secretive.example","time_us":9000000000000000,"kind":"commit"}"#);
    process.says(&["WARN", "skipped frames from Jetstream", "a field is missing"], 1).await;
    assert!(!process.log().contains("secretive"), "{}", process.log());
    assert_eq!(operate(&directory, "log-level warn,atrarium=debug").await.as_deref(), Ok("Done."));
    // For another reason, since each is named once in ten seconds.
    world.server.publish(r#"{"did":7,"handle":"ben.secretive.example","time_us":9000000000000000,"kind":"commit"}"#);
    process.says(&["DEBUG", "ben.secretive.example"], 1).await;
    assert!(!process.log().lines().any(|line| line.contains("WARN") && line.contains("secretive")), "{}", process.log());
    process.kill().await;
    world.stop().await;
}

/// Whatever is posted there, one after the other.
async fn collector() -> (std::net::SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let (address, posted) = (listener.local_addr().expect("a bound listener"), Arc::new(Mutex::new(Vec::new())));
    let keep = Arc::clone(&posted);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let keep = Arc::clone(&keep);
            tokio::spawn(async move {
                let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 << 10]);
                loop {
                    match stream.read(&mut piece).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => bytes.extend_from_slice(&piece[..read]),
                    }
                    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or_default();
                    if bytes.len() >= head + 4 + length {
                        keep.lock().expect("nobody panics with it").extend(bytes.drain(..head + 4 + length));
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                    }
                }
            });
        }
    });
    (address, posted)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_intakes_are_traced_for_a_collector_and_name_nothing_of_anybody() {
    let (address, posted) = collector().await;
    let mut world = World::new().await;
    let directory = world.directory.with_file_name("alone");
    let endpoint = format!("http://{address}");
    let mut process =
        Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints: None, flags: &["--otlp-endpoint", &endpoint], port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    let community = world.open(&did("owner"), "main", TAG);
    let feed = atrarium_tests::world::feed_of(&community);
    let path = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}&limit=77");
    while http::get_with(process.address, &path, &[("x-forwarded-for", "192.0.2.77")]).await.map_or(0, |answer| answer.status) != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What hasn't been sent is sent at the end.
    process.terminate();
    assert!(process.ended().await.success(), "{}", process.log());
    let posted = posted.lock().expect("nobody panics with it").clone();
    let has = |text: &str| posted.windows(text.len()).any(|window| window == text.as_bytes());
    for text in
        ["POST /v1/traces", "application/x-protobuf", "service.name", "service.version", "request", "skeleton", "status", "intake", "queued", "committed"]
    {
        assert!(has(text), "{text} is missing: {}", String::from_utf8_lossy(&posted));
    }
    for text in ["limit=77", "192.0.2.77", "hello"] {
        assert!(!has(text), "{text} is nobody's business: {}", String::from_utf8_lossy(&posted));
    }

    // A collector that is away keeps nobody from anything.
    let nowhere = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port on loopback");
    let endpoint = format!("http://{nowhere}");
    let mut process =
        Launch { directory: &directory, jetstream: &world.server.endpoint(), failpoints: None, flags: &["--otlp-endpoint", &endpoint], port: None }.start();
    assert!(process.ready().await, "{}", process.log());
    let began = std::time::Instant::now();
    process.terminate();
    assert!(process.ended().await.success() && began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    world.stop().await;
}
