//! For whom there is room among who listens.
//!
//! Strangers may take half of the places, members and strangers nine tenths, moderators and owners all: a crowd of DIDs that cost nothing can't
//! keep out who belongs here, nor a crowd that has joined those who look after it.

/// What a listener is where they listen, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seat {
    Stranger,
    Member,
    /// And the owner.
    Moderator,
}

impl Seat {
    const ALL: [Self; 3] = [Self::Stranger, Self::Member, Self::Moderator];

    /// How many of so many places are for this one and those below.
    fn of(self, most: usize) -> usize {
        match self {
            Self::Stranger => most / 2,
            Self::Member => most - most / 10,
            Self::Moderator => most,
        }
    }
}

/// Places that are taken.
#[derive(Debug, Default)]
pub(super) struct Seats([usize; 3]);

impl Seats {
    pub(super) fn taken(&self) -> usize {
        self.0.iter().sum()
    }

    /// Whether one more may come, where there are so many places in all.
    pub(super) fn has_one(&self, seat: Seat, most: usize) -> bool {
        Seat::ALL.into_iter().filter(|other| *other >= seat).all(|other| self.0[..=other as usize].iter().sum::<usize>() < other.of(most))
    }

    pub(super) fn take(&mut self, seat: Seat) {
        self.0[seat as usize] += 1;
    }

    pub(super) fn leave(&mut self, seat: Seat) {
        let taken = &mut self.0[seat as usize];
        *taken = taken.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_belongs_here_finds_room_though_all_others_come_first() {
        use Seat::{Member, Moderator, Stranger};
        let mut seats = Seats::default();
        let mut fill = |seat: Seat| {
            let before = seats.taken();
            while seats.has_one(seat, 100) {
                seats.take(seat);
            }
            seats.taken() - before
        };
        assert_eq!((fill(Stranger), fill(Stranger), fill(Member), fill(Stranger), fill(Moderator), fill(Member)), (50, 0, 40, 0, 10, 0));
        // Nor do members and moderators leave strangers more than is theirs.
        let mut seats = Seats::default();
        for _ in 0..70 {
            seats.take(Member);
        }
        let mut strangers = 0;
        while seats.has_one(Stranger, 100) {
            seats.take(Stranger);
            strangers += 1;
        }
        assert_eq!((strangers, seats.taken()), (20, 90));
        seats.leave(Member);
        assert!(seats.has_one(Stranger, 100) && seats.has_one(Moderator, 100));
    }
}
