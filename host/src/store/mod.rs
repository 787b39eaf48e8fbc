//! `index.redb`: everything the program knows and can rebuild. And `state.redb`, which can't be rebuilt.
//!
//! * [`schema`]: the tables and the form of their keys; start here.
//! * [`db`]: the file, snapshots of it, and the one way to write to it.
//! * [`layer`] and [`view`]: changes before they are durable, and reading through them.
//! * [`span`]: ranges of keys.
//! * [`queue`]: the durable queue.
//! * [`state`]: the other database, small, with tables and failures of its own.
//! * [`making`]: how either file is made, whole or not at all; [`versions`]: how one of an older version becomes one of this.
//! * [`upkeep`]: what is in the files, whether they are whole, and copies of them.
//!
//! redb is named nowhere else. The store never decides what is written: `ingest` does, and nobody else may. What fails here
//! fails whole: a commit is durable entirely or not at all, and after a failure the database is opened again.

pub mod db;
pub mod layer;
mod making;
pub mod queue;
pub mod schema;
pub mod span;
pub mod state;
pub mod upkeep;
mod versions;
pub mod view;

pub use db::{Options, Snapshot, Store, StoreError};
pub use layer::Layer;
pub use queue::Queue;
pub use schema::{CommunityId, Key, Table};
pub use span::Span;
pub use state::{Changes, Shelf, State, StateError};
pub use view::View;
