//! Every option: its name, its words for `--help`, its default and its bounds, with the reasons.
//!
//! The flags, the variables and the file's keys are all made from [`ALL`], so they can't differ. A new option is a constant here,
//! a field of `Config`, and a line in `validate.rs`. Nothing here reads a value.

/// One option.
pub(crate) struct Key {
    /// `a-b`, as the flag and the file spell it.
    pub(crate) name: &'static str,
    /// What stands for the value in `--help`.
    pub(crate) value: &'static str,
    pub(crate) help: &'static str,
    pub(crate) takes: Takes,
}

/// What an option takes.
pub(crate) enum Takes {
    Text {
        default: &'static str,
    },
    /// Text, or nothing.
    Optional,
    /// Any number of texts: repeated, or with commas between them.
    List {
        default: &'static [&'static str],
    },
    /// A whole number.
    Number(Number),
    /// `true` or `false`, false if it isn't given; the flag alone is `true`.
    Switch,
}

/// A number's default and bounds, both bounds included.
#[derive(Clone, Copy)]
pub(crate) struct Number {
    pub(crate) default: u64,
    pub(crate) least: u64,
    pub(crate) most: u64,
}

/// The file of the configuration; an option of the command line and the environment alone.
pub(crate) const CONFIG: Key = Key { name: "config", value: "FILE", help: "A TOML file with any of these options as keys", takes: Takes::Optional };

// Loopback, because TLS ends in a proxy before this program.
pub(crate) const LISTEN: Key = Key { name: "listen", value: "ADDRESS", help: "Where the feeds are served", takes: Takes::Text { default: "127.0.0.1:3000" } };

// Loopback, because metrics tell strangers more than they should know.
pub(crate) const ADMIN_LISTEN: Key =
    Key { name: "admin-listen", value: "ADDRESS", help: "Where metrics and health are served", takes: Takes::Text { default: "127.0.0.1:3001" } };

/// Its default is `http://localhost:<the port of --listen>`, which only an AppView on the same machine can reach.
pub(crate) const PUBLIC_URL: Key = Key {
    name: "public-url",
    value: "URL",
    help: "The origin that the world sees, such as https://feeds.example.org; it gives the did:web [default: http://localhost:<port of --listen>]",
    takes: Takes::Optional,
};

pub(crate) const DATA_DIR: Key = Key { name: "data-dir", value: "DIRECTORY", help: "Where the databases lie", takes: Takes::Text { default: "./data" } };

// Bluesky's four public instances. A silent or broken one costs a reconnect; all four carry the same events.
pub(crate) const JETSTREAM: Key = Key {
    name: "jetstream",
    value: "URL",
    help: "Jetstream servers, tried in order",
    takes: Takes::List {
        default: &[
            "wss://jetstream1.us-east.bsky.network/subscribe",
            "wss://jetstream2.us-east.bsky.network/subscribe",
            "wss://jetstream1.us-west.bsky.network/subscribe",
            "wss://jetstream2.us-west.bsky.network/subscribe",
        ],
    },
};

pub(crate) const COMPONENTS: Key =
    Key { name: "components", value: "DIRECTORY", help: "Components that replace the embedded ones; read again at SIGHUP", takes: Takes::Optional };

pub(crate) const ALLOW_OWNER: Key = Key {
    name: "allow-owner",
    value: "PARTY",
    help: "If given, only these may have communities here (DIDs or community URIs)",
    takes: Takes::List { default: &[] },
};

pub(crate) const DENY_OWNER: Key =
    Key { name: "deny-owner", value: "PARTY", help: "These may not have communities here, whatever --allow-owner says", takes: Takes::List { default: &[] } };

pub(crate) const EXCLUDE_FROM_GLOBAL: Key =
    Key { name: "exclude-from-global", value: "PARTY", help: "Whose posts stay out of other communities' global share", takes: Takes::List { default: &[] } };

// The one directory of did:plc that the network uses.
pub(crate) const PLC_URL: Key =
    Key { name: "plc-url", value: "URL", help: "The directory in which did:plc is looked up", takes: Takes::Text { default: "https://plc.directory" } };

/// Without it handles are looked up in DNS and at their own hosts.
pub(crate) const HANDLE_RESOLVER: Key = Key {
    name: "handle-resolver",
    value: "URL",
    help: "A server that resolves handles (com.atproto.identity.resolveHandle), instead of DNS and the handles' own hosts",
    takes: Takes::Optional,
};

