//! What may happen in a network of a few people and communities: chosen by chance, shrinkable, and written down as the frames
//! that a firehose would send.
//!
//! A [`Case`] is made of small numbers; [`Case::tell`] turns them into events, each repo's in its own order, with revs and times
//! that only grow in it. `salt` goes into every DID and hashtag, so that the same case can be told twice to one program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, uri};
use atrarium_tests::records;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The people: the first three own communities.
pub(crate) const PEOPLE: usize = 8;
const COMMUNITIES: usize = 4;
const HASHTAGS: usize = 3;

/// Record keys of posts: some begin another, and some lie on both sides of what may follow them in a key.
const RKEYS: [&str; 6] = ["3l", "3l2", "3l-", "3L", "3l~", "a:b"];

/// When posts are dated, from the present of the case: most at one instant, some at the edges of what is shown.
const POSTED: [i64; 21] = [
    -MINUTE,
    -MINUTE,
    -MINUTE,
    -MINUTE + 1,
    -HOUR,
    -HOUR,
    0,
    -8 * DAY,
    -7 * DAY,
    -7 * DAY + 1,
    -7 * DAY + 30 * SECOND,
    -7 * DAY + MINUTE,
    -7 * DAY + 2 * MINUTE,
    -4 * DAY - HOUR,
    -DAY,
    2 * MINUTE,
    2 * MINUTE + 1,
    3 * MINUTE,
    4 * MINUTE,
    2 * DAY,
    370 * DAY,
];

/// When actions are dated.
const ACTED: [i64; 10] = [-MINUTE, -MINUTE, -MINUTE, -400 * DAY, -DAY, 0, 2 * MINUTE, 2 * MINUTE + 1, 3 * DAY, 370 * DAY];

#[derive(Debug, Clone)]
pub(crate) struct Case {
    founding: Vec<Config>,
    /// Who has joined which community from the start.
    joined: Vec<Vec<bool>>,
    steps: Vec<Step>,
    /// A seed for each other way in which the same is told.
    pub(crate) tellings: Vec<u64>,
}

/// One line for each thing that happens.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { founding, joined, steps, tellings } = self;
        founding.iter().try_for_each(|config| writeln!(f, "{config:?}"))?;
        writeln!(f, "joined {joined:?}, told as {tellings:?}")?;
        steps.iter().try_for_each(|step| writeln!(f, "{step:?}"))
    }
}

#[derive(Debug, Clone)]
struct Step {
    what: What,
    /// In one commit with the repo's event before it, where that is possible.
    together: bool,
}

