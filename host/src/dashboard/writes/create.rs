//! Creating a community: a free hashtag, the config record, the feed's announcement, and the object that answers for it.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::written;
use super::generator::{self, Title};
use super::{GENERATOR, config_uri, uri};
use crate::clock::datetime;
use crate::community::directory;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::text::{DESCRIPTION, NAME};
use crate::dashboard::times::tid;
use crate::dashboard::views::{Community, FeedMix, Stage};
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Collection, Operation};
use crate::pds::{Repo, Swap};
use crate::record::{Hashtag, RecordKey, Shares};
use crate::store::{Snapshot, Span, StoreError, Table};

/// A community that shall be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCommunity {
    /// At most 100 letters.
    #[schema(min_length = 1, max_length = 1000, example = "Night moths")]
    pub name: String,
    /// At most 500 letters.
    #[schema(max_length = 5000)]
    pub description: Option<String>,
    /// A theme unless something else is said.
    pub stage: Option<Stage>,
    /// The parent's id or AT-URI.
    #[schema(max_length = 600)]
    pub parent: Option<String>,
    /// Own posts alone, unless something else is said.
    pub feed_mix: Option<FeedMix>,
}

/// How often a hashtag is made up. One in 400,000 is taken on a host with 10,000 communities.
const HASHTAGS: usize = 16;

impl Dashboard {
    /// Creates a community in the caller's repo.
    pub async fn create(&self, caller: &Caller, repo: &Repo, wish: NewCommunity) -> Result<Community, Problem> {
        Deed::CreateCommunity.allow(caller, Standing::None)?;
        let name = NAME.check(&wish.name)?;
        let description = wish.description.as_deref().map(|text| DESCRIPTION.check(text)).transpose()?.filter(|text| !text.is_empty());
        let shares = wish.feed_mix.map_or(Ok(Shares { own: 100, parent: 0, global: 0 }), FeedMix::percent)?;
        let now = self.parts().clock.now_ms();
        let rkey = tid(now);
        let (parent, hashtag) = {
            let snapshot = self.snapshot()?;
            self.has_room(&snapshot, &caller.did, &rkey)?;
            let parent = wish.parent.as_deref().map(|parent| find::find(&snapshot, parent).map(|(_, community)| community.uri)).transpose()?;
            (parent, free_hashtag(&snapshot)?)
        };

        let created_at = datetime(now);
        let record = config(name, description, hashtag, wish.stage.unwrap_or(Stage::Theme), parent.as_deref(), shares, &created_at);
        let config = repo.create(Collection::Config.nsid(), &rkey, record.clone()).await?;
        let title = Title { name, description };
        if let Err(failure) = generator::publish(repo, &rkey, &self.parts().service_did, title, &created_at).await {
            return Err(undone(repo, &rkey, Some(&config.cid), &[], failure.into()).await);
        }
        let event = written(&caller.did, Collection::Config, &rkey, config.rev, Operation::Create, &record);
        if !self.apply(vec![event]).await {
            let remains = vec![config_uri(&caller.did, &rkey), uri(&caller.did, GENERATOR, &rkey)];
            let message = "the community is written, and opens as soon as this host has caught up with the network".to_owned();
            return Err(Problem::Partial { message, remains });
        }
        match self.community(&caller.did, &config_uri(&caller.did, &rkey)) {
            Err(Problem::NotFound { .. }) => {
                // Others were quicker, or the filter in use here has rules of its own.
                let refused = Problem::conflict("NotOpened", "this host did not open the community: it may be full");
                Err(undone(repo, &rkey, Some(&config.cid), &[GENERATOR], refused).await)
            }
            outcome => outcome,
        }
    }

    /// Whether one more community of this owner would be opened, as far as the index tells.
    fn has_room(&self, snapshot: &Snapshot, did: &str, rkey: &str) -> Result<(), Problem> {
        let parts = self.parts();
        let key = RecordKey { did: did.to_owned(), collection: Collection::Config, rkey: rkey.to_owned() };
        if !(parts.may_own)(&key) {
            return Err(Problem::Forbidden("the operator of this host doesn't serve communities of yours".to_owned()));
        }
        let count = |table, span: Span, most: usize| {
            let mut rows = 0;
            snapshot.scan(table, &span, false, |_, _| {
                rows += 1;
                rows < most
            })?;
            Ok::<_, StoreError>(rows)
        };
        let (own, all) = (parts.bounds.communities_per_owner, parts.bounds.communities_total);
        if count(Table::CommunityUris, Span::prefix(format!("at://{did}/")), own)? >= own {
            return Err(Problem::conflict("TooManyCommunities", format!("you have {own} communities here, which is as many as one owner may have")));
        }
        if directory::open_communities(snapshot)? >= all as u64 {
            return Err(Problem::conflict("HostFull", "this host has as many communities as its operator allows"));
        }
        Ok(())
    }
}

/// A hashtag that no community here has, and no post that is held.
fn free_hashtag(snapshot: &Snapshot) -> Result<Hashtag, Problem> {
    for _ in 0..HASHTAGS {
        let text = format!("{:08x}", rand::random::<u32>());
        let Some(hashtag) = text.as_bytes().try_into().ok().and_then(Hashtag::from_digits) else { continue };
        if !directory::is_used(snapshot, hashtag)? {
            return Ok(hashtag);
        }
    }
    Err(Problem::Unavailable("no free hashtag was found: try again".to_owned()))
}

fn config(name: &str, description: Option<&str>, hashtag: Hashtag, stage: Stage, parent: Option<&str>, shares: Shares, created_at: &str) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("$type".to_owned(), json!(Collection::Config.nsid()));
    record.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        record.insert("description".to_owned(), json!(description));
    }
    record.insert("hashtag".to_owned(), json!(hashtag.to_string()));
    record.insert("stage".to_owned(), json!(stage));
    if let Some(parent) = parent {
        record.insert("parentCommunity".to_owned(), json!(parent));
    }
    record.insert("feedMix".to_owned(), percent(shares));
    record.insert("moderators".to_owned(), json!([]));
    record.insert("createdAt".to_owned(), json!(created_at));
    record
}

pub(super) fn percent(shares: Shares) -> Value {
    json!({ "own": shares.own, "parent": shares.parent, "global": shares.global })
}

/// The problem, after what was written has been taken back; or that it could not be.
async fn undone(repo: &Repo, rkey: &str, config: Option<&str>, others: &[&str], problem: Problem) -> Problem {
    let mut remains = Vec::new();
    for collection in others {
        if repo.delete(collection, rkey, Swap::Any).await.is_err() {
            remains.push(uri(repo.did(), collection, rkey));
        }
    }
    let swap = config.map_or(Swap::Any, Swap::Is);
    if repo.delete(Collection::Config.nsid(), rkey, swap).await.is_err() {
        remains.push(config_uri(repo.did(), rkey));
    }
    match remains.is_empty() {
        true => problem,
        false => Problem::Partial { message: format!("the community was not created ({problem}), and what was written could not be taken back"), remains },
    }
}
