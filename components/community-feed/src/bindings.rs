//! The contract's types and glue, generated from `wit/community` when this is compiled. Natively the types are all that
//! works; the glue needs a host.
//!
//! The types can be stored: what the object remembers of a record is what the contract says of it.

wit_bindgen::generate!({
    world: "atrarium:community/community-feed",
    path: ["../../wit/events", "../../wit/community"],
    generate_all,
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
