//! The tables of `index.redb`, and the form of their keys.
//!
//! Every table maps bytes to bytes; keys are laid out so that byte order is the order in which they are wanted. Numbers in
//! keys are big-endian, times have their sign bit flipped. A part of variable length is closed by a zero byte, which occurs
//! in no DID, AT-URI or record key; in the two feed tables by a space, which sorts below every character of a record key.
//!
//! ```text
//! meta            name                                              → see `Meta`
//! queue           sequence u64                                      → [Event]        what passed the prefilter, in batches
//! records         collection u8 · did 0 · rkey                      → Stored         the newest of every record that matters
//! routes          'h' hashtag 8 · did 0 · sort time · rkey          → ()             posts by hashtag and author, oldest first
//!                 'c' community uri 0 · collection u8 · did 0 · rkey → ()             memberships and actions by community
//! actions         'd' community uri 0 · time · did 0 · rkey          → ()             by date
//!                 't' community uri 0 · target 0 · time · did 0 · rkey → ()           by target and date
//!                 's' community uri 0 · target 0 · did 0 · time · rkey → ()           by target, signer and date
//! accounts        did                                               → AccountFact
//! counts          see `Count`                                       → u64
//! communities     community u32                                     → Community
//! community-uris  config uri                                        → community u32
//! hashtags        hashtag 8 · community u32                         → ()
//! rkeys           rkey 0 · mark 4 · community u32                   → ()             the ids by which the API calls communities
//! objects         community u32 · guest's key                       → guest's value
//! alarms          time · community u32                              → ()
//! alarm-of        community u32                                     → time
//! visible         community u32 · sort time · rkey ' ' did          → Showing        a community's own feed, and what was in it lately
//! global          sort time · rkey ' ' did 0 · community u32        → Showing        all communities' feeds together
//! traces          time · community u32 · sort time · rkey ' ' did   → edition u64    what was withdrawn, by when
//! wants           did                                               → Want           repos that shall be read
//! discoveries     source                                            → Discovery      how far repos have been looked for
//! members         community u32 · did                               → Role
//! belongs         did 0 · community u32                             → Role           the same, by member
//! denied          community u32 · post uri or did                   → ()             what moderation keeps out
//! retries         community u32 · subject                           → Retry
//! dead-letters    community u32 · subject                           → DeadLetter
//! ```

use redb::TableDefinition;

use crate::event::Collection;
use crate::record::{Hashtag, RecordKey};

/// What the layout above is called on disk. A database of another version is refused.
pub const VERSION: u32 = 3;

/// A community's number in this index: short, never used twice.
pub type CommunityId = u32;

macro_rules! tables {
    ($($table:ident = $name:literal),* $(,)?) => {
        /// One of the tables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Table { $($table),* }

        impl Table {
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$table),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$table => $name),* }
            }
        }
    };
}

tables! {
    Meta = "meta",
    Queue = "queue",
    Records = "records",
    Routes = "routes",
    Actions = "actions",
    Accounts = "accounts",
    Counts = "counts",
    Communities = "communities",
    CommunityUris = "community-uris",
    Hashtags = "hashtags",
    Rkeys = "rkeys",
    Objects = "objects",
    Alarms = "alarms",
    AlarmOf = "alarm-of",
    Visible = "visible",
    Global = "global",
    Traces = "traces",
    Wants = "wants",
    Discoveries = "discoveries",
    Members = "members",
    Belongs = "belongs",
    Denied = "denied",
    Retries = "retries",
    DeadLetters = "dead-letters",
}

impl Table {
    pub(super) fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name())
    }
}

/// Bytes that make up a key, put together in order.
#[derive(Debug, Default, Clone)]
pub struct Key(Vec<u8>);

impl Key {
    pub fn new() -> Self {
        Self(Vec::with_capacity(96))
    }

    pub fn community(id: CommunityId) -> Self {
        Self::new().u32(id)
    }

    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A time in milliseconds, in an order that holds before 1970 too.
    pub fn time(self, ms: i64) -> Self {
        self.u64(order_of(ms))
    }

