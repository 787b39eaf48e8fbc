//! `net.atrarium.moderation.action`: a hide, a block, or the reverse of one.
//!
//! Whether its author may do that is the policy's to decide; here only the form counts. The reason and the original that
//! `via` names decide nothing: they are for people to read.

use serde::Deserialize;

use crate::{
    bindings::atrarium::events::types::{Action, ActionKind},
    datetime,
    fault::Fault,
    json::{self, Text, present, required},
    judge, limits,
    syntax::{self, RecordUri},
};

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "$type", default, deserialize_with = "present")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    action: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    target: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    community: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    via: Option<Text<'a>>,
    #[serde(borrow, rename = "createdAt", default, deserialize_with = "present")]
    created_at: Option<Text<'a>>,
}

pub(crate) fn read(json: &str) -> Result<Action, Fault> {
    let record: Record<'_> = json::read(json)?;
    json::check_type(record.kind.as_ref(), judge::ACTION)?;
    let kind = kind(&required(record.action)?)?;
    let target = target(kind, &required(record.target)?)?;
    let community = syntax::uri_in(&required(record.community)?, judge::CONFIG)?;
    if let Some(reason) = &record.reason {
        limits::REASON.check(reason)?;
    }
    if record.via.as_ref().is_some_and(|via| RecordUri::parse(via).is_none()) {
        return Err(Fault::BadUri);
    }
    let created_at = datetime::parse(&required(record.created_at)?).ok_or(Fault::BadDatetime)?;
    let owned = |Text(text): Text<'_>| text.into_owned();
    Ok(Action { kind, target, community, reason: record.reason.map(owned), via: record.via.map(owned), created_at })
}

fn kind(text: &str) -> Result<ActionKind, Fault> {
    match text {
        "hide_post" => Ok(ActionKind::HidePost),
        "unhide_post" => Ok(ActionKind::UnhidePost),
        "block_user" => Ok(ActionKind::BlockUser),
        "unblock_user" => Ok(ActionKind::UnblockUser),
        _ => Err(Fault::UnknownValue),
    }
}

fn target(kind: ActionKind, text: &str) -> Result<String, Fault> {
    match kind {
        ActionKind::HidePost | ActionKind::UnhidePost => syntax::uri_in(text, judge::POST),
        ActionKind::BlockUser | ActionKind::UnblockUser => {
            if syntax::is_did(text) {
                Ok(text.to_owned())
            } else {
                Err(Fault::BadDid)
            }
        }
    }
}
