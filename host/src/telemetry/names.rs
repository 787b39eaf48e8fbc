//! Every number that the program tells Prometheus: its name, its kind, and what it means.
//!
//! The words are what `/metrics` shows as `# HELP`. Whoever counts something new adds a line here; a test of the whole program finds
//! names that are missing, and the dashboard and the alerts in `host/ops` may use none but these. Labels are bounded: each stands for one
//! of a few words, or else the line says how many there are at most.

/// What a number does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, and begins anew with the program.
    Counter,
    /// It is what is so now.
    Gauge,
    /// How often a measure lay below each of some bounds.
    Histogram,
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    /// What of a counter is told from the start, before anything was counted: `None` stands for the number without labels. To Prometheus a number that
    /// begins with 1 hasn't grown, so an alert that waits for its growth needs the nought before it.
    pub from_nought: &'static [Option<Label>],
}

/// A label's name and value.
pub type Label = (&'static str, &'static str);

impl Metric {
    /// Whether its labels come and go, so that it is written out by [`super::Listed`].
    pub fn is_listed(&self) -> bool {
        self.name.starts_with("atrarium_community_")
    }
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help, from_nought: &[None] }
}

/// A counter with labels, and those for which alerts wait.
const fn labelled(name: &'static str, help: &'static str, from_nought: &'static [Option<Label>]) -> Metric {
    Metric { name, kind: Kind::Counter, help, from_nought }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help, from_nought: &[] }
}

const fn histogram(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help, from_nought: &[] }
}

