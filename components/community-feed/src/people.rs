//! Who belongs to the community, in which role, and what follows for their posts.
//!
//! The owner is in the community's URI, the moderators are in its config, and a member is whoever has an active membership
//! record. The host is told of each change, and from then on tells the object of that person's posts, or stops.

use crate::{
    bindings::atrarium::community::index::Role,
    failure::Failure,
    host::Host,
    keys,
    object::Object,
    values::{self, Person},
};

impl<H: Host> Object<'_, H> {
    /// Derives this person from the facts, and brings the host and the feed up to date with what changed.
    pub(crate) fn settle_person(&mut self, did: &str) -> Result<(), Failure> {
        let key = keys::admitted(did);
        let before: Option<Person> = values::load(self.host, &key)?;
        let after = self.derive_person(did);
        if before == after {
            return Ok(());
        }
        self.last_author = None;
        let Some(person) = after else {
            self.remove_posts_of(did)?;
            self.host.delete(&key);
            self.host.dismiss(did);
            return Ok(());
        };
        values::save(self.host, &key, &person)?;
        if before.is_none_or(|before| before.role != person.role) {
            self.host.admit(did, person.role);
        }
        if before.is_some_and(|before| before.is_shown() != person.is_shown()) {
            self.refresh_posts_of(did, person)?;
        }
        Ok(())
    }

    /// The member as the host was told of them; `None` for anyone else.
    pub(crate) fn person(&mut self, did: &str) -> Result<Option<Person>, Failure> {
        match &self.last_author {
            Some((author, person)) if author == did => Ok(*person),
            _ => {
                let person = values::load(self.host, &keys::admitted(did))?;
                self.last_author = Some((did.to_owned(), person));
                Ok(person)
            }
        }
    }

    fn derive_person(&self, did: &str) -> Option<Person> {
        let role = self.role(did)?;
        let blocked = self.host.get(&keys::denied(did)).is_some();
        let inactive = self.host.get(&keys::account(did)).is_some();
        Some(Person { role, blocked, inactive })
    }

    fn role(&self, did: &str) -> Option<Role> {
        if did == self.standing.owner {
            Some(Role::Owner)
        } else if self.standing.moderators.iter().any(|moderator| moderator == did) {
            Some(Role::Moderator)
        } else {
            let memberships = self.host.list(&keys::member(did, ""), None, 1);
            (!memberships.is_empty()).then_some(Role::Member)
        }
    }
}
