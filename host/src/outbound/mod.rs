//! The program's one HTTP client: every request that the program makes goes through it.
//!
//! Whom it asks is often written by strangers: a DID names a host, a document names a server. So what a request can do is bounded,
//! and where it may go is checked at the last moment, on the address that is connected to.
//!
//! ```text
//! client.rs     the client: deadline, sizes, numbers, the outcome counted
//! request.rs    what is asked and what came back
//! slots.rs      how many requests at a time, in all and to one host
//! connector.rs  from a host's name to a socket with TLS: looks up, checks, connects to what was checked
//! address.rs    which addresses may be connected to
//! error.rs      why there is no answer
//! ```
//!
//! It never follows a redirect (a 3xx is an answer like others), never uses a proxy, keeps no cookies, decompresses nothing, and
//! connects to no address outside the public internet, nor without TLS, unless the operator allows private networks. Every failure is
//! an [`OutboundError`] that names the host and never the query, which may hold a secret. Nothing is tried again here.

mod address;
mod client;
mod connector;
mod error;
mod request;
mod slots;

#[cfg(test)]
pub(crate) mod tests;

pub use client::{Client, Limits, Policy};
pub use error::OutboundError;
pub use request::{Request, Response};
