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
    /// Nobody has read the room's head yet, so nobody is live in it.
    Unanchored {
        /// What arrived since the subscription, in order.
        held: VecDeque<Entry>,
        /// Something may be missing in `held`.
        doubtful: bool,
    },
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
            Self::Unanchored { held, doubtful: flawed } | Self::Healing { held, overflow: flawed, .. } => {
                if held.len() == HELD {
                    held.clear();
                    *flawed = true;
                }
                held.push_back(entry);
                Arrival::Kept
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
        }
    }

    /// A room that nobody has looked at.
    pub(super) fn new() -> Self {
        Self::Unanchored { held: VecDeque::new(), doubtful: false }
    }

    /// Whether the head must be read before anybody joins.
    pub(super) fn is_unanchored(&self) -> bool {
        matches!(self, Self::Unanchored { .. })
    }

    /// The room's head, read after the subscription took effect and before any member looks at the log.
    /// Says whether what arrived behind it calls for the healer.
    pub(super) fn anchor(&mut self, head: Position) -> bool {
        let Self::Unanchored { held, doubtful } = self else { return false };
        let (mut held, overflow) = (std::mem::take(held), *doubtful);
        held.retain(|entry| entry.position > head);
        let whole = held.is_empty() && !overflow;
        *self = if whole { Self::At(head) } else { Self::Healing { from: head, held, overflow } };
        !whole
    }

    /// Deliveries may have been lost. Says whether there is anything to check.
    pub(super) fn suspect(&mut self) -> bool {
        match self {
            Self::Unanchored { doubtful, .. } => {
                *doubtful = true;
                false
            }
            Self::At(place) => {
                *self = Self::Healing { from: *place, held: VecDeque::new(), overflow: false };
                true
            }
            Self::Healing { overflow, .. } => {
                // The look under way may be older than the doubt: look once more.
                *overflow = true;
                true
            }
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

/// Whether the hot log proves that its entries behind `from` are all that there is.
pub(super) fn reaches_back(from: Position, span: &Span) -> bool {
    let joins = |oldest: Position| oldest.epoch == from.epoch && oldest <= from.next();
    span.head <= from || span.oldest.is_some_and(joins)
}

/// What a missing number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holes {
    /// Something is missing: nothing is proven.
    Refused,
    /// The database leaves out void rows and dead letters; what it has is all that there is.
    Void,
}

/// Puts entries that are known to be all that is left behind `from` into steps, announcing every new epoch.
/// `None`: they have a hole that must not be.
pub(super) fn follow(from: Position, head: Position, entries: Vec<Entry>, holes: Holes) -> Option<Vec<Step>> {
    if entries.is_empty() && head.epoch > from.epoch {
        return Some(vec![Step::Resync(head)]);
    }
    let mut steps = Vec::with_capacity(entries.len() + 1);
    let mut place = from;
    for entry in entries {
        if entry.position.epoch > place.epoch {
            steps.push(Step::Resync(entry.position.previous()));
        } else if entry.position != place.next() && holes == Holes::Refused {
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

    fn stitch(from: Position, span: Span) -> Option<Vec<Step>> {
        if !reaches_back(from, &span) {
            return None;
        }
        follow(from, span.head, span.entries, Holes::Refused)
    }

    fn places(steps: &[Step]) -> Vec<(bool, Position)> {
        let place = |step: &Step| match step {
            Step::Entry(entry) => (false, entry.position),
            Step::Resync(position) => (true, *position),
        };
        steps.iter().map(place).collect()
    }

    #[test]
    fn what_arrives_before_the_head_is_known_waits_and_what_is_behind_the_head_is_healed() {
        let mut track = Track::new();
        assert_eq!(track.arrive(entry(1, 6)), Arrival::Kept);
        assert_eq!(track.arrive(entry(1, 7)), Arrival::Kept);
        assert!(track.anchor(at(1, 6)), "7 is behind the head that was read");
        let mut track = Track::new();
        track.arrive(entry(1, 6));
        assert!(!track.anchor(at(1, 6)), "everything was known already");
        assert!(matches!(track, Track::At(place) if place == at(1, 6)));
    }

    #[test]
    fn a_doubt_is_remembered_before_the_head_is_known_and_while_healing() {
        let mut track = Track::new();
        track.suspect();
        assert!(track.anchor(at(1, 6)));
        let mut track = Track::At(at(1, 4));
        track.arrive(entry(1, 6));
        assert!(track.suspect());
        assert!(matches!(track, Track::Healing { overflow: true, .. }));
    }

    #[test]
    fn void_rows_of_the_database_are_no_hole_and_holes_of_the_hot_log_are() {
        let entries = || vec![entry(1, 6), entry(1, 8)];
        assert_eq!(follow(at(1, 5), at(1, 8), entries(), Holes::Refused), None);
        assert_eq!(follow(at(1, 5), at(1, 8), entries(), Holes::Void).map(|steps| steps.len()), Some(2));
    }

    #[test]
    fn entries_are_cast_in_order_and_repeats_are_kept_back() {
        let mut track = Track::At(at(1, 3));
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
