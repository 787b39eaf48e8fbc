//! Telling the objects: from the agenda to calls, a community at a time.
//!
//! An object is told of memberships, actions and accounts first and of posts second, because the first decide whose posts it
//! hears of: the posts of who was just admitted follow in the same batch, and their repo shall be read. Before all that come the
//! config, and what whoever moderates says, in calls of their own, since these may fill parts of the object's namespace that are
//! kept for them. A call that fails takes nothing with it but itself: its subjects come back as [`Failure`]s, all else goes on. A
//! failure of the host's own storage ends the batch.

use std::collections::{BTreeMap, BTreeSet};

use super::agenda::{Agenda, Matters};
use super::{retry, wants};
use crate::community::desk::{Admissions, Quota};
use crate::community::letters::Subject;
use crate::community::registry::{Message, Told};
use crate::community::{Community, Registry, directory, held};
use crate::event::Collection;
use crate::record::{AccountFact, Record, RecordKey, Stored};
use crate::sandbox::object::Notice;
use crate::store::schema;
use crate::store::{CommunityId, Span, StoreError, Table, View};

/// Notices in one call at most: a bound on what a failing call takes with it, and on the guest's memory.
const NOTICES_AT_ONCE: usize = 200;

/// A subject of which an object could not be told.
#[derive(Debug, Clone)]
pub struct Failure {
    pub community: CommunityId,
    pub subject: Subject,
    pub cause: String,
    /// Whether it was the only one of its call, what was told beside it aside, so that the failure is its own.
    pub alone: bool,
}

/// A batch's calls.
pub struct Delivery<'a> {
    pub registry: &'a mut Registry,
    /// `None` only while an object has it.
    view: Option<Box<View>>,
    now: i64,
    failures: Vec<Failure>,
}

impl<'a> Delivery<'a> {
    pub fn new(view: Box<View>, registry: &'a mut Registry, now: i64) -> Self {
        Self { registry, view: Some(view), now, failures: Vec::new() }
    }

    /// The view with all that the objects wrote, and what went wrong.
    pub fn finish(self) -> Result<(Box<View>, Vec<Failure>), StoreError> {
        Ok((self.view.ok_or(StoreError::Closed)?, self.failures))
    }

    /// Tells everyone on the agenda.
    pub fn tell_all(&mut self, agenda: Agenda) -> Result<(), StoreError> {
        for community in agenda.emptied() {
            self.registry.forget(community);
        }
        for (community, matters) in agenda.into_communities() {
            self.tell(community, matters)?;
        }
        Ok(())
    }

    /// Tells one object: its config, what whoever moderates says, accounts, all others, and then the posts of who was admitted by it.
    pub fn tell(&mut self, id: CommunityId, matters: Matters) -> Result<(), StoreError> {
        let Some(community) = directory::by_number(self.view()?, id)? else { return Ok(()) };
        let mut call = Calls { delivery: self, id, community: &community, beside: Vec::new(), pending: Vec::new(), admitted: Admissions::default() };
        let (posts, mut others): (BTreeSet<Subject>, BTreeSet<Subject>) = matters.subjects.into_iter().partition(Subject::is_post);
        if others.remove(&Subject::Config) || matters.everything {
            call.add(Subject::Config)?;
            call.flush()?;
        }
        if others.remove(&Subject::Alarm) {
            call.wake()?;
        }
        others.extend(call.given_up_of_who_was_appointed()?);
        let mut by_quota: BTreeMap<Quota, Vec<Subject>> = BTreeMap::new();
        for subject in others {
            by_quota.entry(call.quota(&subject)?).or_default().push(subject);
        }
        for subjects in by_quota.into_values().rev() {
            for subject in subjects {
                call.add(subject)?;
            }
            call.flush()?;
        }
        if matters.everything {
            call.everything()?;
        }

        let mut authors: BTreeSet<String> = std::mem::take(&mut call.admitted.members).into_iter().collect();
        for did in &authors {
            wants::want(call.delivery.view.as_deref_mut().ok_or(StoreError::Closed)?, did)?;
            call.add(Subject::Account(did.clone()))?;
            call.posts_of(did)?;
        }
        for subject in posts {
            if let Subject::Record(key) = &subject
                && held::is_member(call.delivery.view()?, id, &key.did)?
            {
                // Also where nothing is known of the account: the sweep forgets of one what the object may still remember.
                if authors.insert(key.did.clone()) {
                    call.accompany(Subject::Account(key.did.clone()))?;
                }
                call.add(subject)?;
            }
        }
        call.flush()
    }

