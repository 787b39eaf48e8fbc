//! What is known here of a post in a community, in one snapshot.

use super::super::actions::{Decisive, decisive};
use super::super::members::{memberships, role};
use super::super::posts::is_shown;
use super::super::standing::{account, is_denied};
use super::super::{Dashboard, Problem, find, views};
use crate::community::Community;
use crate::community::letters::{DeadLetter, Retry, Subject, row};
use crate::feed::sources::Window;
use crate::record::{AccountFact, Post, Record, RecordKey, Stored};
use crate::sandbox::mix::SourceKind;
use crate::store::schema::{self, count, post_route_parts};
use crate::store::{CommunityId, Snapshot, Span, Table};

/// The post's record, as far as it is known here.
#[derive(Debug)]
pub(super) enum Known {
    Never,
    /// Deleted, malformed, or without the hashtag of any community.
    Gone,
    Here(Post),
}

/// Somebody's membership records.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) any: bool,
    pub(super) active: bool,
}

/// What moderation keeps out, and by whose action if that can be told.
#[derive(Debug)]
pub(super) struct Denial(pub(super) Option<Decisive>);

/// What the community's component has yet to be told.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) subject: Subject,
    pub(super) cause: String,
    /// It was given up on.
    pub(super) for_good: bool,
}

/// How much of an author's is kept under the hashtag.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) posts: u64,
    pub(super) allowed: u64,
    /// The date of the oldest that is kept.
    pub(super) oldest: Option<i64>,
    /// The hashtag's or the host's bound on held posts is reached.
    pub(super) held_full: bool,
}

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) post: RecordKey,
    pub(super) community: Community,
    pub(super) window: Window,
    pub(super) known: Known,
    pub(super) role: Option<views::Role>,
    pub(super) wishes: Wishes,
    pub(super) blocked: Option<Denial>,
    pub(super) hidden: Option<Denial>,
    pub(super) account: Option<AccountFact>,
    pub(super) room: Room,
    pub(super) waiting: Option<Waiting>,
    /// Whether the community itself shows it, whatever the time.
    pub(super) shown: bool,
    /// By which source the feed shows it now.
    pub(super) source: Option<SourceKind>,
}

impl Facts {
    pub(super) fn gather(dashboard: &Dashboard, id: &str, post: &RecordKey) -> Result<Self, Problem> {
        let reading = dashboard.reading()?;
        let (snapshot, now) = (&reading.snapshot, reading.now);
        let (number, community) = find::find(snapshot, id)?;
        let window = Window::at(now);
        let stored: Option<Stored> = snapshot.read(Table::Records, schema::record(post).as_ref())?;
        let known = match stored.map(|stored| stored.record) {
            None => Known::Never,
            Some(Some(Record::Post(post))) => Known::Here(post),
            Some(_) => Known::Gone,
        };
        let (mut shown, mut source) = (false, None);
        if let Known::Here(record) = &known {
            let place = schema::place(record.sort_time, &post.rkey, &post.did);
            shown = is_shown(snapshot, number, place.as_ref())?;
            if (window.oldest..=window.newest).contains(&record.sort_time) {
                source = dashboard.0.parts.feeds.source_of(snapshot, number, &community, place.as_ref())?;
            }
        }
        let wishes = memberships(snapshot, &community.uri, &post.did)?;
        let wishes = Wishes { any: !wishes.is_empty(), active: wishes.iter().any(|membership| membership.active) };
        let denial = |target: &str| -> Result<Option<Denial>, Problem> {
            if !is_denied(snapshot, number, target)? {
                return Ok(None);
            }
            decisive(snapshot, &community, target, now).map(|decisive| Some(Denial(decisive)))
        };
        let role = role(snapshot, number, &post.did)?;
        Ok(Self {
            blocked: denial(&post.did)?,
            hidden: denial(&post.uri())?,
            account: account(snapshot, &post.did)?,
            room: room(dashboard, snapshot, &community, post, role.is_some())?,
            waiting: waiting(snapshot, number, &community, post)?,
            post: post.clone(),
            community,
            window,
            known,
            role,
            wishes,
            shown,
            source,
        })
    }

    /// Whether the record is here, so that nobody else need be asked.
    pub(super) fn is_known(&self) -> bool {
        matches!(self.known, Known::Here(_))
    }
}

fn room(dashboard: &Dashboard, snapshot: &Snapshot, community: &Community, post: &RecordKey, member: bool) -> Result<Room, Problem> {
    let (bounds, hashtag) = (&dashboard.0.parts.bounds, community.config.hashtag);
    let oldest = snapshot.first(Table::Routes, &Span::prefix(schema::posts_by(hashtag, &post.did)), false)?;
    let held = snapshot.count(count::held(hashtag).as_ref())? >= bounds.held_per_hashtag;
    Ok(Room {
        posts: snapshot.count(count::posts(hashtag, &post.did).as_ref())?,
        allowed: if member { bounds.posts_per_member } else { bounds.held_per_author },
        oldest: oldest.as_deref().and_then(post_route_parts).map(|(_, time, _)| time),
        held_full: !member && (held || snapshot.count(count::held_total().as_ref())? >= bounds.held_total),
    })
}

/// The first thing about the post that the community's component could not take.
fn waiting(snapshot: &Snapshot, id: CommunityId, community: &Community, post: &RecordKey) -> Result<Option<Waiting>, Problem> {
    let mut subjects = vec![Subject::Config, Subject::Account(post.did.clone()), Subject::Record(post.clone())];
    let naming = schema::naming(&community.uri);
    let memberships = naming.clone().bytes(schema::records_of(crate::event::Collection::Membership, &post.did).as_ref());
    for key in snapshot.keys(Table::Routes, &Span::prefix(memberships), false, 10)? {
        subjects.extend(schema::record_key_of(&key[naming.as_ref().len()..]).map(Subject::Record));
    }
    for subject in subjects {
        let key = row(id, &subject);
        if let Some(retry) = snapshot.read::<Retry>(Table::Retries, &key)? {
            return Ok(Some(Waiting { subject, cause: retry.cause, for_good: false }));
        }
        if let Some(letter) = snapshot.read::<DeadLetter>(Table::DeadLetters, &key)? {
            return Ok(Some(Waiting { subject, cause: letter.cause, for_good: true }));
        }
    }
    Ok(None)
}
