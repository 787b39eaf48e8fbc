//! What Atrarium reads from strangers, put to the test by chance: one function a target, which asserts what must hold.
//!
//! The host's own sources are compiled in here, file by file, in the modules that they have at home, so what is tried is what runs;
//! and nothing that opens a socket, a database or a WebAssembly engine comes along, so a target is built in minutes. Where such a
//! file names a type of one that is too heavy, something small stands in for it, and says so.
//!
//! ```text
//! frames        one message of Jetstream, on both wires: unpacked, read, judged, decoded
//! streams       many of them in a row: what is kept, what is counted, and where the cursor stands
//! endpoints     an address of a Jetstream server, and what is asked for there
//! filter_input  a record's text, through the filter component's own code
//! records       the same against the lexicons that are published; record keys, hashtags, flat JSON
//! cursors       where a walk through a feed goes on, and a list of the API
//! queries       a feed's URI with limit and cursor, in a query string
//! tokens        a service-auth JWT
//! identities    a DID, its document and the keys in it
//! uploads       a component that an owner has uploaded
//! ```
//!
//! An upload isn't *multipart*: there is no form, the body is the component itself, and `http/api/upload.rs` hands its pieces to a
//! file unread. What reads those bytes is `sandbox/strangers/inspect.rs`, and that is what `uploads` feeds.
//!
//! Nothing here is part of the program. A target fails by a panic, which libFuzzer and the test of the corpora both show with the
//! input. What was found once stays in the corpus under a name that tells it.

pub mod community;
pub mod dashboard;
#[path = "../../../host/src/event.rs"]
pub mod event;
pub mod feed;
mod filter_input;
pub mod http;
pub mod identity;
pub mod jetstream;
mod json;
mod lexicon;
mod pds;
#[path = "../../../host/src/record.rs"]
pub mod record;
mod records;
pub mod sandbox;
pub mod store;
mod uploads;

pub use dashboard::cursors::run as cursors;
pub use filter_input::run as filter_input;
pub use http::queries::run as queries;
pub use identity::identities::run as identities;
pub use identity::tokens::run as tokens;
pub use jetstream::endpoints::run as endpoints;
pub use jetstream::frames::run as frames;
pub use jetstream::streams::run as streams;
pub use records::run as records;
pub use uploads::run as uploads;

/// A target's function.
pub type Target = fn(&[u8]);

/// All targets, by the names of their binaries and of the folders of their corpora.
pub const TARGETS: [(&str, Target); 10] = [
    ("cursors", cursors),
    ("endpoints", endpoints),
    ("filter_input", filter_input),
    ("frames", frames),
    ("identities", identities),
    ("queries", queries),
    ("records", records),
    ("streams", streams),
    ("tokens", tokens),
    ("uploads", uploads),
];
