//! Owners who upload mixes through the API, good ones and others, let them make their feeds for a while, and go back to the default.
//!
//! They belong to restless families, in whose feeds nobody looks for repeats. A good mix must be admitted and become active; one that
//! means harm at once must be refused; one that does later is admitted, and the readers of its feed mustn't notice. In the end every
//! feed is made by the default mix again, so that the law can be asked of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atrarium_tests::bombs;
use atrarium_tests::http::{self, Answer};
use atrarium_tests::mixes::{self, When};
use atrarium_tests::plc::{PASSWORD, Plc};
use atrarium_tests::signer::Signer;
use atrarium_tests::uploads::component;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::IteratorRandom;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::house::Door;
use super::readers::{Faults, lock};
use super::story::{is_quiet, owner};

/// How long an upload is looked at before that is a fault: longer than `atrarium admit` may take.
const EXAMINED: Duration = Duration::from_secs(500);

/// Mixes that make feeds at once; the oldest gives way to the next.
const ACTIVE: usize = 3;

/// Of an address of its own each, or the host would take them for one that tries passwords.
pub(crate) const ADDRESS_HEADER: &str = "x-forwarded-for";

/// Of what a mix is made, and what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Good(&'static str),
    Hostile(&'static str),
    /// It behaves while it is tried.
    HostileLater(&'static str),
    /// It harms whoever compiles it.
    Bomb,
}

/// In this order, again and again.
const KINDS: [Kind; 10] = [
    Kind::Good("backwards"),
    Kind::HostileLater("loop"),
    Kind::Good("quiet-voices"),
    Kind::Hostile("recursion"),
    Kind::Good("backwards"),
    Kind::HostileLater("hundred-megabytes"),
    Kind::Bomb,
    Kind::Good("quiet-voices"),
    Kind::HostileLater("recursion"),
    Kind::Hostile("loop"),
];

/// Who is signed in, by community. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens(Arc<Mutex<BTreeMap<usize, String>>>);

impl Tokens {
    /// Some community and its owner's token.
    pub(crate) fn any(&self, random: &mut SmallRng) -> Option<(usize, String)> {
        lock(&self.0).iter().choose(random).map(|(index, token)| (*index, token.clone()))
    }
}

/// What came of uploads.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
    /// Their examination was killed.
    pub(crate) killed: u64,
    pub(crate) activated: u64,
    pub(crate) faults: Faults,
}

/// All owners who upload.
#[derive(Debug)]
pub(crate) struct Owners {
    door: Door,
    pub(crate) tokens: Tokens,
    communities: Vec<usize>,
    random: SmallRng,
    counted: u64,
    /// Whose feeds are made by mixes of theirs, the oldest first.
    active: VecDeque<usize>,
    /// Who has ever uploaded something.
    touched: BTreeSet<usize>,
    /// Examinations that were killed.
    examiners: Arc<AtomicUsize>,
    uploaded: Uploaded,
}

/// Gives the owners of restless families their accounts.
pub(crate) fn open_accounts(plc: &Plc, communities: usize) {
    let key = Signer::k256(7);
    let (method, text) = key.public();
    for index in (0..communities).filter(|index| !is_quiet(*index)) {
        plc.open_account(&owner(index), &handle(index), (method, &text));
    }
}

fn handle(index: usize) -> String {
    format!("owner{index}.test")
}

impl Owners {
    pub(crate) fn new(door: Door, communities: usize, seed: u64, examiners: Arc<AtomicUsize>) -> Self {
        let communities = (0..communities).filter(|index| !is_quiet(*index)).collect();
        Self {
            door,
            tokens: Tokens::default(),
            communities,
            random: SmallRng::seed_from_u64(seed),
            counted: 0,
            active: VecDeque::new(),
            touched: BTreeSet::new(),
            examiners,
            uploaded: Uploaded::default(),
        }
    }

