//! A call of the object, from the batch to the feed.
//!
//! First what the batch says of the community, its members, its moderators and accounts is noted, and what follows is
//! settled: rulings, then people. Only then come the posts, each judged by what is so at the end of the batch. So the
//! order inside a batch doesn't matter any more than that of batches does.
//!
//! Until the config is known, facts are noted and nothing follows from them: nobody is admitted, nothing is shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use crate::{
    bindings::{
        atrarium::{community::moderation::Standing, events::types},
        exports::atrarium::community::object::{AccountChange, Event, MembershipChange},
    },
    failure::Failure,
    host::Host,
    keys,
    values::{self, Config, Person},
};

/// How long a post stays in the feed, in milliseconds.
pub const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How long it is kept: a day more, so that a clock that was up to a day ahead has taken none away.
pub(crate) const KEPT_MS: i64 = WEEK_MS + 24 * 60 * 60 * 1_000;

/// How long after that it may still take up space.
pub(crate) const GRACE_MS: i64 = 60_000;

/// How many keys are read at once, and at most how many posts expire in one call.
pub(crate) const PAGE: u32 = 1_000;

/// Takes what the host tells, and brings the feed up to date.
pub fn handle(host: &mut impl Host, community: &str, batch: Vec<Event>, now: i64) -> Result<(), Failure> {
    let mut object = Object::open(host, community, now)?;
    let mut posts = Vec::new();
    for event in batch {
        match event {
            Event::Config(config) => object.note_config(config)?,
            Event::Membership(change) => object.note_membership(change)?,
            Event::Account(change) => object.note_account(change)?,
            Event::Action(change) => object.note_action(change)?,
            Event::Post(change) => posts.push(change),
        }
    }
    object.settle()?;
    for change in posts {
        object.take_post(change)?;
    }
    object.advance_alarm();
    Ok(())
}

/// Does what the time has come for.
pub fn wake(host: &mut impl Host, community: &str, now: i64) -> Result<(), Failure> {
    let mut object = Object::open(host, community, now)?;
    object.note_due_targets();
    object.note_signers_left()?;
    object.settle()?;
    object.expire_posts();
    object.reset_alarm();
    Ok(())
}

/// The object during one call.
pub(crate) struct Object<'a, H> {
    pub(crate) host: &'a mut H,
    /// The AT-URI of the config record.
    pub(crate) uri: String,
    pub(crate) now: i64,
    rkey: String,
    pub(crate) standing: Standing,
    /// `None` until the config is known.
    pub(crate) hashtag: Option<String>,
    pub(crate) unsettled: Unsettled,
    /// The earliest time for which this call wants to be woken.
    pub(crate) wake_at: Option<i64>,
    /// The author who was looked up last: posts come in runs by one author.
    pub(crate) last_author: Option<(String, Option<Person>)>,
}

/// What must be derived again before the posts' turn.
#[derive(Default)]
pub(crate) struct Unsettled {
    pub(crate) people: BTreeSet<String>,
    pub(crate) targets: BTreeSet<String>,
    /// Those who have or had a say, of whose actions all targets are to be judged anew; and the key behind which to go on.
    pub(crate) signers: BTreeMap<String, Option<String>>,
    all_members: bool,
}

impl<'a, H: Host> Object<'a, H> {
    fn open(host: &'a mut H, uri: &str, now: i64) -> Result<Self, Failure> {
        let (owner, rkey) = uri
            .strip_prefix("at://")
            .and_then(|rest| rest.split_once("/net.atrarium.community.config/"))
            .ok_or_else(|| Failure::NotACommunity(uri.to_owned()))?;
        let config: Option<Config> = values::load(host, &keys::config(rkey))?;
        let (hashtag, moderators) = config.map(|config| (config.hashtag, config.moderators)).unzip();
        Ok(Self {
            host,
            uri: uri.to_owned(),
            now,
            rkey: rkey.to_owned(),
            standing: Standing { owner: owner.to_owned(), moderators: moderators.unwrap_or_default() },
            hashtag,
            unsettled: Unsettled::default(),
            wake_at: None,
            last_author: None,
        })
    }

