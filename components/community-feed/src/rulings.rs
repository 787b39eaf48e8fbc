//! The moderation actions that are known, and what the policy makes of them.
//!
//! Every action on record is kept, whoever signed it: who is a moderator may change tomorrow, and which actions count is
//! the policy's to say. It is asked about those of the owner and of who moderates now; what others have signed is not even
//! read, so that nobody can make a ruling dear. A target is judged again when an action on it comes or goes, when the moderators
//! change, and when the time has come for an action that was dated ahead.
//!
//! When the moderators change, the targets are those of whoever has or had a say. They are judged a part at a time, the rest
//! at the alarm, which is set for at once: however much somebody has signed, a call that dismisses them comes to its end.

use std::{collections::BTreeSet, iter, mem};

use crate::{
    bindings::{atrarium::community::moderation::SignedAction, exports::atrarium::community::object::ActionChange},
    failure::Failure,
    host::Host,
    keys,
    object::{Object, PAGE},
    values::{self, StoredAction},
};

/// The soonest that a target is judged again: a policy that always asks for "now" must not keep the object busy.
const SOONEST_MS: i64 = 1_000;

/// Actions that one call takes up by itself, for their targets to be judged: as many as the host tells of at once.
const ACTIONS_AT_ONCE: usize = 200;

/// Actions on a target that are looked through, whoever signed them. Where there may be more, each who has a say is asked for alone.
const FEW_ACTIONS: u32 = 50;

