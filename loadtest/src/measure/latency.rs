//! Latency as the receivers see it, in histograms of microseconds.
//!
//! Owns recording and percentiles. `intended` counts from the moment a message *should* have left, so a stalled
//! generator or server cannot hide its own delay (coordinated omission); `sent` counts from the moment it did.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::wire::message::Stamp;

/// Clients are spread over this many histograms, so that threads seldom meet at one lock.
const SHARDS: usize = 8;
/// Five minutes: anything slower counts as five minutes.
const HIGHEST: u64 = 300_000_000;

/// Percentiles of one histogram, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // the names say it
pub struct Percentiles {
    /// Deliveries measured.
    pub count: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    pub mean: f64,
}

struct Shard {
    intended: Histogram<u64>,
    sent: Histogram<u64>,
    recovered: Histogram<u64>,
    lag: Histogram<u64>,
}

/// All percentiles of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Latencies {
    pub(crate) intended: Percentiles,
    pub(crate) sent: Percentiles,
    pub(crate) recovered: Percentiles,
    pub(crate) lag: Percentiles,
}

pub(crate) struct Latency {
    shards: Vec<Mutex<Shard>>,
}

impl Latency {
    pub(crate) fn new() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, HIGHEST, 3).expect("1 to 300,000,000 at 3 digits is a legal range")
        };
        let shard =
            || Shard { intended: histogram(), sent: histogram(), recovered: histogram(), lag: histogram() };
        Self { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect() }
    }

    /// A live delivery at `now`.
    pub(crate) fn live(&self, client: usize, stamp: Stamp, now: u64) {
        self.with(client, |shard| {
            shard.intended.saturating_record(now.saturating_sub(stamp.intended));
            shard.sent.saturating_record(now.saturating_sub(stamp.sent));
        });
    }

    /// A delivery at `now` by replay or from the history.
    pub(crate) fn recovered(&self, client: usize, stamp: Stamp, now: u64) {
        self.with(client, |shard| shard.recovered.saturating_record(now.saturating_sub(stamp.intended)));
    }

    /// How late the generator itself was with a first send on a standing connection.
    pub(crate) fn lag(&self, client: usize, micros: u64) {
        self.with(client, |shard| shard.lag.saturating_record(micros));
    }

    fn with(&self, client: usize, record: impl FnOnce(&mut Shard)) {
        record(&mut self.shards[client % SHARDS].lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Live deliveries alone, cheap enough to be asked for while the run goes on.
    pub(crate) fn intended(&self) -> Percentiles {
        self.merged(|shard| &shard.intended)
    }

    pub(crate) fn read(&self) -> Latencies {
        Latencies {
            intended: self.intended(),
            sent: self.merged(|shard| &shard.sent),
            recovered: self.merged(|shard| &shard.recovered),
            lag: self.merged(|shard| &shard.lag),
        }
    }

    fn merged(&self, part: impl Fn(&Shard) -> &Histogram<u64>) -> Percentiles {
        let mut whole: Histogram<u64> =
            Histogram::new_with_bounds(1, HIGHEST, 3).expect("the same legal range as the parts");
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            whole.add(part(&shard)).expect("the parts have the same bounds as the whole");
        }
        percentiles(&whole)
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Percentiles {
        count: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: if histogram.is_empty() { 0.0 } else { histogram.max() as f64 / 1000.0 },
        mean: histogram.mean() / 1000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_send_shows_in_the_intended_latency_and_not_in_the_other() {
        let latency = Latency::new();
        latency.live(1, Stamp { intended: 1_000, sent: 51_000 }, 53_000);
        latency.live(2, Stamp { intended: 1_000, sent: 51_000 }, 53_000);
        let read = latency.read();
        assert_eq!(read.intended.count, 2);
        assert!((read.intended.p99 - 52.0).abs() < 0.1, "{read:?}");
        assert!((read.sent.p99 - 2.0).abs() < 0.1, "{read:?}");
    }
}
