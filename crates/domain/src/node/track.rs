//! A room's place on this node: is what the broker delivers next really the next? Pure.
//!
//! The check runs once per room and node, before anything is shown to anyone; cursors repeat it per connection.

use std::collections::VecDeque;

use crate::ports::Span;
use crate::words::{Entry, Position};

/// Entries that may wait while a hole is filled; beyond it they are read from the hot log again.
const HELD: usize = 1024;

/// Where a room stands on this node.
#[derive(Debug)]
pub(super) enum Track {
    /// Subscribed, nothing seen yet.
    Unanchored,
    /// Everything up to here was cast.
    At(Position),
    /// Something behind `from` may be missing: later entries wait.
    Healing {
        /// Everything up to here was cast.
        from: Position,
        /// What arrived since, in order; emptied when it overflows.
        held: VecDeque<Entry>,
        /// Counts the times that entries were dropped from `held`, so that the healer looks again.
        overflow: bool,
    },
}

/// What to do with a delivered entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Cast it now.
    Cast(Entry),
    /// Nothing to do: seen, or waiting.
    Kept,
    /// A hole: the healer must be called.
    Hole,
}

impl Track {
    /// Judges a delivered entry.
    pub(super) fn arrive(&mut self, entry: Entry) -> Arrival {
        match self {
            Self::Unanchored => {
                *self = Self::At(entry.position);
                Arrival::Cast(entry)
            }
            Self::At(place) if entry.position <= *place => Arrival::Kept,
            Self::At(place) if entry.position == place.next() => {
                *place = entry.position;
                Arrival::Cast(entry)
            }
            Self::At(place) => {
                *self = Self::Healing { from: *place, held: VecDeque::from([entry]), overflow: false };
                Arrival::Hole
            }
            Self::Healing { held, overflow, .. } => {
                if held.len() == HELD {
                    held.clear();
                    *overflow = true;
                }
                held.push_back(entry);
                Arrival::Kept
            }
        }
    }

    /// A reader saw the room's head: the order is known from there on.
    pub(super) fn anchor(&mut self, head: Position) {
        if matches!(self, Self::Unanchored) {
            *self = Self::At(head);
        }
    }

    /// Deliveries may have been lost. Says whether there is anything to check.
    pub(super) fn suspect(&mut self) -> bool {
        match self {
            Self::Unanchored => false,
            Self::At(place) => {
                *self = Self::Healing { from: *place, held: VecDeque::new(), overflow: false };
                true
            }
            Self::Healing { .. } => true,
        }
    }
}

/// One step of what a healed room is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An entry that was missing.
    Entry(Entry),
    /// A new epoch; the next entry is behind this position.
    Resync(Position),
}

/// Puts what the hot log holds behind `from` into steps. `None`: it cannot prove that nothing is missing.
pub(super) fn stitch(from: Position, span: Span) -> Option<Vec<Step>> {
    let reaches_back = |oldest: Position| oldest.epoch == from.epoch && oldest <= from.next();
    if span.head > from && !span.oldest.is_some_and(reaches_back) {
        return None;
    }
    follow(from, span.head, span.entries)
}

