//! The three examples, as their own Makefiles build them, in the running program: from the upload to the feed.

use std::path::Path;

use atrarium::uploads::Standing;
use atrarium_tests::network::{POST, did};
use atrarium_tests::scene::TAG;
use atrarium_tests::uploads::{activate, component, upload};
use atrarium_tests::world::{NOW, posts_of};
use atrarium_tests::{World, records};
use serde_json::json;

/// One that isn't written in Rust.
fn built(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/examples").join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}: run `make examples` first", path.display()))
}

/// Ann writes much and in English; Ben has written once in German, and the owner once in Japanese, before all of it.
#[tokio::test(flavor = "multi_thread")]
async fn each_example_makes_the_feed_that_its_readme_promises() {
    let mut world = World::new().await;
    let [owner, ann, ben] = ["owner", "ann", "ben"].map(did);
    let community = world.open(&owner, "main", TAG);
    world.join(&community, &[&ann, &ben]);
    let written =
        [(&owner, "o1", "ja", 80), (&ben, "b1", "de", 70), (&ann, "a1", "en", 60), (&ann, "a2", "en", 50), (&ann, "a3", "en", 40), (&ann, "a4", "en", 30)];
    for (author, rkey, language, minutes) in written {
        let record = records::with(records::post(&format!("hello {TAG}"), NOW - minutes * 60_000), json!({ "langs": [language] }));
        world.create(author, POST, rkey, record);
    }
    world.settled().await;
    let named = |uris: &[String]| uris.iter().map(|uri| uri.rsplit('/').next().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(" ");
    assert_eq!(named(&world.feed(&community).await), "a4 a3 a2 a1 b1 o1", "the default mix");

    let uploads = world.app().uploads.clone();
    let examples = [
        ("Rust", component(env!("OUT_DIR"), "quiet-voices"), "b1 o1 a4 a3 a2 a1", false),
        ("JavaScript", built("welcome"), "o1 a4 b1 a3 a2 a1", true),
        ("Python", built("tongues"), "a4 b1 o1 a3 a2 a1", false),
    ];
    for (language, bytes, order, pins) in examples {
        let version = upload(&uploads, &community, bytes).await.expect("there is room");
        let Standing::Ready(profile) = &version.standing else { panic!("{language}: {version:?}") };
        assert_eq!(profile.language.map(|language| language.name()), Some(language));
        activate(&uploads, &community, Some(version.number)).await.expect("it is ready");
        let page = world.page(&community, 50, None).await.json();
        assert_eq!(named(&posts_of(&page)), order, "{language}: {:?}", uploads.journal(&community));
        let pinned = page["feed"][0]["reason"]["$type"] == json!("app.bsky.feed.defs#skeletonReasonPin");
        assert_eq!(pinned, pins, "{language}: {page}");
        assert_eq!(named(&world.walk(&community, 2).await), order, "{language}, page by page");
    }
    drop(uploads);
    world.stop().await;
}
