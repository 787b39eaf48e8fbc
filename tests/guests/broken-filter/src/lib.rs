//! A filter that has the right shape and panics at whatever it is asked. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

pub mod bindings {
    wit_bindgen::generate!({
        world: "atrarium:filter/filter",
        path: ["../../../wit/events", "../../../wit/filter"],
        generate_all,
    });
}

use bindings::exports::atrarium::filter::records::{Guest, Raw, Verdict};

struct Broken;

impl Guest for Broken {
    fn judge(_: Vec<Raw>) -> Vec<Verdict> {
        panic!("out of order")
    }
}

#[expect(unsafe_code, reason = "the component's entry points are exported by name")]
mod export {
    use super::Broken;

    crate::bindings::export!(Broken with_types_in crate::bindings);
}
