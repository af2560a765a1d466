//! How far each held shard is read, written and settled.
//!
//! Invariant: a shard that was lost, or held anew under another fence, starts again from the journal's oldest record;
//! what was written before is found there as a replay.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::ports::{PortError, ShardLease};
use tokio::time::Instant;

/// A place in one shard's journal.
pub(crate) type Offset = (u64, u64);

/// Where to read on, per lease.
pub(crate) type Cursor = (ShardLease, Option<Offset>);

#[derive(Debug)]
struct Holding {
    fence: u64,
    /// Committed through here: reading goes on behind it.
    committed: Option<Offset>,
    settled: Option<Offset>,
    settled_at: Option<Instant>,
}

/// Every shard that this worker holds.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    shards: BTreeMap<u16, Holding>,
    turn: usize,
}

impl Holdings {
    /// Keeps what is still held, drops what is not, adds what is new.
    pub(crate) fn follow(&mut self, held: &[ShardLease]) {
        self.shards.retain(|shard, holding| {
            held.iter().any(|lease| lease.shard == *shard && lease.fence == holding.fence)
        });
        for lease in held {
            self.shards.entry(lease.shard).or_insert(Holding {
                fence: lease.fence,
                committed: None,
                settled: None,
                settled_at: None,
            });
        }
    }

    /// Whether exactly this lease is held.
    pub(crate) fn holds(&self, lease: &ShardLease) -> bool {
        self.shards.get(&lease.shard).is_some_and(|holding| holding.fence == lease.fence)
    }

    /// Whether the cursor's lease is held, and all before the cursor is committed and nothing behind it.
    pub(crate) fn ends_at(&self, (lease, behind): &Cursor) -> bool {
        self.shards
            .get(&lease.shard)
            .is_some_and(|holding| (holding.fence, holding.committed) == (lease.fence, *behind))
    }

    /// The lease of a shard.
    pub(crate) fn lease(&self, shard: u16) -> Option<ShardLease> {
        self.shards.get(&shard).map(|holding| ShardLease { shard, fence: holding.fence })
    }

    /// Where to read on; begins with another shard each time, so that none is always last.
    pub(crate) fn cursors(&mut self) -> Vec<Cursor> {
        let mut cursors: Vec<_> = self
            .shards
            .iter()
            .map(|(shard, holding)| (ShardLease { shard: *shard, fence: holding.fence }, holding.committed))
            .collect();
        if !cursors.is_empty() {
            self.turn = (self.turn + 1) % cursors.len();
            cursors.rotate_left(self.turn);
        }
        cursors
    }

    /// Where to read on once everything up to these ends is committed.
    pub(crate) fn cursors_behind(&mut self, ends: &[(ShardLease, Offset)]) -> Vec<Cursor> {
        let mut cursors = self.cursors();
        for (lease, behind) in &mut cursors {
            if let Some((_, end)) = ends.iter().find(|(ended, _)| ended == lease) {
                *behind = Some(*end);
            }
        }
        cursors
    }

    /// Everything of `lease` up to `offset` is committed or buried.
    pub(crate) fn commit(&mut self, lease: &ShardLease, offset: Offset) {
        if let Some(holding) =
            self.shards.get_mut(&lease.shard).filter(|holding| holding.fence == lease.fence)
        {
            holding.committed = Some(offset);
        }
    }

    /// What is committed and not settled, and was not tried within `pause`.
    pub(crate) fn unsettled(&self, pause: Duration) -> Vec<(ShardLease, Offset)> {
        let due = |holding: &&Holding| holding.settled_at.is_none_or(|at| at.elapsed() >= pause);
        self.shards
            .iter()
            .filter(|(_, holding)| holding.committed > holding.settled && due(holding))
            .filter_map(|(shard, holding)| {
                Some((ShardLease { shard: *shard, fence: holding.fence }, holding.committed?))
            })
            .collect()
    }

    /// The journal answered a settlement. A failed one is tried again after the same pause.
    pub(crate) fn settled(&mut self, shard: u16, offset: Offset, answer: &Result<(), PortError>) {
        if let Some(holding) = self.shards.get_mut(&shard) {
            holding.settled_at = Some(Instant::now());
            if answer.is_ok() {
                holding.settled = Some(offset);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(shard: u16, fence: u64) -> ShardLease {
        ShardLease { shard, fence }
    }

    #[test]
    fn a_shard_held_anew_starts_from_the_oldest_record() {
        let mut holdings = Holdings::default();
        holdings.follow(&[lease(1, 1), lease(2, 1)]);
        holdings.commit(&lease(1, 1), (5, 0));
        holdings.commit(&lease(2, 1), (6, 0));
        holdings.follow(&[lease(1, 1), lease(2, 2), lease(3, 1)]);
        let mut cursors = holdings.cursors();
        cursors.sort_by_key(|(lease, _)| lease.shard);
        assert_eq!(cursors, [(lease(1, 1), Some((5, 0))), (lease(2, 2), None), (lease(3, 1), None)]);
        assert!(!holdings.holds(&lease(2, 1)) && holdings.holds(&lease(2, 2)));
        // A late commit under the lost lease moves nothing.
        holdings.commit(&lease(2, 1), (9, 0));
        assert_eq!(holdings.unsettled(Duration::ZERO), [(lease(1, 1), (5, 0))]);
    }

    #[test]
    fn a_shard_is_settled_at_most_once_per_pause_and_a_failure_is_tried_again() {
        let (never, now) = (Duration::from_secs(3600), Duration::ZERO);
        let mut holdings = Holdings::default();
        holdings.follow(&[lease(1, 1)]);
        assert_eq!(holdings.unsettled(now), []);
        holdings.commit(&lease(1, 1), (1, 0));
        assert_eq!(holdings.unsettled(never), [(lease(1, 1), (1, 0))]);
        holdings.settled(1, (1, 0), &Err(PortError::Deadline));
        assert_eq!(holdings.unsettled(never), []);
        assert_eq!(holdings.unsettled(now), [(lease(1, 1), (1, 0))]);
        holdings.settled(1, (1, 0), &Ok(()));
        assert_eq!(holdings.unsettled(now), []);
        holdings.commit(&lease(1, 1), (2, 0));
        assert_eq!(holdings.unsettled(never), []);
        assert_eq!(holdings.unsettled(now), [(lease(1, 1), (2, 0))]);
    }

    #[test]
    fn every_shard_has_its_turn_to_be_read_first() {
        let mut holdings = Holdings::default();
        holdings.follow(&[lease(1, 1), lease(2, 1), lease(3, 1)]);
        let mut first: Vec<_> = (0..3).map(|_| holdings.cursors()[0].0.shard).collect();
        first.sort_unstable();
        assert_eq!(first, [1, 2, 3]);
    }
}
