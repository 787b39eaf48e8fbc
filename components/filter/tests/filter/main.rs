//! The filter as the host sees it: records as text in, verdicts out.

mod chance;
mod lexicons;
mod posts;
mod records;
mod vectors;

use atrarium_filter::{
    bindings::exports::atrarium::filter::records::{Raw, Verdict},
    judge,
};

fn verdict(collection: &str, json: &str) -> Verdict {
    judge::judge(&Raw { did: "did:plc:someone".to_owned(), collection: collection.to_owned(), rkey: "3jzfcijpj2z2a".to_owned(), json: json.to_owned() })
}

/// The code of a malformed record.
fn fault(collection: &str, json: &str) -> Option<String> {
    match verdict(collection, json) {
        Verdict::Malformed(code) => Some(code),
        _ => None,
    }
}
