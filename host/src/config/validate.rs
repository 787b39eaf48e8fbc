//! From the texts that the layers gave to a `Config`.
//!
//! Each option is read once, by a function that says what would be right; a wrong one is written down, its default stands in, and
//! the reading goes on. At the end there is either a `Config` or every mistake. It looks at the disk (does the directory of
//! components exist?) and changes nothing.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atrium_api::types::string::Did;
use url::Url;

use super::given::{Given, Text};
use super::keys::{self, Key, Takes};
use super::mistake::{Mistakes, Source};
use super::{Config, Party, PublicUrl, SecretText, Uploads};

const MIB: u64 = 1024 * 1024;

/// The configuration that `given` describes, unless something is wrong with it or was before, as `mistakes` tells.
pub fn validate(given: &Given, mistakes: Mistakes) -> Result<Config, Mistakes> {
    let mut read = Reader { given, mistakes };
    let listen = read.text(&keys::LISTEN, address);
    let relays = read.relays();
    let config = Config {
        listen,
        admin_listen: read.text(&keys::ADMIN_LISTEN, address),
        public_url: read.optional(&keys::PUBLIC_URL, PublicUrl::parse).unwrap_or_else(|| local(listen.port())),
        data_dir: read.text(&keys::DATA_DIR, data_dir),
        jetstream: read.jetstream(),
        firehose_only: read.optional(&keys::FIREHOSE_ONLY, switch).unwrap_or(false),
        relays,
        backfill_pds: read.list(&keys::BACKFILL_PDS, web),
        components: read.optional(&keys::COMPONENTS, directory),
        allow_owner: read.list(&keys::ALLOW_OWNER, Party::parse),
        deny_owner: read.list(&keys::DENY_OWNER, Party::parse),
        exclude_from_global: read.list(&keys::EXCLUDE_FROM_GLOBAL, Party::parse),
        plc_url: read.text(&keys::PLC_URL, web),
        handle_resolver: read.optional(&keys::HANDLE_RESOLVER, web),
        appview: read.text(&keys::APPVIEW_URL, origin_or_none),
        allow_private_network: read.optional(&keys::ALLOW_PRIVATE_NETWORK, switch).unwrap_or(false),
        secret: read.secret(),
        no_app_passwords: read.optional(&keys::NO_APP_PASSWORDS, switch).unwrap_or(false),
        log_level: read.text(&keys::LOG_LEVEL, str::parse),
        log_format: read.text(&keys::LOG_FORMAT, str::parse),
        otlp_endpoint: read.optional(&keys::OTLP_ENDPOINT, web),
        otlp_percent: u32::try_from(read.number(&keys::OTLP_PERCENT)).unwrap_or(100),
        held_per_author: read.count(&keys::HELD_PER_AUTHOR),
        held_per_hashtag: read.count(&keys::HELD_PER_HASHTAG),
        held_total: read.count(&keys::HELD_TOTAL),
        posts_per_member: read.count(&keys::POSTS_PER_MEMBER),
        object_bytes: read.number(&keys::OBJECT_MIB) * MIB,
        communities_per_owner: read.count(&keys::COMMUNITIES_PER_OWNER),
        communities_total: read.count(&keys::COMMUNITIES_TOTAL),
        batch_events: read.count(&keys::BATCH_EVENTS),
        batch_wait: Duration::from_millis(read.number(&keys::BATCH_WAIT_MS)),
        queue_limit: read.number(&keys::QUEUE_LIMIT),
        live_instances: read.count(&keys::LIVE_INSTANCES),
        instance_idle: Duration::from_secs(read.number(&keys::INSTANCE_IDLE_SECS)),
        cache_bytes: usize::try_from(read.number(&keys::CACHE_MIB) * MIB).unwrap_or(usize::MAX),
        idle_timeout: Duration::from_secs(read.number(&keys::IDLE_TIMEOUT_SECS)),
        ready_lag: Duration::from_secs(read.number(&keys::READY_LAG_SECS)),
        operators: read.list(&keys::OPERATORS, did),
        visitor: None,
        api_requests_per_hour: u32::try_from(read.number(&keys::API_REQUESTS_PER_HOUR)).unwrap_or(u32::MAX),
        feed_requests_per_hour: u32::try_from(read.number(&keys::FEED_REQUESTS_PER_HOUR)).unwrap_or(u32::MAX),
        client_address_header: read.optional(&keys::CLIENT_ADDRESS_HEADER, header),
        uploads: read.uploads(),
        told: given.told(),
    };
    if !config.allow_private_network {
        for (key, url) in [(&keys::PLC_URL, Some(&config.plc_url)), (&keys::HANDLE_RESOLVER, config.handle_resolver.as_ref())] {
            if let Some(url) = url.filter(|url| url.scheme() == "http") {
                let source = given.texts(key).first().map_or(Source::Default, |text| text.source.clone());
                read.mistakes.add(key.name, source, Some(url.as_str()), format!("https:// unless {} is given", keys::ALLOW_PRIVATE_NETWORK.name));
            }
        }
    }
    if clash(config.listen, config.admin_listen) {
        let source = |key| given.texts(key).last().map_or(Source::Default, |text| text.source.clone());
        let (key, other, taken) = match source(&keys::ADMIN_LISTEN) {
            Source::Default => (&keys::LISTEN, &keys::ADMIN_LISTEN, config.listen),
            _ => (&keys::ADMIN_LISTEN, &keys::LISTEN, config.admin_listen),
        };
        let wanted = format!("an address that {} doesn't take", other.name);
        read.mistakes.add(key.name, source(key), Some(&taken.to_string()), wanted);
    }
    read.mistakes.unless_any(config)
}

