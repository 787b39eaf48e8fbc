//! The bounds of design section 4: how much is kept, and what goes when there is more.
//!
//! A post is *held* while its author is a member of no open community with its hashtag: it is kept as a record, and told to an
//! object when that object admits the author. Held posts are bounded per author, per hashtag and in all; the posts of a
//! member per hashtag. The oldest go first. Counters are durable and move with what they count, so that a bound costs one
//! look-up. What a bound pushes out is the law's only exception, and is counted.

use crate::record::{Hashtag, RecordKey};
use crate::store::schema::{self, count};
use crate::store::{CommunityId, Key, Span, StoreError, Table, View};

use super::directory;
use crate::sandbox::object::Role;

/// How much of each there may be.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Held posts of one author with one hashtag.
    pub held_per_author: u64,
    /// Held posts with one hashtag.
    pub held_per_hashtag: u64,
    pub held_total: u64,
    /// Posts of a member with one hashtag.
    pub posts_per_member: u64,
    pub communities_per_owner: usize,
    pub communities_total: usize,
    /// Communities that share one hashtag: each post is offered to all of them.
    pub communities_per_hashtag: usize,
    /// Memberships, actions, configs and traces of deleted records of one repo.
    pub others_per_repo: u64,
    /// Memberships of one author in one community: one is of use, and each is told to the object.
    pub memberships_per_author: u64,
    /// Memberships in one community, so that they leave room in its object for posts.
    pub memberships_per_community: u64,
    /// Actions in one community by someone who is neither its owner nor a moderator: they count for nothing now, and each
    /// makes its target be judged anew.
    pub actions_per_stranger: u64,
    /// All actions in one community up to which those are kept at all, so that they leave room in its object for posts: an action
    /// takes two rows of it, some 2,100 bytes with the longest of URIs, so these take 100 MiB of the 224 that there are for a crowd.
    pub actions_of_strangers: u64,
    /// Bytes in one object's namespace; of who may fill how much of them, `desk.rs` knows.
    pub object_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            held_per_author: 100,
            held_per_hashtag: 10_000,
            held_total: 1_000_000,
            posts_per_member: 1_000,
            communities_per_owner: 10,
            communities_total: 10_000,
            communities_per_hashtag: 100,
            others_per_repo: 20_000,
            memberships_per_author: 100,
            memberships_per_community: 100_000,
            actions_per_stranger: 1_000,
            actions_of_strangers: 50_000,
            object_bytes: 256 << 20,
        }
    }
}

/// When a hashtag's or the host's bound is reached, this part of it goes at once: looking for the oldest reads them all.
const SHARE_TO_DROP: u64 = 50;

pub fn is_member(view: &View, id: CommunityId, did: &str) -> Result<bool, StoreError> {
    view.contains(Table::Members, Key::community(id).rest(did).as_ref())
}

/// Whether the object has admitted this DID as its owner or a moderator.
pub fn moderates(view: &View, id: CommunityId, did: &str) -> Result<bool, StoreError> {
    Ok(role(view, id, did)?.is_some_and(Role::has_say))
}

/// As which the object has admitted this DID.
pub fn role(view: &View, id: CommunityId, did: &str) -> Result<Option<Role>, StoreError> {
    view.read(Table::Members, Key::community(id).rest(did).as_ref())
}

/// The open communities with this hashtag that have admitted the author.
pub fn memberships_by(view: &View, hashtag: Hashtag, did: &str) -> Result<Vec<CommunityId>, StoreError> {
    let mut communities = directory::with_hashtag(view, hashtag)?;
    let mut failed = None;
    communities.retain(|id| is_member(view, *id, did).unwrap_or_else(|cause| failed.replace(cause).is_some()));
    failed.map_or(Ok(communities), Err)
}

/// Whether the author is a member of an open community with this hashtag.
pub fn is_member_by(view: &View, hashtag: Hashtag, did: &str) -> Result<bool, StoreError> {
    Ok(!memberships_by(view, hashtag, did)?.is_empty())
}

/// Before a community admits a DID that it hadn't admitted: its posts are held no more.
pub fn admitting(view: &mut View, hashtag: Hashtag, did: &str) -> Result<(), StoreError> {
    if !is_member_by(view, hashtag, did)? {
        let posts = view.count(count::posts(hashtag, did).as_ref())?;
        move_held(view, hashtag, -signed(posts))?;
    }
    Ok(())
}