/// The dashboard's pages ask it, not this program: what posts say is nothing that is kept here. Anybody may ask this one, without signing in.
pub(crate) const APPVIEW_URL: Key = Key {
    name: "appview-url",
    value: "URL",
    help: "The AppView of which the dashboard's pages ask what posts say, or 'none'",
    takes: Takes::Text { default: "https://public.api.bsky.app" },
};

// Off, because strangers name the hosts that are asked; the machine's own network is none of their business.
pub(crate) const ALLOW_PRIVATE_NETWORK: Key = Key {
    name: "allow-private-network",
    value: "BOOLEAN",
    help: "Also ask servers at loopback and private addresses, and without TLS: for networks of one's own",
    takes: Takes::Switch,
};

/// Without it one is made and kept in the data directory. Other programs can see a flag, so the variable is the better place.
pub(crate) const SECRET: Key = Key {
    name: "secret",
    value: "TEXT",
    help: "At least 32 bytes that seal the sign-ins kept here; better given as ATRARIUM_SECRET [default: made once and kept in the data directory]",
    takes: Takes::Optional,
};

// Off: scripts have nothing else, and neither have people whose servers know no OAuth.
pub(crate) const NO_APP_PASSWORDS: Key =
    Key { name: "no-app-passwords", value: "BOOLEAN", help: "Let people sign in by OAuth alone, not with app passwords", takes: Takes::Switch };

pub(crate) const LOG_LEVEL: Key = Key {
    name: "log-level",
    value: "LEVEL",
    help: "error, warn, info, debug, trace, or a filter such as info,atrarium::ingest=debug",
    takes: Takes::Text { default: "info" },
};

pub(crate) const LOG_FORMAT: Key = Key { name: "log-format", value: "FORMAT", help: "text or json", takes: Takes::Text { default: "text" } };

/// A path may be named; without one it is /v1/traces.
pub(crate) const OTLP_ENDPOINT: Key =
    Key { name: "otlp-endpoint", value: "URL", help: "A collector of OpenTelemetry that takes traces, such as http://localhost:4318", takes: Takes::Optional };

// All of a small server's; who serves a thousand pages a second sends a few.
pub(crate) const OTLP_PERCENT: Key =
    number("otlp-percent", "Of a hundred traces so many are sent to the collector", Number { default: 100, least: 1, most: 100 });

// A week of a busy author's posts on one tag; more is a flood.
pub(crate) const HELD_PER_AUTHOR: Key = number("held-per-author", "Posts held for a non-member and a hashtag", Number { default: 100, least: 1, most: 10_000 });

// A hundred eager authors before the community's config arrives.
pub(crate) const HELD_PER_HASHTAG: Key = number("held-per-hashtag", "Posts held for a hashtag", Number { default: 10_000, least: 1, most: 1_000_000 });

// About 300 bytes each: 300 MB of disk at the default.
pub(crate) const HELD_TOTAL: Key = number("held-total", "Posts held in all", Number { default: 1_000_000, least: 1, most: 100_000_000 });

// Six posts an hour, day and night, for the seven days that count.
pub(crate) const POSTS_PER_MEMBER: Key = number("posts-per-member", "A member's newest posts that count", Number { default: 1_000, least: 1, most: 100_000 });

// A post takes some 140 bytes, and 1,025 with the longest of keys: room for 1,600,000, or for 220,000.
pub(crate) const OBJECT_MIB: Key = number(
    "object-mib",
    "MiB that one community's object may store; an eighth is kept for owner and moderators",
    Number { default: 256, least: 1, most: 1_048_576 },
);

// Enough for people; too few to fill the host from one account.
pub(crate) const COMMUNITIES_PER_OWNER: Key =
    number("communities-per-owner", "Communities that one owner may have here", Number { default: 10, least: 1, most: 10_000 });

// What one small server is measured with (under 500 MB, each woken once).
pub(crate) const COMMUNITIES_TOTAL: Key = number("communities-total", "Communities on this host", Number { default: 10_000, least: 1, most: 1_000_000 });

// From here on a larger batch no longer makes a guest's call cheaper per event (0.22 µs), only a retry dearer.
pub(crate) const BATCH_EVENTS: Key = number("batch-events", "The most events in one batch", Number { default: 100, least: 1, most: 10_000 });

// Half of the 100 ms in which a post has to be visible.
pub(crate) const BATCH_WAIT_MS: Key = number("batch-wait-ms", "Milliseconds in which a batch may fill", Number { default: 50, least: 1, most: 10_000 });

