//! What this node may let pass of a user's budget without asking the cluster, since the question costs more than the message.
//!
//! Two things lie in a purse. A *trickle*, a thirty-second part of the user's rate, passes on every node; what passed is
//! owed and paid with the next message that asks, so whoever sends more than a trickle is held to the cluster's budget exactly.
//! And whoever asks buys an eighth of a burst *ahead*, which lapses after a second: a steady sender asks once for
//! several messages. What is owed is forgotten after the time in which the budget would have filled up again.
//!
//! Pure: the clock is handed in. Invariant: a purse owes no more than a thirty-second part of the burst.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use tokio::time::Instant;

use crate::ports::Rate;
use crate::words::UserId;

/// The part of a budget that trickles.
const TRICKLE: u32 = 32;
/// The part of a burst that is bought ahead.
const AHEAD: u32 = 8;
/// How long it may be used.
const FRESH: Duration = Duration::from_secs(1);
/// Purses that are kept before anybody looks for those that are as good as none.
const FEW: usize = 1024;

/// What a message has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toll {
    /// It passes.
    Free,
    /// It asks the cluster for this many tokens, and if these cannot be had for `must` alone.
    Ask {
        /// Its own and what is owed.
        must: u32,
        /// What is bought ahead.
        ahead: u32,
    },
}

struct Purse {
    /// When a whole trickle may pass again, and nothing is owed.
    clear_at: Instant,
    owed: u32,
    ahead: u32,
    fresh_until: Instant,
}

impl Purse {
    fn new(now: Instant) -> Self {
        Self { clear_at: now, owed: 0, ahead: 0, fresh_until: now }
    }

    fn take(&mut self, rate: Rate, now: Instant) -> Toll {
        let token = Duration::from_secs(1) * TRICKLE / rate.per_second;
        if self.clear_at <= now {
            (self.clear_at, self.owed) = (now, 0);
        }
        if self.ahead > 0 && self.fresh_until > now {
            self.ahead -= 1;
            return Toll::Free;
        }
        if self.clear_at + token <= now + token * (rate.burst / TRICKLE) {
            self.clear_at += token;
            self.owed += 1;
            return Toll::Free;
        }
        Toll::Ask { must: 1 + self.owed, ahead: rate.burst / AHEAD }
    }
}

#[derive(Default)]
struct State {
    purses: HashMap<UserId, Purse, RandomState>,
    // How many were left when the stale ones were let go last.
    left: usize,
}

/// The purse of every user who sent here lately.
#[derive(Default)]
pub(super) struct Purses {
    // Held for a look or a change only.
    state: Mutex<State>,
}

impl Purses {
    /// Whether one message of `user` passes. Budgets of less than thirty-two tokens are always asked.
    pub(super) fn take(&self, user: &UserId, rate: Rate, now: Instant) -> Toll {
        if rate.burst < TRICKLE || rate.per_second == 0 {
            return Toll::Ask { must: 1, ahead: 0 };
        }
        let mut state = self.state();
        if let Some(purse) = state.purses.get_mut(user) {
            return purse.take(rate, now);
        }
        state.let_go(now);
        state.purses.entry(user.clone()).or_insert_with(|| Purse::new(now)).take(rate, now)
    }

    /// The cluster has taken what was asked, this much of it ahead: nothing is owed any more.
    pub(super) fn paid(&self, user: &UserId, ahead: u32, now: Instant) {
        if let Some(purse) = self.state().purses.get_mut(user) {
            purse.owed = 0;
            (purse.ahead, purse.fresh_until) = (ahead, now + FRESH);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_go(&mut self, now: Instant) {
        if self.purses.len() > 2 * self.left.max(FEW) {
            self.purses.retain(|_, purse| purse.clear_at > now || purse.fresh_until > now);
            self.left = self.purses.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 32, burst: 64 };

    fn user(number: usize) -> UserId {
        UserId::text(&number.to_string()).unwrap()
    }

    #[test]
    fn a_trickle_passes_for_ever_and_what_is_more_asks_and_pays_for_what_passed() {
        let (purses, start) = (Purses::default(), Instant::now());
        let second = |number| start + Duration::from_secs(number);
        for number in 0..100 {
            assert_eq!(purses.take(&user(1), RATE, second(number)), Toll::Free);
        }
        assert_eq!(purses.take(&user(1), RATE, second(99)), Toll::Free);
        assert_eq!(purses.take(&user(1), RATE, second(99)), Toll::Ask { must: 3, ahead: 8 });
        assert_eq!(purses.take(&user(2), RATE, second(99)), Toll::Free, "each user by themselves");
    }

    #[test]
    fn whoever_was_refused_still_owes_and_whoever_paid_does_not() {
        let (purses, now) = (Purses::default(), Instant::now());
        assert_eq!([(); 2].map(|()| purses.take(&user(1), RATE, now)), [Toll::Free; 2]);
        assert_eq!([(); 2].map(|()| purses.take(&user(1), RATE, now)), [Toll::Ask { must: 3, ahead: 8 }; 2]);
        purses.paid(&user(1), 0, now);
        assert_eq!(purses.take(&user(1), RATE, now), Toll::Ask { must: 1, ahead: 8 });
    }

    #[test]
    fn what_was_bought_ahead_is_used_first_and_lapses() {
        let (purses, now) = (Purses::default(), Instant::now());
        let ask = Toll::Ask { must: 1, ahead: 8 };
        for (wait, free) in [(Duration::ZERO, 8), (FRESH, 1)] {
            while purses.take(&user(1), RATE, now) == Toll::Free {}
            purses.paid(&user(1), 8, now);
            let passed = (0..).take_while(|_| purses.take(&user(1), RATE, now + wait) == Toll::Free).count();
            assert_eq!(passed, free, "after {wait:?}");
        }
        assert_eq!(purses.take(&user(1), RATE, now), Toll::Free, "the rest is fresh still at that moment");
        purses.paid(&user(1), 0, now);
        assert_eq!(purses.take(&user(1), RATE, now), ask);
    }

    #[test]
    fn small_budgets_and_no_limits_are_always_asked() {
        let (purses, now) = (Purses::default(), Instant::now());
        for rate in [Rate { per_second: 10, burst: 31 }, Rate { per_second: 0, burst: 64 }] {
            assert_eq!(purses.take(&user(1), rate, now), Toll::Ask { must: 1, ahead: 0 });
        }
    }

    #[test]
    fn purses_that_are_as_good_as_none_are_let_go() {
        let (purses, start) = (Purses::default(), Instant::now());
        for number in 0..20_000 {
            let now = start + Duration::from_secs(number as u64);
            assert_eq!(purses.take(&user(number), RATE, now), Toll::Free);
        }
        assert!(purses.state().purses.len() <= 2 * FEW + 1);
    }
}
