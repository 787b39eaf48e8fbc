//! Where the components' bytes come from.
//!
//! They are embedded by the build; a file of the same name in the directory of `--components` takes the place of an embedded
//! one. `moderation` is composed into `community-feed` here, when they are loaded, so that either can be replaced alone.
//! A file that is there and can't be read or joined is an error, and so is a directory that isn't there: nobody wants the wrong
//! policy to run quietly.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PlugError, plug};

use super::{SandboxError, one_line};

const FILTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/filter.wasm"));
const COMMUNITY_FEED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/community-feed.wasm"));
const MODERATION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/moderation.wasm"));
const FEED_MIX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/feed-mix.wasm"));

/// The components that the host runs.
#[derive(Debug)]
pub struct Components {
    pub filter: Found,
    pub community_feed: Found,
    pub moderation: Found,
    pub feed_mix: Found,
}

/// A component as it was found.
pub struct Found {
    pub name: &'static str,
    pub bytes: Cow<'static, [u8]>,
    /// `None`: the embedded one.
    pub path: Option<PathBuf>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("name", &self.name).field("bytes", &self.bytes.len()).field("path", &self.path).finish()
    }
}

/// What a component is known by: the same bytes are the same component.
pub(super) type Sum = [u8; 32];

impl Components {
    /// The embedded components, or those of them that `directory` has under `<name>.wasm`.
    pub fn load(directory: Option<&Path>) -> Result<Self, SandboxError> {
        let components = Self {
            filter: Found::look(directory, "filter", FILTER)?,
            community_feed: Found::look(directory, "community-feed", COMMUNITY_FEED)?,
            moderation: Found::look(directory, "moderation", MODERATION)?,
            feed_mix: Found::look(directory, "feed-mix", FEED_MIX)?,
        };
        if let Some(directory) = directory {
            let names = components.all().map(|found| found.name);
            warn_of_others(directory, &names).map_err(|cause| SandboxError::Directory { path: directory.to_owned(), cause })?;
        }
        Ok(components)
    }

    /// Always in this order.
    pub(super) fn all(&self) -> [&Found; 4] {
        [&self.filter, &self.community_feed, &self.moderation, &self.feed_mix]
    }

    /// Whether the mix is the program's own, wherever it was found.
    pub(super) fn has_embedded_mix(&self) -> bool {
        *self.feed_mix.bytes == *FEED_MIX
    }

    /// `community-feed` with `moderation` composed into it.
    pub(super) fn community(&self) -> Result<Vec<u8>, SandboxError> {
        compose(&self.community_feed, &self.moderation)
    }
}

impl Found {
    fn look(directory: Option<&Path>, name: &'static str, embedded: &'static [u8]) -> Result<Self, SandboxError> {
        let Some(path) = directory.map(|directory| directory.join(name).with_extension("wasm")) else {
            return Ok(Self { name, bytes: Cow::Borrowed(embedded), path: None });
        };
        match std::fs::read(&path) {
            Ok(bytes) => {
                tracing::info!(component = name, path = %path.display(), "component replaced");
                Ok(Self { name, bytes: Cow::Owned(bytes), path: Some(path) })
            }
            // A link that leads nowhere is there.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                Ok(Self { name, bytes: Cow::Borrowed(embedded), path: None })
            }
            Err(cause) => Err(SandboxError::Read { path, cause }),
        }
    }

    /// Its name in a sentence, with its file if it has one.
    pub(super) fn called(&self) -> String {
        called(self.name, &[self])
    }

    pub(super) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        sum.copy_from_slice(digest(&SHA256, &self.bytes).as_ref());
        sum
    }
}

/// The name of what is made of these, with those of their files that there are.
pub(super) fn called(name: &str, parts: &[&Found]) -> String {
    let files: Vec<String> = parts.iter().filter_map(|part| Some(part.path.as_ref()?.display().to_string())).collect();
    if files.is_empty() { name.to_owned() } else { format!("{name} ({})", files.join(" and ")) }
}

/// A component under a wrong name would be passed over in silence.
fn warn_of_others(directory: &Path, names: &[&str]) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let is_component = path.extension().is_some_and(|extension| extension == "wasm");
        let known = path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| names.contains(&stem));
        if is_component && !known {
            tracing::warn!(path = %path.display(), names = names.join(", "), "a file in the directory of components is called like none of them: it is not used");
        }
    }
    Ok(())
}

/// Plugs the policy into the object.
fn compose(community_feed: &Found, moderation: &Found) -> Result<Vec<u8>, SandboxError> {
    let unusable = |found: &Found, cause: String| SandboxError::Unusable { name: found.called(), cause: one_line(&cause) };
    // Where they don't fit each other, the one that comes from a file is to blame.
    let unfit = |cause: &str| SandboxError::Unusable {
        name: match (&community_feed.path, &moderation.path) {
            (Some(_), None) => community_feed.called(),
            (Some(_), Some(_)) => called("moderation", &[community_feed, moderation]),
            (None, _) => moderation.called(),
        },
        cause: one_line(cause),
    };
    let mut graph = CompositionGraph::new();
    let socket = Package::from_bytes("atrarium:community-feed", None, community_feed.bytes.to_vec(), graph.types_mut())
        .map_err(|cause| unusable(community_feed, format!("{cause:#}")))?;
    let policy = Package::from_bytes("atrarium:moderation", None, moderation.bytes.to_vec(), graph.types_mut())
        .map_err(|cause| unusable(moderation, format!("{cause:#}")))?;
    let socket = graph.register_package(socket).map_err(|cause| unusable(community_feed, cause.to_string()))?;
    let policy = graph.register_package(policy).map_err(|cause| unusable(moderation, cause.to_string()))?;
    plug(&mut graph, vec![policy], socket).map_err(|cause| match cause {
        PlugError::NoPlugHappened => unfit("moderation does not export what community-feed imports"),
        other => unfit(&format!("{other}: {:?}", std::error::Error::source(&other).map(ToString::to_string))),
    })?;
    graph.encode(EncodeOptions::default()).map_err(|cause| unusable(community_feed, format!("{cause:#}")))
}
