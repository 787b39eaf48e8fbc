//! An address of a Jetstream server, as an operator writes it.
//!
//! What is taken is written out and read back as the same, since its text is stored with the cursor; and what is asked for there is an
//! address of that very server.

use super::asking::Asking;
use super::position::Start;
use super::{Endpoint, Mark, Wire};

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let endpoint: Endpoint = match text.parse() {
        Ok(endpoint) => endpoint,
        Err(cause) => {
            assert!(cause.to_string().len() <= text.len() + 300, "the sentence is longer than what it is about: {cause}");
            return;
        }
    };
    let written = endpoint.to_string();
    assert_eq!(written.parse().as_ref(), Ok(&endpoint), "{written:?} is read back as another");
    for start in [Start::Time(1_783_175_888_085_434), Start::Event(Mark { seq: u64::MAX, time_us: 0 })] {
        for compressed in [true, false] {
            let url = endpoint.subscription(&Asking { start, compressed, too_old: false });
            assert!(matches!(url.scheme(), "ws" | "wss") && url.has_host() && url.username().is_empty() && url.fragment().is_none(), "{url}");
            let (place, query) = url.as_str().split_once('?').expect("something is asked for");
            assert_eq!(place, written, "another place is asked than was named");
            let cursor = match start {
                Start::Time(time_us) => time_us,
                Start::Event(mark) => mark.seq,
            };
            assert!(query.ends_with(&format!("&cursor={cursor}")), "{query}");
            assert_eq!(query.contains("zstdDictionary="), endpoint.wire() == Wire::V2 && compressed, "{query}");
        }
    }
}
