//! Communities: which there are, their objects, and the walls between them.
//!
//! * [`directory`]: the communities of this host, by URI, number and hashtag; opening and closing them.
//! * [`desk`]: what a community's object may read and write during one call.
//! * [`registry`]: the objects that are awake, and talking to one.
//! * [`changes`]: what has just changed in a community, for who listens.
//! * [`letters`]: what an object is told about, and what could not be told.
//! * [`showing`]: a post's rows in the feeds, and since when they are there.
//! * [`load`]: what each has cost lately.
//! * [`held`]: the bounds of design section 4, counted.
//!
//! Nothing here commits: all changes go to the `View` that the caller brings, and the caller decides what becomes of it. What a
//! guest does wrong stays in its community.

pub mod changes;
pub mod desk;
pub mod directory;
pub mod held;
pub mod letters;
pub mod load;
pub mod registry;
pub mod showing;

pub use changes::Changes;
pub use directory::Community;
pub use held::Bounds;
pub use load::Loads;
pub use registry::Registry;
