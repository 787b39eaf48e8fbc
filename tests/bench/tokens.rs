//! What it costs to know who reads.

use std::time::{Duration, Instant};

use atrarium::clock::Clock;
use atrarium::identity::Key;
use atrarium::identity::token::{Expected, Token};
use atrarium_tests::network::did;
use atrarium_tests::plc::Plc;
use atrarium_tests::signer::{METHOD, Signer};

use crate::table::Table;

/// The DID of the program with its defaults.
const SERVICE: &str = "did:web:localhost%3A3000";

/// Readers that sign, one for each connection.
pub(crate) const READERS: u8 = 16;

fn reader(number: u8) -> (String, Signer) {
    (did(&format!("reader{}", char::from(b'b' + number))), Signer::k256(number + 1))
}

/// A directory in which all readers are.
pub(crate) async fn directory() -> Plc {
    let plc = Plc::start().await;
    for number in 0..READERS {
        let (did, signer) = reader(number);
        let (method_type, key) = signer.public();
        plc.register(&did, (method_type, &key));
    }
    plc
}

/// A token of the reader with this number, for a minute.
pub(crate) fn token(number: u8) -> String {
    let (did, signer) = reader(number % READERS);
    signer.token(&Signer::claims(&did, SERVICE, Clock::system().now_ms()))
}

/// Checking all of a token, on one core.
pub(crate) fn verifications(table: &mut Table) {
    let now_ms = Clock::system().now_ms();
    let expected = Expected { service: SERVICE, fragment: "#bsky_fg", method: METHOD };
    // The ceilings are those of the libraries alone.
    for (name, signer, ceiling) in [("ES256K", Signer::k256(7), 28_000.0), ("ES256", Signer::p256(), 16_000.0)] {
        let (method_type, text) = signer.public();
        let key = Key::parse(method_type, &text).expect("a key");
        let token = signer.token(&Signer::claims(&did("reader"), SERVICE, now_ms));
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < Duration::from_secs(2) {
            for _ in 0..100 {
                let token = Token::check(&token, &expected, now_ms / 1_000).expect("its claims are right");
                assert!(token.is_signed_by(&key), "it is signed");
                count += 1;
            }
        }
        table.rate(format!("tokens verified, {name}, one core"), f64::from(count) / began.elapsed().as_secs_f64(), "tokens/s", None, Some(ceiling));
    }
}
