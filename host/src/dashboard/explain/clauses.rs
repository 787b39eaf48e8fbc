//! From facts to clauses, and to the first that fails.

use super::facts::{Denial, Facts, Known, Waiting};
use super::look::Look;
use crate::clock::datetime;
use crate::dashboard::views::{Clause, ClauseCode, Explanation, Role};
use crate::record::{AHEAD_MS, Post, RETENTION_MS, Record};
use crate::sandbox::filter::Verdict;
use crate::sandbox::mix::SourceKind;

/// Whether a clause holds, and why in a sentence.
type Said = (Option<bool>, String);

fn yes(message: impl Into<String>) -> Said {
    (Some(true), message.into())
}

fn no(message: impl Into<String>) -> Said {
    (Some(false), message.into())
}

fn unknown(message: impl Into<String>) -> Said {
    (None, message.into())
}

pub(super) fn explanation(facts: &Facts, look: &Look) -> Explanation {
    let post = post(facts, look);
    let said = [
        (ClauseCode::CommunityOpen, yes("The community is open here.")),
        (ClauseCode::PostExists, exists(facts, look)),
        (ClauseCode::PostValid, valid(facts, look)),
        (ClauseCode::Hashtag, hashtag(facts, look, post)),
        (ClauseCode::TimeWindow, window(facts, post)),
        (ClauseCode::AuthorMember, member(facts)),
        (ClauseCode::AuthorNotBlocked, denied(facts.blocked.as_ref(), "The author is not blocked.", "The author is blocked")),
        (ClauseCode::AccountActive, account(facts)),
        (ClauseCode::NotHidden, denied(facts.hidden.as_ref(), "The post is not hidden.", "The post is hidden")),
        (ClauseCode::WithinBounds, bounds(facts, post)),
        (ClauseCode::Delivered, delivered(facts, post)),
        (ClauseCode::OwnShare, own_share(facts)),
        (ClauseCode::Shown, shown(facts)),
    ];
    let clauses: Vec<Clause> = said.into_iter().map(|(code, (holds, message))| Clause { code, holds, message }).collect();
    let summary = summary(facts, &clauses);
    Explanation { post: facts.post.uri(), community: facts.community.uri.clone(), visible: facts.source.is_some(), summary, clauses }
}

fn summary(facts: &Facts, clauses: &[Clause]) -> String {
    let reasons = || clauses.iter().filter(|clause| clause.code != ClauseCode::Shown);
    let first = |holds: Option<bool>| reasons().find(|clause| clause.holds == holds).map(|clause| clause.message.as_str());
    match (facts.source, first(Some(false)), first(None)) {
        (Some(_), ..) => shown(facts).1,
        (None, Some(failing), _) => failing.to_owned(),
        (None, None, Some(unknown)) => format!("The feed doesn't show it, and it can't be told from here why. {unknown}"),
        (None, None, None) => "All that the feed asks of a post holds, and yet it doesn't show it: tell the operator of this host.".to_owned(),
    }
}

/// The post as the filter understands it, from here or from its author's server.
fn post<'a>(facts: &'a Facts, look: &'a Look) -> Option<&'a Post> {
    match (&facts.known, look) {
        (Known::Here(post), _) | (_, Look::Found(Verdict::Accepted(Record::Post(post)))) => Some(post),
        _ => None,
    }
}

fn exists(facts: &Facts, look: &Look) -> Said {
    match (&facts.known, look) {
        (Known::Here(_), _) => yes("The post is known here."),
        (Known::Never, Look::Found(_)) => yes("The post exists at its author's server. Nothing is kept of it here."),
        (Known::Gone, Look::Found(_)) => {
            yes("The post exists at its author's server. What was last heard of it here is that it was deleted, or named no community.")
        }
        (Known::Never, Look::Missing) => no("There is no such post, neither here nor at its author's server. Look whether the address is right."),
        (Known::Gone, Look::Missing) => no("The post was deleted."),
        (Known::Never, Look::Unanswered(cause)) => unknown(format!("Nothing is known of the post here, and its author's server could not be asked: {cause}.")),
        (Known::Gone, Look::Unanswered(cause)) => {
            unknown(format!("The post was deleted, or it names no community any more. Its author's server could not be asked which: {cause}."))
        }
        (_, Look::Unneeded) => unknown("Nothing is known of the post here."),
    }
}

