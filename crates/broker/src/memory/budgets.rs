//! Users' token buckets. Pure: the clock is handed in.
//!
//! Invariant: whoever is not here has a full bucket.

use std::collections::HashMap;
use std::time::Duration;

use domain::ports::Rate;
use domain::words::UserId;
use tokio::time::Instant;

/// Buckets that are kept before anybody looks for full ones.
const FEW: usize = 1024;

/// All buckets of one process.
#[derive(Default)]
pub(super) struct Budgets {
    // When each is full again. Full ones are let go whenever the number has doubled.
    full_at: HashMap<UserId, Instant, ahash::RandomState>,
    left: usize,
}

impl Budgets {
    /// Takes `cost` tokens, or says how long to wait for them.
    pub(super) fn spend(&mut self, user: &UserId, cost: u32, rate: Rate, now: Instant) -> Option<Duration> {
        if rate.per_second == 0 || cost == 0 {
            return None;
        }
        let burst = rate.burst.max(1);
        let token = Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(rate.per_second)));
        // An empty bucket at worst, whatever another rate has left.
        let empty = now + token * burst;
        let known = self.full_at.get(user).map_or(now, |full| (*full).clamp(now, empty));
        let full = known + token * cost.min(burst);
        if full > empty {
            return Some(full - empty);
        }
        self.full_at.insert(user.clone(), full);
        self.let_go(now);
        None
    }

    fn let_go(&mut self, now: Instant) {
        if self.full_at.len() > 2 * self.left.max(FEW) {
            self.full_at.retain(|_, full| *full > now);
            self.left = self.full_at.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 20, burst: 40 };

    fn user(number: usize) -> UserId {
        UserId::text(&number.to_string()).unwrap()
    }

    #[test]
    fn a_burst_is_allowed_and_then_the_rate_holds_to_the_instant() {
        let (mut budgets, start) = (Budgets::default(), Instant::now());
        assert!((0..40).all(|_| budgets.spend(&user(1), 1, RATE, start).is_none()));
        let wait = Duration::from_millis(50);
        assert_eq!(budgets.spend(&user(1), 1, RATE, start), Some(wait));
        assert_eq!(budgets.spend(&user(1), 1, RATE, start + wait), None);
        assert_eq!(budgets.spend(&user(1), 1, RATE, start + wait), Some(wait));
        assert_eq!(budgets.spend(&user(2), 40, RATE, start), None, "each user by themselves");
    }

    #[test]
    fn another_rate_leaves_an_empty_bucket_at_worst() {
        let (mut budgets, start) = (Budgets::default(), Instant::now());
        let slow = Rate { per_second: 1, burst: 3600 };
        assert_eq!(budgets.spend(&user(1), 3600, slow, start), None);
        assert_eq!(budgets.spend(&user(1), 1, RATE, start), Some(Duration::from_millis(50)));
    }

    #[test]
    fn full_buckets_are_let_go() {
        let (mut budgets, start) = (Budgets::default(), Instant::now());
        for number in 0..10 * FEW {
            let now = start + Duration::from_millis(number as u64);
            assert_eq!(budgets.spend(&user(number), 1, RATE, now), None);
        }
        assert!(budgets.full_at.len() <= 2 * FEW + 1);
    }
}
