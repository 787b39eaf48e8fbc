//! Somebody who uses the dashboard's API: with an access token as scripts do, or with cookies as browsers do.
//!
//! Nothing here knows what the program answers, but for what signing in gives. An answer with cookies changes the jar of who got
//! it, so a caller who was signed out by the program is signed out here as well.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use atrarium::session::{Credentials as AtServer, Tokens};
use serde_json::{Value, json};
use url::Url;

use crate::browser::{self, Consent};
use crate::events::Events;
use crate::http::{self, Answer};
use crate::plc::NOBODY;
use crate::world::World;

/// As what a caller is known.
#[derive(Debug, Clone)]
enum Credentials {
    Nobody,
    Bearer(String),
    Cookies(Jar),
}

/// A caller of the API at one address.
#[derive(Debug, Clone)]
pub struct Caller {
    address: SocketAddr,
    /// What the browser's address bar says; only with cookies it isn't `localhost`.
    host: String,
    /// What a proxy before the program says of where they are.
    from: Option<String>,
    credentials: Credentials,
}

/// Where the page is from which a browser makes a request, as it tells itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// An address that was typed.
    None,
    SameOrigin,
    CrossSite,
}

impl Site {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SameOrigin => "same-origin",
            Self::CrossSite => "cross-site",
        }
    }
}

impl Caller {
    pub fn nobody(address: SocketAddr) -> Self {
        Self { address, host: format!("localhost:{}", address.port()), from: None, credentials: Credentials::Nobody }
    }

    /// A browser with an empty jar, at a page of ours under this host.
    pub fn browser(address: SocketAddr, host: &str) -> Self {
        Self { host: format!("{host}:{}", address.port()), credentials: Credentials::Cookies(Jar::default()), ..Self::nobody(address) }
    }

    /// The same at another address, where a proxy is believed that says so in `x-forwarded-for`.
    pub fn from(self, address: &str) -> Self {
        Self { from: Some(address.to_owned()), ..self }
    }

    /// With an access token, or with one of the PDS's making.
    pub fn bearer(address: SocketAddr, token: &str) -> Self {
        Self { credentials: Credentials::Bearer(token.to_owned()), ..Self::nobody(address) }
    }

    /// Signs in as scripts do.
    pub async fn sign_in_with_password(address: SocketAddr, handle: &str, password: &str) -> Self {
        let answer = Self::nobody(address).post("/api/auth/login", &json!({ "identifier": handle, "password": password })).await;
        assert!(answer.status == 200 && answer.headers("set-cookie").is_empty(), "{handle} signs in as a script: {answer:?}");
        let signed = answer.json();
        let token = signed["accessToken"].as_str().unwrap_or_else(|| panic!("{handle} signs in and gets no token: {signed}"));
        Self::bearer(address, token)
    }

    /// Signs in as a browser does: through our page to that of the PDS, and back with a code.
    pub async fn sign_in_with_oauth(address: SocketAddr, handle: &str, password: &str) -> Self {
        let mut browser = Self::browser(address, "localhost");
        let authorize = browser.follow(&format!("http://localhost:{}/oauth/login?handle={}", address.port(), http::encode(handle))).await;
        let redirect = browser::sign_in(&authorize, handle, password, Consent::Allow).await;
        assert!(redirect.starts_with("http://127.0.0.1:"), "a loopback client's way back: {redirect}");
        browser.visit(&redirect, Site::CrossSite).await;
        let signed_in = browser.get("/api/auth/me").await;
        assert_eq!(signed_in.status, 200, "{handle} comes back from the PDS and isn't signed in: {signed_in:?}");
        browser
    }

    /// The jar of a browser.
    pub fn jar(&self) -> Option<&Jar> {
        match &self.credentials {
            Credentials::Cookies(jar) => Some(jar),
            _ => None,
        }
    }

