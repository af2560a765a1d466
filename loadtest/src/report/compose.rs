//! From what was measured to a report: one merged record, what the servers spent, and the scenario.
//!
//! Owns the arithmetic; the verdict is `verdict.rs`. Pure: the same evidence gives the same report.

use std::collections::BTreeMap;

use crate::{
    measure::{
        distribution::Distribution,
        record::{Record, Second},
        steady,
        watch::Watched,
    },
    report::{
        result::{IdleCost, Moment, ProcessCost, Report},
        verdict,
    },
    scenario::load::Scenario,
};

/// Where the latency curve is drawn through.
const CURVE: [f64; 15] =
    [0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9999, 1.0];

/// What was seen of the servers from outside, by whichever process watched them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Servers {
    /// What each watched process spent in the measured window.
    pub(crate) processes: Vec<ProcessCost>,
    pub(crate) idle: Option<IdleCost>,
    pub(crate) watched: Watched,
    pub(crate) database_audited: bool,
}

/// The report with its verdict. `record` holds what all processes of the swarm measured.
pub(crate) fn compose(record: Record, scenario: &Scenario, servers: Servers) -> Report {
    let per_second = |count: u64| count as f64 / record.seconds.max(f64::EPSILON);
    let (nodes, burned) = servers.watched.since(record.began);
    let mut report = Report {
        schema: record.schema,
        scenario: scenario.name.clone(),
        // A scenario that ran has targets that could be read.
        targets: scenario.addresses().unwrap_or_default(),
        users: scenario.users,
        rooms: scenario.rooms,
        rate: scenario.rate,
        delivered_per_second: per_second(record.delivered_measured),
        acknowledged_per_second: per_second(record.acknowledged_measured),
        latency: record.timed.intended.percentiles(),
        latency_from_send: record.timed.sent.percentiles(),
        latency_recovered: record.timed.recovered.percentiles(),
        connect: record.timed.connect.percentiles(),
        reconnect: record.timed.reconnect.percentiles(),
        latency_of_acts: record
            .timed
            .acts
            .iter()
            .map(|(act, times)| (act.clone(), times.percentiles()))
            .collect(),
        generator_lag: record.timed.lag.percentiles(),
        generator_cores: record
            .generators
            .iter()
            .map(|each| each.cpu_seconds / each.seconds.max(f64::EPSILON))
            .sum(),
        servers: steady::server_cost(servers.processes, record.delivered_measured),
        idle: servers.idle,
        database_audited: servers.database_audited,
        series: moments(&record.series, record.began),
        nodes,
        storms: record.storms.into_iter().map(|storm| storm.cost(&burned)).collect(),
        curve: curve(&record.timed.intended),
        run: record.run,
        began: record.began,
        seconds: record.seconds,
        intended: record.intended,
        counters: record.counters,
        connections_at_end: record.connections_at_end,
        missing_at_end: wanted_at_end(scenario).saturating_sub(record.connections_at_end),
        errors: record.errors,
        acts: record.acts,
        findings: record.findings,
        generators: record.generators,
        marks: record.marks,
        ..Report::default()
    };
    verdict::pronounce(&mut report, &scenario.thresholds);
    report
}

/// Users that the last phase leaves there.
fn wanted_at_end(scenario: &Scenario) -> u64 {
    let share = scenario.plan().stretches.last().map_or(1.0, |last| last.users.to);
    (scenario.users as f64 * share).round() as u64
}

fn moments(series: &BTreeMap<u64, Second>, began: f64) -> Vec<Moment> {
    series.iter().map(|(ends, second)| moment(*ends as f64 - began, second)).collect()
}

fn moment(at: f64, second: &Second) -> Moment {
    let span = second.span.max(f64::EPSILON);
    let rate = |count: u64| count as f64 / span;
    let latency = second.latency.percentiles();
    let measured = |millis: f64| (latency.count > 0).then_some(millis);
    Moment {
        at,
        delivered: rate(second.delivered),
        sent: rate(second.sent),
        acknowledged: rate(second.acknowledged),
        errors: rate(second.errors),
        connections: second.connections,
        reconnects: rate(second.reconnects),
        p50: measured(latency.p50),
        p90: measured(latency.p90),
        p99: measured(latency.p99),
        max: measured(latency.max),
        generator_cores: second.generator_cpu / span,
    }
}

fn curve(latency: &Distribution) -> Vec<(f64, f64)> {
    if latency.count() == 0 {
        return Vec::new();
    }
    CURVE.into_iter().map(|quantile| (quantile, latency.quantile(quantile) as f64 / 1000.0)).collect()
}