    /// The last part of a key.
    pub fn rest(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A part of variable length that others follow.
    pub fn part(self, text: &str) -> Self {
        self.rest(text).u8(0)
    }

    pub fn build(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A time as an unsigned number of the same order.
pub fn order_of(ms: i64) -> u64 {
    (ms as u64) ^ (1 << 63)
}

/// The time that [`order_of`] put into these eight bytes.
pub fn time_of(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
}

/// The first key behind all that start with this prefix; `None` if there is none.
pub fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

pub fn collection_tag(collection: Collection) -> u8 {
    match collection {
        Collection::Post => b'p',
        Collection::Config => b'c',
        Collection::Membership => b'm',
        Collection::Action => b'a',
    }
}

fn collection_of(tag: u8) -> Option<Collection> {
    Collection::ALL.into_iter().find(|collection| collection_tag(*collection) == tag)
}

/// `records`: all records of a repo in one collection.
pub fn records_of(collection: Collection, did: &str) -> Key {
    Key::new().u8(collection_tag(collection)).part(did)
}

pub fn record(key: &RecordKey) -> Key {
    records_of(key.collection, &key.did).rest(&key.rkey)
}

/// The record key in a key of `records`, or in the tail of a community's route.
pub fn record_key_of(bytes: &[u8]) -> Option<RecordKey> {
    let (tag, rest) = bytes.split_first()?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(RecordKey {
        did: std::str::from_utf8(&rest[..end]).ok()?.to_owned(),
        collection: collection_of(*tag)?,
        rkey: std::str::from_utf8(&rest[end + 1..]).ok()?.to_owned(),
    })
}

/// `routes`: all posts with a hashtag.
pub fn posts_with(hashtag: Hashtag) -> Key {
    Key::new().u8(b'h').bytes(hashtag.digits())
}

/// `routes`: an author's posts with a hashtag, oldest first.
pub fn posts_by(hashtag: Hashtag, did: &str) -> Key {
    posts_with(hashtag).part(did)
}

pub fn post_route(hashtag: Hashtag, did: &str, sort_time: i64, rkey: &str) -> Key {
    posts_by(hashtag, did).time(sort_time).rest(rkey)
}

/// Author, sort time and rkey in a post's route.
pub fn post_route_parts(bytes: &[u8]) -> Option<(&str, i64, &str)> {
    let rest = bytes.get(9..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let did = std::str::from_utf8(&rest[..end]).ok()?;
    let (time, rkey) = rest[end + 1..].split_first_chunk::<8>()?;
    Some((did, time_of(*time), std::str::from_utf8(rkey).ok()?))
}

/// The hashtag in a post's route.
pub fn post_route_hashtag(bytes: &[u8]) -> Option<Hashtag> {
    Hashtag::from_digits(bytes.get(1..9)?.try_into().ok()?)
}

/// `routes`: all memberships and actions that name a community.
pub fn naming(community_uri: &str) -> Key {
    Key::new().u8(b'c').part(community_uri)
}

pub fn naming_route(community_uri: &str, key: &RecordKey) -> Key {
    naming(community_uri).bytes(record(key).as_ref())
}

/// `actions`: all actions of a community, by date.
pub fn actions_of(community_uri: &str) -> Key {
    Key::new().u8(b'd').part(community_uri)
}

/// `actions`: all actions of a community on one target, by date.
pub fn actions_on(community_uri: &str, target: &str) -> Key {
    Key::new().u8(b't').part(community_uri).part(target)
}

/// `actions`: all actions of a community on one target that this DID has signed, by date.
pub fn actions_signed(community_uri: &str, target: &str, did: &str) -> Key {
    Key::new().u8(b's').part(community_uri).part(target).part(did)
}

/// `actions`: the rows of one action.
pub fn action_rows(community_uri: &str, target: &str, created_at: i64, did: &str, rkey: &str) -> [Key; 3] {
    [
        actions_of(community_uri).time(created_at).part(did).rest(rkey),
        actions_on(community_uri, target).time(created_at).part(did).rest(rkey),
        actions_signed(community_uri, target, did).time(created_at).rest(rkey),
    ]
}

/// The author and the rkey in the tail of a row of [`actions_of`] or [`actions_on`].
pub fn action_of(tail: &[u8]) -> Option<RecordKey> {
    let rest = tail.get(8..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(RecordKey {
        did: std::str::from_utf8(&rest[..end]).ok()?.to_owned(),
        collection: Collection::Action,
        rkey: std::str::from_utf8(&rest[end + 1..]).ok()?.to_owned(),
    })
}

/// `rkeys`: all communities whose config has this record key.
pub fn called(rkey: &str) -> Key {
    Key::new().part(rkey)
}

/// `belongs`: all communities of a member.
pub fn communities_of(did: &str) -> Key {
    Key::new().part(did)
}

/// The community at the end of a key.
pub fn last_community(key: &[u8]) -> Option<CommunityId> {
    key.last_chunk::<4>().map(|id| CommunityId::from_be_bytes(*id))
}

/// The place of a post in a feed, without the community: sort time, rkey, author.
pub fn place(sort_time: i64, rkey: &str, did: &str) -> Key {
    Key::new().time(sort_time).rest(rkey).u8(b' ').rest(did)
}

/// Sort time, rkey and author of a [`place`].
pub fn place_parts(bytes: &[u8]) -> Option<(i64, &str, &str)> {
    let (time, rest) = bytes.split_first_chunk::<8>()?;
    let space = rest.iter().position(|byte| *byte == b' ')?;
    Some((time_of(*time), std::str::from_utf8(&rest[..space]).ok()?, std::str::from_utf8(&rest[space + 1..]).ok()?))
}

/// What is counted durably, so that a bound costs one look-up.
pub mod count {
    use super::{Collection, Hashtag, Key, collection_tag};

    /// An author's posts with a hashtag.
    pub fn posts(hashtag: Hashtag, did: &str) -> Key {
        Key::new().u8(b'p').bytes(hashtag.digits()).rest(did)
    }

    /// Posts with a hashtag by authors who are members of none of its communities.
    pub fn held(hashtag: Hashtag) -> Key {
        Key::new().u8(b'h').bytes(hashtag.digits())
    }

    /// All held posts.
    pub fn held_total() -> Key {
        Key::new().u8(b'H')
    }

    /// A repo's records other than posts, and the traces of what it deleted.
    pub fn others(did: &str) -> Key {
        Key::new().u8(b'o').rest(did)
    }

    /// An author's memberships, or actions, that name a community.
    pub fn naming_by(collection: Collection, did: &str, community_uri: &str) -> Key {
        Key::new().u8(b'a').u8(collection_tag(collection)).part(did).rest(community_uri)
    }

    /// All memberships, or actions, that name a community.
    pub fn naming(collection: Collection, community_uri: &str) -> Key {
        Key::new().u8(b'A').u8(collection_tag(collection)).rest(community_uri)
    }

    /// Bytes in a community's namespace.
    pub fn object_bytes(id: super::CommunityId) -> Key {
        Key::new().u8(b'q').u32(id)
    }

    /// A community's members.
    pub fn members(id: super::CommunityId) -> Key {
        Key::new().u8(b'm').u32(id)
    }

    /// Posts that a community shows, on all days.
    pub fn all_shown(id: super::CommunityId) -> Key {
        Key::new().u8(b'v').u32(id)
    }

    /// Posts that a community shows and that are dated on this day of the Unix era, whether it has come or not.
    pub fn shown(id: super::CommunityId, day: i64) -> Key {
        all_shown(id).time(day)
    }

    /// Commits that a feed may notice.
    pub fn editions() -> Key {
        Key::new().u8(b'E')
    }

    /// Open communities.
    pub fn communities() -> Key {
        Key::new().u8(b'C')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_sort_by_time_then_rkey_then_author() {
        let ascending = [
            place(-1, "zzz", "did:plc:z"),
            place(0, "a", "did:plc:z"),
            place(5, "a", "did:plc:a"),
            place(5, "a", "did:plc:b"),
            // A record key that another begins with comes first, whatever the authors are.
            place(5, "a-", "did:plc:a"),
            place(5, "aa", "did:plc:a"),
            place(6, "-", "did:plc:a"),
        ];
        for pair in ascending.windows(2) {
            assert!(pair[0].as_ref() < pair[1].as_ref(), "{pair:?}");
        }
    }

    #[test]
    fn keys_come_apart_as_they_were_put_together() {
        let tag = Hashtag::parse("#atrarium_0123abcd").expect("a hashtag");
        let route = post_route(tag, "did:web:a.example", -7, "self:1");
        assert_eq!(post_route_parts(route.as_ref()), Some(("did:web:a.example", -7, "self:1")));
        assert_eq!(place_parts(place(9, "k", "did:plc:x").as_ref()), Some((9, "k", "did:plc:x")));
        let key = RecordKey { did: "did:plc:x".into(), collection: Collection::Action, rkey: "r".into() };
        assert_eq!(record_key_of(record(&key).as_ref()), Some(key));
    }

    #[test]
    fn behind_a_prefix_begins_what_it_does_not_cover() {
        assert_eq!(behind(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(behind(&[1, 0xff]), Some(vec![2]));
        assert_eq!(behind(&[0xff, 0xff]), None);
    }
}
