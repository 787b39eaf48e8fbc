//! Hiding posts and blocking people, and taking it back.
//!
//! An action is a public record in its author's repo; deleting it undoes it. Nothing is written that would not count: the same rules
//! that the community's policy has are asked first.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{Effect, deleted, written};
use super::pen::Pen;
use super::uri;
use crate::clock::datetime;
use crate::dashboard::access::{Caller, Deed, may_act_on};
use crate::dashboard::standing::standing;
use crate::dashboard::text::REASON;
use crate::dashboard::times::tid;
use crate::dashboard::views::{self, ActionKind};
use crate::dashboard::{Dashboard, Problem, Standing, actions, find};
use crate::event::{Collection, MAX_DID, Operation};
use crate::pds::Swap;
use crate::record::{AHEAD_MS, RecordKey};

/// An action that shall be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAction {
    /// The community's id or AT-URI.
    #[schema(max_length = 600)]
    pub community: String,
    pub action: ActionKind,
    /// For hiding and unhiding a post: the address of its page, or its AT-URI. For blocking and unblocking somebody: a handle, or a DID.
    #[schema(max_length = 1024, example = "https://bsky.app/profile/alice.example.com/post/3mptbyplj5d2a")]
    pub target: String,
    /// At most 300 letters. Public for everybody and for ever: no names, addresses or reports of others.
    #[schema(max_length = 3000)]
    pub reason: Option<String>,
}

/// That an action is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Undone {
    pub undone: bool,
}

impl Dashboard {
    /// Writes an action of the caller's.
    pub async fn act(&self, caller: &Caller, pen: &Pen, wish: NewAction) -> Result<Effect<views::Action>, Problem> {
        let reason = wish.reason.as_deref().map(|text| REASON.check(text)).transpose()?.filter(|text| !text.is_empty());
        let subject = subject(wish.action, &wish.target)?;
        let now = self.parts().clock.now_ms();
        let (community, created_at) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, &wish.community)?;
            let own = standing(&snapshot, number, &community, &caller.did)?;
            Deed::Moderate.allow(caller, own)?;
            let other = standing(&snapshot, number, &community, &subject)?;
            may_act_on(own, other, subject == caller.did)?;
            // The later one decides, and another's clock may be a little ahead of ours.
            let latest = actions::decisive(&snapshot, &community, &wish.target, now)?.map(|latest| latest.action.created_at);
            (community, latest.map_or(now, |latest| now.max(latest + 1)).min(now + AHEAD_MS))
        };
        let rkey = tid(now);
        let record = action(wish.action, &wish.target, &community.uri, reason, None, &datetime(created_at));
        let done = pen.create(Collection::Action.nsid(), &rkey, &record).await?;
        let key = RecordKey { did: caller.did.clone(), collection: Collection::Action, rkey };
        let seen = match self.apply(vec![written(&caller.did, Collection::Action, &key.rkey, done.rev, Operation::Create, &record)]).await {
            true => self.action(&key)?,
            false => None,
        };
        Ok(Effect::of(seen, || vec![key.uri()]))
    }

    /// Takes an action of the caller's back.
    pub async fn undo(&self, caller: &Caller, pen: &Pen, rkey: &str) -> Result<Effect<Undone>, Problem> {
        Deed::Undo.allow(caller, Standing::None)?;
        if atrium_api::types::string::RecordKey::new(rkey.to_owned()).is_err() {
            return Err(Problem::Invalid("that is no record key".to_owned()));
        }
        match pen.delete(Collection::Action.nsid(), rkey, Swap::Any).await? {
            Some(rev) => {
                let applied = self.apply(vec![deleted(&caller.did, Collection::Action, rkey, rev)]).await;
                Ok(Effect::of(applied.then_some(Undone { undone: true }), || vec![uri(&caller.did, Collection::Action.nsid(), rkey)]))
            }
            None => Err(Problem::not_found("ActionNotFound", "there is no such action in your repo; another's only its author can take back")),
        }
    }
}

/// The DID that an action concerns, if its target is one that such an action has.
fn subject(action: ActionKind, target: &str) -> Result<String, Problem> {
    let is_did = |text: &str| text.len() <= MAX_DID && atrium_api::types::string::Did::new(text.to_owned()).is_ok();
    match action {
        ActionKind::HidePost | ActionKind::UnhidePost => match RecordKey::from_uri(target) {
            Some(key) if key.collection == Collection::Post && is_did(&key.did) && target.len() <= 512 => Ok(key.did),
            _ => Err(Problem::Unprocessable("target must be a post: at://<did>/app.bsky.feed.post/<rkey>".to_owned())),
        },
        ActionKind::BlockUser | ActionKind::UnblockUser if is_did(target) => Ok(target.to_owned()),
        ActionKind::BlockUser | ActionKind::UnblockUser => Err(Problem::Unprocessable("target must be a DID".to_owned())),
    }
}

pub(super) fn action(action: ActionKind, target: &str, community: &str, reason: Option<&str>, via: Option<&str>, created_at: &str) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("$type".to_owned(), json!(Collection::Action.nsid()));
    record.insert("action".to_owned(), json!(action));
    record.insert("target".to_owned(), json!(target));
    record.insert("community".to_owned(), json!(community));
    for (field, value) in [("reason", reason), ("via", via)] {
        if let Some(value) = value {
            record.insert(field.to_owned(), json!(value));
        }
    }
    record.insert("createdAt".to_owned(), json!(created_at));
    record
}
