//! Whom a batch concerns: for each community, what its object must be told.
//!
//! The agenda names subjects, not states: what an object is told is read when it is told, so several changes of one record in a
//! batch are told once, and a retry hours later tells what is so then. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::community::letters::Subject;
use crate::record::Hashtag;
use crate::store::CommunityId;

/// What one community must be told.
#[derive(Debug, Default)]
pub struct Matters {
    /// The object is new, or its namespace was emptied: tell it everything.
    pub everything: bool,
    pub subjects: BTreeSet<Subject>,
}

/// What the communities must be told.
#[derive(Debug, Default)]
pub struct Agenda {
    communities: BTreeMap<CommunityId, Matters>,
    /// Closed in this batch, emptied, or to be let go: their instances are to be forgotten.
    emptied: BTreeSet<CommunityId>,
    /// Authors with more posts under a hashtag than before.
    crowded: BTreeSet<(Hashtag, String)>,
}

impl Agenda {
    pub fn add(&mut self, community: CommunityId, subject: Subject) {
        self.communities.entry(community).or_default().subjects.insert(subject);
    }

    pub fn add_everything(&mut self, community: CommunityId) {
        self.communities.entry(community).or_default().everything = true;
        self.emptied.insert(community);
    }

    /// The object is let go, and told nothing for that.
    pub fn let_go(&mut self, community: CommunityId) {
        self.emptied.insert(community);
    }

    /// The community is closed: nobody is there to be told.
    pub fn remove(&mut self, community: CommunityId) {
        self.communities.remove(&community);
        self.emptied.insert(community);
    }

    /// The bounds on this author's posts under this hashtag are to be looked at, once it is settled who is a member.
    pub fn crowd(&mut self, hashtag: Hashtag, did: &str) {
        self.crowded.insert((hashtag, did.to_owned()));
    }

    pub fn take_crowded(&mut self) -> BTreeSet<(Hashtag, String)> {
        std::mem::take(&mut self.crowded)
    }

    pub fn is_empty(&self) -> bool {
        self.communities.is_empty()
    }

    pub fn emptied(&self) -> impl Iterator<Item = CommunityId> {
        self.emptied.iter().copied()
    }

    pub fn into_communities(self) -> impl Iterator<Item = (CommunityId, Matters)> {
        self.communities.into_iter()
    }
}
