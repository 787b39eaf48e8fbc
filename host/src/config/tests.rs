//! Configurations as operators give them: arguments, variables and files in, a `Config` or all the mistakes out.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::keys::{self, Takes};
use super::*;
use crate::cli::{self, Command};

/// A file for one test, removed at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("atrarium-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).expect("the temporary directory can be written to");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the name was made of UTF-8")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn parse(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Command, Mistakes> {
    let arguments = ["atrarium"].iter().chain(arguments).map(OsString::from);
    cli::parse(arguments, environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
}

fn serve(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Config, Mistakes> {
    match parse(&[&["serve"], arguments].concat(), environment)? {
        Command::Serve(config) => Ok(*config),
        other => panic!("serve was asked for, not {other:?}"),
    }
}

/// What the configuration says of one option, for comparing.
fn shown(config: &Config, key: &str) -> String {
    match key {
        "listen" => config.listen.to_string(),
        "admin-listen" => config.admin_listen.to_string(),
        "public-url" => config.public_url.endpoint().to_owned(),
        "data-dir" => config.data_dir.display().to_string(),
        "jetstream" => config.jetstream.join(","),
        "components" => config.components.as_ref().map_or(String::new(), |path| path.display().to_string()),
        "allow-owner" => format!("{:?}", config.allow_owner),
        "deny-owner" => format!("{:?}", config.deny_owner),
        "exclude-from-global" => format!("{:?}", config.exclude_from_global),
        "plc-url" => config.plc_url.to_string(),
        "handle-resolver" => config.handle_resolver.as_ref().map_or(String::new(), ToString::to_string),
        "appview-url" => config.appview.clone().unwrap_or_else(|| "none".to_owned()),
        "allow-private-network" => config.allow_private_network.to_string(),
        "secret" => config.secret.as_ref().map_or(String::new(), |secret| secret.expose().to_owned()),
        "no-app-passwords" => config.no_app_passwords.to_string(),
        "log-level" => config.log_level.to_string(),
        "log-format" => format!("{:?}", config.log_format),
        "otlp-endpoint" => config.otlp_endpoint.as_ref().map(ToString::to_string).unwrap_or_default(),
        "otlp-percent" => config.otlp_percent.to_string(),
        "firehose-only" => config.firehose_only.to_string(),
        "relay" => urls(&config.relays),
        "backfill-pds" => urls(&config.backfill_pds),
        "held-per-author" => config.held_per_author.to_string(),
        "held-per-hashtag" => config.held_per_hashtag.to_string(),
        "held-total" => config.held_total.to_string(),
        "posts-per-member" => config.posts_per_member.to_string(),
        "object-mib" => (config.object_bytes >> 20).to_string(),
        "communities-per-owner" => config.communities_per_owner.to_string(),
        "communities-total" => config.communities_total.to_string(),
        "batch-events" => config.batch_events.to_string(),
        "batch-wait-ms" => config.batch_wait.as_millis().to_string(),
        "queue-limit" => config.queue_limit.to_string(),
        "live-instances" => config.live_instances.to_string(),
        "instance-idle-secs" => config.instance_idle.as_secs().to_string(),
        "cache-mib" => (config.cache_bytes / 1024 / 1024).to_string(),
        "idle-timeout-secs" => config.idle_timeout.as_secs().to_string(),
        "ready-lag-secs" => config.ready_lag.as_secs().to_string(),
        "operators" => config.operators.join(","),
        "api-requests-per-hour" => config.api_requests_per_hour.to_string(),
        "feed-requests-per-hour" => config.feed_requests_per_hour.to_string(),
        "client-address-header" => config.client_address_header.clone().unwrap_or_default(),
        "no-mix-uploads" => config.uploads.off.to_string(),
        "mix-uploaders" => config.uploads.uploaders.join(","),
        "mix-size-mib" => (config.uploads.largest >> 20).to_string(),
        "mix-versions" => config.uploads.versions.to_string(),
        "mix-owner-mib" => (config.uploads.owner_bytes >> 20).to_string(),
        "mix-total-mib" => (config.uploads.total_bytes >> 20).to_string(),
        "mix-fuel-millions" => (config.uploads.fuel / 1_000_000).to_string(),
        "mix-time-ms" => config.uploads.time.as_millis().to_string(),
        "mix-memory-mib" => (config.uploads.memory >> 20).to_string(),
        "mix-compile-secs" => config.uploads.compile.as_secs().to_string(),
        "mix-compile-mib" => (config.uploads.compile_memory >> 20).to_string(),
        other => panic!("{other} has no field"),
    }
}

fn urls(urls: &[url::Url]) -> String {
    urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let config = serve(&[], &[]).expect("the defaults are right");
    let check = |key: &str, expected: &str| assert_eq!(shown(&config, key), expected, "{key}");
    check("listen", "127.0.0.1:3000");
    check("admin-listen", "127.0.0.1:3001");
    check("public-url", "http://localhost:3000");
    check("data-dir", "./data");
    check("components", "");
    check("allow-owner", "[]");
    check("log-level", "info");
    check("log-format", "Text");
    check("plc-url", "https://plc.directory/");
    check("handle-resolver", "");
    check("appview-url", "https://public.api.bsky.app");
    check("relay", "https://relay1.us-east.bsky.network/");
    check("backfill-pds", "");
    assert_eq!(config.jetstream.len(), 4);
    for key in keys::ALL {
        match key.takes {
            Takes::Number(number) => check(key.name, &number.default.to_string()),
            Takes::Switch => check(key.name, "false"),
            Takes::Text { .. } | Takes::List { .. } | Takes::Optional => {}
        }
    }
}

/// Three values that the configuration shows as they were given.
fn same<'a>(flag: &'a str, variable: &'a str, file: &'a str) -> [(&'a str, &'a str); 3] {
    [(flag, flag), (variable, variable), (file, file)]
}

