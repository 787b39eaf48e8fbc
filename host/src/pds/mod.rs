//! What a user's own server says of a repo, and which repos a server or a relay knows.
//!
//! ```text
//! answer.rs    how an answer is read: its error, when to come again
//! repo.rs      one user's own repo, read and written with the user's authority
//! deadline.rs  until when all its calls must have come to an end
//! login.rs     signing in there with a password
//! agent.rs     atrium's agent over our client, for both
//! flat.rs      whether JSON may be parsed by atrium
//! ```
//!
//! [`Pds`] only reads, and only what anybody may read; [`Repo`] writes what its user may write. Neither retries or keeps anything: pace and
//! retries are the caller's. Everything in an answer is text from the network: what comes back from here has been checked against the
//! protocol's syntax and bounded, but for the records' JSON.
//!
//! Shapes are those of the lexicons `com.atproto.sync.*`, `com.atproto.repo.listRecords` and `getRecord`.

mod agent;
mod answer;
mod deadline;
mod flat;
pub mod login;
mod repo;

use std::time::Duration;

use atrium_api::types::string::Did;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

pub(crate) use agent::is_signed_out;
pub use agent::{Authority, RepoError};
pub use answer::PdsError;
pub use deadline::Deadline;
pub use repo::{Found, Repo, Swap, WRITES_AT_ONCE, Written};

use crate::event::{AccountStatus, Collection, MAX_DID, MAX_RECORD, Rev};
use crate::outbound::{Client, Limits, Request};
use crate::record::RecordKey;

/// Records in one page: the lexicon's most.
const RECORDS_AT_ONCE: usize = 100;

/// Repos in one page: the most that both listings take.
const REPOS_AT_ONCE: usize = 1_000;

/// A page of records is a hundred of up to a megabyte each by the specification; real ones have some ten kilobytes.
const RECORDS: Limits = Limits { deadline: Duration::from_secs(20), body: 16 << 20 };

/// A record that is larger than the largest that is looked at is none.
const RECORD: Limits = Limits { deadline: Duration::from_secs(5), body: MAX_RECORD + (64 << 10) };

const REPOS: Limits = Limits { deadline: Duration::from_secs(30), body: 4 << 20 };

const SMALL: Limits = Limits { deadline: Duration::from_secs(10), body: 64 << 10 };

/// The longest cursor that is sent back to who gave it, in bytes.
const MAX_CURSOR: usize = 2_048;

/// One server, seen from outside.
#[derive(Debug, Clone)]
pub struct Pds {
    client: Client,
    origin: Url,
    /// Named by the operator: of these there are few, so connections to them may stay open.
    trusted: bool,
}

/// A page of a collection, from the greatest record key to the smallest.
#[derive(Debug, Default)]
pub struct RecordPage {
    pub records: Vec<Listing>,
    /// `None` at the end.
    pub cursor: Option<String>,
}

/// A record as it is listed.
#[derive(Debug)]
pub struct Listing {
    pub rkey: String,
    pub json: String,
}

/// A page of repos.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RepoPage {
    /// Syntactically right, and not too long.
    pub dids: Vec<String>,
    pub cursor: Option<String>,
}

impl Pds {
    /// The server at this origin, which a DID document names.
    pub fn new(client: Client, origin: &Url) -> Self {
        Self { client, origin: origin.clone(), trusted: false }
    }

    /// The server at this origin, which the operator names.
    pub fn named_by_operator(client: Client, origin: &Url) -> Self {
        Self { trusted: true, ..Self::new(client, origin) }
    }

    /// Host and port: whom a pause concerns.
    pub fn host(&self) -> String {
        self.origin.authority().to_owned()
    }

    /// The repo's revision. An account that isn't active has none: [`PdsError::Inactive`].
    pub async fn latest_rev(&self, did: &str) -> Result<Rev, PdsError> {
        #[derive(Deserialize)]
        struct Latest {
            rev: String,
        }
        let latest: Latest = self.query("com.atproto.sync.getLatestCommit", &[("did", did)], SMALL).await?;
        Rev::parse(&latest.rev).ok_or_else(|| PdsError::Nonsense("a revision that is no TID".to_owned()))
    }

    /// The account's status.
    pub async fn status(&self, did: &str) -> Result<AccountStatus, PdsError> {
        #[derive(Deserialize)]
        struct Status {
            active: bool,
            status: Option<String>,
        }
        let found: Status = self.query("com.atproto.sync.getRepoStatus", &[("did", did)], SMALL).await?;
        Ok(AccountStatus::of(found.active, found.status.as_deref()))
    }