impl<H: Host> Object<'_, H> {
    pub(crate) fn note_action(&mut self, change: ActionChange) -> Result<(), Failure> {
        let ActionChange { uri, action, .. } = change;
        let after = action
            .filter(|action| action.community == self.uri)
            .map(|action| StoredAction { kind: action.kind, created_at: action.created_at, target: action.target })
            .filter(|action| self.fits(&uri, action));
        let key = keys::moderation(&uri);
        let before: Option<StoredAction> = values::load(self.host, &key)?;
        if before == after {
            return Ok(());
        }
        if let Some(before) = before {
            self.host.delete(&key);
            self.host.delete(&keys::target(&before.target, &uri));
            self.unsettled.targets.insert(before.target);
        }
        if let Some(after) = after {
            values::save(self.host, &key, &after)?;
            let by_target = StoredAction { target: String::new(), ..after };
            values::save(self.host, &keys::target(&after.target, &uri), &by_target)?;
            self.unsettled.targets.insert(after.target);
        }
        Ok(())
    }

    /// Whether the action can be stored. Every one with a TID as its rkey can, as the lexicon demands; this is about the
    /// others, whose rkeys may be hundreds of bytes long.
    fn fits(&mut self, uri: &str, action: &StoredAction) -> bool {
        let fits = keys::target(&action.target, uri).len() <= keys::MAX_BYTES;
        if !fits {
            self.host.warn(&format!("ignored an action whose URI is too long: {uri}"));
        }
        fits
    }

    /// Takes up the targets for which an action has been waiting until now, a part of them if there are many.
    pub(crate) fn note_due_targets(&mut self) {
        for (key, _) in self.host.list(keys::WAITING, None, ACTIONS_AT_ONCE as u32) {
            match keys::parse_waiting(&key) {
                Some((at, target)) if at <= self.now => {
                    self.unsettled.targets.insert(target.to_owned());
                    self.host.delete(&key);
                }
                _ => return,
            }
        }
    }

    /// Takes up what earlier calls have left of the signers whose targets are to be judged anew.
    pub(crate) fn note_signers_left(&mut self) -> Result<(), Failure> {
        for (key, value) in self.host.list(keys::SIGNERS, None, PAGE) {
            let after: Option<String> = values::decode(&key, &value)?;
            self.unsettled.signers.insert(keys::subject(&key, keys::SIGNERS).to_owned(), after);
        }
        Ok(())
    }

    /// Takes up the targets of these signers' actions. What is more than one call may do is left to the next, at the alarm.
    pub(crate) fn take_up_signers(&mut self) -> Result<(), Failure> {
        let mut room = ACTIONS_AT_ONCE;
        for (did, after) in mem::take(&mut self.unsettled.signers) {
            let left = keys::signer(&did);
            let page = match room {
                0 => Vec::new(),
                _ => self.host.list(&keys::signed_by(&did), after.as_deref(), room as u32),
            };
            for (key, value) in &page {
                let action: StoredAction = values::decode(key, value)?;
                self.unsettled.targets.insert(action.target);
            }
            if page.len() < room {
                room -= page.len();
                values::mark(self.host, &left, false)?;
            } else {
                room = 0;
                let after = page.into_iter().next_back().map(|(key, _)| key).or(after);
                values::save(self.host, &left, &after)?;
                self.wake_by(self.now);
            }
        }
        Ok(())
    }

    /// Asks the policy about this target, and does what follows if its answer has changed.
    pub(crate) fn judge_target(&mut self, target: &str) -> Result<(), Failure> {
        let actions = self.actions_on(target)?;
        let post = target.strip_prefix("at://").and_then(|rest| rest.split_once("/app.bsky.feed.post/"));
        let subject = post.map_or(target, |(author, _)| author);
        let ruling = self.host.judge(&self.standing, subject, &actions, self.now);
        if let Some(at) = ruling.reconsider_at {
            let at = at.clamp(self.now + SOONEST_MS, keys::END_OF_TIME);
            values::mark(self.host, &keys::waiting(at, target), true)?;
            self.wake_by(at);
        }
        let key = keys::denied(target);
        if self.host.get(&key).is_some() == ruling.denied {
            return Ok(());
        }
        values::mark(self.host, &key, ruling.denied)?;
        if ruling.denied {
            self.host.deny(target);
        } else {
            self.host.allow(target);
        }
        match post {
            Some((author, rkey)) => self.refresh_post(author, rkey)?,
            None => {
                self.unsettled.people.insert(target.to_owned());
            }
        }
        Ok(())
    }

    /// The actions on a target by those who have a say, in the order of their URIs.
    fn actions_on(&self, target: &str) -> Result<Vec<SignedAction>, Failure> {
        let with_say: BTreeSet<&str> = iter::once(&self.standing.owner).chain(&self.standing.moderators).map(String::as_str).collect();
        let few = self.host.list(&keys::target(target, ""), None, FEW_ACTIONS);
        if few.len() < FEW_ACTIONS as usize {
            return few.iter().filter(|(key, _)| with_say.contains(author_of(keys::rest(key)))).map(|(key, value)| signed(key, value)).collect();
        }
        let mut actions = Vec::new();
        // In this order the prefixes stand as their keys do, which the DIDs themselves need not.
        let prefixes: BTreeSet<String> = with_say.into_iter().map(|did| keys::target_by(target, did)).collect();
        for prefix in prefixes {
            let mut after: Option<String> = None;
            loop {
                let page = self.host.list(&prefix, after.as_deref(), PAGE);
                for (key, value) in &page {
                    actions.push(signed(key, value)?);
                }
                if page.len() < PAGE as usize {
                    break;
                }
                after = page.into_iter().next_back().map(|(key, _)| key);
            }
        }
        Ok(actions)
    }
}

/// The action under a `target:` key.
fn signed(key: &str, value: &[u8]) -> Result<SignedAction, Failure> {
    let StoredAction { kind, created_at, .. } = values::decode(key, value)?;
    let uri = keys::rest(key);
    Ok(SignedAction { uri: uri.to_owned(), author: author_of(uri).to_owned(), kind, created_at })
}

/// The DID in whose repo the record is: an AT-URI says it itself.
fn author_of(uri: &str) -> &str {
    let rest = uri.strip_prefix("at://").unwrap_or(uri);
    rest.split_once('/').map_or(rest, |(did, _)| did)
}
