//! How most tests begin and end: a community and its people, told in one line each, and what can be seen of the program from
//! outside its feeds.

use std::path::Path;

use atrarium::app::{App, Edges};
use atrarium::clock::Clock;
use atrarium::community::letters::{DeadLetter, Retry, pair_of};
use atrarium::community::showing::Showing;
use atrarium::store::db::Backend;
use atrarium::store::view::decode;
use atrarium::store::{Span, Table};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http;
use crate::network::{ACTION, CONFIG, MEMBERSHIP, POST, uri};
use crate::records;
use crate::world::{NOW, World, config};

/// A hashtag for tests that need only one.
pub const TAG: &str = "#atrarium_a1b2c3d4";

/// Another one.
pub const OTHER_TAG: &str = "#atrarium_0f0f0f0f";

/// And one more.
pub const THIRD_TAG: &str = "#atrarium_33333333";

impl World {
    /// Publishes the creation of a record; answers its AT-URI.
    pub fn create(&mut self, did: &str, collection: &str, rkey: &str, record: Value) -> String {
        let event = self.network.create(did, collection, rkey, record);
        self.publish(event);
        uri(did, collection, rkey)
    }

    pub fn update(&mut self, did: &str, collection: &str, rkey: &str, record: Value) {
        let event = self.network.update(did, collection, rkey, record);
        self.publish(event);
    }

    pub fn delete(&mut self, did: &str, collection: &str, rkey: &str) {
        let event = self.network.delete(did, collection, rkey);
        self.publish(event);
    }

    /// Publishes an account's status; `None` is active.
    pub fn account(&mut self, did: &str, status: Option<&str>) {
        let event = self.network.account(did, status);
        self.publish(event);
    }

    /// Opens a community with this hashtag; answers its AT-URI.
    pub fn open(&mut self, owner: &str, rkey: &str, hashtag: &str) -> String {
        self.create(owner, CONFIG, rkey, records::config(rkey, hashtag, NOW - 50_000))
    }

    /// Each joins the community.
    pub fn join(&mut self, community: &str, members: &[&str]) {
        let rkey = format!("in-{}", community.rsplit('/').next().unwrap_or_default());
        for member in members {
            self.create(member, MEMBERSHIP, &rkey, records::membership(community, true, NOW - 40_000));
        }
    }

    /// Each leaves it again.
    pub fn leave(&mut self, community: &str, members: &[&str]) {
        let rkey = format!("in-{}", community.rsplit('/').next().unwrap_or_default());
        for member in members {
            self.delete(member, MEMBERSHIP, &rkey);
        }
    }

    /// A post with this hashtag; answers its AT-URI.
    pub fn post(&mut self, author: &str, rkey: &str, hashtag: &str, created_ms: i64) -> String {
        self.create(author, POST, rkey, records::post(&format!("hello {hashtag}"), created_ms))
    }

    /// A moderation action, `kind` as in `hide_post`.
    pub fn act(&mut self, author: &str, rkey: &str, kind: &str, target: &str, community: &str) {
        self.create(author, ACTION, rkey, records::action(kind, target, community, NOW - 10_000));
    }

    /// A number of `/metrics`: the sum of all series with this name and these labels. The recorder is the whole process's, so other
    /// tests move it as well: only that it has grown means something.
    pub async fn counted(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let metrics = http::get(self.admin, "/metrics").await.expect("the admin listener answers").body;
        let has = |series: &str| labels.iter().all(|(label, value)| series.contains(&format!("{label}=\"{value}\"")));
        let of_this_name = |series: &str| series.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
        metrics
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| of_this_name(series) && has(series))
            .map(|(_, value)| value.parse::<f64>().map_or(0, |value| value as u64))
            .sum()
    }

    /// How many rows a table has.
    pub fn rows(&self, table: Table) -> usize {
        let mut rows = 0;
        let counted = self.app().store.snapshot().and_then(|snapshot| {
            snapshot.scan(table, &Span::all(), false, |_, _| {
                rows += 1;
                true
            })
        });
        counted.map_or(0, |()| rows)
    }

    /// How many posts the communities of this host show, each for itself.
    pub fn shown(&self) -> usize {
        let mut shown = 0;
        let read = self.app().store.snapshot().and_then(|snapshot| {
            snapshot.scan(Table::Visible, &Span::all(), false, |key, value| {
                shown += usize::from(decode::<Showing>(Table::Visible, key, value).is_ok_and(|showing| showing.since.is_some()));
                true
            })
        });
        read.map_or(0, |()| shown)
    }

    /// What was given up on, by the subject's name.
    pub fn dead_letters(&self) -> Vec<(String, DeadLetter)> {
        let mut letters = Vec::new();
        let read = self.app().store.snapshot().and_then(|snapshot| {
            snapshot.scan(Table::DeadLetters, &Span::all(), false, |key, value| {
                let pair = pair_of(Table::DeadLetters, key).and_then(|(_, subject)| Ok((subject.to_string(), decode(Table::DeadLetters, key, value)?)));
                letters.extend(pair);
                true
            })
        });
        read.expect("the dead letters can be read");
        letters
    }

    /// How often each pair that is to be tried again has failed by itself, in ascending order.
    pub fn failures(&self) -> Vec<u32> {
        let mut failures = Vec::new();
        let read = self.app().store.snapshot().and_then(|snapshot| {
            snapshot.scan(Table::Retries, &Span::all(), false, |key, value| {
                failures.extend(decode::<Retry>(Table::Retries, key, value).map(|retry| retry.attempts));
                true
            })
        });
        read.expect("the retries can be read");
        failures.sort_unstable();
        failures
    }
}

/// What the program says instead of starting on this data with these flags; panics if it starts.
pub async fn refusal_on(directory: &Path, flags: &[&str], backend: Option<Backend>) -> String {
    let listener = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback") };
    let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
    let config = config(directory, "ws://127.0.0.1:9/subscribe", &flags);
    let edges = Edges {
        public: listener().await,
        admin: listener().await,
        clock: Clock::standing_at(NOW),
        stop: CancellationToken::new(),
        backend,
        program: crate::process::binary().to_owned(),
    };
    match App::start(config, edges).await {
        Ok(app) => {
            app.end().await;
            panic!("the program starts with {flags:?}");
        }
        Err(cause) => cause.to_string(),
    }
}

/// The same without any data.
pub async fn refusal(flags: &[&str], backend: Option<Backend>) -> String {
    let temporary = tempfile::tempdir().expect("tests need a temporary directory");
    refusal_on(temporary.path(), flags, backend).await
}
