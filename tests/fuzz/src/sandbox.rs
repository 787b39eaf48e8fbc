//! What looks at an upload before anything of it is compiled.

#[path = "../../../host/src/sandbox/strangers/inspect.rs"]
pub mod inspect;
