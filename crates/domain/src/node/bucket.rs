//! How much one connection may ask for, and how often it may err. Pure: time is handed in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket; `per_second` 0 switches it off.
    pub(super) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self { per_second: f64::from(per_second), burst, tokens: burst, filled_at: now }
    }

    /// Takes `cost` tokens, or says how long to wait for them. What costs more than the bucket holds takes all of it.
    pub(super) fn take(&mut self, cost: u32, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let gained = now.duration_since(self.filled_at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.filled_at = now;
        let cost = f64::from(cost).min(self.burst);
        if self.tokens < cost {
            return Err(Duration::from_secs_f64((cost - self.tokens) / self.per_second));
        }
        self.tokens -= cost;
        Ok(())
    }
}

/// Counts strikes within the last minute.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    // At most `limit` instants; empty for the well-behaved.
    times: VecDeque<Instant>,
}

const WINDOW: Duration = Duration::from_secs(60);

impl Strikes {
    /// Whether there was none within the last minute.
    pub(super) fn is_clear(&self, now: Instant) -> bool {
        self.times.back().is_none_or(|last| now.duration_since(*last) >= WINDOW)
    }

    /// Adds a strike. `true`: it is the `limit`th within a minute (0: never).
    pub(super) fn add(&mut self, limit: usize, now: Instant) -> bool {
        if limit == 0 {
            return false;
        }
        while self.times.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len() >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_allowed_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::new(20, 40, start);
        assert!((0..40).all(|_| bucket.take(1, start).is_ok()));
        let wait = bucket.take(1, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(50));
        assert!(bucket.take(1, start + wait).is_ok());
        assert!(bucket.take(1, start + wait).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_of_zero_is_no_limit() {
        let now = Instant::now();
        let mut bucket = Bucket::new(0, 0, now);
        assert!((0..1000).all(|_| bucket.take(1, now).is_ok()));
    }

    #[tokio::test(start_paused = true)]
    async fn only_strikes_of_the_last_minute_count() {
        let start = Instant::now();
        let mut strikes = Strikes::default();
        assert!((0..9).all(|_| !strikes.add(10, start)));
        assert!(!strikes.add(10, start + Duration::from_secs(60)));
        assert!((0..8).all(|_| !strikes.add(10, start + Duration::from_secs(61))));
        assert!(strikes.add(10, start + Duration::from_secs(62)));
    }
}
