//! The communities of this host, as an operator sees them: who has them, and what they take up.

use serde::{Deserialize, Serialize};

use super::{Refusal, Upkeep};
use crate::community::Community;
use crate::community::load::Load;
use crate::dashboard::find;
use crate::event::{Body, Event, ObjectOrder, ObjectWhat};
use crate::store::schema::count;
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Snapshot, Span, Table};

/// A community in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What it is called here.
    pub id: String,
    /// The AT-URI of its config.
    pub uri: String,
    pub name: String,
    pub hashtag: String,
    pub members: u64,
    /// Posts that are kept for its feed, whatever their dates: what is over by less than a day, too, and what waits.
    pub posts: u64,
    pub dead_letters: u64,
    /// Of one processor, lately, by its object and its feed; missing where the server doesn't run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
}

/// One community.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    #[serde(flatten)]
    pub line: Line,
    pub owner: String,
    pub moderators: Vec<String>,
    pub stage: String,
    /// The AT-URI of its parent's config.
    pub parent: Option<String>,
    /// Whole percent of the feed's sources: its own, the parent, all others.
    pub shares: [u32; 3],
    /// Posts under its hashtag by people who are members of no community that has it.
    pub held_posts: u64,
    /// Rows and bytes of its object's own storage.
    pub object_rows: u64,
    pub object_bytes: u64,
    /// Whom and what its moderation keeps out.
    pub denied: u64,
    /// Subjects that wait to be told again.
    pub retries: u64,
}

impl Upkeep {
    pub(super) fn communities(&self) -> Result<Vec<Line>, Refusal> {
        let snapshot = self.parts.store.snapshot()?;
        let mut found = Vec::new();
        let mut broken = None;
        snapshot.scan(Table::Communities, &Span::all(), false, |key, value| {
            match (key.try_into().map(CommunityId::from_be_bytes), decode::<Community>(Table::Communities, key, value)) {
                (Ok(number), Ok(community)) => found.push((number, community)),
                (_, Err(cause)) => broken = Some(cause),
                (Err(_), _) => {}
            }
            broken.is_none()
        })?;
        if let Some(cause) = broken {
            return Err(cause.into());
        }
        let loads: std::collections::HashMap<String, Load> = self.parts.loads.iter().flat_map(|loads| loads.all()).collect();
        let mut lines = Vec::with_capacity(found.len());
        for (number, community) in found {
            let load = self.parts.loads.as_ref().map(|_| loads.get(&community.uri).copied().unwrap_or_default());
            lines.push(line(&snapshot, number, &community, load)?);
        }
        Ok(lines)
    }

    pub(super) fn community(&self, id: &str) -> Result<Details, Refusal> {
        let snapshot = self.parts.store.snapshot()?;
        let (number, community) = find::find(&snapshot, id)?;
        let load =
            self.parts.loads.as_ref().map(|loads| loads.all().into_iter().find(|(uri, _)| *uri == community.uri).map(|(_, load)| load).unwrap_or_default());
        let own = Span::prefix(Key::community(number));
        let config = &community.config;
        Ok(Details {
            line: line(&snapshot, number, &community, load)?,
            owner: community.owner.clone(),
            moderators: config.moderators.clone(),
            stage: format!("{:?}", config.stage).to_lowercase(),
            parent: config.parent.clone(),
            shares: [config.shares.own, config.shares.parent, config.shares.global],
            held_posts: snapshot.count(count::held(config.hashtag).as_ref())?,
            object_rows: rows(&snapshot, Table::Objects, &own)?,
            object_bytes: snapshot.count(count::object_bytes(number).as_ref())?,
            denied: rows(&snapshot, Table::Denied, &own)?,
            retries: rows(&snapshot, Table::Retries, &own)?,
        })
    }

    /// The event that orders it.
    pub(super) fn object(&self, id: &str, what: ObjectWhat) -> Result<Event, Refusal> {
        if what == ObjectWhat::Evict && matches!(self.parts.doing, super::Doing::Later(_)) {
            return Err(Refusal("the server doesn't run, so no object is in memory".to_owned()));
        }
        let (_, community) = find::find(&self.parts.store.snapshot()?, id)?;
        Ok(Event { did: String::new(), body: Body::Object(ObjectOrder { community: community.uri, what }) })
    }
}

fn line(snapshot: &Snapshot, number: CommunityId, community: &Community, load: Option<Load>) -> Result<Line, Refusal> {
    let own = Span::prefix(Key::community(number));
    let mut posts = 0;
    snapshot.scan(Table::Counts, &Span::prefix(count::all_shown(number)), false, |_, value| {
        posts += value.try_into().map_or(0, u64::from_be_bytes);
        true
    })?;
    Ok(Line {
        id: find::id_of(snapshot, number, community)?,
        uri: community.uri.clone(),
        name: community.config.name.clone(),
        hashtag: community.config.hashtag.to_string(),
        members: snapshot.count(count::members(number).as_ref())?,
        posts,
        dead_letters: rows(snapshot, Table::DeadLetters, &own)?,
        load: load.map(|load| load.object_share + load.page_share),
    })
}

fn rows(snapshot: &Snapshot, table: Table, span: &Span) -> Result<u64, Refusal> {
    let mut rows = 0;
    snapshot.scan(table, span, false, |_, _| {
        rows += 1;
        true
    })?;
    Ok(rows)
}
