//! The parts of a post whose faults don't matter: rich text. A facet of a kind or a form that we don't know says nothing
//! about communities, and must not cost a post its place.
//!
//! Nothing here fails except on text that isn't JSON at all.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::hashtag;

/// The communities' hashtags, without `#`, that a post's `facets` name, in the order in which they come.
#[derive(Default)]
pub(crate) struct Facets<'a>(pub(crate) Vec<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Facets<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyList;

        impl<'de> Visitor<'de> for OnlyList {
            type Value = Facets<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut tags = Vec::new();
                while let Some(Loose(Facet(mut found))) = list.next_element()? {
                    tags.append(&mut found);
                }
                Ok(Facets(tags))
            }
        }

        deserializer.deserialize_seq(OnlyList)
    }
}

/// The tags of one facet.
#[derive(Default)]
struct Facet<'a>(Vec<Cow<'a, str>>);

impl<'de> Shape<'de> for Facet<'de> {
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut tags = Vec::new();
        while let Some(Loose(Word(key))) = object.next_key()? {
            if key.as_deref() == Some("features") {
                let Loose(Features(mut found)) = object.next_value()?;
                tags.append(&mut found);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Self(tags))
    }
}

#[derive(Default)]
struct Features<'a>(Vec<Cow<'a, str>>);

impl<'de> Shape<'de> for Features<'de> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut tags = Vec::new();
        while let Some(Loose(Feature(tag))) = list.next_element()? {
            tags.extend(tag);
        }
        Ok(Self(tags))
    }
}

/// A community's tag, if the feature is one.
#[derive(Default)]
struct Feature<'a>(Option<Cow<'a, str>>);

impl<'de> Shape<'de> for Feature<'de> {
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut is_tag, mut tag) = (false, None);
        while let Some(Loose(Word(key))) = object.next_key()? {
            match key.as_deref() {
                Some("$type") => {
                    let Loose(Word(kind)) = object.next_value()?;
                    is_tag = kind.as_deref() == Some("app.bsky.richtext.facet#tag");
                }
                Some("tag") => {
                    let Loose(Word(word)) = object.next_value()?;
                    tag = word.filter(|word| hashtag::is_tag(word));
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Self(tag.filter(|_| is_tag)))
    }
}

#[derive(Default)]
struct Word<'a>(Option<Cow<'a, str>>);

impl<'de> Shape<'de> for Word<'de> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Self(Some(text))
    }
}

/// What can be made of a JSON value; the default where the value is of another type.
trait Shape<'de>: Default {
    fn from_text(_: Cow<'de, str>) -> Self {
        Self::default()
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Loose<S>(S);

impl<'de, S: Shape<'de>> Deserialize<'de> for Loose<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData)).map(Loose)
    }
}

struct AnyValue<S>(PhantomData<S>);

impl<'de, S: Shape<'de>> Visitor<'de> for AnyValue<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<S, E> {
        Ok(S::from_text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<S, E> {
        Ok(S::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<S, A::Error> {
        S::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<S, A::Error> {
        S::from_object(object)
    }

    fn visit_bool<E>(self, _: bool) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<S, E> {
        Ok(S::default())
    }

    fn visit_unit<E>(self) -> Result<S, E> {
        Ok(S::default())
    }
}
