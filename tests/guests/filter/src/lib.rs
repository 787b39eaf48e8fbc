//! The filter's own sources, behind a door that misbehaves when a record's key tells it to; `refuse` makes it keep a verdict to
//! itself, against its contract. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

#[path = "../../misbehave.rs"]
mod misbehave;

#[path = "../../../../components/filter/src/action.rs"]
pub mod action;
#[path = "../../../../components/filter/src/config.rs"]
pub mod config;
#[path = "../../../../components/filter/src/datetime.rs"]
pub mod datetime;
#[path = "../../../../components/filter/src/fault.rs"]
pub mod fault;
#[path = "../../../../components/filter/src/hashtag.rs"]
pub mod hashtag;
#[path = "../../../../components/filter/src/json.rs"]
pub mod json;
#[path = "../../../../components/filter/src/judge.rs"]
pub mod judge;
#[path = "../../../../components/filter/src/limits.rs"]
pub mod limits;
#[path = "../../../../components/filter/src/loose.rs"]
pub mod loose;
#[path = "../../../../components/filter/src/membership.rs"]
pub mod membership;
#[path = "../../../../components/filter/src/post.rs"]
pub mod post;
#[path = "../../../../components/filter/src/shares.rs"]
pub mod shares;
#[path = "../../../../components/filter/src/syntax.rs"]
pub mod syntax;

pub mod bindings {
    wit_bindgen::generate!({
        world: "atrarium:filter/filter",
        path: ["../../../wit/events", "../../../wit/filter"],
        generate_all,
        additional_derives: [PartialEq],
    });
}

use bindings::exports::atrarium::filter::records::{Guest, Raw, Verdict};

struct Hostile;

impl Guest for Hostile {
    fn judge(batch: Vec<Raw>) -> Vec<Verdict> {
        batch.iter().filter(|raw| misbehave::as_told(&raw.rkey).is_ok()).map(judge::judge).collect()
    }
}

#[expect(unsafe_code, reason = "the component's entry points are exported by name")]
mod export {
    use super::Hostile;

    crate::bindings::export!(Hostile with_types_in crate::bindings);
}
