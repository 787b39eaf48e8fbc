//! `net.atrarium.community.config`: the record that is a community.
//!
//! The moderators are kept as they are written, the owner among them or not: who may do what is the policy's to decide.

use serde::Deserialize;

use crate::{
    bindings::atrarium::events::types::{Config, Stage},
    datetime,
    fault::Fault,
    hashtag,
    json::{self, Object, Text, present, required},
    judge, limits,
    shares::{self, Mix},
    syntax,
};

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "$type", default, deserialize_with = "present")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    name: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    description: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    hashtag: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    stage: Option<Text<'a>>,
    #[serde(borrow, rename = "parentCommunity", default, deserialize_with = "present")]
    parent: Option<Text<'a>>,
    #[serde(rename = "feedMix", default, deserialize_with = "present")]
    mix: Option<Object<Mix>>,
    #[serde(borrow, default, deserialize_with = "present")]
    moderators: Option<Vec<Text<'a>>>,
    #[serde(borrow, rename = "createdAt", default, deserialize_with = "present")]
    created_at: Option<Text<'a>>,
}

pub(crate) fn read(json: &str) -> Result<Config, Fault> {
    let record: Record<'_> = json::read(json)?;
    json::check_type(record.kind.as_ref(), judge::CONFIG)?;
    let Text(name) = required(record.name)?;
    limits::NAME.check(&name)?;
    if name.is_empty() {
        return Err(Fault::TooShort);
    }
    if let Some(description) = &record.description {
        limits::DESCRIPTION.check(description)?;
    }
    let Text(hashtag) = required(record.hashtag)?;
    if !hashtag::is_hashtag(&hashtag) {
        return Err(Fault::BadHashtag);
    }
    Ok(Config {
        name: name.into_owned(),
        description: record.description.map(|Text(description)| description.into_owned()),
        hashtag: hashtag.into_owned(),
        stage: stage(&required(record.stage)?)?,
        parent: record.parent.map(|uri| syntax::uri_in(&uri, judge::CONFIG)).transpose()?,
        shares: record.mix.map_or(Ok(shares::OWN_ALONE), |Object(mix)| shares::read(mix))?,
        moderators: moderators(required(record.moderators)?)?,
        created_at: datetime::parse(&required(record.created_at)?).ok_or(Fault::BadDatetime)?,
    })
}

fn stage(text: &str) -> Result<Stage, Fault> {
    match text {
        "theme" => Ok(Stage::Theme),
        "community" => Ok(Stage::Community),
        "graduated" => Ok(Stage::Graduated),
        _ => Err(Fault::UnknownValue),
    }
}

fn moderators(dids: Vec<Text<'_>>) -> Result<Vec<String>, Fault> {
    if dids.len() > limits::MODERATORS {
        return Err(Fault::TooMany);
    }
    if !dids.iter().all(|did| syntax::is_did(did)) {
        return Err(Fault::BadDid);
    }
    let mut moderators: Vec<String> = dids.into_iter().map(|Text(did)| did.into_owned()).collect();
    moderators.sort_unstable();
    moderators.dedup();
    Ok(moderators)
}
