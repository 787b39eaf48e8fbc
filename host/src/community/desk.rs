//! What a community's object may read and write during one call: its namespace, and its part of the index.
//!
//! All of it goes to the view that the desk holds for the time of the call; the registry keeps or discards it. Every key is
//! prefixed with the community's number, so that an object can't even name what belongs to another.

use super::showing::{self, Edition, Entry};
use super::{directory, held};
use crate::record::{Hashtag, RETENTION_MS};
use crate::sandbox::object::{Backing, Listing, Refusal, Role, Shown};
use crate::store::schema::{self, count};
use crate::store::{CommunityId, Key, Span, StoreError, Table, View};

const MAX_KEY: usize = 1_024;
const MAX_VALUE: usize = 128 << 10;
const MAX_LISTING: u32 = 1_000;

/// How much of a namespace a call may fill, so that no crowd keeps anybody from moderating, and no moderator keeps the owner from dismissing them.
/// A call has the least of its subjects' quotas. Whatever it is, a call that leaves no more than it found is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// Posts, memberships, and actions of who has no say: seven eighths.
    Crowd,
    /// Accounts that aren't active, of which every member may have one: half of what is left.
    Accounts,
    /// What the owner and the moderators sign: half of what is left then.
    Moderation,
    /// The config and alarms: all of it.
    Whole,
}

impl Quota {
    /// Of a namespace of so many bytes.
    fn of(self, bytes: u64) -> u64 {
        bytes
            - match self {
                Self::Crowd => bytes / 8,
                Self::Accounts => bytes / 16,
                Self::Moderation => bytes / 32,
                Self::Whole => 0,
            }
    }
}

/// Whom a call has admitted: their DIDs.
#[derive(Debug, Default)]
pub struct Admissions {
    /// Who was no member before: their posts are to be told.
    pub members: Vec<String>,
    /// Who had no say before, and is owner or moderator now.
    pub with_say: Vec<String>,
}

/// An object's access, for one call.
#[derive(Debug)]
pub struct Desk {
    pub view: Box<View>,
    pub admissions: Admissions,
    community: CommunityId,
    hashtag: Hashtag,
    /// What the namespace may grow to, in bytes.
    most: u64,
    /// Of the batch to which the call belongs.
    edition: Edition,
    now: i64,
}

impl Desk {
    /// `bytes` is the size of a namespace, `quota` how much of it the call may fill; `now` in milliseconds since the Unix epoch; the view is of
    /// a batch whose edition has begun.
    pub fn new(view: Box<View>, community: CommunityId, hashtag: Hashtag, bytes: u64, quota: Quota, now: i64) -> Result<Self, StoreError> {
        let edition = showing::edition(&view)?;
        let most = quota.of(bytes).max(view.count(count::object_bytes(community).as_ref())?);
        Ok(Self { view, admissions: Admissions::default(), community, hashtag, most, edition, now })
    }

    fn key(&self, key: &str) -> Vec<u8> {
        Key::community(self.community).rest(key).build()
    }

    fn size_of(&self, key: &[u8]) -> Result<u64, StoreError> {
        Ok(self.view.get(Table::Objects, key)?.map_or(0, |value| (key.len() + value.len()) as u64))
    }
}

