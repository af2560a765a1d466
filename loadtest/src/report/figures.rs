//! The figures of a report that can be set beside those of another, in the order in which they are read.
//!
//! Owns which there are and which way is better.

use crate::{
    measure::distribution::Percentiles,
    report::{judged::Unit, result::Report},
};

/// Which way a figure should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// It is shown and not judged: too noisy, or a matter of the scenario.
    Neither,
}

/// One figure of one report.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The same in all reports.
    pub name: String,
    /// Of the value.
    pub unit: Unit,
    /// Which way it should go.
    pub better: Better,
    /// The value.
    pub value: f64,
}

/// All figures that a report has; what was not measured is not there.
pub fn figures(report: &Report) -> Vec<Figure> {
    let mut all = Vec::new();
    all.extend(percentiles("latency", &report.latency));
    all.extend(percentiles("connect", &report.connect));
    all.extend(percentiles("reconnect", &report.reconnect));
    report.latency_of_acts.iter().for_each(|(act, times)| all.extend(percentiles(act, times)));
    all.extend(storms(report));
    all.extend(costs(report));
    all.extend(rates(report));
    all.extend(counts(report));
    all
}

fn figure(name: &str, unit: Unit, better: Better, value: f64) -> Figure {
    Figure { name: name.into(), unit, better, value }
}

/// Fewer values than this above a percentile make it a matter of luck: shown, not judged.
const VALUES_ABOVE: f64 = 10.0;

fn percentiles(of: &str, times: &Percentiles) -> Vec<Figure> {
    if times.count == 0 {
        return Vec::new();
    }
    let table = [
        ("p50", times.p50, 0.5),
        ("p90", times.p90, 0.1),
        ("p99", times.p99, 0.01),
        ("p99.9", times.p999, 0.001),
        ("max", times.max, 0.0),
    ];
    let one = |(name, value, above): (&str, f64, f64)| {
        let judged = times.count as f64 * above >= VALUES_ABOVE;
        let better = if judged { Better::Lower } else { Better::Neither };
        figure(&format!("{of} {name}"), Unit::Millis, better, value)
    };
    table.map(one).into()
}

/// Of several storms the worst: a herd that came back quickly does not make up for one that did not.
fn storms(report: &Report) -> Vec<Figure> {
    let longest = report.storms.iter().map(|cost| cost.storm.longest).reduce(f64::max);
    let per = report.storms.iter().filter_map(|cost| cost.reconnects_per_cpu_second).reduce(f64::min);
    let longest =
        longest.map(|seconds| figure("all back after a storm", Unit::Seconds, Better::Lower, seconds));
    let per = per.map(|per| figure("reconnections per CPU second", Unit::PerCpuSecond, Better::Higher, per));
    longest.into_iter().chain(per).collect()
}

fn costs(report: &Report) -> Vec<Figure> {
    let mut all = Vec::new();
    if let Some(servers) = report.servers.as_ref().filter(|servers| servers.deliveries_per_cpu_second > 0.0) {
        let per = servers.deliveries_per_cpu_second;
        all.push(figure("deliveries per CPU second", Unit::PerCpuSecond, Better::Higher, per));
        // The inverse of the one above, which is judged already.
        all.push(figure(
            "CPU per delivery",
            Unit::CpuMicros,
            Better::Neither,
            servers.cpu_micros_per_delivery,
        ));
        let kib = servers.processes.iter().filter(|each| !each.beside).filter_map(|each| each.rss_kib_after);
        let kib: u64 = kib.sum();
        all.push(figure("memory of the servers", Unit::Kib, Better::Neither, kib as f64));
    }
    if let Some(idle) = &report.idle {
        all.push(figure("memory per idle connection", Unit::Kib, Better::Lower, idle.kib_per_connection));
        let micros = idle.cpu_micros_per_connection_second;
        all.push(figure("CPU per idle connection and second", Unit::CpuMicros, Better::Lower, micros));
    }
    all
}

fn rates(report: &Report) -> [Figure; 3] {
    [
        figure("delivered", Unit::PerSecond, Better::Higher, report.delivered_per_second),
        figure("acknowledged", Unit::PerSecond, Better::Higher, report.acknowledged_per_second),
        figure("generator", Unit::Cores, Better::Neither, report.generator_cores),
    ]
}

fn counts(report: &Report) -> [Figure; 8] {
    let counters = &report.counters;
    let breaches_in_database = counters.missing_in_database
        + counters.doubled_in_database
        + counters.mismatched_in_database
        + counters.unseen_in_database
        + counters.holes_in_database;
    [
        ("errors", report.errors.values().sum(), Better::Lower),
        ("lost", counters.lost, Better::Lower),
        ("repeated", counters.repeated, Better::Lower),
        ("disordered", counters.disordered, Better::Lower),
        ("gaps", counters.gaps, Better::Lower),
        ("unacknowledged", counters.unacknowledged, Better::Lower),
        ("breaches in the database", breaches_in_database, Better::Lower),
        ("reconnects", counters.reconnects, Better::Neither),
    ]
    .map(|(name, count, better)| figure(name, Unit::Count, better, count as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_judged_only_where_enough_lies_above_it() {
        let judged = |count| {
            let latency = Percentiles { count, p50: 1.0, ..Percentiles::default() };
            let all = figures(&Report { latency, ..Report::default() });
            let judged = |figure: &&Figure| figure.unit == Unit::Millis && figure.better == Better::Lower;
            all.iter().filter(judged).count()
        };
        assert_eq!([0, 10, 20, 100, 1_000, 10_000].map(judged), [0, 0, 1, 2, 3, 4]);
    }
}