fn valid(facts: &Facts, look: &Look) -> Said {
    match (&facts.known, look) {
        (_, Look::Found(Verdict::Malformed(code))) => no(format!("The post's record is malformed: {}.", fault(code))),
        (Known::Here(_), _) | (_, Look::Found(_)) => yes("The post's record is well-formed."),
        _ => unknown("Without the post nobody can tell whether its record is well-formed."),
    }
}

/// What the filter's code means.
fn fault(code: &str) -> String {
    let words = match code {
        "not-json" => "it is not JSON",
        "wrong-type-field" => "a field is of another type than a post's must be",
        "missing-field" => "a field is missing that every post must have",
        "too-long" => "a text in it is longer than may be",
        "too-short" => "a text in it is shorter than may be",
        "too-many" => "a list in it has more entries than may be, or it names more than 64 communities",
        "bad-datetime" => "its date (createdAt) is not written as the AT Protocol demands",
        "long-uri" => "its AT-URI is longer than 512 bytes, so that no moderator could name it",
        "too-large" => "it is larger than a megabyte",
        "unknown-value" => "it says that it is another kind of record",
        other => return format!("the filter says {other:?}"),
    };
    words.to_owned()
}

fn hashtag(facts: &Facts, look: &Look, post: Option<&Post>) -> Said {
    let hashtag = facts.community.config.hashtag;
    match post {
        Some(post) if post.hashtags.contains(&hashtag) => yes(format!("The post carries {hashtag}.")),
        Some(post) => {
            let others: Vec<String> = post.hashtags.iter().take(5).map(ToString::to_string).collect();
            // A post may be pushed out from under one of its hashtags and stay under another.
            let full = if facts.is_known() && is_full(facts) { ", or a bound has pushed it out from under it" } else { "" };
            no(format!("The post does not carry {hashtag}, but {}{full}.", others.join(", ")))
        }
        None if matches!(look, Look::Found(Verdict::Irrelevant)) => no(format!(
            "The post does not carry {hashtag}: it must stand in the text, with nothing but blanks or punctuation around it, or be a tag of the post. Case counts."
        )),
        None => unknown(format!("Without the post nobody can tell whether it carries {hashtag}.")),
    }
}

fn window(facts: &Facts, post: Option<&Post>) -> Said {
    let Some(post) = post else { return unknown("Without the post its date is not known.") };
    let date = datetime(post.sort_time);
    if post.sort_time < facts.window.oldest {
        let left = datetime(post.sort_time.saturating_add(RETENTION_MS));
        no(format!("The post is dated {date}. A feed holds seven days, so it left at {left}."))
    } else if post.sort_time > facts.window.newest {
        let comes = datetime(post.sort_time.saturating_sub(AHEAD_MS));
        no(format!("The post is dated ahead, {date}. It will appear at {comes}."))
    } else {
        let leaves = datetime(post.sort_time.saturating_add(RETENTION_MS));
        yes(format!("The post is dated {date}, within the last seven days. It leaves the feed at {leaves}."))
    }
}

fn member(facts: &Facts) -> Said {
    match facts.role {
        Some(Role::Owner) => yes("The author owns the community."),
        Some(Role::Moderator) => yes("The author moderates the community."),
        Some(Role::Member) => yes("The author is a member."),
        None if facts.wishes.active => no("The author has joined, but the community's component has not admitted them yet."),
        None if facts.wishes.any => no("The author has left the community: their membership record says that it is not active."),
        None => no(
            "The author is not a member: no membership record of theirs for this community is known here. Who joins brings their posts of the past week along.",
        ),
    }
}

