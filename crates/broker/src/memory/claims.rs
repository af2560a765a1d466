//! Who may write which shard. Pure: the clock is handed in.
//!
//! Invariant: a shard has at most one holder, and a new holder's fence is above every earlier one.

use std::collections::HashMap;
use std::time::Duration;

use domain::ports::ShardLease;
use domain::words::Timestamp;
use tokio::time::Instant;

struct Holder {
    worker: u64,
    fence: u64,
    until: Instant,
}

/// All shards' leases, and the workers that asked lately.
pub(super) struct Claims {
    lease: Duration,
    holders: Vec<Option<Holder>>,
    workers: HashMap<u64, Instant>,
    last_fence: u64,
}

impl Claims {
    pub(super) fn new(shards: u16, lease: Duration) -> Self {
        let holders = (0..shards).map(|_| None).collect();
        Self { lease, holders, workers: HashMap::new(), last_fence: 0 }
    }

    /// Announces the worker, gives back what exceeds its share, takes what is free up to it, renews what it holds.
    pub(super) fn claim(&mut self, worker: u64, now: Instant) -> Vec<ShardLease> {
        let until = now + self.lease;
        self.workers.retain(|_, until| *until > now);
        self.workers.insert(worker, until);
        for holder in &mut self.holders {
            if holder.as_ref().is_some_and(|holder| holder.until <= now) {
                *holder = None;
            }
        }
        let mut free_hands = self.holders.len().div_ceil(self.workers.len());
        for slot in &mut self.holders {
            if let Some(holder) = slot.as_mut().filter(|holder| holder.worker == worker) {
                if free_hands == 0 {
                    *slot = None;
                    continue;
                }
                holder.until = until;
                free_hands -= 1;
            }
        }
        self.take(worker, free_hands, until);
        self.held(worker)
    }

    fn take(&mut self, worker: u64, hands: usize, until: Instant) {
        for slot in self.holders.iter_mut().filter(|slot| slot.is_none()).take(hands) {
            // The clock carries it over a restart, the count over two within a millisecond.
            let clock = u64::try_from(Timestamp::now().0).unwrap_or(0);
            self.last_fence = clock.max(self.last_fence + 1);
            *slot = Some(Holder { worker, fence: self.last_fence, until });
        }
    }

    fn held(&self, worker: u64) -> Vec<ShardLease> {
        let held = |(shard, slot): (u16, &Option<Holder>)| {
            let holder = slot.as_ref().filter(|holder| holder.worker == worker)?;
            Some(ShardLease { shard, fence: holder.fence })
        };
        (0..).zip(&self.holders).filter_map(held).collect()
    }

    /// Whether the worker holds exactly this lease now.
    pub(super) fn holds(&self, worker: u64, lease: &ShardLease, now: Instant) -> bool {
        let holder = self.holders.get(usize::from(lease.shard)).and_then(Option::as_ref);
        holder.is_some_and(|holder| {
            holder.worker == worker && holder.fence == lease.fence && holder.until > now
        })
    }

    /// The worker is gone and holds nothing.
    pub(super) fn release(&mut self, worker: u64) {
        self.workers.remove(&worker);
        for slot in &mut self.holders {
            if slot.as_ref().is_some_and(|holder| holder.worker == worker) {
                *slot = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    fn shards(leases: &[ShardLease]) -> Vec<u16> {
        leases.iter().map(|lease| lease.shard).collect()
    }

    #[test]
    fn shares_differ_by_no_more_than_the_remainder() {
        let (mut claims, now) = (Claims::new(5, LEASE), Instant::now());
        assert_eq!(claims.claim(1, now).len(), 5);
        assert_eq!(claims.claim(2, now).len(), 0);
        assert_eq!(shards(&claims.claim(1, now)), [0, 1, 2]);
        assert_eq!(shards(&claims.claim(2, now)), [3, 4]);
    }

    #[test]
    fn a_lapsed_lease_returns_under_a_higher_fence_even_to_the_same_worker() {
        let (mut claims, start) = (Claims::new(1, LEASE), Instant::now());
        let first = claims.claim(1, start).remove(0);
        let later = start + LEASE;
        assert!(!claims.holds(1, &first, later));
        let second = claims.claim(1, later).remove(0);
        assert!(second.fence > first.fence);
        assert!(claims.holds(1, &second, later) && !claims.holds(1, &first, later));
    }

    #[test]
    fn fences_begin_at_the_clock_so_that_they_rise_across_restarts() {
        let before = u64::try_from(Timestamp::now().0).unwrap();
        let mut claims = Claims::new(3, LEASE);
        let fences: Vec<u64> = claims.claim(1, Instant::now()).iter().map(|lease| lease.fence).collect();
        assert!(fences[0] >= before && fences.is_sorted_by(|a, b| a < b));
    }
}
