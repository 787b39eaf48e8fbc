//! The default policy.
//!
//! An action counts if its author is the owner or a moderator now, and may act on this subject: moderators can't act on
//! the owner, each other or themselves, the owner on anyone but themself. Of the actions that count, the latest decides;
//! of two at the same instant, the one with the greater URI, so that the order in which they arrived never matters.
//!
//! An action dated later than two minutes from now waits: else a record dated 2999 would decide for good.

use crate::bindings::{
    atrarium::events::types::ActionKind,
    exports::atrarium::community::moderation::{Ruling, SignedAction, Standing},
};

/// How far ahead of our clock an author's may be, in milliseconds.
pub const CLOCK_SKEW_MS: i64 = 120_000;

/// Whether this target is denied now, and when to ask again.
pub fn judge(standing: &Standing, subject: &str, actions: &[SignedAction], now: i64) -> Ruling {
    let horizon = now.saturating_add(CLOCK_SKEW_MS);
    let permitted = || actions.iter().filter(|action| may_act(standing, &action.author, subject));
    let winner = permitted().filter(|action| action.created_at <= horizon).max_by_key(|action| (action.created_at, &action.uri));
    let next = permitted().map(|action| action.created_at).filter(|at| *at > horizon).min();
    Ruling {
        denied: winner.is_some_and(|action| matches!(action.kind, ActionKind::HidePost | ActionKind::BlockUser)),
        reconsider_at: next.map(|at| at - CLOCK_SKEW_MS),
    }
}

fn may_act(standing: &Standing, author: &str, subject: &str) -> bool {
    let is_moderator = |did| standing.moderators.iter().any(|moderator| moderator == did);
    if author == standing.owner { subject != standing.owner } else { is_moderator(author) && subject != standing.owner && !is_moderator(subject) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActionKind::{BlockUser, HidePost, UnblockUser, UnhidePost};

    const NOW: i64 = 1_000_000_000_000;
    const OWNER: &str = "did:plc:owner";
    const MODERATOR: &str = "did:plc:moderator";
    const OTHER_MODERATOR: &str = "did:plc:other";
    const MEMBER: &str = "did:plc:member";

    #[test]
    fn only_the_owner_and_moderators_act_and_not_on_their_like() {
        for (author, subject, counts) in [
            (OWNER, MEMBER, true),
            (OWNER, MODERATOR, true),
            (OWNER, OWNER, false),
            (MODERATOR, MEMBER, true),
            (MODERATOR, "did:plc:stranger", true),
            (MODERATOR, OWNER, false),
            (MODERATOR, OTHER_MODERATOR, false),
            (MODERATOR, MODERATOR, false),
            (MEMBER, "did:plc:stranger", false),
            (MEMBER, MEMBER, false),
        ] {
            check(subject, &[(author, "a", BlockUser, NOW)], counts, None);
        }
    }

    #[test]
    fn the_later_action_wins_and_then_the_greater_uri() {
        check(MEMBER, &[], false, None);
        check(MEMBER, &[(OWNER, "a", HidePost, 1)], true, None);
        check(MEMBER, &[(OWNER, "a", HidePost, 1), (MODERATOR, "b", UnhidePost, 2)], false, None);
        check(MEMBER, &[(OWNER, "a", HidePost, 2), (MODERATOR, "b", UnhidePost, 1)], true, None);
        check(MEMBER, &[(OWNER, "a", BlockUser, 1), (OWNER, "b", UnblockUser, 1)], false, None);
        check(MEMBER, &[(OWNER, "b", BlockUser, 1), (OWNER, "a", UnblockUser, 1)], true, None);
        check(MEMBER, &[(OWNER, "a", HidePost, 1), (MEMBER, "b", UnhidePost, 2)], true, None);
        check(MEMBER, &[(OWNER, "a", HidePost, -5), (OWNER, "b", UnhidePost, -6)], true, None);
    }

    #[test]
    fn an_action_from_the_future_waits() {
        let ahead = NOW + CLOCK_SKEW_MS;
        check(MEMBER, &[(OWNER, "a", HidePost, ahead)], true, None);
        check(MEMBER, &[(OWNER, "a", HidePost, ahead + 1)], false, Some(NOW + 1));
        check(MEMBER, &[(OWNER, "a", HidePost, ahead + 9), (MODERATOR, "b", UnhidePost, ahead + 5)], false, Some(NOW + 5));
        check(MEMBER, &[(OWNER, "a", HidePost, 1), (OWNER, "b", UnhidePost, i64::MAX)], true, Some(i64::MAX - CLOCK_SKEW_MS));
        check(MEMBER, &[(MEMBER, "a", HidePost, ahead + 1)], false, None);
    }

    fn check(subject: &str, actions: &[(&str, &str, ActionKind, i64)], denied: bool, reconsider_at: Option<i64>) {
        let standing = Standing { owner: OWNER.to_owned(), moderators: vec![MODERATOR.to_owned(), OTHER_MODERATOR.to_owned()] };
        let mut signed: Vec<SignedAction> = actions
            .iter()
            .map(|&(author, rkey, kind, created_at)| SignedAction {
                uri: format!("at://{author}/net.atrarium.moderation.action/{rkey}"),
                author: author.to_owned(),
                kind,
                created_at,
            })
            .collect();
        for _ in 0..2 {
            let expected = Ruling { denied, reconsider_at };
            assert_eq!(judge(&standing, subject, &signed, NOW), expected, "{actions:?}");
            signed.reverse();
        }
    }
}
