//! Steps before a scripted server: what becomes of them, and how long that takes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::json;
use url::Url;

use super::*;
use crate::outbound::{Limits, Request, Response};
use crate::pds::Authority;

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const COLLECTION: &str = "net.atrarium.community.config";
const REV: &str = "3jzfcijpj2z2a";
const CIDS: [&str; 2] = ["bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i", "bafyreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy"];

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Answered,
    /// Done, without an answer.
    Lost,
    /// Not done, without an answer.
    Unreached,
    /// Not done, and nothing is ever said.
    Silent,
    /// Somebody else writes instead.
    Overtaken,
}
use Way::{Answered, Lost, Overtaken, Silent, Unreached};

/// A server with one record, and what becomes of the next writes and looks; of all further ones, what became of the last.
#[derive(Debug)]
struct Scripted {
    origin: Url,
    record: Mutex<Option<(usize, Value)>>,
    writes: Mutex<VecDeque<Way>>,
    looks: Mutex<VecDeque<Way>>,
}

fn next(ways: &Mutex<VecDeque<Way>>) -> Way {
    let mut ways = ways.lock().expect("nothing panics with it");
    if ways.len() > 1 { ways.pop_front() } else { ways.front().copied() }.expect("there is one for each call")
}

impl Scripted {
    fn answer(&self, method: &str, request: &Request) -> Result<Response, RepoError> {
        let mut record = self.record.lock().expect("nothing panics with it");
        let ok = |body: Value| Ok(Response::scripted(200, body.to_string().into()));
        let commit = json!({ "cid": CIDS[0], "rev": REV });
        let uri = uri(DID, COLLECTION, "moths");
        match method {
            "com.atproto.sync.getLatestCommit" => ok(commit),
            "com.atproto.repo.getRecord" => match &*record {
                Some((cid, value)) => ok(json!({ "uri": uri, "cid": CIDS[*cid], "value": value })),
                None => Ok(Response::scripted(400, json!({ "error": "RecordNotFound" }).to_string().into())),
            },
            "com.atproto.repo.deleteRecord" => {
                let was = record.take().is_some();
                ok(if was { json!({ "commit": commit }) } else { json!({}) })
            }
            _ => {
                let input: Value = serde_json::from_slice(request.body()).expect("it is JSON");
                let written = input.get("record").unwrap_or(&input["writes"][0]["value"]);
                *record = Some((0, written.clone()));
                ok(json!({ "uri": uri, "cid": CIDS[0], "commit": commit }))
            }
        }
    }
}

impl Authority for Scripted {
    fn did(&self) -> &str {
        DID
    }

    fn origin(&self) -> &Url {
        &self.origin
    }

    fn send(&self, request: Request, _: Limits) -> BoxFuture<'_, Result<Response, RepoError>> {
        let method = request.url().path().rsplit('/').next().unwrap_or_default().to_owned();
        let is_look = method.contains(".get");
        let way = next(if is_look { &self.looks } else { &self.writes });
        let gone = || Err(RepoError::Unreachable("gone".to_owned()));
        Box::pin(async move {
            match way {
                Answered => self.answer(&method, &request),
                Lost => self.answer(&method, &request).and_then(|_| gone()),
                Unreached => gone(),
                Silent => std::future::pending().await,
                Overtaken => {
                    *self.record.lock().expect("nothing panics with it") = Some((1, json!({ "name": "theirs" })));
                    gone()
                }
            }
        })
    }
}

/// A pen before such a server, which has this record.
fn pen(record: Option<&str>, writes: &[Way], looks: &[Way]) -> (Pen, Arc<Scripted>) {
    let record = record.map(|name| (1, json!({ "name": name })));
    let origin = Url::parse("http://scripted").expect("a URL");
    let ways = |ways: &[Way]| Mutex::new(ways.iter().copied().collect());
    let server = Arc::new(Scripted { origin, record: Mutex::new(record), writes: ways(writes), looks: ways(looks) });
    let repo = Repo::new(server.clone()).expect("a DID");
    (Pen::new(&repo), server)
}

fn moths() -> Map<String, Value> {
    Map::from_iter([("name".to_owned(), json!("moths"))])
}

