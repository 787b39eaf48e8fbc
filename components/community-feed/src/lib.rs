//! The community object: what one community has been told, and what of it its feed shows.
//!
//! Records arrive in any order and more than once, so the object keeps each fact under a key of its own and derives the
//! rest: who is a member, what is hidden, which posts are visible. It is woken by events and by its own alarm. Begin at
//! [`object`], which shows a call from start to end.
//!
//! It never keeps anything in memory between calls, never reads a clock, and never decides which moderation actions count:
//! the policy composed into it does. A call that fails says why and leaves nothing behind, since the host discards
//! what a failed call wrote.
//!
//! ```text
//!             ┌─ config, memberships, actions, accounts ─→ facts ─→ rulings ─→ people ─┐
//! batch ──────┤                                                                        ├─→ visible feed
//!             └─ posts ────────────────────────────────────────────────────────────────┘
//! ```

pub mod bindings;
pub mod failure;
pub mod host;
pub mod keys;
pub mod object;

mod people;
mod posts;
mod rulings;
mod values;

#[cfg(target_arch = "wasm32")]
mod component {
    use crate::{
        bindings::exports::atrarium::community::object::{Event, Guest},
        host::Imports,
        object,
    };

    struct CommunityFeed;

    impl Guest for CommunityFeed {
        fn handle(community: String, batch: Vec<Event>, now: i64) -> Result<(), String> {
            object::handle(&mut Imports, &community, batch, now).map_err(|failure| failure.to_string())
        }

        fn wake(community: String, now: i64) -> Result<(), String> {
            object::wake(&mut Imports, &community, now).map_err(|failure| failure.to_string())
        }
    }

    #[expect(unsafe_code, reason = "the component's entry points are exported by name")]
    mod export {
        use super::CommunityFeed;

        crate::bindings::export!(CommunityFeed with_types_in crate::bindings);
    }
}
