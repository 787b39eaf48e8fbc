//! A directory, a PDS and an authorization server in one, which says whatever a test wants. Honest ones of others' making can't be
//! brought to lie.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::form_urlencoded;

use super::House;
use crate::session::{Begun, CallbackQuery, SignInError, Tokens};

pub(super) const CREATE_SESSION: &str = "/xrpc/com.atproto.server.createSession";
pub(super) const REFRESH_SESSION: &str = "/xrpc/com.atproto.server.refreshSession";
pub(super) const GET_RECORD: &str = "/xrpc/com.atproto.repo.getRecord";
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";
pub(super) const METADATA: &str = "/.well-known/oauth-authorization-server";

#[derive(Default)]
struct State {
    /// By path: what is answered, one after the other; the last for ever.
    answers: HashMap<String, Vec<(u16, Value)>>,
    /// Paths and bodies, in order.
    asked: Vec<(String, String)>,
}

/// A running server, honest until it is told otherwise.
#[derive(Clone)]
pub(super) struct Server {
    did: String,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// The one at which this account is.
    pub(super) async fn of(did: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let server = Self { did: did.to_owned(), address: listener.local_addr().expect("a bound listener"), state: Arc::default() };
        let url = server.url();
        server.says(&server.document_path(), &server.document());
        server.says(CREATE_SESSION, &tokens_of(did));
        server.says(REFRESH_SESSION, &tokens_of(did));
        server.says(GET_RECORD, &server.record(&json!({ "name": "moths" })));
        server.says(RESOURCE, &json!({ "resource": url, "authorization_servers": [url] }));
        server.says(METADATA, &server.metadata());
        server.says("/par", &json!({ "request_uri": "urn:x:1", "expires_in": 60 }));
        server.says("/token", &server.grant(did));
        let running = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = running.clone();
                tokio::spawn(async move { server.converse(stream).await });
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its directory of DIDs.
    pub(super) fn directory(&self) -> String {
        format!("{}/plc", self.url())
    }

    pub(super) fn document_path(&self) -> String {
        format!("/plc/{}", self.did)
    }

    /// The account's document, naming this server.
    pub(super) fn document(&self) -> Value {
        json!({ "id": self.did, "service": [{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.url() }] })
    }

    pub(super) fn metadata(&self) -> Value {
        let url = self.url();
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "pushed_authorization_request_endpoint": format!("{url}/par"),
            "revocation_endpoint": format!("{url}/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// Tokens of OAuth, for this account.
    pub(super) fn grant(&self, did: &str) -> Value {
        json!({ "access_token": "a", "refresh_token": "b", "token_type": "DPoP", "scope": "atproto", "sub": did, "expires_in": 60 })
    }

    pub(super) fn record(&self, value: &Value) -> Value {
        let cid = "bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i";
        json!({ "uri": format!("at://{}/net.atrarium.community.config/a", self.did), "cid": cid, "value": value })
    }

    /// From now on this path is answered so.
    pub(super) fn says(&self, path: &str, body: &Value) {
        self.says_each(path, &[(200, body.clone())]);
    }

    /// From now on this path is refused, by this name if there is one.
    pub(super) fn refuses(&self, path: &str, status: u16, name: &str) {
        self.says_each(path, &[(status, json!({ "error": name, "message": "no" }))]);
    }

    /// From now on this path is answered so: one after the other, and with the last for ever.
    pub(super) fn says_each(&self, path: &str, answers: &[(u16, Value)]) {
        self.state().answers.insert(path.to_owned(), answers.to_vec());
    }

    /// How often this path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.bodies(path).len()
    }

    /// What was sent to this path.
    pub(super) fn bodies(&self, path: &str) -> Vec<String> {
        self.state().asked.iter().filter(|(asked, _)| asked == path).map(|(_, body)| body.clone()).collect()
    }

    /// The scopes that were asked for, in order.
    pub(super) fn scopes(&self) -> Vec<String> {
        let scope = |body: &String| form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "scope").map(|(_, scope)| scope.into_owned());
        self.bodies("/par").iter().filter_map(scope).collect()
    }

    /// The account's user signs in by OAuth, and allows it.
    pub(super) async fn by_oauth(&self, house: &House) -> Result<Tokens, SignInError> {
        let begun = house.sessions.begin_oauth(&self.did, "/").await?;
        self.comes_back(house, &begun).await
    }

    /// The browser comes back with a code.
    pub(super) async fn comes_back(&self, house: &House, begun: &Begun) -> Result<Tokens, SignInError> {
        let query = CallbackQuery { state: Some(begun.state.clone()), code: Some("code".to_owned()), iss: Some(self.url()), ..CallbackQuery::default() };
        Ok(house.sessions.finish_oauth(query, &begun.binding, None).await?.0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the server doesn't panic")
    }

    fn answer(&self, path: &str, body: String) -> (u16, Value) {
        let mut state = self.state();
        state.asked.push((path.to_owned(), body));
        let Some(answers) = state.answers.get_mut(path) else { return (404, json!({ "error": "NotFound" })) };
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }

    async fn converse(&self, mut stream: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).and_then(|length| length.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
        // Paths have letters of both cases; the head is in small ones for its headers.
        let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
        let path = self.state().answers.keys().find(|known| known.eq_ignore_ascii_case(&path)).cloned().unwrap_or(path);
        let (status, answer) = self.answer(&path, String::from_utf8_lossy(&body).into_owned());
        let answer = match answer {
            Value::String(raw) => raw,
            answer => answer.to_string(),
        };
        let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
        stream.write_all(format!("{head}{answer}").as_bytes()).await.ok()
    }
}

/// What `createSession` gives, for this account.
pub(super) fn tokens_of(did: &str) -> Value {
    json!({ "did": did, "handle": "ann.example.org", "accessJwt": "a", "refreshJwt": "b" })
}
