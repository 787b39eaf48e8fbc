//! One community, and lists of them.
//!
//! A list goes in the order in which communities were opened, by their numbers, which are never used twice. All numbers that are shown are
//! counted as they change, so a community costs a dozen look-ups, however large it is.

use std::collections::BTreeMap;

use memchr::memmem::Finder;

use super::page::{List, Page, cursor};
use super::standing::{is_denied, standing};
use super::{Dashboard, Problem, Reading, find, views};
use crate::community::Community;
use crate::community::showing::{DAY_MS, Showing};
use crate::feed::skeleton::feed_uri;
use crate::feed::sources::Window;
use crate::record::Stage;
use crate::sandbox::object::Role;
use crate::store::schema::{self, count};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, StoreError, Table};

/// Which communities are asked for.
#[derive(Debug, Clone, Default)]
pub struct CommunitiesQuery {
    /// In the name, in any case.
    pub name: Option<String>,
    /// What the caller is in them.
    pub role: Option<RoleFilter>,
    pub stage: Option<views::Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleFilter {
    /// Any role.
    Mine,
    Owner,
    Moderator,
    Member,
}

impl RoleFilter {
    fn covers(self, role: Role) -> bool {
        match self {
            Self::Mine => true,
            Self::Owner => role == Role::Owner,
            Self::Moderator => role == Role::Moderator,
            Self::Member => role == Role::Member,
        }
    }
}

impl Dashboard {
    /// The community with this id, as this caller sees it.
    pub fn community(&self, caller: &str, id: &str) -> Result<views::Community, Problem> {
        let reading = self.reading()?;
        let (number, community) = find::find(&reading.snapshot, id)?;
        let mut view = view(&reading, caller, number, community)?;
        view.owner_handle = self.handle_of(&view.owner);
        view.moderator_handles = view.moderators.iter().filter_map(|did| Some((did.clone(), self.handle_of(did)?))).collect();
        Ok(view)
    }

    /// The communities of this host.
    pub fn communities(&self, caller: &str, query: &CommunitiesQuery, page: &Page) -> Result<views::Communities, Problem> {
        let reading = self.reading()?;
        let after = after(page, List::Communities)?;
        let name = query.name.as_ref().map(|name| name.to_lowercase());
        let found = match query.role {
            Some(role) => of_caller(&reading.snapshot, caller, role, query.stage, name.as_deref(), after, page.limit + 1)?,
            None if name.is_none() && query.stage.is_none() => all(&reading.snapshot, after, page.limit + 1)?,
            None => {
                let fits = |stage: Stage| query.stage.is_none_or(|wanted| wanted == stage.into());
                let finder = name.as_deref().map(Finder::new);
                let named = |entry: &str| finder.as_ref().is_none_or(|name| name.find(entry.as_bytes()).is_some());
                let changes = &self.0.parts.changes;
                self.0.catalogue.find(&reading, changes, after, page.limit + 1, |entry| fits(entry.stage) && named(&entry.name))?
            }
        };
        views_of(&reading, caller, found, page, List::Communities)
    }

