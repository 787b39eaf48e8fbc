//! A server that hosts repos, knows which there are, and tells where they live: a PDS, a relay and a directory of DIDs at one address.
//!
//! It answers over real HTTP what the lexicons say, from the very events that a test publishes or withholds. It can also be what no
//! operator wants to meet: see [`Mood`].

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the server treats requests about a repo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes the answer together, and sends it when [`Hosting::release`] is called.
    Hold,
    /// 429, to be left alone for so many seconds, this often.
    Busy { seconds: u64, times: u32 },
    /// A listing that goes on for ever.
    Endless,
    /// 50 MB of records.
    Huge,
    /// Records of another repo.
    Foreign,
    /// A revision of next year.
    Future,
    /// 500.
    Broken,
    /// Takes the request and never answers.
    Silent,
    /// A redirect to itself.
    Circular,
    /// A document that is another DID's.
    Impostor,
}

#[derive(Debug, Clone, Default)]
struct Repo {
    rev: String,
    status: Option<String>,
    records: BTreeMap<(String, String), Value>,
}

/// One request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    /// Path and query, decoded.
    pub what: String,
}

#[derive(Debug, Default)]
struct State {
    repos: BTreeMap<String, Repo>,
    moods: HashMap<String, Mood>,
    asked: Vec<Asked>,
    /// Hosting in one page of a listing.
    page: usize,
}

/// The server. All clones are one.
#[derive(Debug, Clone)]
pub struct Hosting {
    state: Arc<Mutex<State>>,
    released: watch::Sender<bool>,
    pub address: SocketAddr,
}

impl Hosting {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("a bound listener");
        let repos = Self { state: Arc::new(Mutex::new(State { page: 3, ..State::default() })), released: watch::Sender::new(false), address };
        let serving = repos.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        repos
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes an event, as the firehose tells it, into the repo that it is about.
    pub fn take(&self, event: &str) {
        let event: Value = serde_json::from_str(event).expect("tests publish JSON");
        let did = event["did"].as_str().expect("an event has a DID").to_owned();
        let mut state = self.state();
        let repo = state.repos.entry(did).or_default();
        match event["kind"].as_str() {
            Some("account") => repo.status = event["account"]["status"].as_str().map(str::to_owned),
            Some("commit") => {
                let commit = &event["commit"];
                let text = |field: &str| commit[field].as_str().unwrap_or_default().to_owned();
                repo.rev = text("rev");
                let key = (text("collection"), text("rkey"));
                match commit.get("record") {
                    Some(record) => drop(repo.records.insert(key, record.clone())),
                    None => drop(repo.records.remove(&key)),
                }
            }
            _ => {}
        }
    }

    /// How many repos are in one page of a listing.
    pub fn list_at_once(&self, repos: usize) {
        self.state().page = repos;
    }

    pub fn mood(&self, did: &str, mood: Option<Mood>) {
        let mut state = self.state();
        match mood {
            Some(mood) => drop(state.moods.insert(did.to_owned(), mood)),
            None => drop(state.moods.remove(did)),
        }
    }

    /// Lets go of what is held.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// The requests so far that have all of these in them.
    pub fn asked(&self, parts: &[&str]) -> Vec<Asked> {
        self.state().asked.iter().filter(|asked| parts.iter().all(|part| asked.what.contains(part))).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(path) = head(&mut stream).await {
            let what = decoded(&path);
            self.state().asked.push(Asked { at: Instant::now(), what: what.clone() });
            let (answer, held) = self.answer(&what);
            if held {
                let mut released = self.released.subscribe();
                drop(released.wait_for(|released| *released).await);
            }
            match answer {
                Some(answer) if stream.write_all(answer.as_bytes()).await.is_ok() => {}
                Some(_) => return,
                // Silence, for as long as the other has patience.
                None => drop(stream.read(&mut [0]).await),
            }
        }
    }