#[test]
fn every_option_is_a_flag_a_variable_and_a_key_and_the_nearer_wins() {
    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    let checked = std::cell::RefCell::new(BTreeSet::new());
    // Three values for the option, each with what the configuration then says.
    let check = |key: &'static str, values: [(&str, &str); 3]| {
        let [flag, variable, file] = values;
        let plain = file.0.bytes().all(|byte| byte.is_ascii_digit()) || matches!(file.0, "true" | "false");
        let in_file = if plain { file.0.to_owned() } else { format!("{:?}", file.0) };
        let written = File::new(&format!("every-{key}"), &format!("{key} = {in_file}\n"));
        let name = format!("ATRARIUM_{}", key.to_uppercase().replace('-', "_"));
        let from_file = ["--config", written.path()];
        let (dashed, joined) = (format!("--{key}"), format!("--{key}={}", flag.0));
        let is_switch = keys::named(key).is_some_and(|key| matches!(key.takes, Takes::Switch));
        let from_flag = if is_switch { [&from_file[..], &[&joined]].concat() } else { [&from_file[..], &[&dashed, flag.0]].concat() };
        let of = |config: Result<Config, Mistakes>| config.map(|config| shown(&config, key));
        assert_eq!(of(serve(&from_file, &[])), Ok(file.1.to_owned()), "{key} from the file");
        assert_eq!(of(serve(&[], &[("ATRARIUM_CONFIG", written.path())])), Ok(file.1.to_owned()), "{key} from the file");
        assert_eq!(of(serve(&from_file, &[(&name, variable.0)])), Ok(variable.1.to_owned()), "{key} from the environment");
        assert_eq!(of(serve(&from_file, &[(&name, "")])), Ok(file.1.to_owned()), "{key} with an empty variable");
        assert_eq!(of(serve(&from_flag, &[(&name, variable.0)])), Ok(flag.1.to_owned()), "{key} from the flag");
        checked.borrow_mut().insert(key);
    };
    check("listen", same("127.0.0.1:1", "[::1]:2", "127.0.0.1:0"));
    check("admin-listen", same("127.0.0.1:1", "[::1]:2", "127.0.0.1:0"));
    check("public-url", same("https://a.example", "https://b.example", "https://c.example"));
    check("data-dir", same("/var/lib/atrarium", "a,b", "c"));
    check("jetstream", same("ws://a:1,wss://b/subscribe", "ws://c", "ws://d,ws://e"));
    check("components", same("/", "/tmp", "."));
    for key in ["allow-owner", "deny-owner", "exclude-from-global"] {
        let community = format!("at://{DID}/net.atrarium.community.config/rust");
        let did = format!("[Did({DID:?})]");
        check(key, [(DID, &did), (&community, &format!("[Community({community:?})]")), (&format!(" {DID} , "), &did)]);
    }
    check("plc-url", same("https://a.example/", "https://b.example/plc", "https://c.example:8443/"));
    check("handle-resolver", same("https://a.example/", "https://b.example/x", "https://c.example:8443/"));
    check("appview-url", [("https://a.example/", "https://a.example"), ("none", "none"), ("http://127.0.0.1:2584", "http://127.0.0.1:2584")]);
    check("allow-private-network", same("true", "false", "true"));
    check("allow-private-network", same("false", "true", "false"));
    check("firehose-only", same("true", "false", "true"));
    check("relay", same("https://a.example/", "https://b.example/,http://c.example:1/", "https://d.example/"));
    check("backfill-pds", same("https://a.example/", "https://b.example/,http://c.example:1/", "https://d.example/"));
    check("secret", same(&"a".repeat(32), &"b".repeat(43), &"c,d".repeat(20)));
    check("no-app-passwords", same("true", "false", "true"));
    check("log-level", same("debug", "trace", "error"));
    check("operators", [(DID, DID), ("did:web:a.example,did:web:b.example", "did:web:a.example,did:web:b.example"), (&format!(" {DID} , "), DID)]);
    check("client-address-header", [("X-Forwarded-For", "x-forwarded-for"), ("x-real-ip", "x-real-ip"), ("cf-connecting-ip", "cf-connecting-ip")]);
    check("log-format", [("json", "Json"), ("text", "Text"), ("json", "Json")]);
    check("otlp-endpoint", same("http://localhost:4318/", "https://a.example/v1/traces", "http://127.0.0.1:1/"));
    check("no-mix-uploads", same("true", "false", "true"));
    check("mix-uploaders", [(DID, DID), ("did:web:a.example,did:web:b.example", "did:web:a.example,did:web:b.example"), (&format!(" {DID} , "), DID)]);
    for key in keys::ALL {
        if let Takes::Number(number) = key.takes {
            let (least, most, between) = (number.least.to_string(), number.most.to_string(), (number.least + 1).to_string());
            check(key.name, same(&least, &most, &between));
        }
    }
    assert_eq!(*checked.borrow(), keys::ALL.iter().map(|key| key.name).collect(), "options without a row here");
}

