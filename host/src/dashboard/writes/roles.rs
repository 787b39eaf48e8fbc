//! Appointing and dismissing moderators: an edit of `moderators` in the owner's config, which alone says who moderates.
//!
//! A dismissal would bring back whatever the moderator has hidden, since only actions of owner and moderators count. So unless the
//! owner wants that, the actions that decide are first copied into the owner's repo: with their date, so that the order of
//! actions stays, and with `via` naming the original. A copy that is there already is not made again, so a dismissal that failed
//! halfway can be repeated; and it says which copies count already.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::applied::{Effect, written};
use super::edit::{Edit, edit};
use super::moderation::action;
use super::pen::Pen;
use super::{decided, uri};
use crate::clock::datetime;
use crate::community::Community;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::standing;
use crate::dashboard::times::tid;
use crate::dashboard::views::{ActionKind, Role};
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Collection, Event, Operation};

/// The lexicon's most.
const MODERATORS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AssignableRole {
    Moderator,
    Member,
}

/// What somebody is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Appointed {
    #[schema(pattern = "^did:[a-z]+:", max_length = 256)]
    pub did: String,
    /// Null for a former moderator who has never joined.
    pub role: Option<Role>,
}

/// A role that a member shall have.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRole {
    pub role: AssignableRole,
    /// Whether what a dismissed moderator has decided goes on to count, as the owner's decisions. It does unless `false` is said.
    pub keep_actions: Option<bool>,
}

/// Copies of a moderator's actions in the owner's repo.
#[derive(Default)]
struct Copies {
    events: Vec<Event>,
    uris: Vec<String>,
}

impl Dashboard {
    /// Gives a member of the caller's community a role.
    pub async fn appoint(&self, caller: &Caller, pen: &Pen, id: &str, did: &str, wish: NewRole) -> Result<Effect<Appointed>, Problem> {
        let (community, standing) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::Appoint.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            let standing = standing(&snapshot, number, &community, did)?;
            (community, standing)
        };
        let mut records = Vec::new();
        let applied = match (standing, wish.role) {
            (Standing::Owner, _) => return Err(Problem::conflict("OwnerRole", "the owner's role can't be changed")),
            (Standing::None, _) => {
                return Err(Problem::not_found("MemberNotFound", format!("{did} is no member of this community: they have to join before they can moderate")));
            }
            (Standing::Moderator, AssignableRole::Moderator) | (Standing::Member, AssignableRole::Member) => true,
            (_, AssignableRole::Moderator) => {
                records.push(community.uri.clone());
                let event = name_moderator(pen, &community, did).await?;
                self.apply(vec![event]).await
            }
            (_, AssignableRole::Member) => {
                let copies = match wish.keep_actions.unwrap_or(true) {
                    true => self.take_over(pen, &community, did).await?,
                    false => Copies::default(),
                };
                let Copies { mut events, uris } = copies;
                match unname_moderator(pen, &community, did).await {
                    Ok(event) => events.push(event),
                    Err(problem) => return Err(self.half_dismissed(events, uris, problem).await),
                }
                records.push(community.uri.clone());
                records.extend(uris);
                // All at once: there is no moment at which nobody's action counts.
                self.apply(events).await
            }
        };
        let seen = match applied {
            true => Some(Appointed { did: did.to_owned(), role: self.standing(&community.uri, did)?.0.role() }),
            false => None,
        };
        Ok(Effect::of(seen, || records))
    }

    /// Makes the moderator's deciding actions the owner's.
    async fn take_over(&self, pen: &Pen, community: &Community, did: &str) -> Result<Copies, Problem> {
        let now = self.parts().clock.now_ms();
        let originals = decided::by(&self.snapshot()?, community, did, now)?;
        let copies: Vec<_> = originals
            .into_iter()
            .map(|original| {
                let record = {
                    let decided = &original.action;
                    let kind = ActionKind::from(decided.kind);
                    action(kind, &decided.target, &community.uri, decided.reason.as_deref(), Some(&original.key.uri()), &datetime(decided.created_at))
                };
                (tid(now), record)
            })
            .collect();
        let (revs, failed) = match pen.create_all(Collection::Action.nsid(), &copies).await {
            Ok(revs) => (revs, None),
            Err((revs, failed)) => (revs, Some(failed)),
        };
        let mut made = Copies::default();
        for ((rkey, record), rev) in copies.iter().zip(revs) {
            made.events.push(written(pen.did(), Collection::Action, rkey, rev, Operation::Create, record));
            made.uris.push(uri(pen.did(), Collection::Action.nsid(), rkey));
        }
        match failed {
            None => Ok(made),
            Some(failed) => {
                made.uris.extend_from_slice(failed.uris());
                Err(self.half_dismissed(made.events, made.uris, failed.into()).await)
            }
        }
    }

    /// The problem of a dismissal of which some copies were made, which count already.
    async fn half_dismissed(&self, events: Vec<Event>, mut remains: Vec<String>, problem: Problem) -> Problem {
        if !events.is_empty() {
            let _ = self.apply(events).await;
        }
        if remains.is_empty() {
            return problem;
        }
        remains.extend(problem.remains().iter().filter(|uri| !remains.contains(uri)).cloned().collect::<Vec<_>>());
        problem.leaving(remains, |cause| {
            format!(
                "the moderator was not dismissed ({cause}); copies of what they decided are in your repo, or may be, and count as yours: do it again to go on"
            )
        })
    }
}

async fn name_moderator(pen: &Pen, community: &Community, did: &str) -> Result<Event, Problem> {
    edit_moderators(pen, community, |moderators| {
        if !moderators.iter().any(|moderator| moderator == did) {
            if moderators.len() >= MODERATORS {
                return Err(Problem::conflict("TooManyModerators", format!("a community has at most {MODERATORS} moderators")));
            }
            moderators.push(json!(did));
        }
        Ok(())
    })
    .await
}

async fn unname_moderator(pen: &Pen, community: &Community, did: &str) -> Result<Event, Problem> {
    edit_moderators(pen, community, |moderators| {
        moderators.retain(|moderator| moderator != did);
        Ok(())
    })
    .await
}

async fn edit_moderators(pen: &Pen, community: &Community, change: impl Fn(&mut Vec<Value>) -> Result<(), Problem>) -> Result<Event, Problem> {
    let edited = edit(pen, Collection::Config, &community.rkey, |record: &mut Map<String, Value>| {
        let mut moderators = record.get("moderators").and_then(Value::as_array).cloned().unwrap_or_default();
        change(&mut moderators)?;
        record.insert("moderators".to_owned(), Value::Array(moderators));
        Ok(())
    })
    .await?;
    match edited {
        Edit::Written(edited) => Ok(edited.event),
        Edit::Gone(_) => Err(super::config_gone()),
    }
}
