//! What a community shows, and what it has and doesn't show.
//!
//! The posts that are shown lie in the order of their feed. The others lie by author, under the hashtag: of each member the newest are read until
//! they are older than a page of what was found before, which costs two look-ups an author.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::page::{List, Page, cursor, list};
use super::standing::{is_active, is_denied, is_member};
use super::views::HiddenBecause;
use super::{Dashboard, Problem, Reading, find, views};
use crate::clock::datetime;
use crate::community::Community;
use crate::community::showing::{Entry, Showing};
use crate::event::Collection;
use crate::feed::sources::Window;
use crate::record::{self, Record, RecordKey, Stored};
use crate::store::schema::{self, behind, place_parts};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, Table};

impl Dashboard {
    /// The community's own posts, newest first: those in its feed, or with `hidden` also those that its members wrote and that aren't in it.
    pub fn posts(&self, id: &str, hidden: bool, page: &Page) -> Result<views::Posts, Problem> {
        let reading = self.reading()?;
        let (number, community) = find::find(&reading.snapshot, id)?;
        let mut posts = if hidden { all(&reading, number, &community, page) } else { shown(&reading, number, page) }?;
        for post in &mut posts.posts {
            post.author_handle = self.handle_of(&post.author);
        }
        Ok(posts)
    }
}

fn shown(reading: &Reading, id: CommunityId, page: &Page) -> Result<views::Posts, Problem> {
    let own = Key::community(id);
    let window = Window::at(reading.now);
    let mut span = Span::between(own.clone().time(window.oldest), own.clone().time(window.newest + 1));
    if let Some(after) = page.after(List::Posts)? {
        span = span.before(own.clone().bytes(&after));
    }
    let found = list(&reading.snapshot, Table::Visible, &span, true, page.limit, |key, value| {
        if !Showing::is_shown(value) {
            return Ok(None);
        }
        let Some((sort_time, rkey, author)) = place_parts(&key[own.as_ref().len()..]) else { return Ok(None) };
        let Entry { reply, languages, labels } = decode::<Showing>(Table::Visible, key, value)?.entry;
        let (uri, created_at) = (post_key(author, rkey).uri(), datetime(sort_time));
        let author = author.to_owned();
        Ok(Some(views::Post { uri, author, author_handle: None, created_at, reply, languages, labels, shown: true, hidden_because: Vec::new() }))
    })?;
    let cursor = found.next.map(|key| cursor(List::Posts, &key[own.as_ref().len()..]));
    Ok(views::Posts { posts: found.items, cursor })
}

fn all(reading: &Reading, id: CommunityId, community: &Community, page: &Page) -> Result<views::Posts, Problem> {
    let window = Window::at(reading.now);
    let mut places = newest(reading, id, community, window, page.after(List::AllPosts)?.as_deref(), page.limit + 1)?;
    let more = places.len() > page.limit;
    places.truncate(page.limit);
    let cursor = places.last().filter(|_| more).map(|place| cursor(List::AllPosts, place));
    let mut posts = Vec::with_capacity(places.len());
    for place in &places {
        let Some((sort_time, rkey, author)) = place_parts(place) else { continue };
        let key = post_key(author, rkey);
        let Some(record::Post { reply, languages, labels, .. }) = post(&reading.snapshot, &key)? else { continue };
        let shown = sort_time <= window.newest && is_shown(&reading.snapshot, id, place)?;
        let hidden_because = if shown { Vec::new() } else { reasons(&reading.snapshot, id, &key, sort_time, window)? };
        let (uri, created_at) = (key.uri(), datetime(sort_time));
        posts.push(views::Post { uri, author: key.did, author_handle: None, created_at, reply, languages, labels, shown, hidden_because });
    }
    Ok(views::Posts { posts, cursor })
}

fn reasons(snapshot: &Snapshot, id: CommunityId, key: &RecordKey, sort_time: i64, window: Window) -> Result<Vec<HiddenBecause>, Problem> {
    let reasons = [
        (HiddenBecause::Hidden, is_denied(snapshot, id, &key.uri())?),
        (HiddenBecause::Blocked, is_denied(snapshot, id, &key.did)?),
        (HiddenBecause::Inactive, !is_active(snapshot, &key.did)?),
        (HiddenBecause::Future, sort_time > window.newest),
    ];
    Ok(reasons.into_iter().filter(|(_, so)| *so).map(|(reason, _)| reason).collect())
}

/// The places of the members' newest posts that aren't past their week, below this place, newest first.
fn newest(reading: &Reading, id: CommunityId, community: &Community, window: Window, below: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, Problem> {
    let (snapshot, hashtag) = (&reading.snapshot, community.config.hashtag);
    let below_time = below.and_then(place_parts).map(|(time, ..)| time);
    // The oldest on top, to be thrown out when a newer one comes.
    let mut found: BinaryHeap<Reverse<Vec<u8>>> = BinaryHeap::new();
    let mut authors = Span::prefix(schema::posts_with(hashtag));
    while let Some(route) = snapshot.first(Table::Routes, &authors, true)? {
        let Some((author, ..)) = schema::post_route_parts(&route) else { break };
        let of_author = schema::posts_by(hashtag, author);
        authors = authors.before(&of_author);
        if !is_member(snapshot, id, author)? {
            continue;
        }
        let end = match below_time {
            Some(time) => of_author.clone().time(time.saturating_add(1)).build(),
            None => behind(of_author.as_ref()).unwrap_or_default(),
        };
        let span = Span::between(of_author.time(window.oldest), end);
        snapshot.scan(Table::Routes, &span, true, |route, _| {
            let Some((author, sort_time, rkey)) = schema::post_route_parts(route) else { return false };
            let place = schema::place(sort_time, rkey, author).build();
            if below.is_some_and(|below| place.as_slice() >= below) {
                return true;
            }
            if found.len() == limit && found.peek().is_some_and(|Reverse(oldest)| place < *oldest) {
                return false;
            }
            found.push(Reverse(place));
            if found.len() > limit {
                found.pop();
            }
            true
        })?;
    }
    Ok(found.into_sorted_vec().into_iter().map(|Reverse(place)| place).collect())
}

pub(super) fn post_key(author: &str, rkey: &str) -> RecordKey {
    RecordKey { did: author.to_owned(), collection: Collection::Post, rkey: rkey.to_owned() }
}

fn post(snapshot: &Snapshot, key: &RecordKey) -> Result<Option<record::Post>, Problem> {
    let stored: Option<Stored> = snapshot.read(Table::Records, schema::record(key).as_ref())?;
    Ok(match stored.and_then(|stored| stored.record) {
        Some(Record::Post(post)) => Some(post),
        _ => None,
    })
}

/// Whether the community shows the post in this place, once its time has come.
pub(super) fn is_shown(snapshot: &Snapshot, id: CommunityId, place: &[u8]) -> Result<bool, Problem> {
    let row = snapshot.get(Table::Visible, Key::community(id).bytes(place).as_ref())?;
    Ok(row.is_some_and(|row| Showing::is_shown(&row)))
}
