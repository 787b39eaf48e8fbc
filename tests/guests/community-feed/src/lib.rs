//! The community object's own sources, behind a door that misbehaves: when it is told of a record or a config with a telling
//! name, and when it is woken in a community whose record key tells it to. Natively there is nothing here.

#![cfg(target_arch = "wasm32")]

#[path = "../../misbehave.rs"]
mod misbehave;

#[path = "../../../../components/community-feed/src/failure.rs"]
pub mod failure;
#[path = "../../../../components/community-feed/src/host.rs"]
pub mod host;
#[path = "../../../../components/community-feed/src/keys.rs"]
pub mod keys;
#[path = "../../../../components/community-feed/src/object.rs"]
pub mod object;
#[path = "../../../../components/community-feed/src/people.rs"]
mod people;
#[path = "../../../../components/community-feed/src/posts.rs"]
mod posts;
#[path = "../../../../components/community-feed/src/rulings.rs"]
mod rulings;
#[path = "../../../../components/community-feed/src/values.rs"]
mod values;

pub mod bindings {
    wit_bindgen::generate!({
        world: "atrarium:community/community-feed",
        path: ["../../../wit/events", "../../../wit/community"],
        generate_all,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

use bindings::exports::atrarium::community::object::{Event, Guest};
use misbehave::as_told;

struct Hostile;

impl Guest for Hostile {
    fn handle(community: String, batch: Vec<Event>, now: i64) -> Result<(), String> {
        for event in &batch {
            match event {
                Event::Config(config) => as_told(&config.name)?,
                Event::Membership(change) => as_told(&change.rkey)?,
                Event::Action(change) => as_told(&change.uri)?,
                Event::Post(change) => as_told(&change.rkey)?,
                Event::Account(_) => {}
            }
        }
        object::handle(&mut host::Imports, &community, batch, now).map_err(|failure| failure.to_string())
    }

    fn wake(community: String, now: i64) -> Result<(), String> {
        as_told(&community)?;
        object::wake(&mut host::Imports, &community, now).map_err(|failure| failure.to_string())
    }
}

#[expect(unsafe_code, reason = "the component's entry points are exported by name")]
mod export {
    use super::Hostile;

    crate::bindings::export!(Hostile with_types_in crate::bindings);
}