#[derive(Debug, Clone)]
enum What {
    Post { who: usize, rkey: usize, posted: i64, marks: Marks, broken: bool },
    Unpost { who: usize, rkey: usize },
    Config { community: usize, config: Config },
    Close { community: usize },
    Join { who: usize, rkey: usize, community: usize, active: bool, broken: bool },
    Leave { who: usize, rkey: usize },
    Act { by: By, rkey: usize, community: usize, on: Target, denies: bool, acted: i64, broken: bool },
    Undo { who: usize, rkey: usize },
    Account { who: usize, status: Option<&'static str> },
}

#[derive(Debug, Clone)]
enum Target {
    Post {
        who: usize,
        rkey: usize,
    },
    /// The post that was written so many posts before.
    Recent(usize),
    Person(usize),
    /// The community's moderator with this number, if it has so many.
    Moderator(usize),
}

/// Who acts in a community.
#[derive(Debug, Clone)]
enum By {
    Owner,
    Moderator(usize),
    Anyone(usize),
}

/// Where a post names which hashtags.
#[derive(Debug, Clone)]
struct Marks {
    text: Option<(usize, &'static str)>,
    facet: Option<(usize, &'static str)>,
    list: Option<(usize, &'static str)>,
}

#[derive(Debug, Clone)]
struct Config {
    hashtag: usize,
    moderators: Vec<usize>,
    mix: Option<[u32; 3]>,
    parent: Option<usize>,
    stage: &'static str,
    broken: bool,
}

pub(crate) fn case(tellings: usize) -> impl Strategy<Value = Case> {
    let joined = vec(vec(prop::bool::weighted(0.7), COMMUNITIES), PEOPLE);
    (vec(config(), 2..=COMMUNITIES), joined, vec(step(), 40..150), vec(any::<u64>(), tellings)).prop_map(|(founding, joined, steps, tellings)| Case {
        founding,
        joined,
        steps,
        tellings,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let rarely = || prop::bool::weighted(0.06);
    let (who, community, rkey) = (|| 0..PEOPLE, || 0..COMMUNITIES, || 0..RKEYS.len());
    let post =
        (who(), rkey(), select(&POSTED[..]), marks(), rarely()).prop_map(|(who, rkey, posted, marks, broken)| What::Post { who, rkey, posted, marks, broken });
    let act = (by(), 0..5_usize, community(), target(), prop::bool::weighted(0.7), select(&ACTED[..]), rarely())
        .prop_map(|(by, rkey, community, on, denies, acted, broken)| What::Act { by, rkey, community, on, denies, acted, broken });
    let join = (who(), 0..COMMUNITIES, community(), prop::bool::weighted(0.75), rarely()).prop_map(|(who, rkey, community, active, broken)| What::Join {
        who,
        rkey,
        community,
        active,
        broken,
    });
    let account = select(vec![None, None, None, Some("deactivated"), Some("takendown"), Some("deleted")]);
    let what = prop_oneof![
        40 => post,
        8 => (who(), rkey()).prop_map(|(who, rkey)| What::Unpost { who, rkey }),
        4 => (community(), config()).prop_map(|(community, config)| What::Config { community, config }),
        1 => community().prop_map(|community| What::Close { community }),
        8 => join,
        3 => (who(), 0..COMMUNITIES).prop_map(|(who, rkey)| What::Leave { who, rkey }),
        20 => act,
        5 => (who(), 0..5_usize).prop_map(|(who, rkey)| What::Undo { who, rkey }),
        6 => (who(), account).prop_map(|(who, status)| What::Account { who, status }),
    ];
    (what, prop::bool::weighted(0.15)).prop_map(|(what, together)| Step { what, together })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        2 => (0..PEOPLE, 0..RKEYS.len()).prop_map(|(who, rkey)| Target::Post { who, rkey }),
        5 => (0..6_usize).prop_map(Target::Recent),
        2 => (0..PEOPLE).prop_map(Target::Person),
        1 => (0..2_usize).prop_map(Target::Moderator),
    ]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        4 => Just(By::Owner),
        3 => (0..2_usize).prop_map(By::Moderator),
        3 => (0..PEOPLE).prop_map(By::Anyone),
    ]
}

fn marks() -> impl Strategy<Value = Marks> {
    // `@` stands for the hashtag without `#`.
    let right = select(vec!["#@", "hello #@!", "＃@です", "日本#@語", "(##@)", "#@#@", "no: a#@, but #@"]);
    let wrong = select(vec!["#@x", "_#@", "https://example.com/#@", "# @", "@", "a＃@", "#@_ #@9"]);
    let text = prop_oneof![4 => right, 1 => wrong];
    let word = || prop_oneof![4 => Just("@"), 1 => select(vec!["#@", "@0", "x@"])];
    let hashtag = || 0..HASHTAGS;
    (option::weighted(0.8, (hashtag(), text)), option::weighted(0.2, (hashtag(), word())), option::weighted(0.2, (hashtag(), word())))
        .prop_map(|(text, facet, list)| Marks { text, facet, list })
}

fn config() -> impl Strategy<Value = Config> {
    let mix = option::weighted(0.9, select(vec![[100, 0, 0], [80, 15, 5], [34, 33, 33], [50, 50, 0], [0, 50, 50], [60, 0, 40], [0, 0, 100], [1, 98, 1]]));
    let moderators = prop::sample::subsequence((0..PEOPLE).collect::<Vec<_>>(), 0..=3);
    let stage = select(vec!["theme", "theme", "community", "graduated"]);
    (0..HASHTAGS, moderators, mix, option::weighted(0.6, 0..COMMUNITIES), stage, prop::bool::weighted(0.05))
        .prop_map(|(hashtag, moderators, mix, parent, stage, broken)| Config { hashtag, moderators, mix, parent, stage, broken })
}

/// An event without the time at which a server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Whose repo it is.
    pub(crate) who: usize,
    did: String,
    rest: String,
}

impl Told {
    /// The frame, as a server that saw it then writes it: the DID first, and the operation right behind the rev.
    pub(crate) fn frame(&self, time_us: u64) -> String {
        format!(r#"{{"did":"{}","time_us":{time_us},{}}}"#, self.did, self.rest)
    }
}

/// A case with names and times.
pub(crate) struct Story {
    pub(crate) events: Vec<Told>,
    /// The deletes of all configs, for when it is over.
    pub(crate) end: Vec<Told>,
    /// The configs' URIs, of communities that were never founded as well.
    pub(crate) communities: Vec<String>,
}

impl Case {
    /// Tells the case as something that happens up to `now`.
    pub(crate) fn tell(&self, salt: u32, now: i64) -> Story {
        let mut teller =
            Teller { salt, now, time_us: (now - HOUR) * 1_000, repos: BTreeMap::new(), posts: Vec::new(), moderators: BTreeMap::new(), events: Vec::new() };
        for who in 0..PEOPLE {
            teller.introduce(who);
        }
        for (community, config) in self.founding.iter().enumerate() {
            teller.step(&Step { what: What::Config { community, config: config.clone() }, together: false });
        }
        for (who, joined) in self.joined.iter().enumerate() {
            for community in (0..self.founding.len()).filter(|community| joined[*community]) {
                let what = What::Join { who, rkey: community, community, active: true, broken: false };
                teller.step(&Step { what, together: false });
            }
        }
        for step in &self.steps {
            teller.step(step);
        }
        let events = std::mem::take(&mut teller.events);
        for community in 0..COMMUNITIES {
            teller.step(&Step { what: What::Close { community }, together: false });
        }
        let communities = (0..COMMUNITIES).map(|community| teller.community(community)).collect();
        Story { events, end: teller.events, communities }
    }
}

struct Teller {
    salt: u32,
    now: i64,
    time_us: i64,
    repos: BTreeMap<usize, Repo>,
    /// Whose posts were written, under which keys, one after the other.
    posts: Vec<(usize, usize)>,
    /// Whom the last config of each community names.
    moderators: BTreeMap<usize, Vec<usize>>,
    events: Vec<Told>,
}

#[derive(Default)]
struct Repo {
    /// Collection and rkey of what there is.
    records: BTreeSet<(&'static str, String)>,
    /// The last event's time, and the records that it touched; an account event touches none.
    last: Option<(i64, Vec<(&'static str, String)>)>,
    seq: u64,
}

impl Teller {
    fn did(&self, who: usize) -> String {
        let salt = self.salt;
        match who {
            // One whose DID begins that of another.
            6 => format!("did:web:p{salt}.example"),
            7 => format!("did:web:p{salt}.example.com"),
            _ => atrarium_tests::network::did(&format!("{}{}", ["ann", "ben", "cat", "dan", "eve", "fay"][who], letters(salt))),
        }
    }

    fn hashtag(&self, hashtag: usize) -> String {
        format!("atrarium_{:07x}{hashtag:x}", self.salt)
    }

    /// The config's URI. The first two communities have one owner, and the rkey of one begins that of the other.
    fn community(&self, community: usize) -> String {
        let (owner, rkey) = community_key(community);
        uri(&self.did(owner), CONFIG, rkey)
    }

    /// The owner, if there are not so many.
    fn moderator(&self, community: usize, number: usize) -> usize {
        let moderators = self.moderators.get(&community).into_iter().flatten();
        moderators.copied().nth(number).unwrap_or(community_key(community).0)
    }

    fn fill(&self, form: &str, hashtag: usize) -> String {
        form.replace('@', &self.hashtag(hashtag))
    }

    /// Nobody is known to the program before something of theirs has passed; from then on everything that concerns them does. So
    /// each repo begins with a record that stays in the store and is in nobody's way.
    fn introduce(&mut self, who: usize) {
        let record = if who.is_multiple_of(2) {
            records::membership(&self.community(0), false, self.now)
        } else {
            records::post(&format!("hello #atrarium_f{:07x}", self.salt), self.now - MINUTE)
        };
        self.write(who, if who.is_multiple_of(2) { MEMBERSHIP } else { POST }, "hello".to_owned(), Some(record), false);
    }

    fn step(&mut self, Step { what, together }: &Step) {
        let together = *together;
        match what {
            What::Post { who, rkey, posted, marks, broken } => {
                let record = self.post(*posted, marks, *broken);
                self.posts.push((*who, *rkey));
                self.write(*who, POST, RKEYS[*rkey].to_owned(), Some(record), together);
            }
            What::Unpost { who, rkey } => self.write(*who, POST, RKEYS[*rkey].to_owned(), None, together),
            What::Config { community, config } => {
                let (owner, rkey) = community_key(*community);
                let record = self.config(*community, config);
                self.moderators.insert(*community, config.moderators.clone());
                self.write(owner, CONFIG, rkey.to_owned(), Some(record), together);
            }
            What::Close { community } => {
                let (owner, rkey) = community_key(*community);
                self.write(owner, CONFIG, rkey.to_owned(), None, together);
            }
            What::Join { who, rkey, community, active, broken } => {
                let mut record = records::membership(&self.community(*community), *active, self.now);
                if *broken {
                    record["role"] = json!("emperor");
                }
                self.write(*who, MEMBERSHIP, format!("m{rkey}"), Some(record), together);
            }
            What::Leave { who, rkey } => self.write(*who, MEMBERSHIP, format!("m{rkey}"), None, together),
            What::Act { by, rkey, community, on, denies, acted, broken } => {
                let author = match by {
                    By::Owner => community_key(*community).0,
                    By::Moderator(number) => self.moderator(*community, *number),
                    By::Anyone(who) => *who,
                };
                let post = |(who, rkey): (usize, usize)| uri(&self.did(who), POST, RKEYS[rkey]);
                let (target, kinds) = match on {
                    Target::Post { who, rkey } => (post((*who, *rkey)), ["hide_post", "unhide_post"]),
                    Target::Recent(ago) => (post(self.posts.iter().rev().nth(*ago).copied().unwrap_or((0, 0))), ["hide_post", "unhide_post"]),
                    Target::Person(who) => (self.did(*who), ["block_user", "unblock_user"]),
                    Target::Moderator(number) => (self.did(self.moderator(*community, *number)), ["block_user", "unblock_user"]),
                };
                let kind = kinds[usize::from(!denies)];
                let mut record = records::action(kind, &target, &self.community(*community), self.now + acted);
                if *broken {
                    record["createdAt"] = json!("yesterday");
                }
                self.write(author, ACTION, format!("a{rkey}"), Some(record), together);
            }
            What::Undo { who, rkey } => self.write(*who, ACTION, format!("a{rkey}"), None, together),
            What::Account { who, status } => self.account(*who, *status),
        }
    }

    fn post(&self, posted: i64, marks: &Marks, broken: bool) -> Value {
        let Marks { text, facet, list } = marks;
        let words = text.map_or_else(|| "nothing".to_owned(), |(hashtag, form)| self.fill(form, hashtag));
        let mut record = records::post(&words, self.now + posted);
        if let Some((hashtag, form)) = facet {
            let tag = json!({ "$type": "app.bsky.richtext.facet#tag", "tag": self.fill(form, *hashtag) });
            let link = json!({ "$type": "app.bsky.richtext.facet#link", "uri": "https://example.com" });
            record["facets"] = json!([{ "index": { "byteStart": 0, "byteEnd": 1 }, "features": [link, tag] }]);
        }
        if let Some((hashtag, form)) = list {
            record["tags"] = json!(["other", self.fill(form, *hashtag)]);
        }
        if broken {
            let faults = [json!({ "createdAt": "yesterday" }), json!({ "createdAt": null }), json!({ "text": 7 }), json!({ "tags": "no list" })];
            let fault = faults[posted.unsigned_abs() as usize % faults.len()].clone();
            record = records::with(record, fault);
        }
        record
    }

    fn config(&self, community: usize, config: &Config) -> Value {
        let mut record = records::config("Somewhere", &format!("#{}", self.hashtag(config.hashtag)), self.now);
        record["stage"] = json!(config.stage);
        record["moderators"] = config.moderators.iter().map(|who| self.did(*who)).collect();
        match config.mix {
            Some([own, parent, global]) => record["feedMix"] = json!({ "own": own, "parent": parent, "global": global }),
            None => drop(record.as_object_mut().and_then(|record| record.remove("feedMix"))),
        }
        if let Some(parent) = config.parent.filter(|parent| *parent != community) {
            record["parentCommunity"] = json!(self.community(parent));
        }
        if config.broken {
            record["feedMix"] = json!({ "own": 50, "parent": 0, "global": 49 });
        }
        record
    }

    /// A record written, or deleted where there is `None`; a delete of what isn't there happens too, since posts without our
    /// hashtag aren't always told here.
    fn write(&mut self, who: usize, collection: &'static str, rkey: String, record: Option<Value>, together: bool) {
        let key = (collection, rkey);
        let did = self.did(who);
        let repo = self.repos.entry(who).or_default();
        let time_us = match &mut repo.last {
            Some((time_us, touched)) if together && !touched.contains(&key) => {
                touched.push(key.clone());
                *time_us
            }
            last => {
                self.time_us += 1_250;
                *last = Some((self.time_us, vec![key.clone()]));
                self.time_us
            }
        };
        let operation = match (&record, repo.records.contains(&key)) {
            (None, _) => "delete",
            (Some(_), true) => "update",
            (Some(_), false) => "create",
        };
        let record = match record {
            Some(record) => {
                repo.records.insert(key.clone());
                format!(r#","record":{record},"cid":"bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i""#)
            }
            None => {
                repo.records.remove(&key);
                String::new()
            }
        };
        let (collection, rkey) = key;
        let rev = tid(time_us, who);
        let rest = format!(r#""kind":"commit","commit":{{"rev":"{rev}","operation":"{operation}","collection":"{collection}","rkey":"{rkey}"{record}}}"#);
        self.events.push(Told { who, did, rest });
    }

    fn account(&mut self, who: usize, status: Option<&str>) {
        self.time_us += 1_250;
        let did = self.did(who);
        let repo = self.repos.entry(who).or_default();
        repo.seq += 1;
        repo.last = Some((self.time_us, Vec::new()));
        let mut account = json!({ "active": status.is_none(), "did": did, "seq": repo.seq, "time": records::datetime_us(self.time_us as u64) });
        if let Some(status) = status {
            account["status"] = json!(status);
        }
        self.events.push(Told { who, did, rest: format!(r#""kind":"account","account":{account}"#) });
    }
}

fn community_key(community: usize) -> (usize, &'static str) {
    [(0, "main"), (0, "main2"), (1, "main"), (2, "3lcommunity2a")][community]
}

/// A TID of this microsecond, from this clock.
fn tid(time_us: i64, clock: usize) -> String {
    let value = time_us as u64 * 1_024 + clock as u64;
    (0..13).rev().map(|place| char::from(b"234567abcdefghijklmnopqrstuvwxyz"[(value >> (place * 5) & 31) as usize])).collect()
}

/// A number in the letters that a did:plc may have.
fn letters(mut number: u32) -> String {
    let mut letters = String::new();
    loop {
        letters.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return letters;
        }
    }
}