#[test]
fn lists_may_be_repeated_joined_and_written_as_arrays() {
    let written = File::new("lists", "jetstream = [\"ws://a\", \"ws://b,ws://c\"]\nheld-total = 1_000\n");
    let config = serve(&["--config", written.path()], &[]).expect("both forms are right");
    assert_eq!(config.jetstream, ["ws://a", "ws://b", "ws://c"]);
    assert_eq!(config.held_total, 1_000);
    let config = serve(&["--jetstream", "ws://a, ws://b", "--jetstream=ws://c"], &[]).expect("both forms are right");
    assert_eq!(config.jetstream, ["ws://a", "ws://b", "ws://c"]);
}

#[test]
fn a_wrong_value_is_a_mistake() {
    let check = |key: &str, value: &str| {
        let mistakes = serve(&[&format!("--{key}={value}")], &[]).map(|config| shown(&config, key)).expect_err(&format!("{key} {value:?}"));
        assert_eq!(mistakes.0.len(), 1, "{mistakes}");
        assert_eq!((mistakes.0[0].key.as_str(), &mistakes.0[0].source), (key, &Source::Flag), "{mistakes}");
    };
    for value in ["", "3000", "localhost:3000", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:3001", "0.0.0.0:3001"] {
        check("listen", value);
    }
    for value in ["ftp://a", "https://a", "a", "wss://", "ws://a#b"] {
        check("jetstream", value);
    }
    check("components", "/nowhere/at/all");
    check("data-dir", "");
    check("data-dir", "/proc/version");
    for value in [
        "alice.example.org",
        "did:plc:",
        "@alice",
        "at://alice.example.org/net.atrarium.community.config/a",
        "at://did:plc:a/app.bsky.feed.generator/a",
        "at://did:plc:a/net.atrarium.community.config",
        "at://did:plc:a/net.atrarium.community.config/",
        "at://did:plc:a/net.atrarium.community.config/a/b",
        "at://did:plc:a/net.atrarium.community.config/..",
    ] {
        check("allow-owner", value);
        check("deny-owner", value);
        check("exclude-from-global", value);
    }
    for value in
        ["", "plc.directory", "ftp://plc.directory", "https://", "https://me@plc.directory", "https://a.b/?c", "https://a.b/#c", "http://localhost:2582"]
    {
        check("plc-url", value);
        check("handle-resolver", value);
    }
    for value in
        ["", "appview.example", "https://a.example/x", "https://a.example/?b", "https://me@a.example", "wss://a.example", "https://a.example; script-src *"]
    {
        check("appview-url", value);
    }
    for value in ["", "yes", "1", "TRUE"] {
        check("allow-private-network", value);
    }
    check("log-level", "inof");
    check("log-format", "yaml");
    for key in keys::ALL {
        if let Takes::Number(number) = key.takes {
            for value in [number.least - 1, number.most + 1] {
                check(key.name, &value.to_string());
            }
            for value in ["", "many", "-1", "+5", "1.5", "0x10", "99999999999999999999999"] {
                check(key.name, value);
            }
        }
    }
}

