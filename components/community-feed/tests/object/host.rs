//! A host in memory. Like the real one it tells the object only of members' posts, hands over the week's posts of a new
//! member, serves only what lies in the window, and calls when the alarm has come.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use atrarium_community_feed::{
    bindings::{
        atrarium::{
            community::{
                index::{Entry, Role},
                moderation::{Ruling, SignedAction, Standing},
                storage,
            },
            events::types::{Action, ActionKind, Config, Post, Shares, Stage},
        },
        exports::atrarium::community::object::{AccountChange, ActionChange, Event, MembershipChange, PostChange},
    },
    host::Host,
    object::{self, WEEK_MS},
};
use atrarium_moderation::{bindings as policy, judge::judge};

pub(crate) const OWNER: &str = "did:plc:owner";
pub(crate) const COMMUNITY: &str = "at://did:plc:owner/net.atrarium.community.config/3jzfcijpj2z2a";
pub(crate) const HASHTAG: &str = "#atrarium_0123abcd";
pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The author, the rkey and the sort time of a post that is shown.
pub(crate) type Shown = (String, String, i64);

pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) storage: Storage,
    known_posts: BTreeMap<(String, String), Option<Post>>,
}

#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) keys: BTreeMap<String, Vec<u8>>,
    pub(crate) alarm: Option<i64>,
    pub(crate) shown: BTreeMap<Shown, Entry>,
    pub(crate) admitted: BTreeMap<String, Role>,
    pub(crate) denied: BTreeSet<String>,
    pub(crate) warnings: Vec<String>,
    /// How many keys there may be.
    pub(crate) quota: Option<usize>,
    newly_admitted: Vec<String>,
    pub(crate) calls: usize,
    /// How many rows it has been given in listings.
    pub(crate) listed: Cell<usize>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { now: NOW, storage: Storage::default(), known_posts: BTreeMap::new() }
    }

    /// Tells the object a batch, then the posts of those whom it has admitted.
    pub(crate) fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut batch = Vec::new();
        for event in events {
            if let Event::Post(change) = &event {
                let known = (change.author.clone(), change.rkey.clone());
                self.known_posts.insert(known, change.post.clone());
                if !self.storage.admitted.contains_key(&change.author) {
                    continue;
                }
            }
            batch.push(event);
        }
        while !batch.is_empty() {
            object::handle(&mut self.storage, COMMUNITY, batch, self.now).expect("nothing is refused");
            batch = Vec::new();
            for did in std::mem::take(&mut self.storage.newly_admitted) {
                batch.extend(
                    self.known_posts.iter().filter(|((author, _), _)| *author == did).map(|((author, rkey), known)| post_event(author, rkey, known.clone())),
                );
            }
        }
    }

    /// Lets time pass, then calls the object until its alarm lies ahead.
    pub(crate) fn pass(&mut self, milliseconds: i64) {
        self.now += milliseconds;
        for _ in 0..100 {
            if self.storage.alarm.is_none_or(|at| at > self.now) {
                return;
            }
            object::wake(&mut self.storage, COMMUNITY, self.now).expect("nothing is refused");
        }
        panic!("the alarm never rests: {:?} at {}", self.storage.alarm, self.now);
    }

    /// What a reader sees now.
    pub(crate) fn feed(&self) -> Vec<Shown> {
        let window = self.now - WEEK_MS..=self.now + 2 * MINUTE;
        self.storage.shown.keys().filter(|(.., time)| window.contains(time)).cloned().collect()
    }

    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.storage.keys.keys().filter(|key| key.starts_with(prefix)).count()
    }
}

