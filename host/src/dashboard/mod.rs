//! What the API can ask and do, without HTTP.
//!
//! ```text
//! problem.rs      why a call is not answered as wished
//! views.rs        the JSON of the answers
//! page.rs         lists, some at a time
//! find.rs         the ids by which communities are called
//! called.rs       what people and posts are called
//! handles.rs      the handles of people in lists
//! standing.rs     what somebody is in a community
//! catalogue.rs    names and parents of all communities, in memory
//! communities.rs  one community, lists of them, their numbers
//! members.rs      who belongs to one
//! posts.rs        what it shows, and what it doesn't
//! actions.rs      its moderation, and which action decides
//! stats.rs        a week in numbers
//! held.rs         whose posts wait for them to join
//! letters.rs      what its component could not take
//! access.rs       who may do what: the one table
//! writes/         what callers change, in their own repos
//! mixes/          the feed mixes that owners upload
//! host.rs         the whole host, for operators
//! load.rs         which communities keep it busy, for them
//! explain/        why a post is in a feed, or isn't
//! ```
//!
//! Every read is made from one snapshot and costs some look-ups and a page of rows. It reads the index and decides nothing: what is visible,
//! who is a member and what is denied is what the community's object has said. Whether a caller may ask is `access.rs`'s to say, and is settled before, by who calls. A read
//! fails with a [`Problem`]; while the database is away that is [`Problem::Unavailable`].

pub mod access;
mod actions;
mod called;
mod catalogue;
mod communities;
mod explain;
pub mod find;
mod handles;
mod held;
mod host;
pub mod letters;
mod load;
mod members;
mod mix;
pub mod mixes;
mod page;
mod posts;
mod problem;
mod standing;
mod stats;
mod text;
mod times;
pub mod views;
pub mod writes;

use std::sync::Arc;

pub use communities::{CommunitiesQuery, RoleFilter};
pub use explain::Judge;
pub use find::long_id;
pub use host::{HostLimits, HostMixes, HostPulse, HostStatus, MixUploads, NotReady, Pulse};
pub use load::{CommunityLoad, HostLoad};
pub use members::MembersQuery;
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, MAX_MEMBERS, Page};
pub use problem::Problem;
pub use standing::Standing;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::community::changes::{Listener, Seat, Subscription};
use crate::community::showing::{Edition, edition_of};
use crate::community::{Bounds, Changes};
use crate::feed::Feeds;
use crate::identity::Resolver;
use crate::outbound::Client;
use crate::record::RecordKey;
use crate::store::{Snapshot, Store};
use crate::uploads::Uploads;

/// What the API is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub changes: Changes,
    pub feeds: Feeds,
    pub bounds: Bounds,
    /// Asks users' own servers.
    pub client: Client,
    pub resolver: Resolver,
    /// What the filter makes of a record.
    pub judge: Judge,
    /// The DID of this service.
    pub service_did: String,
    /// How records that were written through the API take the firehose's way.
    pub apply: writes::Apply,
    /// Whether the operator serves communities with this config record.
    pub may_own: Arc<dyn Fn(&RecordKey) -> bool + Send + Sync>,
    /// The mixes that owners have uploaded.
    pub uploads: Uploads,
    pub pulse: Pulse,
    pub limits: HostLimits,
    /// That the program ends: what is being written comes to its end soon.
    pub stop: CancellationToken,
}

/// The API. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Dashboard(Arc<Inner>);

struct Inner {
    parts: Parts,
    catalogue: catalogue::Catalogue,
    stats: stats::Kept,
    looks: explain::Looks,
    handles: handles::Handles,
    turns: writes::Turns,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dashboard").field("service", &self.parts.service_did).finish_non_exhaustive()
    }
}

/// One moment, from which a call reads all.
struct Reading {
    snapshot: Snapshot,
    /// Milliseconds since the Unix epoch.
    now: i64,
    /// Whoever changes a community after this edition is known to `Changes`.
    edition: Edition,
}

impl Dashboard {
    fn parts(&self) -> &Parts {
        &self.0.parts
    }

    fn snapshot(&self) -> Result<Snapshot, Problem> {
        Ok(self.0.parts.store.snapshot()?)
    }

    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            catalogue: catalogue::Catalogue::default(),
            stats: stats::Kept::new(),
            looks: explain::Looks::default(),
            handles: handles::Handles::default(),
            turns: writes::Turns::default(),
        }))
    }

    fn reading(&self) -> Result<Reading, Problem> {
        let parts = &self.0.parts;
        let noted = parts.changes.noted();
        let snapshot = parts.store.snapshot()?;
        let edition = edition_of(&snapshot)?.min(noted);
        Ok(Reading { snapshot, now: parts.clock.now_ms(), edition })
    }

    /// Listens to what changes in a community, from now on or from behind the change that came with this id. `address` is where the caller is,
    /// as it is counted.
    pub fn listen(&self, caller: &str, address: &str, id: &str, last: Option<&str>) -> Result<Subscription, Problem> {
        let snapshot = self.snapshot()?;
        let (number, community) = find::find(&snapshot, id)?;
        let seat = match standing::standing(&snapshot, number, &community, caller)? {
            Standing::Owner | Standing::Moderator => Seat::Moderator,
            Standing::Member if !standing::is_denied(&snapshot, number, caller)? => Seat::Member,
            Standing::Member | Standing::None => Seat::Stranger,
        };
        let subscription = self.0.parts.changes.subscribe(number, &community.uri, Listener { caller, address, seat }, last);
        let subscription = subscription.map_err(|full| Problem::TooMany { message: full.to_string(), again_in: None })?;
        // It may have been closed meanwhile, and then nothing would ever be told.
        match self.find(&community.uri) {
            Ok((still, _)) if still == number => Ok(subscription),
            Ok(_) => Err(Problem::no_community(id)),
            Err(problem) => Err(problem),
        }
    }
}