// Half an hour of the whole network at 500 events/s, and days of what passes the prefilter; about 1 GB of disk.
pub(crate) const QUEUE_LIMIT: Key =
    number("queue-limit", "Events in the durable queue at which reading from Jetstream stops", Number { default: 1_000_000, least: 1_000, most: 100_000_000 });

// 66 KiB of memory each. Above 16,384 the pool's reservations (4 GiB of addresses each) fill half of the 47-bit address space.
pub(crate) const LIVE_INSTANCES: Key = number("live-instances", "Community objects in memory at once", Number { default: 1_024, least: 1, most: 16_384 });

// Waking one takes 50 µs, so there is little to win by keeping them longer.
pub(crate) const INSTANCE_IDLE_SECS: Key =
    number("instance-idle-secs", "Seconds for which an idle community object stays in memory", Number { default: 30, least: 1, most: 86_400 });

// redb's own default of 1 GiB is half of a small server. Below 8 MiB every page of a feed comes from the disk.
pub(crate) const CACHE_MIB: Key = number(
    "cache-mib",
    "MiB of memory for the database's cache; pages and orders of walks may take three eighths of that besides",
    Number { default: 256, least: 8, most: 1_048_576 },
);

// Servers ping every 30 s, so 60 is one lost ping. Below 5 a slow network would look dead.
pub(crate) const IDLE_TIMEOUT_SECS: Key =
    number("idle-timeout-secs", "Seconds of silence after which a Jetstream connection counts as dead", Number { default: 60, least: 5, most: 3_600 });

// A server that restarts is caught up with in less; the AppView's readers see what is two minutes old and no worse. In a network of one's
// own, where nothing may happen for hours, it is to be raised.
pub(crate) const READY_LAG_SECS: Key = number(
    "ready-lag-secs",
    "Seconds behind the firehose, or of its silence, at which /ready says no unless the program is catching up",
    Number { default: 120, least: 1, most: 31_536_000 },
);

// For made-up repos, which nobody hosts, and for who wants no request to leave the machine.
pub(crate) const FIREHOSE_ONLY: Key =
    Key { name: "firehose-only", value: "true|false", help: "Read nothing but the firehose: no repos from their servers", takes: Takes::Switch };

// Bluesky's relay, which knows by collection who has records of ours.
pub(crate) const RELAY: Key = Key {
    name: "relay",
    value: "URL",
    help: "Relays that are asked which repos have records of communities",
    takes: Takes::List { default: &["https://relay1.us-east.bsky.network"] },
};

pub(crate) const BACKFILL_PDS: Key =
    Key { name: "backfill-pds", value: "URL", help: "Servers of which all repos are read, instead of asking a relay", takes: Takes::List { default: &[] } };

pub(crate) const OPERATORS: Key =
    Key { name: "operators", value: "DID", help: "Who sees and handles the whole host through the API", takes: Takes::List { default: &[] } };

// The seed's number: a person at a dashboard asks for some hundred things in an hour.
pub(crate) const API_REQUESTS_PER_HOUR: Key = number(
    "api-requests-per-hour",
    "Requests to the API for one DID, or one address before it is known who asks",
    Number { default: 1_000, least: 1, most: 10_000_000 },
);

// The seed's 100 would stop an ordinary reader: the app asks an open feed about once a minute, and again with every page.
pub(crate) const FEED_REQUESTS_PER_HOUR: Key =
    number("feed-requests-per-hour", "Pages of feeds for one reader whose DID is verified", Number { default: 1_000, least: 1, most: 10_000_000 });

/// Without it an address is the one that has connected. A header that a proxy doesn't set is whatever a stranger writes into it.
pub(crate) const CLIENT_ADDRESS_HEADER: Key = Key {
    name: "client-address-header",
    value: "HEADER",
    help: "The header in which the proxy before this program tells who asks, such as x-forwarded-for (its last address counts)",
    takes: Takes::Optional,
};

// Off: an upload can do nothing but order a feed, within the bounds below.
pub(crate) const NO_MIX_UPLOADS: Key =
    Key { name: "no-mix-uploads", value: "true|false", help: "Take no feed mixes from owners, and ask none that were taken", takes: Takes::Switch };

pub(crate) const MIX_UPLOADERS: Key =
    Key { name: "mix-uploaders", value: "DID", help: "If given, only these owners may upload feed mixes", takes: Takes::List { default: &[] } };

// A component made from Python has 18 MiB, the larger kind of JavaScript 12, one of Rust a twentieth of one.
pub(crate) const MIX_SIZE_MIB: Key = number("mix-size-mib", "MiB that an uploaded mix may have", Number { default: 24, least: 1, most: 256 });

