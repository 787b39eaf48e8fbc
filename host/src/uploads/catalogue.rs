//! Which mixes there are: in memory, as they lie in state.redb.
//!
//! Small enough to be kept whole (some hundred bytes for a version), so that no question costs a look at the disk. Who changes it
//! holds it until the change is durable; feeds never look here.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::rows::{self, Active, Digest, Upload, Version};
use super::settings::Quotas;
use super::{Refused, Totals, Usage};
use crate::store::{State, StateError};

#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) uploads: HashMap<Digest, Upload>,
    pub(super) versions: HashMap<String, BTreeMap<u32, Version>>,
    /// The last number that each community's versions were given.
    pub(super) numbers: HashMap<String, u32>,
    pub(super) active: HashMap<String, Active>,
}

impl Catalogue {
    pub(super) fn read(state: &State) -> Result<Self, StateError> {
        let mut catalogue = Self::default();
        rows::all_uploads(state, |digest, upload| drop(catalogue.uploads.insert(digest, upload)))?;
        rows::all_versions(state, |uri, number, version| drop(catalogue.versions.entry(uri).or_default().insert(number, version)))?;
        rows::all_numbers(state, |uri, number| {
            catalogue.numbers.insert(uri, number);
        })?;
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

    /// A number that this community's versions have never had: what is said of one is never of another.
    pub(super) fn next_number(&self, uri: &str) -> u32 {
        self.numbers.get(uri).map_or(1, |number| number + 1)
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

    /// All together.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            components: self.uploads.len(),
            bytes: self.uploads.values().map(|upload| upload.size).sum(),
            versions: self.versions.values().map(BTreeMap::len).sum(),
            active: self.active.values().filter(|active| active.number.is_some()).count(),
            switched_off: self.active.values().filter(|active| active.off_because.is_some()).count(),
            checking: self.uploads.values().filter(|upload| upload.verdict.is_none()).count(),
        }
    }

    /// The version by which a community has this component.
    pub(super) fn number_of(&self, uri: &str, digest: &Digest) -> Option<u32> {
        self.versions.get(uri)?.iter().find(|(_, version)| version.digest == *digest).map(|(number, _)| *number)
    }

    /// Whether there is room for one more of this size in the community, in the place of another or beside all that it has.
    pub(super) fn room(&self, uri: &str, digest: &Digest, size: u64, quotas: &Quotas, gives_way: Option<u32>) -> Result<(), Refused> {
        let usage = self.usage(uri);
        let known = self.uploads.contains_key(digest);
        let owned = self.versions.iter().any(|(of, versions)| owner_of(of) == owner_of(uri) && versions.values().any(|version| version.digest == *digest));
        let more_for_owner = if owned { 0 } else { size };
        if usage.versions - usize::from(gives_way.is_some()) >= quotas.versions {
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

    /// Where there is no place for another version: one that was refused and gives its place away.
    pub(super) fn gives_way(&self, uri: &str, quotas: &Quotas) -> Option<u32> {
        let refused =
            |version: &Version| matches!(self.uploads.get(&version.digest), Some(Upload { verdict: Some(crate::sandbox::strangers::Verdict::Refused(_)), .. }));
        let versions = self.versions.get(uri).filter(|versions| versions.len() >= quotas.versions)?;
        versions.iter().find(|(_, version)| refused(version)).map(|(number, _)| *number)
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
            let version = Version { digest: [*digest; 32], name: String::new(), uploader: String::new(), uploaded_ms: 0, size: 10 };
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
        assert_eq!(catalogue.room("at://a/c/1", &[2; 32], 10, &quotas, None), Ok(()), "the owner has it already");
        assert_eq!(catalogue.room("at://b/c/1", &[1; 32], 10, &quotas, None), Ok(()), "the host has it already");
        assert_eq!(catalogue.room("at://a/c/1", &[3; 32], 10, &quotas, None), Err(Refused::OwnerBytes { used: 20, size: 10, most: 25 }));
        assert_eq!(catalogue.room("at://b/c/1", &[3; 32], 10, &quotas, None), Err(Refused::TotalBytes));
    }
}
