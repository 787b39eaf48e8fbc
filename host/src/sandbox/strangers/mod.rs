//! Mixes from strangers: what keeps a community's owner from having to be trusted.
//!
//! * [`inspect`]: what can be said of an upload before anything of it is compiled.
//! * [`admission`]: compiling and trying it; runs in a process of its own, whose end nobody feels.
//! * [`confined`]: what that process does: it takes limits upon itself, and then admits.
//! * [`trial`]: the made-up posts that it is tried with.
//! * [`engine`]: the engine of strangers' code, and the compiled code that is kept on disk.
//! * [`guest`]: one call, in a store of its own that is thrown away after it; what it may take, and how it fails.
//! * `ticker`: the clock that ends calls, and lets others compute between.
//! * [`aside`]: threads that give way to all others ([`crate::priority`]), for calls that may take long.
//!
//! A stranger's code has an engine of its own: fuel meters what it does, epochs end what takes too long. A call begins with
//! nothing and leaves nothing, so no reader's page can hold what another reader's call has seen.

pub mod admission;
pub mod aside;
pub mod confined;
pub mod engine;
pub mod guest;
pub mod inspect;
mod ticker;
pub mod trial;

pub use admission::{Profile, Verdict, admit};
pub use aside::Aside;
pub use engine::Strangers;
pub use guest::{Allowance, Failure, Guest, Run};