impl Host for Storage {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.keys.get(key).cloned()
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), storage::Error> {
        if key.is_empty() || key.len() > 1_024 {
            return Err(storage::Error::Key);
        }
        if self.quota.is_some_and(|quota| self.keys.len() >= quota) {
            return Err(storage::Error::Quota);
        }
        self.calls += 1;
        self.keys.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn delete(&mut self, key: &str) {
        self.calls += 1;
        self.keys.remove(key);
    }

    fn list(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<(String, Vec<u8>)> {
        assert!(limit <= 1_000, "the contract's bound");
        let start = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let rows = self.keys.range::<str, _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix)).take(limit as usize);
        let rows: Vec<_> = rows.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.listed.set(self.listed.get() + rows.len());
        rows
    }

    fn alarm(&self) -> Option<i64> {
        self.alarm
    }

    fn set_alarm(&mut self, at: Option<i64>) {
        self.alarm = at;
    }

    fn publish(&mut self, entry: &Entry) {
        self.calls += 1;
        let shown = (entry.author.clone(), entry.rkey.clone(), entry.sort_time);
        self.shown.entry(shown).or_insert_with(|| entry.clone());
    }

    fn retract(&mut self, author: &str, rkey: &str, sort_time: i64) {
        self.calls += 1;
        self.shown.remove(&(author.to_owned(), rkey.to_owned(), sort_time));
    }

    fn admit(&mut self, did: &str, role: Role) {
        if self.admitted.insert(did.to_owned(), role).is_none() {
            self.newly_admitted.push(did.to_owned());
        }
    }

    fn dismiss(&mut self, did: &str) {
        assert!(self.admitted.remove(did).is_some(), "{did} was no member");
    }

    fn deny(&mut self, target: &str) {
        assert!(self.denied.insert(target.to_owned()), "{target} was denied already");
    }

    fn allow(&mut self, target: &str) {
        assert!(self.denied.remove(target), "{target} was not denied");
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }

    /// The default policy, as composition would connect it.
    fn judge(&self, standing: &Standing, subject: &str, actions: &[SignedAction], now: i64) -> Ruling {
        use policy::exports::atrarium::community::moderation as theirs;
        let standing = theirs::Standing { owner: standing.owner.clone(), moderators: standing.moderators.clone() };
        let actions: Vec<_> = actions
            .iter()
            .map(|action| theirs::SignedAction {
                uri: action.uri.clone(),
                author: action.author.clone(),
                kind: match action.kind {
                    ActionKind::HidePost => theirs::ActionKind::HidePost,
                    ActionKind::UnhidePost => theirs::ActionKind::UnhidePost,
                    ActionKind::BlockUser => theirs::ActionKind::BlockUser,
                    ActionKind::UnblockUser => theirs::ActionKind::UnblockUser,
                },
                created_at: action.created_at,
            })
            .collect();
        let theirs::Ruling { denied, reconsider_at } = judge(&standing, subject, &actions, now);
        Ruling { denied, reconsider_at }
    }
}

pub(crate) fn config_event(moderators: &[&str]) -> Event {
    let mut moderators: Vec<String> = moderators.iter().map(|&did| did.to_owned()).collect();
    moderators.sort();
    Event::Config(Config {
        name: "Test".to_owned(),
        description: None,
        hashtag: HASHTAG.to_owned(),
        stage: Stage::Theme,
        parent: None,
        shares: Shares { own: 100, parent: 0, global: 0 },
        moderators,
        created_at: 0,
    })
}

pub(crate) fn membership_event(did: &str, rkey: &str, active: bool) -> Event {
    Event::Membership(MembershipChange { did: did.to_owned(), rkey: rkey.to_owned(), active })
}

pub(crate) fn account_event(did: &str, active: bool) -> Event {
    Event::Account(AccountChange { did: did.to_owned(), active })
}

pub(crate) fn action_uri(author: &str, rkey: &str) -> String {
    format!("at://{author}/net.atrarium.moderation.action/{rkey}")
}

pub(crate) fn action_event(author: &str, rkey: &str, action: Option<Action>) -> Event {
    Event::Action(ActionChange { uri: action_uri(author, rkey), author: author.to_owned(), action })
}

pub(crate) fn action(kind: ActionKind, target: &str, created_at: i64) -> Option<Action> {
    Some(Action { kind, target: target.to_owned(), community: COMMUNITY.to_owned(), reason: None, via: None, created_at })
}

pub(crate) fn post_event(author: &str, rkey: &str, post: Option<Post>) -> Event {
    Event::Post(PostChange { author: author.to_owned(), rkey: rkey.to_owned(), post })
}

pub(crate) fn post(sort_time: i64) -> Option<Post> {
    Some(Post {
        sort_time,
        hashtags: vec!["#atrarium_00000000".to_owned(), HASHTAG.to_owned()],
        reply: false,
        languages: vec!["ja".to_owned()],
        labels: Vec::new(),
    })
}

pub(crate) fn post_uri(author: &str, rkey: &str) -> String {
    format!("at://{author}/app.bsky.feed.post/{rkey}")
}
