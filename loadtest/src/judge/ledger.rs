//! What one room is known to contain, as told by all of its members together.
//!
//! Invariant: a position carries one message for everybody. The wire promises more than one order per epoch: a
//! (room, seq) never names two messages in any epoch, so the ledger is keyed by seq alone.

use std::collections::{BTreeMap, HashMap};

use crate::wire::message::{Author, Heard};

/// One message of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u128,
    pub(crate) author: Option<Author>,
    /// Known once somebody heard it live; pages do not say it.
    pub(crate) epoch: Option<u64>,
    pub(crate) acknowledged: bool,
}

/// How a testimony compares with what was told before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Witness {
    /// The first to tell of it.
    New,
    /// As the others said.
    Agreed,
    /// The first to tell of it, but its client id already stands at another position: one message became two.
    Doubled { first: u64 },
    /// Somebody else heard another message, author or epoch at this position.
    Contradicted,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<u64, Entry>,
    by_author: HashMap<Author, u64>,
}

impl Ledger {
    pub(crate) fn witness(&mut self, heard: &Heard, epoch: Option<u64>) -> Witness {
        if let Some(entry) = self.entries.get_mut(&heard.seq) {
            let epochs_agree = entry.epoch.is_none() || epoch.is_none() || entry.epoch == epoch;
            if entry.id != heard.id || entry.author != heard.author || !epochs_agree {
                return Witness::Contradicted;
            }
            entry.epoch = entry.epoch.or(epoch);
            return Witness::Agreed;
        }
        let entry = Entry { id: heard.id, author: heard.author, epoch, acknowledged: false };
        self.entries.insert(heard.seq, entry);
        match heard.author.map(|author| *self.by_author.entry(author).or_insert(heard.seq)) {
            Some(first) if first != heard.seq => Witness::Doubled { first },
            Some(_) | None => Witness::New,
        }
    }

    /// The number of a message whose server gives it none: in the order in which members first tell of it.
    pub(crate) fn number(&mut self, author: Author) -> u64 {
        let next = self.by_author.len() as u64 + 1;
        *self.by_author.entry(author).or_insert(next)
    }

    /// The author saw it back.
    pub(crate) fn acknowledge(&mut self, seq: u64) {
        if let Some(entry) = self.entries.get_mut(&seq) {
            entry.acknowledged = true;
        }
    }

    pub(crate) fn entries(&self) -> &BTreeMap<u64, Entry> {
        &self.entries
    }

    /// How many messages stand above a position.
    pub(crate) fn count_above(&self, baseline: u64) -> u64 {
        let count =
            if baseline == 0 { self.entries.len() } else { self.entries.range(baseline + 1..).count() };
        count as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(seq: u64, id: u128, number: u32) -> Heard {
        Heard { seq, id, author: Some(Author { user: 1, number }), stamp: None }
    }

    #[test]
    fn members_that_say_the_same_agree() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.witness(&heard(1, 10, 1), None), Witness::New);
        assert_eq!(ledger.witness(&heard(1, 10, 1), Some(1)), Witness::Agreed);
        assert_eq!(ledger.witness(&heard(1, 10, 1), Some(1)), Witness::Agreed);
        assert_eq!(ledger.entries()[&1].epoch, Some(1));
    }

    #[test]
    fn another_message_author_or_epoch_at_a_position_is_a_contradiction() {
        for other in [heard(1, 11, 1), heard(1, 10, 2)] {
            let mut ledger = Ledger::default();
            ledger.witness(&heard(1, 10, 1), Some(1));
            assert_eq!(ledger.witness(&other, Some(1)), Witness::Contradicted);
        }
        let mut ledger = Ledger::default();
        ledger.witness(&heard(1, 10, 1), Some(1));
        assert_eq!(ledger.witness(&heard(1, 10, 1), Some(2)), Witness::Contradicted);
    }

    #[test]
    fn a_client_id_at_two_positions_is_a_doubled_message() {
        let mut ledger = Ledger::default();
        ledger.witness(&heard(1, 10, 1), Some(1));
        assert_eq!(ledger.witness(&heard(2, 11, 1), Some(1)), Witness::Doubled { first: 1 });
        assert_eq!(ledger.witness(&heard(2, 11, 1), Some(1)), Witness::Agreed);
    }

    #[test]
    fn without_numbers_of_the_server_each_author_gets_one_and_keeps_it() {
        let mut ledger = Ledger::default();
        let author = |number| Author { user: 1, number };
        let numbers = [5, 3, 5, 4].map(|number| ledger.number(author(number)));
        assert_eq!(numbers, [1, 2, 1, 3]);
        assert_eq!(ledger.witness(&heard(2, 0, 3), None), Witness::New);
    }

    #[test]
    fn messages_above_a_baseline_are_counted() {
        let mut ledger = Ledger::default();
        for seq in 1..=5 {
            ledger.witness(&heard(seq, u128::from(seq), seq as u32), None);
        }
        assert_eq!((ledger.count_above(0), ledger.count_above(3), ledger.count_above(9)), (5, 2, 0));
    }
}