#[test]
fn no_mistake_and_no_debug_output_shows_the_secret() {
    let short = "hush hush, this is secret";
    for (arguments, environment) in [(vec!["--secret", short], vec![]), (vec![], vec![("ATRARIUM_SECRET", short)])] {
        let mistakes = serve(&arguments, &environment).map(drop).expect_err("too short").to_string();
        assert!(mistakes.contains("at least 32 bytes") && !mistakes.contains("hush"), "{mistakes}");
    }
    let long = format!("{short}, and long enough to be taken");
    let again = serve(&["--secret", &long, "--secret", &long], &[]).map(drop).expect_err("given twice").to_string();
    assert!(again.contains("once") && !again.contains("hush"), "{again}");
    let config = serve(&[], &[("ATRARIUM_SECRET", &long)]).expect("long enough");
    assert!(!format!("{config:?}").contains("hush"), "{config:?}");
}

#[test]
fn plain_http_on_this_machine_is_for_trying_things_out() {
    let port = |url: &str| PublicUrl::parse(url).expect("a public URL").loopback_port();
    assert_eq!((port("http://localhost:3000"), port("http://localhost"), port("http://a.localhost:81")), (Some(3000), Some(80), Some(81)));
    for elsewhere in ["https://localhost:3000", "http://feeds.example.org", "http://notlocalhost", "https://feeds.example.org:8443"] {
        assert_eq!(port(elsewhere), None, "{elsewhere}");
    }
}

#[test]
fn a_private_network_may_do_without_tls() {
    let config =
        serve(&["--allow-private-network", "--plc-url", "http://localhost:2582", "--handle-resolver", "http://127.0.0.1:2583"], &[]).expect("both are right");
    assert!(config.allow_private_network && config.plc_url.as_str() == "http://localhost:2582/", "the flag takes no word behind it");
    let mistakes = serve(&["--plc-url", "http://localhost:2582"], &[]).map(drop).expect_err("without TLS");
    assert_eq!(mistakes.to_string(), "--plc-url: got \"http://localhost:2582/\" but needs https:// unless allow-private-network is given");
}

#[test]
fn a_public_url_gives_the_services_did() {
    let check = |url: &str, expected: Option<(&str, &str)>| {
        let parsed = PublicUrl::parse(url).ok();
        assert_eq!(parsed.as_ref().map(|url| (url.service_did(), url.endpoint())), expected, "{url}");
    };
    check("https://feeds.example.org", Some(("did:web:feeds.example.org", "https://feeds.example.org")));
    check("https://feeds.example.org/", Some(("did:web:feeds.example.org", "https://feeds.example.org")));
    check("HTTPS://Feeds.Example.ORG", Some(("did:web:feeds.example.org", "https://feeds.example.org")));
    check("https://feeds.example.org:443", Some(("did:web:feeds.example.org", "https://feeds.example.org")));
    check("http://feeds.example.org:80", Some(("did:web:feeds.example.org", "http://feeds.example.org")));
    check("https://feeds.example.org:80", Some(("did:web:feeds.example.org%3A80", "https://feeds.example.org:80")));
    check("https://feeds.example.org:8443/", Some(("did:web:feeds.example.org%3A8443", "https://feeds.example.org:8443")));
    check("http://localhost:3000", Some(("did:web:localhost%3A3000", "http://localhost:3000")));
    check("http://localhost", Some(("did:web:localhost", "http://localhost")));
    check("https://bücher.example", Some(("did:web:xn--bcher-kva.example", "https://xn--bcher-kva.example")));
    for refused in [
        "",
        "feeds.example.org",
        "//feeds.example.org",
        "ftp://feeds.example.org",
        "https://",
        "https://user@feeds.example.org",
        "https://:password@feeds.example.org",
        "https://feeds.example.org/path",
        "https://feeds.example.org?",
        "https://feeds.example.org/?a=b",
        "https://feeds.example.org#a",
        "https://127.0.0.1",
        "http://127.0.0.1:3000",
        "http://0x7f.1",
        "https://[::1]",
        "https://[::1]:3000",
        "https://feeds.example.org.",
        "https://a..b",
        "https://-a.example",
        "https://a_b.example",
        "https://feeds.example.org:65536",
    ] {
        check(refused, None);
    }
}

