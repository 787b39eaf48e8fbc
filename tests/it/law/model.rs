//! The law of the feed, read from the design's words (sections 4, 5 and 6) as naively as can be: keep the latest of every record
//! and account, and compute a feed anew from all of it whenever one is asked for.
//!
//! It hears the frames that the firehose sends and shares no code with the program. The order in which it hears them, and how
//! often, changes nothing by construction: the newest rev wins, the newest account status wins, nothing else is remembered.
//! Two things that the design leaves open are as the program decides them: a post that is in several sources of one feed
//! belongs to the first of own, parent, global that has a share; and an account that is deleted at a time loses the records
//! whose rev is not later than it, while later records count again.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::DateTime;
use serde_json::Value;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
const AHEAD_MS: i64 = 2 * 60 * 1_000;

const POST: &str = "app.bsky.feed.post";
const CONFIG: &str = "net.atrarium.community.config";
const MEMBERSHIP: &str = "net.atrarium.community.membership";
const ACTION: &str = "net.atrarium.moderation.action";

/// All that a network of repos has said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    records: BTreeMap<Key, Latest>,
    accounts: BTreeMap<String, Account>,
}

/// Repo, collection, rkey.
type Key = (String, String, String);

#[derive(Debug, Clone)]
struct Latest {
    rev: String,
    /// `None`: deleted, or malformed.
    record: Option<Record>,
}

#[derive(Debug, Clone, Default)]
struct Account {
    /// When it was said, and its number.
    at: (i64, u64),
    inactive: bool,
    /// In microseconds: the latest time at which it was deleted.
    deleted: Option<i64>,
}

#[derive(Debug, Clone)]
enum Record {
    Post(Post),
    Config(Config),
    Membership { community: String, active: bool },
    Action(Action),
}

#[derive(Debug, Clone)]
struct Post {
    created: i64,
    text: String,
    /// The words of tag facets and of `tags`.
    tags: Vec<String>,
}

#[derive(Debug, Clone)]
struct Config {
    /// Without `#`.
    hashtag: String,
    graduated: bool,
    parent: Option<String>,
    /// Own, parent, global.
    mix: [i64; 3],
    moderators: Vec<String>,
}

#[derive(Debug, Clone)]
struct Action {
    denies: bool,
    target: String,
    community: String,
    created: i64,
}

/// A post in a feed, in the order of feeds: by time, then rkey, then DID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Shown {
    created: i64,
    rkey: String,
    did: String,
}

impl Shown {
    fn uri(&self) -> String {
        format!("at://{}/{POST}/{}", self.did, self.rkey)
    }
}

/// Why a post with a community's hashtag is in its feed, or isn't; for tests that must know whether they have seen it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Shown,
    NoMember,
    Blocked,
    Inactive,
    Hidden,
    Past,
    Waiting,
}

impl Model {
    pub(crate) fn hear(&mut self, frame: &str) {
        let event: Value = serde_json::from_str(frame).expect("tests publish JSON");
        let did = text(&event["did"]).expect("every event has a DID");
        match text(&event["kind"]).as_deref() {
            Some("commit") => self.hear_commit(did, &event["commit"]),
            Some("account") => self.hear_account(did, &event["account"]),
            _ => {}
        }
    }

    fn hear_commit(&mut self, did: String, commit: &Value) {
        let part = |name: &str| text(&commit[name]).expect("every commit has this");
        let (collection, rkey, rev) = (part("collection"), part("rkey"), part("rev"));
        let record = if part("operation") == "delete" { None } else { read(&collection, &commit["record"]) };
        let key = (did, collection, rkey);
        if self.records.get(&key).is_none_or(|known| known.rev < rev) {
            self.records.insert(key, Latest { rev, record });
        }
    }

    fn hear_account(&mut self, did: String, said: &Value) {
        let time = DateTime::parse_from_rfc3339(said["time"].as_str().expect("account events have a time")).expect("and it is one").timestamp_micros();
        let at = (time, said["seq"].as_u64().unwrap_or(0));
        let known = self.accounts.entry(did).or_default();
        if at > known.at {
            known.at = at;
            known.inactive = said["active"] != true;
        }
        if said["active"] != true && said["status"] == "deleted" {
            known.deleted = known.deleted.max(Some(time));
        }
    }

    /// The feed of the community whose config has this URI; `None` if there is no such community.
    pub(crate) fn feed(&self, community: &str, now: i64) -> Option<Vec<String>> {
        let configs = self.configs();
        let config = configs.get(community)?;
        let [own_share, parent_share, global_share] = config.mix;

        let mut taken: HashSet<Shown> = HashSet::new();
        let mut sources: [Vec<Shown>; 3] = Default::default();
        let mut add = |place: usize, posts: BTreeSet<Shown>| {
            sources[place] = posts.into_iter().rev().filter(|post| taken.insert(post.clone())).collect();
        };
        if own_share > 0 {
            add(0, self.own(community, now));
        }
        let let_in = |post: &Shown| !self.denied(community, &post.uri(), now) && !self.denied(community, &post.did, now);
        let parent = config.parent.as_ref().filter(|parent| parent_share > 0 && !config.graduated && configs.contains_key(*parent));
        if let Some(parent) = parent {
            add(1, self.own(parent, now).into_iter().filter(let_in).collect());
        }
        if global_share > 0 {
            let others = configs.keys().filter(|other| *other != community);
            add(2, others.flat_map(|other| self.own(other, now)).filter(let_in).collect());
        }
        Some(mix(config.mix, sources))
    }