/// Takes a member out of a community's members: unless another community has admitted it, its posts are held from now on.
pub fn dismissed(view: &mut View, id: CommunityId, hashtag: Hashtag, did: &str) -> Result<(), StoreError> {
    view.delete(Table::Members, Key::community(id).rest(did).build());
    view.delete(Table::Belongs, schema::communities_of(did).u32(id).build());
    view.add(count::members(id).build(), -1)?;
    if !is_member_by(view, hashtag, did)? {
        let posts = view.count(count::posts(hashtag, did).as_ref())?;
        move_held(view, hashtag, signed(posts))?;
    }
    Ok(())
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn move_held(view: &mut View, hashtag: Hashtag, by: i64) -> Result<(), StoreError> {
    if by != 0 {
        view.add(count::held(hashtag).build(), by)?;
        view.add(count::held_total().build(), by)?;
    }
    Ok(())
}

/// Enters a post under a hashtag. `member` as [`is_member_by`] has it, here and below.
pub fn enter(view: &mut View, hashtag: Hashtag, did: &str, sort_time: i64, rkey: &str, member: bool) -> Result<(), StoreError> {
    view.put(Table::Routes, schema::post_route(hashtag, did, sort_time, rkey).build(), Vec::new());
    view.add(count::posts(hashtag, did).build(), 1)?;
    if !member {
        move_held(view, hashtag, 1)?;
    }
    Ok(())
}

/// Takes a post out from under a hashtag.
pub fn leave(view: &mut View, hashtag: Hashtag, did: &str, sort_time: i64, rkey: &str, member: bool) -> Result<(), StoreError> {
    let route = schema::post_route(hashtag, did, sort_time, rkey).build();
    if !view.contains(Table::Routes, &route)? {
        return Ok(());
    }
    view.delete(Table::Routes, route);
    view.add(count::posts(hashtag, did).build(), -1)?;
    if !member {
        move_held(view, hashtag, -1)?;
    }
    Ok(())
}

/// A post that a bound pushes out from under a hashtag, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    pub hashtag: Hashtag,
    pub post: RecordKey,
    pub sort_time: i64,
    /// Which bound, for the counter.
    pub bound: &'static str,
}

/// What is to go first, after this author's posts have been entered; the caller takes it out and asks again until nothing is.
pub fn excess(view: &View, bounds: &Bounds, hashtag: Hashtag, did: &str, member: bool) -> Result<Vec<Excess>, StoreError> {
    let posts = view.count(count::posts(hashtag, did).as_ref())?;
    let (allowed, bound) = if member { (bounds.posts_per_member, "posts-per-member") } else { (bounds.held_per_author, "held-per-author") };
    if posts > allowed {
        let span = Span::prefix(schema::posts_by(hashtag, did));
        let oldest = view.range(Table::Routes, &span, false, usize::try_from(posts - allowed).unwrap_or(usize::MAX))?;
        return Ok(oldest.iter().filter_map(|(route, _)| excess_of(hashtag, route, bound)).collect());
    }
    if member {
        return Ok(Vec::new());
    }
    let held = view.count(count::held(hashtag).as_ref())?;
    if held > bounds.held_per_hashtag {
        return oldest_held(view, Span::prefix(schema::posts_with(hashtag)), held, bounds.held_per_hashtag, "held-per-hashtag");
    }
    let held = view.count(count::held_total().as_ref())?;
    if held > bounds.held_total {
        return oldest_held(view, Span::prefix(b"h"), held, bounds.held_total, "held-total");
    }
    Ok(Vec::new())
}

fn excess_of(hashtag: Hashtag, route: &[u8], bound: &'static str) -> Option<Excess> {
    let (did, sort_time, rkey) = schema::post_route_parts(route)?;
    let post = RecordKey { did: did.to_owned(), collection: crate::event::Collection::Post, rkey: rkey.to_owned() };
    Some(Excess { hashtag, post, sort_time, bound })
}

/// The oldest held posts of a span of routes: what is above the bound, or a share of it where that is more.
fn oldest_held(view: &View, span: Span, held: u64, allowed: u64, bound: &'static str) -> Result<Vec<Excess>, StoreError> {
    let wanted = usize::try_from((held - allowed).max(allowed / SHARE_TO_DROP)).unwrap_or(usize::MAX);
    // The newest of the oldest is on top, to be thrown out when an older one comes.
    let mut oldest: std::collections::BinaryHeap<(i64, Vec<u8>)> = std::collections::BinaryHeap::new();
    let mut of_author: Option<(Vec<u8>, bool)> = None;
    let mut rest = span;
    loop {
        let page = view.range(Table::Routes, &rest, false, 1_024)?;
        let Some((last, _)) = page.last() else { break };
        rest = rest.after(last);
        for (route, _) in page {
            let (Some((did, sort_time, _)), Some(hashtag)) = (schema::post_route_parts(&route), schema::post_route_hashtag(&route)) else { continue };
            let author = route[..9 + did.len()].to_vec();
            let member = match &of_author {
                Some((same, member)) if *same == author => *member,
                _ => is_member_by(view, hashtag, did)?,
            };
            of_author = Some((author, member));
            if !member && (oldest.len() < wanted || oldest.peek().is_some_and(|(newest, _)| sort_time < *newest)) {
                oldest.push((sort_time, route));
                if oldest.len() > wanted {
                    oldest.pop();
                }
            }
        }
    }
    Ok(oldest.into_iter().filter_map(|(_, route)| excess_of(schema::post_route_hashtag(&route)?, &route, bound)).collect())
}