#[test]
fn a_public_url_that_the_network_does_not_take_is_told() {
    for (url, word) in [
        ("https://feeds.example.org", None),
        ("http://localhost:3000", None),
        ("http://a.localhost", None),
        ("http://feeds.example.org", Some("https")),
        ("http://feeds.example.org:3000", Some("https")),
        ("https://localhost:3000", Some("443")),
        ("https://feeds.example.org:8443", Some("443")),
    ] {
        let trouble = PublicUrl::parse(url).expect("a public URL").trouble();
        assert_eq!(trouble.is_some(), word.is_some(), "{url}: {trouble:?}");
        assert!(word.is_none_or(|word| trouble.is_some_and(|trouble| trouble.contains(word))), "{url}: {trouble:?}");
    }
}

#[test]
fn the_default_public_url_follows_the_port() {
    let config = serve(&["--listen", "0.0.0.0:8080"], &[]).expect("an address is right");
    assert_eq!(config.public_url.service_did(), "did:web:localhost%3A8080");
}

#[test]
fn listeners_must_not_meet() {
    let check = |listen: &str, admin: &str, right: bool| {
        assert_eq!(serve(&["--listen", listen, "--admin-listen", admin], &[]).is_ok(), right, "{listen} {admin}");
    };
    check("127.0.0.1:4000", "127.0.0.1:4000", false);
    check("0.0.0.0:4000", "127.0.0.1:4000", false);
    check("[::]:4000", "127.0.0.1:4000", false);
    check("127.0.0.2:4000", "127.0.0.1:4000", true);
    check("127.0.0.1:0", "127.0.0.1:0", true);
    // The clash with a default is blamed on what was given.
    let mistakes = serve(&[], &[("ATRARIUM_LISTEN", "127.0.0.1:3001")]).map(drop).expect_err("the same address twice");
    assert_eq!(mistakes.to_string(), "ATRARIUM_LISTEN: got \"127.0.0.1:3001\" but needs an address that admin-listen doesn't take");
}

#[test]
fn all_mistakes_are_told_together_with_their_places() {
    let written = File::new(
        "mistakes",
        "lisen = \"127.0.0.1:3000\"\n\nqueue-limit = true\ncache_mib = 5\nconfig = \"x\"\nfrobnicate = 1\ncache-mib = 7\n\
         allow-owner = [\n  \"did:plc:ewvi7nxzyoun6zhxrhs64oiz\",\n  \"alice\",\n]\ndeny-owner = [1]\nheld-total = 1\nheld-total = 2\n[http]\nport = 1\n",
    );
    let flags = "--frob x --listen here --nonsense=1 --batch-events=0 --data-dir a --data-dir b more";
    let arguments: Vec<&str> = flags.split(' ').chain(["--config", written.path()]).collect();
    let environment =
        [("ATRARIUM_LISTEN", "nonsense"), ("ATRARIUM_LOG_FORMAT", "xml"), ("ATRARIUM_JETSTREEM", "x"), ("ATRARIUM_PORT", "tcp://10.0.0.1:80"), ("HOME", "/")];
    let mistakes = serve(&arguments, &environment).map(drop).expect_err("there are many").to_string();
    let file = |line: &str| format!("\n  {}:{line}", written.path());
    let expected = [
        "16 mistakes in the configuration:".to_owned(),
        "\n  command line: unexpected argument '--frob' found".to_owned(),
        "\n  command line: unexpected argument '--nonsense' found".to_owned(),
        "\n  command line: unexpected argument 'more' found".to_owned(),
        "\n  --listen: got \"here\" but needs an IP address with a port, such as 127.0.0.1:3000 or [::1]:3000".to_owned(),
        "\n  --batch-events: got \"0\" but needs a whole number from 1 to 10000".to_owned(),
        "\n  --data-dir: got \"b\" but needs to be given once".to_owned(),
        "\n  ATRARIUM_LOG_FORMAT: got \"xml\" but needs text or json".to_owned(),
        "\n  ATRARIUM_JETSTREEM: no such option; ATRARIUM_JETSTREAM may be meant".to_owned(),
        file("1: lisen: no such option; listen may be meant"),
        file("4: cache_mib: no such option; cache-mib may be meant"),
        file("5: config: a file can't name another"),
        file("6: frobnicate: no such option"),
        file("7: cache-mib: got \"7\" but needs a whole number from 8 to 1048576"),
        file("10: allow-owner: got \"alice\" but needs a DID"),
        file("14: duplicate key"),
        file("15: http: no such option"),
    ];
    for line in &expected {
        assert!(mistakes.contains(line.as_str()), "{line}\nis not in\n{mistakes}");
    }
    for absent in ["got \"nonsense\"", "ATRARIUM_PORT", "HOME"] {
        assert!(!mistakes.contains(absent), "{absent} is in\n{mistakes}");
    }
}

