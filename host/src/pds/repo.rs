//! One user's own repo, written with the user's own authority.
//!
//! Records go and come as JSON objects, whole: a field that nobody here knows survives a read and a write. What the protocol's data
//! model has no room for (fractions) is refused before it is sent. Whether a record has changed meanwhile is the server's to judge, by the
//! [`Swap`] that goes with each write.
//!
//! A call takes ten seconds at most, less if there is a [`Deadline`], and concerns nobody but its caller. Nothing is tried again here, but
//! for a token that had expired: after [`RepoError::Late`] and [`RepoError::Unreachable`] a write may have been done or not, so whoever
//! repeats it must look first.

use std::sync::Arc;

use atrium_api::agent::Agent;
use atrium_api::com::atproto::repo::{apply_writes, create_record, defs, delete_record, get_record, put_record};
use atrium_api::com::atproto::sync::get_latest_commit;
use atrium_api::types::Unknown;
use atrium_api::types::string::{AtIdentifier, Cid, Did, Nsid, RecordKey};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::agent::{Authority, Caller, Failure, PATIENCE, RepoError};
use super::deadline::Deadline;
use crate::event::Rev;

/// The most writes in one commit; the reference implementation takes 200.
pub const WRITES_AT_ONCE: usize = 100;

/// A user's repo. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Repo {
    agent: Arc<Agent<Caller>>,
    did: Did,
    /// For all calls together, beside the patience of each.
    deadline: Option<Deadline>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repo").field(&self.did.as_str()).finish()
    }
}

/// A record that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub uri: String,
    pub cid: String,
    /// The repo's revision by this write.
    pub rev: Rev,
}

/// A record that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub cid: String,
    pub value: Map<String, Value>,
}

/// What must be there for a write to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap<'a> {
    /// Whatever is there.
    Any,
    /// The record with this CID.
    Is(&'a str),
}

impl Repo {
    /// The repo of whom this is the authority of; `None` if that isn't a DID.
    pub fn new(authority: Arc<dyn Authority>) -> Option<Self> {
        let did = Did::new(authority.did().to_owned()).ok()?;
        Some(Self { agent: Arc::new(Caller(authority).agent()), did, deadline: None })
    }

    /// The same, for calls that end by this moment: what hasn't begun by then is [`RepoError::Late`] and is not asked.
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Whose repo it is.
    pub fn did(&self) -> &str {
        self.did.as_str()
    }

