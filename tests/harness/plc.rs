//! A directory of DIDs, as plc.directory answers: `GET /<did>` gives the document, or 404. It can be slow, down, or lie.
//!
//! For who has an account here it also resolves the handle, and signs in who knows the password.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The server of everybody whom a test registers: nobody listens there.
pub const NOBODY: &str = "http://127.0.0.1:9";

/// Of all accounts.
pub const PASSWORD: &str = "correct horse";

/// How the directory is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Honest,
    /// Takes the request and says nothing.
    Silent,
    /// Ends the connection without a word.
    Down,
    /// Answers with this status and the right document.
    Status(u16),
    /// Sends everybody to itself, for ever.
    Redirecting,
    /// Gives the document of somebody else.
    Lying,
    /// Begins a body of 50 MB.
    Endless,
    /// Not JSON.
    Garbled,
}

/// A running directory. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Plc {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    mood: watch::Sender<Mood>,
}

#[derive(Debug, Default)]
struct State {
    documents: BTreeMap<String, Value>,
    /// DIDs by handle.
    handles: BTreeMap<String, String>,
    /// Every path that was asked for, in order.
    asked: Vec<String>,
    connections: usize,
}

impl Plc {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("a bound listener");
        let plc = Self { address, state: Arc::default(), mood: watch::channel(Mood::Honest).0 };
        let running = plc.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                running.state().connections += 1;
                let plc = running.clone();
                tokio::spawn(async move { plc.converse(stream).await });
            }
        });
        plc
    }

    /// The flags that make the program use it.
    pub fn flags(&self) -> Vec<String> {
        vec!["--allow-private-network".to_owned(), "--plc-url".to_owned(), format!("http://{}", self.address)]
    }

    /// The same, for handles as well.
    pub fn flags_with_handles(&self) -> Vec<String> {
        let mut flags = self.flags();
        flags.extend(["--handle-resolver".to_owned(), format!("http://{}", self.address)]);
        flags
    }

    /// Gives this DID this signing key, spelled as a Multikey or otherwise (`type` and text).
    pub fn register(&self, did: &str, (method_type, key): (&str, &str)) {
        let document = json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": did,
            "alsoKnownAs": ["at://someone.test"],
            "verificationMethod": [{ "id": format!("{did}#atproto"), "type": method_type, "controller": did, "publicKeyMultibase": key }],
            "service": [{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": NOBODY }],
        });
        self.state().documents.insert(did.to_owned(), document);
    }

    /// Lets this DID's document claim this handle.
    pub fn claims(&self, did: &str, handle: &str) {
        let mut state = self.state();
        let document = state.documents.get_mut(did).expect("the DID is registered");
        document["alsoKnownAs"] = json!([format!("at://{handle}")]);
    }

    /// Lets this handle lead to this DID, for who asks here with `--handle-resolver`.
    pub fn leads(&self, handle: &str, did: &str) {
        self.state().handles.insert(handle.to_owned(), did.to_owned());
    }

    /// Gives this DID an account at this very server, and a handle.
    pub fn open_account(&self, did: &str, handle: &str, key: (&str, &str)) {
        self.register(did, key);
        let mut state = self.state();
        state.handles.insert(handle.to_owned(), did.to_owned());
        if let Some(document) = state.documents.get_mut(did) {
            document["alsoKnownAs"] = json!([format!("at://{handle}")]);
            document["service"][0]["serviceEndpoint"] = json!(format!("http://{}", self.address));
        }
    }

    /// What is answered to who resolves a handle or signs in; `None` where something else is asked.
    fn account(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let state = self.state();
        if let Some(handle) = path.strip_prefix("/xrpc/com.atproto.identity.resolveHandle?handle=") {
            return Some(state.handles.get(handle).map_or((400, json!({ "error": "HandleNotFound" })), |did| (200, json!({ "did": did }))));
        }
        if path != "/xrpc/com.atproto.server.createSession" {
            return None;
        }
        let account = state.handles.iter().find(|(handle, did)| body["identifier"] == json!(handle) || body["identifier"] == json!(did));
        Some(match account.filter(|_| body["password"] == json!(PASSWORD)) {
            Some((handle, did)) => (200, json!({ "did": did, "handle": handle, "accessJwt": "access", "refreshJwt": "refresh", "active": true })),
            None => (401, json!({ "error": "AuthenticationRequired", "message": "Invalid identifier or password" })),
        })
    }

    pub fn remove(&self, did: &str) {
        self.state().documents.remove(did);
    }

    pub fn is_now(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How often this DID was asked for.
    pub fn asked(&self, did: &str) -> usize {
        self.state().asked.iter().filter(|path| path.trim_start_matches('/') == did).count()
    }

    pub fn connections(&self) -> usize {
        self.state().connections
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the directory doesn't panic")
    }

    async fn converse(&self, mut stream: TcpStream) -> Option<()> {
        let mut mood = self.mood.subscribe();
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.ok()?);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let length = head.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let mut sent = vec![0; length.and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0)];
            stream.read_exact(&mut sent).await.ok()?;
            self.state().asked.push(path.clone());
            // Who is silent speaks when the mood changes.
            let now = *mood.wait_for(|mood| *mood != Mood::Silent).await.ok()?;
            let document = self.state().documents.get(path.trim_start_matches('/')).cloned();
            let account = self.account(&path, &serde_json::from_slice(&sent).unwrap_or(Value::Null));
            let (status, body) = match (now, document) {
                (Mood::Honest, _) if account.is_some() => account.unwrap_or_default(),
                (Mood::Down | Mood::Silent, _) => return None,
                (Mood::Endless, _) => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50000000\r\n\r\n").await.ok()?;
                    loop {
                        stream.write_all(&[b' '; 4_096]).await.ok()?;
                    }
                }
                (Mood::Redirecting, _) => (302, json!({})),
                (Mood::Garbled, _) => (200, json!("<!doctype html>")),
                (_, None) => (404, json!({ "message": format!("DID not registered: {path}") })),
                (Mood::Lying, Some(mut document)) => {
                    document["id"] = json!("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
                    (200, document)
                }
                (Mood::Status(status), Some(document)) => (status, document),
                (Mood::Honest, Some(document)) => (200, document),
            };
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status} x\r\nlocation: {path}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
        }
    }
}
