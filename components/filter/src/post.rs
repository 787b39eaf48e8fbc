//! `app.bsky.feed.post`: what the feed needs of it, and no more.
//!
//! The lexicon is Bluesky's and grows without asking us, so only the fields that are read here are checked; embeds, for
//! one, are not. A post that names no community is `None`, once it is known to be well-formed.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    bindings::atrarium::events::types::Post,
    datetime,
    fault::Fault,
    hashtag,
    json::{self, Anything, Object, Text, present, required},
    judge, limits,
    loose::Facets,
};

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "$type", default, deserialize_with = "present")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    text: Option<Text<'a>>,
    #[serde(borrow, rename = "createdAt", default, deserialize_with = "present")]
    created_at: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    facets: Option<Facets<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    tags: Option<Vec<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    langs: Option<Vec<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    labels: Option<Object<Labels<'a>>>,
    #[serde(default, deserialize_with = "present")]
    reply: Option<Object<Anything>>,
}

/// `com.atproto.label.defs#selfLabels`, the only kind that the lexicon knows today.
#[derive(Deserialize)]
struct Labels<'a> {
    #[serde(borrow, rename = "$type", default, deserialize_with = "present")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    values: Option<Vec<Object<Label<'a>>>>,
}

#[derive(Deserialize)]
struct Label<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    val: Option<Text<'a>>,
}

pub(crate) fn read(json: &str) -> Result<Option<Post>, Fault> {
    let record: Record<'_> = json::read(json)?;
    json::check_type(record.kind.as_ref(), judge::POST)?;
    let text = required(record.text)?;
    limits::POST_TEXT.check(&text)?;
    let created_at = required(record.created_at)?;
    let sort_time = datetime::parse(&created_at).ok_or(Fault::BadDatetime)?;
    let tags = record.tags.unwrap_or_default();
    if tags.len() > limits::POST_TAGS {
        return Err(Fault::TooMany);
    }
    let languages = languages(record.langs.unwrap_or_default())?;
    let labels = record.labels.map_or(Ok(Vec::new()), |Object(labels)| self::labels(labels))?;
    let hashtags = hashtags(&text, record.facets.unwrap_or_default(), &tags)?;
    if hashtags.is_empty() {
        return Ok(None);
    }
    Ok(Some(Post { sort_time, hashtags, reply: record.reply.is_some(), languages, labels }))
}

/// All hashtags of the post, from wherever it may carry them, each once and in ascending order.
fn hashtags(text: &str, facets: Facets<'_>, tags: &[Text<'_>]) -> Result<Vec<String>, Fault> {
    let mut found: Vec<Cow<'_, str>> = facets.0;
    found.extend(hashtag::find(text).map(Cow::Borrowed));
    found.extend(tags.iter().filter(|tag| hashtag::is_tag(tag)).map(|tag| Cow::Borrowed(&**tag)));
    found.sort_unstable();
    found.dedup();
    if found.len() > limits::POST_HASHTAGS {
        return Err(Fault::TooMany);
    }
    Ok(found.iter().map(|tag| format!("#{tag}")).collect())
}

fn languages(langs: Vec<Text<'_>>) -> Result<Vec<String>, Fault> {
    if langs.len() > limits::POST_LANGUAGES {
        return Err(Fault::TooMany);
    }
    if langs.iter().any(|language| language.len() > limits::LANGUAGE_BYTES) {
        return Err(Fault::TooLong);
    }
    Ok(langs.into_iter().map(|Text(language)| language.into_owned()).collect())
}

/// The values of self-labels; none for a kind of labels that we don't know. Labels without a type count as self-labels,
/// since what an author marked as adult must not lose the mark.
fn labels(labels: Labels<'_>) -> Result<Vec<String>, Fault> {
    if labels.kind.is_some_and(|kind| &*kind != "com.atproto.label.defs#selfLabels") {
        return Ok(Vec::new());
    }
    let values = required(labels.values)?;
    if values.len() > limits::POST_LABELS {
        return Err(Fault::TooMany);
    }
    values
        .into_iter()
        .map(|Object(label)| {
            let Text(value) = required(label.val)?;
            if value.len() > limits::LABEL_BYTES {
                return Err(Fault::TooLong);
            }
            Ok(value.into_owned())
        })
        .collect()
}
