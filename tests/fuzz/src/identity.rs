//! Who is who, without asking anybody.
//!
//! Left out are `resolver`, `cache`, `dns` and `service_auth`, which ask and wait, and `handle`, whose functions belong to the resolver.

#[path = "../../../host/src/identity/did.rs"]
mod did;
#[path = "../../../host/src/identity/document.rs"]
mod document;
#[path = "../../../host/src/identity/key.rs"]
mod key;
#[path = "../../../host/src/identity/token.rs"]
pub mod token;

pub mod identities;
pub mod tokens;

pub use document::{Document, DocumentError};
pub use key::{Algorithm, Key};

/// Stands in for `identity/resolver.rs`, which asks the network.
mod resolver {
    pub(super) enum ResolveError {
        Unusable { did: String, reason: &'static str },
    }
}
