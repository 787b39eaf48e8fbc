//! What the world sees at the public URL, asked as the world asks: through the proxy, with TLS.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Finding, LIMITS};
use crate::clock::Clock;
use crate::config::Config;
use crate::identity::{self, Resolver};
use crate::outbound::{Client, OutboundError, Response};

/// The AppView gives up after so long, and nobody tells the operator.
const APPVIEW: Duration = Duration::from_secs(5);

/// A page takes milliseconds; what is slower is on its way to being too slow.
const SLOW: Duration = Duration::from_secs(1);

/// Proxies renew a certificate when a third of its time is left: a month of ninety days, two weeks of forty-five.
const RENEWED: Duration = Duration::from_secs(10 * 24 * 60 * 60);

/// Feeds that are looked at: each costs some requests to its owner's server.
const FEEDS: usize = 50;

#[derive(Deserialize)]
struct Description {
    did: String,
    feeds: Vec<Feed>,
}

#[derive(Deserialize)]
struct Feed {
    uri: String,
}

pub(super) async fn examine(config: &Config, client: &Client) -> Vec<Finding> {
    let outside = Outside { config, client };
    let mut findings = match outside.document().await {
        Ok(finding) => vec![finding],
        // Whoever can't be reached has nothing else to show.
        Err(finding) => return vec![finding],
    };
    findings.extend(outside.certificate().await);
    findings.push(outside.admin().await);
    match outside.feeds().await {
        Ok((finding, feeds)) => {
            findings.push(finding);
            if let Some(first) = feeds.first() {
                findings.push(outside.page(first).await);
            }
            let resolver = resolver(config, client);
            let records = futures_util::future::join_all(feeds.iter().take(FEEDS).map(|feed| outside.record(feed, &resolver))).await;
            let good = records.iter().filter(|finding| finding.is_none()).count();
            findings.extend(records.into_iter().flatten());
            if good > 0 {
                findings.push(Finding::good("feed records", format!("{good} feeds are published by their owners")));
            }
            if feeds.len() > FEEDS {
                findings.push(Finding::doubtful(
                    "feed records",
                    format!("{FEEDS} of {} feeds were looked at", feeds.len()),
                    "the others may lack their record all the same",
                ));
            }
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

fn resolver(config: &Config, client: &Client) -> Resolver {
    let settings = identity::Settings { plc: config.plc_url.clone(), handle_resolver: config.handle_resolver.clone() };
    Resolver::new(client.clone(), settings, Clock::system())
}

struct Outside<'a> {
    config: &'a Config,
    client: &'a Client,
}

impl Outside<'_> {
    fn url(&self, path: &str) -> Url {
        let text = format!("{}{path}", self.config.public_url.endpoint());
        Url::parse(&text).unwrap_or_else(|_| self.config.plc_url.clone())
    }

    async fn get(&self, path: &str) -> Result<Response, OutboundError> {
        self.client.get(&self.url(path), LIMITS).await
    }

    /// The document that says who we are.
    async fn document(&self) -> Result<Finding, Finding> {
        const CHECK: &str = "DID document";
        let did = self.config.public_url.service_did();
        let url = self.url("/.well-known/did.json");
        let answer = self.get("/.well-known/did.json").await.map_err(|cause| match cause {
            // Others may be told another address, so this says nothing of what they see.
            OutboundError::Address { .. } => {
                let remedy = "this machine's /etc/hosts or DNS gives the name an address of its own network, as Debian's installer does: remove that line, or run this on another machine to see what the world sees. If the world's DNS says the same, nobody reaches the host";
                Finding::doubtful(CHECK, format!("what the world sees can't be told from here: {cause}"), remedy)
            }
            cause => {
                let remedy = "look that the server runs, that DNS leads the name to this machine, that ports 80 and 443 are open, and that the proxy has a certificate for it and leads to --listen";
                Finding::bad(CHECK, format!("{url} can't be read: {cause}"), remedy)
            }
        })?;
        let wrong = |seen: String| {
            Finding::bad(CHECK, seen, "let the proxy lead /.well-known/did.json to the program, whose --public-url must be the address that the world uses")
        };
        if answer.status() != 200 {
            return Err(wrong(format!("{url} answers {}", answer.status())));
        }
        let document: Value = serde_json::from_slice(&answer.body).map_err(|cause| wrong(format!("{url} is no JSON: {cause}")))?;
        if document["id"] != did {
            return Err(wrong(format!("{url} is of {}, and this service is {did}", document["id"])));
        }
        let service = document["service"].as_array().into_iter().flatten().find(|service| service["type"] == "BskyFeedGenerator");
        let endpoint = service.map(|service| &service["serviceEndpoint"]);
        if endpoint.and_then(Value::as_str) != Some(self.config.public_url.endpoint()) {
            return Err(wrong(format!("{url} names {} as the feed generator's address", endpoint.unwrap_or(&Value::Null))));
        }
        let by = if self.config.public_url.endpoint().starts_with("https://") { "by TLS, with a good certificate" } else { "without TLS" };
        Ok(Finding::good(CHECK, format!("{url} can be read {by}, and names this service")))
    }

    /// Whether the certificate will do for a while, if there is any.
    async fn certificate(&self) -> Option<Finding> {
        let has_one = self.config.public_url.endpoint().starts_with("https://");
        if has_one { certificate(self.client, &self.url("/.well-known/did.json"), RENEWED).await } else { None }
    }

    /// The operator's routes must not be there, nor where others reach their listener.
    async fn admin(&self) -> Finding {
        const CHECK: &str = "admin listener";
        let listen = self.config.admin_listen;
        match self.get("/metrics").await {
            Ok(answer) if answer.status() == 200 && answer.body.windows(9).any(|bytes| bytes == b"atrarium_") => {
                Finding::bad(CHECK, "anybody can read /metrics at the public URL", "let the proxy lead to --listen alone, never to --admin-listen")
            }
            _ if !listen.ip().to_canonical().is_loopback() => Finding::doubtful(
                CHECK,
                format!("it listens on {listen}, where more than this machine may reach it"),
                "let only Prometheus and the supervisor reach it (by a firewall), or leave --admin-listen at 127.0.0.1:3001",
            ),
            _ => Finding::good(CHECK, "it listens on loopback alone, and the public URL doesn't show it"),
        }
    }

    async fn feeds(&self) -> Result<(Finding, Vec<String>), Finding> {
        const CHECK: &str = "feeds";
        let path = "/xrpc/app.bsky.feed.describeFeedGenerator";
        let wrong = |seen: String| Finding::bad(CHECK, seen, "let the proxy lead /xrpc/ to the program");
        let answer = self.get(path).await.and_then(Response::ok).map_err(|cause| wrong(format!("describeFeedGenerator can't be read: {cause}")))?;
        let description: Description = answer.json().map_err(|cause| wrong(format!("describeFeedGenerator is none: {cause}")))?;
        let did = self.config.public_url.service_did();
        if description.did != did {
            return Err(wrong(format!("describeFeedGenerator is of {}, and this service is {did}", description.did)));
        }
        let feeds: Vec<String> = description.feeds.into_iter().map(|feed| feed.uri).collect();
        let finding = match feeds.len() {
            0 => Finding::doubtful(CHECK, "there is no community yet", "sign in at the public URL and found one"),
            number => Finding::good(CHECK, format!("{number} are served")),
        };
        Ok((finding, feeds))
    }

    /// A page, and how long it takes.
    async fn page(&self, feed: &str) -> Finding {
        const CHECK: &str = "a page";
        let began = Instant::now();
        let answer = self.get(&format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={feed}&limit=30")).await;
        let took = began.elapsed();
        let remedy = "look at `atrarium db stats`, at the load of the machine, and at what the proxy does meanwhile; the AppView gives up after five seconds, and readers see \"feed unavailable\"";
        let page = match answer.and_then(Response::ok).and_then(|answer| answer.json::<Value>()) {
            Ok(page) => page,
            Err(cause) => return Finding::bad(CHECK, format!("{feed} can't be read: {cause}"), "look at the server's log"),
        };
        let Some(posts) = page["feed"].as_array() else {
            return Finding::bad(CHECK, format!("{feed} answers something that is no page"), "let the proxy lead /xrpc/ to the program");
        };
        let distinct: BTreeSet<&str> = posts.iter().filter_map(|item| item["post"].as_str()).collect();
        if distinct.len() != posts.len() || distinct.iter().any(|uri| !uri.starts_with("at://")) {
            return Finding::bad(
                CHECK,
                format!("{feed} has posts twice, or what is no post"),
                "put the embedded components back in place of --components, and report this",
            );
        }
        let seen = format!("{feed} has {} posts, after {} ms of the 5000 that the AppView waits", posts.len(), took.as_millis());
        match took {
            took if took >= APPVIEW => Finding::bad(CHECK, seen, remedy),
            took if took >= SLOW => Finding::doubtful(CHECK, seen, remedy),
            _ => Finding::good(CHECK, seen),
        }
    }

    /// What is wrong with a feed's record in its owner's repo, by which Bluesky knows it; `None` if nothing is.
    async fn record(&self, feed: &str, resolver: &Resolver) -> Option<Finding> {
        const CHECK: &str = "feed records";
        let mut parts = feed.strip_prefix("at://")?.split('/');
        let (owner, _, rkey) = (parts.next()?, parts.next()?, parts.next()?);
        let asked = |cause: String| {
            Some(Finding::doubtful(
                CHECK,
                format!("{feed} can't be looked up: {cause}"),
                "try again later; if it goes on, ask the owner whether their server is well",
            ))
        };
        let server = match resolver.resolve(owner).await {
            Ok(document) => match document.pds.clone() {
                Some(server) => server,
                None => return asked(format!("the document of {owner} names no server")),
            },
            Err(cause) => return asked(cause.to_string()),
        };
        let mut url = server;
        url.set_path("/xrpc/com.atproto.repo.getRecord");
        url.query_pairs_mut().append_pair("repo", owner).append_pair("collection", "app.bsky.feed.generator").append_pair("rkey", rkey);
        let answer = match self.client.get(&url, LIMITS).await {
            Ok(answer) => answer,
            Err(cause) => return asked(cause.to_string()),
        };
        let remedy = "let the owner sign in here and save the community's settings, which publishes it";
        let did = self.config.public_url.service_did();
        match (answer.status(), answer.json::<Value>()) {
            (200, Ok(record)) if record["value"]["did"] == did => None,
            (200, Ok(record)) => {
                Some(Finding::bad(CHECK, format!("the record of {feed} names {} and not {did}: Bluesky asks that one", record["value"]["did"]), remedy))
            }
            (400 | 404, _) => Some(Finding::doubtful(CHECK, format!("{feed} has no record, so Bluesky can't show it"), remedy)),
            (status, _) => asked(format!("its owner's server answers {status}")),
        }
    }
}

/// Whether the server's certificate will still be good then: it is shown to somebody whose clock is ahead. `None`: it could be asked a
/// moment ago, and tells nothing of its certificate now.
async fn certificate(client: &Client, url: &Url, outlasting: Duration) -> Option<Finding> {
    const CHECK: &str = "certificate";
    let days = outlasting.as_secs() / 86_400;
    match client.ahead_by(outlasting).get(url, LIMITS).await {
        Ok(_) => Some(Finding::good(CHECK, format!("it is good for {days} days at least"))),
        Err(OutboundError::Expired { cause, .. }) => {
            let remedy = "look why the proxy hasn't renewed it: its log says so, and ports 80 and 443 must be open to the world";
            Some(Finding::doubtful(CHECK, format!("it won't be good in {days} days any more: {cause}"), remedy))
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::cli::{self, Command};
    use crate::doctor::Verdict;
    use crate::outbound::Policy;
    use crate::outbound::tests::{serve_with_tls, trusting, with_tls};

    #[tokio::test]
    async fn a_document_is_read_by_tls_only_from_who_can_prove_their_name() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let public = format!("https://localhost:{port}");
        let service = json!({ "id": "#bsky_fg", "type": "BskyFeedGenerator", "serviceEndpoint": public });
        let document = json!({ "id": format!("did:web:localhost%3A{port}"), "service": [service] }).to_string();
        serve_with_tls(listener, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}", document.len()));
        let config = match cli::parse(["atrarium", "doctor", "--public-url", &public].map(Into::into), []) {
            Ok(Command::Doctor { config, .. }) => *config,
            other => panic!("doctor was asked for, not {other:?}"),
        };

        let found = Outside { config: &config, client: &trusting() }.document().await.expect("the certificate is good, and so is the document");
        let seen = format!("{public}/.well-known/did.json can be read by TLS, with a good certificate, and names this service");
        assert_eq!(found, Finding::good("DID document", seen));

        // The world's authorities don't vouch for the certificate.
        let world = Client::new(Policy::new(true));
        let found = Outside { config: &config, client: &world }.document().await.expect_err("nobody vouches for the certificate");
        assert_eq!((found.check, found.verdict), ("DID document", Verdict::Bad));
        assert!(found.seen.contains("can't be read") && found.seen.contains("localhost could not prove who it is"), "{}", found.seen);
        assert!(found.remedy.is_some_and(|remedy| remedy.contains("that the proxy has a certificate for it")));
    }

    #[tokio::test]
    async fn a_certificate_that_will_soon_be_over_is_told_before_it_is() {
        const CENTURY: Duration = Duration::from_secs(101 * 366 * 24 * 60 * 60);
        let (url, client) = with_tls().await;
        let found = certificate(&client, &url, RENEWED).await.expect("it answers");
        assert_eq!((found.verdict, found.seen.as_str(), found.remedy), (Verdict::Good, "it is good for 10 days at least", None));

        let found = certificate(&client, &url, CENTURY).await.expect("it answers");
        assert_eq!(found.verdict, Verdict::Doubtful);
        assert!(found.seen.contains("36966 days") && found.seen.contains("expired"), "{}", found.seen);
        assert!(found.remedy.is_some_and(|remedy| remedy.contains("renewed")));

        // Nobody is there any more, or somebody who shows no certificate: of it nothing is known.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("https://localhost:{}/", listener.local_addr().expect("a bound socket has an address").port()).parse().expect("a URL");
        let (found, ()) = tokio::join!(certificate(&client, &url, CENTURY), async {
            let (mut stream, _) = listener.accept().await.expect("the client comes");
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("the client listens");
        });
        assert_eq!(found, None);
        drop(listener);
        assert_eq!(certificate(&client, &url, CENTURY).await, None);
    }
}
