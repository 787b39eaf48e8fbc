//! The members' posts of the last week, and which of them the feed shows.
//!
//! Posts are kept for as long as their author is a member and for a day longer than their week, shown or not: what is unhidden or
//! unblocked within the week comes back. Whether a post's time has come, or is over, is not judged here but by the host at every read:
//! a post dated in the future is shown to the host at once.

use crate::{
    bindings::{
        atrarium::{community::index::Entry, events::types::Post},
        exports::atrarium::community::object::PostChange,
    },
    failure::Failure,
    host::Host,
    keys,
    object::{GRACE_MS, KEPT_MS, Object, PAGE},
    values::{self, Person, StoredPost},
};

impl<H: Host> Object<'_, H> {
    /// Takes what is so of a post now. Posts of others than members are nobody's business here.
    pub(crate) fn take_post(&mut self, change: PostChange) -> Result<(), Failure> {
        let PostChange { author, rkey, post } = change;
        let Some(person) = self.person(&author)? else {
            return Ok(());
        };
        let known: Option<i64> = values::load(self.host, &keys::author(&author, &rkey))?;
        let Some(post) = post.filter(|post| self.belongs(post)) else {
            if let Some(sort_time) = known {
                self.remove_post(&author, &rkey, sort_time);
            }
            return Ok(());
        };
        let Post { sort_time, reply, languages, labels, .. } = post;
        let key = keys::post(sort_time, &rkey, &author);
        let post = StoredPost { reply, languages, labels };
        if let Some(known_time) = known {
            if known_time == sort_time && values::load(self.host, &key)?.as_ref() == Some(&post) {
                return Ok(());
            }
            self.remove_post(&author, &rkey, known_time);
        }
        values::save(self.host, &key, &post)?;
        values::save(self.host, &keys::author(&author, &rkey), &sort_time)?;
        self.wake_by(sort_time + KEPT_MS + GRACE_MS);
        if person.is_shown() && !self.is_hidden(&author, &rkey) {
            self.publish(author, rkey, sort_time, post);
        }
        Ok(())
    }

    /// Shows the post or not, after something that decides about it has changed. A post that isn't kept is left alone.
    pub(crate) fn refresh_post(&mut self, author: &str, rkey: &str) -> Result<(), Failure> {
        let Some(person) = self.person(author)? else {
            return Ok(());
        };
        match values::load(self.host, &keys::author(author, rkey))? {
            Some(sort_time) => self.show_or_retract(author, rkey, sort_time, person),
            None => Ok(()),
        }
    }

    pub(crate) fn refresh_posts_of(&mut self, did: &str, person: Person) -> Result<(), Failure> {
        let prefix = keys::author(did, "");
        let mut after: Option<String> = None;
        loop {
            let page = self.host.list(&prefix, after.as_deref(), PAGE);
            for (key, value) in &page {
                self.show_or_retract(did, keys::rest(key), values::decode(key, value)?, person)?;
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
            after = page.into_iter().next_back().map(|(key, _)| key);
        }
    }

    pub(crate) fn remove_posts_of(&mut self, did: &str) -> Result<(), Failure> {
        let prefix = keys::author(did, "");
        loop {
            let page = self.host.list(&prefix, None, PAGE);
            if page.is_empty() {
                return Ok(());
            }
            for (key, value) in &page {
                self.remove_post(did, keys::rest(key), values::decode(key, value)?);
            }
        }
    }

    /// Removes posts that have been kept for long enough, the oldest first and not more than a page of them; the alarm calls for the rest.
    pub(crate) fn expire_posts(&mut self) {
        for (key, _) in self.host.list(keys::POSTS, None, PAGE) {
            match keys::parse_post(&key) {
                Some((time, rkey, did)) if time < self.now - KEPT_MS => {
                    self.remove_post(did, rkey, time);
                }
                _ => return,
            }
        }
    }

    fn belongs(&self, post: &Post) -> bool {
        let oldest = (self.now - KEPT_MS).max(0);
        (oldest..=keys::END_OF_TIME).contains(&post.sort_time) && self.hashtag.as_ref().is_some_and(|hashtag| post.hashtags.contains(hashtag))
    }

    fn is_hidden(&self, author: &str, rkey: &str) -> bool {
        let uri = format!("at://{author}/app.bsky.feed.post/{rkey}");
        self.host.get(&keys::denied(&uri)).is_some()
    }

    fn show_or_retract(&mut self, author: &str, rkey: &str, sort_time: i64, person: Person) -> Result<(), Failure> {
        if !person.is_shown() || self.is_hidden(author, rkey) {
            self.host.retract(author, rkey, sort_time);
        } else if let Some(post) = values::load(self.host, &keys::post(sort_time, rkey, author))? {
            self.publish(author.to_owned(), rkey.to_owned(), sort_time, post);
        }
        Ok(())
    }

    fn publish(&mut self, author: String, rkey: String, sort_time: i64, post: StoredPost) {
        let StoredPost { reply, languages, labels } = post;
        self.host.publish(&Entry { author, rkey, sort_time, reply, languages, labels });
    }

    fn remove_post(&mut self, author: &str, rkey: &str, sort_time: i64) {
        self.host.delete(&keys::post(sort_time, rkey, author));
        self.host.delete(&keys::author(author, rkey));
        self.host.retract(author, rkey, sort_time);
    }
}