struct Reader<'a> {
    given: &'a Given,
    mistakes: Mistakes,
}

impl Reader<'_> {
    /// What the option's only text means; the default's meaning if there is none or it is wrong.
    fn text<T, E: Display>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, E>) -> T {
        let Takes::Text { default } = key.takes else { unreachable!("{} takes no text", key.name) };
        self.optional(key, &parse).unwrap_or_else(|| match parse(default) {
            Ok(value) => value,
            Err(wanted) => unreachable!("the default of {} needs {wanted}", key.name),
        })
    }

    /// What the option's only text means; `None` if there is none or it is wrong.
    fn optional<T, E: Display>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let texts = self.given.texts(key);
        if let [_, again, ..] = texts {
            self.mistakes.add(key.name, again.source.clone(), Some(&again.text), "to be given once");
        }
        texts.first().and_then(|text| self.value(key, text, parse))
    }

    /// What the option's texts mean, the wrong ones left out; the defaults' meaning if there are none.
    fn list<T, E: Display>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
        self.given.texts(key).iter().filter_map(|text| self.value(key, text, &parse)).collect()
    }

    /// The one text that no mistake may show.
    fn secret(&mut self) -> Option<SecretText> {
        let texts = self.given.texts(&keys::SECRET);
        if let [_, again, ..] = texts {
            self.mistakes.add(keys::SECRET.name, again.source.clone(), None, "needs to be given once");
        }
        let text = texts.first()?;
        SecretText::parse(&text.text).map_err(|wanted| self.mistakes.add(keys::SECRET.name, text.source.clone(), None, format!("needs {wanted}"))).ok()
    }

    fn jetstream(&mut self) -> Vec<String> {
        let Takes::List { default } = keys::JETSTREAM.takes else { unreachable!("jetstream takes a list") };
        match self.list(&keys::JETSTREAM, websocket) {
            none if none.is_empty() => default.iter().map(|url| (*url).to_owned()).collect(),
            servers => servers,
        }
    }

    /// The relays that are named; the default's, unless servers are named to be read instead.
    fn relays(&mut self) -> Vec<Url> {
        let Takes::List { default } = keys::RELAY.takes else { unreachable!("relay takes a list") };
        let named = self.list(&keys::RELAY, web);
        if named.is_empty() && self.given.texts(&keys::BACKFILL_PDS).is_empty() {
            return default.iter().map(|url| web(url).expect("the default is a URL")).collect();
        }
        named
    }

    fn uploads(&mut self) -> Uploads {
        Uploads {
            off: self.optional(&keys::NO_MIX_UPLOADS, switch).unwrap_or(false),
            uploaders: self.list(&keys::MIX_UPLOADERS, did),
            largest: self.number(&keys::MIX_SIZE_MIB) * MIB,
            versions: self.count(&keys::MIX_VERSIONS),
            owner_bytes: self.number(&keys::MIX_OWNER_MIB) * MIB,
            total_bytes: self.number(&keys::MIX_TOTAL_MIB) * MIB,
            fuel: self.number(&keys::MIX_FUEL_MILLIONS) * 1_000_000,
            time: Duration::from_millis(self.number(&keys::MIX_TIME_MS)),
            memory: usize::try_from(self.number(&keys::MIX_MEMORY_MIB) * MIB).unwrap_or(usize::MAX),
            compile: Duration::from_secs(self.number(&keys::MIX_COMPILE_SECS)),
            compile_memory: self.number(&keys::MIX_COMPILE_MIB) * MIB,
        }
    }

    fn number(&mut self, key: &Key) -> u64 {
        let Takes::Number(bounds) = key.takes else { unreachable!("{} takes no number", key.name) };
        let parse = |text: &str| match whole_number(text) {
            Some(number) if (bounds.least..=bounds.most).contains(&number) => Ok(number),
            _ => Err(format!("a whole number from {} to {}", bounds.least, bounds.most)),
        };
        self.optional(key, parse).unwrap_or(bounds.default)
    }

    fn count(&mut self, key: &Key) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    fn value<T, E: Display>(&mut self, key: &Key, text: &Text, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        parse(&text.text).map_err(|wanted| self.mistakes.add(key.name, text.source.clone(), Some(&text.text), wanted.to_string())).ok()
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an IP address with a port, such as 127.0.0.1:3000 or [::1]:3000")
}