    /// The answer, and whether it is held back.
    fn answer(&self, what: &str) -> (Option<String>, bool) {
        let (path, query) = what.split_once('?').unwrap_or((what, ""));
        let parameters: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let method = path.trim_start_matches("/xrpc/").trim_start_matches('/');
        let did = parameters.get("did").or_else(|| parameters.get("repo")).copied().unwrap_or(method);
        let mut state = self.state();
        let mood = state.moods.get(did).copied();
        let repo = state.repos.get(did).cloned();
        let listing = method.ends_with("listRecords");
        match mood {
            Some(Mood::Busy { seconds, times }) if method.starts_with("com.") => {
                let next = (times > 1).then_some(Mood::Busy { seconds, times: times - 1 });
                match next {
                    Some(next) => drop(state.moods.insert(did.to_owned(), next)),
                    None => drop(state.moods.remove(did)),
                }
                return (Some(reply(429, &json!({ "error": "RateLimitExceeded" }).to_string(), &format!("retry-after: {seconds}\r\n"))), false);
            }
            Some(Mood::Broken) if method.starts_with("com.") => return (Some(reply(500, "oops", "")), false),
            Some(Mood::Silent) if listing || method.ends_with("getRecord") => return (None, false),
            Some(Mood::Circular) if listing => return (Some(reply(302, "", &format!("location: {what}\r\n"))), false),
            Some(Mood::Huge) if listing => return (Some(reply(200, &" ".repeat(50 << 20), "")), false),
            _ => {}
        }
        let answer = match (method, repo) {
            (did, Some(_)) if did.starts_with("did:") => {
                let id = if mood == Some(Mood::Impostor) { "did:plc:impostoraaaaaaaaaaaaaaaa" } else { did };
                let service = json!({ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.url() });
                Ok(json!({ "id": id, "alsoKnownAs": [], "verificationMethod": [], "service": [service] }))
            }
            ("com.atproto.sync.getLatestCommit", Some(Repo { status: Some(status), .. })) => {
                Err(if status == "takendown" { "RepoTakendown" } else { "RepoDeactivated" })
            }
            ("com.atproto.sync.getLatestCommit", Some(repo)) => {
                let rev = if mood == Some(Mood::Future) { "3zzzzzzzzzzzz".to_owned() } else { repo.rev };
                Ok(json!({ "cid": "bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i", "rev": rev }))
            }
            ("com.atproto.sync.getRepoStatus", Some(repo)) => Ok(match repo.status {
                Some(status) => json!({ "did": did, "active": false, "status": status }),
                None => json!({ "did": did, "active": true, "rev": repo.rev }),
            }),
            ("com.atproto.repo.listRecords", Some(repo)) => Ok(records(did, &repo, &parameters, mood)),
            ("com.atproto.repo.getRecord", Some(repo)) => {
                let parameter = |name: &str| parameters.get(name).copied().unwrap_or_default().to_owned();
                let key = (parameter("collection"), parameter("rkey"));
                let found = repo.records.get(&key).map(|value| json!({ "uri": format!("at://{did}/{}/{}", key.0, key.1), "cid": "x", "value": value }));
                found.ok_or("RecordNotFound")
            }
            ("com.atproto.sync.listRepos", _) => Ok(state.list(&parameters, |_| true)),
            ("com.atproto.sync.listReposByCollection", _) => {
                let collection = parameters.get("collection").copied().unwrap_or_default();
                Ok(state.list(&parameters, |repo| repo.records.keys().any(|(nsid, _)| nsid == collection)))
            }
            (did, None) if did.starts_with("did:") => {
                return (Some(reply(404, &json!({ "message": format!("DID not registered: {did}") }).to_string(), "")), false);
            }
            (_, None) => Err("RepoNotFound"),
            _ => Err("MethodNotImplemented"),
        };
        let text = match answer {
            Ok(answer) => reply(200, &answer.to_string(), ""),
            Err(error) => reply(400, &json!({ "error": error, "message": error }).to_string(), ""),
        };
        (Some(text), listing && mood == Some(Mood::Hold) && !*self.released.borrow())
    }
}

impl State {
    fn list(&self, parameters: &HashMap<&str, &str>, has: impl Fn(&Repo) -> bool) -> Value {
        let after = parameters.get("cursor").copied().unwrap_or_default();
        let page: Vec<&String> = self.repos.iter().filter(|(did, repo)| did.as_str() > after && has(repo)).map(|(did, _)| did).take(self.page).collect();
        let repos: Vec<Value> = page.iter().map(|did| json!({ "did": did })).collect();
        let mut answer = json!({ "repos": repos });
        if page.len() == self.page {
            answer["cursor"] = json!(page.last());
        }
        answer
    }
}

/// A page of records, from the greatest key to the smallest.
fn records(did: &str, repo: &Repo, parameters: &HashMap<&str, &str>, mood: Option<Mood>) -> Value {
    let collection = parameters.get("collection").copied().unwrap_or_default();
    let limit: usize = parameters.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50);
    let before = parameters.get("cursor").copied();
    if mood == Some(Mood::Endless) {
        let number = before.and_then(|before| before.parse::<u64>().ok()).unwrap_or(u64::from(u32::MAX)) - 1;
        let uri = format!("at://{did}/{collection}/{number}");
        return json!({ "records": [{ "uri": uri, "cid": "x", "value": {} }], "cursor": number.to_string() });
    }
    let owner = if mood == Some(Mood::Foreign) { "did:plc:impostoraaaaaaaaaaaaaaaa" } else { did };
    let of_collection = repo.records.iter().rev().filter(|((nsid, rkey), _)| nsid == collection && before.is_none_or(|before| rkey.as_str() < before));
    let page: Vec<_> = of_collection.take(limit).collect();
    let listed: Vec<Value> =
        page.iter().map(|((nsid, rkey), value)| json!({ "uri": format!("at://{owner}/{nsid}/{rkey}"), "cid": "x", "value": value })).collect();
    let mut answer = json!({ "records": listed });
    // Like the real one, which gives a cursor with every page that has records.
    if let Some(((_, rkey), _)) = page.last() {
        answer["cursor"] = json!(rkey);
    }
    answer
}

fn reply(status: u16, body: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// The path in a request's head; `None` when the connection is at its end.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8_lossy(&head).split(' ').nth(1).map(str::to_owned)
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or(0) as u8;
        decoded.push(if byte == b'%' { digit(bytes.next()) << 4 | digit(bytes.next()) } else { byte });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
