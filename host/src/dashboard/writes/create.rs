//! Creating a community: a free hashtag, the config record, the feed's announcement, and the object that answers for it.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{Effect, Pending, deleted, written};
use super::generator::{self, Title};
use super::pen::Pen;
use super::{GENERATOR, config_uri, shares, uri};
use crate::clock::datetime;
use crate::community::directory::{self, Full};
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::text::{DESCRIPTION, NAME};
use crate::dashboard::times::tid;
use crate::dashboard::views::{self, FeedMix, Stage};
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Collection, Operation};
use crate::pds::Swap;
use crate::record::{Hashtag, RecordKey, Shares};
use crate::sandbox::filter::{RawRecord, Verdict};
use crate::store::{Snapshot, View};

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
    /// Own posts alone, unless something else is said. A share for the parent needs a parent, and a community that hasn't graduated.
    pub feed_mix: Option<FeedMix>,
}

/// How often a hashtag is made up. One in 400,000 is taken on a host with 10,000 communities.
const HASHTAGS: usize = 16;

impl Dashboard {
    /// Creates a community in the caller's repo.
    pub async fn create(&self, caller: &Caller, pen: &Pen, wish: NewCommunity) -> Result<Effect<views::Community>, Problem> {
        Deed::CreateCommunity.allow(caller, Standing::None)?;
        let name = NAME.check(&wish.name)?;
        let description = wish.description.as_deref().map(|text| DESCRIPTION.check(text)).transpose()?.filter(|text| !text.is_empty());
        let stage = wish.stage.unwrap_or(Stage::Theme);
        let shares = wish.feed_mix.map_or(Ok(Shares { own: 100, parent: 0, global: 0 }), FeedMix::percent)?;
        shares::check(shares, wish.parent.is_some(), stage)?;
        let now = self.parts().clock.now_ms();
        let rkey = tid(now);
        let (parent, hashtag) = {
            let snapshot = self.snapshot()?;
            let parent = wish.parent.as_deref().map(|parent| find::find(&snapshot, parent).map(|(_, community)| community.uri)).transpose()?;
            (parent, free_hashtag(&snapshot, rand::random)?)
        };
        self.has_room(&caller.did, &rkey, hashtag)?;

        let created_at = datetime(now);
        let record = config(name, description, hashtag, stage, parent.as_deref(), shares, &created_at);
        let done = match pen.create(Collection::Config.nsid(), &rkey, &record).await {
            Ok(done) => done,
            Err(failed) => {
                let written: &[&str] = if failed.uris().is_empty() { &[] } else { &[Collection::Config.nsid()] };
                return Err(self.undone(pen, &rkey, written, failed.undone()).await);
            }
        };
        let title = Title { name, description };
        if let Err(failed) = generator::publish(pen, &rkey, &self.parts().service_did, title, &created_at).await {
            let both = [GENERATOR, Collection::Config.nsid()];
            let written = if failed.uris().is_empty() { &both[1..] } else { &both };
            return Err(self.undone(pen, &rkey, written, failed.undone()).await);
        }
        let uri_of_config = config_uri(&caller.did, &rkey);
        let event = written(&caller.did, Collection::Config, &rkey, done.rev, Operation::Create, &record);
        if !self.apply(vec![event]).await {
            return Ok(Effect::Pending(Pending::of(vec![uri_of_config, uri(&caller.did, GENERATOR, &rkey)])));
        }
        match self.community(&caller.did, &uri_of_config) {
            Err(Problem::NotFound { .. }) => {
                let refused =
                    Problem::conflict("NotOpened", format!("this host did not open the community: {}", self.not_opened(&caller.did, &rkey, hashtag, &record)?));
                Err(self.undone(pen, &rkey, &[GENERATOR, Collection::Config.nsid()], refused).await)
            }
            outcome => outcome.map(Effect::Seen),
        }
    }

    /// The problem, after what was or may have been written has been taken back; or that it could not be.
    async fn undone(&self, pen: &Pen, rkey: &str, written: &[&str], problem: Problem) -> Problem {
        let pen = pen.undoing();
        let mut remains = Vec::new();
        for collection in written {
            match pen.delete(collection, rkey, Swap::Any).await {
                // The firehose may have brought it meanwhile.
                Ok(Some(rev)) if *collection == Collection::Config.nsid() => {
                    let _ = self.apply(vec![deleted(pen.did(), Collection::Config, rkey, rev)]).await;
                }
                Ok(_) => {}
                Err(_) => remains.push(uri(pen.did(), collection, rkey)),
            }
        }
        problem.leaving(remains, |problem| format!("the community was not created ({problem}), and what was written could not be taken back"))
    }