    fn view(&self) -> Result<&View, StoreError> {
        self.view.as_deref().ok_or(StoreError::Closed)
    }
}

/// The calls to one object.
struct Calls<'d, 'a> {
    delivery: &'d mut Delivery<'a>,
    id: CommunityId,
    community: &'d Community,
    /// What the next call tells before all else, so that the rest is understood. It is told again with whatever is told again, so a failure isn't
    /// its own: else no post that is tried by itself would ever be alone.
    beside: Vec<Subject>,
    /// What the next call tells.
    pending: Vec<Subject>,
    admitted: Admissions,
}

impl Calls<'_, '_> {
    fn add(&mut self, subject: Subject) -> Result<(), StoreError> {
        self.pending.push(subject);
        if self.beside.len() + self.pending.len() >= NOTICES_AT_ONCE { self.flush() } else { Ok(()) }
    }

    /// Tells something beside what is added next.
    fn accompany(&mut self, subject: Subject) -> Result<(), StoreError> {
        if self.beside.len() + self.pending.len() + 2 > NOTICES_AT_ONCE {
            self.flush()?;
        }
        self.beside.push(subject);
        Ok(())
    }

    /// Everything that names the community, first what whoever moderates has signed.
    fn everything(&mut self) -> Result<(), StoreError> {
        for quota in [Quota::Moderation, Quota::Crowd] {
            let naming = schema::naming(&self.community.uri);
            let mut rest = Span::prefix(&naming);
            loop {
                let page = self.delivery.view()?.range(Table::Routes, &rest, false, NOTICES_AT_ONCE)?;
                let Some((last, _)) = page.last() else { break };
                rest = rest.after(last);
                for (route, _) in page {
                    if let Some(key) = schema::record_key_of(&route[naming.as_ref().len()..]) {
                        let subject = Subject::Record(key);
                        if self.quota(&subject)? == quota {
                            self.add(subject)?;
                        }
                    }
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    /// The actions that were given up on of those to whom the last call has given a say: there may be room for them now.
    fn given_up_of_who_was_appointed(&mut self) -> Result<Vec<Subject>, StoreError> {
        let appointed = std::mem::take(&mut self.admitted.with_say);
        if appointed.is_empty() {
            return Ok(Vec::new());
        }
        retry::actions_of(self.delivery.view.as_deref_mut().ok_or(StoreError::Closed)?, self.id, &appointed)
    }

    fn quota(&self, subject: &Subject) -> Result<Quota, StoreError> {
        quota(self.delivery.view()?, self.id, subject)
    }

    /// All posts of an author with the community's hashtag.
    fn posts_of(&mut self, did: &str) -> Result<(), StoreError> {
        let posts = self.delivery.view()?.range(Table::Routes, &Span::prefix(schema::posts_by(self.community.config.hashtag, did)), false, usize::MAX)?;
        for (route, _) in posts {
            if let Some((did, _, rkey)) = schema::post_route_parts(&route) {
                self.add(Subject::Record(RecordKey { did: did.to_owned(), collection: Collection::Post, rkey: rkey.to_owned() }))?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let (beside, subjects) = (std::mem::take(&mut self.beside), std::mem::take(&mut self.pending));
        let mut notices = Vec::with_capacity(beside.len() + subjects.len());
        for subject in beside.iter().chain(&subjects) {
            notices.extend(self.notice(subject)?);
        }
        let mut quota = Quota::Whole;
        for subject in &subjects {
            quota = quota.min(self.quota(subject)?);
        }
        self.call(Message::Notices(&notices, quota), &subjects)
    }

    fn wake(&mut self) -> Result<(), StoreError> {
        self.call(Message::Wake, &[Subject::Alarm])
    }

    fn call(&mut self, message: Message<'_>, subjects: &[Subject]) -> Result<(), StoreError> {
        let view = self.delivery.view.take().ok_or(StoreError::Closed)?;
        let Told { view, outcome } = self.delivery.registry.tell(view, self.id, self.community, message, self.delivery.now)?;
        self.delivery.view = Some(view);
        match outcome {
            Ok(Admissions { members, with_say }) => {
                self.admitted.members.extend(members);
                self.admitted.with_say.extend(with_say);
            }
            Err(fault) => {
                let cause = fault.to_string();
                tracing::warn!(
                    community = self.community.uri,
                    subjects = subjects.len(),
                    cause,
                    "an object failed: what it was told will be told again, one by one"
                );
                let failure = |subject: &Subject| Failure { community: self.id, subject: subject.clone(), cause: cause.clone(), alone: subjects.len() == 1 };
                self.delivery.failures.extend(subjects.iter().map(failure));
            }
        }
        Ok(())
    }

    /// What is so now of a subject.
    fn notice(&self, subject: &Subject) -> Result<Option<Notice>, StoreError> {
        let view = self.delivery.view()?;
        Ok(match subject {
            Subject::Config => Some(Notice::Config(self.community.config.clone())),
            Subject::Account(did) => {
                let account: Option<AccountFact> = view.read(Table::Accounts, did.as_bytes())?;
                Some(Notice::Account { did: did.clone(), active: account.is_none_or(|account| account.active) })
            }
            Subject::Record(key) => {
                let stored: Option<Stored> = view.read(Table::Records, schema::record(key).as_ref())?;
                self.record(key, stored.and_then(|stored| stored.record))
            }
            Subject::Alarm => None,
        })
    }

    fn record(&self, key: &RecordKey, record: Option<Record>) -> Option<Notice> {
        let Community { uri, config, .. } = self.community;
        let (did, rkey) = (key.did.clone(), key.rkey.clone());
        match key.collection {
            Collection::Post => {
                let post = match record {
                    Some(Record::Post(post)) if post.hashtags.contains(&config.hashtag) => Some(post),
                    _ => None,
                };
                Some(Notice::Post { author: did, rkey, post })
            }
            Collection::Membership => {
                let active = matches!(record, Some(Record::Membership(membership)) if membership.community == *uri && membership.active);
                Some(Notice::Membership { did, rkey, active })
            }
            Collection::Action => {
                let action = match record {
                    Some(Record::Action(action)) if action.community == *uri => Some(action),
                    _ => None,
                };
                Some(Notice::Action { uri: key.uri(), author: did, action })
            }
            Collection::Config => None,
        }
    }
}

/// How much of its namespace the object may fill when it is told this.
pub fn quota(view: &View, id: CommunityId, subject: &Subject) -> Result<Quota, StoreError> {
    Ok(match subject {
        Subject::Config | Subject::Alarm => Quota::Whole,
        Subject::Account(_) => Quota::Accounts,
        Subject::Record(key) if key.collection == Collection::Action && held::moderates(view, id, &key.did)? => Quota::Moderation,
        Subject::Record(_) => Quota::Crowd,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::object::Role;
    use crate::store::{Key, Options, Store};

    #[test]
    fn each_subject_fills_no_more_than_is_kept_for_its_like() {
        const ID: CommunityId = 7;
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
        let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
        for (did, role) in [("did:plc:owner", Role::Owner), ("did:plc:moderator", Role::Moderator), ("did:plc:member", Role::Member)] {
            view.write(Table::Members, Key::community(ID).rest(did).build(), &role);
        }
        let check = |subject: Subject, expected: Quota| assert_eq!(quota(&view, ID, &subject).expect("it can be read"), expected, "{subject}");
        let record = |did: &str, collection| Subject::Record(RecordKey { did: did.to_owned(), collection, rkey: "1".to_owned() });
        check(Subject::Config, Quota::Whole);
        check(Subject::Alarm, Quota::Whole);
        check(Subject::Account("did:plc:owner".to_owned()), Quota::Accounts);
        check(record("did:plc:owner", Collection::Action), Quota::Moderation);
        check(record("did:plc:moderator", Collection::Action), Quota::Moderation);
        check(record("did:plc:member", Collection::Action), Quota::Crowd);
        check(record("did:plc:stranger", Collection::Action), Quota::Crowd);
        check(record("did:plc:owner", Collection::Post), Quota::Crowd);
        check(record("did:plc:moderator", Collection::Membership), Quota::Crowd);
    }
}