/// One word for it.
fn word<T>(outcome: &Result<T, Failed>) -> &'static str {
    match outcome {
        Ok(_) => "done",
        Err(Failed::Refused(RepoError::Conflict(_))) => "conflict",
        Err(Failed::Refused(_)) => "refused",
        Err(Failed::NotDone(_)) => "not done",
        Err(Failed::Unknown { uris, .. }) if *uris == [uri(DID, COLLECTION, "moths")] => "unknown",
        Err(Failed::Unknown { .. }) => "unknown, and elsewhere",
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_is_looked_at_and_never_guessed() {
    // The first of the looks is to see whether the server is there.
    let cases: [(Way, &[Way], &str); 11] = [
        (Answered, &[Answered, Unreached], "done"),
        (Lost, &[Answered], "done"),
        // The first look after it fails at its first question.
        (Lost, &[Answered, Unreached, Answered], "done"),
        (Lost, &[Answered, Unreached], "unknown"),
        (Lost, &[Answered, Silent], "unknown"),
        (Unreached, &[Answered], "not done"),
        (Unreached, &[Answered, Answered, Answered, Unreached], "unknown"),
        (Silent, &[Answered], "not done"),
        (Silent, &[Answered, Silent], "unknown"),
        // Who is away at once was asked for nothing.
        (Lost, &[Unreached], "refused"),
        (Lost, &[Silent], "refused"),
    ];
    for (write, looks, expected) in cases {
        let (pen_of, _) = pen(None, &[write], looks);
        let outcome = pen_of.create(COLLECTION, "moths", &moths()).await;
        assert_eq!(word(&outcome), expected, "create: {write:?} {looks:?}");
        let (pen_of, _) = pen(Some("butterflies"), &[write], looks);
        let outcome = pen_of.put(COLLECTION, "moths", &moths(), CIDS[1]).await;
        assert_eq!(word(&outcome), expected, "put: {write:?} {looks:?}");
        let (pen_of, _) = pen(Some("butterflies"), &[write], looks);
        let outcome = pen_of.delete(COLLECTION, "moths", Swap::Any).await;
        assert_eq!(word(&outcome), expected, "delete: {write:?} {looks:?}");
        let (pen_of, _) = pen(None, &[write], looks);
        let outcome = pen_of.create_all(COLLECTION, &[("moths".to_owned(), moths())]).await.map_err(|(_, failed)| failed);
        assert_eq!(word(&outcome), expected, "create_all: {write:?} {looks:?}");
    }
    let (overtaken, _) = pen(Some("butterflies"), &[Overtaken], &[Answered]);
    assert_eq!(word(&overtaken.put(COLLECTION, "moths", &moths(), CIDS[0]).await), "conflict", "whoever reads again can go on");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_write_is_shared_and_ends_before_anybody_stops_waiting() {
    let began = Instant::now();
    let (pen_of, _) = pen(None, &[Silent], &[Answered, Silent]);
    assert_eq!(word(&pen_of.create(COLLECTION, "moths", &moths()).await), "unknown");
    let undoing = pen_of.undoing();
    assert_eq!(word(&undoing.delete(COLLECTION, "moths", Swap::Any).await), "unknown");
    assert_eq!(word(&undoing.delete(COLLECTION, "moths", Swap::Any).await), "unknown");
    assert!(began.elapsed() <= ALL + PAUSE, "{:?}", began.elapsed());

    // After an answer that never came there is still time to take back.
    let began = Instant::now();
    let (pen_of, server) = pen(None, &[Answered, Silent, Silent, Answered], &[Answered]);
    assert_eq!(word(&pen_of.create(COLLECTION, "moths", &moths()).await), "done");
    assert_eq!(word(&pen_of.put(COLLECTION, "moths", &Map::new(), CIDS[0]).await), "not done");
    assert_eq!(word(&pen_of.put(COLLECTION, "moths", &Map::new(), CIDS[0]).await), "not done", "the time for steps is over");
    assert!(began.elapsed() >= STEPS && began.elapsed() < STEPS + 3 * PAUSE, "{:?}", began.elapsed());
    assert_eq!(word(&pen_of.undoing().delete(COLLECTION, "moths", Swap::Any).await), "done");
    assert_eq!(*server.record.lock().expect("nothing panics with it"), None);
}

#[tokio::test(start_paused = true)]
async fn a_write_hurries_when_the_program_ends() {
    let began = Instant::now();
    let (pen_of, _) = pen(None, &[Silent], &[Answered, Silent]);
    let hurrying = pen_of.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(2)).await;
        hurrying.hurry();
    });
    assert_eq!(word(&pen_of.create(COLLECTION, "moths", &moths()).await), "unknown");
    assert_eq!(word(&pen_of.undoing().delete(COLLECTION, "moths", Swap::Any).await), "unknown");
    let took = began.elapsed() - Duration::from_secs(2);
    assert!(took <= ALL_AT_THE_END + PAUSE, "{took:?}");
}
