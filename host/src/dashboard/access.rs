//! Who may do what: the one table. Every deed of the API asks here, and nothing else decides.
//!
//! It knows roles, not records: a role comes from the owner's config and the member table, never from what somebody says of
//! themself. Whom an action may be aimed at is a rule of its own, below ([`may_act_on`]), the same as the policy's in
//! `components/moderation`, so that nothing is written that would not count.

use super::{Dashboard, Problem, Standing};

/// Somebody who has proved a DID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub did: String,
    /// The configuration names them.
    pub operator: bool,
    /// Whether there is a session behind it: a token of a user's server may read only.
    pub may_write: bool,
}

/// What can be done with the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// What the records and the feed say anyway.
    Read,
    /// What the feed doesn't show.
    ReadHidden,
    /// Held posts and dead letters of a community.
    ReadUpkeep,
    /// Retry and drop dead letters of a community.
    HandleLetters,
    /// What a community has uploaded for its feed, and what has become of it.
    ReadMix,
    /// Upload, try, activate and remove.
    ChangeMix,
    /// Go back to the default mix.
    StopMix,
    CreateCommunity,
    AmendCommunity,
    CloseCommunity,
    Join,
    Leave,
    /// Give and take the moderators' role.
    Appoint,
    /// Hide, unhide, block, unblock.
    Moderate,
    /// Take back one's own action.
    Undo,
    /// The whole host.
    Operate,
}

impl Deed {
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::ReadHidden,
        Self::ReadUpkeep,
        Self::HandleLetters,
        Self::ReadMix,
        Self::ChangeMix,
        Self::StopMix,
        Self::CreateCommunity,
        Self::AmendCommunity,
        Self::CloseCommunity,
        Self::Join,
        Self::Leave,
        Self::Appoint,
        Self::Moderate,
        Self::Undo,
        Self::Operate,
    ];

    /// The least standing that it needs.
    fn needs(self) -> Standing {
        match self {
            Self::Read | Self::CreateCommunity | Self::Join | Self::Leave | Self::Undo | Self::Operate => Standing::None,
            Self::ReadHidden | Self::Moderate => Standing::Moderator,
            Self::ReadUpkeep | Self::HandleLetters | Self::ReadMix | Self::ChangeMix | Self::StopMix => Standing::Owner,
            Self::AmendCommunity | Self::CloseCommunity | Self::Appoint => Standing::Owner,
        }
    }

    /// Whether an operator may do it in any community. They look after the host, not after what communities decide.
    fn is_operators(self) -> bool {
        matches!(self, Self::ReadUpkeep | Self::HandleLetters | Self::ReadMix | Self::StopMix | Self::Operate)
    }

    fn changes(self) -> bool {
        !matches!(self, Self::Read | Self::ReadHidden | Self::ReadUpkeep | Self::ReadMix)
    }

    /// Whether this caller may do it, where they have this standing.
    pub fn allow(self, caller: &Caller, standing: Standing) -> Result<(), Problem> {
        let refused = |message: &str| Err(Problem::Forbidden(message.to_owned()));
        if self == Self::Operate && !caller.operator {
            return refused("this is for the operators of the host");
        }
        if self.changes() && !caller.may_write && !(self == Self::Operate && caller.operator) {
            return refused("a token of this kind may read only: sign in to change something");
        }
        if standing >= self.needs() || caller.operator && self.is_operators() {
            return Ok(());
        }
        refused(match self.needs() {
            Standing::Owner => "this is for the community's owner",
            _ => "this is for the community's moderators and owner",
        })
    }
}

impl Dashboard {
    /// Whether this caller may do it in the community with this id.
    pub fn may(&self, caller: &Caller, deed: Deed, id: &str) -> Result<(), Problem> {
        let (standing, _) = self.standing(id, &caller.did)?;
        deed.allow(caller, standing)
    }
}

/// Whether an action by somebody of this standing may be aimed at somebody of that one. `oneself`: it is the same DID.
pub fn may_act_on(actor: Standing, subject: Standing, oneself: bool) -> Result<(), Problem> {
    let refused = |message: &str| Err(Problem::Forbidden(message.to_owned()));
    match (actor, subject) {
        _ if oneself => refused("nobody can moderate themself"),
        (Standing::Owner, _) | (Standing::Moderator, Standing::None | Standing::Member) => Ok(()),
        (Standing::Moderator, _) => refused("moderators can't act on the owner or on each other"),
        _ => refused("this is for the community's moderators and owner"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(operator: bool, may_write: bool) -> Caller {
        Caller { did: "did:plc:a".to_owned(), operator, may_write }
    }

    #[test]
    fn the_table_is_this() {
        use Standing::{Member, Moderator, None, Owner};
        let everyone = [true; 4];
        let check = |deed: Deed, by: [bool; 4], by_operator: bool| {
            for (standing, expected) in [None, Member, Moderator, Owner].into_iter().zip(by) {
                assert_eq!(deed.allow(&caller(false, true), standing).is_ok(), expected, "{deed:?} by {standing:?}");
            }
            assert_eq!(deed.allow(&caller(true, true), None).is_ok(), by_operator, "{deed:?} by an operator");
        };
        check(Deed::Read, everyone, true);
        check(Deed::ReadHidden, [false, false, true, true], false);
        check(Deed::ReadUpkeep, [false, false, false, true], true);
        check(Deed::HandleLetters, [false, false, false, true], true);
        check(Deed::ReadMix, [false, false, false, true], true);
        check(Deed::ChangeMix, [false, false, false, true], false);
        check(Deed::StopMix, [false, false, false, true], true);
        check(Deed::CreateCommunity, everyone, true);
        check(Deed::AmendCommunity, [false, false, false, true], false);
        check(Deed::CloseCommunity, [false, false, false, true], false);
        check(Deed::Join, everyone, true);
        check(Deed::Leave, everyone, true);
        check(Deed::Appoint, [false, false, false, true], false);
        check(Deed::Moderate, [false, false, true, true], false);
        check(Deed::Undo, everyone, true);
        check(Deed::Operate, [false; 4], true);
    }

    #[test]
    fn who_may_only_read_changes_nothing() {
        let allowed: Vec<Deed> = Deed::ALL.into_iter().filter(|deed| deed.allow(&caller(false, false), Standing::Owner).is_ok()).collect();
        assert_eq!(allowed, [Deed::Read, Deed::ReadHidden, Deed::ReadUpkeep, Deed::ReadMix]);
    }

    #[test]
    fn nobody_acts_on_themself_and_moderators_only_on_members_and_strangers() {
        use Standing::{Member, Moderator, None, Owner};
        let check = |actor, expected: [bool; 4]| {
            for (subject, expected) in [None, Member, Moderator, Owner].into_iter().zip(expected) {
                assert_eq!(may_act_on(actor, subject, false).is_ok(), expected, "{actor:?} on {subject:?}");
                assert!(may_act_on(actor, subject, true).is_err());
            }
        };
        check(None, [false; 4]);
        check(Member, [false; 4]);
        check(Moderator, [true, true, false, false]);
        check(Owner, [true; 4]);
    }
}
