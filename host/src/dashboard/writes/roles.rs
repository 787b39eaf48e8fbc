//! Appointing and dismissing moderators: an edit of `moderators` in the owner's config, which alone says who moderates.
//!
//! A dismissal would bring back whatever the moderator has hidden, since only actions of owner and moderators count. So unless the
//! owner wants that, the actions that decide are first copied into the owner's repo: with their date, so that the order of
//! actions stays, and with `via` naming the original. A copy that is there already is not made again, so a dismissal that failed
//! halfway can be repeated.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::amend::edit;
use super::applied::written;
use super::decided;
use super::moderation::action;
use crate::clock::datetime;
use crate::community::Community;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::standing;
use crate::dashboard::times::tid;
use crate::dashboard::views::{ActionKind, Role};
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Collection, Operation};
use crate::pds::Repo;

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

impl Dashboard {
    /// Gives a member of the caller's community a role.
    pub async fn appoint(&self, caller: &Caller, repo: &Repo, id: &str, did: &str, wish: NewRole) -> Result<Appointed, Problem> {
        let (community, standing) = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::Appoint.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            let standing = standing(&snapshot, number, &community, did)?;
            (community, standing)
        };
        match (standing, wish.role) {
            (Standing::Owner, _) => return Err(Problem::conflict("OwnerRole", "the owner's role can't be changed")),
            (Standing::None, _) => return Err(Problem::not_found("MemberNotFound", format!("{did} is no member of this community"))),
            (Standing::Moderator, AssignableRole::Moderator) | (Standing::Member, AssignableRole::Member) => {}
            (_, AssignableRole::Moderator) => self.name_moderator(caller, repo, &community, did).await?,
            (_, AssignableRole::Member) => {
                if wish.keep_actions.unwrap_or(true) {
                    self.take_over(caller, repo, &community, did).await?;
                }
                self.unname_moderator(caller, repo, &community, did).await?;
            }
        }
        let role = self.standing(&community.uri, did)?.0.role();
        Ok(Appointed { did: did.to_owned(), role })
    }

    async fn name_moderator(&self, caller: &Caller, repo: &Repo, community: &Community, did: &str) -> Result<(), Problem> {
        self.edit_moderators(caller, repo, community, |moderators| {
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

    async fn unname_moderator(&self, caller: &Caller, repo: &Repo, community: &Community, did: &str) -> Result<(), Problem> {
        self.edit_moderators(caller, repo, community, |moderators| {
            moderators.retain(|moderator| moderator != did);
            Ok(())
        })
        .await
    }

    async fn edit_moderators(
        &self,
        caller: &Caller,
        repo: &Repo,
        community: &Community,
        change: impl Fn(&mut Vec<Value>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let edited = edit(repo, &community.rkey, |record: &mut Map<String, Value>| {
            let mut moderators = record.get("moderators").and_then(Value::as_array).cloned().unwrap_or_default();
            change(&mut moderators)?;
            record.insert("moderators".to_owned(), Value::Array(moderators));
            Ok(())
        })
        .await?;
        if let Some(edited) = edited {
            let event = written(&caller.did, Collection::Config, &community.rkey, edited.written.rev, Operation::Update, &edited.record);
            self.apply(vec![event]).await;
        }
        Ok(())
    }

    /// Makes the moderator's deciding actions the owner's.
    async fn take_over(&self, caller: &Caller, repo: &Repo, community: &Community, did: &str) -> Result<(), Problem> {
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
        if copies.is_empty() {
            return Ok(());
        }
        let revs = repo.create_all(Collection::Action.nsid(), &copies).await?;
        let events =
            copies.iter().zip(revs).map(|((rkey, record), rev)| written(&caller.did, Collection::Action, rkey, rev, Operation::Create, record)).collect();
        self.apply(events).await;
        Ok(())
    }
}
