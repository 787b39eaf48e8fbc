//! Dead letters: trying one again, or dropping it.
//!
//! What is ordered goes through the queue like everything that changes the index, and is done when the answer comes. A letter that
//! fails again comes back to where it was.

use crate::community::letters;
use crate::dashboard::access::{Caller, Deed};
use crate::dashboard::standing::standing;
use crate::dashboard::{Dashboard, Problem, Standing, find};
use crate::event::{Body, Event, Order, What};
use crate::store::{CommunityId, Table};

impl Dashboard {
    pub async fn retry_letter(&self, caller: &Caller, id: &str, letter: &str) -> Result<(), Problem> {
        self.order_of(caller, id, letter, What::Retry).await
    }

    pub async fn drop_letter(&self, caller: &Caller, id: &str, letter: &str) -> Result<(), Problem> {
        self.order_of(caller, id, letter, What::Drop).await
    }

    /// Of any community, for operators.
    pub async fn retry_any_letter(&self, caller: &Caller, letter: &str) -> Result<(), Problem> {
        Deed::Operate.allow(caller, Standing::None)?;
        self.order(None, letter, What::Retry).await
    }

    /// Of any community, for operators.
    pub async fn drop_any_letter(&self, caller: &Caller, letter: &str) -> Result<(), Problem> {
        Deed::Operate.allow(caller, Standing::None)?;
        self.order(None, letter, What::Drop).await
    }

    async fn order_of(&self, caller: &Caller, id: &str, letter: &str, what: What) -> Result<(), Problem> {
        let number = {
            let snapshot = self.snapshot()?;
            let (number, community) = find::find(&snapshot, id)?;
            Deed::HandleLetters.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
            number
        };
        self.order(Some(number), letter, what).await
    }

    async fn order(&self, community: Option<CommunityId>, letter: &str, what: What) -> Result<(), Problem> {
        let missing = || Problem::not_found("LetterNotFound", "there is no such dead letter: it may have been tried again or dropped meanwhile");
        let (number, subject) = letters::from_id(letter).ok_or_else(missing)?;
        let letter = letters::row(number, &subject);
        if community.is_some_and(|community| community != number) || !self.snapshot()?.contains(Table::DeadLetters, &letter)? {
            return Err(missing());
        }
        let event = Event { did: String::new(), body: Body::Order(Order { letter, what }) };
        match self.apply(vec![event]).await {
            true => Ok(()),
            false => Err(Problem::Unavailable("it could not be done in time".to_owned())),
        }
    }
}
