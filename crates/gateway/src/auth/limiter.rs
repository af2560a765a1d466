//! Token buckets, one per key.
//!
//! Owns how often something may be tried. Keys are bounded in number: when too many are known, those
//! untouched longest start afresh.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::recent::Recent;

/// Most keys that are remembered.
const KEYS: usize = 20_000;

/// A bucket of tries for each key, filled evenly.
pub(super) struct Limiter<K> {
    per_second: f64,
    most: f64,
    buckets: Mutex<Recent<K, Bucket>>,
}

struct Bucket {
    tries: f64,
    at: Instant,
}

impl<K: Hash + Eq> Limiter<K> {
    /// So many tries in a minute, all of them at once if need be; 0: no limit.
    pub(super) fn per_minute(tries: u32) -> Self {
        Self::new(f64::from(tries) / 60.0, f64::from(tries))
    }

    /// So many tries in a second, and up to `burst` at once after a pause; 0: no limit.
    pub(super) fn per_second(tries: u32, burst: u32) -> Self {
        Self::new(f64::from(tries), f64::from(burst))
    }

    fn new(per_second: f64, most: f64) -> Self {
        Self { per_second, most, buckets: Mutex::new(Recent::new(KEYS)) }
    }

    /// Takes one try of this key, or says after which time there is one.
    pub(super) fn take(&self, key: K) -> Result<(), Duration> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let (most, now) = (self.most, Instant::now());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.touch(&key) else {
            buckets.put(key, Bucket { tries: most - 1.0, at: now });
            return Ok(());
        };
        let filled = now.duration_since(bucket.at).as_secs_f64() * self.per_second;
        *bucket = Bucket { tries: (bucket.tries + filled).min(most), at: now };
        if bucket.tries >= 1.0 {
            bucket.tries -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tries) / self.per_second))
    }

    /// Gives a try back that turned out to be none.
    pub(super) fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.touch(key) {
            bucket.tries = (bucket.tries + 1.0).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_key_has_its_own_bucket_which_fills_evenly() {
        let limiter = Limiter::per_minute(6);
        for _ in 0..6 {
            assert_eq!(limiter.take("a"), Ok(()));
        }
        assert_eq!(limiter.take("a"), Err(Duration::from_secs(10)));
        assert_eq!(limiter.take("b"), Ok(()));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(limiter.take("a").map_err(|wait| wait.as_secs_f64().round()), Err(6.0));
        tokio::time::advance(Duration::from_millis(6_001)).await;
        assert_eq!(limiter.take("a"), Ok(()));
        assert!(limiter.take("a").is_err());
        tokio::time::advance(Duration::from_secs(3_600)).await;
        for _ in 0..6 {
            assert_eq!(limiter.take("a"), Ok(()), "a bucket never holds more than a minute's tries");
        }
        assert!(limiter.take("a").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_allowed_and_then_the_rate_holds() {
        let limiter = Limiter::per_second(2, 5);
        assert!((0..5).all(|_| limiter.take("a").is_ok()));
        assert_eq!(limiter.take("a"), Err(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(501)).await;
        assert_eq!(limiter.take("a"), Ok(()));
        assert!(limiter.take("a").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn zero_switches_the_limit_off() {
        let limiter = Limiter::per_minute(0);
        assert!((0..1000).all(|_| limiter.take(()).is_ok()));
    }
}
