//! What the operator decides: the configuration, typed and checked.
//!
//! A [`Config`] comes out of four layers, the earlier before the later: flags, environment, the file of `--config`, defaults. Each
//! option has one name, `a-b`: the flag is `--a-b`, the variable `ATRARIUM_A_B`, the key in the file `a-b`. A layer that gives
//! a list replaces the list of the layers below. An empty variable counts as not set.
//!
//! ```text
//! keys.rs        every option: its name, words, default and bounds
//! live.rs        what may change while the program runs
//! given.rs       what the layers say, each text with its source
//! file.rs        the layer that is a TOML file, with its lines
//! validate.rs    from texts to a `Config`
//! mistake.rs     what is wrong, all of it, in sentences; nearest.rs: what may be meant
//! ```
//!
//! Nothing here opens a socket or makes a directory; of a `Config` nothing changes, but a new one may be made at SIGHUP, of which some counts
//! at once ([`LIVE`]). It fails as a whole: one mistake or twenty, no
//! `Config` comes out and all are in one [`Mistakes`].

mod file;
mod given;
pub(crate) mod keys;
mod live;
mod mistake;
mod nearest;
mod party;
mod public_url;
mod secret;
mod uploads;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::logging;

pub use given::{Flags, Given};
pub use live::Live;
pub use mistake::{Mistake, Mistakes, Source};
pub use party::Party;
pub use public_url::PublicUrl;
pub use secret::SecretText;
pub use uploads::Uploads;
pub use validate::validate;

/// A made-up person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    pub did: String,
    pub handle: String,
}

/// Everything that an operator can decide. Bounds, defaults and their reasons stand in `keys.rs`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the AppView and readers connect.
    pub listen: SocketAddr,
    /// Where metrics and health are served.
    pub admin_listen: SocketAddr,
    /// The origin that the world sees; it gives the service's DID.
    pub public_url: PublicUrl,
    /// Where the databases, the lock and the operator's socket lie. It need not exist yet.
    pub data_dir: PathBuf,
    /// Jetstream servers, ws or wss, in the order in which they are tried; never empty.
    pub jetstream: Vec<String>,
    /// Whether no repos are read where the firehose doesn't suffice.
    pub firehose_only: bool,
    /// Relays that are asked which repos there are; none if servers are named.
    pub relays: Vec<Url>,
    /// Servers of which all repos are read.
    pub backfill_pds: Vec<Url>,
    /// A directory whose components replace the embedded ones.
    pub components: Option<PathBuf>,

    /// If not empty, only these may have communities here.
    pub allow_owner: Vec<Party>,
    /// These may not, whatever `allow_owner` says.
    pub deny_owner: Vec<Party>,
    /// Whose posts stay out of other communities' global share.
    pub exclude_from_global: Vec<Party>,

    /// The directory of did:plc.
    pub plc_url: Url,
    /// A server that resolves handles, instead of DNS and the handles' own hosts.
    pub handle_resolver: Option<Url>,
    /// The origin of the AppView of which the dashboard's pages ask what posts say.
    pub appview: Option<String>,
    /// Whether requests may go to loopback and private addresses, and without TLS.
    pub allow_private_network: bool,

    /// What the keys of sessions are made of; `None` for one that lies in the data directory.
    pub secret: Option<SecretText>,
    /// Whether nobody can sign in with an app password.
    pub no_app_passwords: bool,

    pub log_level: logging::Level,
    pub log_format: logging::Format,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<Url>,
    /// Of a hundred so many.
    pub otlp_percent: u32,

    /// Posts held for one author and hashtag while the author is no member.
    pub held_per_author: usize,
    /// Posts held for one hashtag.
    pub held_per_hashtag: usize,
    /// Posts held in all.
    pub held_total: usize,
    /// A member's newest posts that count.
    pub posts_per_member: usize,
    /// Bytes in one object's namespace (the option is in MiB).
    pub object_bytes: u64,
    /// Communities that one owner may have here.
    pub communities_per_owner: usize,
    /// Communities on this host.
    pub communities_total: usize,

    /// The most events that the consumer takes from the queue at once.
    pub batch_events: usize,
    /// How long the consumer waits for a batch to fill.
    pub batch_wait: Duration,
    /// Events in the queue at which the receiver stops reading.
    pub queue_limit: u64,

    /// Community objects that live in memory at once.
    pub live_instances: usize,
    /// How long an object without work stays in memory.
    pub instance_idle: Duration,
    /// redb's cache, in bytes (the option is in MiB).
    pub cache_bytes: usize,
    /// Silence after which a Jetstream connection counts as dead.
    pub idle_timeout: Duration,
    /// How far behind the firehose, or how long without it, the program may be and be ready.
    pub ready_lag: Duration,

    /// Who sees and handles the whole host through the API, by DID.
    pub operators: Vec<String>,
    /// Whom anybody may look around as without signing in. A demo names one; nothing that is configured does.
    pub visitor: Option<Visitor>,
    /// Requests to the API for one DID or address.
    pub api_requests_per_hour: u32,
    /// Pages of feeds for one verified reader.
    pub feed_requests_per_hour: u32,
    /// The header in which a proxy tells who asks, in lower case.
    pub client_address_header: Option<String>,

    /// About the mixes that owners upload.
    pub uploads: Uploads,

    /// What the layers gave, by option, for who compares two configurations; nothing that is secret.
    pub told: BTreeMap<&'static str, Vec<String>>,
}

/// The options that count at once when the configuration is read again.
pub const LIVE: [&str; 5] = [keys::LOG_LEVEL.name, keys::OPERATORS.name, keys::ALLOW_OWNER.name, keys::DENY_OWNER.name, keys::EXCLUDE_FROM_GLOBAL.name];

impl Config {
    /// The options that another configuration has otherwise: those that can count at once, and those that take a new start.
    pub fn changes(&self, other: &Self) -> (Vec<&'static str>, Vec<&'static str>) {
        let names = keys::ALL.iter().map(|key| key.name).filter(|name| self.told.get(name) != other.told.get(name));
        names.partition(|name| LIVE.contains(name))
    }
}
