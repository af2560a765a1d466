//! From a report to its verdict: every promise and threshold with its value, and whether the figures can be trusted.
//!
//! Pure: the same report and thresholds give the same words.

use std::time::Duration;

use crate::{
    measure::{distribution::Percentiles, record::Generator},
    report::{
        judged::{Bound, Judged, Unit},
        result::{Report, Verdict},
    },
    scenario::thresholds::Thresholds,
};

/// The generator should not be busier than this share of the cores that it may use.
const SATURATED: f64 = 0.9;
/// Nor later than this with its own sends.
const LATE_MILLIS: f64 = 20.0;
/// Nor let its event loop wait longer than this, over the millisecond that a timer is worth.
const DELAYED_MILLIS: f64 = 20.0;

/// Fills in `thresholds`, `failures`, `trustworthy`, `reasons` and `verdict`.
pub(crate) fn pronounce(report: &mut Report, thresholds: &Thresholds) {
    report.reasons = reasons(&report.generators);
    report.trustworthy = report.reasons.is_empty();
    report.thresholds = judge(report, thresholds);
    let broken = report.thresholds.iter().filter(|judged| !judged.passed);
    report.failures = broken.map(ToString::to_string).collect();
    if thresholds.trustworthy {
        report.failures.extend(report.reasons.iter().map(|reason| format!("not trustworthy: {reason}")));
    }
    report.verdict = if report.failures.is_empty() { Verdict::Passed } else { Verdict::Failed };
}

/// Promises first: what no scenario can forgive, then what it limits.
fn judge(report: &Report, thresholds: &Thresholds) -> Vec<Judged> {
    let mut all = promises(report);
    all.extend(counts(report, thresholds));
    all.extend(times(report, thresholds));
    all.extend(figures(report, thresholds));
    all
}

fn count(name: &str, limit: u64, value: u64) -> Judged {
    Judged::new(name, Bound::AtMost, limit as f64, Some(value as f64), Unit::Count)
}

fn promises(report: &Report) -> Vec<Judged> {
    let counters = &report.counters;
    let wire = [
        (counters.gaps, "gaps before a live message"),
        (counters.unacknowledged, "messages never acknowledged"),
        (counters.shed, "messages never sent: an outbox was full"),
    ];
    let database = [
        (counters.missing_in_database, "acknowledged, missing in the database"),
        (counters.doubled_in_database, "more than once in the database"),
        (counters.mismatched_in_database, "rows that contradict what clients saw"),
        (counters.unseen_in_database, "rows that no client ever saw"),
        (counters.holes_in_database, "numbers missing in the database"),
    ];
    // Not compared is not shown; but a count that somebody did set is never hidden.
    let compared = database.into_iter().filter(|(count, _)| report.database_audited || *count > 0);
    wire.into_iter().chain(compared).map(|(value, name)| count(name, 0, value)).collect()
}

fn counts(report: &Report, thresholds: &Thresholds) -> Vec<Judged> {
    let counters = &report.counters;
    let is_error = |(code, _): &(&String, &u64)| !thresholds.expected.contains_key(*code);
    let errors = report.errors.iter().filter(is_error).map(|(_, count)| count).sum();
    let table = [
        ("lost", counters.lost, Some(thresholds.lost)),
        ("repeated", counters.repeated, Some(thresholds.repeated)),
        ("disordered", counters.disordered, Some(thresholds.disordered)),
        ("errors", errors, thresholds.errors),
        ("reconnects", counters.reconnects, thresholds.reconnects),
    ];
    let wanted = thresholds.expected.iter().filter(|(_, least)| **least > 0);
    let expected = wanted.map(|(code, least)| {
        let value = report.errors.get(code).copied().unwrap_or(0) as f64;
        Judged::new(code, Bound::AtLeast, *least as f64, Some(value), Unit::Count)
    });
    let limits = table.into_iter().filter_map(|(name, value, limit)| Some(count(name, limit?, value)));
    limits.chain(expected).collect()
}

