//! What is known of one event: every change of its seats, as the answers of the HTTP API and the frames tell it.
//!
//! Pure rules. Invariant: a change has one availability for everybody: as the first frame tells it until the answer is
//! there, then as the answer does. Every change is one seat, so between any two neighbouring numbers of free seats the
//! changes go up and down in turn.

use std::collections::HashMap;

use crate::wire::message::Stamp;

/// What happened to a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Cancelled,
}

impl What {
    pub(super) const ALL: [Self; 2] = [Self::Created, Self::Cancelled];

    /// What it adds to the free seats.
    pub(super) fn step(self) -> i64 {
        match self {
            Self::Created => -1,
            Self::Cancelled => 1,
        }
    }
}

/// One committed change.
#[derive(Debug, Default)]
struct Change {
    /// Free seats after it; absent while nobody has told.
    available: Option<i64>,
    /// The HTTP API has said that it is committed.
    answered: bool,
    /// When it should have been asked for; known from the answer on.
    stamp: Option<Stamp>,
    /// Viewers that saw it before its answer came, and when. At most one entry per viewer.
    early: Vec<Arrival>,
}

/// A frame at a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) user: usize,
    pub(super) at: u64,
}

/// What somebody says of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) booking: &'a str,
    pub(super) what: What,
    /// Absent where the answer did not come and the change is known to be made.
    pub(super) available: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Board {
    seats: i64,
    /// The number of each booking.
    bookings: HashMap<String, usize>,
    /// Two places per booking.
    changes: Vec<Option<Change>>,
}

impl Board {
    pub(super) fn new(seats: u32) -> Self {
        Self { seats: seats.into(), bookings: HashMap::new(), changes: Vec::new() }
    }

    pub(super) fn seats(&self) -> i64 {
        self.seats
    }

    /// A viewer was told so. The number of the change, and whether it agrees with what is known.
    pub(super) fn told(&mut self, word: Word<'_>) -> (usize, bool) {
        self.take(word)
    }

    /// A viewer saw a change for the first time. Its stamp if that is known by now; otherwise the arrival is kept for
    /// `answered`.
    pub(super) fn arrived(&mut self, index: usize, arrival: Arrival) -> Option<Stamp> {
        let change = self.changes.get_mut(index)?.as_mut()?;
        if change.stamp.is_none() {
            change.early.push(arrival);
        }
        change.stamp
    }

    /// The HTTP API says so. Whether it agrees with what is known, and who saw it before.
    pub(super) fn answered(&mut self, word: Word<'_>, stamp: Stamp) -> (bool, Vec<Arrival>) {
        let (index, agrees) = self.take(word);
        let change = self.changes[index].get_or_insert_default();
        // From here on the answer is what counts, whoever told first.
        change.available = word.available.or(change.available);
        change.answered = true;
        change.stamp = Some(stamp);
        (agrees, std::mem::take(&mut change.early))
    }

    fn take(&mut self, Word { booking, what, available }: Word<'_>) -> (usize, bool) {
        let number = match self.bookings.get(booking) {
            Some(number) => *number,
            None => {
                let number = self.bookings.len();
                self.bookings.insert(booking.to_owned(), number);
                self.changes.resize_with(2 * number + 2, || None);
                number
            }
        };
        let index = 2 * number + What::ALL.iter().position(|one| *one == what).unwrap_or_default();
        let change = self.changes[index].get_or_insert_default();
        let possible = available.is_none_or(|available| (0..=self.seats).contains(&available));
        let agrees = change.available.is_none() || available.is_none() || change.available == available;
        change.available = change.available.or(available);
        (index, possible && agrees)
    }

    /// All changes that anybody knows of.
    pub(super) fn count(&self) -> u64 {
        self.changes.iter().flatten().count() as u64
    }

    /// Changes that a viewer saw and the HTTP API never confirmed.
    pub(super) fn unconfirmed(&self) -> u64 {
        self.changes.iter().flatten().filter(|change| !change.answered).count() as u64
    }

    /// Free seats by all that is known.
    pub(super) fn left(&self) -> i64 {
        self.made().map(|(what, _)| what.step()).sum::<i64>() + self.seats
    }

    /// How many steps from one number of free seats to its neighbour were made once too often: seats that were sold
    /// twice, or given back twice. None where a change's number is not known.
    pub(super) fn sold_twice(&self) -> Option<u64> {
        let mut crossings: HashMap<i64, i64> = HashMap::new();
        for (what, change) in self.made() {
            let available = change.available?;
            // The step between `lower` and `lower + 1`: sold downwards, given back upwards.
            let lower = available.min(available - what.step());
            *crossings.entry(lower).or_default() -= what.step();
        }
        let left = self.left();
        let wanted = |lower: i64| i64::from((left..self.seats).contains(&lower));
        let all = crossings
            .keys()
            .copied()
            .chain(left.max(0)..self.seats)
            .collect::<std::collections::BTreeSet<_>>();
        let wrong = all.into_iter().map(|lower| {
            let crossed = crossings.get(&lower).copied().unwrap_or_default();
            crossed.abs_diff(wanted(lower))
        });
        Some(wrong.sum())
    }

    fn made(&self) -> impl Iterator<Item = (What, &Change)> {
        let what = What::ALL.into_iter().cycle();
        what.zip(&self.changes).filter_map(|(what, change)| Some((what, change.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { intended: 1, sent: 2 };

    fn word(booking: &str, what: What, available: i64) -> Word<'_> {
        Word { booking, what, available: Some(available) }
    }

    #[test]
    fn answers_and_frames_must_tell_the_same_number_of_seats() {
        let arrival = Arrival { user: 4, at: 9 };
        let mut board = Board::new(10);
        assert_eq!(board.told(word("a", What::Created, 9)), (0, true));
        assert_eq!(board.arrived(0, arrival), None, "its answer is not there yet");
        assert_eq!(board.unconfirmed(), 1);
        assert_eq!(board.answered(word("a", What::Created, 9), STAMP), (true, vec![arrival]));
        assert_eq!(board.unconfirmed(), 0);
        assert_eq!(board.arrived(0, arrival), Some(STAMP));
        assert_eq!(board.told(word("a", What::Created, 8)), (0, false), "another number");
        assert!(!board.answered(word("b", What::Created, -1), STAMP).0, "below zero");
        assert!(!board.answered(word("c", What::Cancelled, 11), STAMP).0, "more than there are");
        assert_eq!((board.count(), board.left()), (3, 9));
    }

    #[test]
    fn a_seat_that_is_sold_twice_shows_in_the_steps() {
        let fine = [("a", What::Created, 9), ("b", What::Created, 8), ("a", What::Cancelled, 9)];
        let again = [("c", What::Created, 8)];
        for (more, wanted) in [(vec![], 0), (again.to_vec(), 0), (vec![("c", What::Created, 9)], 2)] {
            let mut board = Board::new(10);
            for (booking, what, available) in fine.into_iter().chain(more) {
                board.answered(word(booking, what, available), STAMP);
            }
            assert_eq!(board.sold_twice(), Some(wanted), "{board:?}");
        }
        let mut board = Board::new(10);
        board.answered(Word { booking: "a", what: What::Created, available: None }, STAMP);
        assert_eq!(board.sold_twice(), None, "who does not know the number cannot tell");
    }
}
