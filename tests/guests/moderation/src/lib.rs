//! The policy's own source, behind a door that misbehaves when the key of an action's record tells it to. Natively there is
//! nothing here.

#![cfg(target_arch = "wasm32")]

#[path = "../../misbehave.rs"]
mod misbehave;

#[path = "../../../../components/moderation/src/judge.rs"]
pub mod judge;

pub mod bindings {
    wit_bindgen::generate!({
        world: "atrarium:community/moderation-policy",
        path: ["../../../wit/events", "../../../wit/community"],
        generate_all,
        additional_derives: [PartialEq],
    });
}

use bindings::exports::atrarium::community::moderation::{Guest, Ruling, SignedAction, Standing};

struct Hostile;

impl Guest for Hostile {
    fn judge(standing: Standing, subject: String, actions: Vec<SignedAction>, now: i64) -> Ruling {
        for action in &actions {
            if let Err(refusal) = misbehave::as_told(&action.uri) {
                panic!("{refusal}, and there is no other way to");
            }
        }
        judge::judge(&standing, &subject, &actions, now)
    }
}

#[expect(unsafe_code, reason = "the component's entry points are exported by name")]
mod export {
    use super::Hostile;

    crate::bindings::export!(Hostile with_types_in crate::bindings);
}
