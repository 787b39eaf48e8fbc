//! The contract's types and glue, generated from `wit/filter` when this is compiled. Natively the types are all that works;
//! the glue needs a host.

wit_bindgen::generate!({
    world: "atrarium:filter/filter",
    path: ["../../wit/events", "../../wit/filter"],
    generate_all,
    additional_derives: [PartialEq],
});
