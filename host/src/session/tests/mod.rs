//! Sessions before servers that lie, are slow, or say no; honest ones, which others wrote, are in `tests/it`.

mod lies;
mod rules;
mod server;
mod standing;

use std::path::Path;

use tempfile::TempDir;
use url::Url;

use super::*;
use crate::clock::Clock;
use crate::config::{PublicUrl, SecretText};
use crate::identity::{Document, Resolver, Settings};
use crate::outbound::{Client, Policy};
use crate::pds::Repo;
use crate::store::State;

const NOW: i64 = 1_795_176_000_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const ANN: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const BEN: &str = "did:plc:2a7ygipkrbh544aqhcav53oy";

struct House {
    sessions: Sessions,
    resolver: Resolver,
    clock: Clock,
    directory: TempDir,
}

fn resolver(plc: &str, clock: &Clock) -> Resolver {
    let settings = Settings { plc: url(plc), handle_resolver: None };
    Resolver::new(Client::new(Policy::new(true)), settings, clock.clone())
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn open(directory: &Path, secret: &str, resolver: &Resolver, clock: &Clock) -> Sessions {
    let parts = Parts {
        state: State::open(&directory.join("state.redb")).expect("a healthy disk"),
        secret: SecretText::parse(&secret.repeat(32)).expect("long enough"),
        public_url: PublicUrl::parse("https://feeds.example.org").expect("a public URL"),
        resolver: resolver.clone(),
        clock: clock.clone(),
        allow_private_network: true,
        app_passwords: true,
    };
    Sessions::open(parts).expect("a healthy disk")
}

impl House {
    /// Where nobody's server is known.
    fn new() -> Self {
        Self::before("http://127.0.0.1:9")
    }

    /// Where DIDs are looked up in this directory.
    fn before(plc: &str) -> Self {
        let (directory, clock) = (tempfile::tempdir().expect("tests need a temporary directory"), Clock::standing_at(NOW));
        let resolver = resolver(plc, &clock);
        Self { sessions: open(directory.path(), "a", &resolver, &clock), resolver, clock, directory }
    }

    fn reopened(self, secret: &str) -> Self {
        let Self { sessions, resolver, clock, directory } = self;
        drop(sessions);
        Self { sessions: open(directory.path(), secret, &resolver, &clock), resolver, clock, directory }
    }

    /// From now on this user's document names this server.
    fn knows(&self, did: &str, pds: &str) {
        self.resolver.know(Document { did: did.to_owned(), key: None, pds: Some(url(pds)), handle: None });
    }

    fn repo(&self, tokens: &Tokens) -> Repo {
        self.sessions.repo(&self.sessions.check(&tokens.access).expect("it is good")).expect("it is good")
    }

    fn begin(&self, did: &str) -> Tokens {
        self.sessions.begin(did, Some("ann.example.org"), &credentials(), Some("Mozilla/5.0")).expect("a healthy disk")
    }

    fn later(&self, ms: i64) {
        self.clock.set(self.clock.now_ms() + ms);
    }

    fn check(&self, tokens: &Tokens) -> &'static str {
        named(self.sessions.check(&tokens.access))
    }

    fn refresh(&self, tokens: &Tokens) -> Tokens {
        self.sessions.refresh(&tokens.refresh).expect("the token is the newest")
    }

    fn refused(&self, tokens: &Tokens) -> &'static str {
        named(self.sessions.refresh(&tokens.refresh))
    }
}

fn credentials() -> Credentials {
    Credentials::Password { pds: "http://127.0.0.1:9/".to_owned(), access: "the access token".to_owned(), refresh: "the refresh token".to_owned() }
}

fn named<T>(outcome: Result<T, SessionError>) -> &'static str {
    match outcome {
        Ok(_) => "good",
        Err(SessionError::Foreign) => "foreign",
        Err(SessionError::Expired) => "expired",
        Err(SessionError::Ended) => "ended",
        Err(SessionError::Reused) => "reused",
        Err(SessionError::Superseded) => "superseded",
        Err(SessionError::State(_)) => "state",
    }
}
