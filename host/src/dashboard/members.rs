//! Who belongs to a community.

use memchr::memmem::Finder;

use super::page::{List, Page, cursor, list};
use super::standing::{is_active, is_denied};
use super::{Dashboard, Problem, communities, find, views};
use crate::clock::datetime;
use crate::community::Community;
use crate::event::Collection;
use crate::record::{Membership, Record, Stored};
use crate::sandbox::object::Role;
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, Table, schema};

/// Membership records that are looked at for one member's date.
const MEMBERSHIPS: usize = 10;

/// Which members are asked for.
#[derive(Debug, Clone, Default)]
pub struct MembersQuery {
    pub role: Option<views::Role>,
    /// In the DID.
    pub did: Option<String>,
}

impl Dashboard {
    /// The members of a community, in the order of their DIDs.
    pub fn members(&self, id: &str, query: &MembersQuery, page: &Page) -> Result<views::Members, Problem> {
        let reading = self.reading()?;
        let snapshot = &reading.snapshot;
        let (number, community) = find::find(snapshot, id)?;
        let after = page.after(List::Members)?;
        let finder = query.did.as_deref().map(Finder::new);
        let named = |did: &str| finder.as_ref().is_none_or(|part| part.find(did.as_bytes()).is_some());
        let leading = leading(snapshot, number, &community)?;
        let all = communities::members(snapshot, number)?;

        let (dids, next, total) = match query.role {
            // Of these there are few.
            Some(role @ (views::Role::Owner | views::Role::Moderator)) => {
                let of_role: Vec<String> = leading.into_iter().filter(|(_, has)| *has == role).map(|(did, _)| did).collect();
                let total = of_role.len() as u64;
                let behind = |did: &String| after.as_ref().is_none_or(|after| did.as_bytes() > after.as_slice());
                let mut dids: Vec<(String, views::Role)> = of_role.into_iter().filter(|did| behind(did) && named(did)).map(|did| (did, role)).collect();
                let more = dids.len() > page.limit;
                dids.truncate(page.limit);
                let next = dids.last().filter(|_| more).map(|(did, _)| did.clone().into_bytes());
                (dids, next, total)
            }
            role => {
                let own = Key::community(number);
                let mut span = Span::prefix(&own);
                if let Some(after) = after {
                    span = span.after(own.clone().bytes(&after));
                }
                let found = list(snapshot, Table::Members, &span, false, page.limit, |key, value| {
                    let Ok(did) = std::str::from_utf8(&key[own.as_ref().len()..]) else { return Ok(None) };
                    if !named(did) {
                        return Ok(None);
                    }
                    let has = views::Role::from(decode::<Role>(Table::Members, key, value)?);
                    Ok(role.is_none_or(|role| role == has).then(|| (did.to_owned(), has)))
                })?;
                let total = if role.is_none() { all } else { all.saturating_sub(leading.len() as u64) };
                (found.items, found.next.map(|key| key[own.as_ref().len()..].to_vec()), total)
            }
        };
        let members = dids.into_iter().map(|(did, role)| self.member_view(snapshot, number, &community, did, role)).collect::<Result<_, Problem>>()?;
        Ok(views::Members { members, cursor: next.map(|key| cursor(List::Members, &key)), total })
    }

    /// One member; `None` for who isn't one.
    pub fn member(&self, id: &str, did: &str) -> Result<Option<views::Member>, Problem> {
        let reading = self.reading()?;
        let (number, community) = find::find(&reading.snapshot, id)?;
        match role(&reading.snapshot, number, did)? {
            Some(role) => self.member_view(&reading.snapshot, number, &community, did.to_owned(), role).map(Some),
            None => Ok(None),
        }
    }

    fn member_view(&self, snapshot: &Snapshot, id: CommunityId, community: &Community, did: String, role: views::Role) -> Result<views::Member, Problem> {
        let joined = memberships(snapshot, &community.uri, &did)?.iter().filter(|membership| membership.active).map(|membership| membership.joined_at).min();
        let since = joined.or((role == views::Role::Owner).then_some(community.config.created_at)).map(datetime);
        let (blocked, active) = (is_denied(snapshot, id, &did)?, is_active(snapshot, &did)?);
        Ok(views::Member { handle: self.handle_of(&did), role, blocked, active, since, did })
    }
}

/// The role in which the community has admitted this DID, if it has.
pub(super) fn role(snapshot: &Snapshot, id: CommunityId, did: &str) -> Result<Option<views::Role>, Problem> {
    Ok(snapshot.read::<Role>(Table::Members, Key::community(id).rest(did).as_ref())?.map(views::Role::from))
}

/// Owner and moderators, as the community has admitted them, in the order of their DIDs.
fn leading(snapshot: &Snapshot, id: CommunityId, community: &Community) -> Result<Vec<(String, views::Role)>, Problem> {
    let mut dids: Vec<&String> = community.config.moderators.iter().chain([&community.owner]).collect();
    dids.sort_unstable();
    dids.dedup();
    let mut leading = Vec::new();
    for did in dids {
        if let Some(role) = role(snapshot, id, did)?.filter(|role| *role != views::Role::Member) {
            leading.push((did.clone(), role));
        }
    }
    Ok(leading)
}

/// Somebody's membership records in a community.
pub(super) fn memberships(snapshot: &Snapshot, community_uri: &str, did: &str) -> Result<Vec<Membership>, Problem> {
    let naming = schema::naming(community_uri);
    let prefix = naming.clone().bytes(schema::records_of(Collection::Membership, did).as_ref());
    let mut memberships = Vec::new();
    for key in snapshot.keys(Table::Routes, &Span::prefix(prefix), false, MEMBERSHIPS)? {
        let stored: Option<Stored> = snapshot.read(Table::Records, &key[naming.as_ref().len()..])?;
        if let Some(Record::Membership(membership)) = stored.and_then(|stored| stored.record) {
            memberships.push(membership);
        }
    }
    Ok(memberships)
}
