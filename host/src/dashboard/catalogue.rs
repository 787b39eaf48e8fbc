//! Names and parents of all communities, in memory: a search must not read ten thousand rows.
//!
//! It follows the index: before each use those communities are read again whose config has changed since the last. What it finds is read
//! from the caller's snapshot afterwards, so that an entry that is a moment ahead or behind shows nothing that isn't so.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::{Problem, Reading, find};
use crate::community::showing::Edition;
use crate::community::{Changes, Community};
use crate::record::Stage;
use crate::store::view::decode;
use crate::store::{CommunityId, Span, Table};

/// All open communities.
#[derive(Debug, Default)]
pub(super) struct Catalogue(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    /// `None`: nothing was read yet.
    edition: Option<Edition>,
    entries: BTreeMap<CommunityId, Entry>,
}

/// What a community can be found by.
#[derive(Debug)]
pub(super) struct Entry {
    /// In lower case.
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) parent: Option<String>,
}

impl From<Community> for Entry {
    fn from(community: Community) -> Self {
        Self { name: community.config.name.to_lowercase(), stage: community.config.stage, parent: community.config.parent }
    }
}

impl Catalogue {
    /// The first communities behind this one that are wanted.
    pub(super) fn find(
        &self,
        reading: &Reading,
        changes: &Changes,
        after: Option<CommunityId>,
        limit: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<CommunityId>, Problem> {
        self.follow(reading, changes)?;
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = state.entries.range((from, Bound::Unbounded)).filter(|(_, entry)| wanted(entry));
        Ok(found.map(|(id, _)| *id).take(limit).collect())
    }

    fn follow(&self, reading: &Reading, changes: &Changes) -> Result<(), Problem> {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).edition >= Some(reading.edition) {
            return Ok(());
        }
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(since) = state.edition else { return state.fill(reading) };
        if since >= reading.edition {
            return Ok(());
        }
        let Some(changed) = changes.configs_after(since) else { return state.fill(reading) };
        for id in changed {
            match find::community(&reading.snapshot, id)? {
                Some(community) => drop(state.entries.insert(id, community.into())),
                None => drop(state.entries.remove(&id)),
            }
        }
        state.edition = Some(reading.edition);
        Ok(())
    }
}

impl State {
    fn fill(&mut self, reading: &Reading) -> Result<(), Problem> {
        let (mut entries, mut failed) = (BTreeMap::new(), None);
        reading.snapshot.scan(Table::Communities, &Span::all(), false, |key, value| {
            match (key.try_into().map(CommunityId::from_be_bytes), decode::<Community>(Table::Communities, key, value)) {
                (Ok(id), Ok(community)) => drop(entries.insert(id, Entry::from(community))),
                (Err(_), _) => {}
                (_, Err(cause)) => failed = Some(cause),
            }
            failed.is_none()
        })?;
        if let Some(cause) = failed {
            return Err(cause.into());
        }
        (self.edition, self.entries) = (Some(reading.edition), entries);
        Ok(())
    }
}
