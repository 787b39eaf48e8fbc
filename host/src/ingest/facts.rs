//! From events to facts: the newest of every record, and the status of every account.
//!
//! Repeats are recognised here, by URI and rev; the newer rev wins, whatever the order of arrival. A record that is gone leaves
//! its rev behind, so that a repeat can't bring it back. Facts are the host's only knowledge; all else is derived from them by
//! the objects, and can be derived again. Which communities a fact concerns goes to the agenda. Nothing here judges content.

use std::collections::BTreeSet;

use super::agenda::Agenda;
use super::rules::Rules;
use super::wants;
use crate::community::directory::Full;
use crate::community::held::{self, Bounds};
use crate::community::letters::Subject;
use crate::community::{Community, directory};
use crate::event::{Account, AccountStatus, Collection, Commit, Listed, ObjectOrder, ObjectWhat, Operation, Rev, Status};
use crate::record::{AccountFact, Config, Hashtag, KEPT_MS, Post, Record, RecordKey, Stored};
use crate::store::schema::{self, count};
use crate::store::{CommunityId, Key, Span, StoreError, Table, View};

/// What an event turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    /// Known already, or older than what is known.
    Repeated,
    /// A bound of the host keeps it out.
    Bounded,
}

impl Outcome {
    /// For the counter, in the order of the variants.
    pub(super) const LABELS: [&str; 3] = ["applied", "repeated", "bounded"];
}

/// The batch in which facts are being changed.
pub struct Facts<'a> {
    pub view: &'a mut View,
    pub agenda: &'a mut Agenda,
    pub bounds: &'a Bounds,
    pub rules: &'a Rules,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
}

