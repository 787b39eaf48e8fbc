//! `net.atrarium.community.membership`: one person's word that they belong to a community.
//!
//! The role that the record wishes for is checked, as the lexicon demands, and then forgotten: it grants nothing.

use serde::Deserialize;

use crate::{
    bindings::atrarium::events::types::Membership,
    datetime,
    fault::Fault,
    json::{self, Text, present, required},
    judge, syntax,
};

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "$type", default, deserialize_with = "present")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    community: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    role: Option<Text<'a>>,
    #[serde(borrow, rename = "joinedAt", default, deserialize_with = "present")]
    joined_at: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    active: Option<bool>,
}

pub(crate) fn read(json: &str) -> Result<Membership, Fault> {
    let record: Record<'_> = json::read(json)?;
    json::check_type(record.kind.as_ref(), judge::MEMBERSHIP)?;
    let community = syntax::uri_in(&required(record.community)?, judge::CONFIG)?;
    if !matches!(&*required(record.role)?, "owner" | "moderator" | "member") {
        return Err(Fault::UnknownValue);
    }
    let joined_at = datetime::parse(&required(record.joined_at)?).ok_or(Fault::BadDatetime)?;
    Ok(Membership { community, active: required(record.active)?, joined_at })
}
