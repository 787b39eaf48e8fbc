//! How a record's JSON is read: borrowed where possible, in one pass, and no laxer than the AT Protocol's data model.
//!
//! Records are declared as structs in which every field is an `Option` with `deserialize_with = "present"`; [`required`]
//! then tells a missing field from one of a wrong type. Unknown fields are skipped by serde_json without recursion, so
//! their depth is no concern.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::fault::Fault;

/// A string, borrowed from the record unless it holds escapes.
#[derive(serde::Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// An object. A derived struct alone would also take an array of its fields' values in order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMap<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OnlyMap(PhantomData))
    }
}

/// Any object at all.
#[derive(serde::Deserialize)]
pub(crate) struct Anything {}

/// For a field that may be missing, but not `null`, which the lexicons allow nowhere here.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The record in the text.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Fault> {
    let Object(record) = serde_json::from_str(json)?;
    Ok(record)
}

pub(crate) fn required<T>(field: Option<T>) -> Result<T, Fault> {
    field.ok_or(Fault::MissingField)
}

/// Whether the record's own word for its type, where it has one, agrees with the collection that it is in.
pub(crate) fn check_type(named: Option<&Text<'_>>, collection: &str) -> Result<(), Fault> {
    match named {
        Some(named) if &**named != collection => Err(Fault::UnknownValue),
        _ => Ok(()),
    }
}
