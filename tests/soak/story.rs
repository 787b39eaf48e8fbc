//! What happens in the communities: an endless story in families of ten, the same for the same seed.
//!
//! The first community of a family is the parent of the others; nothing leads from one family to another, so each can be judged by
//! itself. In every second family all that may change does, the shares of its feeds included; the others are *quiet*: there nobody
//! changes what a feed consists of, so a walk through one repeats nothing whatever happens. Posts are dated within the last hour,
//! far from either end of the week, and an update doesn't change that date. Once a family has [`LIVING`] posts, its oldest is deleted for
//! each that is written: in the end there is always as much to remember, and memory that still grows is a leak.

use std::collections::{BTreeSet, VecDeque};

use atrarium_tests::Network;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::records;
use rand::rngs::SmallRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// Communities in a family, of an owner each.
pub(crate) const FAMILY: usize = 10;

/// Members of each community at its founding.
const MEMBERS: usize = 10;

/// Everybody in a family: owners, then members by community in turn.
const PEOPLE: usize = FAMILY * (1 + MEMBERS);

/// Posts of a family that are not deleted, but for those of deleted accounts. There are as many within six minutes.
const LIVING: usize = 200;

/// Own and parent's share of feeds.
const SHARES: [[i64; 2]; 5] = [[100, 0], [80, 20], [60, 40], [50, 50], [30, 70]];

/// Something that a repo has said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) frame: String,
    pub(crate) family: usize,
    /// Which of the family's communities it can matter to, a bit each.
    pub(crate) concerns: u16,
}

#[derive(Debug)]
pub(crate) struct Story {
    network: Network,
    random: SmallRng,
    families: Vec<Family>,
    /// What is still to be founded, the last first.
    founding: Vec<(usize, Foundation)>,
}

#[derive(Debug, Clone, Copy)]
enum Foundation {
    Config(usize),
    Member(usize),
}

#[derive(Debug)]
struct Family {
    number: usize,
    people: Vec<String>,
    communities: Vec<String>,
    /// By whom and under which key something was written and not deleted.
    written: BTreeSet<(usize, String)>,
    /// Those that are not deleted, the oldest first.
    posts: VecDeque<Post>,
    counted: usize,
    /// Accounts that were deleted: nobody hears of them again.
    gone: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
struct Post {
    author: usize,
    rkey: String,
    created: i64,
    communities: Vec<usize>,
}

/// The AT-URI of a community, all families' in a row.
pub(crate) fn community(index: usize) -> String {
    uri(&owner(index), CONFIG, &format!("c{index}"))
}

pub(crate) fn owner(index: usize) -> String {
    person(index / FAMILY, index % FAMILY)
}

/// Whether nobody changes what the feeds of this community's family consist of.
pub(crate) fn is_quiet(index: usize) -> bool {
    (index / FAMILY).is_multiple_of(2)
}

fn person(family: usize, number: usize) -> String {
    let mut rest = family * PEOPLE + number;
    let letters: String = std::iter::from_fn(|| {
        let letter = (rest > 0).then(|| char::from(b'b' + (rest % 20) as u8));
        rest /= 20;
        letter
    })
    .collect();
    did(&format!("x{letters}"))
}

fn hashtag(family: usize, community: usize) -> String {
    format!("#atrarium_{:08x}", family * FAMILY + community)
}

fn bits(communities: &[usize]) -> u16 {
    communities.iter().fold(0, |bits, community| bits | 1 << community)
}

impl Story {
    pub(crate) fn new(families: usize, seed: u64) -> Self {
        let of_one = (0..FAMILY).map(Foundation::Config).chain((FAMILY..PEOPLE).map(Foundation::Member));
        let founding: Vec<_> = (0..families).flat_map(|family| of_one.clone().map(move |what| (family, what))).collect();
        Self {
            network: Network::starting_at(0),
            random: SmallRng::seed_from_u64(seed),
            families: (0..families).map(Family::new).collect(),
            founding: founding.into_iter().rev().collect(),
        }
    }

