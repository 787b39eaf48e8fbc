//! The contract's types and glue, generated from `wit/feed-mix` when this is compiled. Authors use what the crate's root
//! re-exports, and the macro.

wit_bindgen::generate!({
    world: "atrarium:feed-mix/feed-mix",
    path: "../../wit/feed-mix",
    additional_derives: [PartialEq],
    pub_export_macro: true,
    default_bindings_module: "atrarium_sdk::bindings",
});
