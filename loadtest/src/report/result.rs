//! The result of a run, as values and as JSON. Owns the shapes; the words on the terminal are `summary.rs`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{measure::latency::Percentiles, measure::tally::Counters};

/// Whether the run kept every promise and threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of them.
    Passed,
    /// `Report::failures` says which not.
    Failed,
}

/// Everything that is known at the end of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Passed or failed.
    pub verdict: Verdict,
    /// Broken promises and thresholds, in words; empty if the run passed.
    pub failures: Vec<String>,
    /// Examples of breaches, at most 40; the counters count all.
    pub findings: Vec<String>,
    /// Why the figures should be doubted, if they should: the generator was at its limit.
    pub warnings: Vec<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The id inside this run's room names and client ids.
    pub run: String,
    /// Gateway addresses.
    pub targets: Vec<String>,
    /// Connections.
    pub users: usize,
    /// Rooms.
    pub rooms: usize,
    /// Length of the measured window in seconds.
    pub seconds: f64,
    /// Messages that the schedule called for.
    pub intended: u64,
    /// All counts.
    #[serde(flatten)]
    pub counters: Counters,
    /// Error frames by code, closes (`close 1001`), transport and connect failures.
    pub errors: BTreeMap<String, u64>,
    /// Deliveries per second in the measured window.
    pub delivered_per_second: f64,
    /// Acknowledged messages per second in the measured window.
    pub acknowledged_per_second: f64,
    /// Live deliveries, from the moment the message should have left.
    pub latency: Percentiles,
    /// Live deliveries, from the moment the message first left.
    pub latency_from_send: Percentiles,
    /// Deliveries by replay or from the history, from the moment the message should have left.
    pub latency_recovered: Percentiles,
    /// How late the generator sent on standing connections.
    pub generator_lag: Percentiles,
    /// Cores that the generator kept busy in the measured window.
    pub generator_cores: f64,
    /// What the servers spent in the measured window, if process ids were given.
    pub servers: Option<ServerCost>,
    /// What idle connections cost, in an idle scenario with process ids.
    pub idle: Option<IdleCost>,
    /// Whether the database was compared.
    pub database_audited: bool,
}

/// CPU of the servers in the measured window.
#[derive(Debug, Clone, Serialize)]
pub struct ServerCost {
    /// User and system seconds of all processes that are not `beside`.
    pub cpu_seconds: f64,
    /// The unit that holds on noisy machines.
    pub deliveries_per_cpu_second: f64,
    /// Its inverse, in microseconds.
    pub cpu_micros_per_delivery: f64,
    /// Each process.
    pub processes: Vec<ProcessCost>,
}

/// One server process, with its descendants.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessCost {
    /// As named by the caller.
    pub role: String,
    /// Its process id.
    pub pid: u32,
    /// Not part of the total: behind the message path.
    pub beside: bool,
    /// CPU seconds; absent if the process was not there at both ends.
    pub cpu_seconds: Option<f64>,
    /// Resident memory at the beginning.
    pub rss_kib_before: Option<u64>,
    /// Resident memory at the end.
    pub rss_kib_after: Option<u64>,
}

/// What silent connections cost.
#[derive(Debug, Clone, Serialize)]
pub struct IdleCost {
    /// How many stood.
    pub connections: usize,
    /// Growth of resident memory per connection, all processes that are not `beside`.
    pub kib_per_connection: f64,
    /// Microseconds of CPU per connection and second.
    pub cpu_micros_per_connection_second: f64,
    /// Memory of each process before the connections and with them.
    pub processes: Vec<ProcessCost>,
}