#[test]
fn values_of_the_wrong_kind_are_told_by_their_kind() {
    let check = |text: &str, expected: &str| {
        let written = File::new("kinds", text);
        let mistakes = serve(&["--config", written.path()], &[]).map(drop).expect_err(text).to_string();
        assert_eq!(mistakes, format!("{}:{expected}", written.path()));
    };
    check("queue-limit = true", "1: queue-limit: is boolean, needs a whole number");
    check("\nqueue-limit = 1.5", "2: queue-limit: is float, needs a whole number");
    check("deny-owner = [1]", "1: deny-owner: is array, needs an array of nothing but strings");
    check("deny-owner = 1", "1: deny-owner: is integer, needs an array of strings");
    check("listen = 3000", "1: listen: is integer, needs a string");
    check("allow-private-network = 1", "1: allow-private-network: is integer, needs true or false");
    check("[listen]", "1: listen: is table, needs a string");
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake_among_others() {
    let mistakes = serve(&["--config", "/nowhere/atrarium.toml", "--listen", "x"], &[]).map(drop).expect_err("two mistakes");
    assert_eq!(mistakes.0.len(), 2, "{mistakes}");
    assert!(mistakes.to_string().contains("/nowhere/atrarium.toml: can't be read: "), "{mistakes}");
    let binary = File::new("binary", "");
    std::fs::write(binary.path(), [0xff, 0xfe]).expect("the file is ours");
    assert_eq!(serve(&["--config", binary.path()], &[]).map(drop).expect_err("not text").0.len(), 1);
}

#[test]
fn a_demo_has_data_of_its_own() {
    let demo = |arguments: &[&str], environment: &[(&str, &str)]| match parse(&[&["demo"], arguments].concat(), environment) {
        Ok(Command::Demo(demo)) => demo,
        other => panic!("a demo was asked for, not {other:?}"),
    };
    let plain = demo(&[], &[("ATRARIUM_DATA_DIR", "/var/lib/atrarium"), ("ATRARIUM_LISTEN", "nonsense")]);
    assert!(plain.temporary && plain.config.data_dir.starts_with(std::env::temp_dir()), "{plain:?}");
    let kept = demo(&["--data-dir", "here", "--listen", "127.0.0.1:0"], &[]);
    assert!(!kept.temporary && kept.config.data_dir == Path::new("here") && kept.config.listen.port() == 0, "{kept:?}");
    assert!(parse(&["demo", "--queue-limit", "5"], &[]).is_err(), "an option of serve alone");
}

#[test]
fn the_command_line_is_explained() {
    let check = |arguments: &[&str], contains: &str| match parse(arguments, &[]) {
        Ok(Command::Show(text)) => assert!(text.contains(contains), "{text}"),
        other => panic!("{arguments:?} gave {other:?}"),
    };
    check(&["--version"], concat!("atrarium ", env!("CARGO_PKG_VERSION"), " (development)\n"));
    check(&["--help"], "serve");
    check(&["completions", "bash"], "dead-letters");
    check(&["completions", "zsh"], "#compdef atrarium");
    for key in keys::ALL {
        check(&["serve", "--help"], &format!("--{}", key.name));
    }
    let check = |arguments: &[&str], contains: &str| {
        let mistakes = parse(arguments, &[]).map(drop).expect_err("nothing that can be done").to_string();
        assert!(mistakes.contains(contains), "{arguments:?}: {mistakes}");
    };
    check(&[], "subcommand");
    check(&["sevre"], "serve");
    check(&["completions", "cobol"], "bash, zsh, fish, elvish or powershell");
    check(&["serve", "--lisen", "127.0.0.1:1"], "--listen");
    check(&["serve", "--listen"], "--listen");
    check(&["serve", "more"], "more");
}