    /// With how many events the communities and their first memberships are told.
    pub(crate) fn founding(&self) -> usize {
        self.founding.len()
    }

    /// What happens next, at this time.
    pub(crate) fn next(&mut self, time_us: u64) -> Told {
        self.network.next_at(time_us);
        let now = (time_us / 1_000) as i64;
        let (family, foundation) = match self.founding.pop() {
            Some((family, what)) => (family, Some(what)),
            None => (self.random.random_range(0..self.families.len()), None),
        };
        let mut teller = Teller { family: &mut self.families[family], network: &mut self.network, random: &mut self.random, now };
        let (frame, concerns) = match foundation {
            Some(Foundation::Config(community)) => teller.config(community, SHARES[community % SHARES.len()]),
            Some(Foundation::Member(who)) => teller.membership(who, home(who), true),
            None => teller.anything(),
        };
        Told { frame, family, concerns }
    }
}

impl Family {
    fn new(number: usize) -> Self {
        let people = (0..PEOPLE).map(|who| person(number, who)).collect();
        let communities = (0..FAMILY).map(|index| community(number * FAMILY + index)).collect();
        Self { number, people, communities, written: BTreeSet::new(), posts: VecDeque::new(), counted: 0, gone: BTreeSet::new() }
    }
}

/// The community of which somebody is the owner, or was a member at its founding.
fn home(who: usize) -> usize {
    who % FAMILY
}

/// One event of one family.
struct Teller<'a> {
    family: &'a mut Family,
    network: &'a mut Network,
    random: &'a mut SmallRng,
    /// Milliseconds.
    now: i64,
}

