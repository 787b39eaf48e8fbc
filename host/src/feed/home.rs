//! The one source of a feed that a post belongs to.
//!
//! A post may be shown by several of the communities that a feed is taken from, and comes and goes in each while somebody
//! reads. Its home is the source that showed it first, counted from the edition with which the walk began; of those that showed
//! it then already, *own*, then *parent*, then *global*. What happens later changes nothing about that, so within a walk no post
//! moves from a source that has yet to reach it to one that has passed it, or the other way. Whether the post is in the feed
//! at all is judged by what is so now.
//!
//! It holds for walks of up to an hour, after which withdrawn rows lose their traces, and for as long as the
//! community's own config stays what it is.

use std::collections::HashSet;

use super::sources::uri;
use crate::community::showing::{Edition, Showing};
use crate::sandbox::mix::SourceKind;
use crate::store::schema::place_parts;
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, StoreError, Table};

/// Which communities a feed is taken from. A source without a share is none.
#[derive(Debug)]
pub struct Origins {
    pub community: CommunityId,
    pub own: bool,
    pub parent: Option<CommunityId>,
    pub global: bool,
    /// Whom the operator keeps out of *global*.
    pub except: HashSet<CommunityId>,
}

impl Origins {
    /// The source that a community's posts are in, as far as it alone is concerned.
    pub fn source_of(&self, id: CommunityId) -> Option<SourceKind> {
        if id == self.community {
            self.own.then_some(SourceKind::Own)
        } else if Some(id) == self.parent {
            Some(SourceKind::Parent)
        } else {
            (self.global && !self.except.contains(&id)).then_some(SourceKind::Global)
        }
    }

    /// Whether the community's moderation lets a post of another community in.
    pub fn let_in(&self, snapshot: &Snapshot, place: &[u8]) -> Result<bool, StoreError> {
        let Some((_, rkey, did)) = place_parts(place) else { return Ok(false) };
        let denied = |target: &str| snapshot.contains(Table::Denied, Key::community(self.community).rest(target).as_ref());
        Ok(!denied(did)? && !denied(&uri(did, rkey))?)
    }
}

/// A post's home in a walk that began with this edition; `None` if the post isn't in the feed now.
pub(super) fn home(snapshot: &Snapshot, origins: &Origins, begun: Edition, place: &[u8]) -> Result<Option<SourceKind>, StoreError> {
    let (mut first, mut own, mut others, mut failed) = (None, false, false, None);
    snapshot.scan(Table::Global, &Span::prefix(Key::new().bytes(place).u8(0)), false, |key, value| {
        let Some(source) = global_parts(key).and_then(|(_, id)| origins.source_of(id)) else { return true };
        match decode::<Showing>(Table::Global, key, value) {
            Ok(showing) => {
                if let Some(met) = showing.first_from(begun)
                    && first.is_none_or(|earlier| (met, source) < earlier)
                {
                    first = Some((met, source));
                }
                let shown = showing.since.is_some();
                own |= shown && source == SourceKind::Own;
                others |= shown && source != SourceKind::Own;
            }
            Err(cause) => failed = Some(cause),
        }
        failed.is_none()
    })?;
    if let Some(cause) = failed {
        return Err(cause);
    }
    let in_the_feed = own || others && origins.let_in(snapshot, place)?;
    Ok(first.map(|(_, source)| source).filter(|_| in_the_feed))
}

/// Place and community in a key of the feed of all communities.
pub(super) fn global_parts(key: &[u8]) -> Option<(&[u8], CommunityId)> {
    let (place, id) = key.split_last_chunk::<4>()?;
    Some((place.strip_suffix(&[0])?, CommunityId::from_be_bytes(*id)))
}
