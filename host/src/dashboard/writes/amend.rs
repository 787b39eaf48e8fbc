//! Changing a community, and closing it.
//!
//! The owner's config is edited, and the feed's announcement follows. If it can't, the config is put back as it was. A closing takes
//! the announcement away first, so that what broke off can be repeated.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{Effect, Pending, deleted, written};
use super::edit::{Edit, Edited, edit};
use super::generator::{self, Title};
use super::pen::{Failed, Pen};
use super::{GENERATOR, config_uri, shares, uri};
use crate::clock::datetime;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::standing;
use crate::dashboard::text::{DESCRIPTION, NAME};
use crate::dashboard::views::{self, FeedMix, Stage};
use crate::dashboard::{Dashboard, Problem, find};
use crate::event::{Collection, Event, Operation};
use crate::pds::Swap;
use crate::record::Shares;

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
    /// The share of the parent counts for nothing in a graduated community.
    pub stage: Option<Stage>,
    /// The parent's id or AT-URI; an empty text takes it away.
    #[schema(max_length = 600)]
    pub parent: Option<String>,
    /// A share for the parent needs a parent, and a community that hasn't graduated.
    pub feed_mix: Option<FeedMix>,
}

/// That a community is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Closed {
    pub closed: bool,
}

/// An amendment that was checked.
struct Edits {
    fields: Vec<(&'static str, Option<Value>)>,
    /// Those that are asked for.
    shares: Option<Shares>,
}

impl Dashboard {
    /// Changes a community of the caller's.
    pub async fn amend(&self, caller: &Caller, pen: &Pen, id: &str, wish: Amendment) -> Result<Effect<views::Community>, Problem> {
        let (community, edits) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::AmendCommunity.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            let edits = Edits::of(&wish, |parent| {
                let (_, found) = find::find(&snapshot, parent)?;
                if found.uri == community.uri {
                    return Err(Problem::Unprocessable("a community can't be its own parent".to_owned()));
                }
                Ok(found.uri)
            })?;
            (community, edits)
        };
        let edited = match edit(pen, Collection::Config, &community.rkey, |record| edits.make(record)).await? {
            Edit::Written(edited) => edited,
            Edit::Gone(event) => {
                let _ = self.apply(vec![event]).await;
                return Err(super::config_gone());
            }
        };
        let now = datetime(self.parts().clock.now_ms());
        let announced = generator::update(pen, &community.rkey, &self.parts().service_did, title(&edited.record), &now).await;
        if let Err(failed) = announced {
            return Err(self.taken_back(&pen.undoing(), &community.rkey, edited, failed).await);
        }
        let seen = match self.apply(vec![edited.event]).await {
            true => Some(self.community(&caller.did, &community.uri)?),
            false => None,
        };
        Ok(Effect::of(seen, || vec![community.uri, uri(&caller.did, GENERATOR, &community.rkey)]))
    }

    /// All as it was before, because the feed's announcement could not be changed; or what differs now.
    async fn taken_back(&self, pen: &Pen, rkey: &str, edited: Edited, failed: Failed) -> Problem {
        let Some(before) = edited.before else { return failed.into() };
        let mut remains = Vec::new();
        match pen.put(Collection::Config.nsid(), rkey, &before.record, &before.cid).await {
            // The firehose may have brought the other meanwhile.
            Ok(done) => {
                let event = written(pen.did(), Collection::Config, rkey, done.rev, Operation::Update, &before.record);
                let _ = self.apply(vec![event]).await;
            }
            Err(still) => {
                remains.push(config_uri(pen.did(), rkey));
                if still.uris().is_empty() {
                    let _ = self.apply(vec![edited.event]).await;
                }
            }
        }
        let may_be_changed = !failed.uris().is_empty();
        let now = datetime(self.parts().clock.now_ms());
        if may_be_changed && generator::update(pen, rkey, &self.parts().service_did, title(&before.record), &now).await.is_err() {
            remains.push(uri(pen.did(), GENERATOR, rkey));
        }
        failed.undone().leaving(remains, |cause| format!("the community and its feed's announcement may differ now: {cause}"))
    }

    /// Closes a community of the caller's and withdraws its feed.
    pub async fn close(&self, caller: &Caller, pen: &Pen, id: &str) -> Result<Effect<Closed>, Problem> {
        let community = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::CloseCommunity.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            community
        };
        // The announcement goes first: while there is a config, a closing that broke off can be repeated.
        generator::withdraw(pen, &community.rkey).await?;
        let event = closing(pen, &community.rkey).await.map_err(|failed| {
            let half = |cause: &Problem| format!("the feed is announced no longer, and the community is open still: {cause}. Close it once more");
            Problem::from(failed).leaving(vec![community.uri.clone()], half)
        })?;
        match self.apply(vec![event]).await {
            true => Ok(Effect::Seen(Closed { closed: true })),
            false => Ok(Effect::Pending(Pending::of(vec![community.uri, uri(&caller.did, GENERATOR, &community.rkey)]))),
        }
    }
}

/// Deletes the config; what the firehose will say of it.
async fn closing(pen: &Pen, rkey: &str) -> Result<Event, Failed> {
    let config = Collection::Config;
    Ok(match pen.delete(config.nsid(), rkey, Swap::Any).await? {
        Some(rev) => deleted(pen.did(), config, rkey, rev),
        // Gone already, which the firehose has yet to say.
        None => match pen.look(config.nsid(), rkey).await? {
            (rev, None) => deleted(pen.did(), config, rkey, rev),
            (rev, Some(found)) => written(pen.did(), config, rkey, rev, Operation::Update, &found.value),
        },
    })
}

fn title(config: &Map<String, Value>) -> Title<'_> {
    let text = |field: &str| config.get(field).and_then(Value::as_str);
    Title { name: text("name").unwrap_or_default(), description: text("description") }
}

impl Edits {
    fn of(wish: &Amendment, parent: impl Fn(&str) -> Result<String, Problem>) -> Result<Self, Problem> {
        let mut fields = Vec::new();
        if let Some(name) = &wish.name {
            fields.push(("name", Some(json!(NAME.check(name)?))));
        }
        if let Some(description) = &wish.description {
            let description = DESCRIPTION.check(description)?;
            fields.push(("description", (!description.is_empty()).then(|| json!(description))));
        }
        if let Some(stage) = wish.stage {
            fields.push(("stage", Some(json!(stage))));
        }
        if let Some(wanted) = &wish.parent {
            let wanted = if wanted.is_empty() { None } else { Some(json!(parent(wanted)?)) };
            fields.push(("parentCommunity", wanted));
        }
        let shares = wish.feed_mix.map(FeedMix::percent).transpose()?;
        fields.extend(shares.map(|shares| ("feedMix", Some(shares::field(shares)))));
        Ok(Self { fields, shares })
    }

    /// Changes the record; `None` takes a field away.
    fn make(&self, record: &mut Map<String, Value>) -> Result<(), Problem> {
        for (field, value) in &self.fields {
            match value {
                Some(value) => drop(record.insert((*field).to_owned(), value.clone())),
                None => drop(record.remove(*field)),
            }
        }
        let Some(shares) = self.shares else { return Ok(()) };
        let stage = record.get("stage").and_then(|stage| serde_json::from_value(stage.clone()).ok()).unwrap_or(Stage::Theme);
        shares::check(shares, record.contains_key("parentCommunity"), stage)
    }
}
