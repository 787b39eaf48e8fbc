//! What could not be told: retried alone, with growing pauses, and set aside in the end.
//!
//! A pair of community and subject that has failed by itself is retried [`RETRIES`] times; then it goes to the dead letters, where
//! an operator can list, retry and drop it. The first failure of a call with several subjects says nothing about any of them, so
//! each is tried alone at once. Failures of the host itself never come here.

use super::deliver::Failure;
use super::facts::Outcome;
use crate::community::letters::{DeadLetter, Retry, Subject, pair_of, row};
use crate::event::{Order, What};
use crate::store::view::decode;
use crate::store::{CommunityId, Key, Span, StoreError, Table, View};

/// How often a pair that has failed by itself is tried again before it is set aside.
pub const RETRIES: u32 = 3;

/// The pause before each of them.
const PAUSES_MS: [i64; RETRIES as usize] = [1_000, 5_000, 25_000];

/// An alarm that was set aside would never ring again, so it is tried anew after this.
const ALARM_AGAIN_MS: i64 = 60 * 60 * 1_000;

/// Dead letters that are kept per community, the first to come; more are counted only.
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
    if view.range(Table::DeadLetters, &Span::prefix(Key::community(failure.community)), false, DEAD_LETTERS)?.len() < DEAD_LETTERS {
        view.write(Table::DeadLetters, key, &DeadLetter { since: now, cause: failure.cause.clone() });
    }
    Ok(None)
}

/// The pair has been told: it needs no retry.
pub fn settle(view: &mut View, due: &Due) {
    view.delete(Table::Retries, row(due.community, &due.subject));
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

/// The pairs that are due, and when the next ones will be.
pub fn due(view: &mut View, now: i64, limit: usize) -> Result<(Vec<Due>, Option<i64>), StoreError> {
    let (mut pairs, mut next) = (Vec::new(), None::<i64>);
    view.walk(Table::Retries, &Span::all(), |_, key, value| {
        let retry: Retry = decode(Table::Retries, key, value)?;
        if is_due(retry.next, now) && pairs.len() < limit {
            let (community, subject) = pair_of(Table::Retries, key)?;
            pairs.push(Due { community, subject });
        } else {
            next = Some(next.map_or(retry.next, |next| next.min(retry.next)));
        }
        Ok(true)
    })?;
    Ok((pairs, next))
}
