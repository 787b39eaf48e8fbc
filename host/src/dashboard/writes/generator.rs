//! The record by which Bluesky knows the feed: `app.bsky.feed.generator`, in the owner's repo, under the config's record key.
//!
//! Its display name and description are the community's, shortened to what the lexicon allows. What else stands in the record (an
//! avatar, labels) is the owner's, and stays.

use serde_json::{Map, Value, json};

use super::GENERATOR;
use super::pen::{Failed, Pen};
use crate::dashboard::text::{DISPLAY_NAME, FEED_DESCRIPTION, shortened};
use crate::pds::{RepoError, Swap};

/// What a feed is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Title<'a> {
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
}

impl Title<'_> {
    fn write(self, record: &mut Map<String, Value>, service: &str) {
        record.insert("$type".to_owned(), json!(GENERATOR));
        record.insert("did".to_owned(), json!(service));
        let name = shortened(self.name, DISPLAY_NAME);
        if record.get("displayName") != Some(&json!(name)) {
            record.insert("displayName".to_owned(), json!(name));
        }
        let description = self.description.filter(|text| !text.is_empty()).map(|text| json!(shortened(text, FEED_DESCRIPTION)));
        if record.get("description") != description.as_ref() {
            // Facets point into a text that is gone.
            record.remove("descriptionFacets");
        }
        match description {
            Some(description) => drop(record.insert("description".to_owned(), description)),
            None => drop(record.remove("description")),
        }
    }
}

/// Announces a feed that wasn't.
pub(super) async fn publish(pen: &Pen, rkey: &str, service: &str, title: Title<'_>, created_at: &str) -> Result<(), Failed> {
    let mut record = Map::new();
    title.write(&mut record, service);
    record.insert("createdAt".to_owned(), json!(created_at));
    pen.create(GENERATOR, rkey, &record).await.map(drop)
}

/// Brings the announcement up to date, or makes it if it is missing.
pub(super) async fn update(pen: &Pen, rkey: &str, service: &str, title: Title<'_>, now: &str) -> Result<(), Failed> {
    let mut attempt = 1;
    loop {
        let outcome = match pen.get(GENERATOR, rkey).await? {
            Some(found) => {
                let mut record = found.value.clone();
                title.write(&mut record, service);
                if record == found.value {
                    return Ok(());
                }
                pen.put(GENERATOR, rkey, &record, &found.cid).await.map(drop)
            }
            None => publish(pen, rkey, service, title, now).await,
        };
        match outcome {
            Err(Failed::Refused(RepoError::Conflict(_))) if attempt < super::ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

/// Takes the announcement away. That it is gone already is fine.
pub(super) async fn withdraw(pen: &Pen, rkey: &str) -> Result<(), Failed> {
    pen.delete(GENERATOR, rkey, Swap::Any).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_shortened_and_leaves_the_rest_alone() {
        let mut record = json!({ "displayName": "Old", "description": "old", "descriptionFacets": [], "avatar": { "ref": 1 }, "createdAt": "then" });
        let record = record.as_object_mut().expect("an object");
        let title = Title { name: "A name of more than twenty-four letters", description: None };
        title.write(record, "did:web:feeds.example");
        assert_eq!(
            Value::Object(record.clone()),
            json!({ "$type": GENERATOR, "did": "did:web:feeds.example", "displayName": "A name of more than twe…", "avatar": { "ref": 1 }, "createdAt": "then" })
        );
        Title { name: "Moths", description: Some(&"x".repeat(301)) }.write(record, "did:web:feeds.example");
        assert_eq!((&record["displayName"], record["description"].as_str().map(|text| text.chars().count())), (&json!("Moths"), Some(300)));
    }
}