    /// One record's JSON; `None` if the repo doesn't have it.
    pub async fn record(&self, key: &RecordKey) -> Result<Option<String>, PdsError> {
        #[derive(Deserialize)]
        struct Found {
            value: Box<RawValue>,
        }
        let parameters = [("repo", key.did.as_str()), ("collection", key.collection.nsid()), ("rkey", &key.rkey)];
        match self.query::<Found>("com.atproto.repo.getRecord", &parameters, RECORD).await {
            Ok(found) => Ok(Some(String::from(Box::<str>::from(found.value)))),
            Err(PdsError::Refused(cause)) if cause.ends_with(" RecordNotFound") => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// A page of a collection, newest key first.
    pub async fn records(&self, did: &str, collection: Collection, cursor: Option<&str>) -> Result<RecordPage, PdsError> {
        #[derive(Deserialize)]
        struct Page {
            cursor: Option<String>,
            records: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            uri: String,
            value: Box<RawValue>,
        }
        let limit = RECORDS_AT_ONCE.to_string();
        let mut parameters = vec![("repo", did), ("collection", collection.nsid()), ("limit", &limit)];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: Page = self.query("com.atproto.repo.listRecords", &parameters, RECORDS).await?;
        if page.records.len() > RECORDS_AT_ONCE {
            return Err(PdsError::Nonsense(format!("{} records where {RECORDS_AT_ONCE} were asked for", page.records.len())));
        }
        let prefix = format!("at://{did}/{}/", collection.nsid());
        let mut records = Vec::with_capacity(page.records.len());
        for Entry { uri, value } in page.records {
            let rkey = uri
                .strip_prefix(&prefix)
                .filter(|rkey| is_rkey(rkey))
                .ok_or_else(|| PdsError::Nonsense("a record of another repo or collection".to_owned()))?;
            records.push(Listing { rkey: rkey.to_owned(), json: String::from(Box::<str>::from(value)) });
        }
        Ok(RecordPage { cursor: next(page.cursor, cursor, records.is_empty())?, records })
    }

    /// A page of the repos that have records of this collection; a relay answers.
    pub async fn repos_by_collection(&self, collection: Collection, cursor: Option<&str>) -> Result<RepoPage, PdsError> {
        self.repos("com.atproto.sync.listReposByCollection", Some(("collection", collection.nsid())), cursor).await
    }

    /// A page of the repos that the server hosts.
    pub async fn all_repos(&self, cursor: Option<&str>) -> Result<RepoPage, PdsError> {
        self.repos("com.atproto.sync.listRepos", None, cursor).await
    }

    async fn repos(&self, method: &str, parameter: Option<(&str, &str)>, cursor: Option<&str>) -> Result<RepoPage, PdsError> {
        #[derive(Deserialize)]
        struct Page {
            cursor: Option<String>,
            repos: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            did: String,
        }
        let limit = REPOS_AT_ONCE.to_string();
        let mut parameters = vec![("limit", limit.as_str())];
        parameters.extend(parameter);
        parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: Page = self.query(method, &parameters, REPOS).await?;
        let ended = page.repos.is_empty();
        let dids = page.repos.into_iter().map(|entry| entry.did).filter(|did| did.len() <= MAX_DID && Did::new(did.clone()).is_ok()).collect();
        Ok(RepoPage { dids, cursor: next(page.cursor, cursor, ended)? })
    }

    async fn query<T: for<'a> Deserialize<'a>>(&self, method: &str, parameters: &[(&str, &str)], limits: Limits) -> Result<T, PdsError> {
        let mut url = self.origin.clone();
        url.set_path(&format!("/xrpc/{method}"));
        url.query_pairs_mut().clear().extend_pairs(parameters);
        let request = Request::get(&url);
        let request = if self.trusted { request.keep_alive() } else { request };
        let response = self.client.send(request, limits).await?;
        answer::read(&response)
    }
}

/// Where a listing goes on. Many servers give a cursor with their last page, which then leads to an empty one.
fn next(cursor: Option<String>, before: Option<&str>, ended: bool) -> Result<Option<String>, PdsError> {
    match cursor {
        Some(_) if ended => Ok(None),
        Some(cursor) if cursor.is_empty() || cursor.len() > MAX_CURSOR => Err(PdsError::Nonsense("a cursor of no sensible length".to_owned())),
        Some(cursor) if before == Some(cursor.as_str()) => Err(PdsError::Nonsense("a cursor that leads nowhere".to_owned())),
        cursor => Ok(cursor),
    }
}

fn is_rkey(rkey: &str) -> bool {
    atrium_api::types::string::RecordKey::new(rkey.to_owned()).is_ok()
}