impl Facts<'_> {
    /// A change of one record. `record` is what the filter made of it: `None` if there is nothing valid, or nothing that names
    /// a community.
    pub fn commit(&mut self, did: &str, commit: &Commit, record: Option<Record>) -> Result<Outcome, StoreError> {
        if self.floor(did)?.is_some_and(|floor| commit.rev <= floor) {
            return Ok(Outcome::Repeated);
        }
        let key = RecordKey { did: did.to_owned(), collection: commit.collection, rkey: commit.rkey.clone() };
        let before: Option<Stored> = self.view.read(Table::Records, schema::record(&key).as_ref())?;
        if before.as_ref().is_some_and(|before| before.rev >= commit.rev) {
            return Ok(Outcome::Repeated);
        }
        let record = record.filter(|record| !matches!(record, Record::Post(post) if post.sort_time <= self.now - KEPT_MS));
        let named = record.as_ref().and_then(community_of);
        let bound = match named {
            // It has its place already.
            Some(community) if before.as_ref().and_then(|before| before.record.as_ref()).and_then(community_of) == Some(community) => None,
            Some(community) => self.bound_on(did, key.collection, community)?,
            None => None,
        };
        if let Some(bound) = bound {
            metrics::counter!("atrarium_bounded_total", "bound" => bound).increment(1);
        }
        let record = record.filter(|_| bound.is_none());
        if before.is_none() && record.is_none() && commit.operation == Operation::Create {
            return Ok(Outcome::Applied);
        }
        let after = Stored { rev: commit.rev, record };
        let newly_counted = counts(&key, &after) && !before.as_ref().is_some_and(|before| counts(&key, before));
        if newly_counted && self.view.count(count::others(did).as_ref())? >= self.bounds.others_per_repo {
            metrics::counter!("atrarium_bounded_total", "bound" => "others-per-repo").increment(1);
            if after.record.is_none() {
                // What is gone goes all the same; only its rev is not remembered.
                self.replace(&key, before, None)?;
            }
            return Ok(Outcome::Bounded);
        }
        self.replace(&key, before, Some(after))?;
        Ok(Outcome::Applied)
    }

    /// The bound that keeps one more membership or action of this author out of this community, if any does.
    fn bound_on(&self, did: &str, collection: Collection, community: &str) -> Result<Option<&'static str>, StoreError> {
        let bounds = self.bounds;
        let ((most, of_one), (most_of_all, of_all)) = match collection {
            Collection::Action => ((bounds.actions_per_stranger, "actions-per-stranger"), (bounds.actions_of_strangers, "actions-of-strangers")),
            _ => ((bounds.memberships_per_author, "memberships-per-author"), (bounds.memberships_per_community, "memberships-per-community")),
        };
        let bound = if self.view.count(count::naming_by(collection, did, community).as_ref())? >= most {
            of_one
        } else if self.view.count(count::naming(collection, community).as_ref())? >= most_of_all {
            of_all
        } else {
            return Ok(None);
        };
        if collection == Collection::Action
            && let Some(number) = directory::number(self.view, community)?
            && held::moderates(self.view, number, did)?
        {
            return Ok(None);
        }
        Ok(Some(bound))
    }

    /// What an account's host says of it.
    pub fn account(&mut self, did: &str, account: &Account) -> Result<Outcome, StoreError> {
        let before: Option<AccountFact> = self.view.read(Table::Accounts, did.as_bytes())?;
        let newer = before.as_ref().is_none_or(|before| (account.time_us, account.seq) > (before.time_us, before.seq));
        let floor_before = before.as_ref().and_then(|before| before.floor);
        let floor = floor_of(account.status, account.time_us).max(floor_before);
        if !newer && floor == floor_before {
            return Ok(Outcome::Repeated);
        }
        let after = match &before {
            Some(before) if !newer => AccountFact { floor, ..before.clone() },
            _ => AccountFact { time_us: account.time_us, seq: account.seq, active: account.status == AccountStatus::Active, floor },
        };
        if after.active && before.is_some_and(|before| !before.active) {
            // What happened in the repo meanwhile, nobody told us.
            wants::want(self.view, did)?;
        }
        self.account_is(did, &after)?;
        Ok(Outcome::Applied)
    }

    /// What an account's server said when it was asked. If an event of the account came meanwhile, that one tells.
    pub fn status(&mut self, did: &str, status: &Status) -> Result<Outcome, StoreError> {
        let before: Option<AccountFact> = self.view.read(Table::Accounts, did.as_bytes())?;
        if before.as_ref().map(|before| (before.time_us, before.seq)) != status.known {
            return Ok(Outcome::Repeated);
        }
        let (time_us, seq) = status.known.unwrap_or_default();
        let floor = floor_of(status.status, status.asked_us).max(before.and_then(|before| before.floor));
        self.account_is(did, &AccountFact { time_us, seq, active: status.status == AccountStatus::Active, floor })?;
        Ok(Outcome::Applied)
    }

    fn account_is(&mut self, did: &str, after: &AccountFact) -> Result<(), StoreError> {
        let before: Option<AccountFact> = self.view.read(Table::Accounts, did.as_bytes())?;
        if let Some(floor) = after.floor.filter(|_| after.floor != before.as_ref().and_then(|before| before.floor)) {
            self.drop_records(did, floor)?;
        }
        if after.active != before.is_none_or(|before| before.active) {
            self.concern_posts_of(did)?;
        }
        self.view.write(Table::Accounts, did.as_bytes(), after);
        Ok(())
    }

    /// What a repo held of a collection when it was read: what we hold beyond that, and isn't newer, is gone.
    pub fn listed(&mut self, did: &str, listed: &Listed) -> Result<Outcome, StoreError> {
        let mut gone = Vec::new();
        self.view.walk(Table::Records, &Span::prefix(schema::records_of(listed.collection, did)), |_, key, value| {
            let stored: Stored = crate::store::view::decode(Table::Records, key, value)?;
            if let Some(key) = schema::record_key_of(key)
                && stored.record.is_some()
                && stored.rev <= listed.rev
                && listed.from.as_ref().is_none_or(|from| key.rkey >= *from)
                && listed.rkeys.binary_search(&key.rkey).is_err()
            {
                gone.push((key, stored));
            }
            Ok(true)
        })?;
        for (key, stored) in gone {
            self.replace(&key, Some(stored), Some(Stored { rev: listed.rev, record: None }))?;
        }
        Ok(Outcome::Applied)
    }

    /// Takes out what a bound pushes out, or what has passed its week. Its rev is forgotten as well.
    pub fn forget(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        let before: Option<Stored> = self.view.read(Table::Records, schema::record(key).as_ref())?;
        self.replace(key, before, None)
    }

    fn floor(&self, did: &str) -> Result<Option<Rev>, StoreError> {
        let account: Option<AccountFact> = self.view.read(Table::Accounts, did.as_bytes())?;
        Ok(account.and_then(|account| account.floor))
    }

    /// A deleted account: all its records up to the floor are gone, and the floor stands for their revs.
    fn drop_records(&mut self, did: &str, floor: Rev) -> Result<(), StoreError> {
        for collection in Collection::ALL {
            let mut gone = Vec::new();
            self.view.walk(Table::Records, &Span::prefix(schema::records_of(collection, did)), |_, key, value| {
                let stored: Stored = crate::store::view::decode(Table::Records, key, value)?;
                if stored.rev <= floor
                    && let Some(key) = schema::record_key_of(key)
                {
                    gone.push(key);
                }
                Ok(true)
            })?;
            for key in gone {
                self.forget(&key)?;
            }
        }
        Ok(())
    }

    /// Every community that has been told of this author's posts hears of the account.
    fn concern_posts_of(&mut self, did: &str) -> Result<(), StoreError> {
        let mut hashtags = BTreeSet::new();
        self.view.walk(Table::Records, &Span::prefix(schema::records_of(Collection::Post, did)), |_, key, value| {
            let stored: Stored = crate::store::view::decode(Table::Records, key, value)?;
            if let Some(Record::Post(post)) = stored.record {
                hashtags.extend(post.hashtags);
            }
            Ok(true)
        })?;
        for hashtag in hashtags {
            for community in directory::with_hashtag(self.view, hashtag)? {
                if held::is_member(self.view, community, did)? {
                    self.agenda.add(community, Subject::Account(did.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Puts one state of a record in the place of another, moves its routes, and notes whom it concerns.
    fn replace(&mut self, key: &RecordKey, before: Option<Stored>, after: Option<Stored>) -> Result<(), StoreError> {
        let counted = i64::from(after.as_ref().is_some_and(|after| counts(key, after))) - i64::from(before.as_ref().is_some_and(|before| counts(key, before)));
        if counted != 0 {
            self.view.add(count::others(&key.did).build(), counted)?;
        }
        let row = schema::record(key).build();
        match &after {
            Some(after) => self.view.write(Table::Records, row, after),
            None => self.view.delete(Table::Records, row),
        }
        let (before, after) = (before.and_then(|before| before.record), after.and_then(|after| after.record));
        match key.collection {
            Collection::Post => self.post(key, post_of(before.as_ref()), post_of(after.as_ref())),
            Collection::Config => self.config(key, config_of(after.as_ref())),
            Collection::Membership | Collection::Action => self.naming(key, before.as_ref(), after.as_ref()),
        }
    }

    fn post(&mut self, key: &RecordKey, before: Option<&Post>, after: Option<&Post>) -> Result<(), StoreError> {
        let empty: &[Hashtag] = &[];
        let (old, new) = (before.map_or(empty, |post| &post.hashtags), after.map_or(empty, |post| &post.hashtags));
        let moved = before.map(|post| post.sort_time) != after.map(|post| post.sort_time);
        for hashtag in old {
            let told = self.concern(*hashtag, key)?;
            if let Some(before) = before.filter(|_| moved || !new.contains(hashtag)) {
                held::leave(self.view, *hashtag, &key.did, before.sort_time, &key.rkey, told)?;
            }
        }
        for hashtag in new {
            if let Some(after) = after.filter(|_| moved || !old.contains(hashtag)) {
                let told = self.concern(*hashtag, key)?;
                held::enter(self.view, *hashtag, &key.did, after.sort_time, &key.rkey, told)?;
                self.agenda.crowd(*hashtag, &key.did);
            }
        }
        Ok(())
    }

    /// Takes out what is above the bounds. For when the objects have been told of the batch: who has just become a member has a
    /// member's share, though their posts came along with their membership.
    pub fn bound(&mut self, crowded: BTreeSet<(Hashtag, String)>) -> Result<(), StoreError> {
        for (hashtag, did) in crowded {
            let member = held::is_member_by(self.view, hashtag, &did)?;
            loop {
                let excess = held::excess(self.view, self.bounds, hashtag, &did, member)?;
                if excess.is_empty() {
                    break;
                }
                for post in &excess {
                    self.push_out(post)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a post out from under one hashtag; the record stays as long as it has another.
    fn push_out(&mut self, excess: &held::Excess) -> Result<(), StoreError> {
        metrics::counter!("atrarium_bounded_total", "bound" => excess.bound).increment(1);
        let told = self.concern(excess.hashtag, &excess.post)?;
        held::leave(self.view, excess.hashtag, &excess.post.did, excess.sort_time, &excess.post.rkey, told)?;
        let row = schema::record(&excess.post).build();
        let Some(mut stored) = self.view.read::<Stored>(Table::Records, &row)? else { return Ok(()) };
        if let Some(Record::Post(post)) = &mut stored.record {
            post.hashtags.retain(|hashtag| *hashtag != excess.hashtag);
            if post.hashtags.is_empty() {
                self.view.delete(Table::Records, row);
            } else {
                self.view.write(Table::Records, row, &stored);
            }
        }
        Ok(())
    }

    /// The communities that have admitted the author hear of the post. Answers whether there are any.
    fn concern(&mut self, hashtag: Hashtag, key: &RecordKey) -> Result<bool, StoreError> {
        let communities = held::memberships_by(self.view, hashtag, &key.did)?;
        for community in &communities {
            self.agenda.add(*community, Subject::Record(key.clone()));
        }
        Ok(!communities.is_empty())
    }

    fn naming(&mut self, key: &RecordKey, before: Option<&Record>, after: Option<&Record>) -> Result<(), StoreError> {
        let (old, new) = (before.and_then(community_of), after.and_then(community_of));
        if old != new {
            if let Some(old) = old {
                self.view.delete(Table::Routes, schema::naming_route(old, key).build());
            }
            if let Some(new) = new {
                self.view.put(Table::Routes, schema::naming_route(new, key).build(), Vec::new());
            }
            for (community, by) in [(old, -1), (new, 1)] {
                let Some(community) = community else { continue };
                self.view.add(count::naming_by(key.collection, &key.did, community).build(), by)?;
                self.view.add(count::naming(key.collection, community).build(), by)?;
            }
        }
        self.index_action(key, before, after);
        for uri in old.into_iter().chain(new) {
            if let Some(community) = directory::number(self.view, uri)? {
                self.agenda.add(community, Subject::Record(key.clone()));
            }
        }
        Ok(())
    }

    /// Moves the rows by which an action is found.
    fn index_action(&mut self, key: &RecordKey, before: Option<&Record>, after: Option<&Record>) {
        let rows = |record: Option<&Record>| match record {
            Some(Record::Action(action)) => {
                schema::action_rows(&action.community, &action.target, action.created_at, &key.did, &key.rkey).map(Key::build).to_vec()
            }
            _ => Vec::new(),
        };
        let (old, new) = (rows(before), rows(after));
        if old != new {
            old.into_iter().for_each(|row| self.view.delete(Table::Actions, row));
            new.into_iter().for_each(|row| self.view.put(Table::Actions, row, Vec::new()));
        }
    }

    /// Does what an operator wants with a community's object; one of a community that isn't open is nobody's.
    pub fn object(&mut self, order: &ObjectOrder) -> Result<Outcome, StoreError> {
        let Some(community) = directory::number(self.view, &order.community)? else { return Ok(Outcome::Repeated) };
        match order.what {
            ObjectWhat::Evict => self.agenda.let_go(community),
            ObjectWhat::Rebuild => {
                directory::empty(self.view, community)?;
                self.agenda.add_everything(community);
            }
        }
        Ok(Outcome::Applied)
    }

    /// Opens, renews or closes the community of a config.
    pub fn config(&mut self, key: &RecordKey, config: Option<&Config>) -> Result<(), StoreError> {
        let number = directory::number(self.view, &key.uri())?;
        let config = config.filter(|_| self.rules.allow(key));
        match (number, config) {
            (None, None) => {}
            (None, Some(config)) => match directory::open(self.view, key, config.clone(), self.bounds)? {
                Ok(community) => self.agenda.add_everything(community),
                Err(full) => no_room(key, full),
            },
            (Some(community), Some(config)) => match directory::renew(self.view, community, config.clone(), self.bounds)? {
                Ok(true) => self.agenda.add_everything(community),
                Ok(false) => self.agenda.add(community, Subject::Config),
                // As if this config were the first.
                Err(full) => {
                    no_room(key, full);
                    self.close(community)?;
                }
            },
            (Some(community), None) => self.close(community)?,
        }
        Ok(())
    }

    fn close(&mut self, community: CommunityId) -> Result<(), StoreError> {
        directory::close(self.view, community)?;
        self.agenda.remove(community);
        Ok(())
    }
}

/// Tells that a config opens nothing.
fn no_room(key: &RecordKey, full: Full) {
    metrics::counter!("atrarium_bounded_total", "bound" => full.label()).increment(1);
    tracing::warn!(community = key.uri(), bound = full.label(), "a community is not open: there are as many as may be");
}

/// Up to where a deleted account's records are gone.
fn floor_of(status: AccountStatus, time_us: u64) -> Option<Rev> {
    (status == AccountStatus::Deleted).then(|| Rev::last_of(time_us))
}

/// Whether a record counts towards the bound on a repo's records other than posts: a post does when it is gone.
fn counts(key: &RecordKey, stored: &Stored) -> bool {
    key.collection != Collection::Post || stored.record.is_none()
}

fn post_of(record: Option<&Record>) -> Option<&Post> {
    match record {
        Some(Record::Post(post)) => Some(post),
        _ => None,
    }
}

fn config_of(record: Option<&Record>) -> Option<&Config> {
    match record {
        Some(Record::Config(config)) => Some(config),
        _ => None,
    }
}

fn community_of(record: &Record) -> Option<&str> {
    match record {
        Record::Membership(membership) => Some(&membership.community),
        Record::Action(action) => Some(&action.community),
        Record::Post(_) | Record::Config(_) => None,
    }
}

/// Opens what the operator's rules and bounds allow and closes what they don't, as after a change of configuration.
pub fn reconcile(facts: &mut Facts<'_>) -> Result<(), StoreError> {
    let mut closing = Vec::new();
    facts.view.walk(Table::Communities, &Span::all(), |_, key, value| {
        let community: Community = crate::store::view::decode(Table::Communities, key, value)?;
        closing.push(community.uri);
        Ok(true)
    })?;
    let mut configs = Vec::new();
    facts.view.walk(Table::Records, &Span::prefix([schema::collection_tag(Collection::Config)]), |_, key, value| {
        let stored: Stored = crate::store::view::decode(Table::Records, key, value)?;
        if let (Some(key), Some(Record::Config(config))) = (schema::record_key_of(key), stored.record) {
            configs.push((key, config));
        }
        Ok(true)
    })?;
    for uri in closing {
        if let Some(key) = RecordKey::from_uri(&uri).filter(|key| !facts.rules.allow(key)) {
            facts.config(&key, None)?;
        }
    }
    for (key, config) in configs {
        if directory::number(facts.view, &key.uri())?.is_none() && facts.rules.allow(&key) {
            facts.config(&key, Some(&config))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