fn times(report: &Report, thresholds: &Thresholds) -> Vec<Judged> {
    let Report { latency, connect, reconnect, .. } = report;
    let table = [
        ("p50", latency, latency.p50, thresholds.p50),
        ("p90", latency, latency.p90, thresholds.p90),
        ("p99", latency, latency.p99, thresholds.p99),
        ("p99.9", latency, latency.p999, thresholds.p999),
        ("max", latency, latency.max, thresholds.max),
        ("connect p50", connect, connect.p50, thresholds.connect_p50),
        ("connect p99", connect, connect.p99, thresholds.connect_p99),
        ("connect max", connect, connect.max, thresholds.connect_max),
        ("reconnect p50", reconnect, reconnect.p50, thresholds.reconnect_p50),
        ("reconnect p99", reconnect, reconnect.p99, thresholds.reconnect_p99),
    ];
    let mut all: Vec<Judged> = table
        .into_iter()
        .filter_map(|(name, of, value, limit)| Some(time(name, of, value, limit?)))
        .collect();
    all.extend(thresholds.all_back_within.map(|limit| all_back(report, limit)));
    let nothing = Percentiles::default();
    all.extend(thresholds.acts_p99.iter().map(|(act, limit)| {
        let of = report.latency_of_acts.get(act).unwrap_or(&nothing);
        time(&format!("{act} p99"), of, of.p99, *limit)
    }));
    all
}

fn time(name: &str, of: &Percentiles, millis: f64, limit: Duration) -> Judged {
    let value = (of.count > 0).then_some(millis);
    Judged::new(name, Bound::AtMost, limit.as_secs_f64() * 1000.0, value, Unit::Millis)
}

/// The slowest return; none at all if somebody is missing at the end.
fn all_back(report: &Report, limit: Duration) -> Judged {
    let (all_there, any_back) = (report.missing_at_end == 0, report.reconnect.count > 0);
    let value = (all_there && any_back).then_some(report.reconnect.max / 1000.0);
    let name = match report.missing_at_end {
        0 => "all back within".into(),
        missing => format!("all back within ({missing} never came back)"),
    };
    Judged::new(&name, Bound::AtMost, limit.as_secs_f64(), value, Unit::Seconds)
}

fn figures(report: &Report, thresholds: &Thresholds) -> Vec<Judged> {
    use Bound::{AtLeast, AtMost};
    let (servers, idle) = (report.servers.as_ref(), report.idle.as_ref());
    // Nothing delivered costs nothing per delivery, which is no merit.
    let spent = servers.filter(|servers| servers.deliveries_per_cpu_second > 0.0);
    let table = [
        (
            "deliveries per second",
            AtLeast,
            thresholds.delivered_per_second,
            Some(report.delivered_per_second),
            Unit::PerSecond,
        ),
        (
            "deliveries per CPU second",
            AtLeast,
            thresholds.deliveries_per_cpu_second,
            spent.map(|servers| servers.deliveries_per_cpu_second),
            Unit::PerCpuSecond,
        ),
        (
            "CPU per delivery",
            AtMost,
            thresholds.cpu_micros_per_delivery,
            spent.map(|servers| servers.cpu_micros_per_delivery),
            Unit::CpuMicros,
        ),
        (
            "reconnections per CPU second",
            AtLeast,
            thresholds.reconnects_per_cpu_second,
            dearest_storm(report),
            Unit::PerCpuSecond,
        ),
        (
            "memory per idle connection",
            AtMost,
            thresholds.idle_kib_per_connection,
            idle.map(|idle| idle.kib_per_connection),
            Unit::Kib,
        ),
        (
            "CPU per idle connection and second",
            AtMost,
            thresholds.idle_cpu_micros,
            idle.map(|idle| idle.cpu_micros_per_connection_second),
            Unit::CpuMicros,
        ),
    ];
    let limited = table
        .into_iter()
        .filter_map(|(name, bound, limit, value, unit)| Some(Judged::new(name, bound, limit?, value, unit)));
    limited.collect()
}

/// Absent if there was no storm, or one of them cannot be told.
fn dearest_storm(report: &Report) -> Option<f64> {
    let each = report.storms.iter().map(|storm| storm.reconnects_per_cpu_second);
    each.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
}

/// Why the figures tell of the generator and not of the servers. Each process is looked at by itself: an idle one does
/// not make up for a busy one.
fn reasons(generators: &[Generator]) -> Vec<String> {
    let name = |generator: &Generator| match generators {
        [_] => "the generator".to_owned(),
        _ => format!("generator {}", generator.pid),
    };
    let mut reasons = Vec::new();
    for generator in generators {
        let cores = generator.cpu_seconds / generator.seconds.max(f64::EPSILON);
        if cores > SATURATED * generator.threads {
            reasons.push(format!(
                "{} kept {cores:.2} of {:.0} cores busy",
                name(generator),
                generator.threads
            ));
        }
        if generator.lag_p99 > LATE_MILLIS {
            reasons.push(format!("{} sent late: p99 {:.1} ms", name(generator), generator.lag_p99));
        }
        if generator.delay_p99 > DELAYED_MILLIS {
            reasons.push(format!(
                "{}'s event loop stalled: p99 {:.1} ms",
                name(generator),
                generator.delay_p99
            ));
        }
    }
    reasons
}

#[cfg(test)]
mod tests;
