//! The contract's types and glue, generated from `wit/community` when this is compiled. Natively the types are all that
//! works; the glue needs a host.

wit_bindgen::generate!({
    world: "atrarium:community/moderation-policy",
    path: ["../../wit/events", "../../wit/community"],
    generate_all,
    additional_derives: [PartialEq],
});