    /// The record, if there is one.
    pub async fn get(&self, collection: &str, rkey: &str) -> Result<Option<Found>, RepoError> {
        let parameters = get_record::ParametersData { cid: None, collection: nsid(collection)?, repo: self.repo(), rkey: key(rkey)? };
        let called = self.within(async { self.agent.api.com.atproto.repo.get_record(parameters.into()).await.map_err(Failure::from_atrium) }).await;
        match called {
            Ok(output) => {
                let cid = output.cid.as_ref().map(text).ok_or_else(|| nonsense("a record without a CID"))?;
                Ok(Some(Found { cid, value: object(&output.value)? }))
            }
            Err(Failure::Refused { name, words, .. }) if name == "RecordNotFound" || words.starts_with("Could not locate record") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The repo's revision.
    pub async fn latest(&self) -> Result<Rev, RepoError> {
        let parameters = get_latest_commit::ParametersData { did: self.did.clone() };
        let latest = self.within(async { self.agent.api.com.atproto.sync.get_latest_commit(parameters.into()).await.map_err(Failure::from_atrium) }).await?;
        Rev::parse(latest.rev.as_str()).ok_or_else(|| nonsense("a revision that is no TID"))
    }

    /// The record, if there is one, with a revision of the repo that is earlier than whatever happens to the record after this: so the two
    /// can be told like a write, and are outdone by every later one.
    pub async fn look(&self, collection: &str, rkey: &str) -> Result<(Rev, Option<Found>), RepoError> {
        let rev = self.latest().await?;
        Ok((rev, self.get(collection, rkey).await?))
    }

    /// Writes a record that isn't there yet; [`RepoError::Conflict`] if it is.
    pub async fn create(&self, collection: &str, rkey: &str, record: Map<String, Value>) -> Result<Written, RepoError> {
        let record = unknown(record)?;
        let input =
            create_record::InputData { collection: nsid(collection)?, record, repo: self.repo(), rkey: Some(key(rkey)?), swap_commit: None, validate: None };
        let called = self.within(async { self.agent.api.com.atproto.repo.create_record(input.into()).await.map_err(Failure::from_atrium) }).await;
        let output = match called {
            Ok(output) => output,
            // The reference server has no word for a key that is taken: it breaks down over it.
            Err(Failure::Refused { status: 500, .. }) if matches!(self.get(collection, rkey).await, Ok(Some(_))) => {
                return Err(RepoError::Conflict("there is a record already".to_owned()));
            }
            Err(failure) => return Err(failure.into()),
        };
        let rev = rev(output.commit.as_ref())?.ok_or_else(|| nonsense("a record without a commit"))?;
        Ok(Written { uri: self.uri(&output.uri, collection, rkey)?, cid: text(&output.cid), rev })
    }

    /// Writes new records of one collection in one commit, so all or none; at most [`WRITES_AT_ONCE`].
    pub async fn create_all(&self, collection: &str, records: &[(String, Map<String, Value>)]) -> Result<Rev, RepoError> {
        let mut writes = Vec::with_capacity(records.len());
        for (rkey, record) in records {
            let create = apply_writes::CreateData { collection: nsid(collection)?, rkey: Some(key(rkey)?), value: unknown(record.clone())? };
            writes.push(apply_writes::InputWritesItem::Create(Box::new(create.into())));
        }
        let input = apply_writes::InputData { repo: self.repo(), swap_commit: None, validate: None, writes };
        let output = self.within(async { self.agent.api.com.atproto.repo.apply_writes(input.into()).await.map_err(Failure::from_atrium) }).await?;
        rev(output.commit.as_ref())?.ok_or_else(|| nonsense("records without a commit"))
    }

    /// Writes a record, new or over what is there. `None` if exactly this was there: then nothing has changed.
    pub async fn put(&self, collection: &str, rkey: &str, record: Map<String, Value>, swap: Swap<'_>) -> Result<Option<Written>, RepoError> {
        let input = put_record::InputData {
            collection: nsid(collection)?,
            record: unknown(record)?,
            repo: self.repo(),
            rkey: key(rkey)?,
            swap_commit: None,
            swap_record: expected(swap)?,
            validate: None,
        };
        let output = self.within(async { self.agent.api.com.atproto.repo.put_record(input.into()).await.map_err(Failure::from_atrium) }).await?;
        let Some(rev) = rev(output.commit.as_ref())? else { return Ok(None) };
        Ok(Some(Written { uri: self.uri(&output.uri, collection, rkey)?, cid: text(&output.cid), rev }))
    }

    /// Deletes a record. `None` if it wasn't there: then nothing has changed.
    pub async fn delete(&self, collection: &str, rkey: &str, swap: Swap<'_>) -> Result<Option<Rev>, RepoError> {
        let input =
            delete_record::InputData { collection: nsid(collection)?, repo: self.repo(), rkey: key(rkey)?, swap_commit: None, swap_record: expected(swap)? };
        let output = self.within(async { self.agent.api.com.atproto.repo.delete_record(input.into()).await.map_err(Failure::from_atrium) }).await?;
        rev(output.commit.as_ref())
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let late = |why: String| Err(Failure::Other(RepoError::Late(why)));
        let over = async {
            match &self.deadline {
                Some(deadline) => deadline.passed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased; // what there is no time for isn't begun
            () = over => late("the time for the whole of it was over".to_owned()),
            called = timeout(PATIENCE, call) => called.unwrap_or_else(|_| late(format!("nothing came within {PATIENCE:?}"))),
        }
    }

    fn repo(&self) -> AtIdentifier {
        self.did.clone().into()
    }

    /// The record's AT-URI, which the server must name as we do.
    fn uri(&self, said: &str, collection: &str, rkey: &str) -> Result<String, RepoError> {
        let uri = format!("at://{}/{collection}/{rkey}", self.did());
        if said == uri { Ok(uri) } else { Err(nonsense("another record than was written")) }
    }
}

fn nonsense(what: &str) -> RepoError {
    RepoError::Unreachable(format!("it answered with {what}"))
}

fn nsid(collection: &str) -> Result<Nsid, RepoError> {
    Nsid::new(collection.to_owned()).map_err(|_| RepoError::Invalid("the collection's name is no NSID".to_owned()))
}

fn key(rkey: &str) -> Result<RecordKey, RepoError> {
    RecordKey::new(rkey.to_owned()).map_err(|_| RepoError::Invalid("the record key is none".to_owned()))
}

fn expected(swap: Swap<'_>) -> Result<Option<Cid>, RepoError> {
    match swap {
        Swap::Any => Ok(None),
        Swap::Is(cid) => cid.parse().map(Some).map_err(|_| RepoError::Invalid("the record's CID is none".to_owned())),
    }
}

fn text(cid: &Cid) -> String {
    cid.as_ref().to_string()
}

fn rev(commit: Option<&defs::CommitMeta>) -> Result<Option<Rev>, RepoError> {
    commit.map(|commit| Rev::parse(commit.rev.as_str()).ok_or_else(|| nonsense("a revision that is no TID"))).transpose()
}

/// A record as atrium sends it.
fn unknown(record: Map<String, Value>) -> Result<Unknown, RepoError> {
    let record = Value::Object(record);
    if has_fraction(&record) {
        return Err(RepoError::Invalid("a record has no room for fractions: numbers are whole".to_owned()));
    }
    serde_json::from_value(record).map_err(|cause| RepoError::Invalid(cause.to_string()))
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_i64() && !number.is_u64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// A record as it came.
fn object(value: &Unknown) -> Result<Map<String, Value>, RepoError> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(nonsense("a record that is no object")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round_trip(value: Value) -> Result<Value, RepoError> {
        let Value::Object(fields) = value else { panic!("a record is an object") };
        Ok(Value::Object(object(&unknown(fields)?)?))
    }

    #[test]
    fn a_record_comes_through_the_agents_types_unchanged() {
        let records = [
            json!({}),
            json!({ "$type": "net.atrarium.community.config", "name": "ä 🦋", "feedMix": { "own": 80, "parent": 0, "global": 20 }, "moderators": [] }),
            json!({ "zeta": 1, "alpha": [null, true, -5, [[]], {}], "big": 9_007_199_254_740_993_i64, "bigger": u64::MAX, "nothing": null }),
            json!({ "link": { "$link": "bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i" }, "bytes": { "$bytes": "AAEC" } }),
            json!({ "blob": { "$type": "blob", "ref": { "$link": "bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy" }, "mimeType": "image/png", "size": 5 } }),
        ];
        for record in records {
            assert_eq!(round_trip(record.clone()), Ok(record));
        }
    }

    #[test]
    fn fractions_are_refused_wherever_they_stand() {
        for record in [json!({ "a": 0.8 }), json!({ "a": { "b": [{ "c": 1.5 }] } }), json!({ "a": [1.0] })] {
            assert!(matches!(round_trip(record.clone()), Err(RepoError::Invalid(_))), "{record}");
        }
    }
}
