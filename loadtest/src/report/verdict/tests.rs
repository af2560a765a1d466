//! What passes and what fails.

use super::*;
use crate::{measure::tally::Counters, report::result::ServerCost};

fn report() -> Report {
    Report {
        users: 1,
        delivered_per_second: 100.0,
        latency: Percentiles { count: 1, p99: 20.0, ..Percentiles::default() },
        generators: vec![generator(0.1)],
        ..Report::default()
    }
}

fn generator(cpu_seconds: f64) -> Generator {
    Generator { pid: 7, cpu_seconds, seconds: 1.0, threads: 1.0, ..Generator::default() }
}

fn judged(report: &Report, thresholds: &Thresholds) -> Report {
    let mut report = report.clone();
    pronounce(&mut report, thresholds);
    report
}

#[test]
fn a_clean_run_passes_and_shows_every_promise() {
    let report = judged(&report(), &Thresholds { errors: Some(0), ..Thresholds::default() });
    assert_eq!((report.verdict, report.failures.len()), (Verdict::Passed, 0));
    assert!(report.trustworthy && report.thresholds.len() == 7, "{:?}", report.thresholds);
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
        let mut broken = report();
        breach(&mut broken.counters);
        let broken = judged(&broken, &Thresholds::default());
        assert_eq!((broken.verdict, broken.failures.len()), (Verdict::Failed, 1), "{:?}", broken.failures);
    }
}

#[test]
fn thresholds_are_judged_only_where_they_are_set() {
    let mut report = report();
    report.errors.insert("overloaded".into(), 3);
    assert_eq!(judged(&report, &Thresholds::default()).verdict, Verdict::Passed);
    let strict = Thresholds {
        errors: Some(2),
        p99: Some(Duration::from_millis(10)),
        connect_p99: Some(Duration::from_millis(10)),
        delivered_per_second: Some(101.0),
        deliveries_per_cpu_second: Some(1.0),
        idle_kib_per_connection: Some(8.0),
        ..Thresholds::default()
    };
    let strict = judged(&report, &strict);
    assert_eq!(strict.failures.len(), 6, "{:?}", strict.failures);
    assert!(strict.failures.contains(&"connect p99: nothing was measured, at most 10.0 ms".to_owned()));
}

#[test]
fn what_the_servers_spent_can_be_limited_from_both_sides() {
    let servers = ServerCost {
        cpu_seconds: 2.0,
        deliveries_per_cpu_second: 50_000.0,
        cpu_micros_per_delivery: 20.0,
        processes: Vec::new(),
    };
    let report = Report { servers: Some(servers), ..report() };
    let limits = |least, most| Thresholds {
        deliveries_per_cpu_second: Some(least),
        cpu_micros_per_delivery: Some(most),
        ..Thresholds::default()
    };
    assert_eq!(judged(&report, &limits(50_000.0, 20.0)).verdict, Verdict::Passed);
    assert_eq!(judged(&report, &limits(50_001.0, 19.9)).failures.len(), 2);
}

#[test]
fn all_are_back_only_if_the_slowest_was_quick_and_nobody_is_missing() {
    let thresholds = Thresholds { all_back_within: Some(Duration::from_secs(10)), ..Thresholds::default() };
    let back = |max: f64, missing_at_end| Report {
        reconnect: Percentiles { count: 1, max, ..Percentiles::default() },
        missing_at_end,
        ..report()
    };
    assert_eq!(judged(&back(9_000.0, 0), &thresholds).verdict, Verdict::Passed);
    assert_eq!(judged(&back(11_000.0, 0), &thresholds).verdict, Verdict::Failed);
    let missing = judged(&back(9_000.0, 1), &thresholds);
    assert!(missing.failures[0].contains("1 never came back"), "{:?}", missing.failures);
}

#[test]
fn a_saturated_generator_is_named_and_fails_the_run_only_if_that_was_asked() {
    let late = Generator { lag_p99: 21.0, delay_p99: 25.0, ..generator(0.95) };
    let tired = Report { generators: vec![generator(0.1), late], ..report() };
    let forgiving = judged(&tired, &Thresholds::default());
    assert_eq!((forgiving.verdict, forgiving.trustworthy), (Verdict::Passed, false));
    assert_eq!(forgiving.reasons.len(), 3, "{:?}", forgiving.reasons);
    let strict = judged(&tired, &Thresholds { trustworthy: true, ..Thresholds::default() });
    assert_eq!((strict.verdict, strict.failures.len()), (Verdict::Failed, 3));
}

#[test]
fn two_threads_may_keep_more_than_one_core_busy() {
    let roomy = Generator { threads: 2.0, ..generator(1.5) };
    assert!(judged(&Report { generators: vec![roomy], ..report() }, &Thresholds::default()).trustworthy);
}

#[test]
fn codes_that_belong_to_the_scenario_are_wanted_and_are_no_errors() {
    let mut report = report();
    report.errors.insert("close 4008".into(), 3);
    let wanted = |least| Thresholds {
        errors: Some(0),
        expected: [("close 4008".to_owned(), least)].into(),
        ..Thresholds::default()
    };
    assert_eq!(judged(&report, &wanted(3)).verdict, Verdict::Passed);
    assert_eq!(judged(&report, &wanted(4)).verdict, Verdict::Failed, "too few of them");
    report.errors.insert("close 4001".into(), 1);
    assert_eq!(judged(&report, &wanted(3)).verdict, Verdict::Failed, "another one is an error");
}
