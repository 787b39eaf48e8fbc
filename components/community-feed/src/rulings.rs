//! The moderation actions that are known, and what the policy makes of them.
//!
//! Every action on record is kept, whoever signed it: who is a moderator may change tomorrow, and which actions count is
//! the policy's to say. A target is judged again when an action on it comes or goes, when the moderators change, and when
//! the time has come for an action that was dated ahead.

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
    /// others, whose rkeys may have 512 bytes.
    fn fits(&mut self, uri: &str, action: &StoredAction) -> bool {
        let fits = keys::target(&action.target, uri).len() <= keys::MAX_BYTES;
        if !fits {
            self.host.warn(&format!("ignored an action whose URI is too long: {uri}"));
        }
        fits
    }

    /// Takes up the targets for which an action has been waiting until now.
    pub(crate) fn note_due_targets(&mut self) {
        for (key, _) in self.host.list(keys::WAITING, None, PAGE) {
            match keys::parse_waiting(&key) {
                Some((at, target)) if at <= self.now => {
                    self.unsettled.targets.insert(target.to_owned());
                    self.host.delete(&key);
                }
                _ => return,
            }
        }
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

    fn actions_on(&self, target: &str) -> Result<Vec<SignedAction>, Failure> {
        let prefix = keys::target(target, "");
        let mut actions = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.host.list(&prefix, after.as_deref(), PAGE);
            let is_last = page.len() < PAGE as usize;
            for (key, value) in &page {
                let StoredAction { kind, created_at, .. } = values::decode(key, value)?;
                let uri = keys::rest(key);
                let author = author_of(uri).to_owned();
                actions.push(SignedAction { uri: uri.to_owned(), author, kind, created_at });
            }
            if is_last {
                return Ok(actions);
            }
            after = page.into_iter().next_back().map(|(key, _)| key);
        }
    }
}

/// The DID in whose repo the record is: an AT-URI says it itself.
fn author_of(uri: &str) -> &str {
    let rest = uri.strip_prefix("at://").unwrap_or(uri);
    rest.split_once('/').map_or(rest, |(did, _)| did)
}