    /// Uploads until it is told to stop. What has begun comes to its end, or nobody would know which mixes are active.
    pub(crate) async fn upload(&mut self, every: Duration, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let began = Instant::now();
            let kind = KINDS[(self.counted % KINDS.len() as u64) as usize];
            self.counted += 1;
            if self.active.len() == ACTIVE
                && let Some(index) = self.active.front().copied()
            {
                self.deactivate(index).await;
                self.active.pop_front();
            }
            let idle = self.communities.iter().copied().filter(|index| !self.active.contains(index));
            let index = idle.choose(&mut self.random).expect("there are more communities than active mixes");
            self.episode(index, kind).await;
            // So often and not oftener, though one of them took long.
            stop.run_until_cancelled(sleep(every.saturating_sub(began.elapsed()))).await;
        }
    }

    /// Lets the default mix make every feed.
    pub(crate) async fn end(mut self) -> Uploaded {
        for index in std::mem::take(&mut self.touched) {
            self.deactivate(index).await;
        }
        self.uploaded
    }

    async fn episode(&mut self, index: usize, kind: Kind) {
        self.touched.insert(index);
        let killed = self.examiners.load(Ordering::Acquire);
        let (path, bytes) = (format!("/api/communities/c{index}/feed-mix/versions"), bytes(kind, self.counted));
        let mut answer = self.call(index, "POST", &path, &bytes).await;
        let began = Instant::now();
        // Whoever was answered before the verdict asks for it, though the program dies meanwhile.
        while answer.json()["state"] == "checking" {
            if began.elapsed() > EXAMINED {
                return self.uploaded.faults.add(format!("{kind:?} is looked at for ever: {answer:?}"));
            }
            sleep(Duration::from_millis(500)).await;
            answer = self.call(index, "GET", &format!("{path}/{}", answer.json()["number"]), &[]).await;
        }
        let was_killed = self.examiners.load(Ordering::Acquire) > killed;
        let state = answer.json()["state"].as_str().map_or_else(|| answer.error(), str::to_owned);
        match (kind, state.as_str()) {
            (Kind::Good(_) | Kind::HostileLater(_), "ready") => {
                self.uploaded.admitted += 1;
                let answer = self.call(index, "POST", &format!("{path}/{}/activate", answer.json()["number"]), &[]).await;
                if answer.status != 200 {
                    return self.uploaded.faults.add(format!("{kind:?} can't be activated: {answer:?}"));
                }
                self.uploaded.activated += 1;
                self.active.push_back(index);
            }
            (_, "refused" | "MixRefused") if was_killed => self.uploaded.killed += 1,
            (Kind::Hostile(_) | Kind::Bomb, "refused" | "MixRefused") => self.uploaded.refused += 1,
            _ => self.uploaded.faults.add(format!("{kind:?}: {answer:?}")),
        }
    }

    async fn deactivate(&mut self, index: usize) {
        let answer = self.call(index, "POST", &format!("/api/communities/c{index}/feed-mix/deactivate"), &[]).await;
        if answer.status != 200 {
            self.uploaded.faults.add(format!("c{index} keeps its mix: {answer:?}"));
        }
    }

    /// Calls as the owner of this community; again if the program was harmed meanwhile, or the token was too old. To do the same twice
    /// is to do it once.
    async fn call(&mut self, index: usize, method: &str, path: &str, body: &[u8]) -> Answer {
        loop {
            let life = self.door.safe().await;
            let known = lock(&self.tokens.0).get(&index).cloned();
            let outcome = match &known {
                Some(token) => self.send(index, method, path, token, body).await,
                None => self.sign_in(index).await,
            };
            match outcome {
                _ if !self.door.is_to_blame(life) => {}
                Ok(answer) if known.is_none() && answer.status == 200 => {
                    let token = answer.json()["accessToken"].as_str().unwrap_or_default().to_owned();
                    lock(&self.tokens.0).insert(index, token);
                }
                Ok(answer) if known.is_some() && answer.status == 401 => drop(lock(&self.tokens.0).remove(&index)),
                outcome => return outcome.unwrap_or_else(|cause| no_answer(&cause)),
            }
        }
    }

    async fn sign_in(&self, index: usize) -> io::Result<Answer> {
        let body = json!({ "identifier": handle(index), "password": PASSWORD });
        http::post(self.door.address, "/api/auth/login", &[(ADDRESS_HEADER, &address(index))], &body).await
    }

    async fn send(&self, index: usize, method: &str, path: &str, token: &str, body: &[u8]) -> io::Result<Answer> {
        let (authorization, length, from) = (format!("Bearer {token}"), body.len().to_string(), address(index));
        let mut headers = vec![("authorization", authorization.as_str()), (ADDRESS_HEADER, from.as_str())];
        if !body.is_empty() {
            headers.extend([("content-type", "application/wasm"), ("content-length", length.as_str())]);
        }
        let head = http::request(method, path, &headers, "");
        http::send(self.door.address, &[head.as_bytes(), body].concat()).await
    }
}

fn address(index: usize) -> String {
    format!("203.0.{}.{}", index / 200, index % 200 + 1)
}

/// For who reports it.
fn no_answer(cause: &io::Error) -> Answer {
    Answer { status: 0, head: cause.to_string(), body: String::new() }
}

/// A component that nobody has uploaded before: what is known already isn't looked at again.
fn bytes(kind: Kind, counted: u64) -> Vec<u8> {
    let mut bytes = match kind {
        Kind::Good(name) => component(env!("OUT_DIR"), name),
        Kind::Hostile(name) => mixes::component(name, When::Always),
        Kind::HostileLater(name) => mixes::component(name, When::Later),
        Kind::Bomb => bombs::instances(),
    };
    number(&mut bytes, counted);
    bytes
}

/// Makes a component another one that does the same, by a section that means nothing: its size, its name's, its name, and eight bytes.
pub(crate) fn number(component: &mut Vec<u8>, number: u64) {
    component.extend_from_slice(&[0, 10, 1, b'n']);
    component.extend_from_slice(&number.to_le_bytes());
}