    /// A changed hashtag needs nothing more here: the host begins the object anew then.
    fn note_config(&mut self, config: types::Config) -> Result<(), Failure> {
        let types::Config { hashtag, moderators, .. } = config;
        let key = keys::config(&self.rkey);
        values::save(self.host, &key, &Config { hashtag: hashtag.clone(), moderators: moderators.clone() })?;
        let is_first = self.hashtag.replace(hashtag).is_none();
        if is_first {
            self.unsettled.all_members = true;
            self.unsettled.people.insert(self.standing.owner.clone());
        }
        if is_first || self.standing.moderators != moderators {
            let former = mem::replace(&mut self.standing.moderators, moderators);
            let moderators = former.iter().chain(&self.standing.moderators);
            self.unsettled.people.extend(moderators.clone().cloned());
            // A ruling hangs on what these have signed and on nothing else, so no other target needs a look.
            let signers = moderators.chain([&self.standing.owner]);
            self.unsettled.signers.extend(signers.map(|did| (did.clone(), None)));
        }
        Ok(())
    }

    fn note_membership(&mut self, change: MembershipChange) -> Result<(), Failure> {
        values::mark(self.host, &keys::member(&change.did, &change.rkey), change.active)?;
        self.unsettled.people.insert(change.did);
        Ok(())
    }

    fn note_account(&mut self, change: AccountChange) -> Result<(), Failure> {
        values::mark(self.host, &keys::account(&change.did), !change.active)?;
        self.unsettled.people.insert(change.did);
        Ok(())
    }

    /// Rulings come first, since who is blocked follows from them.
    fn settle(&mut self) -> Result<(), Failure> {
        if self.hashtag.is_none() {
            return Ok(());
        }
        self.take_up_signers()?;
        for target in mem::take(&mut self.unsettled.targets) {
            self.judge_target(&target)?;
        }
        if self.unsettled.all_members {
            self.settle_members()?;
        }
        for did in mem::take(&mut self.unsettled.people) {
            self.settle_person(&did)?;
        }
        Ok(())
    }

    /// Settles whoever has a membership, once each.
    fn settle_members(&mut self) -> Result<(), Failure> {
        let mut settled = String::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.host.list(keys::MEMBERS, after.as_deref(), PAGE);
            for (key, _) in &page {
                let did = keys::subject(key, keys::MEMBERS);
                if did != settled {
                    did.clone_into(&mut settled);
                    self.settle_person(did)?;
                }
            }
            let is_last = page.len() < PAGE as usize;
            after = page.into_iter().next_back().map(|(key, _)| key);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Asks to be woken then, or earlier.
    pub(crate) fn wake_by(&mut self, at: i64) {
        self.wake_at = Some(self.wake_at.map_or(at, |other| other.min(at)));
    }

    /// An alarm that is too early costs one idle call, which sets it right; so it is never put off here.
    fn advance_alarm(&mut self) {
        let Some(at) = self.wake_at else { return };
        if self.host.alarm().is_none_or(|alarm| alarm > at) {
            self.host.set_alarm(Some(at));
        }
    }

    fn reset_alarm(&mut self) {
        let first = |prefix| self.host.list(prefix, None, 1).into_iter().next().map(|(key, _)| key);
        let expiry = first(keys::POSTS).and_then(|key| keys::parse_post(&key).map(|(time, ..)| time + KEPT_MS + GRACE_MS));
        let due = first(keys::WAITING).and_then(|key| keys::parse_waiting(&key).map(|(at, _)| at));
        let signers_left = first(keys::SIGNERS).map(|_| self.now);
        self.host.set_alarm(expiry.into_iter().chain(due).chain(signers_left).min());
    }
}