impl Teller<'_> {
    fn anything(&mut self) -> (String, u16) {
        match self.random.random_range(0..100) {
            50..58 => self.update(),
            58..70 => self.delete(),
            70..80 => {
                let who = self.somebody();
                // A home is never left without a trace: who has none of our records isn't followed, nor is what becomes of their account.
                let away = self.random.random_range(0..FAMILY);
                let community = if self.random.random_bool(0.6) { home(who) } else { away };
                let stays = self.random.random_bool(0.7);
                self.membership(who, community, stays)
            }
            80..90 => self.action(["hide_post", "hide_post", "unhide_post"]),
            90..93 => self.action(["block_user", "unblock_user", "unblock_user"]),
            93..97 => self.account(),
            97..100 if self.family.number % 2 == 1 => {
                let community = self.random.random_range(1..FAMILY);
                let shares = *SHARES.choose(self.random).expect("there are shares");
                self.config(community, shares)
            }
            _ => self.post(),
        }
    }

    fn config(&mut self, community: usize, [own, parent]: [i64; 2]) -> (String, u16) {
        let record = records::config("Soak", &hashtag(self.family.number, community), self.now);
        let moderator = self.family.people[FAMILY + community].clone();
        let mut more = json!({ "moderators": [moderator] });
        if community > 0 {
            more["parentCommunity"] = json!(self.family.communities[0]);
            more["feedMix"] = json!({ "own": own, "parent": parent, "global": 0 });
        }
        let rkey = format!("c{}", self.family.number * FAMILY + community);
        (self.write(community, CONFIG, rkey, Some(records::with(record, more))), bits(&[community]))
    }

    fn membership(&mut self, who: usize, community: usize, stays: bool) -> (String, u16) {
        let record = (stays || community == home(who)).then(|| records::membership(&self.family.communities[community], stays, self.now));
        (self.write(who, MEMBERSHIP, format!("m{community}"), record), bits(&[community]))
    }

    fn post(&mut self) -> (String, u16) {
        if self.family.posts.len() == LIVING
            && let Some(oldest) = self.family.posts.pop_front()
            && !self.family.gone.contains(&oldest.author)
        {
            return self.erase(oldest);
        }
        let author = self.somebody();
        let mut communities = vec![home(author)];
        if self.random.random_bool(0.1) {
            communities.push(self.random.random_range(0..FAMILY));
        }
        self.family.counted += 1;
        let post = Post { author, rkey: format!("p{}", self.family.counted), created: self.lately(), communities };
        self.family.posts.push_back(post.clone());
        self.tell(&post, true)
    }

    fn update(&mut self) -> (String, u16) {
        let carries = self.random.random_bool(0.8);
        match self.any().cloned() {
            Some(post) if !self.family.gone.contains(&post.author) => self.tell(&post, carries),
            _ => self.post(),
        }
    }

    fn tell(&mut self, post: &Post, carries: bool) -> (String, u16) {
        let tags: Vec<String> = post.communities.iter().map(|community| hashtag(self.family.number, *community)).collect();
        let words = "word ".repeat(self.random.random_range(1..40));
        let text = if carries { format!("{words}{}", tags.join(" ")) } else { words };
        let record = records::post(&text, post.created);
        (self.write(post.author, POST, post.rkey.clone(), Some(record)), bits(&post.communities))
    }

    fn delete(&mut self) -> (String, u16) {
        let number = self.random.random_range(0..LIVING);
        match self.family.posts.remove(number) {
            Some(post) if !self.family.gone.contains(&post.author) => self.erase(post),
            _ => self.post(),
        }
    }

    fn any(&mut self) -> Option<&Post> {
        self.family.posts.iter().choose(self.random)
    }

    fn erase(&mut self, post: Post) -> (String, u16) {
        (self.write(post.author, POST, post.rkey, None), bits(&post.communities))
    }

    /// By the owner, the moderator, or somebody whose word counts for nothing.
    fn action(&mut self, kinds: [&str; 3]) -> (String, u16) {
        let Some(post) = self.any().cloned() else { return self.post() };
        let community = *post.communities.choose(self.random).expect("a post is written for a community");
        let kind = kinds[self.random.random_range(0..kinds.len())];
        let whom = &self.family.people[post.author];
        let target = if kind.ends_with("post") { uri(whom, POST, &post.rkey) } else { whom.clone() };
        let who = match self.random.random_range(0..10) {
            0..5 => community,
            5..9 => FAMILY + community,
            _ => self.somebody(),
        };
        if self.family.gone.contains(&who) {
            return self.post();
        }
        let created = self.lately();
        let record = self.random.random_bool(0.85).then(|| records::action(kind, &target, &self.family.communities[community], created));
        let rkey = format!("a{community}-{}", self.random.random_range(0..20));
        (self.write(who, ACTION, rkey, record), bits(&[community]))
    }

    fn account(&mut self) -> (String, u16) {
        let who = self.somebody();
        let status = match self.random.random_range(0..20) {
            0 if who >= FAMILY => Some("deleted"),
            1..8 => Some("deactivated"),
            _ => None,
        };
        if status == Some("deleted") {
            self.family.gone.insert(who);
        }
        (self.network.account(&self.family.people[who], status), u16::MAX)
    }

    /// Whose account was not deleted. An owner's never is, so this comes to an end.
    fn somebody(&mut self) -> usize {
        loop {
            let who = self.random.random_range(0..PEOPLE);
            if !self.family.gone.contains(&who) {
                return who;
            }
        }
    }

    fn lately(&mut self) -> i64 {
        self.now - self.random.random_range(60_000..3_600_000)
    }

    fn write(&mut self, who: usize, collection: &str, rkey: String, record: Option<Value>) -> String {
        let whose = &self.family.people[who];
        match record {
            None => {
                let frame = self.network.delete(whose, collection, &rkey);
                self.family.written.remove(&(who, rkey));
                frame
            }
            Some(record) if self.family.written.contains(&(who, rkey.clone())) => self.network.update(whose, collection, &rkey, record),
            Some(record) => {
                let frame = self.network.create(whose, collection, &rkey, record);
                self.family.written.insert((who, rkey));
                frame
            }
        }
    }
}
