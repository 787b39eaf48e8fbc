//! `atrarium demo`.

pub mod script;
pub mod server;