fn denied(denial: Option<&Denial>, good: &str, bad: &str) -> Said {
    match denial {
        None => yes(good),
        Some(Denial(None)) => no(format!("{bad} by the community's moderation.")),
        Some(Denial(Some(decisive))) => {
            let reason = decisive.action.reason.as_deref().filter(|reason| !reason.is_empty());
            let reason = reason.map_or_else(|| " without a reason".to_owned(), |reason| format!(": {reason:?}"));
            no(format!("{bad}, by {} since {}{reason}.", decisive.key.did, datetime(decisive.action.created_at)))
        }
    }
}

fn account(facts: &Facts) -> Said {
    match &facts.account {
        Some(account) if !account.active && account.floor.is_some_and(|floor| floor.time_us() >= account.time_us) => no("The author's account was deleted."),
        Some(account) if !account.active => no("The author's account is not active: deactivated, suspended or taken down."),
        _ => yes("The author's account is active, as far as anything was heard of it."),
    }
}

fn is_full(facts: &Facts) -> bool {
    facts.room.posts >= facts.room.allowed
}

fn bounds(facts: &Facts, post: Option<&Post>) -> Said {
    let hashtag = facts.community.config.hashtag;
    let Some(post) = post else { return unknown("Without the post nobody can tell whether a bound of this host has pushed it out.") };
    let carries = post.hashtags.contains(&hashtag);
    if facts.is_known() && carries {
        return yes("No bound of this host has pushed it out.");
    }
    if is_full(facts) && facts.room.oldest.is_some_and(|oldest| oldest >= post.sort_time) && !facts.is_known() && carries {
        return no(format!("Only the newest {} posts of an author {} are kept, and this one is older than those.", facts.room.allowed, of_whom(facts)));
    }
    if is_full(facts) || facts.room.held_full {
        return unknown("A bound of this host on what is kept is reached, and may have pushed it out.");
    }
    yes("No bound of this host is reached that could have pushed it out.")
}

fn of_whom(facts: &Facts) -> &'static str {
    if facts.role.is_some() { "who is a member" } else { "who is no member" }
}

fn delivered(facts: &Facts, post: Option<&Post>) -> Said {
    if facts.shown {
        return yes("The community's component has taken it.");
    }
    match (&facts.waiting, facts.is_known(), post) {
        (Some(Waiting { subject, cause, for_good: true }), ..) => {
            no(format!("The community's component could not take {subject} and was given up on, so it lies in the dead letters: {cause}."))
        }
        (Some(Waiting { subject, cause, for_good: false }), ..) => {
            no(format!("The community's component could not take {subject} yet; it is tried again by itself: {cause}."))
        }
        (None, true, _) => yes("Nothing about it waits for the community's component."),
        (None, false, Some(post)) if facts.window.oldest <= post.sort_time => no(
            "The post has not reached this host, or was not kept when it came. What is written now arrives within seconds; of the past week it is read again by itself.",
        ),
        (None, false, _) => unknown("Without the post there is nothing for the community's component to take."),
    }
}

fn own_share(facts: &Facts) -> Said {
    match facts.community.config.shares.own {
        0 => no("This feed has no share of the community's own posts: its owner mixes it of others' posts alone."),
        share => yes(format!("The community's own posts have a share of {share} % of this feed.")),
    }
}

fn shown(facts: &Facts) -> Said {
    match facts.source {
        Some(SourceKind::Own) => yes("The feed shows the post."),
        Some(SourceKind::Parent) => yes("The feed shows the post, which it takes from the parent community."),
        Some(SourceKind::Global) => yes("The feed shows the post, which it takes from another community of this host."),
        None => no("The feed does not show the post."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_filter_has_words() {
        for code in ["not-json", "wrong-type-field", "missing-field", "too-long", "too-short", "too-many", "bad-datetime", "unknown-value", "long-uri"] {
            assert!(!fault(code).contains("the filter says"), "{code}");
        }
        assert_eq!(fault("new-code"), "the filter says \"new-code\"");
    }
}
