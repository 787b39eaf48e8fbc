//! The operator's rules: which communities this host serves.

use crate::config::Party;
use crate::record::RecordKey;

/// Denied is denied; where anyone is allowed by name, nobody else is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub allowed: Vec<Party>,
    pub denied: Vec<Party>,
}

impl Rules {
    /// Whether the community of this config record may be open.
    pub fn allow(&self, config: &RecordKey) -> bool {
        let uri = config.uri();
        let covered = |parties: &[Party]| parties.iter().any(|party| party.covers(&config.did, &uri));
        !covered(&self.denied) && (self.allowed.is_empty() || covered(&self.allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Collection;

    #[test]
    fn denied_outranks_allowed_and_any_allowance_excludes_the_others() {
        let key = |did: &str| RecordKey { did: did.to_owned(), collection: Collection::Config, rkey: "main".to_owned() };
        let (ann, bob) = (key("did:plc:ann"), key("did:plc:bob"));
        let did = |key: &RecordKey| Party::Did(key.did.clone());
        let community = |key: &RecordKey| Party::Community(key.uri());
        let check = |allowed: &[Party], denied: &[Party], of_ann: bool, of_bob: bool| {
            let rules = Rules { allowed: allowed.to_vec(), denied: denied.to_vec() };
            assert_eq!((rules.allow(&ann), rules.allow(&bob)), (of_ann, of_bob), "{rules:?}");
        };
        check(&[], &[], true, true);
        check(&[did(&ann)], &[], true, false);
        check(&[], &[did(&ann)], false, true);
        check(&[did(&ann), did(&bob)], &[community(&ann)], false, true);
        check(&[community(&bob)], &[did(&bob)], false, false);
    }
}
