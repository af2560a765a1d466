//! When a run counts as failed. Owns the keys of `[thresholds]`; they are held against a report in `report::verdict`.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer};

use crate::scenario::span;

/// Limits; a run that breaks one fails. Counts that are breaches of the promise default to zero, what is absent is not
/// judged.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Median latency, intended send to receipt.
    #[serde(deserialize_with = "span::optional")]
    pub p50: Option<Duration>,
    /// 90th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub p90: Option<Duration>,
    /// 99th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub p99: Option<Duration>,
    /// 99.9th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub p999: Option<Duration>,
    /// The slowest delivery.
    #[serde(deserialize_with = "span::optional")]
    pub max: Option<Duration>,
    /// Median of opening a connection, TCP and handshake.
    #[serde(deserialize_with = "span::optional")]
    pub connect_p50: Option<Duration>,
    /// Its 99th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub connect_p99: Option<Duration>,
    /// The slowest.
    #[serde(deserialize_with = "span::optional")]
    pub connect_max: Option<Duration>,
    /// Median of coming back: from the cut to being in all rooms again.
    #[serde(deserialize_with = "span::optional")]
    pub reconnect_p50: Option<Duration>,
    /// Its 99th percentile.
    #[serde(deserialize_with = "span::optional")]
    pub reconnect_p99: Option<Duration>,
    /// Nobody needs longer than this to come back, and at the end nobody is missing.
    #[serde(deserialize_with = "span::optional")]
    pub all_back_within: Option<Duration>,
    /// 99th percentile of the answer to something that clients do besides, by its name.
    #[serde(deserialize_with = "spans")]
    pub acts_p99: BTreeMap<String, Duration>,
    /// Acknowledged messages that a member never received, at most.
    pub lost: u64,
    /// Messages received twice, at most.
    pub repeated: u64,
    /// Messages received out of order or under a contradicting position, at most.
    pub disordered: u64,
    /// Error frames, closes and transport errors together, at most.
    pub errors: Option<u64>,
    /// Codes that belong to the scenario (`"close 4008" = 3`), each at least so often; they do not count as
    /// `errors`. 0: may occur.
    pub expected: BTreeMap<String, u64>,
    /// Reconnections, at most.
    pub reconnects: Option<u64>,
    /// Deliveries per second, at least.
    pub delivered_per_second: Option<f64>,
    /// Deliveries per second of server CPU, at least.
    pub deliveries_per_cpu_second: Option<f64>,
    /// Microseconds of server CPU per delivery, at most.
    pub cpu_micros_per_delivery: Option<f64>,
    /// Clients that every storm brings back per second of server CPU, at least.
    pub reconnects_per_cpu_second: Option<f64>,
    /// KiB of server memory per idle connection, at most.
    pub idle_kib_per_connection: Option<f64>,
    /// Microseconds of server CPU per idle connection and second, at most.
    pub idle_cpu_micros: Option<f64>,
    /// A run whose figures are not trustworthy fails.
    pub trustworthy: bool,
}

fn spans<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Duration>, D::Error> {
    let texts: BTreeMap<String, String> = BTreeMap::deserialize(from)?;
    let parsed = texts.into_iter().map(|(name, text)| {
        span::parse(&text).map(|span| (name, span)).map_err(<D::Error as serde::de::Error>::custom)
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_read_and_an_unknown_one_is_named() {
        let text = "all_back_within = \"10s\"\nconnect_p99 = \"250ms\"\ntrustworthy = true\nacts_p99.history = \"20ms\"";
        let thresholds: Thresholds = toml::from_str(text).unwrap();
        assert_eq!(thresholds.all_back_within, Some(Duration::from_secs(10)));
        assert_eq!(thresholds.acts_p99["history"], Duration::from_millis(20));
        let error = toml::from_str::<Thresholds>("p98 = \"1s\"").unwrap_err().to_string();
        assert!(error.contains("p98"), "{error}");
    }
}
