//! Who is who: DID documents, handles, and who signed a request.
//!
//! ```text
//! did.rs           where the document of a DID is found
//! document.rs      what a document says: the signing key, the server, the handle
//! key.rs           a signing key in all its spellings, and what it has signed
//! cache.rs         documents and failures, with their ages
//! resolver.rs      from a DID to its document: cached, asked for once at a time
//! handle.rs        from a handle to a DID and back;  dns.rs: TXT records
//! token.rs         what must be right about a service-auth token, without asking anybody
//! service_auth.rs  from an Authorization header to the reader of a feed
//! ```
//!
//! Whatever comes from the network is checked text with bounds; whom to ask is decided by strangers and checked by `outbound`.
//! Nothing here trusts a handle, a document for another DID, or a signature that isn't by the key that the document names now. Nothing is
//! written to disk. What can't be resolved is an error with the cause, remembered for a little while; a feed never fails of it.

mod cache;
mod did;
mod dns;
mod document;
mod handle;
mod key;
mod resolver;
mod service_auth;
pub mod token;

#[cfg(test)]
mod tests;

pub use document::{Document, DocumentError};
pub use handle::HandleError;
pub use key::{Algorithm, Key};
pub use resolver::{ResolveError, Resolver, Settings};
pub use service_auth::ServiceAuth;
