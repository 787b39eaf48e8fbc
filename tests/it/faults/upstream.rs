//! The wire to the firehose breaks, in the middle of a frame or of the handshake, in every way that a wire has.

use super::wire::After::{Bytes, Frames};
use super::wire::{End, Way};
use super::{Firehose, House};

/// The first connection breaks within a frame, and the next before it is one. Nobody waits for longer than they must.
async fn check(firehose: Firehose, end: End) {
    let mut house = House::before(firehose, &[Way::Breaks(Frames(5), end), Way::Breaks(Bytes(40), end)]).await;
    house.publish(8);
    house.shows_all().await;
    house.did_all_once().await;
    assert_eq!(house.number("atrarium_jetstream_failures_total").await, 2.0, "{}", house.process.log());
    assert_eq!(house.wire.connections(), 3, "nobody is asked more often than need be");
    assert_eq!(house.ready().await.status, 200);
    house.process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_connection_to_the_firehose_is_cut_or_reset_nothing_is_lost_or_done_twice() {
    tokio::join!(
        check(Firehose::v1().await, End::Reset),
        check(Firehose::v1().await, End::Close),
        check(Firehose::v2().await, End::Reset),
        check(Firehose::v2().await, End::Close),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firehose_that_comes_byte_by_byte_is_read_like_any_other() {
    let read = async |firehose: Firehose| {
        let mut house = House::before(firehose, &[Way::ByteByByte]).await;
        house.publish(8);
        house.shows_all().await;
        house.did_all_once().await;
        assert_eq!((house.number("atrarium_jetstream_failures_total").await, house.wire.connections()), (0.0, 1), "{}", house.process.log());
        house.process.kill().await;
    };
    tokio::join!(read(Firehose::v1().await), read(Firehose::v2().await));
}

/// Nobody is told when the other end of a wire is gone: only the time tells it.
async fn check_silence(firehose: Firehose) {
    let mut house = House::before(firehose, &[Way::Breaks(Frames(5), End::Silence), Way::Breaks(Bytes(0), End::Silence)]).await;
    // A config and four posts have come, and half of a deletion.
    let shown = house.shows(4).await;
    house.publish(8);

    // The next one takes the connection and never says a word.
    house.wire.connected(2).await;
    let ready = house.ready().await;
    assert!(ready.status == 503 && ready.body.contains("not connected to a Jetstream server"), "{ready:?}");
    assert_eq!((house.number("atrarium_jetstream_connected").await, house.feed().await), (0.0, shown));
    house.process.says(&["no connection to Jetstream", "no frame, ping or pong came for 5s"], 1).await;

    house.wire.connected(3).await;
    house.process.says(&["no connection to Jetstream", "didn't answer within 5s"], 1).await;
    house.shows_all().await;
    house.did_all_once().await;
    assert_eq!((house.number("atrarium_jetstream_failures_total").await, house.number("atrarium_jetstream_connected").await), (2.0, 1.0));
    assert_eq!(house.ready().await.status, 200);
    house.process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firehose_whose_other_end_is_gone_without_a_word_is_left_for_another_and_operators_are_told() {
    tokio::join!(check_silence(Firehose::v1().await), check_silence(Firehose::v2().await));
}
