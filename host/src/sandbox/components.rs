//! Where the components' bytes come from.
//!
//! They are embedded by the build; a file of the same name in the directory of `--components` takes the place of an embedded
//! one. `moderation` is composed into `community-feed` here, when the program starts, so that either can be replaced alone.
//! A file that can't be read or joined is an error that stops the start: nobody wants the wrong policy to run quietly.

use std::path::Path;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PlugError, plug};

use super::{SandboxError, one_line};

/// The components that the host runs, as bytes.
pub struct Components {
    pub filter: Vec<u8>,
    /// `community-feed` with `moderation` composed into it.
    pub community: Vec<u8>,
    pub feed_mix: Vec<u8>,
    /// Whether `feed_mix` is the embedded one, to which it doesn't matter who reads.
    pub embedded_mix: bool,
}

impl std::fmt::Debug for Components {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Components")
            .field("filter", &self.filter.len())
            .field("community", &self.community.len())
            .field("feed_mix", &self.feed_mix.len())
            .finish()
    }
}

const FILTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/filter.wasm"));
const COMMUNITY_FEED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/community-feed.wasm"));
const MODERATION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/moderation.wasm"));
const FEED_MIX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/feed-mix.wasm"));

impl Components {
    /// The embedded components, or those of them that `directory` has under `<name>.wasm`.
    pub fn load(directory: Option<&Path>) -> Result<Self, SandboxError> {
        let read = |name: &str, embedded: &[u8]| match directory.map(|directory| directory.join(format!("{name}.wasm"))) {
            Some(path) if path.exists() => {
                tracing::info!(component = name, path = %path.display(), "component replaced");
                std::fs::read(&path).map_err(|cause| SandboxError::Read { path, cause })
            }
            _ => Ok(embedded.to_vec()),
        };
        Ok(Self {
            filter: read("filter", FILTER)?,
            community: compose(read("community-feed", COMMUNITY_FEED)?, read("moderation", MODERATION)?)?,
            feed_mix: read("feed-mix", FEED_MIX)?,
            embedded_mix: !directory.is_some_and(|directory| directory.join("feed-mix.wasm").exists()),
        })
    }
}

/// Plugs the policy into the object.
fn compose(community_feed: Vec<u8>, moderation: Vec<u8>) -> Result<Vec<u8>, SandboxError> {
    let unusable = |name: &'static str, cause: String| SandboxError::Unusable { name, cause: one_line(&cause) };
    let mut graph = CompositionGraph::new();
    let socket = Package::from_bytes("atrarium:community-feed", None, community_feed, graph.types_mut())
        .map_err(|cause| unusable("community-feed", format!("{cause:#}")))?;
    let policy =
        Package::from_bytes("atrarium:moderation", None, moderation, graph.types_mut()).map_err(|cause| unusable("moderation", format!("{cause:#}")))?;
    let socket = graph.register_package(socket).map_err(|cause| unusable("community-feed", cause.to_string()))?;
    let policy = graph.register_package(policy).map_err(|cause| unusable("moderation", cause.to_string()))?;
    plug(&mut graph, vec![policy], socket).map_err(|cause| match cause {
        PlugError::NoPlugHappened => unusable("moderation", "it does not export what community-feed imports".to_owned()),
        other => unusable("moderation", format!("{other}: {:?}", std::error::Error::source(&other).map(ToString::to_string))),
    })?;
    graph.encode(EncodeOptions::default()).map_err(|cause| unusable("community-feed", format!("{cause:#}")))
}
