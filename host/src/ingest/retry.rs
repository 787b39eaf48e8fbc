//! What could not be told: retried alone, with growing pauses, and set aside in the end.
//!
//! A pair of community and subject that has failed by itself is retried [`RETRIES`] times; then it goes to the dead letters, where
//! an operator can list, retry and drop it. The first failure of a call with several subjects says nothing about any of them, so
//! each is tried alone at once. Failures of the host itself never come here.

use super::deliver::{Failure, quota};
use super::facts::Outcome;
use crate::community::desk::Quota;
use crate::community::letters::{DeadLetter, Retry, Subject, pair_of, row};
use crate::event::{Collection, Order, What};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Span, StoreError, Table, View};

/// How often a pair that has failed by itself is tried again before it is set aside.
pub const RETRIES: u32 = 3;

/// The pause before each of them.
const PAUSES_MS: [i64; RETRIES as usize] = [1_000, 5_000, 25_000];

/// An alarm that was set aside would never ring again, so it is tried anew after this.
const ALARM_AGAIN_MS: i64 = 60 * 60 * 1_000;

/// Dead letters that are kept per community, the first to come; more are counted only. Those of the config and of whoever moderates are kept
/// in any case: no crowd's leave no room for them.
const DEAD_LETTERS: usize = 1_000;

/// A pair that is due.
#[derive(Debug, Clone)]
pub struct Due {
    pub community: CommunityId,
    pub subject: Subject,
}

/// Notes a failure; answers when the pair is to be tried again.
pub fn note(view: &mut View, failure: &Failure, now: i64) -> Result<Option<i64>, StoreError> {
    let key = row(failure.community, &failure.subject);
    let before: Option<Retry> = view.read(Table::Retries, &key)?;
    let attempts = before.map_or(0, |before| before.attempts) + u32::from(failure.alone);
    if attempts <= RETRIES {
        let pause = attempts.checked_sub(1).and_then(|failed| PAUSES_MS.get(failed as usize)).copied().unwrap_or(0);
        view.write(Table::Retries, key, &Retry { attempts, next: now + pause, cause: failure.cause.clone() });
        metrics::counter!("atrarium_retries_total").increment(1);
        return Ok(Some(now + pause));
    }
    if failure.subject == Subject::Alarm {
        view.write(Table::Retries, key, &Retry { attempts: 0, next: now + ALARM_AGAIN_MS, cause: failure.cause.clone() });
        return Ok(Some(now + ALARM_AGAIN_MS));
    }
    view.delete(Table::Retries, key.clone());
    metrics::counter!("atrarium_dead_letters_total").increment(1);
    tracing::error!(community = failure.community, subject = %failure.subject, cause = failure.cause, "given up after {RETRIES} retries: it is in the dead letters");
    let said = quota(view, failure.community, &failure.subject)? >= Quota::Moderation;
    if said || view.range(Table::DeadLetters, &Span::prefix(Key::community(failure.community)), false, DEAD_LETTERS)?.len() < DEAD_LETTERS {
        view.write(Table::DeadLetters, key, &DeadLetter { since: now, cause: failure.cause.clone() });
    }
    Ok(None)
}

/// The pair has been told: it needs no retry.
pub fn settle(view: &mut View, due: &Due) {
    view.delete(Table::Retries, row(due.community, &due.subject));
}

/// Takes away what was given up on of these authors' actions in a community, and answers it.
pub fn actions_of(view: &mut View, community: CommunityId, authors: &[String]) -> Result<Vec<Subject>, StoreError> {
    let mut taken = Vec::new();
    for (key, _) in view.range(Table::DeadLetters, &Span::prefix(Key::community(community)), false, usize::MAX)? {
        let (_, subject) = pair_of(Table::DeadLetters, &key)?;
        if matches!(&subject, Subject::Record(record) if record.collection == Collection::Action && authors.contains(&record.did)) {
            view.delete(Table::DeadLetters, key);
            taken.push(subject);
        }
    }
    Ok(taken)
}

/// Does what somebody wants with a dead letter; one that is gone already is nobody's any more.
pub fn order(view: &mut View, order: &Order, now: i64) -> Result<Outcome, StoreError> {
    let Some(letter) = view.read::<DeadLetter>(Table::DeadLetters, &order.letter)? else { return Ok(Outcome::Repeated) };
    view.delete(Table::DeadLetters, order.letter.clone());
    if order.what == What::Retry {
        view.write(Table::Retries, order.letter.clone(), &Retry { attempts: 0, next: now, cause: letter.cause });
    }
    Ok(Outcome::Applied)
}

