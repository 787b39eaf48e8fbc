//! The JSON that the public routes give, field by field in the order in which it is written.
//!
//! Nothing here can fail: these are strings and lists of strings.

use hyper::body::Bytes;
use serde::Serialize;

use super::public::Service;

#[derive(Serialize)]
struct DidDocument<'a> {
    #[serde(rename = "@context")]
    context: [&'static str; 1],
    id: &'a str,
    service: [DidService<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DidService<'a> {
    id: &'static str,
    r#type: &'static str,
    service_endpoint: &'a str,
}

#[derive(Serialize)]
struct Health {
    version: &'static str,
}

#[derive(Serialize)]
struct Description<'a> {
    did: &'a str,
    feeds: Vec<DescribedFeed>,
}

#[derive(Serialize)]
struct DescribedFeed {
    uri: String,
}

#[derive(Serialize)]
struct XrpcError<'a> {
    error: &'a str,
    message: &'a str,
}

/// `/.well-known/did.json`.
pub(super) fn did_document(service: &Service) -> Bytes {
    let generator = DidService { id: "#bsky_fg", r#type: "BskyFeedGenerator", service_endpoint: &service.endpoint };
    json(&DidDocument { context: ["https://www.w3.org/ns/did/v1"], id: &service.did, service: [generator] })
}

/// `/xrpc/_health`.
pub(super) fn health(service: &Service) -> Bytes {
    json(&Health { version: service.version })
}

/// `app.bsky.feed.describeFeedGenerator`.
pub(super) fn description(service: &Service, feeds: Vec<String>) -> Bytes {
    let feeds = feeds.into_iter().map(|uri| DescribedFeed { uri }).collect();
    json(&Description { did: &service.did, feeds })
}

/// An error, whatever the method.
pub(super) fn error(error: &str, message: &str) -> Bytes {
    json(&XrpcError { error, message })
}

pub(super) fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("strings, booleans and lists of them are always JSON").into()
}
