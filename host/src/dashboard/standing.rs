//! What somebody is in a community.
//!
//! Owner and moderators are whom the config names, at once and whatever the community's component makes of it; members are whom that
//! component has admitted.

use super::{Dashboard, Problem, find, views};
use crate::community::Community;
use crate::record::AccountFact;
use crate::store::{CommunityId, Key, Snapshot, Table};

/// In ascending order of what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    None,
    Member,
    Moderator,
    Owner,
}

impl Standing {
    pub(super) fn role(self) -> Option<views::Role> {
        match self {
            Self::None => None,
            Self::Member => Some(views::Role::Member),
            Self::Moderator => Some(views::Role::Moderator),
            Self::Owner => Some(views::Role::Owner),
        }
    }
}

impl Dashboard {
    /// What this DID is in the community with this id, and whether it is blocked there.
    pub fn standing(&self, id: &str, did: &str) -> Result<(Standing, bool), Problem> {
        let reading = self.reading()?;
        let (number, community) = find::find(&reading.snapshot, id)?;
        Ok((standing(&reading.snapshot, number, &community, did)?, is_denied(&reading.snapshot, number, did)?))
    }
}

pub(super) fn standing(snapshot: &Snapshot, id: CommunityId, community: &Community, did: &str) -> Result<Standing, Problem> {
    Ok(if did == community.owner {
        Standing::Owner
    } else if moderates(community, did) {
        Standing::Moderator
    } else if is_member(snapshot, id, did)? {
        Standing::Member
    } else {
        Standing::None
    })
}

pub(super) fn moderates(community: &Community, did: &str) -> bool {
    community.config.moderators.iter().any(|moderator| moderator == did)
}

pub(super) fn is_member(snapshot: &Snapshot, id: CommunityId, did: &str) -> Result<bool, Problem> {
    Ok(snapshot.contains(Table::Members, Key::community(id).rest(did).as_ref())?)
}

/// Whether moderation keeps out this post, by its AT-URI, or this author.
pub(super) fn is_denied(snapshot: &Snapshot, id: CommunityId, target: &str) -> Result<bool, Problem> {
    Ok(snapshot.contains(Table::Denied, Key::community(id).rest(target).as_ref())?)
}

/// What is known of an account, if anything was ever heard of it.
pub(super) fn account(snapshot: &Snapshot, did: &str) -> Result<Option<AccountFact>, Problem> {
    Ok(snapshot.read(Table::Accounts, did.as_bytes())?)
}

pub(super) fn is_active(snapshot: &Snapshot, did: &str) -> Result<bool, Problem> {
    Ok(account(snapshot, did)?.is_none_or(|account| account.active))
}