    /// Whether one more community of this owner would be opened, as far as the index tells.
    fn has_room(&self, did: &str, rkey: &str, hashtag: Hashtag) -> Result<(), Problem> {
        let key = RecordKey { did: did.to_owned(), collection: Collection::Config, rkey: rkey.to_owned() };
        if !(self.parts().may_own)(&key) {
            return Err(Problem::Forbidden("the operator of this host doesn't serve communities of yours".to_owned()));
        }
        let Some(full) = self.full(did, hashtag)? else { return Ok(()) };
        let name = match full {
            Full::Owner => "TooManyCommunities",
            Full::Host => "HostFull",
            Full::Hashtag => "HashtagFull",
        };
        Err(Problem::conflict(name, self.fullness(full)))
    }

    fn full(&self, did: &str, hashtag: Hashtag) -> Result<Option<Full>, Problem> {
        Ok(directory::full(&View::new(self.snapshot()?, None), did, hashtag, &self.parts().bounds)?)
    }

    fn fullness(&self, full: Full) -> String {
        let bounds = &self.parts().bounds;
        match full {
            Full::Owner => format!("you have {} communities here, which is as many as one owner may have", bounds.communities_per_owner),
            Full::Host => format!("this host has {} communities, which is as many as its operator allows", bounds.communities_total),
            Full::Hashtag => format!("{} communities have this hashtag, which is as many as may share one", bounds.communities_per_hashtag),
        }
    }

    /// Why a config that was written opened nothing: others were quicker, or the filter in use here has rules of its own.
    fn not_opened(&self, did: &str, rkey: &str, hashtag: Hashtag, record: &Map<String, Value>) -> Result<String, Problem> {
        if let Some(full) = self.full(did, hashtag)? {
            return Ok(self.fullness(full));
        }
        let json = Value::Object(record.clone()).to_string();
        let judged = (self.parts().judge)(&RawRecord { did, collection: Collection::Config.nsid(), rkey, json: &json });
        Ok(match judged {
            Verdict::Malformed(why) => format!("its filter refuses the record ({why})"),
            _ => "it was closed again at once".to_owned(),
        })
    }
}

/// A hashtag that no community here has, and no post that is held; out of the digits that are drawn.
fn free_hashtag(snapshot: &Snapshot, mut draw: impl FnMut() -> u32) -> Result<Hashtag, Problem> {
    for _ in 0..HASHTAGS {
        let text = format!("{:08x}", draw());
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
    record.insert("feedMix".to_owned(), shares::field(shares));
    record.insert("moderators".to_owned(), json!([]));
    record.insert("createdAt".to_owned(), json!(created_at));
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::community::Bounds;
    use crate::record::{Config, Stage};
    use crate::store::{Options, Store};

    #[test]
    fn a_new_community_gets_a_hashtag_that_nobody_here_has() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a healthy disk");
        let hashtag = |digits: u32| Hashtag::from_digits(format!("{digits:08x}").as_bytes().try_into().expect("eight of them")).expect("they are digits");
        let config = Config {
            name: "Moths".to_owned(),
            description: None,
            hashtag: hashtag(1),
            stage: Stage::Theme,
            parent: None,
            shares: Shares { own: 100, parent: 0, global: 0 },
            moderators: Vec::new(),
            created_at: 0,
        };
        let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
        let key = RecordKey { did: "did:plc:owner".to_owned(), collection: Collection::Config, rkey: "moths".to_owned() };
        directory::open(&mut view, &key, config, &Bounds::default()).expect("a healthy disk").expect("there is room");
        store.commit(&view.into_layer()).expect("a healthy disk");

        let snapshot = store.snapshot().expect("a healthy disk");
        let drawn = |digits: &'static [u32]| {
            let mut digits = digits.iter().copied().cycle();
            free_hashtag(&snapshot, move || digits.next().expect("it goes on for ever"))
        };
        assert_eq!(drawn(&[1, 1, 2]), Ok(hashtag(2)), "what a community has is passed over");
        assert_eq!(drawn(&[3]), Ok(hashtag(3)));
        assert!(matches!(drawn(&[1]), Err(Problem::Unavailable(_))), "and none is given twice, whatever is drawn");
    }
}
