//! Changing a community, and closing it.
//!
//! The config is read from the owner's server and written back with everything in it that nobody asked to change, known here or
//! not; if it was changed in between, it is read again, and in the end the owner is told. The feed's announcement follows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{deleted, written};
use super::create::percent;
use super::generator::{self, Title};
use super::{ATTEMPTS, GENERATOR, uri};
use crate::clock::datetime;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::standing;
use crate::dashboard::text::{DESCRIPTION, NAME};
use crate::dashboard::views::{Community, FeedMix, Stage};
use crate::dashboard::{Dashboard, Problem, find};
use crate::event::{Collection, Operation};
use crate::pds::{Repo, RepoError, Swap, Written};

/// What shall be different. What is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amendment {
    /// At most 100 letters.
    #[schema(min_length = 1, max_length = 1000)]
    pub name: Option<String>,
    /// At most 500 letters; an empty text takes it away.
    #[schema(max_length = 5000)]
    pub description: Option<String>,
    pub stage: Option<Stage>,
    /// The parent's id or AT-URI; an empty text takes it away.
    #[schema(max_length = 600)]
    pub parent: Option<String>,
    pub feed_mix: Option<FeedMix>,
}

/// That a community is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Closed {
    pub closed: bool,
}

/// A config that was written, and what it said before.
pub(super) struct Edited {
    pub(super) written: Written,
    pub(super) record: Map<String, Value>,
    before: Map<String, Value>,
}

impl Dashboard {
    /// Changes a community of the caller's.
    pub async fn amend(&self, caller: &Caller, repo: &Repo, id: &str, wish: Amendment) -> Result<Community, Problem> {
        let (community, edits) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::AmendCommunity.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            let edits = edits(&wish, |parent| {
                let (_, found) = find::find(&snapshot, parent)?;
                if found.uri == community.uri {
                    return Err(Problem::Unprocessable("a community can't be its own parent".to_owned()));
                }
                Ok(found.uri)
            })?;
            (community, edits)
        };
        let edited = edit(repo, &community.rkey, |record| {
            for (field, value) in &edits {
                match value {
                    Some(value) => drop(record.insert((*field).to_owned(), value.clone())),
                    None => drop(record.remove(*field)),
                }
            }
            Ok(())
        })
        .await?;
        let now = datetime(self.parts().clock.now_ms());
        let text = |record: &Map<String, Value>, field: &str| record.get(field).and_then(Value::as_str).map(str::to_owned);
        let record = edited.as_ref().map(|edited| edited.record.clone());
        let (name, description) = match &record {
            Some(record) => (text(record, "name").unwrap_or_default(), text(record, "description")),
            None => (community.config.name.clone(), community.config.description.clone()),
        };
        let title = Title { name: &name, description: description.as_deref() };
        let announced = generator::update(repo, &community.rkey, &self.parts().service_did, title, &now).await;
        let problem = match (announced, edited) {
            (Err(failure), Some(edited)) => Some(self.taken_back(repo, &community.rkey, edited, failure.into()).await),
            (Err(failure), None) => Some(failure.into()),
            (Ok(()), Some(edited)) => {
                let event = written(&caller.did, Collection::Config, &community.rkey, edited.written.rev, Operation::Update, &edited.record);
                self.apply(vec![event]).await;
                None
            }
            (Ok(()), None) => None,
        };
        problem.map_or_else(|| self.community(&caller.did, &community.uri), Err)
    }

    /// The config as it was before, because the feed's announcement could not be changed.
    async fn taken_back(&self, repo: &Repo, rkey: &str, edited: Edited, problem: Problem) -> Problem {
        match repo.put(Collection::Config.nsid(), rkey, edited.before, Swap::Is(&edited.written.cid)).await {
            Ok(_) => problem,
            Err(_) => {
                let event = written(repo.did(), Collection::Config, rkey, edited.written.rev, Operation::Update, &edited.record);
                self.apply(vec![event]).await;
                let message = format!("the community was changed, and its feed's announcement was not: {problem}");
                Problem::Partial { message, remains: vec![edited.written.uri] }
            }
        }
    }

    /// Closes a community of the caller's and withdraws its feed.
    pub async fn close(&self, caller: &Caller, repo: &Repo, id: &str) -> Result<Closed, Problem> {
        let community = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::CloseCommunity.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            community
        };
        if let Some(rev) = repo.delete(Collection::Config.nsid(), &community.rkey, Swap::Any).await? {
            self.apply(vec![deleted(&caller.did, Collection::Config, &community.rkey, rev)]).await;
        } else {
            // Gone already, which the firehose has yet to say: the repo is read.
            self.read_again(&caller.did).await;
        }
        match generator::withdraw(repo, &community.rkey).await {
            Ok(()) => Ok(Closed { closed: true }),
            Err(problem) => {
                let message = format!("the community is closed, and its feed's announcement could not be removed: {problem}");
                Err(Problem::Partial { message, remains: vec![uri(&caller.did, GENERATOR, &community.rkey)] })
            }
        }
    }
}

/// Reads the caller's config, changes it and writes it, as often as somebody else is quicker, within reason. `None` if there is
/// nothing to change.
pub(super) async fn edit(repo: &Repo, rkey: &str, change: impl Fn(&mut Map<String, Value>) -> Result<(), Problem>) -> Result<Option<Edited>, Problem> {
    let collection = Collection::Config.nsid();
    for _ in 0..ATTEMPTS {
        let gone = || Problem::not_found("CommunityNotFound", "the community's record is gone from your repo");
        let found = repo.get(collection, rkey).await?.ok_or_else(gone)?;
        let mut record = found.value.clone();
        change(&mut record)?;
        if record == found.value {
            return Ok(None);
        }
        match repo.put(collection, rkey, record.clone(), Swap::Is(&found.cid)).await {
            Ok(Some(written)) => return Ok(Some(Edited { written, record, before: found.value })),
            Ok(None) => return Ok(None),
            Err(RepoError::Conflict(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(RepoError::Conflict(String::new()).into())
}

/// What becomes of the record's fields; `None` takes one away.
fn edits(wish: &Amendment, parent: impl Fn(&str) -> Result<String, Problem>) -> Result<Vec<(&'static str, Option<Value>)>, Problem> {
    let mut edits = Vec::new();
    if let Some(name) = &wish.name {
        edits.push(("name", Some(json!(NAME.check(name)?))));
    }
    if let Some(description) = &wish.description {
        let description = DESCRIPTION.check(description)?;
        edits.push(("description", (!description.is_empty()).then(|| json!(description))));
    }
    if let Some(stage) = wish.stage {
        edits.push(("stage", Some(json!(stage))));
    }
    if let Some(wanted) = &wish.parent {
        let wanted = if wanted.is_empty() { None } else { Some(json!(parent(wanted)?)) };
        edits.push(("parentCommunity", wanted));
    }
    if let Some(mix) = wish.feed_mix {
        edits.push(("feedMix", Some(percent(mix.percent()?))));
    }
    Ok(edits)
}
