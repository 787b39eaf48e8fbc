//! The operator's components, compiled, linked and tried; and which of them count now.
//!
//! Whoever uses one asks [`Current`] where a piece of work begins and stays with the answer until its end, so no batch and no
//! page is made by two. The answer is a whole set: components that were put in place together count together.
//!
//! Linking takes a second of processor time, and fails in a sentence that names the file. What is the same as in the set before
//! isn't compiled again: it is the very same `Arc`, by which its users see that nothing has changed for them.

use std::sync::{Arc, PoisonError, RwLock};

use super::components::{Components, Found, Sum, called};
use super::filter::Filters;
use super::mix::Mixes;
use super::object::Objects;
use super::{Fault, Sandbox, SandboxError, rehearsal};

/// A set of components that can be used.
#[derive(Debug)]
pub struct Linked {
    pub filter: Arc<Filters>,
    pub objects: Arc<Objects>,
    pub mix: Arc<Mixes>,
    /// How many sets there were before this one.
    pub number: u64,
    files: [File; 4],
}

/// What a set was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct File {
    name: &'static str,
    sum: Sum,
}

impl Linked {
    /// Compiles what isn't in the set `before`, links it and tries it.
    pub fn link(sandbox: &Sandbox, components: &Components, before: Option<&Self>) -> Result<Self, SandboxError> {
        let Components { filter, community_feed, moderation, feed_mix } = components;
        let files = components.all().map(|found| File { name: found.name, sum: found.sum() });
        let same = |parts: &[&Found]| {
            before.filter(|before| parts.iter().all(|part| before.files.iter().any(|file| file.name == part.name && file.sum == part.sum())))
        };
        Ok(Self {
            filter: match same(&[filter]) {
                Some(before) => Arc::clone(&before.filter),
                None => {
                    let new = Filters::new(sandbox, &filter.bytes).map_err(|cause| cause.of(filter.called()))?;
                    tried(Arc::new(new), rehearsal::filter, filter.called())?
                }
            },
            objects: match same(&[community_feed, moderation]) {
                Some(before) => Arc::clone(&before.objects),
                None => {
                    let both = called("community-feed", &[community_feed, moderation]);
                    let new = Objects::new(sandbox, &components.community()?).map_err(|cause| cause.of(both.clone()))?;
                    tried(Arc::new(new), rehearsal::object, both)?
                }
            },
            mix: match same(&[feed_mix]) {
                Some(before) => Arc::clone(&before.mix),
                None => {
                    let new = Mixes::new(sandbox, &feed_mix.bytes, components.has_embedded_mix()).map_err(|cause| cause.of(feed_mix.called()))?;
                    tried(Arc::new(new), rehearsal::mix, feed_mix.called())?
                }
            },
            number: before.map_or(0, |before| before.number + 1),
            files,
        })
    }

    /// The components that are others than in the set before.
    pub(super) fn replaced(&self, before: &Self) -> Vec<&'static str> {
        self.files.iter().filter(|file| !before.files.contains(file)).map(|file| file.name).collect()
    }
}

/// A component that does ordinary work. A machine that is busy may let a call pass its deadline, so the second try decides.
fn tried<T>(new: Arc<T>, rehearse: fn(&Arc<T>) -> Result<(), Fault>, called: String) -> Result<Arc<T>, SandboxError> {
    let failed = |fault: Fault| SandboxError::Failed { name: called, cause: fault.cause().to_owned() };
    rehearse(&new).or_else(|_| rehearse(&new)).map_err(failed)?;
    Ok(new)
}

/// The set that counts. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Current(Arc<RwLock<Arc<Linked>>>);

impl Current {
    pub fn new(linked: Linked) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(linked))))
    }

    pub fn now(&self) -> Arc<Linked> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From here on whoever asks gets this set.
    pub(super) fn replace(&self, linked: Linked) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(linked);
    }
}
