//! What clients do besides saying something, and phases: whatever they do themselves is no breach and loses nothing.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::{collections::BTreeMap, time::Duration};

use fake::{Fake, Habits, SECRET};
use swarm::{
    Behaviour, Class, Counters, Language, Options, Phase, Range, Reading, Report, Scenario, SwarmError,
    Sweep, Verdict,
};

const STEADY: Duration = Duration::from_millis(300);

fn assert_passed(report: &Report) {
    assert_eq!(report.verdict, Verdict::Passed, "{report}");
    let Counters { lost, repeated, disordered, gaps, unacknowledged, acknowledged, .. } = report.counters;
    assert_eq!([lost, repeated, disordered, gaps, unacknowledged], [0; 5], "{report}");
    assert_eq!(acknowledged, report.intended, "{report}");
    assert!(report.errors.is_empty(), "what clients do themselves is no error: {report}");
}

fn millis(least: u64, most: u64) -> Range {
    Range { least: Duration::from_millis(least), most: Duration::from_millis(most) }
}

/// Much of everything in a short time.
fn restless(fake: &Fake, behaviour: Behaviour) -> Scenario {
    Scenario { behaviour, think: millis(10, 60), away: millis(0, 60), ..fake.scenario() }
}

#[tokio::test]
async fn who_drops_the_connection_and_comes_back_misses_nothing() {
    let fake = Fake::start(Habits::default()).await;
    let report = fake.run_scenario(restless(&fake, Behaviour { kill: 1.0, ..Behaviour::default() })).await;
    assert_passed(&report);
    assert!(report.acts["kill"] > 5 && report.counters.cuts == report.acts["kill"], "{report}");
    assert!(report.counters.recovered_true > 5 && report.reconnect.count > 0, "{report}");
}

#[tokio::test]
async fn who_logs_out_and_in_again_misses_nothing_and_has_lost_no_connection() {
    let fake = Fake::start(Habits::default()).await;
    let report = fake.run_scenario(restless(&fake, Behaviour { logout: 1.0, ..Behaviour::default() })).await;
    assert_passed(&report);
    assert!(report.acts["logout"] > 5, "{report}");
    assert_eq!((report.counters.cuts, report.counters.reconnects), (0, 0), "{report}");
}

#[tokio::test]
async fn who_opens_a_room_anew_finds_what_was_said_meanwhile_in_the_history() {
    let fake = Fake::start(Habits::default()).await;
    let report = fake.run_scenario(restless(&fake, Behaviour { open: 1.0, ..Behaviour::default() })).await;
    assert_passed(&report);
    assert!(report.acts["open"] > 5, "{report}");
}

#[tokio::test]
async fn who_scrolls_back_reads_pages_and_hears_nothing_twice() {
    let fake = Fake::start(Habits::default()).await;
    let report = fake.run_scenario(restless(&fake, Behaviour { scroll: 1.0, ..Behaviour::default() })).await;
    assert_passed(&report);
    assert!(report.acts["scroll"] > 5 && report.latency_of_acts["scroll"].count > 0, "{report}");
}

#[tokio::test]
async fn classes_meet_in_the_same_rooms_and_are_judged_by_one_ledger() {
    let fake = Fake::start(Habits { contradicts: Some(7), ..Habits::default() }).await;
    let class = |dialect, senders| Class { users: 2, dialect: Some(dialect), senders, ..Class::default() };
    let classes = vec![class(Language::Rooms, 1), class(Language::SocketIo, 0)];
    let scenario = Scenario { classes, rooms: 1, rooms_per_user: 1, ..fake.scenario() };
    let report = fake.run_scenario(scenario.clone()).await;
    assert_eq!(report.verdict, Verdict::Failed, "u1 heard something else than the others: {report}");
    assert!(report.counters.disordered > 0, "{report}");
    let honest = Fake::start(Habits::default()).await;
    let report = honest.run_scenario(Scenario { targets: honest.targets.clone(), ..scenario }).await;
    assert_passed(&report);
    assert_eq!(report.counters.delivered, report.intended * 4, "{report}");
}

#[tokio::test]
async fn a_storm_cuts_its_share_and_all_come_back_to_everything() {
    let fake = Fake::start(Habits::default()).await;
    let storm = Phase::Storm {
        duration: Duration::from_millis(600),
        share: 1.0,
        away: Duration::from_millis(50),
        every: Some(Duration::from_millis(300)),
    };
    let phases = vec![Phase::Steady { duration: STEADY }, storm, Phase::Steady { duration: STEADY }];
    let report = fake.run_scenario(Scenario { phases, ..fake.scenario() }).await;
    assert_passed(&report);
    assert_eq!((report.counters.cuts, report.counters.reconnects), (8, 8), "four users, twice: {report}");
    assert_eq!(report.reconnect.count, 8, "{report}");
    let labels: Vec<&str> = report.marks.iter().map(|mark| mark.kind.as_str()).collect();
    assert_eq!(labels.iter().filter(|kind| **kind == "storm").count(), 2, "{labels:?}");
}

#[tokio::test]
async fn users_that_come_and_go_send_only_while_they_are_there() {
    let fake = Fake::start(Habits::default()).await;
    let ramp = |from, to| Phase::Ramp {
        duration: Duration::from_millis(500),
        users: Some(Sweep { from, to }),
        rate: None,
    };
    let phases = vec![ramp(2.0, 8.0), Phase::Steady { duration: STEADY }, ramp(8.0, 2.0)];
    let report = fake.run_scenario(Scenario { users: 8, phases, ..fake.scenario() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.joined, 8, "{report}");
    assert!((200..=270).contains(&report.intended), "200 a second for 1.3 s: {report}");
    assert!(report.counters.delivered < report.intended * 8, "not everybody was there always: {report}");
}

#[tokio::test]
async fn a_fault_runs_its_command_and_one_that_fails_is_told() {
    let fake = Fake::start(Habits::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made");
    let fault = |fault: &str| Phase::Fault {
        duration: STEADY,
        fault: fault.into(),
        deadline: Duration::from_secs(5),
    };
    let phases = vec![fault("make"), fault("fail")];
    let scenario = Scenario { phases, ..fake.scenario() };
    let faults =
        [("make", format!("touch {}", file.display())), ("fail", "echo no such gateway; exit 7".into())];
    let faults: BTreeMap<String, String> = faults.map(|(name, command)| (name.into(), command)).into();
    let options = Options { secret: SECRET.into(), faults, ..Options::default() };
    let report = swarm::run(scenario.clone(), options).await.unwrap();
    assert!(file.exists());
    assert_eq!(report.errors["fault failed"], 1, "{report}");
    assert!(report.findings.iter().any(|finding| finding.contains("no such gateway")), "{report}");
    let without = Options { secret: SECRET.into(), ..Options::default() };
    match swarm::run(scenario, without).await {
        Err(SwarmError::Scenario(error)) => assert!(error.to_string().starts_with("phases.fault"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_slow_readers_hear_is_judged_and_does_not_count_for_the_latency() {
    let fake = Fake::start(Habits::default()).await;
    let slow = Class {
        users: 1,
        rate_share: Some(0.0),
        measured: Some(false),
        reading: Some(Reading { pause: Duration::from_millis(20), ..Reading::default() }),
        ..Class::default()
    };
    let classes = vec![Class { users: 3, ..Class::default() }, slow];
    let report = fake.run_scenario(Scenario { classes, ..fake.scenario() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.delivered, report.intended * 4, "{report}");
    assert_eq!(report.latency.count, report.intended * 3, "{report}");
}
