//! Where numbers go on after a restart. Pure.
//!
//! Keeps the invariant that no position is ever issued twice: either every head is known, or a new epoch begins above
//! every number that can have been issued.

use std::collections::HashMap;

use domain::words::{Position, RoomId, Timestamp};

/// 2025-01-01T00:00:00Z in milliseconds.
const DAY_ONE: i64 = 1_735_689_600_000;
/// Numbers that an epoch has room for per second before the next one's floor: no room reaches four million.
const NUMBERS_PER_EPOCH: u64 = 1 << 22;

/// The position before the first event of every room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    epoch: u64,
    floor: u64,
    heads: HashMap<RoomId, Position>,
}

impl Numbering {
    /// Nothing was ever kept: every room begins at epoch 1, seq 1.
    pub fn first() -> Self {
        Self::resumed([])
    }

    /// After a clean shutdown: `heads` are the newest positions of all rooms that ever had an event.
    /// They go on exactly there, in their own epochs; other rooms begin at epoch 1, seq 1.
    pub fn resumed(heads: impl IntoIterator<Item = (RoomId, Position)>) -> Self {
        Self { epoch: 1, floor: 0, heads: heads.into_iter().collect() }
    }

    /// After an unclean one, where accepted events may be lost: an epoch above `previous_epoch`, the highest one that
    /// any room was in, and above the seconds since 2025-01-01; its numbers are above all that were issued before.
    pub fn fenced(previous_epoch: u64, now: Timestamp) -> Self {
        let generation = u64::try_from((now.0 - DAY_ONE) / 1000).unwrap_or(0);
        let epoch = generation.max(previous_epoch.saturating_add(1));
        // Of the epoch, not of the generation: two fences within a second must not share a floor.
        Self { epoch, floor: epoch.saturating_mul(NUMBERS_PER_EPOCH), heads: HashMap::new() }
    }

    /// The epoch of rooms whose head is not known.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The room's head before anything is published.
    pub(super) fn head(&self, room: &RoomId) -> Position {
        let unknown = Position { epoch: self.epoch, seq: self.floor };
        self.heads.get(room).copied().unwrap_or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(DAY_ONE + 60_000_000_999);

    fn room(name: &str) -> RoomId {
        RoomId::parse(&format!("room:{name}")).unwrap()
    }

    fn at(epoch: u64, seq: u64) -> Position {
        Position { epoch, seq }
    }

    #[test]
    fn a_first_start_begins_at_the_start() {
        assert_eq!(Numbering::first().head(&room("a")), Position::START);
    }

    #[test]
    fn a_clean_restart_goes_on_where_each_room_stood() {
        let heads = [(room("a"), at(1, 41)), (room("b"), at(7, 900))];
        let numbering = Numbering::resumed(heads);
        assert_eq!(numbering.head(&room("a")), at(1, 41));
        assert_eq!(numbering.head(&room("b")), at(7, 900));
        assert_eq!(numbering.head(&room("new")), Position::START);
    }

    #[test]
    fn an_unclean_restart_begins_an_epoch_named_by_the_clock() {
        let numbering = Numbering::fenced(1, NOW);
        assert_eq!(numbering.epoch(), 60_000_000);
        assert_eq!(numbering.head(&room("a")), at(60_000_000, 60_000_000 << 22));
    }

    #[test]
    fn every_fence_is_above_the_one_before_whatever_the_clock_says() {
        let mut last = Numbering::fenced(1, NOW);
        for now in [NOW, Timestamp(NOW.0 - 5_000), Timestamp(0), Timestamp(i64::MIN / 2), NOW] {
            let next = Numbering::fenced(last.epoch(), now);
            assert!(next.epoch() > last.epoch());
            assert!(next.floor >= last.floor + NUMBERS_PER_EPOCH);
            last = next;
        }
    }

    #[test]
    fn numbers_stay_whole_in_every_json_implementation() {
        let year_2060 = Timestamp(2_840_140_800_000);
        assert!(Numbering::fenced(1, year_2060).floor < 1 << 53);
    }
}