/// All of them, along the event's way and then the request's. Beside them are the `process_…` of every Prometheus client.
pub const ALL: &[Metric] = &[
    // The program.
    gauge("atrarium_info", "Always 1; its labels name the version and the commit of the program"),
    gauge("atrarium_ready", "1 while /ready says yes, else 0"),
    gauge("atrarium_store_failing", "1 while the database can't be read or written, so that ingest pauses, else 0"),
    gauge("atrarium_disk_free_bytes", "Bytes that the program may still write on the data directory's disk"),
    gauge("atrarium_file_bytes", "Size of a file of the data directory, by file"),
    // The firehose.
    gauge("atrarium_jetstream_connected", "1 while a Jetstream server is connected, else 0"),
    gauge("atrarium_jetstream_lag_seconds", "Now less the time of the last event that was read; grows while nothing comes"),
    gauge("atrarium_jetstream_silence_seconds", "Since the last frame that was read; since the start before the first"),
    counter("atrarium_jetstream_frames_total", "Frames that were read"),
    counter("atrarium_jetstream_bytes_total", "Bytes of JSON in them, after decompression"),
    counter("atrarium_jetstream_passed_total", "Frames that became an event"),
    counter("atrarium_jetstream_dropped_total", "Frames that concern nothing that is followed"),
    counter("atrarium_jetstream_identities_total", "Frames that tell of a changed DID document"),
    counter("atrarium_jetstream_resyncs_total", "Frames that tell of a repo whose history broke, so that it is read anew"),
    counter("atrarium_jetstream_notices_total", "Frames in which a server spoke of the stream itself"),
    counter("atrarium_jetstream_unknown_total", "Frames of a type that this program doesn't know"),
    counter("atrarium_jetstream_ahead_total", "Frames dated so far ahead that the cursor didn't follow"),
    labelled("atrarium_jetstream_refused_total", "Frames that can't be read, by reason", &[]),
    counter("atrarium_jetstream_failures_total", "Connections that were lost or couldn't be made"),
    gauge("atrarium_jetstream_gap_timestamp_seconds", "When a stream last began later than had been read, since 1970; missing if none did"),
    counter("atrarium_jetstream_gaps_total", "Times that a stream began later than had been read: repos are read to fill it"),
    // The queue.
    gauge("atrarium_queue_depth", "Events in the durable queue"),
    gauge("atrarium_queue_age_seconds", "For how long the first event of the queue has waited, as far as this run knows"),
    counter("atrarium_queue_full_total", "Times that the queue was full, so that reading from the firehose stopped"),
    // Ingest.
    labelled("atrarium_events_total", "Events that were taken from the queue, by kind and by outcome", &[]),
    labelled("atrarium_malformed_total", "Records that the filter refused, by collection and reason", &[]),
    labelled("atrarium_bounded_total", "Records that a bound kept or pushed out, by bound", &[]),
    histogram("atrarium_batch_events", "Events in a batch of ingest"),
    histogram("atrarium_commit_changes", "Rows that a commit changes"),
    histogram("atrarium_commit_seconds", "Time of a commit of index.redb, the disk's sync included"),
    counter("atrarium_store_failures_total", "Times that the database failed, so that ingest paused"),
    counter("atrarium_retries_total", "Failures of a community's object after which it is told again"),
    counter("atrarium_dead_letters_total", "Pairs of community and subject that were set aside after the last retry"),
    gauge("atrarium_dead_letters", "Dead letters that are kept now"),
    gauge("atrarium_retries_waiting", "Pairs of community and subject that wait to be told again"),
    // The communities' objects.
    gauge("atrarium_communities", "Open communities"),
    gauge("atrarium_objects_awake", "Communities' objects that are in memory"),
    gauge("atrarium_objects_asleep", "Open communities whose object isn't in memory"),
    counter("atrarium_wakes_total", "Objects that were made"),
    labelled(
        "atrarium_traps_total",
        "Calls of the operator's components that failed, by component",
        &[Some(("component", "filter")), Some(("component", "community-feed")), Some(("component", "feed-mix"))],
    ),
    counter("atrarium_guest_log_dropped_total", "Lines of objects' logs that were too many, or too long"),
    gauge("atrarium_community_load", "Of one processor, by the twenty communities that cost most and all others together, by work: object or pages"),
    gauge("atrarium_community_fuel", "Units of fuel in a second of an uploaded mix, by the twenty communities that use most and all others together"),
    labelled("atrarium_component_reloads_total", "Readings of --components at SIGHUP, by outcome", &[]),
    // Repos.
    gauge("atrarium_backfill_wanted", "Repos that shall be read from their servers"),
    labelled("atrarium_backfill_repos_total", "Repos that were read, by outcome", &[]),
    counter("atrarium_backfill_listing_failures_total", "Times that a relay or server couldn't be asked which repos there are"),
    // Feeds.
    histogram("atrarium_skeleton_seconds", "Time of a page of a feed, from its request's head to its answer"),
    counter("atrarium_skeleton_late_total", "Pages that came later than the AppView waits, or not at all in time"),
    counter("atrarium_pages_from_memory_total", "Pages that were served again because the database couldn't be read"),
    counter("atrarium_orders_lost_total", "Walks whose mix's order was forgotten, so that they went on after the block"),
    labelled("atrarium_tokens_total", "Tokens of readers and callers, by verdict", &[Some(("verdict", "BadJwtAudience"))]),
    // Uploaded mixes.
    labelled("atrarium_mix_calls_total", "Calls of uploaded mixes, by outcome", &[]),
    histogram("atrarium_mix_seconds", "Time of a call of an uploaded mix"),
    counter("atrarium_mix_fuel_total", "Units of fuel that uploaded mixes have used"),
    counter("atrarium_mix_calls_moved_total", "Calls of mixes that were begun anew because their thread was not let compute"),
    labelled("atrarium_mix_admissions_total", "Uploads that were looked at, by outcome", &[]),
    counter("atrarium_mixes_switched_off_total", "Versions that failed so often that they are asked no more"),
    // HTTP.
    labelled("atrarium_http_requests_total", "Requests that were answered, by route and status", &[]),
    gauge("atrarium_http_connections", "Connections that are open"),
    gauge("atrarium_http_delay_seconds", "How late a task of the program's own comes to its turn: what each request waits before anything is done for it"),
    labelled(
        "atrarium_http_shed_total",
        "What was refused with 503 because more is asked than can be answered: feed, api, reading, connection",
        &[Some(("what", "feed")), Some(("what", "api")), Some(("what", "reading")), Some(("what", "connection"))],
    ),
    counter("atrarium_http_accept_failures_total", "Connections that couldn't be accepted, for want of files most likely"),
    counter("atrarium_http_connection_errors_total", "Connections that broke"),
    labelled("atrarium_http_timeouts_total", "Connections whose peer was too slow, by what it did", &[]),
    labelled("atrarium_http_refusals_total", "Requests to the feeds' routes that were refused, by error", &[]),
    counter("atrarium_http_wary_readings_total", "Readings that were moved to a thread because the disk was slow lately"),
    labelled("atrarium_limited_total", "Requests beyond somebody's share, by limit", &[]),
    labelled("atrarium_api_problems_total", "Problems that the API answered with, by error", &[]),
    counter("atrarium_api_unapplied_total", "Writes that the API couldn't see in the index in time"),
    labelled("atrarium_api_unanswered_writes_total", "Writes that a user's server left unanswered, by what was found of them", &[]),
    // Other servers.
    labelled("atrarium_outbound_requests_total", "Requests to other servers, by outcome", &[]),
    histogram("atrarium_outbound_seconds", "Time of a request to another server, the waiting for its turn included"),
    labelled("atrarium_pds_calls_total", "Calls of users' own servers with their authority, by call and outcome", &[]),
    labelled("atrarium_dids_resolved_total", "DIDs that were looked up, by outcome", &[]),
    // Sign-ins.
    labelled("atrarium_sessions_total", "Sessions, by what became of them", &[]),
    labelled("atrarium_credentials_renewed_total", "Renewals of users' credentials, by outcome", &[]),
    labelled("atrarium_sign_ins_revoked_total", "Sign-ins that were given back to users' servers, by outcome", &[]),
];
