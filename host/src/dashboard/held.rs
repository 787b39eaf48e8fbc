//! Whose posts wait for them to join: authors with the community's hashtag who are members of no community that has it.

use super::page::{List, Page, cursor};
use super::{Dashboard, Problem, find, standing, views};
use crate::clock::datetime;
use crate::record::Hashtag;
use crate::store::schema::{self, behind, count};
use crate::store::{CommunityId, Snapshot, Span, Table};

/// Memberships that one call looks at: one for each author and community with the hashtag.
const LOOKUPS: usize = 2_000;

impl Dashboard {
    /// The authors whose posts are held, in the order of their DIDs.
    pub fn held(&self, id: &str, page: &Page) -> Result<views::HeldAuthors, Problem> {
        let reading = self.reading()?;
        let snapshot = &reading.snapshot;
        let (_, community) = find::find(snapshot, id)?;
        let hashtag = community.config.hashtag;
        let communities = with_hashtag(snapshot, hashtag)?;
        let mut rest = Span::prefix(schema::posts_with(hashtag));
        if let Some(did) = page.after(List::Held)?.and_then(|did| String::from_utf8(did).ok()) {
            rest = behind_author(rest, hashtag, &did);
        }
        let (mut authors, mut last, mut lookups) = (Vec::new(), None, 0);
        while let Some(route) = snapshot.first(Table::Routes, &rest, false)? {
            let Some((did, ..)) = schema::post_route_parts(&route) else { break };
            rest = behind_author(rest, hashtag, did);
            let is_held = !is_member_of_any(snapshot, &communities, did)?;
            lookups += communities.len();
            if lookups > LOOKUPS && last.is_some() || is_held && authors.len() == page.limit {
                return Ok(views::HeldAuthors { authors, cursor: last.map(|did: String| cursor(List::Held, did.as_bytes())) });
            }
            // With a full page the list goes on behind its last author.
            if authors.len() < page.limit {
                last = Some(did.to_owned());
            }
            if is_held {
                authors.push(views::HeldAuthor { handle: self.handle_of(did), ..author(snapshot, hashtag, did)? });
            }
        }
        Ok(views::HeldAuthors { authors, cursor: None })
    }
}

fn behind_author(span: Span, hashtag: Hashtag, did: &str) -> Span {
    match behind(schema::posts_by(hashtag, did).as_ref()) {
        // The first key behind an author's is no author's: a zero byte ends every DID.
        Some(end) => span.after(end),
        None => span,
    }
}

fn author(snapshot: &Snapshot, hashtag: Hashtag, did: &str) -> Result<views::HeldAuthor, Problem> {
    let newest = snapshot.first(Table::Routes, &Span::prefix(schema::posts_by(hashtag, did)), true)?;
    let newest = newest.as_deref().and_then(schema::post_route_parts).map_or(0, |(_, time, _)| time);
    Ok(views::HeldAuthor { posts: snapshot.count(count::posts(hashtag, did).as_ref())?, newest: datetime(newest), did: did.to_owned(), handle: None })
}

fn with_hashtag(snapshot: &Snapshot, hashtag: Hashtag) -> Result<Vec<CommunityId>, Problem> {
    let keys = snapshot.keys(Table::Hashtags, &Span::prefix(hashtag.digits()), false, usize::MAX)?;
    Ok(keys.iter().filter_map(|key| schema::last_community(key)).collect())
}

fn is_member_of_any(snapshot: &Snapshot, communities: &[CommunityId], did: &str) -> Result<bool, Problem> {
    for id in communities {
        if standing::is_member(snapshot, *id, did)? {
            return Ok(true);
        }
    }
    Ok(false)
}