/// Whether the time has come for which something was put off. What lies further ahead than anything is put off was set by a clock that was
/// ahead, and would wait until then.
pub fn is_due(next: i64, now: i64) -> bool {
    next <= now || next > now.saturating_add(ALARM_AGAIN_MS)
}

/// The pairs that are due, up to `limit`, and when the next ones will be. Of thousands that an operator has ordered at once it reads no more than it
/// answers and those before them that aren't due.
pub fn due(view: &mut View, now: i64, limit: usize) -> Result<(Vec<Due>, Option<i64>), StoreError> {
    let (mut pairs, mut next) = (Vec::new(), None::<i64>);
    view.walk(Table::Retries, &Span::all(), |_, key, value| {
        let retry: Retry = decode(Table::Retries, key, value)?;
        if !is_due(retry.next, now) {
            next = Some(next.map_or(retry.next, |next| next.min(retry.next)));
        } else if pairs.len() < limit {
            let (community, subject) = pair_of(Table::Retries, key)?;
            pairs.push(Due { community, subject });
        } else {
            // There is more to be done at once: nobody needs to know what comes after that.
            next = Some(now);
            return Ok(false);
        }
        Ok(true)
    })?;
    Ok((pairs, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordKey;
    use crate::sandbox::object::Role;
    use crate::store::{Options, Store};

    const NOW: i64 = 1_764_000_000_000;

    fn put_off(view: &mut View, community: CommunityId, next: i64) {
        view.write(Table::Retries, row(community, &Subject::Alarm), &Retry { attempts: 0, next, cause: String::new() });
    }

    fn due_of(view: &mut View, limit: usize) -> (Vec<CommunityId>, Option<i64>) {
        let (pairs, next) = due(view, NOW, limit).expect("it can be read");
        (pairs.into_iter().map(|pair| pair.community).collect(), next)
    }

    #[test]
    fn of_thousands_that_are_due_no_more_is_read_than_is_tried() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
        let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
        for (community, next) in [(1, NOW), (2, NOW + 5_000), (3, NOW - 1), (4, NOW + 1_000), (5, NOW)] {
            put_off(&mut view, community, next);
        }
        assert_eq!(due_of(&mut view, 16), (vec![1, 3, 5], Some(NOW + 1_000)), "all of them, and when the next is");
        assert_eq!(due_of(&mut view, 2), (vec![1, 3], Some(NOW)), "the rest at once");
        // Whoever reads on would fail here.
        view.put(Table::Retries, row(6, &Subject::Alarm), b"no retry".to_vec());
        assert_eq!(due_of(&mut view, 2), (vec![1, 3], Some(NOW)));
        due(&mut view, NOW, 16).expect_err("it is read where there is nothing before it");
    }

    #[test]
    fn a_crowds_letters_leave_room_for_those_of_who_moderates() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
        let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
        view.write(Table::Members, Key::community(7).rest("did:plc:owner").build(), &Role::Owner);
        let record = |did: &str, collection, n: usize| Subject::Record(RecordKey { did: did.to_owned(), collection, rkey: n.to_string() });
        let give_up = |view: &mut View, subject: Subject| {
            view.write(Table::Retries, row(7, &subject), &Retry { attempts: RETRIES, next: NOW, cause: String::new() });
            let failure = Failure { community: 7, subject, cause: "the community's storage is full".to_owned(), alone: true };
            assert_eq!(note(view, &failure, NOW).expect("a healthy disk"), None);
            view.range(Table::DeadLetters, &Span::all(), false, usize::MAX).expect("a healthy disk").len()
        };
        for n in 0..DEAD_LETTERS {
            assert_eq!(give_up(&mut view, record("did:plc:member", Collection::Post, n)), n + 1);
        }
        assert_eq!(give_up(&mut view, record("did:plc:member", Collection::Post, DEAD_LETTERS)), DEAD_LETTERS, "no more of the crowd's");
        assert_eq!(give_up(&mut view, record("did:plc:owner", Collection::Action, 0)), DEAD_LETTERS + 1);
        assert_eq!(give_up(&mut view, Subject::Config), DEAD_LETTERS + 2);
        // What is taken back of an author are actions alone.
        assert_eq!(actions_of(&mut view, 7, &["did:plc:member".to_owned()]).expect("a healthy disk"), []);
        let owner = ["did:plc:owner".to_owned()];
        assert_eq!(actions_of(&mut view, 7, &owner).expect("a healthy disk"), [record("did:plc:owner", Collection::Action, 0)]);
        assert_eq!(actions_of(&mut view, 7, &owner).expect("a healthy disk"), []);
    }
}
