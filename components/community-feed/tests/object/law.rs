//! The law of the feed against chance: whatever is told in whatever order, with old news in between, the feed is the
//! one that a naive reading of the law gives for the latest facts and the time.

use std::collections::{BTreeMap, BTreeSet};

use atrarium_community_feed::bindings::{
    atrarium::{
        community::index::Role,
        events::types::{
            Action,
            ActionKind::{self, BlockUser, HidePost, UnblockUser, UnhidePost},
            Post,
        },
    },
    exports::atrarium::community::object::Event,
};
use proptest::{prelude::*, sample};

use crate::host::{
    DAY, HASHTAG, HOUR, MINUTE, NOW, OWNER, Shown, World, account_event, action, action_event, action_uri, config_event, membership_event, post, post_event,
    post_uri,
};

const MODERATORS: [&str; 2] = ["did:plc:mia", "did:plc:moe"];
const PEOPLE: [&str; 5] = [OWNER, MODERATORS[0], MODERATORS[1], "did:plc:ann", "did:plc:ben"];
const RKEYS: [&str; 2] = ["1", "2"];

/// One fact of the network, which a later one of the same key replaces.
#[derive(Debug, Clone)]
enum Fact {
    Config(Vec<&'static str>),
    Membership(&'static str, &'static str, bool),
    Account(&'static str, bool),
    Action(&'static str, &'static str, Option<Action>),
    Post(&'static str, &'static str, Option<Post>),
}

#[derive(Debug, Clone)]
enum Step {
    /// The network changes, and the object is told.
    Told(Fact),
    /// The network changes, and the object is told at the end.
    Missed(Fact),
    Pass(i64),
}

impl Fact {
    fn key(&self) -> String {
        match self {
            Self::Config(_) => "config".to_owned(),
            Self::Membership(did, rkey, _) => format!("membership {did} {rkey}"),
            Self::Account(did, _) => format!("account {did}"),
            Self::Action(did, rkey, _) => format!("action {did} {rkey}"),
            Self::Post(did, rkey, _) => format!("post {did} {rkey}"),
        }
    }

    fn event(&self) -> Event {
        match self {
            Self::Config(moderators) => config_event(moderators),
            Self::Membership(did, rkey, active) => membership_event(did, rkey, *active),
            Self::Account(did, active) => account_event(did, *active),
            Self::Action(did, rkey, action) => action_event(did, rkey, action.clone()),
            Self::Post(did, rkey, post) => post_event(did, rkey, post.clone()),
        }
    }
}

/// The latest facts, read literally.
#[derive(Default)]
struct Model {
    facts: BTreeMap<String, Fact>,
}

impl Model {
    fn moderators(&self) -> Option<&[&'static str]> {
        match self.facts.get("config") {
            Some(Fact::Config(moderators)) => Some(moderators),
            _ => None,
        }
    }

    fn members(&self) -> BTreeMap<String, Role> {
        let Some(moderators) = self.moderators() else {
            return BTreeMap::new();
        };
        let mut members = BTreeMap::new();
        for fact in self.facts.values() {
            if let Fact::Membership(did, _, true) = fact {
                members.insert((*did).to_owned(), Role::Member);
            }
        }
        members.extend(moderators.iter().map(|&did| (did.to_owned(), Role::Moderator)));
        members.insert(OWNER.to_owned(), Role::Owner);
        members
    }

    fn denied(&self, now: i64) -> BTreeSet<String> {
        let Some(moderators) = self.moderators() else {
            return BTreeSet::new();
        };
        let mut winners: BTreeMap<&str, (i64, String, ActionKind)> = BTreeMap::new();
        for fact in self.facts.values() {
            let Fact::Action(author, rkey, Some(action)) = fact else {
                continue;
            };
            let subject = PEOPLE.into_iter().find(|did| action.target.contains(did));
            let subject = subject.expect("every target belongs to one of them");
            let may_act = match *author {
                OWNER => subject != OWNER,
                _ => moderators.contains(author) && subject != OWNER && !moderators.contains(&subject),
            };
            let rank = (action.created_at, action_uri(author, rkey), action.kind);
            if may_act && action.created_at <= now + 2 * MINUTE {
                let winner = winners.entry(&action.target).or_insert_with(|| rank.clone());
                if (rank.0, &rank.1) > (winner.0, &winner.1) {
                    *winner = rank;
                }
            }
        }
        let denying = winners.iter().filter(|(_, (.., kind))| matches!(kind, HidePost | BlockUser));
        denying.map(|(target, _)| (*target).to_owned()).collect()
    }

    fn feed(&self, now: i64) -> Vec<Shown> {
        let (members, denied) = (self.members(), self.denied(now));
        let mut feed = Vec::new();
        for fact in self.facts.values() {
            let Fact::Post(did, rkey, Some(post)) = fact else {
                continue;
            };
            let account = self.facts.get(&format!("account {did}"));
            let visible = members.contains_key(*did)
                && !denied.contains(*did)
                && !denied.contains(&post_uri(did, rkey))
                && !matches!(account, Some(Fact::Account(_, false)))
                && post.hashtags.iter().any(|hashtag| hashtag == HASHTAG)
                && (now - 7 * DAY..=now + 2 * MINUTE).contains(&post.sort_time);
            if visible {
                feed.push(((*did).to_owned(), (*rkey).to_owned(), post.sort_time));
            }
        }
        feed.sort();
        feed
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_feed_follows_from_the_latest_facts_and_the_time(
        steps in prop::collection::vec(step(), 1..120),
        order in any::<prop::sample::Index>(),
        batch in 1_usize..30,
        repeats in 1_usize..3,
        rest in sample::select(vec![0, MINUTE, HOUR, 3 * DAY]),
    ) {
        let (mut world, mut model) = (World::new(), Model::default());
        for step in steps {
            match step {
                Step::Pass(milliseconds) => world.pass(milliseconds),
                Step::Missed(fact) => {
                    model.facts.insert(fact.key(), fact);
                }
                Step::Told(fact) => {
                    world.tell([fact.event()]);
                    model.facts.insert(fact.key(), fact);
                }
            }
        }
        let mut news: Vec<Event> = model.facts.values().map(Fact::event).collect();
        let start = order.index(news.len().max(1));
        for _ in 0..repeats {
            news.rotate_left(start);
            for batch in news.chunks(batch) {
                world.tell(batch.to_vec());
            }
            news.reverse();
        }
        world.pass(rest);

        prop_assert_eq!(world.feed(), model.feed(world.now));
        prop_assert_eq!(&world.storage.admitted, &model.members());
        prop_assert_eq!(&world.storage.denied, &model.denied(world.now));
        prop_assert_eq!(world.count("post:"), world.count("author:"));
        prop_assert_eq!(world.count("moderation:"), world.count("target:"));
        prop_assert!(world.storage.shown.len() <= world.count("post:"));
        prop_assert!(world.storage.alarm.is_some() || world.count("post:") == 0);
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => fact().prop_map(Step::Told),
        2 => fact().prop_map(Step::Missed),
        1 => sample::select(vec![1, MINUTE, HOUR, DAY, 4 * DAY]).prop_map(Step::Pass),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    let did = || sample::select(&PEOPLE[..]);
    let rkey = || sample::select(&RKEYS[..]);
    let time = || sample::select(vec![-8 * DAY, -7 * DAY + 600_000, -HOUR, 0, MINUTE, HOUR, 2 * DAY]);
    let post = prop::option::of((time(), any::<bool>())).prop_map(|choice| {
        let (time, tagged) = choice?;
        let mut post = post(NOW + time)?;
        post.hashtags.retain(|hashtag| tagged || hashtag != HASHTAG);
        Some(post)
    });
    let action = prop::option::of((any::<bool>(), any::<bool>(), did(), rkey(), time())).prop_map(|choice| {
        let (on_post, denies, did, rkey, time) = choice?;
        let (kind, target) = match (on_post, denies) {
            (true, true) => (HidePost, post_uri(did, rkey)),
            (true, false) => (UnhidePost, post_uri(did, rkey)),
            (false, true) => (BlockUser, did.to_owned()),
            (false, false) => (UnblockUser, did.to_owned()),
        };
        action(kind, &target, NOW + time)
    });
    prop_oneof![
        1 => sample::subsequence(&MODERATORS[..], 0..=2).prop_map(Fact::Config),
        3 => (did(), rkey(), any::<bool>()).prop_map(|(did, rkey, active)| Fact::Membership(did, rkey, active)),
        1 => (did(), any::<bool>()).prop_map(|(did, active)| Fact::Account(did, active)),
        3 => (did(), rkey(), action).prop_map(|(did, rkey, action)| Fact::Action(did, rkey, action)),
        4 => (did(), rkey(), post).prop_map(|(did, rkey, post)| Fact::Post(did, rkey, post)),
    ]
}
