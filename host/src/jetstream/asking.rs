//! What a server is asked for, and what is left out when it says no.
//!
//! Two things may be refused that we can do without: a number that the server doesn't have any more, and its dictionary. Each
//! is left out once, on the same server, before that counts as a failure. Everything else is for the next endpoint.

use super::{
    handshake::{Reason, Rejection},
    position::Start,
};

/// A subscription's changing parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asking {
    pub(super) start: Start,
    pub(super) compressed: bool,
    /// The server has said that it doesn't have what follows on our place.
    pub(super) too_old: bool,
}

/// What to leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    Number,
    Compression,
}

impl Asking {
    pub(super) fn from(start: Start) -> Self {
        Self { start, compressed: true, too_old: false }
    }

    /// What may help after this rejection, if anything may. A server that gives no reason is asked for less and less.
    pub(super) fn without(&self, rejection: &Rejection) -> Option<Without> {
        let numbered = matches!(self.start, Start::Event(_));
        match rejection.reason {
            Reason::CursorTooOld if numbered => Some(Without::Number),
            Reason::UnknownZstdDictionary if self.compressed => Some(Without::Compression),
            Reason::Unnamed if rejection.status == 400 && numbered => Some(Without::Number),
            Reason::Unnamed if rejection.status == 400 && self.compressed => Some(Without::Compression),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::position::Mark;

    #[test]
    fn less_is_asked_for_until_nothing_is_left_to_leave_out() {
        let event = Start::Event(Mark { seq: 7, time_us: 1 });
        let check = |start, compressed, status, reason: Reason, expected| {
            let asking = Asking { start, compressed, too_old: false };
            assert_eq!(asking.without(&Rejection::test(status, reason.clone())), expected, "{asking:?} {status} {reason:?}");
        };
        check(event, true, 400, Reason::CursorTooOld, Some(Without::Number));
        check(Start::Time(1), true, 400, Reason::CursorTooOld, None);
        check(event, true, 400, Reason::UnknownZstdDictionary, Some(Without::Compression));
        check(event, false, 400, Reason::UnknownZstdDictionary, None);
        check(event, true, 400, Reason::Unnamed, Some(Without::Number));
        check(Start::Time(1), true, 400, Reason::Unnamed, Some(Without::Compression));
        check(Start::Time(1), false, 400, Reason::Unnamed, None);
        check(event, true, 503, Reason::Unnamed, None);
        check(event, true, 400, Reason::Named("InvalidRequest".to_owned()), None);
    }
}
