//! A policy that has the right shape and panics at whatever it is asked. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

pub mod bindings {
    wit_bindgen::generate!({
        world: "atrarium:community/moderation-policy",
        path: ["../../../wit/events", "../../../wit/community"],
        generate_all,
    });
}

use bindings::exports::atrarium::community::moderation::{Guest, Ruling, SignedAction, Standing};

struct Broken;

impl Guest for Broken {
    fn judge(_: Standing, _: String, _: Vec<SignedAction>, _: i64) -> Ruling {
        panic!("out of order")
    }
}

#[expect(unsafe_code, reason = "the component's entry points are exported by name")]
mod export {
    use super::Broken;

    crate::bindings::export!(Broken with_types_in crate::bindings);
}
