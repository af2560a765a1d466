//! Recorded values as they travel between processes: sorted pairs of a value and how often it occurred.
//!
//! Owns merging and percentiles. A value is the upper edge of its histogram bucket, so merging loses nothing beyond
//! what the histogram had rounded away (three significant digits for a whole run, two for one second).
//! Invariant: values rise strictly and no count is zero.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Microseconds and their counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distribution {
    counts: Vec<(u64, u64)>,
}

/// Percentiles of one distribution, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the names say it
pub struct Percentiles {
    /// Values measured.
    pub count: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    pub mean: f64,
}

impl From<&Histogram<u64>> for Distribution {
    fn from(histogram: &Histogram<u64>) -> Self {
        let counts = histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
        Self { counts: counts.collect() }
    }
}

impl Distribution {
    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Adds what another histogram recorded.
    pub fn merge(&mut self, other: &Self) {
        let mut counts: Vec<(u64, u64)> = self.counts.iter().chain(&other.counts).copied().collect();
        counts.sort_unstable_by_key(|(value, _)| *value);
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        self.counts = counts;
    }

    /// The least value that `quantile` (0 to 1) of all values do not exceed, in microseconds; 0 if there are none.
    pub fn quantile(&self, quantile: f64) -> u64 {
        let rank = ((self.count() as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = self.counts.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        reached.or(self.counts.last()).map_or(0, |(value, _)| *value)
    }

    /// The usual percentiles, in milliseconds.
    pub fn percentiles(&self) -> Percentiles {
        let at = |quantile: f64| self.quantile(quantile) as f64 / 1000.0;
        let count = self.count();
        let sum: f64 = self.counts.iter().map(|(value, count)| *value as f64 * *count as f64).sum();
        Percentiles {
            count,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
            mean: sum / 1000.0 / (count as f64).max(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 300_000_000, 3).unwrap();
        values.into_iter().for_each(|value| histogram.saturating_record(value));
        histogram
    }

    #[test]
    fn the_parts_of_two_processes_merge_into_what_one_would_have_measured() {
        let values = |step: u64| (0..5_000).map(move |k| k * k % 7_919 * step);
        let mut merged = Distribution::from(&recorded(values(1)));
        merged.merge(&Distribution::from(&recorded(values(13))));
        let whole = recorded(values(1).chain(values(13)));
        assert_eq!(merged, Distribution::from(&whole));
        for quantile in [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0] {
            assert_eq!(merged.quantile(quantile), whole.value_at_quantile(quantile), "{quantile}");
        }
        assert_eq!(merged.count(), 10_000);
    }

    #[test]
    fn nothing_recorded_is_all_zeros_and_survives_json() {
        let empty = Distribution::default();
        assert_eq!(empty.percentiles(), Percentiles::default());
        let text = serde_json::to_string(&Distribution::from(&recorded([1_000, 1_000, 7]))).unwrap();
        let back: Distribution = serde_json::from_str(&text).unwrap();
        assert_eq!((back.count(), back.quantile(0.1)), (3, 7), "{text}");
    }
}