    /// The posts that the community itself shows, newest first; `None` if there is no such community.
    pub(crate) fn own_feed(&self, community: &str, now: i64) -> Option<Vec<String>> {
        self.configs().contains_key(community).then(|| self.own(community, now).iter().rev().map(Shown::uri).collect())
    }

    /// The members of a community, in the order of their DIDs.
    pub(crate) fn members(&self, community: &str) -> Vec<String> {
        let configs = self.configs();
        let Some(config) = configs.get(community) else { return Vec::new() };
        let dids: BTreeSet<&String> = self.records.keys().map(|(did, ..)| did).chain(&config.moderators).collect();
        dids.into_iter().filter(|did| self.is_member(community, config, did)).cloned().collect()
    }

    /// The fates of all posts with the community's hashtag.
    pub(crate) fn fates(&self, community: &str, now: i64) -> Vec<Fate> {
        let configs = self.configs();
        let Some(config) = configs.get(community) else { return Vec::new() };
        self.posts_with(&config.hashtag).map(|(post, _)| self.fate(community, config, &post, now)).collect()
    }

    /// The record, unless its account was deleted after it.
    fn living(&self) -> impl Iterator<Item = (&Key, &Record)> {
        self.records.iter().filter_map(|(key, latest)| {
            let deleted = self.accounts.get(&key.0).and_then(|account| account.deleted);
            let record = latest.record.as_ref()?;
            deleted.is_none_or(|deleted| microseconds(&latest.rev) > deleted).then_some((key, record))
        })
    }

    fn configs(&self) -> BTreeMap<String, &Config> {
        self.living()
            .filter_map(|(key, record)| match record {
                Record::Config(config) => Some((uri(key), config)),
                _ => None,
            })
            .collect()
    }

    fn posts_with<'a>(&'a self, hashtag: &'a str) -> impl Iterator<Item = (Shown, &'a Post)> {
        self.living().filter_map(move |((did, _, rkey), record)| match record {
            Record::Post(post) if carries(post, hashtag) => Some((Shown { created: post.created, rkey: rkey.clone(), did: did.clone() }, post)),
            _ => None,
        })
    }

    /// The posts that the community itself shows.
    fn own(&self, community: &str, now: i64) -> BTreeSet<Shown> {
        let configs = self.configs();
        let Some(config) = configs.get(community) else { return BTreeSet::new() };
        self.posts_with(&config.hashtag).map(|(post, _)| post).filter(|post| self.fate(community, config, post, now) == Fate::Shown).collect()
    }

    fn fate(&self, community: &str, config: &Config, post: &Shown, now: i64) -> Fate {
        if !self.is_member(community, config, &post.did) {
            Fate::NoMember
        } else if self.denied(community, &post.did, now) {
            Fate::Blocked
        } else if self.accounts.get(&post.did).is_some_and(|account| account.inactive) {
            Fate::Inactive
        } else if self.denied(community, &post.uri(), now) {
            Fate::Hidden
        } else if post.created <= now - WEEK_MS {
            Fate::Past
        } else if post.created > now + AHEAD_MS {
            Fate::Waiting
        } else {
            Fate::Shown
        }
    }

    fn is_member(&self, community: &str, config: &Config, did: &str) -> bool {
        let joined = |((repo, ..), record): (&Key, &Record)| match record {
            Record::Membership { community: joined, active } => repo == did && joined == community && *active,
            _ => false,
        };
        did == owner(community) || config.moderators.iter().any(|moderator| moderator == did) || self.living().any(joined)
    }

    /// Whether the community has hidden this post, or blocked this DID.
    pub(crate) fn denied(&self, community: &str, target: &str, now: i64) -> bool {
        let configs = self.configs();
        let Some(config) = configs.get(community) else { return false };
        let whom = if target.starts_with("at://") { owner(target) } else { target };
        let is_moderator = |did: &str| config.moderators.iter().any(|moderator| moderator == did);
        let may_act = |did: &str| {
            if did == owner(community) { whom != did } else { is_moderator(did) && whom != owner(community) && !is_moderator(whom) }
        };
        let mut last: Option<(i64, String, bool)> = None;
        for (key, record) in self.living() {
            let Record::Action(action) = record else { continue };
            if action.community == community && action.target == target && may_act(&key.0) && action.created <= now + AHEAD_MS {
                last = last.max(Some((action.created, uri(key), action.denies)));
            }
        }
        last.is_some_and(|(.., denies)| denies)
    }
}

