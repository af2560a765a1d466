//! The result of a run, as values and as JSON. Owns the shapes; the words on the terminal are `summary.rs`, the page is
//! `html`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    measure::{
        distribution::Percentiles,
        marks::Mark,
        record::{Generator, SCHEMA},
        storms::StormCost,
        tally::Counters,
    },
    report::judged::Judged,
};

/// Whether the run kept every promise and threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of them.
    Passed,
    /// `Report::failures` says which not.
    #[default]
    Failed,
}

/// Everything that is known at the end of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The version of this shape.
    pub schema: u32,
    /// Passed or failed.
    pub verdict: Verdict,
    /// False if the generator was at its limit: the figures then tell of it and not of the servers.
    pub trustworthy: bool,
    /// Why the figures are not trustworthy.
    pub reasons: Vec<String>,
    /// Every limit with its value, promises first.
    pub thresholds: Vec<Judged>,
    /// Broken promises and thresholds, in words; empty if the run passed.
    pub failures: Vec<String>,
    /// Examples of breaches, at most 40; the counters count all.
    pub findings: Vec<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The id inside this run's room names and client ids.
    pub run: String,
    /// When the run began, in Unix seconds.
    pub began: f64,
    /// Gateway addresses.
    pub targets: Vec<String>,
    /// Connections.
    pub users: usize,
    /// Connections that stood before the clients hung up.
    pub connections_at_end: u64,
    /// Users that should have been there then and were not.
    pub missing_at_end: u64,
    /// Rooms.
    pub rooms: usize,
    /// Messages per second that were asked for.
    pub rate: f64,
    /// Length of the measured window in seconds.
    pub seconds: f64,
    /// Messages that the schedule called for.
    pub intended: u64,
    /// All counts.
    #[serde(flatten)]
    pub counters: Counters,
    /// Error frames by code, closes (`close 1001`), transport and connect failures.
    pub errors: BTreeMap<String, u64>,
    /// What clients did besides saying something.
    pub acts: BTreeMap<String, u64>,
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
    /// From opening the TCP connection to the end of the handshake.
    pub connect: Percentiles,
    /// From the cut to being in all rooms again.
    pub reconnect: Percentiles,
    /// Answers to what clients did besides, by name.
    pub latency_of_acts: BTreeMap<String, Percentiles>,
    /// How late the generator sent on standing connections.
    pub generator_lag: Percentiles,
    /// Cores that the generator kept busy in the measured window, all of its processes together.
    pub generator_cores: f64,
    /// Each process of the generator.
    pub generators: Vec<Generator>,
    /// What the servers spent in the measured window, if process ids were given.
    pub servers: Option<ServerCost>,
    /// What idle connections cost, in an idle scenario with process ids.
    pub idle: Option<IdleCost>,
    /// Whether the database was compared.
    pub database_audited: bool,
    /// How the herd came back each time that it was cut.
    pub storms: Vec<StormCost>,
    /// Phases and faults.
    pub marks: Vec<Mark>,
    /// What happened in each second.
    pub series: Vec<Moment>,
    /// What each server did in each second.
    pub nodes: Vec<NodeSeries>,
    /// Latency (`intended`) at rising quantiles: pairs of quantile and milliseconds.
    pub curve: Vec<(f64, f64)>,
}

/// One second of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moment {
    /// Its end, in seconds since the run began.
    pub at: f64,
    /// Per second.
    pub delivered: f64,
    /// Per second.
    pub sent: f64,
    /// Per second.
    pub acknowledged: f64,
    /// Per second.
    pub errors: f64,
    /// Standing connections at its end.
    pub connections: u64,
    /// Per second.
    pub reconnects: f64,
    /// Milliseconds; absent if nothing was measured.
    pub p50: Option<f64>,
    /// Milliseconds.
    pub p90: Option<f64>,
    /// Milliseconds.
    pub p99: Option<f64>,
    /// Milliseconds.
    pub max: Option<f64>,
    /// Cores that the generator kept busy.
    pub generator_cores: f64,
}

/// One server over time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeSeries {
    /// The name or role it was given, with its process id where several share one.
    pub name: String,
    /// What was seen, oldest first.
    pub points: Vec<NodePoint>,
}

/// One look at a server; what it does not tell is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodePoint {
    /// Seconds since the run began.
    pub at: f64,
    /// Cores kept busy since the look before.
    pub cores: Option<f64>,
    /// Resident memory.
    pub rss_kib: Option<f64>,
    /// Client connections.
    pub connections: Option<f64>,
    /// What waits in its queues.
    pub queued: Option<f64>,
    /// Frames dropped per second since the look before.
    pub dropped: Option<f64>,
}

impl Report {
    /// Reads a report from its JSON; an older or newer shape is an error that says so.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let report: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match report.schema {
            SCHEMA => Ok(report),
            other => Err(format!("a report of shape {other}; this swarm reads shape {SCHEMA}")),
        }
    }
}

/// CPU of the servers in the measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