    /// The communities whose parent this one is.
    pub fn children(&self, caller: &str, id: &str, page: &Page) -> Result<views::Communities, Problem> {
        let reading = self.reading()?;
        let (_, parent) = find::find(&reading.snapshot, id)?;
        let after = after(page, List::Children)?;
        let is_child = |entry: &super::catalogue::Entry| entry.parent.as_ref() == Some(&parent.uri);
        let found = self.0.catalogue.find(&reading, &self.0.parts.changes, after, page.limit + 1, is_child)?;
        views_of(&reading, caller, found, page, List::Children)
    }
}

fn after(page: &Page, list: List) -> Result<Option<CommunityId>, Problem> {
    Ok(page.after(list)?.and_then(|key| key.try_into().ok()).map(CommunityId::from_be_bytes))
}

fn all(snapshot: &Snapshot, after: Option<CommunityId>, limit: usize) -> Result<Vec<CommunityId>, Problem> {
    let span = after.map_or_else(Span::all, |after| Span::all().after(Key::community(after)));
    let keys = snapshot.keys(Table::Communities, &span, false, limit)?;
    Ok(keys.iter().filter_map(|key| schema::last_community(key)).collect())
}

/// Of the communities that have admitted the caller.
fn of_caller(
    snapshot: &Snapshot,
    caller: &str,
    role: RoleFilter,
    stage: Option<views::Stage>,
    name: Option<&str>,
    after: Option<CommunityId>,
    limit: usize,
) -> Result<Vec<CommunityId>, Problem> {
    let prefix = schema::communities_of(caller);
    let mut span = Span::prefix(&prefix);
    if let Some(after) = after {
        span = span.after(prefix.u32(after));
    }
    let (mut found, mut failed) = (Vec::new(), None);
    snapshot.scan(Table::Belongs, &span, false, |key, value| {
        let wanted = || -> Result<Option<CommunityId>, Problem> {
            let Some(id) = schema::last_community(key) else { return Ok(None) };
            if !role.covers(decode::<Role>(Table::Belongs, key, value)?) {
                return Ok(None);
            }
            if name.is_none() && stage.is_none() {
                return Ok(Some(id));
            }
            let Some(Community { config, .. }) = find::community(snapshot, id)? else { return Ok(None) };
            let named = name.is_none_or(|name| config.name.to_lowercase().contains(name));
            Ok((named && stage.is_none_or(|stage| stage == config.stage.into())).then_some(id))
        };
        match wanted() {
            Ok(id) => found.extend(id),
            Err(problem) => failed = Some(problem),
        }
        failed.is_none() && found.len() < limit
    })?;
    failed.map_or(Ok(found), Err)
}

/// A page of what was found, which is one more than the page has if there is more.
fn views_of(reading: &Reading, caller: &str, mut found: Vec<CommunityId>, page: &Page, list: List) -> Result<views::Communities, Problem> {
    let more = found.len() > page.limit;
    found.truncate(page.limit);
    let mut communities = Vec::with_capacity(found.len());
    for id in &found {
        if let Some(community) = find::community(&reading.snapshot, *id)? {
            communities.push(view(reading, caller, *id, community)?);
        }
    }
    let cursor = found.last().filter(|_| more).map(|last| cursor(list, &last.to_be_bytes()));
    Ok(views::Communities { communities, cursor })
}

fn view(reading: &Reading, caller: &str, id: CommunityId, community: Community) -> Result<views::Community, Problem> {
    let snapshot = &reading.snapshot;
    let role = standing(snapshot, id, &community, caller)?.role();
    let of_hashtag = snapshot.keys(Table::Hashtags, &Span::prefix(community.config.hashtag.digits()), false, 2)?;
    let short = find::id_of(snapshot, id, &community)?;
    let Community { uri, owner, rkey, config } = community;
    Ok(views::Community {
        id: short,
        feed: feed_uri(&owner, &rkey),
        member_count: members(snapshot, id)?,
        post_count: posts(snapshot, id, Window::at(reading.now))?,
        role,
        blocked: is_denied(snapshot, id, caller)?,
        shared_hashtag: of_hashtag.len() > 1,
        uri,
        owner,
        owner_handle: None,
        name: config.name,
        description: config.description,
        hashtag: config.hashtag.to_string(),
        stage: config.stage.into(),
        parent: config.parent,
        feed_mix: config.shares.into(),
        moderators: config.moderators,
        moderator_handles: BTreeMap::new(),
        created_at: crate::clock::datetime(config.created_at),
    })
}

pub(super) fn members(snapshot: &Snapshot, id: CommunityId) -> Result<u64, StoreError> {
    snapshot.count(count::members(id).as_ref())
}

/// The posts that the community shows: those of all days that the window touches, without those of the first day that are too old, and
/// those of the last that wait. Of the first day the shorter part is counted post by post; of those that wait there are few.
pub(super) fn posts(snapshot: &Snapshot, id: CommunityId, window: Window) -> Result<u64, StoreError> {
    let (first, last) = (window.oldest.div_euclid(DAY_MS), window.newest.div_euclid(DAY_MS));
    let days = Span::between(count::shown(id, first), count::shown(id, last + 1));
    let mut total = 0;
    snapshot.scan(Table::Counts, &days, false, |_, value| {
        total += value.try_into().map_or(0, u64::from_be_bytes);
        true
    })?;
    if total == 0 {
        return Ok(0);
    }
    let (begin, end) = (first * DAY_MS, (first + 1) * DAY_MS);
    let too_old = if window.oldest - begin <= DAY_MS / 2 {
        shown(snapshot, id, begin, window.oldest)?
    } else {
        snapshot.count(count::shown(id, first).as_ref())?.saturating_sub(shown(snapshot, id, window.oldest, end)?)
    };
    let waiting = shown(snapshot, id, window.newest + 1, (last + 1) * DAY_MS)?;
    Ok(total.saturating_sub(too_old).saturating_sub(waiting))
}

/// The posts that it shows dated from here on, and before there.
fn shown(snapshot: &Snapshot, id: CommunityId, from: i64, until: i64) -> Result<u64, StoreError> {
    let own = Key::community(id);
    let mut shown = 0;
    snapshot.scan(Table::Visible, &Span::between(own.clone().time(from), own.time(until)), false, |_, row| {
        shown += u64::from(Showing::is_shown(row));
        true
    })?;
    Ok(shown)
}