fn uri((did, collection, rkey): &Key) -> String {
    format!("at://{did}/{collection}/{rkey}")
}

/// The DID in an AT-URI.
fn owner(uri: &str) -> &str {
    uri.trim_start_matches("at://").split('/').next().unwrap_or_default()
}

/// Position by position, from the source furthest below its share; ties go to own, then parent, then global. A source without
/// posts takes no part any more, neither with its share nor with what it gave.
fn mix(shares: [i64; 3], sources: [Vec<Shown>; 3]) -> Vec<String> {
    let (mut feed, mut given) = (Vec::new(), [0_usize; 3]);
    loop {
        let live: Vec<usize> = (0..3).filter(|source| given[*source] < sources[*source].len()).collect();
        let whole: i64 = live.iter().map(|source| shares[*source]).sum();
        let position: i64 = live.iter().map(|source| given[*source] as i64).sum::<i64>() + 1;
        // In parts of `whole`, so that nothing is rounded.
        let below = |source: usize| shares[source] * position - given[source] as i64 * whole;
        let mut next = None;
        for source in live {
            if next.is_none_or(|next| below(source) > below(next)) {
                next = Some(source);
            }
        }
        let Some(next) = next else { return feed };
        feed.push(sources[next][given[next]].uri());
        given[next] += 1;
    }
}

/// Whether the post carries the hashtag, which is without `#`.
fn carries(post: &Post, hashtag: &str) -> bool {
    post.tags.iter().any(|tag| tag == hashtag) || in_text(&post.text, hashtag)
}

fn in_text(text: &str, hashtag: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let hashtag: Vec<char> = hashtag.chars().collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (0..text.len()).any(|at| {
        let end = at + 1 + hashtag.len();
        matches!(text[at], '#' | '＃')
            && text.get(at + 1..end) == Some(&hashtag[..])
            && (at == 0 || !is_word(text[at - 1]) && text[at - 1] != '/')
            && text.get(end).is_none_or(|next| !is_word(*next))
    })
}

/// The time in a rev, in microseconds.
fn microseconds(rev: &str) -> i64 {
    let letters = "234567abcdefghijklmnopqrstuvwxyz";
    let number = rev.chars().fold(0_i64, |number, letter| number * 32 + letters.find(letter).expect("a rev is a TID") as i64);
    number / 1_024
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Milliseconds since 1970.
fn time(value: &Value) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.timestamp_millis())
}

/// The record, unless it is malformed.
fn read(collection: &str, record: &Value) -> Option<Record> {
    match collection {
        POST => read_post(record).map(Record::Post),
        CONFIG => read_config(record).map(Record::Config),
        MEMBERSHIP => {
            time(&record["joinedAt"])?;
            ["owner", "moderator", "member"].contains(&record["role"].as_str()?).then_some(())?;
            Some(Record::Membership { community: text(&record["community"])?, active: record["active"].as_bool()? })
        }
        ACTION => read_action(record).map(Record::Action),
        _ => None,
    }
}

fn read_post(record: &Value) -> Option<Post> {
    let list = match &record["tags"] {
        Value::Null => Vec::new(),
        tags => tags.as_array()?.iter().map(text).collect::<Option<Vec<_>>>()?,
    };
    if list.len() > 8 {
        return None;
    }
    let features = record["facets"].as_array().into_iter().flatten().flat_map(|facet| facet["features"].as_array().into_iter().flatten());
    let in_facets = features.filter(|feature| feature["$type"] == "app.bsky.richtext.facet#tag").filter_map(|feature| text(&feature["tag"]));
    Some(Post { created: time(&record["createdAt"])?, text: text(&record["text"])?, tags: in_facets.chain(list).collect() })
}

fn read_config(record: &Value) -> Option<Config> {
    text(&record["name"])?;
    time(&record["createdAt"])?;
    let mix = match &record["feedMix"] {
        Value::Null => [100, 0, 0],
        parts => [parts["own"].as_i64()?, parts["parent"].as_i64()?, parts["global"].as_i64()?],
    };
    let stage = text(&record["stage"])?;
    if mix.iter().sum::<i64>() != 100 || !["theme", "community", "graduated"].contains(&stage.as_str()) {
        return None;
    }
    Some(Config {
        hashtag: text(&record["hashtag"])?.strip_prefix('#')?.to_owned(),
        graduated: stage == "graduated",
        parent: text(&record["parentCommunity"]),
        mix,
        moderators: record["moderators"].as_array()?.iter().map(text).collect::<Option<_>>()?,
    })
}

fn read_action(record: &Value) -> Option<Action> {
    let kind = text(&record["action"])?;
    let denies = matches!(kind.as_str(), "hide_post" | "block_user");
    if !denies && !matches!(kind.as_str(), "unhide_post" | "unblock_user") {
        return None;
    }
    let target = text(&record["target"])?;
    if target.starts_with("at://") != kind.ends_with("_post") {
        return None;
    }
    Some(Action { denies, target, community: text(&record["community"])?, created: time(&record["createdAt"])? })
}
