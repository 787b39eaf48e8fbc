//! The `feed-mix` world: the order of a feed's posts, a block of candidates at a time.
//!
//! * [`words`]: what a mix is asked and what it answers, in the host's words; what it answers is checked there.
//! * [`trusted`]: the operator's own mix, which every community has unless its owner has activated another.
//!
//! What a mix returns is text from the network, whoever wrote it: picks that repeat or name no candidate are left out.

pub mod trusted;
pub mod words;

pub use trusted::{Mix, Mixes};
pub use words::{Answer, Author, Block, Candidate, Pick, Request, Source, SourceKind};
