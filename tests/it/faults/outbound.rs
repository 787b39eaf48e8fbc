//! The wire to the directory of DIDs breaks, or takes its time: a feed comes all the same, one reader's trouble is nobody else's, and who
//! is known again once it is mended is taken for nobody else.

use std::time::{Duration, Instant};

use atrarium_tests::network::did;
use atrarium_tests::plc::Plc;
use atrarium_tests::scene::TAG;
use atrarium_tests::signer::{METHOD, Signer};
use atrarium_tests::world::{NOW, feed_of, posts_of};
use atrarium_tests::{World, WorldOptions, http};

use super::wire::After::Bytes;
use super::wire::{End, Way, Wire};

/// The default public URL's.
const SERVICE: &str = "did:web:localhost%3A3000";

/// An answer waits for no directory where the page is everybody's; others are on this machine too.
const SOON: Duration = Duration::from_secs(2);

/// In the middle of an answer's head, and of its body.
const WITHIN: [usize; 2] = [20, 200];

fn breaks() -> Vec<Way> {
    let ends = [End::Reset, End::Close, End::Silence];
    let within = ends.into_iter().flat_map(|end| WITHIN.map(|bytes| Way::Breaks(Bytes(bytes), end)));
    within.chain([Way::Breaks(Bytes(0), End::Reset), Way::Breaks(Bytes(0), End::Silence)]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_answer_of_a_directory_breaks_off_the_feed_comes_and_it_is_asked_again() {
    let plc = Plc::start().await;
    let wire = Wire::before(plc.address, &[]).await;
    let flags = plc.flags().into_iter().map(|flag| wire.to(&flag)).collect();
    let mut world = World::with(WorldOptions { flags, ..WorldOptions::default() }).await;
    let community = world.open(&did("owner"), "main", TAG);
    let post = world.post(&did("owner"), "p1", TAG, NOW - 30_000);
    world.settled().await;
    let (key, other_key) = (Signer::k256(7), Signer::k256(9));
    let read = async |reader: &str, key: &Signer| {
        let token = format!("Bearer {}", key.token(&Signer::claims(reader, SERVICE, NOW)));
        let path = format!("/xrpc/{METHOD}?feed={}", feed_of(&community));
        let began = Instant::now();
        let answer = http::get_with(world.address, &path, &[("authorization", &token)]).await.expect("the program answers");
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        answer
    };
    let known = |reader: &str| world.app().resolver.cached(reader);
    let register = |reader: &str| {
        let (method_type, text) = key.public();
        plc.register(reader, (method_type, &text));
    };
    let mut readers = Vec::new();
    for (number, way) in breaks().into_iter().enumerate() {
        let reader = did(&format!("broken{}", char::from(b'b' + number as u8)));
        register(&reader);
        let connections = wire.connections();
        wire.next(way);
        let answer = read(&reader, &key).await;
        assert_eq!((answer.status, posts_of(&answer.json())), (200, vec![post.clone()]), "{way:?}: {answer:?}");
        // The next reader must not take the connection that was meant for this one.
        wire.connected(connections + 1).await;
        readers.push((reader, way));
    }
    // While some of them are still waited for.
    let patient = did("patient");
    register(&patient);
    wire.next(Way::ByteByByte);
    assert_eq!(read(&patient, &key).await.status, 200);
    world.until("one that comes byte by byte is known", |_| known(&patient).is_some_and(|outcome| outcome.is_ok())).await;
    assert_eq!(read(&patient, &other_key).await.error(), "BadJwtSignature");
    for (reader, way) in &readers {
        world.until("it is known that there was no answer", |_| known(reader).is_some()).await;
        assert!(known(reader).is_some_and(|outcome| outcome.is_err()), "{way:?} gave a document");
    }

    // It is remembered for half a minute.
    world.clock.set(NOW + 31_000);
    for (reader, way) in &readers {
        assert_eq!(read(reader, &key).await.status, 200, "{way:?}");
        world.until("the directory is asked again", |_| known(reader).is_some_and(|outcome| outcome.is_ok())).await;
        assert_eq!(read(reader, &other_key).await.error(), "BadJwtSignature", "{way:?}");
    }
    world.stop().await;
}