impl Backing for Desk {
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.view.get(Table::Objects, &self.key(key))
    }

    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<Result<(), Refusal>, StoreError> {
        if key.is_empty() || key.len() > MAX_KEY {
            return Ok(Err(Refusal::Key));
        }
        if value.len() > MAX_VALUE {
            return Ok(Err(Refusal::Value));
        }
        let key = self.key(key);
        let (before, after) = (self.size_of(&key)?, (key.len() + value.len()) as u64);
        if before != after {
            let counter = count::object_bytes(self.community);
            let used = self.view.count(counter.as_ref())?;
            if after > before && used + (after - before) > self.most {
                return Ok(Err(Refusal::Quota));
            }
            self.view.add(counter.build(), after as i64 - before as i64)?;
        }
        self.view.put(Table::Objects, key, value);
        Ok(Ok(()))
    }

    fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        let key = self.key(key);
        let before = self.size_of(&key)?;
        if before > 0 {
            self.view.add(count::object_bytes(self.community).build(), -(before as i64))?;
            self.view.delete(Table::Objects, key);
        }
        Ok(())
    }

    fn list(&mut self, listing: Listing<'_>) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let own = Key::community(self.community);
        let span = Span::prefix(self.key(listing.prefix));
        let span = match listing.after {
            Some(after) if listing.reverse => span.before(self.key(after)),
            Some(after) => span.after(self.key(after)),
            None => span,
        };
        let found = self.view.range(Table::Objects, &span, listing.reverse, listing.limit.min(MAX_LISTING) as usize)?;
        Ok(found.into_iter().filter_map(|(key, value)| Some((String::from_utf8(key.get(own.as_ref().len()..)?.to_vec()).ok()?, value))).collect())
    }

    fn set_alarm(&mut self, at: Option<i64>) -> Result<(), StoreError> {
        directory::set_alarm(&mut self.view, self.community, at)
    }

    fn alarm(&mut self) -> Result<Option<i64>, StoreError> {
        directory::alarm(&self.view, self.community)
    }

    fn publish(&mut self, post: Shown) -> Result<(), StoreError> {
        let place = schema::place(post.sort_time, &post.rkey, &post.author);
        let entry = Entry { reply: post.reply, languages: post.languages, labels: post.labels };
        showing::publish(&mut self.view, self.community, place.as_ref(), self.edition, entry)
    }

    fn retract(&mut self, author: &str, rkey: &str, sort_time: i64) -> Result<(), StoreError> {
        let place = schema::place(sort_time, rkey, author);
        // Of a post whose week is over no walk needs to know more.
        let traced = (sort_time > self.now - RETENTION_MS).then_some(self.now);
        showing::retract(&mut self.view, self.community, place.as_ref(), self.edition, traced)
    }

    fn admit(&mut self, did: &str, role: Role) -> Result<(), StoreError> {
        if did.len() > crate::event::MAX_DID {
            return Ok(());
        }
        let before = held::role(&self.view, self.community, did)?;
        if role.has_say() && !before.is_some_and(Role::has_say) {
            self.admissions.with_say.push(did.to_owned());
        }
        if before.is_none() {
            held::admitting(&mut self.view, self.hashtag, did)?;
            self.view.add(count::members(self.community).build(), 1)?;
            self.admissions.members.push(did.to_owned());
        }
        self.view.write(Table::Belongs, schema::communities_of(did).u32(self.community).build(), &role);
        self.view.write(Table::Members, Key::community(self.community).rest(did).build(), &role);
        Ok(())
    }

    fn dismiss(&mut self, did: &str) -> Result<(), StoreError> {
        if held::is_member(&self.view, self.community, did)? {
            held::dismissed(&mut self.view, self.community, self.hashtag, did)?;
            self.admissions.members.retain(|admitted| admitted != did);
        }
        Ok(())
    }

    fn deny(&mut self, target: &str) -> Result<(), StoreError> {
        if target.len() <= MAX_KEY {
            self.view.put(Table::Denied, self.key(target), Vec::new());
        }
        Ok(())
    }

    fn allow(&mut self, target: &str) -> Result<(), StoreError> {
        self.view.delete(Table::Denied, self.key(target));
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, Store};

    const BYTES: u64 = 1_000;

    fn desk(directory: &std::path::Path, quota: Quota) -> Desk {
        let store = Store::open(Options { path: directory.join("index.redb"), cache: 1 << 20, backend: None }).expect("a new database");
        let view = Box::new(View::new(store.snapshot().expect("it can be read"), None));
        let hashtag = Hashtag::parse("#atrarium_0123abcd").expect("a hashtag");
        Desk::new(view, 7, hashtag, BYTES, quota, 0).expect("it can be read")
    }

    #[test]
    fn a_namespace_takes_as_much_as_its_quota_and_no_more() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut desk = desk(directory.path(), Quota::Whole);
        // A key counts with the four bytes of its community.
        let mut put = |key: &str, size: usize| desk.put(key, vec![0; size]).expect("the database is there");
        assert_eq!(put("a", 495), Ok(()));
        assert_eq!(put("b", 496), Err(Refusal::Quota));
        assert_eq!(put("b", 495), Ok(()));
        assert_eq!(put("c", 0), Err(Refusal::Quota));
        assert_eq!(put("b", 496), Err(Refusal::Quota), "by one byte more");
        assert_eq!(put("b", 490), Ok(()));
        assert_eq!(put("c", 0), Ok(()));
        assert_eq!(put("a", 496), Err(Refusal::Quota));
        desk.delete("a").expect("the database is there");
        desk.delete("a").expect("nor is it counted twice");
        assert_eq!(desk.put("a", vec![0; 495]).expect("the database is there"), Ok(()));
        assert_eq!(desk.view.count(count::object_bytes(7).as_ref()).expect("it can be read"), BYTES);
        assert_eq!(desk.get("b").expect("the database is there").map(|value| value.len()), Some(490), "what was refused changed nothing");
    }

    #[test]
    fn each_fills_what_is_not_kept_for_others() {
        const BYTES: u64 = 3_200;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut desk = desk(directory.path(), Quota::Whole);
        // The next call.
        let call = |desk: Desk, quota| Desk::new(desk.view, 7, desk.hashtag, BYTES, quota, 0).expect("it can be read");
        let put = |desk: &mut Desk, key: &str, size: usize| desk.put(key, vec![0; size]).expect("the database is there");
        for (quota, key, most) in [(Quota::Crowd, "a", 2_800), (Quota::Accounts, "b", 200), (Quota::Moderation, "c", 100), (Quota::Whole, "d", 100)] {
            desk = call(desk, quota);
            assert_eq!(put(&mut desk, key, most - 4), Err(Refusal::Quota), "{quota:?}: a byte more");
            assert_eq!(put(&mut desk, key, most - 5), Ok(()), "{quota:?}");
        }
        // Though what is kept for others is in use: whoever makes room in a call may fill it.
        desk = call(desk, Quota::Crowd);
        assert_eq!(put(&mut desk, "e", 0), Err(Refusal::Quota));
        assert_eq!(put(&mut desk, "a", 2_000), Ok(()));
        assert_eq!(put(&mut desk, "e", 790), Ok(()));
        assert_eq!(put(&mut desk, "f", 1), Err(Refusal::Quota));
        desk.delete("a").expect("the database is there");
        desk = call(desk, Quota::Crowd);
        assert_eq!(put(&mut desk, "f", 1_601), Err(Refusal::Quota), "the next call finds less");
        assert_eq!(put(&mut desk, "f", 1_600), Ok(()));
    }

    #[test]
    fn keys_and_values_have_a_size() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut desk = desk(directory.path(), Quota::Whole);
        let mut check = |key: &str, size: usize, expected| assert_eq!(desk.put(key, vec![0; size]).expect("the database is there"), Err(expected));
        check("", 1, Refusal::Key);
        check(&"k".repeat(MAX_KEY + 1), 1, Refusal::Key);
        check("k", MAX_VALUE + 1, Refusal::Value);
        check("k", MAX_VALUE, Refusal::Quota);
    }
}