/// Puts entries that are known to be all that is left behind `from` into steps, announcing every new epoch.
/// `None`: they have a hole within an epoch.
pub(super) fn follow(from: Position, head: Position, entries: Vec<Entry>) -> Option<Vec<Step>> {
    if entries.is_empty() && head.epoch > from.epoch {
        return Some(vec![Step::Resync(head)]);
    }
    let mut steps = Vec::with_capacity(entries.len() + 1);
    let mut place = from;
    for entry in entries {
        if entry.position.epoch > place.epoch {
            steps.push(Step::Resync(entry.position.previous()));
        } else if entry.position != place.next() {
            return None;
        }
        place = entry.position;
        steps.push(Step::Entry(entry));
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::words::{Author, Draft, Kind, MessageId, Namespace, RoomId, Sealed, Timestamp, UserId};

    fn at(epoch: u64, seq: u64) -> Position {
        Position { epoch, seq }
    }

    fn entry(epoch: u64, seq: u64) -> Entry {
        let draft = Draft {
            room: RoomId::new(Namespace::Room, "r").unwrap(),
            id: MessageId::new(),
            kind: Kind::Message,
            target: None,
            author: Author { user: UserId::text("u").unwrap(), name: None },
            client_id: None,
            sent_at: Timestamp(0),
            origin: None,
            body: Sealed { key: None, bytes: Bytes::new() },
        };
        Entry { position: at(epoch, seq), draft }
    }

    fn places(steps: &[Step]) -> Vec<(bool, Position)> {
        let place = |step: &Step| match step {
            Step::Entry(entry) => (false, entry.position),
            Step::Resync(position) => (true, *position),
        };
        steps.iter().map(place).collect()
    }

    #[test]
    fn entries_are_cast_in_order_and_repeats_are_kept_back() {
        let mut track = Track::Unanchored;
        assert!(matches!(track.arrive(entry(1, 4)), Arrival::Cast(_)));
        assert_eq!(track.arrive(entry(1, 4)), Arrival::Kept);
        assert!(matches!(track.arrive(entry(1, 5)), Arrival::Cast(_)));
    }

    #[test]
    fn behind_a_hole_everything_waits_for_the_healer() {
        let mut track = Track::At(at(1, 4));
        assert_eq!(track.arrive(entry(1, 6)), Arrival::Hole);
        assert_eq!(track.arrive(entry(1, 7)), Arrival::Kept);
        let Track::Healing { from, held, overflow } = track else { panic!("healing") };
        assert_eq!((from, held.len(), overflow), (at(1, 4), 2, false));
    }

    #[test]
    fn a_new_epoch_is_a_hole_until_the_hot_log_was_asked() {
        let mut track = Track::At(at(1, 4));
        assert_eq!(track.arrive(entry(2, 100)), Arrival::Hole);
    }

    #[test]
    fn what_waits_is_bounded_and_an_overflow_is_remembered() {
        let mut track = Track::At(at(1, 0));
        for seq in 2..HELD as u64 + 10 {
            track.arrive(entry(1, seq));
        }
        let Track::Healing { held, overflow, .. } = track else { panic!("healing") };
        assert!(overflow && held.len() <= HELD);
    }

    #[test]
    fn a_hole_is_stitched_from_a_hot_log_that_reaches_back() {
        let span = Span { head: at(1, 7), oldest: Some(at(1, 2)), entries: vec![entry(1, 6), entry(1, 7)] };
        let steps = stitch(at(1, 5), span).unwrap();
        assert_eq!(places(&steps), [(false, at(1, 6)), (false, at(1, 7))]);
    }

    #[test]
    fn a_trimmed_hot_log_proves_nothing() {
        let span = Span { head: at(1, 9), oldest: Some(at(1, 8)), entries: vec![entry(1, 8), entry(1, 9)] };
        assert_eq!(stitch(at(1, 5), span), None);
        let emptied = Span { head: at(1, 9), oldest: None, entries: vec![] };
        assert_eq!(stitch(at(1, 5), emptied), None);
    }

    #[test]
    fn a_new_epoch_is_announced_between_what_survived_and_what_follows() {
        let entries = vec![entry(1, 6), entry(3, 101), entry(3, 102)];
        let span = Span { head: at(3, 102), oldest: Some(at(1, 1)), entries };
        let steps = stitch(at(1, 5), span).unwrap();
        assert_eq!(
            places(&steps),
            [(false, at(1, 6)), (true, at(3, 100)), (false, at(3, 101)), (false, at(3, 102))]
        );
    }

    #[test]
    fn an_epoch_without_events_is_announced_by_its_head() {
        let span = Span { head: at(3, 100), oldest: Some(at(1, 1)), entries: vec![] };
        assert_eq!(places(&stitch(at(1, 5), span).unwrap()), [(true, at(3, 100))]);
    }

    #[test]
    fn a_broker_that_is_behind_asks_for_nothing() {
        let span = Span { head: at(1, 3), oldest: Some(at(1, 1)), entries: vec![] };
        assert_eq!(stitch(at(1, 5), span), Some(vec![]));
    }
}
