//! The judge of the booking feed against a server that misbehaves in one way at a time: each breach is caught, and what
//! is legal is not called a breach.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::time::Duration;

use fake::{
    SECRET,
    events::{Events, Misdeeds},
};
use swarm::{Counters, Feed, Kind, Options, Report, Scenario, Verdict};

/// Five viewers of one event, two of whom book 25 seats in half a second.
fn scenario(targets: Vec<String>) -> Scenario {
    Scenario {
        name: "feed".into(),
        kind: Kind::Feed,
        targets,
        users: 5,
        duration: Duration::from_millis(500),
        settle: Duration::from_secs(3),
        feed: Feed { events: 1, seats: 100, viewers: 1.0, bookers: 0.4, rate: 50.0, cancel: 0.0 },
        ..Scenario::default()
    }
}

async fn run_with(misdeeds: Misdeeds, change: impl FnOnce(&mut Scenario)) -> Report {
    let events = Events::start(misdeeds).await;
    let mut scenario = scenario(events.targets.clone());
    change(&mut scenario);
    swarm::run(scenario, Options { secret: SECRET.into(), ..Options::default() }).await.unwrap()
}

async fn run(misdeeds: Misdeeds) -> Report {
    run_with(misdeeds, |scenario| scenario.settle = Duration::from_secs(1)).await
}

fn breaches(report: &Report) -> [u64; 5] {
    let Counters { lost, repeated, disordered, gaps, unacknowledged, .. } = report.counters;
    [lost, repeated, disordered, gaps, unacknowledged]
}

fn assert_passed(report: &Report) {
    assert_eq!((report.verdict, breaches(report)), (Verdict::Passed, [0; 5]), "{report}");
    assert_eq!(report.counters.acknowledged, report.intended, "{report}");
}

#[tokio::test]
async fn every_booking_reaches_every_viewer_and_is_measured_from_the_moment_it_was_due() {
    let report = run(Misdeeds::default()).await;
    assert_passed(&report);
    assert!((24..=27).contains(&report.intended), "{report}");
    assert_eq!(report.counters.delivered, report.intended * 5, "{report}");
    assert_eq!(report.latency.count, report.counters.delivered, "{report}");
    assert!(report.errors.is_empty(), "{report}");
}

#[tokio::test]
async fn cancellations_and_several_events_and_selling_out_are_no_breach() {
    let report = run_with(Misdeeds::default(), |scenario| {
        scenario.feed = Feed { events: 2, seats: 6, cancel: 0.5, ..scenario.feed };
    })
    .await;
    assert_passed(&report);
    assert!(report.acts["sold out"] > 0 && report.acts["cancel"] > 0, "{report}");
}

#[tokio::test]
async fn who_watches_and_who_books_need_not_be_the_same() {
    let report = run_with(Misdeeds::default(), |scenario| {
        scenario.feed = Feed { viewers: 0.6, bookers: 0.4, ..scenario.feed };
    })
    .await;
    assert_passed(&report);
    assert_eq!(report.counters.delivered, report.intended * 3, "{report}");
}

#[tokio::test]
async fn what_a_viewer_sees_wrong_is_told_apart() {
    for (misdeeds, wanted) in [
        (Misdeeds { drops: Some(7), ..Misdeeds::default() }, [1, 0, 0, 1, 0]),
        (Misdeeds { repeats: Some(7), ..Misdeeds::default() }, [0, 1, 0, 0, 0]),
        // The next one comes too early, this one too late, and the one after them does not follow it.
        (Misdeeds { swaps: Some(7), ..Misdeeds::default() }, [0, 0, 0, 3, 0]),
    ] {
        let report = run(misdeeds.clone()).await;
        assert_eq!((report.verdict, breaches(&report)), (Verdict::Failed, wanted), "{misdeeds:?}: {report}");
    }
}

#[tokio::test]
async fn a_viewer_that_is_told_another_number_of_seats_is_noticed() {
    let report = run(Misdeeds { contradicts: Some(7), ..Misdeeds::default() }).await;
    // It does not follow, and is not followed; and it contradicts the others, or they it, whoever is first.
    assert_eq!(
        (report.verdict, report.counters.gaps, report.counters.lost),
        (Verdict::Failed, 2, 0),
        "{report}"
    );
    assert!(report.counters.disordered > 0, "{report}");
    assert!(!report.findings.iter().any(|finding| finding.contains("twice")), "{report}");
}

#[tokio::test]
async fn the_last_change_that_a_viewer_does_not_see_is_lost() {
    let report = run(Misdeeds { drops: Some(25), ..Misdeeds::default() }).await;
    assert_eq!((report.verdict, report.counters.lost), (Verdict::Failed, 1), "{report}");
}

#[tokio::test]
async fn a_seat_that_is_sold_twice_is_caught() {
    let report = run(Misdeeds { sells_twice: Some(7), ..Misdeeds::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(report.counters.disordered > 0, "{report}");
    assert!(report.findings.iter().any(|finding| finding.contains("twice")), "{report}");
}

#[tokio::test]
async fn a_booking_that_nobody_made_is_caught() {
    let report = run(Misdeeds { invents: Some(7), ..Misdeeds::default() }).await;
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(report.findings.iter().any(|finding| finding.contains("never made")), "{report}");
}

#[tokio::test]
async fn an_event_that_says_otherwise_in_the_end_is_caught() {
    let report = run(Misdeeds { forgets_seat: true, ..Misdeeds::default() }).await;
    assert_eq!((report.verdict, report.counters.disordered), (Verdict::Failed, 1), "{report}");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_is_one_booking() {
    let report = run(Misdeeds { loses_answer: Some(7), ..Misdeeds::default() }).await;
    assert_passed(&report);
    assert_eq!(report.counters.resent, 1, "{report}");
    let again = Misdeeds { loses_answer: Some(7), forgets_keys: true, ..Misdeeds::default() };
    let report = run(again).await;
    assert_eq!((report.verdict, report.counters.disordered), (Verdict::Failed, 1), "{report}");
}

#[tokio::test]
async fn viewers_that_are_cut_come_back_and_are_owed_the_last_state() {
    let report = run(Misdeeds { closes: Some((7, 4001)), ..Misdeeds::default() }).await;
    assert_passed(&report);
    assert_eq!((report.counters.reconnects, report.errors["close 4001"]), (5, 5), "{report}");
}

#[tokio::test]
async fn viewers_that_are_told_to_stay_away_stay_away() {
    let report = run(Misdeeds { closes: Some((7, 4503)), ..Misdeeds::default() }).await;
    assert_eq!((report.counters.reconnects, report.errors["close 4503"]), (0, 5), "{report}");
}