    /// The access token of a script.
    pub fn token(&self) -> Option<&str> {
        match &self.credentials {
            Credentials::Bearer(token) => Some(token),
            _ => None,
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null).await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body).await
    }

    pub async fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, body).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.call("DELETE", path, &Value::Null).await
    }

    /// What a path says; panics if that isn't a 200.
    pub async fn reads(&mut self, path: &str) -> Value {
        self.done("GET", path, &Value::Null, 200).await
    }

    /// Calls what must be answered with this status.
    pub async fn done(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        answer.json()
    }

    /// Every item of a list in pages of this size; `name` is its field.
    pub async fn list(&mut self, path: &str, name: &str, limit: usize) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        let joint = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.reads(&format!("{path}{joint}limit={limit}{cursor}")).await;
            let listed = page[name].as_array().unwrap_or_else(|| panic!("{path} has no list of {name}: {page}"));
            assert!(listed.len() <= limit, "{path}: a page of {} where {limit} were asked", listed.len());
            items.extend(listed.iter().cloned());
            match page["cursor"].as_str().map(|next| format!("&cursor={}", http::encode(next))) {
                Some(next) => {
                    assert_ne!(next, cursor, "{path}: a cursor that doesn't move");
                    cursor = next;
                }
                None => return items,
            }
        }
    }

    /// Any call, with all that shows who calls.
    pub async fn call(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        self.call_with(method, path, &[], body).await
    }

    /// The same with more headers, or without those whose value is empty.
    pub async fn call_with(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let own = self.own_headers(method, path);
        let own = own.iter().map(|(name, value)| (*name, value.as_str())).filter(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        let all: Vec<(&str, &str)> = own.chain(headers.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
        let answer = http::call(self.address, method, path, &all, body).await;
        let answer = answer.unwrap_or_else(|cause| panic!("{method} {path} is not answered: {cause}"));
        if let Credentials::Cookies(jar) = &mut self.credentials {
            answer.headers("set-cookie").into_iter().for_each(|cookie| jar.take(without_port(&self.host), cookie));
        }
        answer
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, path: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Answer {
        let length = bytes.len().to_string();
        let head = self.head("POST", path, &[headers, &[("content-length", &length)]].concat());
        let answer = http::send(self.address, &[head.as_bytes(), bytes].concat()).await;
        answer.unwrap_or_else(|cause| panic!("POST {path} is not answered: {cause}"))
    }

    /// The head of a request, for who sends the body themself.
    pub fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let own = self.own_headers(method, path);
        let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http::request(method, path, &[&own, headers].concat(), "")
    }

    /// What happens in a community, from now on or behind an event that was seen.
    pub async fn events(&mut self, community: &str, last_event_id: Option<&str>) -> Result<Events, Answer> {
        let path = format!("/api/communities/{community}/events");
        let mut headers = self.own_headers("GET", &path);
        headers.extend(last_event_id.map(|id| ("last-event-id", id.to_owned())));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Events::open(self.address, &path, &headers).await
    }

    fn own_headers(&self, method: &str, path: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![("host", self.host.clone())];
        headers.extend(self.from.clone().map(|from| ("x-forwarded-for", from)));
        match &self.credentials {
            Credentials::Nobody => {}
            Credentials::Bearer(token) => headers.push(("authorization", format!("Bearer {token}"))),
            Credentials::Cookies(jar) => {
                headers.push(("sec-fetch-site", Site::SameOrigin.name().to_owned()));
                headers.push(("cookie", jar.sent(without_port(&self.host), path)));
                if let Some(token) = jar.value("atrarium_csrf").filter(|_| method != "GET") {
                    headers.push(("x-csrf-token", token.to_owned()));
                }
            }
        }
        headers
    }

    /// Goes to a page of ours, and on where it leads; answers the first address that is elsewhere.
    async fn follow(&mut self, url: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..5 {
            let answer = self.visit(&url, Site::None).await;
            assert!((200..400).contains(&answer.status), "{url}: {answer:?}");
            let location = answer.header("location").unwrap_or_else(|| panic!("{url} leads nowhere: {answer:?}"));
            url = Url::parse(&url).and_then(|from| from.join(location)).unwrap_or_else(|cause| panic!("{location}: {cause}")).into();
            if Url::parse(&url).ok().and_then(|url| url.port()) != Some(self.address.port()) {
                return url;
            }
        }
        panic!("five redirects lead to {url}")
    }

    /// A page of ours under the very name that the URL has, sent there from somewhere.
    pub async fn visit(&mut self, url: &str, from: Site) -> Answer {
        let url = Url::parse(url).unwrap_or_else(|cause| panic!("{url}: {cause}"));
        assert_eq!(url.port(), Some(self.address.port()), "{url} isn't ours");
        self.host = format!("{}:{}", url.host_str().unwrap_or_default(), self.address.port());
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        self.call_with("GET", path, &[("sec-fetch-site", from.name())], &Value::Null).await
    }
}

/// Cookies know hosts and no ports.
fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(host, _)| host)
}

/// The cookies that a browser holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jar {
    /// By host and name.
    cookies: BTreeMap<(String, String), Cookie>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    value: String,
    path: String,
}

impl Jar {
    /// The cookie of this name, whichever host it is of, and whether or not its name says that it is of this host alone.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|((_, other), _)| other.trim_start_matches("__Host-") == name).map(|(_, cookie)| cookie.value.as_str())
    }

    /// Takes a `set-cookie`, or throws the cookie away.
    fn take(&mut self, host: &str, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|first| first.split_once('=')) else { return };
        let attributes: Vec<(String, &str)> =
            parts.map(|part| part.split_once('=').unwrap_or((part, ""))).map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
        let attribute = |wanted: &str| attributes.iter().find(|(key, _)| key == wanted).map(|(_, value)| *value);
        let path = attribute("path").unwrap_or("/").to_owned();
        if name.starts_with("__Host-") {
            let is_taken = attribute("secure").is_some() && attribute("domain").is_none() && path == "/";
            assert!(is_taken, "no browser takes {header}");
        }
        let place = (host.to_owned(), name.to_owned());
        if value.is_empty() || attribute("max-age").is_some_and(|age| age.starts_with('-') || age == "0") {
            self.cookies.remove(&place);
            return;
        }
        self.cookies.insert(place, Cookie { value: value.to_owned(), path });
    }

    /// What goes with a request to this host.
    fn sent(&self, host: &str, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let goes = |cookie: &Cookie| {
            let rest = path.strip_prefix(cookie.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/'))
        };
        let sent = self.cookies.iter().filter(|((of, _), cookie)| of == host && goes(cookie)).map(|((_, name), cookie)| format!("{name}={}", cookie.value));
        sent.collect::<Vec<_>>().join("; ")
    }
}

impl World {
    /// The tokens of a new session of somebody whose own server is down: no sign-in is needed for what such a session shows.
    pub fn tokens(&self, did: &str) -> Tokens {
        let credentials = AtServer::Password { pds: NOBODY.to_owned(), access: "access".to_owned(), refresh: "refresh".to_owned() };
        self.app().sessions.begin(did, None, &credentials, Some("tests")).expect("a session can be kept")
    }

    /// Somebody with such a session.
    pub fn signed_in(&self, did: &str) -> Caller {
        Caller::bearer(self.address, &self.tokens(did).access)
    }
}