/// Whether two listeners can't be open at once. Port 0 is a free port, another each time.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let same_ip = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && same_ip
}

fn local(port: u16) -> PublicUrl {
    PublicUrl::parse(&format!("http://localhost:{port}")).expect("localhost is a host name and the port is a number")
}

fn websocket(text: &str) -> Result<String, &'static str> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.fragment().is_none() => Ok(text.to_owned()),
        _ => Err("a ws:// or wss:// URL, such as wss://jetstream1.us-east.bsky.network/subscribe"),
    }
}

fn web(text: &str) -> Result<Url, &'static str> {
    let wanted = "an https:// URL of a host, without user, query and fragment, such as https://plc.directory";
    let url = Url::parse(text).map_err(|_| wanted)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && plain { Ok(url) } else { Err(wanted) }
}

/// It goes into the policy of every page, so it is an origin and nothing else.
fn origin_or_none(text: &str) -> Result<Option<String>, &'static str> {
    if text == "none" {
        return Ok(None);
    }
    let wanted = "an origin such as https://public.api.bsky.app, or 'none'";
    let url = web(text).map_err(|_| wanted)?;
    if url.path() == "/" && url.host().is_some() { Ok(Some(url.origin().ascii_serialization())) } else { Err(wanted) }
}

fn did(text: &str) -> Result<String, &'static str> {
    Did::new(text.to_owned()).map(String::from).map_err(|_| "a DID (did:plc:…, did:web:…); a handle may move to somebody else tomorrow")
}

fn header(text: &str) -> Result<String, &'static str> {
    let name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if name { Ok(text.to_ascii_lowercase()) } else { Err("a header's name, such as x-forwarded-for") }
}

fn switch(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "true or false")
}

fn directory(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if path.is_dir() { Ok(path.to_owned()) } else { Err("a directory that exists") }
}

fn data_dir(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if text.is_empty() || path.exists() && !path.is_dir() { Err("a directory, or a name where one can be made") } else { Ok(path.to_owned()) }
}

/// Digits alone, with `_` between them as in TOML: no sign, no blanks.
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    (digits.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('_')).then(|| digits.parse().ok())?
}
