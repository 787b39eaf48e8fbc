//! The filter component: raw records in, typed and checked ones out.
//!
//! [`judge`] reads one record of the four collections that the program follows and says what it is, that it names no
//! community, or which rule of its lexicon it breaks. Every later part of the program relies on what passes here being
//! well-formed and bounded, and asks no further.
//!
//! It never looks at anything but the record: no clock, no storage, no other record. It never fails: whatever the text
//! holds, there is a verdict, and a malformed record carries a short code that the host counts.
//!
//! ```text
//! raw record → collection → post / config / membership / action → its lexicon's rules → verdict
//! ```

pub mod bindings;
pub mod datetime;
pub mod fault;
pub mod hashtag;
pub mod judge;
pub mod limits;
pub mod shares;
pub mod syntax;

mod action;
mod config;
mod json;
mod loose;
mod membership;
mod post;

#[cfg(target_arch = "wasm32")]
mod component {
    use crate::bindings::exports::atrarium::filter::records::{Guest, Raw, Verdict};

    struct Filter;

    impl Guest for Filter {
        fn judge(batch: Vec<Raw>) -> Vec<Verdict> {
            batch.iter().map(crate::judge::judge).collect()
        }
    }

    #[expect(unsafe_code, reason = "the component's entry points are exported by name")]
    mod export {
        crate::bindings::export!(Filter with_types_in crate::bindings);
        use super::Filter;
    }
}
