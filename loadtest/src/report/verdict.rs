//! From a report to its failures. Pure: the same report and thresholds give the same words.

use std::time::Duration;

use crate::{
    report::result::{Report, Verdict},
    scenario::load::Thresholds,
};

/// The generator should not be busier than this share of one core per thread it may use.
const SATURATED_CORES: f64 = 0.9;
/// Nor later than this with its own sends.
const LATE_MILLIS: f64 = 20.0;

/// Fills in `failures`, `warnings` and `verdict`.
pub(crate) fn pronounce(report: &mut Report, thresholds: &Thresholds) {
    let mut failures = promises(report);
    failures.extend(limits(report, thresholds));
    report.failures = failures;
    report.warnings = warnings(report);
    report.verdict = if report.failures.is_empty() { Verdict::Passed } else { Verdict::Failed };
}

/// What no threshold can forgive.
fn promises(report: &Report) -> Vec<String> {
    let counters = &report.counters;
    let table = [
        (counters.gaps, "live messages came with a gap before them"),
        (counters.unacknowledged, "messages were never acknowledged"),
        (counters.shed, "messages did not fit into an outbox and were never sent"),
        (counters.missing_in_database, "acknowledged messages are missing in the database"),
        (counters.doubled_in_database, "messages are more than once in the database"),
        (counters.mismatched_in_database, "rows contradict what the clients saw"),
        (counters.unseen_in_database, "rows were never seen by any client"),
        (counters.holes_in_database, "numbers are missing inside an epoch in the database"),
    ];
    table.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

fn limits(report: &Report, thresholds: &Thresholds) -> Vec<String> {
    let counters = &report.counters;
    let errors = report.errors.values().sum();
    let counts = [
        ("lost", counters.lost, Some(thresholds.lost)),
        ("repeated", counters.repeated, Some(thresholds.repeated)),
        ("disordered", counters.disordered, Some(thresholds.disordered)),
        ("errors", errors, thresholds.errors),
        ("reconnects", counters.reconnects, thresholds.reconnects),
    ];
    let over = counts.into_iter().filter_map(|(name, count, limit)| {
        let limit = limit.filter(|limit| count > *limit)?;
        Some(format!("{name}: {count}, at most {limit} allowed"))
    });
    over.chain(slow(report, thresholds)).chain(figures(report, thresholds)).collect()
}

fn slow(report: &Report, thresholds: &Thresholds) -> Vec<String> {
    let latency = &report.latency;
    let table = [
        ("p50", latency.p50, thresholds.p50),
        ("p90", latency.p90, thresholds.p90),
        ("p99", latency.p99, thresholds.p99),
        ("p999", latency.p999, thresholds.p999),
        ("max", latency.max, thresholds.max),
    ];
    let over = table.into_iter().filter_map(|(name, millis, limit): (_, f64, Option<Duration>)| {
        let limit = limit?.as_secs_f64() * 1000.0;
        if latency.count == 0 {
            return Some(format!("{name}: nothing was measured"));
        }
        (millis > limit).then(|| format!("{name}: {millis:.1} ms, at most {limit:.1} ms allowed"))
    });
    over.collect()
}

fn figures(report: &Report, thresholds: &Thresholds) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(least) = thresholds.delivered_per_second
        && report.delivered_per_second < least
    {
        failures.push(format!(
            "delivered per second: {:.0}, at least {least:.0} wanted",
            report.delivered_per_second
        ));
    }
    if let Some(most) = thresholds.idle_kib_per_connection {
        match &report.idle {
            Some(idle) if idle.kib_per_connection <= most => {}
            Some(idle) => failures.push(format!(
                "memory per idle connection: {:.1} KiB, at most {most:.1} KiB allowed",
                idle.kib_per_connection
            )),
            None => failures.push("memory per idle connection: no process was named".into()),
        }
    }
    failures
}

fn warnings(report: &Report) -> Vec<String> {
    let mut warnings = Vec::new();
    if report.generator_cores > SATURATED_CORES {
        warnings.push(format!("the generator kept {:.2} cores busy", report.generator_cores));
    }
    if report.generator_lag.p99 > LATE_MILLIS {
        warnings.push(format!("the generator sent late: p99 {:.1} ms", report.generator_lag.p99));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{measure::latency::Percentiles, measure::tally::Counters};

    fn report() -> Report {
        Report {
            verdict: Verdict::Passed,
            failures: Vec::new(),
            findings: Vec::new(),
            warnings: Vec::new(),
            scenario: String::new(),
            run: String::new(),
            targets: Vec::new(),
            users: 1,
            rooms: 1,
            seconds: 1.0,
            intended: 1,
            counters: Counters::default(),
            errors: BTreeMap::new(),
            delivered_per_second: 100.0,
            acknowledged_per_second: 1.0,
            latency: Percentiles { count: 1, p99: 20.0, ..Percentiles::default() },
            latency_from_send: Percentiles::default(),
            latency_recovered: Percentiles::default(),
            generator_lag: Percentiles::default(),
            generator_cores: 0.1,
            servers: None,
            idle: None,
            database_audited: false,
        }
    }

    #[test]
    fn a_clean_run_passes() {
        let mut report = report();
        pronounce(&mut report, &Thresholds { errors: Some(0), ..Thresholds::default() });
        assert_eq!((report.verdict, report.failures.len()), (Verdict::Passed, 0));
    }

    #[test]
    fn every_broken_promise_fails_whatever_the_thresholds() {
        let breaches: [fn(&mut Counters); 11] = [
            |counters| counters.lost = 1,
            |counters| counters.repeated = 1,
            |counters| counters.disordered = 1,
            |counters| counters.gaps = 1,
            |counters| counters.unacknowledged = 1,
            |counters| counters.shed = 1,
            |counters| counters.missing_in_database = 1,
            |counters| counters.doubled_in_database = 1,
            |counters| counters.mismatched_in_database = 1,
            |counters| counters.unseen_in_database = 1,
            |counters| counters.holes_in_database = 1,
        ];
        for breach in breaches {
            let mut report = report();
            breach(&mut report.counters);
            pronounce(&mut report, &Thresholds::default());
            assert_eq!(
                (report.verdict, report.failures.len()),
                (Verdict::Failed, 1),
                "{:?}",
                report.failures
            );
        }
    }

    #[test]
    fn thresholds_are_judged_only_where_they_are_set() {
        let mut report = report();
        report.errors.insert("overloaded".into(), 3);
        pronounce(&mut report, &Thresholds::default());
        assert_eq!(report.verdict, Verdict::Passed);
        let strict = Thresholds {
            errors: Some(2),
            p99: Some(Duration::from_millis(10)),
            delivered_per_second: Some(101.0),
            idle_kib_per_connection: Some(8.0),
            ..Thresholds::default()
        };
        pronounce(&mut report, &strict);
        assert_eq!(report.failures.len(), 4, "{:?}", report.failures);
    }

    #[test]
    fn a_saturated_generator_is_named_and_does_not_fail_the_run() {
        let mut report = report();
        report.generator_cores = 0.99;
        pronounce(&mut report, &Thresholds::default());
        assert_eq!((report.verdict, report.warnings.len()), (Verdict::Passed, 1));
    }
}
