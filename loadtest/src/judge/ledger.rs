//! What one room is known to contain, as told by all of its members together, and what they asked to have changed.
//!
//! Invariant: a position carries one message for everybody. The wire promises more than one order per epoch: a
//! (room, seq) never names two messages in any epoch, so the ledger is keyed by seq alone. Changes of messages have
//! positions of their own; they and what is left of a withdrawn message are places without an author, which nobody must
//! have.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::wire::{
    dialect::Change,
    message::{Author, Heard},
};

/// One position of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The message here, or the one that is changed here.
    pub(crate) id: u128,
    /// Absent: a change, or a withdrawn message that nobody saw before.
    pub(crate) author: Option<Author>,
    /// Known once somebody heard it live; pages do not say it.
    pub(crate) epoch: Option<u64>,
    pub(crate) acknowledged: bool,
    /// What is done to the message; pages do not say it.
    pub(crate) change: Option<Change>,
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
    /// Nobody asked for this change.
    Unasked,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<u64, Entry>,
    by_author: HashMap<Author, u64>,
    asked: Asked,
}

/// The messages that members asked to have changed.
#[derive(Debug, Default)]
struct Asked {
    edited: HashSet<u128>,
    deleted: HashSet<u128>,
    reacted: HashSet<u128>,
}

impl Asked {
    fn of(&self, change: Change) -> &HashSet<u128> {
        match change {
            Change::Edited => &self.edited,
            Change::Deleted => &self.deleted,
            Change::Reacted => &self.reacted,
        }
    }
}

impl Ledger {
    pub(crate) fn witness(&mut self, heard: &Heard, epoch: Option<u64>) -> Witness {
        if let Some(entry) = self.entries.get_mut(&heard.seq) {
            let epochs_agree = entry.epoch.is_none() || epoch.is_none() || entry.epoch == epoch;
            let withdrawn = self.asked.deleted.contains(&heard.id);
            let authors_agree = match (entry.author, heard.author) {
                (Some(_), None) => withdrawn,
                (None, Some(_)) => withdrawn && entry.change.is_none(),
                (before, now) => before == now,
            };
            if entry.id != heard.id || !authors_agree || !epochs_agree {
                return Witness::Contradicted;
            }
            entry.epoch = entry.epoch.or(epoch);
            if entry.author.is_some() || heard.author.is_none() {
                return Witness::Agreed;
            }
            entry.author = heard.author;
        } else {
            let Heard { id, author, .. } = *heard;
            self.entries.insert(heard.seq, Entry { id, author, epoch, acknowledged: false, change: None });
        }
        match heard.author.map(|author| *self.by_author.entry(author).or_insert(heard.seq)) {
            Some(first) if first != heard.seq => Witness::Doubled { first },
            Some(_) | None => Witness::New,
        }
    }

    /// As `witness`, for a change that somebody heard live.
    pub(crate) fn witness_change(&mut self, heard: &Heard, epoch: u64, change: Change) -> Witness {
        let told = self.witness(heard, Some(epoch));
        if !self.asked.of(change).contains(&heard.id) {
            return Witness::Unasked;
        }
        let Some(entry) = self.entries.get_mut(&heard.seq) else { return told };
        match *entry.change.get_or_insert(change) == change && entry.author.is_none() {
            true => told,
            false => Witness::Contradicted,
        }
    }

    /// A member asks for a change of a message.
    pub(crate) fn ask(&mut self, change: Change, id: u128) {
        let asked = match change {
            Change::Edited => &mut self.asked.edited,
            Change::Deleted => &mut self.asked.deleted,
            Change::Reacted => &mut self.asked.reacted,
        };
        asked.insert(id);
    }

    /// Whether somebody asked for this change.
    pub(crate) fn is_asked(&self, change: Change, id: u128) -> bool {
        self.asked.of(change).contains(&id)
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

    /// The messages from `first` to `last` that every member must have: what was withdrawn need not reach who came late.
    pub(crate) fn expected(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let range = (first <= last).then(|| self.entries.range(first..=last));
        let positions = range.into_iter().flatten().map(|(seq, entry)| (*seq, entry));
        positions.filter(|(_, entry)| entry.author.is_some() && !self.asked.deleted.contains(&entry.id))
    }

    /// How many positions above this one are taken.
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

    fn place(seq: u64, id: u128) -> Heard {
        Heard { seq, id, author: None, stamp: None }
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
        for other in [heard(1, 11, 1), heard(1, 10, 2), place(1, 10)] {
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

    #[test]
    fn what_is_left_of_a_withdrawn_message_agrees_with_it_in_either_order() {
        for (first, second) in [(heard(1, 10, 1), place(1, 10)), (place(1, 10), heard(1, 10, 1))] {
            let mut ledger = Ledger::default();
            ledger.ask(Change::Deleted, 10);
            assert_eq!(ledger.witness(&first, None), Witness::New);
            assert_ne!(ledger.witness(&second, None), Witness::Contradicted);
            assert_eq!(ledger.entries()[&1].author, heard(1, 10, 1).author);
            assert_eq!(ledger.expected(1, 9).count(), 0, "nobody must have it");
        }
    }

    #[test]
    fn a_change_that_nobody_asked_for_is_noticed() {
        let mut ledger = Ledger::default();
        ledger.witness(&heard(1, 10, 1), Some(1));
        ledger.ask(Change::Edited, 10);
        assert_eq!(ledger.witness_change(&place(2, 10), 1, Change::Edited), Witness::New);
        assert_eq!(ledger.witness_change(&place(2, 10), 1, Change::Edited), Witness::Agreed);
        assert_eq!(ledger.witness_change(&place(3, 10), 1, Change::Deleted), Witness::Unasked);
        ledger.ask(Change::Reacted, 10);
        assert_eq!(ledger.witness_change(&place(2, 10), 1, Change::Reacted), Witness::Contradicted);
        assert_eq!(ledger.expected(0, 9).map(|(seq, _)| seq).collect::<Vec<_>>(), [1]);
    }
}