// Enough to try things and to go back; refused ones give way to new ones.
pub(crate) const MIX_VERSIONS: Key = number("mix-versions", "Versions of mixes that a community may have", Number { default: 20, least: 1, most: 1_000 });

// Ten of the largest.
pub(crate) const MIX_OWNER_MIB: Key =
    number("mix-owner-mib", "MiB that one owner's uploaded mixes may have together", Number { default: 240, least: 1, most: 1_048_576 });

// On disk, and as much again for compiled code.
pub(crate) const MIX_TOTAL_MIB: Key =
    number("mix-total-mib", "MiB that all uploaded mixes may have together", Number { default: 4_096, least: 1, most: 1_048_576 });

// Five times what QuickJS takes for a full block of 600 posts; 65 ms of the tightest loop.
pub(crate) const MIX_FUEL_MILLIONS: Key =
    number("mix-fuel-millions", "Fuel for one call of an uploaded mix, in millions of instructions", Number { default: 50, least: 1, most: 100_000 });

// Fuel ends what computes; this ends what a busy machine doesn't let compute. A reader doesn't wait for longer.
pub(crate) const MIX_TIME_MS: Key =
    number("mix-time-ms", "Milliseconds that one call of an uploaded mix may last", Number { default: 250, least: 5, most: 4_000 });

// Python takes 18 MiB, the larger kind of JavaScript 25.
pub(crate) const MIX_MEMORY_MIB: Key = number("mix-memory-mib", "MiB of memory for one call of an uploaded mix", Number { default: 64, least: 2, most: 1_024 });

// The larger kind of JavaScript takes 11 to 19 s on the machines that were measured; small ones are several times slower.
pub(crate) const MIX_COMPILE_SECS: Key =
    number("mix-compile-secs", "Seconds of processor time in which an uploaded mix must be compiled and tried", Number { default: 120, least: 5, most: 3_600 });

// The same took 323 MB.
pub(crate) const MIX_COMPILE_MIB: Key =
    number("mix-compile-mib", "MiB of memory for compiling and trying an uploaded mix", Number { default: 1_024, least: 128, most: 65_536 });

/// All options that the file may hold, in the order of `--help`.
pub(crate) const ALL: &[&Key] = &[
    &LISTEN,
    &ADMIN_LISTEN,
    &PUBLIC_URL,
    &DATA_DIR,
    &JETSTREAM,
    &FIREHOSE_ONLY,
    &RELAY,
    &BACKFILL_PDS,
    &COMPONENTS,
    &ALLOW_OWNER,
    &DENY_OWNER,
    &EXCLUDE_FROM_GLOBAL,
    &PLC_URL,
    &HANDLE_RESOLVER,
    &APPVIEW_URL,
    &ALLOW_PRIVATE_NETWORK,
    &SECRET,
    &NO_APP_PASSWORDS,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &OTLP_ENDPOINT,
    &OTLP_PERCENT,
    &HELD_PER_AUTHOR,
    &HELD_PER_HASHTAG,
    &HELD_TOTAL,
    &POSTS_PER_MEMBER,
    &OBJECT_MIB,
    &COMMUNITIES_PER_OWNER,
    &COMMUNITIES_TOTAL,
    &BATCH_EVENTS,
    &BATCH_WAIT_MS,
    &QUEUE_LIMIT,
    &LIVE_INSTANCES,
    &INSTANCE_IDLE_SECS,
    &CACHE_MIB,
    &IDLE_TIMEOUT_SECS,
    &READY_LAG_SECS,
    &OPERATORS,
    &API_REQUESTS_PER_HOUR,
    &FEED_REQUESTS_PER_HOUR,
    &CLIENT_ADDRESS_HEADER,
    &NO_MIX_UPLOADS,
    &MIX_UPLOADERS,
    &MIX_SIZE_MIB,
    &MIX_VERSIONS,
    &MIX_OWNER_MIB,
    &MIX_TOTAL_MIB,
    &MIX_FUEL_MILLIONS,
    &MIX_TIME_MS,
    &MIX_MEMORY_MIB,
    &MIX_COMPILE_SECS,
    &MIX_COMPILE_MIB,
];

const fn number(name: &'static str, help: &'static str, number: Number) -> Key {
    Key { name, value: "NUMBER", help, takes: Takes::Number(number) }
}

/// The option with this name.
pub(crate) fn named(name: &str) -> Option<&'static Key> {
    ALL.iter().copied().find(|key| key.name == name)
}
