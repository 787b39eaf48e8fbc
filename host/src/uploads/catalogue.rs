//! Which mixes there are: in memory, as they lie in state.redb.
//!
//! Small enough to be kept whole (some hundred bytes for a version), so that no question costs a look at the disk. Who changes it
//! holds it until the change is durable; feeds never look here.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::rows::{self, Active, Digest, Upload, Version};
use super::settings::Quotas;
use super::{Refused, Usage};
use crate::store::{State, StateError};

#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) uploads: HashMap<Digest, Upload>,
    pub(super) versions: HashMap<String, BTreeMap<u32, Version>>,
    pub(super) active: HashMap<String, Active>,
}

impl Catalogue {
    pub(super) fn read(state: &State) -> Result<Self, StateError> {
        let mut catalogue = Self::default();
        rows::all_uploads(state, |digest, upload| drop(catalogue.uploads.insert(digest, upload)))?;
        rows::all_versions(state, |uri, number, version| drop(catalogue.versions.entry(uri).or_default().insert(number, version)))?;
        rows::all_active(state, |uri, active| {
            catalogue.active.insert(uri, active);
        })?;
        Ok(catalogue)
    }

    pub(super) fn version(&self, uri: &str, number: u32) -> Option<(&Version, &Upload)> {
        let version = self.versions.get(uri)?.get(&number)?;
        Some((version, self.uploads.get(&version.digest)?))
    }

    /// The version that is active, if it isn't the default mix.
    pub(super) fn active_number(&self, uri: &str) -> Option<u32> {
        self.active.get(uri)?.number
    }

    /// A number that this community's versions have never had, as far as is known.
    pub(super) fn next_number(&self, uri: &str) -> u32 {
        let newest = self.versions.get(uri).and_then(|versions| versions.keys().next_back().copied()).unwrap_or(0);
        let named = self.active.get(uri).map_or(0, |active| active.number.max(active.before.flatten()).unwrap_or(0));
        newest.max(named) + 1
    }

    /// The communities that have this component.
    pub(super) fn users(&self, digest: &Digest) -> Vec<(String, u32)> {
        let all = self.versions.iter().flat_map(|(uri, versions)| versions.iter().map(move |(number, version)| (uri, *number, version)));
        all.filter(|(_, _, version)| version.digest == *digest).map(|(uri, number, _)| (uri.clone(), number)).collect()
    }

    /// What a community, its owner and all together use.
    pub(super) fn usage(&self, uri: &str) -> Usage {
        let owner = owner_of(uri);
        let owners = self.versions.iter().filter(|(uri, _)| owner_of(uri) == owner).flat_map(|(_, versions)| versions.values());
        let digests: HashSet<&Digest> = owners.map(|version| &version.digest).collect();
        let size = |digest: &Digest| self.uploads.get(digest).map_or(0, |upload| upload.size);
        Usage {
            versions: self.versions.get(uri).map_or(0, BTreeMap::len),
            owner_bytes: digests.iter().map(|digest| size(digest)).sum(),
            total_bytes: self.uploads.values().map(|upload| upload.size).sum(),
            checking: digests.iter().filter(|digest| self.uploads.get(**digest).is_some_and(|upload| upload.verdict.is_none())).count(),
        }
    }

    /// Whether there is room for one more of this size in the community.
    pub(super) fn room(&self, uri: &str, digest: &Digest, size: u64, quotas: &Quotas) -> Result<(), Refused> {
        let usage = self.usage(uri);
        let known = self.uploads.contains_key(digest);
        let owned = self.versions.iter().any(|(of, versions)| owner_of(of) == owner_of(uri) && versions.values().any(|version| version.digest == *digest));
        let more_for_owner = if owned { 0 } else { size };
        if usage.versions >= quotas.versions {
            return Err(Refused::Versions(quotas.versions));
        }
        if usage.owner_bytes + more_for_owner > quotas.owner_bytes {
            return Err(Refused::OwnerBytes { used: usage.owner_bytes, size, most: quotas.owner_bytes });
        }
        if !known && usage.total_bytes + size > quotas.total_bytes {
            return Err(Refused::TotalBytes);
        }
        if !known && usage.checking >= quotas.checking {
            return Err(Refused::Checking(quotas.checking));
        }
        Ok(())
    }

    /// A version that was refused and may give its place to a new one.
    pub(super) fn refused_version(&self, uri: &str) -> Option<u32> {
        let refused =
            |version: &Version| matches!(self.uploads.get(&version.digest), Some(Upload { verdict: Some(crate::sandbox::strangers::Verdict::Refused(_)), .. }));
        self.versions.get(uri)?.iter().find(|(_, version)| refused(version)).map(|(number, _)| *number)
    }
}

/// The DID in a community's URI.
pub(super) fn owner_of(uri: &str) -> &str {
    uri.strip_prefix("at://").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(versions: &[(&str, u32, u8)]) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (uri, number, digest) in versions {
            let version = Version { digest: [*digest; 32], name: String::new(), uploader: String::new(), uploaded_ms: 0 };
            catalogue.versions.entry((*uri).to_owned()).or_default().insert(*number, version);
            catalogue.uploads.insert([*digest; 32], Upload { size: 10, verdict: None, compiled: None });
        }
        catalogue
    }

    #[test]
    fn the_same_bytes_count_once_for_an_owner_and_once_for_the_host() {
        let catalogue = catalogue(&[("at://a/c/1", 1, 1), ("at://a/c/2", 1, 1), ("at://a/c/2", 2, 2), ("at://b/c/1", 1, 2)]);
        let usage = catalogue.usage("at://a/c/2");
        assert_eq!((usage.versions, usage.owner_bytes, usage.total_bytes), (2, 20, 20));
        assert_eq!(catalogue.usage("at://b/c/1").owner_bytes, 10);
        let quotas = Quotas { versions: 9, owner_bytes: 25, total_bytes: 25, checking: 9, per_hour: 9 };
        assert_eq!(catalogue.room("at://a/c/1", &[2; 32], 10, &quotas), Ok(()), "the owner has it already");
        assert_eq!(catalogue.room("at://b/c/1", &[1; 32], 10, &quotas), Ok(()), "the host has it already");
        assert_eq!(catalogue.room("at://a/c/1", &[3; 32], 10, &quotas), Err(Refused::OwnerBytes { used: 20, size: 10, most: 25 }));
        assert_eq!(catalogue.room("at://b/c/1", &[3; 32], 10, &quotas), Err(Refused::TotalBytes));
    }

    #[test]
    fn no_number_comes_twice() {
        let mut catalogue = catalogue(&[("at://a/c/1", 4, 1)]);
        assert_eq!(catalogue.next_number("at://a/c/1"), 5);
        assert_eq!(catalogue.next_number("at://a/c/2"), 1);
        catalogue.active.insert("at://a/c/1".to_owned(), Active { number: None, since_ms: 0, before: Some(Some(7)) });
        assert_eq!(catalogue.next_number("at://a/c/1"), 8);
    }
}
