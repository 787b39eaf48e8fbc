//! The moderation component: which actions on a target count, and what follows from them.
//!
//! It is composed into the community object, which asks it about one target at a time. An operator who wants another
//! policy (two moderators must agree, say) replaces this component and nothing else. [`judge`](judge::judge) is the whole of it.
//!
//! It never remembers anything and sees no clock: the same question has the same answer for ever. It never fails.

pub mod bindings;
pub mod judge;

#[cfg(target_arch = "wasm32")]
mod component {
    use crate::bindings::exports::atrarium::community::moderation::{Guest, Ruling, SignedAction, Standing};

    struct Moderation;

    impl Guest for Moderation {
        fn judge(standing: Standing, subject: String, actions: Vec<SignedAction>, now: i64) -> Ruling {
            crate::judge::judge(&standing, &subject, &actions, now)
        }
    }

    #[expect(unsafe_code, reason = "the component's entry points are exported by name")]
    mod export {
        use super::Moderation;

        crate::bindings::export!(Moderation with_types_in crate::bindings);
    }
}
